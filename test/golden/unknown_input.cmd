$ zenithc chain.onnx -o x.c --shape z=1x3
exit 2
chain.onnx: error: --shape z: the model has no such input
