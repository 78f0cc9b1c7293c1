"""Control flow that random graphs do not reach, against numpy: Loops whose trip count says nothing and that collect rows,
branches and bodies that cannot run, which are errors of the run that takes them."""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import harness
from harness import PASS

F, I, B = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
X = np.arange(6, dtype=np.float32)
node, value = helper.make_node, helper.make_tensor_value_info


def graph(nodes, ins, outs, **consts):
    return helper.make_graph(nodes, "g", [value(*v) for v in ins], [value(*v) for v in outs],
                             [numpy_helper.from_array(np.array(v), k) for k, v in consts.items()])


def collect(trip, carry):
    """sums that grow until `most`; carry: a carried value grows too. The rows: twice the sums, the iteration's number"""
    grown = [node("Cast", ["i"], ["f"], to=F), node("Unsqueeze", ["f", "axis"], ["r"]),
             node("Concat", ["g", "r"], ["next"], axis=0)] if carry else [node("Identity", ["g"], ["next"])]
    body = graph([node("Add", ["c", "x"], ["sum"]), node("ReduceSum", ["sum"], ["all"], keepdims=0),
                  node("Less", ["all", "most"], ["more"]), node("Add", ["sum", "sum"], ["row"]), *grown],
                 [("i", I, []), ("go", B, []), ("c", F, ["n"]), ("g", F, ["m"])],
                 [("more", B, []), ("sum", F, ["n"]), ("next", F, ["m2"]), ("row", F, ["n"]), ("i", I, [])], axis=[0])
    ins = [("x", F, ["n"]), ("c0", F, ["n"]), ("g0", F, ["m"]), ("most", F, [])] + [("trip", I, [])] * (trip == "input")
    consts = {"const": {"trip": 2 ** 63 - 1}}.get(trip, {})
    return graph([node("Loop", ["trip" if trip else "", "", "c0", "g0"], ["c1", "g1", "rows", "numbers"], body=body)], ins,
                 [("c1", F, ["n"]), ("g1", F, ["k"]), ("rows", F, ["t", "n"]), ("numbers", I, ["t"])], **consts)


def collected(most, carry, trip=2 ** 63 - 1):
    c, g, rows = np.zeros(6, np.float32), [7, 8], []
    while len(rows) < trip and not (rows and c.sum() >= most):
        g = g + [len(rows)] if carry else g
        c = c + X
        rows.append(2 * c)
    more = [np.array(trip)] if trip < 2 ** 63 - 1 else []
    return ([X, np.zeros(6, np.float32), np.array([7, 8], np.float32), np.array(most, np.float32), *more],
            [c, np.array(g, np.float32), np.array(rows, np.float32).reshape(-1, 6), np.arange(len(rows))])


def branch(op, consts, a="x"):
    return graph([node(op, ["table", "at"] if op.startswith("Gather") else [a, "table"], ["v"]),
                  node("Add", [a, "v"] if op.startswith("Gather") else ["v", "v"], ["bad"])], [], [("bad", F, None)], **consts)


def dead(bad, a="x"):
    good = graph([node("Add", [a, a], ["good"])], [], [("good", F, None)])
    return node("If", ["c"], ["y"], then_branch=bad, else_branch=good)


GATHER = ("Gather", {"table": np.ones(3, np.float32), "at": 7})
MATMUL = ("MatMul", {"table": np.ones((4, 6), np.float32)})
WHICH = [("c", B, []), ("x", F, [6])]


def in_loop(bad):
    body = graph([dead(branch(*bad, "a"), "a"), node("Identity", ["g"], ["go"])], [("i", I, []), ("g", B, []), ("a", F, [6])],
                 [("go", B, []), ("y", F, [6])])
    return graph([node("Loop", ["two", "", "x"], ["out"], body=body)], WHICH, [("out", F, [6])], two=2)


