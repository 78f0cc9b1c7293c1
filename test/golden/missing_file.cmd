$ zenithc nowhere.onnx -o x.c
exit 3
nowhere.onnx: error: cannot open nowhere.onnx: No such file or directory
