$ zenithc run mlp.onnx -i x=nowhere.npy
exit 3
mlp.onnx: error: cannot read 'nowhere.npy': No such file or directory
