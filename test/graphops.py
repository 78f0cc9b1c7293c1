"""What random graphs are made of: each function of OPS tries to add a node, or a few as exporters write them, to a
graph of graphgen.py; it gives None where nothing fits."""
import numpy as np
from onnx import helper, numpy_helper

from graphgen import BOOL, F16, F32, F64, FLOATS, I8, I32, I64, INTS, LARGEST, U8, operators

OPS, op = operators()


# ---- elementwise

def nearly(g, dtypes=FLOATS):
    return g.pick(dtypes=dtypes)


@op(6)
def unary(g):
    x = nearly(g)
    return x and g.add(g.one("LeakyRelu Elu Sigmoid Tanh Erf Softplus HardSigmoid HardSwish Sin Cos Selu Celu "
                             "Softsign Mish Atan Asinh".split()), [x])


@op(4)
def unary_exact(g):
    x = g.pick(dtypes=FLOATS + INTS)
    return x and g.add(g.one("Relu Neg Abs Identity Relu Relu".split()), [x], exact=True)


@op(2)
def unary_jump(g):
    x = g.pick(dtypes=FLOATS, exact=True)
    return x and g.add(g.one("Floor Ceil Round Sign ThresholdedRelu".split()), [x], exact=True)


@op(2)
def unary_positive(g):
    x = g.pick(lambda v: v.a.size and (v.a > .1).all(), dtypes=FLOATS)
    if not x:
        y = nearly(g)
        x = y and g.add("Add", [g.add("Abs", [y], exact=True), g.const(np.array(.5, y.dtype))], exact=True)
    return x and g.add(g.one("Sqrt Log Reciprocal".split()), [x])


@op(1)
def exponential(g):
    x = g.pick(lambda v: v.a.size == 0 or v.a.max() < 5, dtypes=FLOATS)
    return x and g.add("Exp", [x])


@op(2)
def clip(g):
    x = g.pick(dtypes=FLOATS + (I64, I32))
    if not x:
        return None
    lo, hi = (g.const(np.array(v, x.dtype)) for v in (-1, 2))
    return g.add("Clip", g.one([[x, lo, hi], [x, "", hi], [x, lo]]), exact=True)


@op(1)
def gelu(g):
    x = nearly(g)
    if g.opset >= 20:
        return x and g.add("Gelu", [x], approximate=g.one(["none", "tanh"]))
    e = x and g.add("Erf", [g.add("Div", [x, g.const(np.array(2 ** .5, x.dtype))])])
    e = e and g.add("Add", [e, g.const(np.array(1, x.dtype))])
    return e and g.add("Mul", [g.add("Mul", [x, e]), g.const(np.array(.5, x.dtype))])


def broadcastable(a, b):
    try:
        return np.prod(np.broadcast_shapes(a, b)) <= LARGEST
    except ValueError:
        return False


def partner(g, x, const=.4, **how):
    """Something of x's dtype that broadcasts with it: a value, a constant, x itself."""
    if g.chance(const):
        shape = [d if g.chance(.6) else 1 for d in x.shape][g.int(0, x.rank):]
        if g.chance(.1):
            shape = [1] + list(x.shape)
        return g.const(g.data(shape, x.dtype))
    if g.chance(.1):
        return x
    return g.pick(lambda v: v.dtype == x.dtype and broadcastable(v.shape, x.shape), **how)


@op(9)
def binary(g):
    x = nearly(g)
    y = x and partner(g, x)
    if not y:
        return None
    return g.add(g.one("Add Add Sub Mul Mul Min Max".split()), [x, y] if g.chance(.6) else [y, x], exact=True)


@op(2)
def quotient(g):
    x = g.pick(dtypes=FLOATS)
    y = x and g.pick(lambda v: v.dtype == x.dtype and broadcastable(v.shape, x.shape)
                     and (np.abs(v.a) > .1).all())
    if not y and x:
        y = partner(g, x, 1)
        y = g.const(np.abs(y.a) + np.array(.5, x.dtype))
    return y and g.add("Div", [x, y])


@op(1)
def power(g):
    x = nearly(g)
    return x and g.add("Pow", [x, g.const(np.array(g.one([2, 3]), g.one([x.dtype, I64])))], exact=True)


@op(1)
def prelu(g):
    x = g.pick(dtypes=(F32,), rank=(1, 4))
    if not x:
        return None
    s = [d if g.chance(.5) else 1 for d in x.shape]
    return g.add("PRelu", [x, g.const(g.data(s[g.int(0, x.rank - 1):], x.dtype))], exact=True)