def later_size(size):
    """a branch that fits a size that the carried value gets, but not its first"""
    nine = graph([node("Add", ["a", "w"], ["u"])], [], [("u", F, None)], w=np.ones(9, np.float32))
    more = graph([node("Concat", ["a", "one"], ["v"], axis=0)], [], [("v", F, None)], one=np.ones(1, np.float32))
    body = graph([node("Size", ["a"], ["s"]), node("Equal", ["s", "nine"], ["is"]),
                  node("If", ["is"], ["b"], then_branch=nine, else_branch=more), node("Identity", ["g"], ["go"])],
                 [("i", I, []), ("g", B, []), ("a", F, ["k"])], [("go", B, []), ("b", F, ["k2"])], nine=9)
    return graph([node("Loop", ["trip", "", "x"], ["out"], body=body)], [("trip", I, []), ("x", F, [size])], [("out", F, ["m"])])


def never():
    body = graph([node("Gather", ["table", "at"], ["v"]), node("Add", ["a", "v"], ["b"]), node("Identity", ["g"], ["go"])],
                 [("i", I, []), ("g", B, []), ("a", F, [6])], [("go", B, []), ("b", F, [6]), ("v", F, [])], **GATHER[1])
    return graph([node("Loop", ["trip", "", "x"], ["out", "rows"], body=body)], [("trip", I, []), ("x", F, [6])],
                 [("out", F, [6]), ("rows", F, ["t"])])


def cases():
    for carry in False, True:
        for most in 0, 45, 105, 119, 121, 1000:
            yield f"collect {carry} {most}", collect(None, carry), *collected(most, carry), PASS
            yield f"collect {carry} {most} const", collect("const", carry), *collected(most, carry), PASS
        for trip in 0, 3, 8, 100:
            yield f"collect {carry} {trip} input", collect("input", carry), *collected(1000, carry, trip), PASS
    for name, g, times in (("fold", graph([dead(branch(*GATHER))], WHICH, [("y", F, [6])]), 2),
                           ("shape", graph([dead(branch(*MATMUL))], WHICH, [("y", F, [6])]), 2),
                           ("fold in a loop", in_loop(GATHER), 4), ("shape in a loop", in_loop(MATMUL), 4)):
        yield name, g, [np.array(False), X], [times * X], PASS
        yield name + ", taken", g, [np.array(True), X], [X], "status"
    yield "never", never(), [np.array(0), X], [X, np.zeros(0, np.float32)], PASS
    yield "never, run", never(), [np.array(1), X], [X, np.zeros(1, np.float32)], "status"
    ones = np.concatenate([X, np.ones(3, np.float32)])
    yield "later size", later_size(6), [np.array(5), X], [ones + 2], PASS
    yield "later size, dynamic", later_size("n"), [np.array(5), X], [ones + 2], "status"   # a size that is assumed to stay


def main():
    p = harness.arguments("Control flow against numpy.", "not used")
    o = p.parse_args()
    folder, jobs, want = harness.temporary(), [], {}
    for k, (name, g, ins, outs, expected) in enumerate(cases()):
        d = os.path.join(folder, str(k))
        os.makedirs(d)
        onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 21)], ir_version=9), d + "/model.onnx")
        for kind, values in ("input", ins), ("output", outs):
            for i, v in enumerate(values):
                with open(f"{d}/{kind}_{i}.pb", "wb") as f:
                    f.write(numpy_helper.from_array(np.asarray(v)).SerializeToString())
        for level in "0", "3":
            args = [o.zenithc, "verify", d + "/model.onnx", "--data", d, "-O" + level, "--cc", o.cc]
            jobs.append((f"{name} -O{level}", lambda a=args: harness.outcome(a, o.timeout)))
            want[f"{name} -O{level}"] = expected
    bad = {n: r for n, r in harness.run_all(jobs, o.j)
           if r[0] != PASS and not (want[n] == "status" and "(status" in r[1]) or r[0] == PASS and want[n] != PASS}
    for n in sorted(bad):
        print(f"FAIL {n}: exit {bad[n][2]}: {bad[n][1]}")
    harness.finish(len(jobs) - len(bad), len(bad), 0, folder)


if __name__ == "__main__":
    main()
