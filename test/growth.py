"""Models of any size for growth.sh. usage: growth.py chain|wide|branches NODES OUT.onnx"""
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

OPS = "Relu", "Neg", "Sigmoid", "Abs", "Tanh"


def chain(n):
    """One after the other."""
    return [helper.make_node(OPS[i % 5], [f"v{i}"], [f"v{i + 1}"]) for i in range(n)]


def wide(n):
    """Matrix products that nothing can merge, each on what came before."""
    return [helper.make_node("MatMul", [f"v{i}", "w"], [f"v{i + 1}"]) for i in range(n)]


def branches(n):
    """Diamonds: every value is read twice."""
    nodes, v = [], "v0"
    for i in range(n // 3):
        nodes += [helper.make_node("Exp", [v], [f"a{i}"]), helper.make_node("MatMul", [v, "w"], [f"b{i}"]),
                  helper.make_node("Add", [f"a{i}", f"b{i}"], [f"v{i + 1}"])]
        v = f"v{i + 1}"
    return nodes


nodes = {"chain": chain, "wide": wide, "branches": branches}[sys.argv[1]](int(sys.argv[2]))
weights = [numpy_helper.from_array(np.eye(4, dtype=np.float32) / 2, "w")] if sys.argv[1] != "chain" else []
graph = helper.make_graph(nodes, "growth", [helper.make_tensor_value_info("v0", TensorProto.FLOAT, [4, 4])],
                          [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, [4, 4])], weights)
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=9), sys.argv[3])
