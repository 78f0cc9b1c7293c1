"""If, Loop and Scan for random graphs: bodies of random operators that read the graphs around them."""
import numpy as np

from graphgen import BOOL, FLOATS, Graph, I32, I64
from graphops import broadcastable, op


def captures(g, proto, made):
    """What a body reads of the graphs around it."""
    names = set()
    for n in proto.node:
        names.update(n.input)
        for a in n.attribute:
            if a.g.node:
                names.update(v.name for v in captures(g, a.g, set()))
            if a.g.output:
                names.update(o.name for o in a.g.output)
    names.update(o.name for o in proto.output)
    return [v for v in g.visible() if v.name in names]


def body_steps(b, n):
    for _ in range(n):
        b.step()


def own(b, v):
    """A value made in the body: outputs may not be captured values as they are."""
    return v if v in b.vals and v not in b.inputs and not v.const else b.add("Identity", [v], exact=True)


@op(3)
def branch(g):
    c = g.pick(lambda v: v.a.size == 1, dtypes=(BOOL,))
    if c and c.rank:
        c = g.add("Squeeze", [c])
    if not c:
        x = g.pick(lambda v: v.a.size, dtypes=FLOATS, exact=True)
        x = x and g.reduce("ReduceSum", x, None, 0, exact=True)
        c = x and g.add("Greater", [x, g.const(np.array(.5, x.dtype))])
    if not c or g.depth > 1:
        return None
    arms, want = [], None
    for k in range(2):
        b = Graph(g.rng, g.opset, g)
        body_steps(b, b.int(1, 3))
        if want is None:
            r = b.pick(lambda v: v in b.vals) or b.pick()
            want = r
        else:
            r = b.pick(lambda v: v.dtype == want.dtype and v.shape == want.shape)
            if not r:
                r = b.const(b.data(want.shape, want.dtype))
        r = own(b, r)
        if not r:
            return None
        arms.append(b.proto([r], f"arm{k}"))
    used = captures(g, arms[0], ()) + captures(g, arms[1], ())
    return g.add("If", [c], captured={v.name: v for v in used}.values(), exact=want.exact and r.exact,
                 then_branch=arms[0], else_branch=arms[1])


def next_value(b, like):
    """A value of the shape and dtype of a carried one, from what the body has made."""
    v = b.pick(lambda v: v.dtype == like.dtype and broadcastable(v.shape, like.shape)
               and np.broadcast_shapes(v.shape, like.shape) == like.shape)
    if like.dtype == BOOL:
        return b.add("Not", [like])
    r = b.add(b.one(["Add", "Sub", "Max"]), [like, v or like], exact=True)
    return r and (b.add("Mul", [r, b.const(np.array(.5, r.dtype))], exact=True) if r.dtype.kind == "f" else r)


@op(2)
def loop(g):
    c0 = [g.pick(lambda v: not v.empty, dtypes=FLOATS + (I64, I32)) for _ in range(g.int(1, 2))]
    if None in c0 or g.depth > 1:
        return None
    b = Graph(g.rng, g.opset, g)
    it, cond = b.input(np.array(1, I64), stem="i"), b.input(np.array(True), stem="k")
    carried = [b.input(v.a, [None] * v.rank, stem="s", b=v.b) for v in c0]
    for s, v in zip(carried, c0):
        s.exact = False
    body_steps(b, b.int(1, 4))
    grow = g.chance(.15) and c0[0].rank > 0
    outs = []
    for v in carried:
        if grow and v is carried[0]:
            outs.append(b.add("Concat", [v, b.const(b.data((1,) + v.shape[1:], v.dtype))], axis=0))
        else:
            outs.append(next_value(b, v))
    scans = [] if grow else [b.pick(lambda v: v in b.vals) for _ in range(g.int(0, 2))]
    if g.chance(.3):
        go = b.add("Less", [it, b.const(np.array(g.int(1, 3), I64))])
    else:
        go = b.add("Identity", [cond])
    outs = [go] + [own(b, v) if v else None for v in outs + [s for s in scans if s]]
    if None in outs or len({v.name for v in outs}) < len(outs):
        return None
    p = b.proto(outs, "body")
    trip = g.pick(lambda v: v.rank == 0 and 0 < v.a < 5, dtypes=(I64,)) or g.const(np.array(g.int(1, 3), I64))
    first = g.const(np.array(True)) if g.chance(.7) else ""
    return g.add("Loop", [trip, first] + c0, len(outs) - 1, captured=captures(g, p, ()), body=p)


@op(2)
def scan(g):
    x = g.pick(lambda v: not v.empty, dtypes=FLOATS, rank=(1, 4))
    s0 = g.pick(lambda v: not v.empty, dtypes=FLOATS, rank=(0, 3))
    if not x or not s0 or g.depth > 1:
        return None
    axis = g.int(0, x.rank - 1)
    b = Graph(g.rng, g.opset, g)
    s = b.input(s0.a, [None] * s0.rank, stem="s", b=s0.b)
    first = [np.asarray(np.take(a, 0, axis), order="C") for a in (x.a, x.b)]
    e = b.input(first[0], [None] * (x.rank - 1), stem="e", b=first[1])
    s.exact = e.exact = False
    body_steps(b, b.int(1, 4))
    o = b.pick(lambda v: v in b.vals)
    outs = [next_value(b, s), o and own(b, o)]
    outs = [v and own(b, v) for v in outs]
    if None in outs or outs[0].name == outs[1].name:
        return None
    p = b.proto(outs, "body")
    return g.add("Scan", [s0, x], 2, captured=captures(g, p, ()), body=p, num_scan_inputs=1,
                 scan_input_axes=[axis], scan_input_directions=[g.int(0, 1)], scan_output_directions=[g.int(0, 1)],
                 scan_output_axes=[g.int(0, outs[1].rank)])
