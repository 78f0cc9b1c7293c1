"""Single kernels beside oneDNN and the fed FMA rate: writes a small model for each shape, has build/bench/kernels
measure it, and tells.

usage: kernels.py [options] [SHAPE]...     SHAPE: a part of a name in the table; without: all

bench/README.md describes the measurement.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# the groups with a bar count shapes of at least so many multiply-adds
LEAST = 1e7
BARRED = ("gemm", "1x1", "3x3")
# the family of micro-kernels that a group is there for: each that `zenithc targets --json` tells of has one
FAMILY = {"gemm": "contract", "product": "contract", "1x1": "contract", "3x3": "contract", "depthwise": "rows",
          "int8": "dot", "rowwise": "lanes"}

# M, N, K; the second operand is constant, bias and ReLU follow
GEMM = [(3136, 64, 64), (784, 512, 128), (196, 1024, 256), (49, 2048, 512), (128, 768, 768), (128, 3072, 768),
        (128, 768, 3072), (64, 768, 768), (64, 2304, 768), (64, 3072, 768), (197, 384, 384), (197, 1536, 384),
        (197, 384, 1536), (64, 512, 512), (64, 2048, 512), (1500, 384, 384), (3136, 96, 384), (784, 192, 768),
        (256, 256, 256), (512, 512, 512)]
# batch, M, N, K; neither is constant
PRODUCT = [(12, 128, 128, 64), (12, 128, 64, 128), (6, 197, 197, 64), (6, 197, 64, 197)]
# channels in and out, height, width, stride; bias and ReLU follow
CONV1 = [(64, 64, 56, 56, 1), (64, 256, 56, 56, 1), (256, 64, 56, 56, 1), (256, 128, 56, 56, 1), (128, 512, 28, 28, 1),
         (512, 128, 28, 28, 1), (256, 1024, 14, 14, 1), (1024, 256, 14, 14, 1), (512, 2048, 7, 7, 1),
         (2048, 512, 7, 7, 1), (256, 512, 56, 56, 2), (512, 1024, 28, 28, 2), (1024, 2048, 14, 14, 2),
         (32, 16, 112, 112, 1), (16, 96, 112, 112, 1), (96, 24, 56, 56, 1), (24, 144, 56, 56, 1), (32, 192, 28, 28, 1),
         (64, 384, 14, 14, 1), (384, 96, 14, 14, 1), (160, 960, 7, 7, 1), (320, 1280, 7, 7, 1)]
CONV3 = [(64, 64, 56, 56, 1), (128, 128, 28, 28, 1), (256, 256, 14, 14, 1), (512, 512, 7, 7, 1), (128, 128, 56, 56, 2),
         (256, 256, 28, 28, 2), (512, 512, 14, 14, 2), (64, 128, 56, 56, 2), (64, 64, 224, 224, 1),
         (64, 128, 112, 112, 1), (128, 256, 56, 56, 1), (256, 512, 28, 28, 1), (512, 512, 28, 28, 1),
         (512, 512, 14, 14, 1), (3, 64, 224, 224, 1), (3, 32, 224, 224, 2), (16, 64, 55, 55, 1), (48, 192, 27, 27, 1)]
# channels, height, width, stride
DEPTHWISE = [(32, 112, 112, 1), (96, 112, 112, 2), (144, 56, 56, 1), (192, 28, 28, 1), (384, 14, 14, 1),
             (576, 14, 14, 2), (960, 7, 7, 1)]
# M, N, K of uint8 activations by constant int8 weights, requantised
INT8 = [(784, 512, 128), (196, 1024, 256), (49, 2048, 512), (128, 768, 768), (128, 3072, 768), (128, 768, 3072)]
# operator, rows and columns
ROWWISE = [("Softmax", 1536, 128), ("Softmax", 1182, 197), ("LayerNormalization", 128, 768),
           ("LayerNormalization", 197, 384), ("Gelu", 128, 3072), ("Sigmoid", 3136, 144), ("Erf", 128, 3072)]


class Shape:
    def __init__(self, group, name, macs, spec, write):
        self.group, self.name, self.macs, self.spec, self.write = group, name, macs, spec, write


def weights(rng, name, *dims):
    scale = (3 / max(1, np.prod(dims[1:]))) ** 0.5
    return numpy_helper.from_array(rng.uniform(-scale, scale, dims).astype(np.float32), name)


def save(path, nodes, ins, init, dtype=TensorProto.FLOAT):
    ins = [helper.make_tensor_value_info(n, dtype, d) for n, d in ins]
    out = helper.make_tensor_value_info(nodes[-1].output[0], dtype, None)
    graph = helper.make_graph(nodes, "kernel", ins, [out], init)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), path)


def matmul(b, m, n, k, constant):
    def write(path):
        rng = np.random.default_rng(1)
        if not constant:
            node = helper.make_node("MatMul", ["x", "y"], ["z"], name="kernel")
            save(path, [node], [("x", [b, m, k]), ("y", [b, k, n])], [])
            return
        nodes = [helper.make_node("MatMul", ["x", "w"], ["p"], name="kernel"),
                 helper.make_node("Add", ["p", "b"], ["s"], name="kernel_bias"),
                 helper.make_node("Relu", ["s"], ["z"], name="kernel_relu")]
        save(path, nodes, [("x", [m, k])], [weights(rng, "w", k, n), weights(rng, "b", n)])
    name = f"{m}x{n}x{k}" if constant else f"{b} of {m}x{n}x{k}"
    return Shape("gemm" if constant else "product", name, b * m * n * k, ["matmul", b, m, n, k, int(constant)], write)


def conv(group, g, ci, co, h, w, k, s):
    """Between two 1x1 convolutions of 8 channels outside, so that its own operands are laid out as within a network;
    an input of 3 channels is a network's first."""
    def write(path):
        rng = np.random.default_rng(1)
        layers = [("before", 8, ci, 1, 1, 1), ("kernel", ci, co, k, s, g), ("after", co, 8, 1, 1, 1)]
        layers = layers[1:] if ci == 3 else layers
        nodes, init, x = [], [], "x"
        for name, i, o, kk, ss, gg in layers:
            init += [weights(rng, name + "_w", o, i // gg, kk, kk), weights(rng, name + "_b", o)]
            nodes += [helper.make_node("Conv", [x, name + "_w", name + "_b"], [name + "_c"], name=name, group=gg,
                                       kernel_shape=[kk, kk], strides=[ss, ss], pads=[kk // 2] * 4),
                      helper.make_node("Relu", [name + "_c"], [name + "_r"], name=name + "_relu")]
            x = name + "_r"
        save(path, nodes, [("x", [1, layers[0][1], h, w])], init)
    macs = co * ((h - 1) // s + 1) * ((w - 1) // s + 1) * ci // g * k * k
    name = f"{h}x{w} {ci}" + (f"->{co}" if g == 1 else "") + (f" /{s}" if s > 1 else "")
    return Shape(group, f"{group} {name}", macs, ["conv", g, ci, co, h, w, k, s], write)


def int8(m, n, k):
    def write(path):
        rng = np.random.default_rng(1)
        init = [numpy_helper.from_array(a, name) for name, a in (
            ("scale", np.float32(0.01)), ("zero", np.uint8(128)), ("none", np.int8(0)),
            ("w", rng.integers(-127, 128, (k, n), np.int8)))]
        node = helper.make_node("QLinearMatMul", ["x", "scale", "zero", "w", "scale", "none", "scale", "zero"], ["z"],
                                name="kernel")
        save(path, [node], [("x", [m, k])], init, TensorProto.UINT8)
    return Shape("int8", f"int8 {m}x{n}x{k}", m * n * k, ["int8"], write)


def rowwise(op, rows, cols):
    def write(path):
        init = [numpy_helper.from_array(np.ones(cols, np.float32), "scale")] if op == "LayerNormalization" else []
        node = helper.make_node(op, ["x"] + [i.name for i in init], ["z"], name="kernel")
        save(path, [node], [("x", [rows, cols])], init)
    return Shape("rowwise", f"{op} {rows}x{cols}", 0, ["rowwise"], write)


def shapes():
    return [matmul(1, *s, True) for s in GEMM] + [matmul(*s, False) for s in PRODUCT] + \
        [conv("1x1", 1, *s[:4], 1, s[4]) for s in CONV1] + [conv("3x3", 1, *s[:4], 3, s[4]) for s in CONV3] + \
        [conv("depthwise", c, c, c, h, w, 3, s) for c, h, w, s in DEPTHWISE] + [int8(*s) for s in INT8] + \
        [rowwise(*s) for s in ROWWISE]


def without_shape(zenithc):
    """the families of micro-kernels with vectors that no group is there for"""
    told = {t["name"]: {f["name"] for f in t["families"]}
            for t in json.loads(subprocess.check_output([zenithc, "targets", "--json"])) if "families" in t}
    return sorted(told["c"] - told["scalar"] - set(FAMILY.values()))


def measure(o, s):
    path = os.path.join(o.work, "kernel.onnx")
    s.write(path)
    words = [o.run, path, o.threads, o.seconds, *s.spec]
    env = dict(os.environ, OMP_NUM_THREADS=str(o.threads))
    r = {"group": s.group, "name": s.name, "macs": s.macs}
    try:
        p = subprocess.run([str(w) for w in words], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=env,
                           timeout=600 + 3 * o.seconds)
    except subprocess.TimeoutExpired:
        return {**r, "error": "it takes too long"}
    if p.returncode:
        return {**r, "error": f"the measuring process ended with {p.returncode}"}
    r.update(json.loads(p.stdout))
    if s.macs:
        r["gflops"] = 2e-3 * s.macs / r["zenithc"]["us"]
        r["share"] = r["gflops"] / r["fma_gflops"]
    if "us" in r["onednn"]:
        r["r"] = r["onednn"]["us"] / r["zenithc"]["us"]
        r["onednn"]["share"] = 2e-3 * s.macs / r["onednn"]["us"] / r["fma_gflops"]
    return r


def counts(r):
    return r["group"] not in BARRED or r["macs"] >= LEAST


def row(r):
    head = f"{r['name']:<30} " + (f"{r['macs'] * 1e-6:>8.2f}" if r["macs"] else f"{'-':>8}")
    if "error" in r:
        return f"{head}  {r['error']}"
    there = "r" in r
    return (f"{head} {r['zenithc']['us']:>10.2f} " + (f"{r['onednn']['us']:>10.2f}" if there else f"{'-':>10}") +
            (f" {r['r']:>6.2f}" if there else f" {'-':>6}") +
            (f" {100 * r['share']:>5.0f}%" if "share" in r else f" {'-':>6}") +
            (f" {100 * r['onednn']['share']:>5.0f}%" if there else f" {'-':>6}") + ("" if counts(r) else "  (small)"))


def summary(done):
    groups = {g: [r for r in done if r["group"] == g] for g in dict.fromkeys(r["group"] for r in done)}
    groups["all with a bar"] = [r for r in done if r["group"] in BARRED]
    result = {}
    for g, rows in groups.items():
        rows = [r for r in rows if "share" in r and counts(r)]
        if not rows:
            continue
        ratios = [r["r"] for r in rows if "r" in r]
        worst = min(rows, key=lambda r: r["share"])
        result[g] = {"shapes": len(rows), "median": statistics.median(r["share"] for r in rows),
                     "worst": worst["share"], "worst_name": worst["name"],
                     "r": statistics.geometric_mean(ratios) if ratios else None}
    return result


def arguments():
    p = argparse.ArgumentParser(description="zenithc's kernels beside oneDNN and the fed FMA rate")
    p.add_argument("--zenithc", default="build/zenithc")
    p.add_argument("--run", default="build/bench/kernels", help="the program that measures")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seconds", type=float, default=2, help="of timing per shape")
    p.add_argument("--work", default="build/bench/work", help="folder for what is made on the way")
    p.add_argument("--json", metavar="FILE", help="everything")
    p.add_argument("shapes", nargs="*")
    return p.parse_args()


def main():
    o = arguments()
    some = [s for s in shapes() if not o.shapes or any(w in s.name for w in o.shapes)]
    if not some:
        sys.exit("kernels: no shape has such a name")
    missing = without_shape(o.zenithc)
    if missing:
        sys.exit(f"kernels: no shape for {' '.join(missing)}")
    os.makedirs(o.work, exist_ok=True)
    print(f"{'shape':<30} {'MMAC':>8} {'zenithc us':>10} {'oneDNN us':>10} {'r':>6} {'share':>6} {'oneDNN':>6}")
    done = []
    for s in some:
        done.append(measure(o, s))
        print(row(done[-1]), flush=True)
    result = {"schema": 1, "threads": o.threads, "seconds": o.seconds, "load": os.getloadavg()[0],
              "summary": summary(done), "kernels": done}
    print(f"\n{'group':<16} {'shapes':>6} {'median':>7} {'worst':>6} {'r':>6}")
    for g, v in result["summary"].items():
        print(f"{g:<16} {v['shapes']:>6} {100 * v['median']:>6.0f}% {100 * v['worst']:>5.0f}% " +
              (f"{v['r']:>6.2f}" if v["r"] else f"{'-':>6}") + f"  worst: {v['worst_name']}")
    ran = [r for r in done if "share" in r and r["group"] != "int8"]
    if ran:
        print(f"\nfed FMA rate {max(r['fma_gflops'] for r in ran):.1f} GFLOP/s at best ({ran[0]['fma_loop']})")
        if "why" in ran[0]["onednn"]:
            print(f"oneDNN: {ran[0]['onednn']['why']}; ./bootstrap bench installs it")
    if o.json:
        with open(o.json, "w") as f:
            json.dump(result, f, indent="\t")
            f.write("\n")
    sys.exit(any("error" in r for r in done))


if __name__ == "__main__":
    main()
