"""Networks of one input and output that tests build node by node, with ONNX Runtime's answer beside them."""
import os

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


class Net:
    """From the input x of that shape; weights are drawn with the seed."""
    opsets, ir_version = {"": 17}, 8

    def __init__(self, seed, shape):
        self.rng, self.nodes, self.weights, self.shape = np.random.default_rng(seed), [], [], shape

    def weight(self, a):
        self.weights.append(numpy_helper.from_array(np.asarray(a), f"w{len(self.weights)}"))
        return self.weights[-1].name

    def add(self, op, *ins, outputs=1, **attrs):
        outs = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(ins), outs, **attrs))
        return outs if outputs > 1 else outs[0]

    def model(self, y):
        self.nodes[-1].output[0] = "y"
        g = helper.make_graph(self.nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], self.weights)
        return helper.make_model(g, opset_imports=[helper.make_opsetid(d, v) for d, v in self.opsets.items()],
                                 ir_version=self.ir_version)


def writer(net):
    """for harness.verify_isas: a case is the input's shape, a function that adds nodes to a net, and its arguments"""
    def write(folder, case, seed):
        shape, make, args = case
        n = net(seed, shape)
        m = n.model(make(n, *args))
        feed = n.rng.uniform(-1, 1, shape).astype(np.float32)
        os.makedirs(f"{folder}/set")
        onnx.save(m, f"{folder}/model.onnx")
        want = onnxruntime.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": feed})
        for kind, a in ("input", feed), ("output", want[0]):
            with open(f"{folder}/set/{kind}_0.pb", "wb") as f:
                f.write(numpy_helper.from_array(a).SerializeToString())
    return write
