"""Random graphs of heavy operators (matrix products, convolutions, quantised or not, reductions) among what leaves
conditions, index arithmetic and views in them, of sizes around the widths of vectors and panels."""
import numpy as np

import graphgen
import graphops
from graphgen import F16, F32, F64, I8, I32, I64, U8

SIZES = 1, 2, 3, 5, 8, 9, 15, 16, 16, 17, 24, 31, 32, 33, 40, 48, 63, 64, 65
OPS, op = graphgen.operators()


class Graph(graphgen.Graph):
    most, latest = 40000, .85

    def const(self, a, dtype=None, pool=False):
        """now and then one that is there already"""
        a = np.asarray(a, dtype, order="C")
        kept = self.root.__dict__.setdefault("kept", [])
        same = [v for v in kept if v.shape == a.shape and v.dtype == a.dtype] if a.dtype == F32 and a.size > 3 else []
        if same and self.chance(.15):
            return self.one(same)
        kept.append(super().const(a, dtype, pool))
        return kept[-1]


class Case(graphgen.Case):
    of, often = Graph, .5

    def __init__(self, seed, ops=OPS):
        super().__init__(seed, ops)

    def grow(self, g):
        self.sizes = n, m = g.one([3, 5, 8, 16, 17, 33]), g.one([1, 2, 4, 7, 15, 19, 32])
        for _ in range(g.int(1, 2)):
            shape = picture(g) if g.chance(.5) else matrix(g)
            dims = list(shape)
            if self.symbolic:
                k = g.one([0, 0, len(shape) - 1, g.int(0, len(shape) - 1)])
                shape[k], dims[k] = n, "N"
                if k == 0 and len(shape) > 3 and g.chance(.7):       # of pictures more often the width
                    shape[0] = dims[0] = g.int(1, 2)
                    shape[-1], dims[-1] = n, "N"
            shape = fitting(shape, dims)
            dims = [d if d == "N" else s for d, s in zip(dims, shape)]
            a = g.data(shape, F32)
            other = [m if d == "N" else d for d in dims]
            g.input(a, dims, b=g.data(other, F32) if "N" in dims else a)
        for _ in range(g.int(3, 13)):
            g.step()

    def choose_outputs(self):
        g, outs = self.graph, super().choose_outputs()
        read = [v for v in g.vals if v not in g.inputs and not v.const and v not in outs]
        return outs + [v for v in read if g.chance(.15)][:2]


