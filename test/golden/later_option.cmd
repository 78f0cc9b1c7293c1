$ zenithc chain.onnx -o x.c --precision int8
exit 2
zenithc: error: --precision does not exist yet
