$ zenithc chain.onnx -o x.c --target cuda
exit 2
zenithc: error: --target: there is no target named 'cuda'; `zenithc targets` lists them
