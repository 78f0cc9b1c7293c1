#!/usr/bin/env python3
"""Operators as old operator sets have them, and tensors as files may hold them, against NumPy.

usage: opsets.py ZENITHC [REGEX...]
"""
import os
import re
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import harness

CASES = []
rng = np.random.default_rng(1)


def rand(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def info(name, a):
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)


def model(nodes, ins, outs, opset, consts=(), domain=""):
    g = helper.make_graph(nodes, "g", [info(k, v) for k, v in ins.items()], [info(k, v) for k, v in outs.items()],
                          [numpy_helper.from_array(v, k) for k, v in dict(consts).items()])
    sets = [helper.make_opsetid("", opset if not domain else 17)]
    return helper.make_model(g, ir_version=8, opset_imports=sets + ([helper.make_opsetid(domain, opset)] if domain else []))


def case(name, op, opset, ins, outs, consts=(), domain="", **attrs):
    """One node: inputs and constants in order of their names' first use, outputs named in order."""
    names = list(ins) + [c for c in dict(consts) if c not in ins]
    node = helper.make_node(op, names, list(outs), domain=domain, **attrs)
    CASES.append((f"{name}_{opset}", model([node], ins, outs, opset, consts, domain), ins, outs))


def softmax(x, axis):
    y = x.reshape(int(np.prod(x.shape[:axis])), -1)
    e = np.exp(y - y.max(1, keepdims=True))
    return (e / e.sum(1, keepdims=True)).reshape(x.shape)


def elementwise():
    x, b = rand(2, 3, 4, 5), rand(3, 4)
    case("add_axis", "Add", 6, {"x": x}, {"y": x + b[:, :, None]}, {"b": b}, broadcast=1, axis=1)
    case("mul_axis", "Mul", 1, {"x": x}, {"y": x * b[0, 0]}, {"b": b[0, :1]}, broadcast=1, consumed_inputs=[0, 0])
    case("sub_end", "Sub", 6, {"x": x}, {"y": x - x[0, 0]}, {"b": x[0, 0]}, broadcast=1)
    case("sub_dynamic", "Sub", 6, {"x": x, "b": b}, {"y": x - b[:, :, None]}, broadcast=1, axis=-3)
    case("greater", "Greater", 1, {"x": x}, {"y": x > b[:, :, None]}, {"b": b}, broadcast=1, axis=1)
    case("prelu", "PRelu", 6, {"x": x}, {"y": np.where(x < 0, x * b[:, :1, None], x)}, {"b": b[:, 0]})
    case("clip", "Clip", 6, {"x": x}, {"y": np.clip(x, -.5, .5)}, min=-.5, max=.5)
    case("clip_max", "Clip", 1, {"x": x}, {"y": np.minimum(x, .25)}, max=.25, consumed_inputs=[0])
    case("clip_double", "Clip", 6, {"x": x.astype(np.float64)}, {"y": np.maximum(x.astype(np.float64), .5)}, min=.5)
    case("cast", "Cast", 1, {"x": x}, {"y": x.astype(np.int32)}, to="INT32")
    case("relu", "Relu", 1, {"x": x}, {"y": np.maximum(x, 0)}, consumed_inputs=[0])
    case("selu", "Selu", 1, {"x": x}, {"y": np.where(x > 0, x, np.exp(x) * 1.6732 - 1.6732).astype(np.float32) * np.float32(1.0507)})
    case("dropout", "Dropout", 1, {"x": x}, {"y": x}, is_test=1, ratio=.5)
    case("dropout_mask", "Dropout", 7, {"x": x}, {"y": x, "m": np.ones_like(x)}, ratio=.5)
    case("dropout_mask", "Dropout", 10, {"x": x}, {"y": x, "m": np.ones_like(x, dtype=bool)}, ratio=.5)


