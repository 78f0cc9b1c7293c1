"""What the fuzz targets begin with: valid models, and valid files of data behind a byte that says what they are.

usage: seeds.py OUT PATH...      PATH: folders of models, searched; OUT/model and OUT/data are filled
"""
import io
import os
import sys

import numpy

LARGEST = 32768
KINDS = {"sequence": 3, "optional": 4, "map": 5}     # as test/fuzz/data.c counts them


def put(out, kind, name, data):
    if len(data) <= LARGEST:
        with open(os.path.join(out, kind, name), "wb") as f:
            f.write(data)


def files(paths):
    for p in paths:
        for folder, _, names in os.walk(p, followlinks=True):
            for name in sorted(names):
                yield os.path.join(folder, name)


def arrays():
    for t in "b1 i1 i2 <i4 >i4 i8 u1 u2 u4 u8 f2 >f4 <f8 c8 >c16 U3 S5 >U2".split():
        for shape in (), (3,), (2, 3), (0, 2):
            yield numpy.arange(max(1, numpy.prod(shape, dtype=int))).astype(t)[:numpy.prod(shape, dtype=int)].reshape(shape)
    yield numpy.asfortranarray(numpy.arange(6).reshape(2, 3))


def main():
    out, paths = sys.argv[1], sys.argv[2:]
    for kind in "model", "data":
        os.makedirs(os.path.join(out, kind), exist_ok=True)
    for path in files(paths):
        if not path.endswith((".onnx", ".pb")) or os.path.getsize(path) > LARGEST:
            continue
        with open(path, "rb") as f:
            data = f.read()
        name = path.strip("./").replace("/", "_")[-100:]
        if path.endswith(".onnx"):
            put(out, "model", name, data)
            continue
        kind = next((k for w, k in KINDS.items() if w in path), 2)
        if len(data) < 400 and (kind != 2 or len(data) % 8 == 0):
            put(out, "data", name, bytes([kind]) + data)
    for i, a in enumerate(arrays()):
        f, g = io.BytesIO(), io.BytesIO()
        numpy.save(f, a)
        numpy.savez(g, x=a, y=a)
        put(out, "data", f"{i}.npy", b"\0" + f.getvalue())
        put(out, "data", f"{i}.npz", b"\1" + g.getvalue())


main()
