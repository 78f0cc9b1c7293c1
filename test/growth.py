"""Models of any size for growth.sh. usage: growth.py KIND NODES OUT.onnx; growth.py lists the kinds"""
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

OPS = "Relu", "Neg", "Sigmoid", "Abs", "Tanh"
EYE = numpy_helper.from_array(np.eye(4, dtype=np.float32) / 2, "w")


def value(name, shape=(4, 4), dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, list(shape))


def graph(nodes, inputs=None, outputs=None, weights=(EYE,)):
    last = nodes[-1].output[0]
    return helper.make_graph(nodes, "growth", inputs or [value("v0")], outputs or [value(last)], list(weights))


def chain(n):
    """One after the other."""
    return graph([helper.make_node(OPS[i % 5], [f"v{i}"], [f"v{i + 1}"]) for i in range(n)])


def wide(n):
    """Matrix products that nothing can merge, each on what came before."""
    return graph([helper.make_node("MatMul", [f"v{i}", "w"], [f"v{i + 1}"]) for i in range(n)])


def dynamic(n):
    """The same with a first dim that is not known."""
    nodes = [helper.make_node("MatMul", [f"v{i}", "w"], [f"v{i + 1}"]) for i in range(n)]
    return graph(nodes, [value("v0", ["N", 4])], [value(f"v{n}", ["N", 4])])


def branches(n):
    """Diamonds: every value is read twice."""
    nodes, v = [], "v0"
    for i in range(n // 3):
        nodes += [helper.make_node("Exp", [v], [f"a{i}"]), helper.make_node("MatMul", [v, "w"], [f"b{i}"]),
                  helper.make_node("Add", [f"a{i}", f"b{i}"], [f"v{i + 1}"])]
        v = f"v{i + 1}"
    return graph(nodes)


def movement(n):
    """Reshape and Transpose between operators."""
    step = [("Reshape", ["flat"], {}), ("Relu", [], {}), ("Reshape", ["square"], {}), ("Transpose", [], {"perm": [1, 0]})]
    nodes = [helper.make_node(step[i % 4][0], [f"v{i}"] + step[i % 4][1], [f"v{i + 1}"], **step[i % 4][2])
             for i in range(n // 4 * 4)]
    shapes = [numpy_helper.from_array(np.array(s), k) for k, s in (("flat", [2, 8]), ("square", [4, 4]))]
    return graph(nodes, weights=shapes)


def parallel(n, last, shape, **keys):
    """Branches that differ, all read by one node."""
    nodes = [helper.make_node("Add", ["v0", f"c{i}"], [f"a{i}"]) for i in range(n // 2)]
    nodes += [helper.make_node("MatMul", [f"a{i}", "w"], [f"b{i}"]) for i in range(n // 2)]
    nodes.append(helper.make_node(last, [f"b{i}" for i in range(n // 2)], ["y"], **keys))
    constants = [numpy_helper.from_array(np.full(1, i, np.float32), f"c{i}") for i in range(n // 2)]
    return graph(nodes, outputs=[value("y", shape)], weights=[EYE] + constants)


def sums(n):
    return parallel(n, "Sum", (4, 4))


def concat(n):
    return parallel(n, "Concat", (n // 2 * 4, 4), axis=0)


def split(n):
    """One value in as many parts as nodes, and back."""
    nodes = [helper.make_node("Split", ["v0"], [f"a{i}" for i in range(n)], axis=0, num_outputs=n)]
    nodes += [helper.make_node("Softmax", [f"a{i}"], [f"b{i}"]) for i in range(n)]
    nodes.append(helper.make_node("Concat", [f"b{i}" for i in range(n)], ["y"], axis=0))
    return graph(nodes, [value("v0", (n, 4))], [value("y", (n, 4))], [])


def ports(n):
    """As many inputs and outputs as nodes."""
    nodes = [helper.make_node("Relu", [f"x{i}"], [f"y{i}"]) for i in range(n)]
    return graph(nodes, [value(f"x{i}") for i in range(n)], [value(f"y{i}") for i in range(n)], [])


def data(n):
    """Sizes that data decide."""
    nodes = []
    for i in range(n // 3):
        nodes += [helper.make_node("Relu", [f"v{i}"], [f"r{i}"]), helper.make_node("NonZero", [f"r{i}"], [f"z{i}"]),
                  helper.make_node("MatMul", [f"r{i}", "w"], [f"v{i + 1}"])]
    outputs = [value(f"z{i}", (2, None), TensorProto.INT64) for i in range(n // 3)]
    return graph(nodes, outputs=[value(f"v{n // 3}")] + outputs)


def skips(n):
    """Values that live long: what the first half computes, the second half reads in reverse."""
    half = n // 3
    nodes, last = [helper.make_node("MatMul", [f"v{i}", "w"], [f"v{i + 1}"]) for i in range(half)], f"v{half}"
    for i in range(half):
        nodes += [helper.make_node("Add", [last, f"v{half - i - 1}"], [f"p{i}"]),
                  helper.make_node("MatMul", [f"p{i}", "w"], [f"u{i}"])]
        last = f"u{i}"
    return graph(nodes)


KINDS = {f.__name__: f for f in (chain, wide, dynamic, branches, movement, sums, concat, split, ports, data, skips)}
if len(sys.argv) < 4:
    print(*KINDS)
else:
    model = KINDS[sys.argv[1]](int(sys.argv[2]))
    save(helper.make_model(model, opset_imports=[helper.make_opsetid("", 21)], ir_version=9), sys.argv[3])
