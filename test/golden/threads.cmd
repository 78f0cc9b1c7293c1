$ zenithc chain.onnx -o x.c --threads 4
exit 2
zenithc: error: --threads: this version makes code for one thread only
