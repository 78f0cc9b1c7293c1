$ zenithc chain.onnx -o x.c --name 2x
exit 2
zenithc: error: --name: '2x' cannot begin names in C
