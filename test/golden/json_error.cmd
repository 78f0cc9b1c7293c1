$ zenithc short_data.onnx -o x.c --log-format=json
exit 3
{"level":"error","file":"short_data.onnx","where":"tensor 'w'","message":"has 44 bytes, its shape and type need 48"}
