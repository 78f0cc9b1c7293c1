$ zenithc chain.onnx -o x.c -O4
exit 2
zenithc: error: --optimize: '4' is none of 0, 1, 2, 3