def movement():
    x = rand(2, 3, 4)
    case("concat", "Concat", 1, {"x": x, "z": x[:, :1]}, {"y": np.concatenate([x, x[:, :1]], 1)})
    case("pad", "Pad", 1, {"x": x}, {"y": np.pad(x, ((0, 1), (1, 0), (2, 0)), constant_values=2)},
         paddings=[0, 1, 2, 1, 0, 0], value=2.0)
    case("pad", "Pad", 2, {"x": x}, {"y": np.pad(x, ((0, 0), (1, 2), (0, 1)))}, pads=[0, 1, 0, 0, 2, 1])
    case("pad_reflect", "Pad", 2, {"x": x}, {"y": np.pad(x, ((0, 0), (1, 2), (0, 1)), "reflect")},
         pads=[0, 1, 0, 0, 2, 1], mode="reflect")
    case("reshape", "Reshape", 1, {"x": x}, {"y": x.reshape(2, 12)}, shape=[0, -1], consumed_inputs=[0])
    case("slice", "Slice", 1, {"x": x}, {"y": x[:, 1:3, -2:]}, starts=[1, -2], ends=[3, 1000], axes=[1, 2])
    case("slice_no_axes", "Slice", 1, {"x": x}, {"y": x[1:, :2]}, starts=[1, 0], ends=[2, 2])
    case("split", "Split", 2, {"x": x}, {"a": x[:, :1], "b": x[:, 1:]}, axis=1, split=[1, 2])
    for v in 2, 11, 13:
        case("split_even", "Split", v, {"x": x}, {"a": x[..., :2], "b": x[..., 2:]}, axis=2)
    case("squeeze", "Squeeze", 11, {"x": x[:, :1]}, {"y": x[:, 0]}, axes=[1])
    case("squeeze_all", "Squeeze", 1, {"x": x[:1, :1]}, {"y": x[0, 0]})
    case("unsqueeze", "Unsqueeze", 1, {"x": x}, {"y": x[None, :, None]}, axes=[0, 2])
    case("tile", "Tile", 1, {"x": x}, {"y": np.tile(x, (1, 3, 1))}, {"t": np.array(3), "a": np.array(1)})
    i = np.array([[2, 0], [1, 1]])
    y = x[:, :, 0].copy()
    np.put_along_axis(y, i, x[:, :2, 1], 1)
    for v in 9, 11:
        case("scatter", "Scatter" if v < 11 else "ScatterElements", v, {"x": x[:, :, 0], "i": i, "u": x[:, :2, 1]}, {"y": y}, axis=1)
    w = x[:1, :2].reshape(1, 1, 2, 4)
    for mode in "nearest", "bilinear":
        case(f"upsample_{mode}", "Upsample", 1, {"x": w[:, :, :1, :1]}, {"y": np.tile(w[:, :, :1, :1], (1, 1, 2, 3))}, mode=mode,
             height_scale=2.0, width_scale=3.0)
    up = w.repeat(2, 2).repeat(3, 3)
    case("upsample", "Upsample", 7, {"x": w}, {"y": up}, mode="nearest", scales=[1.0, 1.0, 2.0, 3.0])
    s = np.array([1, 1, 2, 3], np.float32)
    case("upsample", "Upsample", 9, {"x": w}, {"y": up}, {"s": s}, mode="nearest")
    case("resize", "Resize", 10, {"x": w}, {"y": up}, {"s": s}, mode="nearest")
    case("resize_smaller", "Resize", 10, {"x": w}, {"y": w[:, :, ::2, ::2]}, {"s": s[:1].repeat(4) / [1, 1, 2, 2]}, mode="nearest")
    lin = np.stack([w[0, 0], (w[0, 0] + w[0, 0][[1, 1]]) / 2], 1).reshape(1, 1, 4, 4)
    case("resize_linear", "Resize", 10, {"x": w}, {"y": lin}, {"s": np.array([1, 1, 2, 1], np.float32)}, mode="linear")
    # the size is known, of a Range of floats it goes through a cast: small ones at once, others once they are folded
    for size in 5, 3000:
        z = np.zeros((1, size), np.float32)
        nodes = [helper.make_node("Shape", ["x"], ["s"]), helper.make_node("Gather", ["s", "i"], ["n"]),
                 helper.make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT), helper.make_node("Range", ["zero", "f", "one"], ["r"]),
                 helper.make_node("Add", ["r", "x"], ["y"])]
        consts = {"i": np.array(1), "zero": np.float32(0), "one": np.float32(1)}
        CASES.append((f"range_cast_{size}", model(nodes, {"x": z}, {"y": z}, 17, consts), {"x": z}, {"y": np.arange(size, dtype=np.float32)[None]}))


