$ zenithc verify mlp.onnx
exit 2
zenithc: error: verify: --data DIR says where inputs and outputs lie
