$ zenithc chain.onnx -o x.c --threads 400
exit 2
zenithc: error: --threads: at most 256
