$ zenithc chain.onnx
exit 2
zenithc: error: nothing to write: -o OUT says what; OUT ends in .c, .o, .a or .so, or is - for C on standard output
