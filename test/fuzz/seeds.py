"""What the fuzz targets begin with: valid models, those of some tests among them, and valid files of data behind a byte
that says what they are.

usage: seeds.py OUT PATH...      PATH: folders of models, searched; OUT/model and OUT/data are filled
"""
import io
import os
import sys

import numpy
from onnx import helper

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import contrib
import control
import families
import graphcases  # noqa: F401: adds to OPS
import graphflow  # noqa: F401: the same
from graphgen import Case
from graphops import OPS

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


def padded(n, dynamic):
    """vectors whose conditions lie outside of their loops: borders, rests of tiles, dims that only the run knows"""
    x = n.given(*dynamic, 35, 21)
    border = n.const(numpy.array([0, 0, 3, 1, 0, 0, 2, 4]))
    x = n.add("Pad", x, border) if dynamic else x
    return n.add("Relu", n.add("MatMul", x, n.weight(26 if dynamic else 21, 37)))


def bordered(n, mode):
    x = n.add("Pad", n.given(1, 5, 9, 11), n.const(numpy.array([0, 0, 1, 2, 0, 0, 2, 1])), mode=mode)
    return n.add("Conv", x, n.weight(19, 5, 3, 3), pads=[1, 0, 1, 0])


def flexible(heads, kv):
    """FlexAttention with a graph for its scores"""
    score = helper.make_graph([helper.make_node("Tanh", ["s"], ["t"])], "score", [helper.make_tensor_value_info("s", 1, [2, heads, 5, 7])],
                              [helper.make_tensor_value_info("t", 1, [2, heads, 5, 7])])
    ins = [helper.make_tensor_value_info(k, 1, [2, h, l, 16]) for k, h, l in (("q", heads, 5), ("k", kv, 7), ("v", kv, 7))]
    node = helper.make_node("FlexAttention", ["q", "k", "v"], ["y"], domain="ai.onnx.preview", score_mod=score)
    g = helper.make_graph([node], "g", ins, [helper.make_tensor_value_info("y", 1, None)])
    return helper.make_model(g, opset_imports=[helper.make_opsetid("", 26), helper.make_opsetid("ai.onnx.preview", 1)], ir_version=11)


def made():
    for make in contrib.floats, contrib.attention, contrib.quantised:
        make()
    for name, (m, _) in contrib.CASES.items():
        yield "contrib_" + name, m
    for name, g, *_ in control.cases():
        m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 21)], ir_version=9)
        yield "control_" + "".join(c if c.isalnum() else "_" for c in name), m
    for family, (makes, dtypes, _) in families.FAMILIES.items():
        for i, make in enumerate(makes):
            for dtype in set(dtypes):
                n = families.Net(i, dtype)
                y = make(n)
                n.out(*(y if isinstance(y, tuple) else (y,)))
                yield f"{family}_{i}_{dtype}", n.model()
    for name, make, arg in (("matmul", padded, ()), ("batch", padded, ("N", "M")), ("edge", bordered, "edge"), ("zero", bordered, "constant")):
        n = families.Net(1)
        n.out(make(n, arg))
        yield "padded_" + name, n.model()
    for heads, kv in (2, 2), (4, 2):
        yield f"flex_{heads}_{kv}", flexible(heads, kv)
    for seed in range(60):
        yield f"random_{seed}", Case(seed, OPS).model


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
    for name, m in made():
        put(out, "model", name + ".onnx", m.SerializeToString())
    for i, a in enumerate(arrays()):
        f, g = io.BytesIO(), io.BytesIO()
        numpy.save(f, a)
        numpy.savez(g, x=a, y=a)
        put(out, "data", f"{i}.npy", b"\0" + f.getvalue())
        put(out, "data", f"{i}.npz", b"\1" + g.getvalue())


main()
