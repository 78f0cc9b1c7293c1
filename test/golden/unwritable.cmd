$ zenithc mlp.onnx -o nowhere/x.c
exit 74
mlp.onnx: error: cannot write 'nowhere/x.h': No such file or directory
