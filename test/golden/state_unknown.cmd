$ zenithc cache.onnx -o x.c --state past=nothing
exit 2
cache.onnx: error: --state: the model has no output 'nothing'
