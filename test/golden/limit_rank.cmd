$ zenithc mlp.onnx -o x.c --limit rank=1
exit 6
mlp.onnx: error: input 'x': 2 dimensions of a tensor: more than the limit of 1; --limit rank=N raises it
