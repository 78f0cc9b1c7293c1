$ zenithc chain.onnx -o /dev/null --frobnicate
exit 2
zenithc: error: there is no option --frobnicate, or it is short for several; --help lists them
