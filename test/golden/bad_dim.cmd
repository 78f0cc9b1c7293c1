$ zenithc chain.onnx -o x.c --dim n
exit 2
zenithc: error: --dim n: expected NAME=VALUE
