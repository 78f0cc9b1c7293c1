$ zenithc chain.onnx -o x.c --dim n=8..2
exit 2
zenithc: error: --dim: '2' is not a whole number of at least 8