@op(1)
def variadic(g):
    x = nearly(g)
    ys = x and [partner(g, x, .5) for _ in range(g.int(1, 3))]
    return ys and None not in ys and g.add(g.one("Sum Mean Max Min".split()), [x] + ys)


@op(4)
def integer(g):
    x = g.pick(dtypes=INTS)
    y = x and partner(g, x, .5)
    return y and g.add(g.one("Add Sub Mul Min Max BitwiseAnd BitwiseOr BitwiseXor".split()), [x, y])


@op(2)
def integer_division(g):
    x = g.pick(dtypes=INTS)
    if not x:
        return None
    y = g.data(x.shape[g.int(0, x.rank):], x.dtype)
    y = g.const(np.where(y == 0, 3, y).astype(x.dtype))
    if g.chance(.5) or x.dtype == U8:
        return g.add("Div", [x, y])
    return g.add("Mod", [x, y], fmod=g.int(0, 1))


@op(2)
def shift(g):
    x = g.pick(dtypes=(U8,))
    return x and g.add("BitShift", [x, g.const(g.int(0, 7), x.dtype)], direction=g.one(["LEFT", "RIGHT"]))


@op(4)
def compare(g):
    x = g.pick(dtypes=FLOATS + (I64, I32), exact=True)
    y = x and partner(g, x, .5, exact=True)
    return y and y.exact and g.add(g.one("Less Greater Equal LessOrEqual GreaterOrEqual".split()), [x, y])


@op(2)
def logic(g):
    x = g.pick(dtypes=(BOOL,))
    if x and g.chance(.4):
        return g.add("Not", [x])
    y = x and partner(g, x)
    return y and g.add(g.one("And Or Xor Equal".split()), [x, y])


@op(4)
def where(g):
    c = g.pick(dtypes=(BOOL,))
    x = c and g.pick(lambda v: broadcastable(v.shape, c.shape))
    y = x and partner(g, x)
    if not y or not broadcastable(np.broadcast_shapes(c.shape, x.shape), y.shape):
        return None
    return g.add("Where", [c, x, y] if g.chance(.5) else [c, y, x], exact=True)


@op(4)
def cast(g):
    x = g.pick()
    to = g.one([F32, F32, F64, F16, I64, I32, BOOL, U8, I8])
    if not x or to == x.dtype and g.chance(.8):
        return None
    if x.dtype.kind == "f" and to.kind != "f":
        lo = 0 if to == U8 else -100
        if not x.exact or x.a.size and (x.a.min() < lo or x.a.max() > 100):
            return None
    return g.add("Cast", [x], to=helper.np_dtype_to_tensor_dtype(to), exact=True)


# ---- movement

def factor(g, n, rank):
    dims = [1] * rank
    for p in (2, 3, 5, 7, 11, 13):
        while n % p == 0:
            dims[g.int(0, rank - 1)] *= p
            n //= p
    dims[g.int(0, rank - 1)] *= n
    return dims


@op(5)
def reshape(g):
    x = g.pick()
    if not x:
        return None
    if x.a.size == 0:
        return g.add("Flatten", [x], exact=True)
    if x.rank == 0:
        return g.add("Reshape", [x, g.ints(*[1] * g.int(1, 3))], exact=True)
    if g.chance(.3):       # as exporters flatten: keeps leading dims
        keep = g.int(0, x.rank - 1)
        return g.add("Reshape", [x, g.ints(*[0] * keep, -1)], exact=True)
    dims = factor(g, x.a.size, g.int(1, 5))
    if g.chance(.5):
        dims[g.int(0, len(dims) - 1)] = -1
    return g.add("Reshape", [x, g.ints(*dims)], exact=True)


@op(5)
def transpose(g):
    x = g.pick(rank=(2, 6))
    perm = [int(i) for i in g.rng.permutation(x.rank)] if x and g.chance(.9) else None
    return x and g.add("Transpose", [x], exact=True, perm=perm)