def reductions():
    x = rand(2, 3, 4)
    for v, axis in (1, 1), (11, 1), (11, 2), (12, 0):
        case(f"softmax_{axis}", "Softmax", v, {"x": x}, {"y": softmax(x, axis)}, axis=axis)
        case(f"logsoftmax_{axis}", "LogSoftmax", v, {"x": x}, {"y": np.log(softmax(x, axis))}, axis=axis)
        y = x.reshape(int(np.prod(x.shape[:axis])), -1)
        case(f"hardmax_{axis}", "Hardmax", v, {"x": x}, {"y": np.eye(y.shape[1], dtype=np.float32)[y.argmax(1)].reshape(x.shape)},
             axis=axis)
    case("softmax_negative", "Softmax", 11, {"x": x}, {"y": softmax(x, 1)}, axis=-2)
    case("softmax_default", "Softmax", 11, {"x": x}, {"y": softmax(x, 1)})
    for v in 1, 11, 13:
        case("reducemean", "ReduceMean", v, {"x": x}, {"y": x.mean((0, 2))}, axes=[0, 2], keepdims=0)
        case("reducel2", "ReduceL2", v, {"x": x}, {"y": np.sqrt((x * x).sum(1, keepdims=True))}, axes=[1])
        case("reducemax", "ReduceMax", v, {"x": x}, {"y": x.max(keepdims=True)})
    case("reducesum", "ReduceSum", 11, {"x": x}, {"y": x.sum(2)}, axes=[-1], keepdims=0)
    c = np.array([1, 2, 3], np.float32)
    d = (x - x[0]) / np.sqrt(x[1] ** 2 + 1e-5) * x[1] + x[0]
    case("batchnorm", "BatchNormalization", 6, {"x": x}, {"y": d}, {"s": x[1], "b": x[0], "m": x[0], "v": x[1] ** 2}, spatial=0)
    d = (x - c[:, None]) / np.sqrt(c[:, None] + 1e-5) * c[:, None] + c[:, None]
    stats = {k: c + i * 0 for i, k in enumerate("sbmv")}
    case("batchnorm", "BatchNormalization", 1, {"x": x}, {"y": d}, stats, is_test=1, consumed_inputs=[0, 0, 0, 1, 1])
    case("batchnorm", "BatchNormalization", 7, {"x": x}, {"y": d}, stats)
    n = helper.make_node("BatchNormalization", ["x", *stats], ["y", "m1", "v1", "m2", "v2"])
    CASES.append(("batchnorm_outputs_9", model([n], {"x": x}, {"y": d}, 9, stats), {"x": x}, {"y": d}))
    x4 = rand(2, 4, 3, 3)
    g = x4.reshape(2, 2, -1)
    g = ((g - g.mean(-1, keepdims=True)) / np.sqrt(g.var(-1, keepdims=True) + 1e-5))
    g = (g * np.array([2, 3])[:, None] + np.array([1, -1])[:, None]).reshape(x4.shape).astype(np.float32)
    case("groupnorm", "GroupNormalization", 18, {"x": x4}, {"y": g}, {"s": np.array([2, 3], np.float32),
         "b": np.array([1, -1], np.float32)}, num_groups=2)
    m = ((x4 - x4.mean((0, 2, 3), keepdims=True)) / x4.std((0, 2, 3), keepdims=True)).astype(np.float32)
    case("mvn", "MeanVarianceNormalization", 1, {"x": x4}, {"y": m}, across_channels=0)
    case("lppool", "LpPool", 1, {"x": x4}, {"y": np.sqrt((x4 ** 2).sum((2, 3), keepdims=True))}, kernel_shape=[3, 3], p=2.0)
    k = np.argsort(-x, 2, kind="stable")[..., :2]
    for v in 1, 10:
        case("topk", "TopK", v, {"x": x}, {"a": np.take_along_axis(x, k, 2), "b": k}, *([{"k": np.array([2])}] if v > 1 else []),
             **({"k": 2} if v == 1 else {}))
    case("gemm", "Gemm", 6, {"a": x[0]}, {"y": x[0] @ x[1].T + x[0, 0, 0]}, {"b": x[1], "c": x[0, 0, :1]}, broadcast=1, transB=1)
    f = np.fft.fft(x[:, :, :1].astype(np.complex64), axis=1)
    case("dft", "DFT", 17, {"x": x[:, :, :1]}, {"y": np.stack([f.real[..., 0], f.imag[..., 0]], -1).astype(np.float32)}, axis=1)


