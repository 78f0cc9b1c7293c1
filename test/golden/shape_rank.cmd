$ zenithc chain.onnx -o x.c --shape x=2x3x4
exit 2
chain.onnx: error: input 'x': --shape has 3 dimensions, the model 2