@op(5)
def slicing(g):
    x = g.pick(rank=(1, 6))
    if not x:
        return None
    axes = sorted(g.rng.permutation(x.rank)[:g.int(1, x.rank)])
    starts, ends, steps, names = [], [], [], []
    for a in axes:
        d, s = x.shape[a], g.one([1, 1, 1, 2, 3, -1, -1, -2])
        lo = g.int(0, max(d - 1, 0))
        hi = g.int(lo + 1, max(d, lo + 1))
        if s < 0:
            start, end = hi - 1, lo - 1 if lo else -1000
        else:
            start, end = lo, hi
            if g.chance(.2):
                end = 2 ** 62 + g.int(0, 1)
        if g.chance(.3) and start < d:
            start -= d
        starts.append(start), ends.append(end), steps.append(s)
        names.append(int(a) - (x.rank if g.chance(.3) else 0))
    ins = [x, g.ints(*starts), g.ints(*ends), g.ints(*names)]
    if any(s != 1 for s in steps) or g.chance(.3):
        ins.append(g.ints(*steps))
    return g.add("Slice", ins, exact=True)


@op(5)
def concat(g):
    x = g.pick(rank=(1, 6))
    if not x:
        return None
    axis = g.int(0, x.rank - 1)

    def fits(v):
        return v.dtype == x.dtype and v.rank == x.rank and all(
            i == axis or v.shape[i] == x.shape[i] for i in range(x.rank))
    parts = [x]
    for _ in range(g.int(1, 3)):
        y = g.pick(fits) if g.chance(.7) else None
        if not y:
            shape = list(x.shape)
            shape[axis] = g.int(1, 3)
            y = g.const(g.data(shape, x.dtype))
        parts.insert(g.int(0, len(parts)), y)
    return g.add("Concat", parts, exact=True, axis=axis - (x.rank if g.chance(.2) else 0))


@op(4)
def split(g):
    x = g.pick(lambda v: v.rank and max(v.shape) > 1, rank=(1, 6))
    if not x:
        return None
    axis = g.one([i for i in range(x.rank) if x.shape[i] > 1])
    d, n = x.shape[axis], g.int(2, min(3, x.shape[axis]))
    if d % n == 0 and g.chance(.5):
        return g.add("Split", [x], n, exact=True, axis=axis, num_outputs=n if g.opset >= 18 else None)
    cut = sorted(g.rng.permutation(d - 1)[:n - 1] + 1)
    parts = np.diff([0] + list(cut) + [d])
    return g.add("Split", [x, g.ints(*parts)], n, exact=True, axis=axis)


@op(4)
def pad(g):
    x = g.pick(rank=(1, 4))
    if not x:
        return None
    mode = g.one(["constant"] * 3 + ["reflect", "edge"] + (["wrap"] if g.opset >= 19 else []))
    low = [g.int(0, 2) if g.chance(.6) else 0 for _ in range(2 * x.rank)]
    if mode in ("reflect", "wrap"):
        low = [min(p, max(x.shape[i % x.rank] - 1, 0)) for i, p in enumerate(low)]
    elif g.chance(.2) and mode == "constant":
        low[g.int(0, len(low) - 1)] = -1
    ins = [x, g.ints(*low)]
    if mode == "constant" and g.chance(.6):
        ins.append(g.const(g.data((), x.dtype)))
    return g.add("Pad", ins, exact=True, mode=mode)


@op(4)
def gather(g):
    x = g.pick(lambda v: not v.empty, rank=(1, 5))
    if not x:
        return None
    axis = g.int(0, x.rank - 1)
    d = x.shape[axis]
    i = g.chance(.4) and g.pick(lambda v: 0 < v.a.size < 30 and (v.a >= -d).all() and (v.a < d).all(), (I64, I32))
    i = i or g.const(g.rng.integers(-d, d, [g.int(1, 3) for _ in range(g.int(0, 2))]), g.one([I64, I32]))
    return g.add("Gather", [x, i], exact=True, axis=axis)


@op(2)
def gather_elements(g):
    x = g.pick(lambda v: not v.empty, rank=(1, 4))
    if not x:
        return None
    axis = g.int(0, x.rank - 1)
    shape = [g.int(1, d) for d in x.shape]
    shape[axis] = g.int(1, 4)
    i = g.const(g.rng.integers(-x.shape[axis], x.shape[axis], shape).astype(I64))
    if g.chance(.5):
        return g.add("GatherElements", [x, i], exact=True, axis=axis)
    u = g.const(g.data(shape, x.dtype))
    if any(s > d for s, d in zip(shape, x.shape)):
        return None
    order = np.argsort(g.rng.random(x.shape), axis)
    i = g.const(order[tuple(slice(s) for s in shape)].astype(I64))
    return g.add("ScatterElements", [x, i, u], exact=True, axis=axis, reduction=g.one([None, None, "add"]))


