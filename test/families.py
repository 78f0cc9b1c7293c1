"""Every family of micro-kernels that `zenithc targets --json` names, by itself, against -O0: random shapes with rests of
vectors and tiles, strides, dilations, padding, groups, transposed and constant operands, dtypes; the vectors of each
instruction set that this machine runs. A family that no case was built by is a failure, and so is one without cases.
usage: families.py [options] [REGEX]     needs a test build: --family is its option"""
import json
import re
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import harness

PARTS = 6                        # operators of a model, each with inputs and an output of its own
F32, F16, F64 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE
TOLERANCE = {F32: "1e-5", F16: "5e-3", F64: "1e-13"}


class Net:
    def __init__(self, seed, dtype=F32):
        self.rng, self.dtype = np.random.default_rng(seed), dtype
        self.nodes, self.weights, self.inputs, self.outputs = [], [], [], []

    def to(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def one(self, *of):
        return of[self.to(0, len(of) - 1)]

    def const(self, a):
        self.weights.append(numpy_helper.from_array(np.asarray(a), f"w{len(self.weights)}"))
        return self.weights[-1].name

    def weight(self, *dims):
        a = self.rng.uniform(-1, 1, dims) / max(1, np.prod(dims[1:])) ** 0.5
        return self.const(a.astype(helper.tensor_dtype_to_np_dtype(self.dtype)))

    def given(self, *dims, dtype=None):
        self.inputs.append(helper.make_tensor_value_info(f"x{len(self.inputs)}", dtype or self.dtype, dims))
        return self.inputs[-1].name

    def add(self, op, *ins, **attrs):
        self.nodes.append(helper.make_node(op, list(ins), [f"v{len(self.nodes)}"], **attrs))
        return self.nodes[-1].output[0]

    def out(self, name, dtype=None):
        self.outputs.append(helper.make_tensor_value_info(name, dtype or self.dtype, None))

    def model(self):
        g = helper.make_graph(self.nodes, "g", self.inputs, self.outputs, self.weights)
        return helper.make_model(g, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def window(n, rank, most):
    """kernel, strides, dilations, pads and a shape that holds them"""
    k, s = [n.to(1, most) for _ in range(rank)], [n.to(1, 3) for _ in range(rank)]
    d = [n.one(1, 1, 2) for _ in range(rank)]
    pads = [n.to(0, min(x, 3) - 1) for x in k] * 2
    shape = [n.to(1, {1: 60, 2: 15, 3: 7}[rank]) + (x - 1) * y for x, y in zip(k, d)]
    return shape, {"kernel_shape": k, "strides": s, "dilations": d, "pads": pads}


def product(n):
    m, k, c = n.one(1, n.to(1, 40)), n.to(1, 70), n.to(1, 70)
    kind = n.to(0, 3)
    if kind == 0:
        return n.add("Gemm", n.given(m, k), n.weight(c, k), n.weight(c), transB=1)
    if kind == 1:
        a, t = n.given(k, m), n.to(0, 1)
        return n.add("Gemm", a, n.given(c, k) if t else n.given(k, c), transA=1, transB=t, alpha=0.5)
    lead = [n.to(1, 4)] * n.to(0, 2)
    x = n.given(*lead, m, k)
    y = n.weight(k, c) if kind == 2 else n.given(*lead, k, c)
    return n.add("MatMul", x, y)


def conv(n):
    rank = n.one(1, 2, 2, 3)
    shape, attrs = window(n, rank, 4)
    g = n.one(1, 1, 1, 2)
    cin, cout = g * n.to(1, 20), g * n.to(1, 40)
    x = n.given(n.to(1, 2), cin, *shape)
    if n.to(0, 4) == 0:
        attrs = {"kernel_shape": attrs["kernel_shape"], "strides": attrs["strides"]}
        return n.add("ConvTranspose", x, n.weight(cin, cout, *attrs["kernel_shape"]), **attrs)
    return n.add("Conv", x, n.weight(cout, cin // g, *attrs["kernel_shape"]), n.weight(cout), group=g, **attrs)


def depthwise(n):
    shape, attrs = window(n, n.one(1, 2, 2, 3), 5)
    c = n.to(1, 50)
    return n.add("Conv", n.given(1, c, *shape), n.weight(c, 1, *attrs["kernel_shape"]), n.weight(c), group=c, **attrs)


def pool(n):
    shape, attrs = window(n, n.one(1, 2, 2, 3), 3)
    op = n.one("MaxPool", "AveragePool")
    return n.add(op, n.given(n.to(1, 2), n.to(1, 40), *shape), **attrs)


def elementwise(n):
    dims = [n.to(1, 9), n.to(1, 70)]
    op = n.one("Exp", "Erf", "Tanh", "Sigmoid", "Softplus", "Gelu", "Sqrt", "HardSwish", "Elu", "Mul")
    x = n.given(*dims)
    if op == "Sqrt":
        x = n.add("Abs", x)
    return n.add(op, x, n.weight(*dims[n.to(0, 1):])) if op == "Mul" else n.add(op, x)


def normal(n):
    rank = n.to(1, 3)
    dims = [n.to(1, 12) for _ in range(rank - 1)] + [n.to(1, 90)]
    axis = n.to(0, rank - 1)
    kind = n.to(0, 3)
    x = n.given(*dims)
    if kind == 0:
        return n.add("Softmax", x, axis=axis)
    if kind == 1:
        return n.add("LayerNormalization", x, n.weight(*dims[axis:]), axis=axis)
    return n.add(n.one("ReduceSum", "ReduceMax", "ReduceMean", "ReduceL2"), x, n.const(np.array([axis])), keepdims=n.to(0, 1))


def bytes_of(n, dtype, *dims):
    info = np.iinfo(helper.tensor_dtype_to_np_dtype(dtype))
    return n.const(n.rng.integers(info.min, info.max + 1, dims).astype(info.dtype))


def byte(n):
    """all pairs of types; sums as they are, or requantised; zero points of weights: 0, any, or one for each column"""
    u8, s8 = TensorProto.UINT8, TensorProto.INT8
    a, w = n.one(u8, s8), n.one(u8, s8)
    m, k, c = n.to(1, 30), n.to(1, 90), n.to(8, 60)
    zero = bytes_of(n, a)
    around = [n.const(np.zeros((), helper.tensor_dtype_to_np_dtype(w))), bytes_of(n, w), bytes_of(n, w, c)][n.to(0, 2)]
    scale = [n.const(np.float32(n.rng.uniform(0.002, 0.02))) for _ in range(3)]

    def quantised(op, x, y, *more, **attrs):
        return n.add(op, x, scale[0], zero, y, scale[1], around, scale[2], zero, *more, **attrs)

    if n.to(0, 1):
        x, y = n.given(m, k, dtype=a), bytes_of(n, w, k, c)
        if n.to(0, 1):
            return n.add("MatMulInteger", x, y, n.one(zero, bytes_of(n, a, m)), around), TensorProto.INT32
        return quantised("QLinearMatMul", x, y), a
    shape, attrs = window(n, n.one(1, 2), 3)
    cin = n.to(1, 30)
    x = n.given(1, cin, *shape, dtype=a)             # another before it, since inputs have their channels outside
    one = bytes_of(n, w)
    x = n.add("QLinearConv", x, scale[0], zero, bytes_of(n, w, cin, cin, *[1] * len(shape)), scale[1], one, scale[2], zero)
    bias = n.const(n.rng.integers(-9999, 9999, c).astype(np.int32))
    return quantised("QLinearConv", x, bytes_of(n, w, c, cin, *attrs["kernel_shape"]), bias, **attrs), a


# per family: what makes cases for it, the dtypes, and what to compile for
FAMILIES = {"dot": ((byte,), (F32,), ("avx512vnni", "avx512", "avx2")),
            "contract": ((product, conv), (F32, F32, F16), ("avx512", "avx2")),
            "rows": ((depthwise, pool), (F32, F32, F16), ("avx512", "avx2")),
            "lanes": ((elementwise, normal), (F32, F32, F16), ("avx512", "avx2")),
            "tile": ((product, conv, depthwise, normal), (F32, F64, F16), ("scalar", "c"))}


def check(o, family, makes, dtype, target, seed, path, built):
    n = Net(seed, dtype)
    for i in range(PARTS):
        y = makes[(seed + i) % len(makes)](n)
        n.out(*(y if isinstance(y, tuple) else (y,)))
    onnx.save(n.model(), path)
    # sums of bytes are exact; requantised, they may round the other way where a product of scales falls on a half
    tol = "0.005" if family == "dot" else TOLERANCE[dtype]
    cmd = [o.zenithc, path, "-o", path + ".c", "--family", family, "--target", target, "--verify", "--tolerance", tol, "-v",
           "--cc", o.cc]
    code, text = harness.start(cmd, o.timeout)
    kind = harness.KIND.get(code, harness.CRASH)
    if kind == harness.PASS:
        built[family] = built.get(family, 0) + sum(map(int, re.findall(rf"^families .*\b{family} (\d+)", text, re.M)))
    return kind, "" if kind == harness.PASS else harness.message(text) + f" ({path})", code


def main():
    p = harness.arguments("Every family of micro-kernels against -O0.", "only families that match one of these")
    p.add_argument("--count", type=int, default=6, help=f"models of {PARTS} operators for a family and target")
    p.add_argument("--seed", type=int, default=1)
    o = p.parse_args()
    targets = json.loads(subprocess.run([o.zenithc, "targets", "--json"], stdout=subprocess.PIPE, check=True).stdout)
    known = {f["name"] for t in targets for f in t["families"]}
    tmp, built = harness.temporary(), {}
    o.cc = harness.warm(o.cc, tmp)
    jobs = [(f"{family} {target} {seed}", lambda a=(o, family, makes, dtypes[seed % len(dtypes)], target, seed,
                                                    f"{tmp}/{family}-{target}-{seed}.onnx", built): check(*a))
            for family, (makes, dtypes, on) in FAMILIES.items() if not o.only or any(re.search(r, family) for r in o.only)
            for target in on for seed in range(o.seed, o.seed + o.count)]
    results = list(harness.run_all(jobs, o.j))
    bad = [(n, r[1]) for n, r in results if r[0] != harness.PASS]
    bad += [(f, "no cases here") for f in sorted(known - set(FAMILIES))]
    bad += [(f, "no case was built by it") for f in FAMILIES if any(n.startswith(f + " ") for n, _ in jobs) and not built.get(f)]
    for name, text in sorted(bad):
        print(f"FAIL {name}: {text}")
    print(", ".join(f"{f} {n}" for f, n in sorted(built.items())) + " stages built")
    harness.finish(len(jobs) - sum(r[0] != harness.PASS for _, r in results), len(bad), 0, tmp)


if __name__ == "__main__":
    sys.exit(main())
