$ zenithc bench chain.onnx
exit 2
zenithc: error: `zenithc bench` does not exist yet
