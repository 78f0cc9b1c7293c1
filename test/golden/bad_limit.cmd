$ zenithc chain.onnx -o x.c --limit speed=1
exit 2
zenithc: error: --limit: there is no limit named 'speed'; zenithc(1) lists them
