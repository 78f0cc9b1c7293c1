$ zenithc chain.onnx -o x.cu
exit 4
chain.onnx: error: -o x.cu: there is no target for .cu yet