@op(2)
def gather_nd(g):
    x = g.pick(lambda v: not v.empty, rank=(1, 4))
    if not x:
        return None
    k, n = g.int(1, x.rank), g.int(1, 3)
    i = np.stack([g.rng.integers(-d, d, n) for d in x.shape[:k]], -1).astype(I64)
    if g.chance(.5):
        return g.add("GatherND", [x, g.const(i)], exact=True)
    i = np.unique(i % np.array(x.shape[:k]), axis=0)
    return g.add("ScatterND", [x, g.const(i), g.const(g.data((len(i),) + x.shape[k:], x.dtype))], exact=True)


@op(3)
def expand(g):
    x = g.pick(rank=(0, 4))
    if not x:
        return None
    shape = [d if d != 1 or g.chance(.5) else g.int(1, 4) for d in x.shape]
    shape = [1 if g.chance(.2) else d for d in shape]
    return g.add("Expand", [x, g.ints(*[g.int(1, 3)] * g.int(0, 1), *shape)], exact=True)


@op(2)
def tile(g):
    x = g.pick(rank=(1, 4))
    return x and g.add("Tile", [x, g.ints(*[g.one([1, 1, 2, 3]) for _ in x.shape])], exact=True)


@op(3)
def squeeze(g):
    x = g.pick(rank=(0, 4))
    if not x:
        return None
    ones = [i for i, d in enumerate(x.shape) if d == 1]
    if ones and g.chance(.5):
        return g.add("Squeeze", [x, g.ints(g.one(ones))], exact=True)
    axes = sorted(g.rng.permutation(x.rank + 2)[:2]) if g.chance(.3) else [g.int(-x.rank - 1, x.rank)]
    return g.add("Unsqueeze", [x, g.ints(*axes)], exact=True)


@op(1)
def space_depth(g):
    x = g.pick(rank=(4, 4))
    if x and g.chance(.5):
        return g.add("SpaceToDepth", [x], exact=True, blocksize=2)
    return x and g.add("DepthToSpace", [x], exact=True, blocksize=2, mode=g.one(["DCR", "CRD"]))


@op(1)
def trilu(g):
    x = g.pick(dtypes=(F32, I64, F64), rank=(2, 4))
    return x and g.add("Trilu", [x, g.const(np.array(g.int(-2, 2)))], exact=True, upper=g.int(0, 1))


@op(1)
def selections(g):
    x = g.pick(lambda v: not v.empty, dtypes=(F32, I64), rank=(1, 4), exact=True)
    if not x:
        return None
    axis, kind = g.int(0, x.rank - 1), g.int(0, 3)
    if kind == 0:
        if x.dtype == F32:
            x = g.add("Add", [x, g.const(np.arange(x.a.size).reshape(x.shape) / 256, F32)], exact=True)
        k = x and g.ints(g.int(1, x.shape[axis]))
        return x and g.add("TopK", [x, k], 2, exact=True, axis=axis, largest=g.int(0, 1))
    if kind == 1:
        return g.add("CumSum", [x, g.const(axis, I64)], exact=True, exclusive=g.int(0, 1), reverse=g.int(0, 1))
    if kind == 2:
        c = g.rng.random(x.shape[axis]) < .6
        return g.add("Compress", [x, g.const(c)], exact=True, axis=axis)
    return g.add(g.one(["ArgMax", "ArgMin"]), [x], axis=axis, keepdims=g.int(0, 1),
                 select_last_index=g.int(0, 1))


@op(1)
def onehot(g):
    i = g.pick(dtypes=(I64, I32), rank=(0, 2))
    ins = [i, g.const(g.int(2, 6), I64), g.const([-1, 2], F32)]
    return i and g.add("OneHot", ins, exact=True, axis=g.int(-i.rank - 1, i.rank))


@op(1)
def nonzero(g):
    x = g.pick(dtypes=(F32, BOOL, I64), exact=True, rank=(1, 3))
    i = x and g.add("NonZero", [x], keep=0 if g.chance(.5) else None)
    if not i or g.chance(.5):
        return i
    return g.add("GatherND", [x, g.add("Transpose", [i], perm=[1, 0])], exact=True)


# ---- shapes as exporters compute them

