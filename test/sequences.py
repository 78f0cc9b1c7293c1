"""Random graphs over sequences and optionals against ONNX Runtime: lists and sequences whose length only run time knows,
through If, Loop and SequenceMap, at the interface."""
import os
import random

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import harness
from harness import PASS

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
onnxruntime.set_default_logger_severity(4)


def seq_info(name, rank=2):
    t = helper.make_tensor_type_proto(FLOAT, [None] * rank)
    return helper.make_value_info(name, helper.make_sequence_type_proto(t))


def info(name, dtype=FLOAT, shape=(None, 3)):
    return helper.make_tensor_value_info(name, dtype, shape)


class Case:
    """Items are float32 [k, 3]. A sequence is its name and the number of its items, which the graph may or may not show."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.np = np.random.default_rng(seed)
        self.nodes, self.inputs, self.feed, self.init = [], [], {}, []
        self.tensors, self.seqs, self.outs, self.n = [], [], [], 0
        for _ in range(self.r.randint(1, 3)):
            self.tensor_input()
        for _ in range(self.r.randint(1, 2)):
            self.seq_input()
        self.flag = self.array("flag", np.array(self.r.random() < 0.5))
        steps = [self.construct, self.empty, self.insert, self.insert, self.erase, self.at, self.length, self.concat, self.split,
                 self.branch, self.loop, self.map, self.optional]
        for _ in range(self.r.randint(3, 12)):
            self.r.choice(steps)()
        for name, _ in self.seqs:
            self.outs.append(seq_info(name))
        for name in self.tensors:
            if name not in self.feed:
                self.outs.append(info(name))
        for o in self.outs:
            if o.name in self.feed:
                self.add("Identity", [o.name], out="copy_" + o.name)
                o.name = "copy_" + o.name

    def fresh(self, what):
        self.n += 1
        return f"{what}{self.n}"

    def add(self, op, ins, out=None, **attrs):
        out = out or self.fresh(op.lower())
        self.nodes.append(helper.make_node(op, ins, [out], **attrs))
        return out

    def rows(self):
        return self.np.standard_normal((self.r.randint(0, 4), 3)).astype(np.float32)

    def array(self, what, a):
        name = self.fresh(what)
        self.inputs.append(info(name, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape))
        self.feed[name] = a
        return name

    def tensor_input(self):
        a = self.rows()
        name = self.fresh("x")
        self.inputs.append(info(name, FLOAT, (f"rows_{name}" if len(a) == 0 or self.r.random() < 0.5 else len(a), 3)))
        self.feed[name] = a
        self.tensors.append(name)

    def seq_input(self):
        name, items = self.fresh("s"), [self.rows() for _ in range(self.r.randint(1, 4))]
        self.inputs.append(seq_info(name))
        self.feed[name] = items
        self.seqs.append((name, len(items)))

    def number(self, value):
        """as a constant or as an input"""
        if self.r.random() < 0.5:
            return self.array("i", np.array(value, np.int64))
        name = self.fresh("c")
        self.init.append(numpy_helper.from_array(np.array(value, np.int64), name))
        return name

    def position(self, n, end=0):
        p = self.r.randrange(-n, n + end) if n + end else 0
        return self.number(p)

    def construct(self):
        t = [self.r.choice(self.tensors) for _ in range(self.r.randint(1, 4))]
        self.seqs.append((self.add("SequenceConstruct", t), len(t)))

    def empty(self):
        s = self.add("SequenceEmpty", [], dtype=FLOAT)
        self.seqs.append((self.add("SequenceInsert", [s, self.r.choice(self.tensors)]), 1))

    def insert(self):
        s, n = self.r.choice(self.seqs)
        pos = [] if self.r.random() < 0.4 else [self.position(n, 1)]
        self.seqs.append((self.add("SequenceInsert", [s, self.r.choice(self.tensors)] + pos), n + 1))

    def erase(self):
        s, n = self.r.choice(self.seqs)
        if n > 1:
            self.seqs.append((self.add("SequenceErase", [s] + ([] if self.r.random() < 0.4 else [self.position(n)])), n - 1))

    def at(self):
        s, n = self.r.choice(self.seqs)
        self.tensors.append(self.add("SequenceAt", [s, self.position(n)]))

    def length(self):
        self.outs.append(info(self.add("SequenceLength", [self.r.choice(self.seqs)[0]]), INT64, ()))

    def concat(self):
        if self.r.random() < 0.5:
            self.tensors.append(self.add("ConcatFromSequence", [self.r.choice(self.seqs)[0]], axis=0))
            return
        s, n = self.r.choice(self.seqs)      # one item, several times
        t = self.add("SequenceAt", [s, self.position(n)])
        s = self.add("SequenceConstruct", [t, t])
        s = self.add("SequenceInsert", [s, t, self.position(2, 1)])
        fresh = self.r.randint(0, 1)
        axis = self.r.randrange(-2 - fresh, 2 + fresh)
        if fresh == 0 and axis % 2 == 0:
            self.tensors.append(self.add("ConcatFromSequence", [s], axis=axis))
        else:
            y = self.add("ConcatFromSequence", [s], axis=axis, new_axis=fresh)
            self.outs.append(info(y, FLOAT, [None] * (2 + fresh)))

    def split(self):
        x = self.r.choice(self.tensors)
        one = self.array("one", np.ones((1, 3), np.float32))
        x = self.add("Concat", [x, one, one], axis=0)
        axis = self.r.randint(0, 1)
        if axis:
            s = self.add("SplitToSequence", [x, self.number(self.r.randint(1, 3))], axis=1)
            s = self.add("ConcatFromSequence", [s], axis=1)
            self.tensors.append(s)
        else:
            s = self.add("SplitToSequence", [x] + ([self.number(self.r.randint(1, 3))] if self.r.random() < 0.6 else []), axis=0)
            self.seqs.append((s, 1))

    def branch(self):
        (a, n), (b, m) = self.r.choice(self.seqs), self.r.choice(self.seqs)
        arms = []
        for i, s in enumerate((a, b)):
            out = self.fresh("arm")
            nodes = [helper.make_node("Identity", [s], [out])]
            if self.r.random() < 0.5:
                nodes = [helper.make_node("SequenceInsert", [s, self.r.choice(self.tensors)], [out])]
            arms.append(helper.make_graph(nodes, f"arm{i}", [], [seq_info(out)]))
        self.seqs.append((self.add("If", [self.flag], then_branch=arms[0], else_branch=arms[1]), min(n, m)))

    def loop(self):
        s, n = self.r.choice(self.seqs)
        trips = self.r.randint(0, 4)
        t = self.r.choice(self.tensors)
        b, i, c, it = (self.fresh(w) for w in ("carried", "iter", "go", "item"))
        k = self.fresh("k")
        nodes = [helper.make_node("Constant", [], [k], value_int=n), helper.make_node("Mod", [i, k], [k + "m"]),
                 helper.make_node("SequenceAt", [b, k + "m"], [it]), helper.make_node("Add", [it, it], [it + "2"]),
                 helper.make_node("SequenceInsert", [b, it + "2"] + ([k + "m"] if self.r.random() < 0.5 else []), [b + "1"])]
        last = b + "1"
        if self.r.random() < 0.4:
            nodes.append(helper.make_node("SequenceInsert", [last, t], [b + "2"]))
            nodes.append(helper.make_node("SequenceErase", [b + "2", k + "m"], [b + "3"]))
            last = b + "3"
        nodes.append(helper.make_node("Identity", [c], [c + "1"]))
        body = helper.make_graph(nodes, "body", [info(i, INT64, ()), info(c, BOOL, ()), seq_info(b)],
                                 [info(c + "1", BOOL, ()), seq_info(last)])
        self.seqs.append((self.add("Loop", [self.number(trips), "", s], body=body), n + trips))

    def map(self):
        (a, n), t = self.r.choice(self.seqs), self.r.choice(self.tensors)
        x, y, z = (self.fresh(w) for w in "abz")
        nodes = [helper.make_node("Concat", [x, y], [z], axis=0), helper.make_node("Mul", [z, z], [z + "2"])]
        body = helper.make_graph(nodes, "each", [info(x), info(y)], [info(z + "2")])
        self.seqs.append((self.add("SequenceMap", [a, t], body=body), n))

    def optional(self):
        s, n = self.r.choice(self.seqs)
        o = self.add("Optional", [s])
        self.outs.append(info(self.add("OptionalHasElement", [o]), BOOL, ()))
        self.seqs.append((self.add("OptionalGetElement", [o]), n))

    def model(self):
        g = helper.make_graph(self.nodes, "g", self.inputs, self.outs, self.init)
        m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        return m


def write(path, kind, values):
    for i, v in enumerate(values):
        p = numpy_helper.from_list(v) if isinstance(v, list) else numpy_helper.from_array(np.asarray(v))
        with open(f"{path}/{kind}_{i}.pb", "wb") as f:
            f.write(p.SerializeToString())


def main():
    p = harness.arguments("Random graphs over sequences against ONNX Runtime.", "not used")
    p.add_argument("--count", type=int, default=40)
    p.add_argument("--seed", type=int, default=0)
    o = p.parse_args()
    folder = harness.temporary()
    o.cc = harness.warm(o.cc, folder)
    jobs, refused = [], 0
    for seed in range(o.seed, o.seed + o.count):
        c = Case(seed)
        d = os.path.join(folder, str(seed))
        os.makedirs(d)
        try:
            m = c.model()
            s = onnxruntime.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"])
            got = s.run(None, c.feed)
        except Exception as e:               # not what this test is about
            refused += 1
            if os.environ.get("WHY"):
                print(seed, "reference:", str(e)[:200])
            continue
        onnx.save(m, d + "/model.onnx")
        write(d, "input", [c.feed[i.name] for i in c.inputs])
        write(d, "output", got)
        args = [o.zenithc, "verify", d + "/model.onnx", "--data", d, "-O" + o.level, "--cc", o.cc]
        for i in c.inputs:
            for k in i.type.tensor_type.shape.dim if i.type.HasField("tensor_type") else []:
                if k.dim_param:
                    args += ["--dim", k.dim_param + "=0..9"]
        jobs.append((seed, lambda a=args: harness.outcome(a, o.timeout)))
    results = list(harness.run_all(jobs, o.j))
    bad = [(n, r) for n, r in results if r[0] != PASS]
    for n, r in sorted(bad):
        print(f"FAIL {n}: exit {r[2]}: {r[1]}")
    print(f"sequences at -O{o.level}: {refused} that the reference refuses")
    harness.finish(len(results) - len(bad), len(bad), 0, None if os.environ.get("KEEP") else folder)


main()
