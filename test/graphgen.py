"""Random ONNX graphs. Each node is computed at once by ONNX Runtime, so that shapes and values are known while the
graph grows: what has no kernel, fails, or leaves the finite numbers is not taken. A value is exact if it is small
multiples of a power of two computed from such; only exact values meet operators that jump (comparisons, Floor)."""
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

ort.set_default_logger_severity(4)
F32, F64, F16, I64, I32, BOOL, U8, I8 = (np.dtype(s) for s in "f4 f8 f2 i8 i4 ? u1 i1".split())
FLOATS, INTS = (F32, F64, F16), (I64, I32, U8, I8)
LARGEST = 6000


def session(model):
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    o.intra_op_num_threads = o.inter_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), o, providers=["CPUExecutionProvider"])


def info(name, a, dims=None):
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype), dims or a.shape)


def is_exact(a):
    if a.dtype.kind != "f":
        return True
    a = a.astype(np.float64)
    one = 64 if a.size and np.abs(a).max() > 16 else 1024
    return bool(np.isfinite(a).all() and (np.abs(a) < 512).all() and (a * one == np.round(a * one)).all())


def taken(a, limit, inf, most=LARGEST):
    return isinstance(a, np.ndarray) and a.size <= most and a.dtype.kind != "O" and (
        a.dtype.kind != "f" or inf or bool((np.abs(np.nan_to_num(a, nan=np.inf)) < limit).all()))


class Val:
    """A value; `b`: its array when symbolic dimensions have their second size."""
    def __init__(self, name, a, exact, const=False, b=None):
        self.name, self.a, self.const = name, a, const
        self.b = a if b is None else b
        self.exact = exact and is_exact(a) and is_exact(self.b)
        self.shape, self.dtype, self.rank = a.shape, a.dtype, a.ndim
        self.empty = 0 in self.shape + self.b.shape


def operators():
    """a list of functions, and a decorator that adds one to it, `weight` times"""
    ops = []

    def op(weight=1):
        def add(f):
            ops.extend([f] * weight)
            return f
        return add
    return ops, op


class Graph:
    """A graph under construction; `outer` is the graph around a body."""
    most, latest = LARGEST, .5       # elements of a value; how often a step takes one of the last values

    def __init__(self, rng, opset, outer=None, ops=()):
        self.rng, self.opset, self.outer = rng, opset, outer
        self.root = outer.root if outer else self
        self.nodes, self.inputs, self.vals, self.init = [], [], [], []
        self.depth = outer.depth + 1 if outer else 0
        if not outer:
            self.count, self.ops = 0, ops
            self.all = {}            # every value, for shrinking
            self.dims = {}           # of inputs, with symbols

    # choices
    def chance(self, p):
        return self.rng.random() < p

    def int(self, lo, hi):
        return int(self.rng.integers(lo, hi + 1))

    def one(self, items):
        return items[self.int(0, len(items) - 1)]

    def name(self, stem="v"):
        self.root.count += 1
        return f"{stem}{self.root.count}"

    def visible(self):
        return self.vals + (self.outer.visible() if self.outer else [])

    def pick(self, ok=lambda v: True, dtypes=None, rank=None, exact=False):
        c = [v for v in self.visible() if (dtypes is None or v.dtype in dtypes) and (v.exact or not exact)
             and (rank is None or rank[0] <= v.rank <= rank[1]) and ok(v)]
        if not c:
            return None
        recent = [v for v in c if v in self.vals[-4:]]
        return self.one(recent if recent and self.chance(self.latest) else c)

    # values
    def data(self, shape, dtype, scale=1.0):
        r = self.rng
        if dtype == BOOL:
            return np.asarray(r.random(shape) < .5)
        if dtype.kind in "iu":
            return np.asarray(r.integers(0 if dtype == U8 else -5, 9, shape), dtype)
        return np.asarray((np.round(r.standard_normal(shape) * 8 * scale) / 8).clip(-4, 4), dtype)

    def input(self, a, dims=None, stem="x", b=None):
        v = Val(self.name(stem), a, True, b=b)
        self.inputs.append(v)
        self.vals.append(v)
        self.root.all[v.name] = v
        if dims is not None:
            self.root.dims[v.name] = dims
        return v

    def const(self, a, dtype=None, pool=False):
        v = Val(self.name("c"), np.asarray(a, dtype, order="C"), True, True)
        t = numpy_helper.from_array(v.a, v.name)
        if self.chance(.3):
            self.nodes.append(helper.make_node("Constant", [], [v.name], value=t))
        else:
            self.init.append(t)
        self.root.all[v.name] = v
        if pool:
            self.vals.append(v)
        return v

    def ints(self, *v):
        return self.const(np.array(v, np.int64))

    def run(self, node, feed):
        g = helper.make_graph([node], "g", [info(k, a) for k, a in feed.items()],
                              [helper.make_empty_tensor_value_info(o) for o in node.output if o])
        m = helper.make_model(g, ir_version=10, opset_imports=[helper.make_opsetid("", self.opset)])
        try:
            return [np.asarray(a) if isinstance(a, np.generic) else a for a in session(m).run(None, feed)]
        except Exception:
            return None

    def add(self, kind, ins, n=1, exact=False, captured=(), keep=None, limit=1e4, inf=False, **attrs):
        """Adds a node; the values of its first `keep` outputs, or None. `exact`: it makes exact from exact."""
        if any(v is None for v in ins if v != ""):
            return None
        attrs = {k: v for k, v in attrs.items() if v is not None}
        names = [v.name if v != "" else "" for v in ins]
        node = helper.make_node(kind, names, [self.name() for _ in range(n)], **attrs)
        used = {v.name: v for v in list(ins) + list(captured) if v != ""}.values()
        out = self.run(node, {v.name: v.a for v in used})
        second = out
        if any(v.b is not v.a for v in used):
            second = out and self.run(node, {v.name: v.b for v in used})
        if not out or not second or not all(taken(a, limit, inf, self.most) for a in out + second):
            return None
        exact = exact and all(v.exact for v in list(ins) + list(captured) if v != "")
        self.nodes.append(node)
        r = [Val(k, a, exact or a.dtype.kind != "f", b=b) for k, a, b in zip(node.output, out, second)]
        for v in r:
            self.root.all[v.name] = v
        self.vals.extend(r[:keep])
        return r[0] if n == 1 else r

    def reduce(self, kind, x, axes, keep, **how):
        if self.opset >= 18 or kind == "ReduceSum":
            return self.add(kind, [x] if axes is None else [x, self.ints(*axes)], keepdims=keep, **how)
        return self.add(kind, [x], axes=axes, keepdims=keep, **how)

    def step(self):
        for _ in range(30):
            if self.one(self.root.ops)(self):
                return

    def proto(self, outs, name="g"):
        return helper.make_graph(self.nodes, name,
                                 [info(v.name, v.a, self.root.dims.get(v.name)) for v in self.inputs],
                                 [helper.make_empty_tensor_value_info(v.name) for v in outs], self.init)