def fitting(shape, dims=()):
    while int(np.prod(shape)) > 8000:
        k = int(np.argmax([0 if i < len(dims) and dims[i] == "N" else d for i, d in enumerate(shape)]))
        shape[k] = max(1, shape[k] // 2)
    return shape


def size(g, most=65):
    return g.one([d for d in SIZES if d <= most])


def width(g):
    """of a result: mostly of vectors"""
    return size(g) if g.chance(.25) else g.one([d for d in SIZES if d >= 8])


def picture(g):
    n = g.one([1, 2, 2, 2, 3])
    sides = [1, 2, 3, 5, 7, 8, 12, 16, 17, 19]
    return [g.one([1, 1, 2, 3]), size(g)] + [g.one(sides[3 * (i == n - 1):]) for i in range(n)]


def matrix(g):
    last = g.one([64, 130, 300, 600]) if g.chance(.15) else size(g)
    return [g.one([1, 2, 3, 4]) for _ in range(g.int(0, 2))] + [size(g), last]


# ---- operands of a shape that is asked for

def plain(g, shape, terms, dtype):
    """small multiples of a power of two whose sum of so many products stays small"""
    if dtype.kind != "f" or terms < 3:
        return g.data(shape, dtype)
    return np.asarray((np.round(g.rng.standard_normal(shape) * 64 / terms ** .5) / 64).clip(-4, 4), dtype)


def operand(g, shape, terms=1, dtype=F32, constant=.5, depth=2):
    """A value of that shape: constant, there already, an input, or one that is moved."""
    shape = [int(d) for d in shape]
    if g.chance(constant):
        return g.const(plain(g, shape, terms, dtype))
    have = g.pick(lambda v: list(v.shape) == list(v.b.shape) == shape and not v.const, (dtype,))
    if have and g.chance(.3):
        return have
    if not depth or not shape or int(np.prod(shape)) > 12000 or g.chance(.3):
        return g.input(plain(g, shape, terms, dtype))
    for _ in range(5):
        k = g.int(0, len(shape) - 1)
        how = g.one(MOVES)
        r = how(g, shape, k, lambda s: operand(g, s, terms, dtype, .15, depth - 1), dtype)
        if r and list(r.shape) == shape:
            return r
    return g.input(plain(g, shape, terms, dtype))


def other(shape, k, d):
    return [d if i == k else v for i, v in enumerate(shape)]


def from_transposed(g, shape, k, of, dtype):
    perm = [int(i) for i in g.rng.permutation(len(shape))]
    src = [0] * len(shape)
    for i, p in enumerate(perm):
        src[p] = shape[i]
    return g.add("Transpose", [of(src)], exact=True, perm=perm)


def from_padded(g, shape, k, of, dtype):
    low = [0] * (2 * len(shape))
    src = list(shape)
    for i in {k, g.int(0, len(shape) - 1)}:
        for j in i, i + len(shape):
            low[j] = g.one([-1, 0, 1, 1, 2, 5])
        src[i] -= low[i] + low[i + len(shape)]
    if min(src) < 1:
        return None
    mode = g.one(["constant"] * 3 + ["edge", "reflect"] + (["wrap"] if g.opset >= 19 else []))
    if mode != "constant" and min(low) < 0:
        mode = "constant"
    ins = [of(src), g.ints(*low)]
    if mode == "constant" and g.chance(.5):
        ins.append(g.const(g.data((), dtype)))
    return g.add("Pad", ins, exact=True, mode=mode)


def from_sliced(g, shape, k, of, dtype):
    step, first, left = g.one([1, 1, 2, 3, -1, -2]), g.int(0, 3), g.int(0, 2)
    n = (shape[k] - 1) * abs(step) + 1
    d = first + n + left
    if step > 0:
        start, end = first, first + n
    else:
        start, end = first + n - 1, first - 1 if first else -10000
    return g.add("Slice", [of(other(shape, k, d)), g.ints(start), g.ints(end), g.ints(k), g.ints(step)], exact=True)


def from_parts(g, shape, k, of, dtype):
    if shape[k] < 2:
        return None
    cut = sorted({int(i) + 1 for i in g.rng.permutation(shape[k] - 1)[:g.int(1, 2)]})
    parts = np.diff([0] + cut + [shape[k]])
    return g.add("Concat", [of(other(shape, k, int(d))) for d in parts], exact=True, axis=k)


def from_expanded(g, shape, k, of, dtype):
    src = other(shape, k, 1)
    return g.add("Expand", [of(src[1:] if k == 0 and g.chance(.5) else src), g.ints(*shape)], exact=True)


def from_gathered(g, shape, k, of, dtype):
    d = size(g, 33)
    i = g.rng.integers(-d, d, shape[k])
    return g.add("Gather", [of(other(shape, k, d)), g.const(i.astype(g.one([I32, I64])))], exact=True, axis=k)


def from_reshaped(g, shape, k, of, dtype):
    return g.add("Reshape", [of(graphops.factor(g, int(np.prod(shape)), g.int(1, 4))), g.ints(*shape)], exact=True)


def from_split(g, shape, k, of, dtype):
    rest = [g.int(1, 5) for _ in range(g.int(1, 2))]
    at = g.int(0, len(rest))
    rest.insert(at, shape[k])
    r = g.add("Split", [of(other(shape, k, sum(rest))), g.ints(*rest)], len(rest), exact=True, axis=k)
    return r and r[at]


def from_chosen(g, shape, k, of, dtype):
    c = g.const(np.asarray(g.rng.random([d if g.chance(.6) else 1 for d in shape]) < .6))
    y = g.const(g.data(g.one([[], shape, other(shape, k, 1)]), dtype))
    return g.add("Where", g.one([[c, of(shape), y], [c, y, of(shape)]]), exact=True)


def from_scattered(g, shape, k, of, dtype):
    n, m = g.int(1, len(shape)), g.int(1, 6)
    i = np.unique(np.stack([g.rng.integers(0, d, m) for d in shape[:n]], -1), axis=0)
    u = [len(i)] + list(shape[n:])
    return g.add("ScatterND", [of(shape), g.const(i.astype(I64)), of(u)], exact=True)


def from_blocks(g, shape, k, of, dtype):
    if len(shape) != 4 or shape[2] % 2 or shape[3] % 2 or dtype not in (F32, F64):
        return None
    src = [shape[0], shape[1] * 4, shape[2] // 2, shape[3] // 2]
    return g.add("DepthToSpace", [of(src)], exact=True, blocksize=2, mode=g.one(["DCR", "CRD"]))


def from_nearest(g, shape, k, of, dtype):
    if len(shape) < 3 or dtype != F32:
        return None
    src = [d if i < 2 or not i or d < 2 else (d + 1) // 2 for i, d in enumerate(shape)]
    return g.add("Resize", [of(src), "", "", g.ints(*shape)], exact=True, mode="nearest", nearest_mode="floor",
                 coordinate_transformation_mode="asymmetric")


MOVES = [from_transposed, from_padded, from_padded, from_sliced, from_parts, from_expanded, from_gathered,
         from_reshaped, from_split, from_chosen, from_scattered, from_blocks, from_nearest]


def fixed(v, *axes):
    return all(v.shape[k] == v.b.shape[k] for k in axes)


# ---- products

def some(g, **how):
    return g.pick(lambda v: not v.empty, dtypes=g.one([(F32,)] * 9 + [(F64,)]) if g.chance(.97) else (F16,), **how)


@op(16)
def product(g):
    x = some(g, rank=(1, 4))
    if not x:
        return None
    n = width(g)
    left = x.rank > 1 and fixed(x, -2) and (not fixed(x, -1) or g.chance(.35))
    if not left and not fixed(x, -1):
        return squared(g, x)
    k = x.shape[-2] if left else x.shape[-1]
    lead = [d if g.chance(.6) else 1 for d in x.shape[:-2]] if fixed(x, *range(x.rank)) and g.chance(.3) else []
    if g.chance(.1):
        y = operand(g, [k], k, x.dtype)
        return g.add("MatMul", [y, x] if left else [x, y], exact=True)
    if left:
        return g.add("MatMul", [operand(g, lead + [n, k], k, x.dtype), x], exact=True)
    return g.add("MatMul", [x, operand(g, lead + [k, n], k, x.dtype)], exact=True)


def squared(g, x):
    if x.rank < 2:
        return None
    perm = list(range(x.rank - 2)) + [x.rank - 1, x.rank - 2]
    t = g.add("Transpose", [x], exact=True, perm=perm)
    s = g.add("Mul", [x, g.const(np.array(1 / max(x.shape[-2:]), x.dtype))])
    return s and g.add("MatMul", g.one([[s, t], [t, s]]))


@op(3)
def squares(g):
    x = some(g, rank=(2, 4))
    return x and squared(g, x)


@op(6)
def gemm(g):
    x = some(g, rank=(2, 2))
    if not x:
        y = some(g, rank=(3, 4))
        x = y and g.add("Flatten", [y], exact=True, axis=g.int(1, y.rank - 1))
    if not x or x.rank != 2:
        return None
    ta, tb, first = g.int(0, 1), g.int(0, 1), g.chance(.7)
    mine = x.shape if fixed(x, 0, 1) else None
    k_axis = (0 if ta else 1) if first else (1 if tb else 0)
    if not fixed(x, k_axis):
        return None
    k, n = x.shape[k_axis], width(g)
    if first:
        ins = [x, operand(g, [n, k] if tb else [k, n], k, x.dtype)]
        m = x.shape[1 - k_axis]
        shapes = [[n], [1, n], [], [1]] + ([[m, 1], [m, n]] if mine else [])
    else:
        ins = [operand(g, [k, n] if ta else [n, k], k, x.dtype), x]
        m = x.shape[1 - k_axis]
        shapes = [[n, 1], [], [1]] + ([[1, m], [n, m], [m]] if mine else [])
    if g.chance(.7):
        ins.append(operand(g, g.one(shapes), 1, x.dtype))
    return g.add("Gemm", ins, exact=True, transA=ta, transB=tb, alpha=g.one([1., 1., .5]), beta=g.one([1., 1., .5]))


@op(1)
def large(g):
    """operands that do not stay in a cache: the order of the loops around the tiles changes"""
    if g.chance(.8):
        return None
    if g.chance(.5):
        m, k, n = g.one([(300, 450, 65), (33, 400, 360), (8, 513, 300), (2, 1100, 130), (460, 300, 80),
                         (129, 1030, 40)])
        x = operand(g, g.one([[m, k], [1, m, k]] + ([[2, m // 2, k]] if not m % 2 else [])), 4, constant=0, depth=2)
        return g.add("MatMul", [x, operand(g, [k, n], k, constant=.8, depth=0)], exact=True)
    c, k, m = g.one([(130, [3, 3], 120), (64, [5, 5], 90), (256, [1, 1], 520), (70, [3, 3, 3], 72)])
    x = operand(g, [1, c] + [g.one([5, 6, 7]) for _ in k][:2] + [3] * (len(k) - 2), 4, constant=0, depth=1)
    pads = [g.int(0, d // 2) for d in k] * 2
    return g.add("Conv", [x, g.const(plain(g, [m, c] + k, c * 9, F32))], exact=True, pads=pads)


@op(2)
def einsum(g):
    x = g.pick(lambda v: not v.empty, dtypes=(F32,), rank=(2, 4))
    if not x:
        return None
    mine = "abcd"[:x.rank]
    summed = [c for i, c in enumerate(mine) if fixed(x, i) and g.chance(.4)][:2]
    kept = [c for i, c in enumerate(mine) if fixed(x, i) and c not in summed and g.chance(.4)]
    new = ["e"] if g.chance(.8) else []
    sizes = dict(zip(mine, x.shape), e=size(g))
    yours = [str(c) for c in g.rng.permutation(summed + kept + new)]
    if not yours:
        return None
    out = [str(c) for c in g.rng.permutation([c for c in mine if c not in summed] + new)]
    terms = int(np.prod([sizes[c] for c in summed], initial=1))
    y = operand(g, [sizes[c] for c in yours], terms)
    return g.add("Einsum", [x, y], exact=True, equation=f"{mine},{''.join(yours)}->{''.join(out)}")


# ---- convolutions

def window(g, x):
    n, room = x.rank - 2, [min(d) for d in zip(x.shape[2:], x.b.shape[2:])]
    k = [g.int(1, max(1, min(g.one([1, 3, 3, 5, 7]), d))) for d in room]
    a = {"kernel_shape": k if g.chance(.8) else None}
    if g.chance(.4):
        a["strides"] = [g.int(1, 3) for _ in range(n)]
    if g.chance(.25):
        a["dilations"] = [g.int(1, 3) if 3 * (k[i] - 1) < room[i] else 1 for i in range(n)]
    if g.chance(.6):
        a["pads"] = [g.int(0, k[i % n] - 1) if g.chance(.7) else (k[i % n] - 1) // 2 for i in range(2 * n)]
    elif g.chance(.2):       # windows that leave gaps: ONNX Runtime pads by negative numbers or refuses
        gaps = any(s > d for s, d in zip(a.get("strides", []), k))
        a["auto_pad"] = "VALID" if gaps else g.one(["SAME_UPPER", "SAME_LOWER", "VALID"])
        a.pop("dilations", None)
    return k, a


def pictured(g, dtypes=(F32,)):
    x = g.pick(lambda v: not v.empty and fixed(v, 1), dtypes=dtypes, rank=(3, 5))
    if x and g.chance(.95):
        return x
    y = g.pick(lambda v: not v.empty and fixed(v, 0), dtypes=dtypes, rank=(2, 3))
    return y and g.add("Unsqueeze", [y, g.ints(0)], exact=True)


def groups(g, c):
    return 1 if g.chance(.6) else g.one([c, c] + [d for d in (2, 3, 4, 8) if c % d == 0])


@op(16)
def conv(g):
    x = pictured(g)
    if not x or x.rank < 3:
        return None
    c, (k, a) = x.shape[1], window(g, x)
    group = groups(g, c)
    m = group * g.one([1, 1, 2, 3, 8, 16] if group < 9 else [1, 1, 2]) if group > 1 else width(g)
    terms = c // group * int(np.prod(k))
    ins = [x, operand(g, [m, c // group] + k, terms, constant=.75)]
    if g.chance(.6):
        ins.append(operand(g, [m], constant=.8))
    return g.add("Conv", ins, exact=True, group=group, **a)


@op(4)
def conv_transpose(g):
    x = pictured(g)
    if not x or x.rank < 3:
        return None
    c, (k, a) = x.shape[1], window(g, x)
    group = groups(g, c)
    a.pop("auto_pad", None)
    s = a.get("strides", [1] * len(k))
    if g.chance(.3):
        a["output_padding"] = [g.int(0, max(s[i], a.get("dilations", s)[i]) - 1) for i in range(len(k))]
    m = g.one([1, 2, 3]) if group > 1 else width(g)
    ins = [x, operand(g, [c, m] + k, c // group * int(np.prod(k)), constant=.75)]
    if g.chance(.6):
        ins.append(operand(g, [m * group], constant=.8))
    return g.add("ConvTranspose", ins, exact=True, group=group, **a)


@op(2)
def conv_of_weights(g):
    """a value that is there as the weights"""
    w = g.pick(lambda v: not v.empty and fixed(v, *range(v.rank)), dtypes=(F32,), rank=(3, 4))
    if not w or max(w.shape[2:]) > 9:
        return None
    s = [d + g.int(0, 6) for d in w.shape[2:]]
    terms = int(np.prod(w.shape[1:]))
    return g.add("Conv", [operand(g, [g.int(1, 2), w.shape[1]] + s, terms), w])


# ---- quantised

def scales(g, *shape):
    return g.const(2. ** g.rng.integers(-4, -1, shape), F32)


def zero(g, t, shape=()):
    z = g.rng.integers(100, 156, shape) if t == U8 else g.rng.integers(-9, 10, shape)
    return g.const(np.zeros(shape) if g.chance(.3) else z, t)


def bytes_of(g, x):
    """x as bytes, their scale and zero point"""
    t = g.one([U8, U8, I8])
    s, z = scales(g), zero(g, t)
    q = g.add("QuantizeLinear", [x, s, z])
    return q and (q, s, z)


def weight_bytes(g, shape, t, constant=.9):
    """of 7 bits: ONNX Runtime adds products of bytes in 16 where the processor has nothing better"""
    lo, hi = (64, 192) if t == U8 else (-63, 64)
    a = g.rng.integers(lo, hi, shape).astype(t)
    if g.chance(constant):
        return g.const(a)
    if len(shape) > 1 and g.chance(.5):
        return g.add("Transpose", [g.input(np.ascontiguousarray(a.T))], exact=True)
    return g.input(a)


def exact_float(g, rank):
    return g.pick(lambda v: not v.empty, dtypes=(F32,), rank=rank, exact=True)


def result_scale(g, s, ws, terms):
    big = s * ws * 1500 * terms ** .5
    return 2. ** np.ceil(np.log2(big / g.one([60, 120, 250])))


@op(10)
def bytes_conv(g):
    """QLinearConv, ConvInteger or the same in QuantizeLinear and DequantizeLinear"""
    x = exact_float(g, (3, 5))
    if not x or not fixed(x, 1):
        return None
    q = bytes_of(g, x)
    if not q:
        return None
    q, s, z = moved_bytes(g, q)
    if q.rank < 3 or not fixed(q, 1) or q.empty:
        return None
    c, (k, a) = q.shape[1], window(g, q)
    group = groups(g, c)
    m = group * g.one([1, 2, 8, 16] if group < 9 else [1, 2]) if group > 1 else width(g)
    t, terms, kind = g.one([I8, I8, U8]), c // group * int(np.prod(k)), g.int(0, 3)
    w = weight_bytes(g, [m, c // group] + k, t)
    if kind == 0:
        r = g.add("ConvInteger", [q, w, z] + ([zero(g, t)] if g.chance(.5) else []), limit=1e9, group=group, **a)
        return r and rescaled(g, r, terms)
    each = g.chance(.5) and t == I8
    ws = scales(g, m) if each else scales(g)
    wz = g.const(np.zeros(m), t) if each else zero(g, t)
    bias = g.const(g.rng.integers(-999, 999, m), I32)
    rs = g.const(result_scale(g, float(s.a), float(np.max(ws.a)), terms), F32)
    if kind == 1:
        rt = q.dtype
        rz = zero(g, rt)
        r = g.add("QLinearConv", [q, s, z, w, ws, wz, rs, rz] + ([bias] if g.chance(.6) else []), group=group, **a)
        return r and (r if g.chance(.3) else g.add("DequantizeLinear", [r, rs, rz], exact=True))
    f = g.add("DequantizeLinear", [q, s, z], exact=True)
    axis = 0 if each else None
    ins = [f, g.add("DequantizeLinear", [w, ws, wz], axis=axis, exact=True)]
    if g.chance(.6):
        ins.append(g.add("DequantizeLinear", [bias, g.const(s.a * ws.a, F32)], axis=axis, exact=True))
    f = f and g.add("Conv", ins, exact=True, group=group, **a)
    if f and g.chance(.5):
        f = graphops.unary_exact(g)
    return f and requantised(g, f, rs)


def moved_bytes(g, q):
    """what movers do to the bytes"""
    q, s, z = q
    if g.chance(.4):
        r = g.one([graphops.pad, graphops.slicing, graphops.concat, graphops.gather, graphops.transpose,
                   graphops.expand])(g)
        if r is not None and not isinstance(r, list) and r.dtype == q.dtype:
            q = r
    return q, s, z


def rescaled(g, r, terms):
    f = g.add("Cast", [r], to=1, exact=True, limit=1e9)
    return f and g.add("Mul", [f, g.const(2. ** -np.ceil(np.log2(2000 * terms ** .5)), F32)], exact=True)


def requantised(g, f, rs):
    if not f.exact or f.dtype != F32:
        return f
    t = g.one([U8, I8])
    z = zero(g, t)
    q = g.add("QuantizeLinear", [f, rs, z])
    return q and g.add("DequantizeLinear", [q, rs, z], exact=True)


@op(8)
def bytes_product(g):
    x = exact_float(g, (2, 4))
    if not x or not fixed(x, -1):
        return None
    if g.chance(.25):
        q = g.add("DynamicQuantizeLinear", [x], 3)
        if not q:
            return None
        n = width(g)
        w = weight_bytes(g, [x.shape[-1], n], g.one([I8, U8]))
        r = g.add("MatMulInteger", [q[0], w, q[2]], limit=1e9)
        f = r and g.add("Cast", [r], to=1, exact=True, limit=1e9)
        f = f and g.add("Mul", [f, g.add("Mul", [q[1], g.const(2. ** -7, F32)])])
        return f and g.add("Add", [f, operand(g, [n], constant=.8)])
    q = bytes_of(g, x)
    if not q:
        return None
    q, s, z = moved_bytes(g, q)
    if q.rank < 2 or not fixed(q, -1) or q.empty:
        return None
    n, k, t, kind = width(g), q.shape[-1], g.one([I8, I8, U8]), g.int(0, 2)
    lead = list(q.shape[:-2]) if g.chance(.15) and fixed(q, *range(q.rank)) else []
    w = weight_bytes(g, lead + [k, n], t)
    if kind == 0:
        ins = [q, w] + g.one([[z, zero(g, t)], [z], []])
        r = g.add("MatMulInteger", ins, limit=1e9)
        return r and rescaled(g, r, k)
    ws, wz = scales(g), zero(g, t)
    rs = g.const(result_scale(g, float(s.a), float(ws.a), k), F32)
    if kind == 1:
        rz = zero(g, q.dtype)
        r = g.add("QLinearMatMul", [q, s, z, w, ws, wz, rs, rz])
        return r and (r if g.chance(.3) else g.add("DequantizeLinear", [r, rs, rz], exact=True))
    f = g.add("DequantizeLinear", [q, s, z], exact=True)
    f = f and g.add("MatMul", [f, g.add("DequantizeLinear", [w, ws, wz], exact=True)], exact=True)
    if f and g.chance(.5):
        f = g.add("Add", [f, operand(g, [n], constant=.9)], exact=True)
    return f and requantised(g, f, rs)


@op(1)
def bytes_sum(g):
    """a residual sum of bytes"""
    x = exact_float(g, (2, 5))
    q, p = x and bytes_of(g, x), x and bytes_of(g, x)
    if not q or not p:
        return None
    a, b = (g.add("DequantizeLinear", list(v), exact=True) for v in (q, p))
    f = g.add("Add", [a, b], exact=True)
    return f and requantised(g, f, scales(g))


# ---- what stands around them

@op(5)
def residual(g):
    x = some(g, rank=(1, 5))
    if not x:
        return None
    if fixed(x, *range(x.rank)):
        shape = [d if g.chance(.8) else 1 for d in x.shape]
        y = operand(g, shape[g.int(0, x.rank - 1):] if g.chance(.3) else shape, 1, x.dtype, .3)
    else:
        y = g.pick(lambda v: v.shape == x.shape and v.b.shape == x.b.shape and v is not x, (x.dtype,))
    return y and g.add(g.one(["Add", "Add", "Mul", "Sub", "Max"]), g.one([[x, y], [y, x]]), exact=True)


@op(4)
def pad(g):
    """also by negative numbers, and by many"""
    x = g.pick(rank=(1, 5))
    if not x:
        return None
    low = [0] * (2 * x.rank)
    for _ in range(g.int(1, 3)):
        low[g.int(0, 2 * x.rank - 1)] = g.one([-2, -1, 1, 1, 2, 3, 7, 16])
    room = [min(d) for d in zip(x.shape, x.b.shape)]
    if any(low[i] + low[i + x.rank] + d < 1 or min(low[i], low[i + x.rank]) < -d for i, d in enumerate(room)):
        return None
    mode = "constant" if min(low) < 0 or g.chance(.6) else g.one(["edge", "reflect"])
    if mode == "reflect" and any(max(low[i], low[i + x.rank]) >= d for i, d in enumerate(room)):
        return None
    ins = [x, g.ints(*low)] + ([g.const(g.data((), x.dtype))] if mode == "constant" and g.chance(.5) else [])
    return g.add("Pad", ins, exact=True, mode=mode)


@op(3)
def concat(g):
    x = g.pick(lambda v: not v.empty, rank=(1, 5), dtypes=(F32, F64, U8, I8))
    if not x:
        return None
    axis = g.int(0, x.rank - 1)
    if g.chance(.3):
        parts = [x, x]
    elif fixed(x, *range(x.rank)):
        parts = [x] + [operand(g, other(x.shape, axis, size(g, 33)), 1, x.dtype) for _ in range(g.int(1, 2))]
    else:
        y = g.pick(lambda v: v.rank == x.rank and v.dtype == x.dtype and all(
            i == axis or (v.shape[i], v.b.shape[i]) == (x.shape[i], x.b.shape[i]) for i in range(x.rank)))
        parts = [x, y]
    return g.add("Concat", [parts[i] for i in g.rng.permutation(len(parts))], exact=True, axis=axis)


@op(2)
def gather(g):
    x = g.pick(lambda v: not v.empty, rank=(1, 4))
    if not x:
        return None
    axis = g.int(0, x.rank - 1)
    d = min(x.shape[axis], x.b.shape[axis])
    i = g.rng.integers(-d, d, g.one([[size(g, 33)], [2, 3], [size(g, 17)]]))
    return g.add("Gather", [x, g.const(i.astype(I64))], exact=True, axis=axis)


@op(2)
def scatter(g):
    x = g.pick(lambda v: not v.empty and fixed(v, *range(v.rank)), dtypes=(F32,), rank=(1, 4))
    return x and from_scattered(g, list(x.shape), 0, lambda s: x if list(x.shape) == list(s) else operand(g, s), F32)


@op(2)
def masked(g):
    x = g.pick(lambda v: not v.empty and fixed(v, *range(v.rank)), dtypes=(F32,), rank=(1, 5))
    return x and from_chosen(g, list(x.shape), g.int(0, x.rank - 1), lambda s: x, F32)


@op(2)
def heads(g):
    """attention with projections, its heads apart"""
    x = g.pick(lambda v: not v.empty and fixed(v, -1), dtypes=(F32,), rank=(3, 3))
    if not x:
        return None
    d, h, e = x.shape[-1], g.one([1, 2, 3, 4]), g.one([1, 4, 5, 8, 16, 17])
    t = lambda v, p: v and g.add("Transpose", [v], exact=True, perm=p)
    q, k, v = (g.add("MatMul", [x, operand(g, [d, h * e], d, constant=.8)]) for _ in range(3))
    q, k, v = (w and g.add("Reshape", [w, g.ints(0, 0, h, e)]) for w in (q, k, v))
    q, v = t(q, [0, 2, 1, 3]), t(v, [0, 2, 1, 3])
    k = t(k, [0, 2, 3, 1])
    s = k and g.add("MatMul", [q, k])
    s = s and g.add("Mul", [s, g.const(e ** -.5, F32)])
    if s and fixed(x, 1) and g.chance(.5):
        n = x.shape[1]
        s = g.add("Add", [s, operand(g, g.one([[n, n], [1, 1, n], [x.shape[0], 1, 1, n]]), 1)])
    p = s and g.add("Softmax", [s], axis=-1)
    o = p and g.add("MatMul", [p, v])
    o = t(o, [0, 2, 1, 3])
    return o and g.add("Reshape", [o, g.ints(0, 0, h * e)])


@op(2)
def recurrent(g):
    x = g.pick(lambda v: not v.empty and fixed(v, 2), dtypes=(F32,), rank=(3, 3))
    if not x or x.shape[0] > 20:
        return None
    kind, gates = g.one([("RNN", 1), ("GRU", 3), ("LSTM", 4)])
    h, d = size(g, 33), g.int(1, 2)
    ins = [x] + [operand(g, [d, gates * h, k], k, constant=.9) for k in (x.shape[2], h)]
    if g.chance(.6):
        ins.append(operand(g, [d, 2 * gates * h], constant=.9))
    return g.add(kind, ins, 2, hidden_size=h, linear_before_reset=g.int(0, 1) if kind == "GRU" else None,
                 direction="bidirectional" if d == 2 else g.one(["forward", "reverse"]))


for f, n in ((graphops.reshape, 3), (graphops.transpose, 4), (graphops.slicing, 4), (graphops.split, 3),
             (graphops.pad, 2), (graphops.expand, 2), (graphops.tile, 1), (graphops.squeeze, 1), (graphops.space_depth, 2),
             (graphops.resize, 2), (graphops.gather_nd, 1), (graphops.trilu, 1), (graphops.shape_chain, 1),
             (graphops.unary, 5), (graphops.unary_exact, 3), (graphops.clip, 1), (graphops.gelu, 1),
             (graphops.binary, 3), (graphops.prelu, 1), (graphops.cast, 1),
             (graphops.softmax, 3), (graphops.norm, 4), (graphops.layer_norm_by_hand, 1), (graphops.reduction, 4),
             (graphops.pool, 4), (graphops.global_pool, 1), (graphops.attention, 1)):
    op(n)(f)