def control():
    x = rand(2, 5, 3)
    body = helper.make_graph([helper.make_node("Add", ["s", "e"], ["t"]), helper.make_node("Identity", ["t"], ["o"])], "body",
                             [helper.make_tensor_value_info(n, 1, [3]) for n in "se"],
                             [helper.make_tensor_value_info(n, 1, [3]) for n in "to"])
    case("scan", "Scan", 9, {"s": x[0, 0], "x": x[1]}, {"f": x[0, 0] + x[1].sum(0), "y": x[0, 0] + x[1].cumsum(0)}, body=body,
         num_scan_inputs=1)
    node = helper.make_node("Scan", ["", "s", "x"], ["f", "y"], body=body, num_scan_inputs=1)
    ins, outs = {"s": x[:, 0], "x": x}, {"f": x[:, 0] + x.sum(1), "y": x[:, :1] + x.cumsum(1)}
    CASES.append(("scan_batch_8", model([node], ins, outs, 8), ins, outs))
    words = np.array(["a", "zz", "b"], object)
    case("labelencoder", "LabelEncoder", 1, {"x": words}, {"y": np.array([0, -1, 1])}, domain="ai.onnx.ml",
         classes_strings=["a", "b"], default_int64=-1)
    case("labelencoder_back", "LabelEncoder", 1, {"x": np.array([1, 7, 0])}, {"y": np.array(["b", "?", "a"], object)},
         domain="ai.onnx.ml", classes_strings=["a", "b"], default_string="?")


def structure():
    """Functions, subgraphs that capture, names that are no identifiers, nodes in any order."""
    x = rand(3, 4)
    a = np.float32(.25)
    ref = onnx.AttributeProto(name="alpha", type=onnx.AttributeProto.FLOAT, ref_attr_name="alpha")
    leaky = helper.make_node("LeakyRelu", ["x"], ["y"])
    leaky.attribute.append(ref)
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    f = helper.make_function("mine", "f", ["x"], ["y"], [leaky], sets, attribute_protos=[helper.make_attribute("alpha", .5)])
    old = helper.make_function("mine", "f", ["x"], ["y"], [helper.make_node("Squeeze", ["x"], ["s"], axes=[0]),
                               helper.make_node("Neg", ["s"], ["y"])], [helper.make_opsetid("", 11)])
    old.overload = "old"
    call = helper.make_node("f", ["x"], ["t"], domain="mine")
    call.attribute.append(onnx.AttributeProto(name="alpha", type=onnx.AttributeProto.FLOAT, ref_attr_name="beta"))
    g = helper.make_function("mine", "g", ["x", "missing"], ["z"], [call, helper.make_node("f", ["t"], ["u"], domain="mine"),
                             helper.make_node("Clip", ["u", "missing"], ["z"])], sets, attributes=["beta"])
    m = model([helper.make_node("g", ["x"], ["u"], domain="mine", beta=float(a)),
               helper.make_node("Unsqueeze", ["u", "zero"], ["w"]),
               helper.make_node("f", ["w"], ["y"], domain="mine", overload="old")], {"x": x}, {"y": -np.where(x < 0, x * a / 2, x)},
              17, {"zero": np.array([0])})
    m.functions.extend([f, old, g])
    m.opset_import.append(helper.make_opsetid("mine", 1))
    m.ir_version = 10
    CASES.append(("functions", m, {"x": x}, {"y": -np.where(x < 0, x * a / 2, x)}))

    def branch(name, op):
        n = [helper.make_node(op, ["t"], ["v"]), helper.make_node("Add", ["v", "x"], ["r"])]
        return helper.make_graph(n, name, [], [helper.make_tensor_value_info("r", 1, [3, 4])])

    def nest(c, then):
        inner = helper.make_node("If", ["c"], ["q"], then_branch=branch("a", then), else_branch=branch("b", "Abs"))
        return helper.make_graph([inner], "o", [], [helper.make_tensor_value_info("q", 1, [3, 4])])

    for c in True, False:
        ins = {"x": x, "c": np.array(c)}
        outs = {"y": x + (-x if c else np.abs(-x))}
        nodes = [helper.make_node("If", ["c"], ["y"], then_branch=nest(c, "Identity"), else_branch=nest(c, "Relu")),
                 helper.make_node("Neg", ["x"], ["t"])]
        CASES.append((f"captures_{c}", model(nodes, ins, outs, 17), ins, outs))
    ins, outs = {"a b*/": x, "while": x}, {'"\\\n': x - x * x, "9": x * x}
    CASES.append(("names", model([helper.make_node("Mul", ["a b*/", "while"], ["9"], name="*/ #error"),
                                  helper.make_node("Sub", ["while", "9"], ['"\\\n'])], ins, outs, 17), ins, outs))


