$ zenithc mlp.onnx -o x.o --cc no-such-compiler
exit 5
mlp.onnx: error: cannot start 'no-such-compiler': No such file or directory; --cc names another C compiler
