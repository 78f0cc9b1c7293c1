$ zenithc chain.onnx -o x.c --dim m=4
exit 2
chain.onnx: error: --dim m: the model's open dimensions are: n