def storage():
    """Every dtype, as raw bytes and in its typed field; a sparse tensor; an initializer that is an input too."""
    for name, dt in TensorProto.DataType.items():
        if name in ("UNDEFINED", "STRING", "FLOAT6E2M3", "FLOAT6E3M2"):
            continue
        np_dt = helper.tensor_dtype_to_np_dtype(dt)
        a = np.array([0, 1, 1, 0, 1], np.float32).astype(np_dt)
        raw = numpy_helper.from_array(a, "c")
        typed = helper.make_tensor("c", dt, [5], a)
        for how, t in ("raw", raw), ("typed", typed):
            t.name = "c"
            g = helper.make_graph([helper.make_node("Identity", ["c"], ["y"])], "g", [], [helper.make_tensor_value_info("y", dt, [5])],
                                  [t])
            m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 25)])
            CASES.append((f"storage_{name.lower()}_{how}", m, {}, {"y": a}))
    x = rand(3, 4)
    sparse = helper.make_sparse_tensor(helper.make_tensor("w", 1, [2], [5, 7]), helper.make_tensor("i", 7, [2, 2], [0, 1, 2, 3]), [3, 4])
    w = np.zeros((3, 4), np.float32)
    w[0, 1], w[2, 3] = 5, 7
    m = model([helper.make_node("Add", ["x", "w"], ["y"])], {"x": x}, {"y": x + w}, 17)
    m.graph.sparse_initializer.append(sparse)
    CASES.append(("sparse_initializer", m, {"x": x}, {"y": x + w}))
    n = helper.make_node("Constant", [], ["w"], sparse_value=sparse)
    CASES.append(("sparse_constant", model([n, helper.make_node("Add", ["x", "w"], ["y"])], {"x": x}, {"y": x + w}, 17), {"x": x},
                  {"y": x + w}))
    m = model([helper.make_node("Add", ["x", "w"], ["y"])], {"x": x, "w": w}, {"y": x + w}, 8, {"w": w})
    m.ir_version = 3
    CASES.append(("initializer_input", m, {"x": x}, {"y": x + w}))


def write(folder, name, m, ins, outs):
    where = os.path.join(folder, name, "test_data_set_0")
    os.makedirs(where)
    onnx.save(m, os.path.join(folder, name, "model.onnx"))
    for kind, values in ("input", ins), ("output", outs):
        for i, (k, v) in enumerate(values.items()):
            with open(os.path.join(where, f"{kind}_{i}.pb"), "wb") as f:
                f.write(numpy_helper.from_array(np.asarray(v), k).SerializeToString())
    return os.path.join(folder, name)


def main():
    zenithc, only = sys.argv[1], sys.argv[2:]
    for f in elementwise, movement, reductions, control, structure, storage:
        f()
    folder = harness.temporary()
    jobs = []
    for name, m, ins, outs in CASES:
        if only and not any(re.search(r, name) for r in only):
            continue
        d = write(folder, name, m, ins, outs)
        cmd = [zenithc, "verify", d + "/model.onnx", "--data", d, "--cc", "gcc -O1 -w"]
        jobs.append((name, lambda cmd=cmd: harness.outcome(cmd, 60)))
    bad = refused = 0
    for name, (kind, text, _) in harness.run_all(jobs, 2):
        if kind == harness.REFUSED:
            refused += 1
            print(f"refused: {name}: {text}")
        elif kind != harness.PASS:
            bad += 1
            print(f"FAIL {name}: {kind}: {text}")
    harness.finish(len(jobs) - bad - refused, bad, refused, folder)


main()
