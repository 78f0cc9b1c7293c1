$ zenithc cache.onnx -o x.c --state past=total
exit 2
cache.onnx: error: --state: dimension 1 of 'total' float32[2, len + 1, 4] has no upper bound; give it one with --dim NAME=A..B
