"""The random operators: moments, ranges, that -O0 and -O3 draw the same, and that nodes, iterations and seeds differ."""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import harness

F, I, B, N = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, 20000
node, value = helper.make_node, helper.make_tensor_value_info


def graph(nodes, ins, outs, **consts):
    return helper.make_graph(nodes, "g", ins, [value(n, t, None) for n, t in outs],
                             [numpy_helper.from_array(np.array(v), k) for k, v in consts.items()])


def near(got, want, scale, count=N):
    return abs(got - want) < 6 * scale / np.sqrt(count)


def main():
    p = harness.arguments("Random operators.", "not used")
    o = p.parse_args()
    folder, bad, good = harness.temporary(), [], 0

    def run(g, feeds):
        """the outputs, which are the same at both levels"""
        onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 22)], ir_version=9), folder + "/m.onnx")
        args, result = [], []
        for k, v in feeds.items():
            np.save(f"{folder}/{k}.npy", v)
            args += ["-i", f"{k}={folder}/{k}.npy"]
        for level in "0", "3":
            os.makedirs(folder + "/" + level, exist_ok=True)
            code, text = harness.start([o.zenithc, "run", folder + "/m.onnx", *args, "-o", folder + "/" + level, "-O" + level,
                                        "--cc", o.cc], o.timeout)
            if code:
                raise SystemExit(f"FAIL exit {code}: {text}")
            result.append([np.load(f"{folder}/{level}/output_{i}.npy") for i in range(len(g.output))])
        check("levels", all(np.allclose(a, b, rtol=1e-5, atol=1e-5) for a, b in zip(*result)))
        return result[1]

    def check(what, ok):
        nonlocal good
        good += bool(ok)
        if not ok:
            bad.append(what)

    x = np.full(N, 0.3, np.float32)
    vec = [value("x", F, [N])]
    u, v, s1, s2, s3, n, d, h = run(graph(
        [node("RandomUniform", [], ["u"], shape=[N], low=-2.0, high=4.0), node("RandomUniformLike", ["x"], ["v"]),
         node("RandomNormal", [], ["s1"], shape=[N], seed=5.0), node("RandomNormal", [], ["s2"], shape=[N], seed=5.0),
         node("RandomNormal", [], ["s3"], shape=[N], seed=6.0),
         node("RandomNormalLike", ["x"], ["n"], mean=10.0, scale=3.0),
         node("RandomNormalLike", ["x"], ["d"], dtype=TensorProto.DOUBLE),
         node("RandomUniformLike", ["x"], ["h"], dtype=TensorProto.FLOAT16)], vec,
        [("u", F), ("v", F), ("s1", F), ("s2", F), ("s3", F), ("n", F), ("d", TensorProto.DOUBLE), ("h", TensorProto.FLOAT16)]),
        {"x": x})
    check("uniform", u.min() >= -2 and u.max() < 4 and near(u.mean(), 1, 3 ** .5) and near(u.var(), 3, 3))
    check("uniform like", v.min() >= 0 and v.max() < 1 and len(np.unique(v)) > 0.99 * N and not np.allclose(v, (u + 2) / 6))
    check("half", h.dtype == np.float16 and h.max() < 1 and near(h.astype(float).mean(), 0.5, 0.3))
    check("seeds", (s1 == s2).all() and near((s1 * s3).mean(), 0, 1))
    for name, z in ("normal", (n - 10) / 3), ("double", d), ("seeded", s1):
        check(name, near(z.mean(), 0, 1) and near(z.var(), 1, 2 ** .5) and near((z ** 4).mean(), 3, 96 ** .5) and
              near((z[1:] * z[:-1]).mean(), 0, 1) and 3.3 < z.max() < 6.7)
    b, i, c0, c1 = run(graph([node("Bernoulli", ["x"], ["b"]), node("Bernoulli", ["x"], ["i"], dtype=I),
                              node("Bernoulli", ["zero"], ["c0"]), node("Bernoulli", ["one"], ["c1"])], vec,
                             [("b", F), ("i", I), ("c0", F), ("c1", F)], zero=np.zeros(N, np.float32), one=np.ones(N, np.float32)),
                       {"x": x})
    check("bernoulli", set(b) == {0, 1} and near(b.mean(), 0.3, 0.5) and i.dtype == np.int64 and near((b * i).mean(), 0.09, 0.3))
    check("certain", not c0.any() and c1.all())
    w = np.log(np.array([[1, 0, 3, 4], [5, 1, 0, 0]], np.float32) + 1e-30)
    m, = run(graph([node("Multinomial", ["w"], ["m"], sample_size=N)], [value("w", F, [2, 4])], [("m", TensorProto.INT32)]), {"w": w})
    for row, share in zip(m, ([1 / 8, 0, 3 / 8, 1 / 2], [5 / 6, 1 / 6, 0, 0])):
        check("multinomial", all(near((row == k).mean(), q, 0.5 if q else 0) or (q == 0 and not (row == k).any())
                                 for k, q in enumerate(share)))
    body = helper.make_graph([node("RandomUniformLike", ["c"], ["c2"]), node("Identity", ["g"], ["g2"])], "b",
                             [value("i", I, []), value("g", B, []), value("c", F, [50])],
                             [value("g2", B, []), value("c2", F, [50]), value("c2", F, [50])])
    r, = run(graph([node("Loop", ["three", "", "y"], ["", "r"], body=body)], [value("y", F, [50])], [("r", F)], three=3),
             {"y": x[:50]})
    check("iterations", len(np.unique(r)) == 150)
    for ratio in 0.0, 0.25, 1.0:
        y, mask, z = run(graph([node("Dropout", ["x", "ratio", "train"], ["y", "mask"]), node("Dropout", ["x", "ratio", "off"], ["z"])],
                               vec + [value("train", B, [])], [("y", F), ("mask", B), ("z", F)], off=False,
                               ratio=np.float32(ratio)), {"x": x, "train": np.array(True)})
        check("dropout", near(mask.mean(), 1 - ratio, 0.45) if 0 < ratio < 1 else mask.all() if not ratio else not mask.any())
        check("dropped", (y == np.where(mask, x / np.float32(1 - ratio) if ratio < 1 else 0, 0)).all() and (z == x).all())
    for what in bad:
        print("FAIL", what)
    harness.finish(good, len(bad), 0, folder)


main()
