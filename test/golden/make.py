"""Writes the small models of the golden tests (they are in git; this says what is in them)."""
import os

import numpy as np
from onnx import TensorProto, helper, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
F, I64 = TensorProto.FLOAT, TensorProto.INT64


def node(op, inputs, outputs, name=None, **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), name or f"{op.lower()}1", **attributes)


def value(name, shape, dtype=F):
    return helper.make_tensor_value_info(name, dtype, shape)


def save(name, nodes, inputs, outputs, weights=(), opset=21, **more):
    weights = [numpy_helper.from_array(np.asarray(a), n) for n, a in weights]
    graph = helper.make_graph(nodes, name, inputs, outputs, weights)
    imports = [helper.make_opsetid("", opset)] + [helper.make_opsetid(d, 1) for d in more.get("domains", ())]
    model = helper.make_model(graph, opset_imports=imports, ir_version=more.get("ir", 9))
    with open(os.path.join(HERE, name + ".onnx"), "wb") as f:
        f.write(model.SerializeToString(deterministic=True))


def raw(name, data):
    with open(os.path.join(HERE, name + ".onnx"), "wb") as f:
        f.write(data)


def main():
    x, y = [value("x", [2, 3])], [value("y", [2, 3])]
    ramp = np.arange(12, dtype=np.float32).reshape(3, 4) / 8

    save("mlp", [node("Gemm", "x w b", "h"), node("Relu", "h", "r"), node("Softmax", "r", "y", axis=-1)],
         x, [value("y", [2, 4])], [("w", ramp), ("b", np.float32([0, 1, 2, 3]))])
    save("chain", [node("Mul", "x two", "a"), node("Add", "a x", "b"), node("Sigmoid", "b", "y")],
         [value("x", ["n", 3])], [value("y", ["n", 3])], [("two", np.float32(2))])
    save("branch", [node("If", "c", "y", then_branch=helper.make_graph([node("Neg", "x", "t")], "yes", [], [value("t", [2, 3])]),
                         else_branch=helper.make_graph([node("Abs", "x", "e")], "no", [], [value("e", [2, 3])]))],
         x + [value("c", [], TensorProto.BOOL)], y)
    save("weird_names", [node("Add", "int ../x*/", "for", name="*/\n#error"), node("Neg", "for", "y??/")],
         [value("int", [2]), value("../x*/", [2])], [value("y??/", [2])])

    save("unknown_operators", [node("Relu", "x", "a"), node("Frobnicate", "a", "b"), node("Foo", "b", "y", domain="my.own")],
         x, y, domains=["my.own"])
    save("undefined_input", [node("Add", "x nowhere", "y")], x, y)
    save("cycle", [node("Add", "x b", "a"), node("Neg", "a", "b"), node("Relu", "b", "y")], x, y)
    save("matmul_shapes", [node("MatMul", "x w", "y")], x, [value("y", [2, 4])], [("w", ramp.T.copy())])
    save("twice_defined", [node("Relu", "x", "y"), node("Neg", "x", "y", name="neg1")], x, y)
    save("bad_attribute", [node("Softmax", "x", "y", axis="one")], x, y)
    save("missing_attribute", [node("Cast", "x", "y")], x, y)
    save("bad_axis", [node("Softmax", "x", "y", axis=5)], x, y)
    save("newer_opset", [node("Relu", "x", "y")], x, y, opset=99)
    save("few_inputs", [node("Add", "x", "y")], x, y)
    raw("not_a_model", b"this is no model at all\n" * 8)
    raw("empty", b"")
    outside = TensorProto(name="w", data_type=F, dims=[3, 4])
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="../../../etc/passwd")
    graph = helper.make_graph([node("MatMul", "x w", "y")], "outside", x, [value("y", [2, 4])], [outside])
    raw("outside", helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=9).SerializeToString())
    deep = b""
    for _ in range(300):           # graph > node > attribute > graph ...: lengths as varints
        for tag in 0x32, 0x2a, 0x0a:
            n, size = len(deep), b""
            while n > 127:
                size, n = size + bytes([n & 127 | 128]), n >> 7
            deep = bytes([tag]) + size + bytes([n]) + deep
    raw("deep", b"\x08\x09" + b"\x3a" + (lambda n: bytes([n & 127 | 128, n >> 7 & 127 | 128, n >> 14]))(len(deep)) + deep)


main()
