$ zenithc chain.onnx -o x.c --limit nodes=2
exit 6
chain.onnx: error: 3 nodes of the model, functions inlined: more than the limit of 2; --limit nodes=N raises it