@op(5)
def shape_chain(g):
    x = g.pick(rank=(1, 5))
    if not x:
        return None
    s = g.add("Shape", [x], keep=0)
    k = g.int(0, x.rank - 1)
    d = s and g.add("Gather", [s, g.const(np.array(k))], axis=0, keep=0)
    kind = g.int(0, 5)
    if not d:
        return None
    if kind == 0:
        return g.add("Expand", [g.const(g.data([1] * x.rank, F32)), s], exact=True)
    if kind == 1:
        return g.add("Range", [g.const(np.array(0)), d, g.const(np.array(1))])
    if kind == 2:
        return g.add("ConstantOfShape", [s], value=numpy_helper.from_array(g.data([1], F32)))
    d = g.add("Unsqueeze", [d, g.ints(0)], keep=0)
    if kind == 3:          # half of an axis
        h = g.add("Div", [d, g.ints(2)], keep=0)
        if not h:
            return None
        return g.add("Slice", g.one([[x, g.ints(0), h, g.ints(k)], [x, h, d, g.ints(k)]]), exact=True)
    parts = [g.ints(0), d]
    if kind == 4 and k == 1:
        return g.add("Reshape", [x, g.add("Concat", [g.ints(-1), d], axis=0, keep=0)], exact=True)
    n = g.add("ReduceProd", [s], keepdims=1, keep=0)
    n = n and g.add("Div", [n, d], keep=0)
    if not n:
        return None
    parts = [d, n] if g.chance(.5) else [n, d]
    return g.add("Reshape", [x, g.add("Concat", parts, axis=0, keep=0)], exact=True)


@op(1)
def sizes(g):
    x = g.pick()
    return x and g.add(g.one(["Shape", "Size", "Shape"]), [x])


# ---- linear algebra

@op(5)
def matmul(g):
    x = g.pick(dtypes=FLOATS + (I32, I64), rank=(1, 4))
    if not x:
        return None
    y = g.pick(lambda v: v.dtype == x.dtype and v.rank and v.shape[-2 if v.rank > 1 else 0] == x.shape[-1])
    if not y or g.chance(.5):
        lead = list(x.shape[:-2]) if g.chance(.3) else []
        n = g.one([1, 2, 3, 5, 8, 17, 33])
        y = g.const(g.data(lead + [x.shape[-1], n] if g.chance(.9) else [x.shape[-1]], x.dtype, .5))
    return g.add("MatMul", [x, y], exact=True)


@op(3)
def gemm(g):
    x = g.pick(dtypes=FLOATS, rank=(2, 2))
    if not x:
        return None
    ta, tb = g.int(0, 1), g.int(0, 1)
    k, m, n = x.shape[0 if ta else 1], x.shape[1 if ta else 0], g.one([1, 2, 5, 16, 20])
    ins = [x, g.const(g.data([n, k] if tb else [k, n], x.dtype, .5))]
    if g.chance(.7):
        ins.append(g.const(g.data(g.one([[n], [m, 1], [1, n], [m, n], []]), x.dtype)))
    return g.add("Gemm", ins, exact=True, transA=ta, transB=tb, alpha=g.one([1., .5, 2.]),
                 beta=g.one([1., .5]))


def spatial(g, x):
    """Kernel, strides, dilations and pads that fit."""
    n = x.rank - 2
    room = [min(d) for d in zip(x.shape[2:], x.b.shape[2:])]      # beyond it ONNX Runtime does not round down
    k = [g.int(1, max(1, min(3, d))) for d in room]
    a = {"kernel_shape": k if g.chance(.8) else None}
    if g.chance(.5):
        a["strides"] = [g.int(1, 3) for _ in range(n)]
    if g.chance(.3):
        a["dilations"] = [g.int(1, 2) if 2 * (k[i] - 1) < room[i] else 1 for i in range(n)]
    if g.chance(.6):
        a["pads"] = [g.int(0, k[i % n] - 1) for i in range(2 * n)]
    elif g.chance(.3):
        a["auto_pad"] = g.one(["SAME_UPPER", "SAME_LOWER", "VALID"])
        a.pop("dilations", None)
    return k, a


def image(g, dtypes=(F32,)):
    x = g.pick(lambda v: not v.empty, dtypes=dtypes, rank=(3, 5))
    if x and g.chance(.9):
        return x
    y = g.pick(dtypes=dtypes, rank=(1, 2))
    return x or y and g.add("Unsqueeze", [y, g.ints(*range(4 - y.rank))], exact=True)


