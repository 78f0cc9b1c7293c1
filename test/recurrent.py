"""LSTM, GRU and RNN of many sizes against ONNX Runtime: the vectors of each instruction set that this machine has, and
none; hidden sizes that fill vectors and that do not; R constant or an input; all optional inputs.
usage: recurrent.py [options] [REGEX]"""
import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import harness

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
# operator, hidden, batch, directions, attributes, and letters: R constant (c), B (b), lengths (l), initial states (s), P (p)
CASES = [
    ("LSTM", 16, 1, 1, {}, "cb"), ("LSTM", 48, 2, 2, {}, "cbs"), ("LSTM", 50, 1, 2, {}, "cbsl"), ("LSTM", 7, 3, 1, {}, "cbp"),
    ("LSTM", 33, 2, 1, {"clip": 0.4}, "cbsp"), ("LSTM", 64, 1, 1, {"input_forget": 1}, "bs"), ("LSTM", 20, 1, 2, {}, ""),
    ("LSTM", 24, 1, 1, {"activations": ["HardSigmoid", "Softsign", "Relu"]}, "cb"), ("LSTM", 32, 2, 1, {}, "cl"),
    ("GRU", 16, 1, 2, {}, "cbs"), ("GRU", 40, 2, 1, {}, "cb"), ("GRU", 17, 1, 1, {"linear_before_reset": 1}, "cbs"),
    ("GRU", 64, 2, 2, {"linear_before_reset": 1}, "cbl"), ("GRU", 19, 1, 1, {}, "bs"), ("GRU", 300, 1, 1, {}, "cb"),
    ("RNN", 16, 1, 1, {}, "cb"), ("RNN", 30, 2, 2, {"clip": 0.5}, "cbs"), ("RNN", 600, 1, 1, {}, "c"), ("RNN", 48, 1, 1, {}, "b"),
    ("LSTM", 520, 1, 1, {}, "c"), ("RNN", 1100, 1, 1, {}, ""),
]
TIME, INPUT = 5, 6


def model(op, hidden, batch, ndir, attrs, has, rng):
    """the model, and its inputs by name"""
    rows, feed, weights = GATES[op] * hidden, {}, []

    def tensor(name, shape, const, scale=1.0):
        a = (rng.uniform(-1, 1, shape) * scale).astype(np.float32)
        if const:
            weights.append(numpy_helper.from_array(a, name))
        else:
            feed[name] = a
        return name

    ins = [tensor("x", (TIME, batch, INPUT), False), tensor("w", (ndir, rows, INPUT), True),
           tensor("r", (ndir, rows, hidden), "c" in has, 0.7 / np.sqrt(hidden)),
           tensor("b", (ndir, 2 * rows), True) if "b" in has else ""]
    if "l" in has:
        feed["lens"] = rng.integers(1, TIME + 1, batch).astype(np.int32)
    ins.append("lens" if "l" in has else "")
    if "s" in has:
        ins += [tensor("h", (ndir, batch, hidden), False)] + ([tensor("c", (ndir, batch, hidden), False)] if op == "LSTM" else [])
    if "p" in has:
        ins += [""] * (7 - len(ins)) + [tensor("p", (ndir, 3 * hidden), True)]
    if ndir == 2:
        attrs = {**attrs, "direction": "bidirectional"}
    outs = ["y", "yh"] + (["yc"] if op == "LSTM" else [])
    node = helper.make_node(op, ins, outs, hidden_size=hidden, **attrs)
    kind = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int32): TensorProto.INT32}
    graph = helper.make_graph([node], op, [helper.make_tensor_value_info(k, kind[a.dtype], a.shape) for k, a in feed.items()],
                              [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outs], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), feed


def write(folder, case, seed):
    m, feed = model(*case, np.random.default_rng(seed))
    os.makedirs(f"{folder}/set")
    onnx.save(m, f"{folder}/model.onnx")
    want = onnxruntime.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feed)
    for kind, arrays in ("input", [feed[v.name] for v in m.graph.input]), ("output", want):
        for i, a in enumerate(arrays):
            with open(f"{folder}/set/{kind}_{i}.pb", "wb") as f:
                f.write(numpy_helper.from_array(np.asarray(a)).SerializeToString())


def main():
    o = harness.arguments("Runs recurrent operators against ONNX Runtime.", "only cases that match one of these").parse_args()
    harness.verify_isas(o, {"_".join(map(str, c[:4] + (c[5],))): c for c in CASES}, write, "2e-6")


if __name__ == "__main__":
    sys.exit(main())