# ---- whole graphs

class Case:
    """A model and its sets of inputs with what ONNX Runtime answers."""
    of, often = Graph, .35

    def __init__(self, seed, ops):
        rng = np.random.default_rng(seed)
        self.opset = int(rng.choice([13, 17, 18, 21, 21]))
        self.graph = g = self.of(rng, self.opset, None, ops)
        self.symbolic = rng.random() < self.often
        self.grow(g)
        self.outs = self.choose_outputs()
        self.model = self.build(g.nodes, g.init, g.inputs, self.outs)
        self.sets = []
        self.add_set({v.name: v.a for v in g.inputs})
        if self.symbolic:
            self.add_set({v.name: v.b for v in g.inputs})
        del g.rng, g.ops

    def grow(self, g):
        """Inputs and nodes; `sizes`: the two that a symbol stands for."""
        small = [F32] * 8 + [F64, F16, I64, I32, BOOL, U8]
        n, m = g.int(3, 7), g.int(1, 9)
        for _ in range(g.int(1, 3)):
            dt = g.one(small) if g.inputs else F32
            rank = g.int(1, 4) if g.chance(.95) else 0
            shape = [g.one([1, 2, 3, 4, 5, 8]) if g.chance(.8) else g.one([7, 16, 18]) for _ in range(rank)]
            while int(np.prod(shape)) > 1500:
                shape[int(np.argmax(shape))] = 2
            dims = list(shape)
            if self.symbolic and shape:
                k = g.int(0, len(shape) - 1)
                shape[k], dims[k] = n, "N"
            a = g.data(shape, dt)
            g.input(a, dims, b=g.data([m if d == "N" else d for d in dims], dt) if "N" in dims else a)
        self.sizes = n, m
        for _ in range(g.int(3, 25)):
            g.step()

    def choose_outputs(self):
        g = self.graph
        made = [v for v in g.vals if v not in g.inputs and not v.const]
        read = {i for n in g.nodes for i in n.input}
        outs = [v for v in made if v.name not in read and g.chance(.9)][-6:]
        outs += [v for v in made if v.name in read and g.chance(.15)][:3]
        if g.chance(.1):
            outs.append(g.one(g.inputs))
        return outs or made[-1:] or g.inputs[:1]

    def build(self, nodes, init, inputs, outs):
        g = helper.make_graph(nodes, "random", [info(v.name, v.a, self.dims(v)) for v in inputs],
                              [info(v.name, v.a, [None] * v.rank) for v in outs], init)
        return helper.make_model(g, ir_version=10, opset_imports=[helper.make_opsetid("", self.opset)])

    def dims(self, v):
        """As declared; of a value turned into an input: a symbol for what differs between the sizes."""
        return self.graph.dims.get(v.name) or [i if i == j else "N" if (i, j) == self.sizes else f"N{i}_{j}"
                                               for i, j in zip(v.a.shape, v.b.shape)]

    def add_set(self, feed):
        try:
            want = [np.asarray(a) for a in session(self.model).run(None, feed)]
        except Exception as e:
            if not self.sets:
                self.error = str(e)
            return
        if all(taken(a, 1e5, False, self.of.most) for a in want) or not self.sets:
            self.sets.append((feed, want))