@op(6)
def conv(g):
    x = image(g)
    if not x:
        return None
    c = x.shape[1]
    k, a = spatial(g, x)
    group = g.one([1, 1, c, c, 2])
    if c % group:
        return None
    m = group * g.int(1, 4)
    ins = [x, g.const(g.data([m, c // group] + k, x.dtype, .5))]
    if g.chance(.6):
        ins.append(g.const(g.data([m], x.dtype)))
    return g.add("Conv", ins, exact=True, group=group, **a)


@op(2)
def conv_transpose(g):
    x = image(g)
    if not x or x.rank == 5:
        return None
    c = x.shape[1]
    k, a = spatial(g, x)
    group = g.one([1, 1, c, 2])
    if c % group:
        return None
    a.pop("auto_pad", None)
    s = a.get("strides", [1] * len(k))
    if g.chance(.3):
        a["output_padding"] = [g.int(0, max(s[i], a.get("dilations", s)[i]) - 1) for i in range(len(k))]
    m = g.int(1, 3)
    ins = [x, g.const(g.data([c, m] + k, x.dtype, .5))]
    if g.chance(.6):
        ins.append(g.const(g.data([m * group], x.dtype)))
    return g.add("ConvTranspose", ins, exact=True, group=group, **a)


@op(4)
def pool(g):
    x = image(g, (F32, F32, F64, I8, U8))
    if not x:
        return None
    k, a = spatial(g, x)
    a["kernel_shape"] = k
    kind = g.one(["MaxPool", "MaxPool", "AveragePool", "LpPool"])
    if kind == "AveragePool":
        a["count_include_pad"] = g.int(0, 1)
        if g.opset < 19:
            a.pop("dilations", None)
    if kind == "LpPool" and g.opset < 18:
        a.pop("dilations", None)
    if g.chance(.3) and (kind != "LpPool" or g.opset >= 18):
        a["ceil_mode"] = 1
    most = kind == "MaxPool"
    return g.add(kind, [x], 2 if most and x.exact and g.chance(.3) else 1, exact=most, **a)


@op(2)
def global_pool(g):
    x = image(g)
    return x and g.add(g.one(["GlobalAveragePool", "GlobalMaxPool"]), [x])


@op(3)
def resize(g):
    x = image(g)
    if not x or x.rank == 5:
        return None
    mode = g.one(["nearest", "linear", "cubic"]) if x.rank == 4 else g.one(["nearest", "linear"])
    n = x.rank - 2
    near = g.one(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"])
    coord = g.one(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])
    if g.chance(.5):
        scale = [g.one([.5, 1, 2, 2, 3, 1.5]) for _ in range(n)]
        if coord[0] in "ap" and any(d * s % 1 for a in (x.a, x.b) for d, s in zip(a.shape[2:], scale)):
            return None          # widths that are not whole: ONNX Runtime rounds them, the standard does not
        ins = [x, "", g.const(np.array([1, 1] + scale, F32))]
    else:
        ins = [x, "", "", g.ints(*x.shape[:2], *[g.int(1, 2 * d + 1) for d in x.shape[2:]])]
    return g.add("Resize", ins, mode=mode, coordinate_transformation_mode=coord,
                 nearest_mode=near if mode == "nearest" else None)


# ---- normalisation and reduction

def spread(v):
    """Rows that a normalisation does not blow up."""
    return v.a.size and v.shape[-1] > 1 and (v.a.astype(F64).std(-1) > .05).all()


@op(4)
def softmax(g):
    x = g.pick(dtypes=FLOATS, rank=(1, 5))
    return x and g.add(g.one(["Softmax", "Softmax", "LogSoftmax"]), [x], axis=g.int(-x.rank, x.rank - 1))


@op(2)
def attention(g):
    """scores + mask of minus infinities -> softmax -> weighted values"""
    x = g.pick(lambda v: not v.empty, dtypes=(F32,), rank=(2, 4))
    if not x:
        return None
    t = list(range(x.rank))
    t[-1], t[-2] = t[-2], t[-1]
    s = g.add("MatMul", [x, g.add("Transpose", [x], perm=t, exact=True)], exact=True)
    s = s and g.add("Mul", [s, g.const(np.array(.125, F32))], exact=True)
    n = x.shape[-2]
    m = np.tril(np.ones((n, n), bool), g.int(0, 1))
    s = s and g.add("Where", [g.const(m), s, g.const(g.one([-np.inf, -1e9]), F32)], inf=True, keep=0)
    p = s and g.add("Softmax", [s], axis=-1)
    return p and g.add("MatMul", [p, x])


@op(4)
def norm(g):
    x = g.pick(spread, dtypes=(F32,), rank=(2, 5))
    if not x:
        return None
    c, kind = x.shape[1], g.int(0, 5)
    w = [g.const(g.data([c], F32)), g.const(g.data([c], F32))]
    if kind == 0 and x.rank > 2:
        return g.add("InstanceNormalization", [x] + w)
    if kind == 1:
        v = g.const(np.abs(g.data([c], F32)) + np.float32(.5))
        return g.add("BatchNormalization", [x] + w + [g.const(g.data([c], F32)), v])
    if kind == 2 and g.opset >= 21:
        return g.add("GroupNormalization", [x] + w, num_groups=g.one([1, c]))
    if kind == 3:
        return g.add("LRN", [x], size=g.one([1, 3, 5]), alpha=.1) if x.rank == 4 else None
    if kind == 4:
        return g.add("LpNormalization", [x], axis=-1, p=g.int(1, 2))
    axis = g.int(1, x.rank - 1)
    s = list(x.shape[axis:])
    ins = [x] + [g.const(g.data(s, F32)) for _ in range(g.one([1, 2, 2]))]
    return g.add("LayerNormalization", ins, axis=axis) if g.opset >= 17 else None


@op(1)
def layer_norm_by_hand(g):
    x = g.pick(spread, dtypes=(F32, F64), rank=(2, 4))
    m = x and g.reduce("ReduceMean", x, [-1], 1)
    d = m and g.add("Sub", [x, m])
    v = d and g.reduce("ReduceMean", g.add("Mul", [d, d]), [-1], 1)
    v = v and g.add("Sqrt", [g.add("Add", [v, g.const(np.array(1e-3, x.dtype))])])
    return v and g.add("Div", [d, v])


@op(5)
def reduction(g):
    x = g.pick(lambda v: not v.empty, dtypes=FLOATS + (I64, I32), rank=(1, 5))
    if not x:
        return None
    kinds = "ReduceSum ReduceMax ReduceMin ReduceMean"
    if x.dtype.kind == "f":
        kinds += " ReduceMean ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSumExp"
    if x.a.size and np.abs(x.a).max() <= 2:
        kinds += " ReduceProd"
    kind = g.one(kinds.split())
    axes = [int(a) - (x.rank if g.chance(.3) else 0) for a in g.rng.permutation(x.rank)[:g.int(1, x.rank)]]
    return g.reduce(kind, x, axes if g.chance(.9) else None, g.int(0, 1),
                    exact=kind in ("ReduceSum", "ReduceMax", "ReduceMin"))


@op(1)
def quantised(g):
    x = g.pick(dtypes=(F32,), exact=True)
    if not x:
        return None
    t = g.one([U8, I8])
    p = [g.const(g.one([.125, .25, .5]), F32), g.const(g.int(0, 9), t)]
    q = g.add("QuantizeLinear", [x] + p)
    return q and g.add("DequantizeLinear", [q] + p, exact=True)


@op(1)
def einsum(g):
    x = g.pick(lambda v: v.shape[-1] == v.b.shape[-1], dtypes=(F32, F64), rank=(2, 3))
    if not x:
        return None
    if x.rank == 2:
        y = g.const(g.data([x.shape[1], 3], x.dtype))
        return g.add("Einsum", [x, y], equation=g.one(["ij,jk->ik", "ij,jk->ki", "ij,jk->k"]), exact=True)
    return g.add("Einsum", [x, x], equation=g.one(["bij,bkj->bik", "bij,bij->bi", "bij,bij->"]), exact=True)


@op(1)
def recurrent(g):
    x = g.pick(lambda v: not v.empty, dtypes=(F32,), rank=(3, 3))
    if not x:
        return None
    kind, gates = g.one([("RNN", 1), ("GRU", 3), ("LSTM", 4)])
    h, d = g.int(1, 4), g.int(1, 2)
    ins = [x] + [g.const(g.data([d, gates * h, k], F32, .5)) for k in (x.shape[2], h)]
    if g.chance(.6):
        ins.append(g.const(g.data([d, 2 * gates * h], F32, .5)))
    return g.add(kind, ins, 2, hidden_size=h,
                 direction="bidirectional" if d == 2 else g.one(["forward", "reverse"]))
