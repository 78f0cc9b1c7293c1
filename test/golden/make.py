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



def sequences(x, y):
    """Lists vanish; a sequence in a loop is two tensors that grow; what is refused."""
    kind = helper.make_tensor_type_proto(F, [None, 3])
    seq = helper.make_sequence_type_proto(kind)
    two, zero = np.asarray(2, np.int64), np.asarray(0, np.int64)
    save("lists", [node("SplitToSequence", "x", "rows", axis=0), node("SequenceAt", "rows two", "a", name="at1"),
                   node("SequenceErase", "rows zero", "rest"), node("SequenceInsert", "rest a zero", "more"),
                   node("ConcatFromSequence", "more", "y", axis=0)], [value("x", [4, 3])], [value("y", [4, 3])],
         [("two", two), ("zero", zero)])
    body = helper.make_graph([node("SequenceInsert", "s x", "t"), node("Identity", "go", "on")], "body",
                             [value("i", [], I64), value("go", [], TensorProto.BOOL), helper.make_value_info("s", seq)],
                             [value("on", [], TensorProto.BOOL), helper.make_value_info("t", seq)])
    save("list_loop", [node("SequenceEmpty", "", "none", dtype=F), helper.make_node("Loop", ["n", "", "none"], ["s1"], "loop1", body=body),
                       node("ConcatFromSequence", "s1", "y", axis=0)], x + [value("n", [], I64)], [value("y", [None, 3])])
    save("list_ranks", [node("SequenceAt", "s i", "y")],
         [helper.make_value_info("s", helper.make_sequence_type_proto(helper.make_tensor_type_proto(F, None))), value("i", [], I64)],
         [value("y", [2, 3])])
    save("list_of_lists", [node("Identity", "s", "r")],
         [helper.make_value_info("s", helper.make_sequence_type_proto(seq))], [helper.make_value_info("r", helper.make_sequence_type_proto(seq))])
    save("list_position", [node("SequenceConstruct", "x x", "s"), node("SequenceAt", "s two", "y")], x, y, [("two", two)])


def errors(x, y, ramp):
    """One mistake each: NAME.err says what is to be said of it."""
    model = helper.make_model(helper.make_graph([node("MatMul", "x w", "y")], "whole", x, [value("y", [2, 4])],
                                                [numpy_helper.from_array(ramp, "w")]),
                              opset_imports=[helper.make_opsetid("", 21)], ir_version=9)
    whole = model.SerializeToString(deterministic=True)
    raw("truncated", whole[:-20])
    weight = model.graph.initializer[0]
    weight.raw_data = weight.raw_data[:-4]
    raw("short_data", model.SerializeToString(deterministic=True))
    weight.dims[0] = -3
    raw("negative_dim", model.SerializeToString(deterministic=True))
    weight.dims[0] = 1 << 62
    raw("huge_dim", model.SerializeToString(deterministic=True))
    weight.ClearField("raw_data")
    weight.data_type = 99
    raw("unknown_dtype", model.SerializeToString(deterministic=True))
    weight.CopyFrom(TensorProto(name="w", data_type=F, dims=[3, 4], data_location=TensorProto.EXTERNAL))
    weight.external_data.add(key="location", value="absent.bin")
    raw("absent_data", model.SerializeToString(deterministic=True))
    weight.external_data[0].value = "empty.onnx"
    raw("short_external", model.SerializeToString(deterministic=True))
    del model.opset_import[:]
    raw("no_opset", model.SerializeToString(deterministic=True))

    save("relu_of_strings", [node("Relu", "x", "y")], [value("x", [2], TensorProto.STRING)],
         [value("y", [2], TensorProto.STRING)])
    save("two_dtypes", [node("Add", "x i", "y")], x + [value("i", [2, 3], I64)], y)
    save("conv_rank", [node("Conv", "x w", "y")], x, y, [("w", np.zeros((4, 3, 3, 3), np.float32))])
    save("conv_channels", [node("Conv", "x w", "y")], [value("x", [1, 5, 8, 8])], [value("y", [1, 4, 6, 6])],
         [("w", np.zeros((4, 3, 3, 3), np.float32))])
    save("bad_auto_pad", [node("MaxPool", "x", "y", kernel_shape=[2, 2], auto_pad="SOME")], [value("x", [1, 3, 8, 8])],
         [value("y", [1, 3, 4, 4])])
    save("reshape_count", [node("Reshape", "x s", "y")], x, y, [("s", np.int64([4, 2]))])
    save("concat_dims", [node("Concat", "x z", "y", axis=0)], x + [value("z", [2, 4])], [value("y", [4, 3])])
    save("transpose_perm", [node("Transpose", "x", "y", perm=[0, 0])], x, y)
    save("gather_range", [node("Gather", "x i", "y")], x, y, [("i", np.int64([0, 2]))])
    save("split_sum", [node("Split", "x s", "a b", axis=1)], x, [value("a", [2, 1]), value("b", [2, 1])],
         [("s", np.int64([1, 1]))])
    save("einsum_equation", [node("Einsum", "x x", "y", equation="ij,k->ik")], x, y)
    save("output_undefined", [node("Relu", "x", "z")], x, y)
    save("output_dtype", [node("Cast", "x", "y", to=77)], x, y)
    save("twice_input", [node("Neg", "x", "y")], x + x, y)
    branch = [helper.make_graph([node("Neg", "x", "t")], "yes", [], [value("t", [2, 3])]),
              helper.make_graph([node("Cast", "x", "e", to=I64)], "no", [], [value("e", [2, 3], I64)])]
    save("if_dtypes", [node("If", "c", "y", then_branch=branch[0], else_branch=branch[1])],
         x + [value("c", [], TensorProto.BOOL)], y)
    save("loop_inputs", [node("Loop", "n  x", "y", body=branch[0])], x + [value("n", [], I64)], y)
    recursive = helper.make_function("my.own", "Again", ["a"], ["b"], [node("Again", "a", "b", domain="my.own")],
                                     [helper.make_opsetid("my.own", 1)])
    m = helper.make_model(helper.make_graph([node("Again", "x", "y", domain="my.own")], "again", x, y), functions=[recursive],
                          opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("my.own", 1)], ir_version=9)
    raw("recursive_function", m.SerializeToString(deterministic=True))



def layers(rng):
    """What zenithc should make one kernel, or none, of: NAME.kernels, NAME.graph."""
    def w(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    image, ids = value("x", [1, 3, 16, 16]), value("i", [2, 5], I64)
    conv = node("Conv", "x w b", "c", pads=[1, 1, 1, 1])
    weights = [("w", w(8, 3, 3, 3)), ("b", w(8))]
    norm = [(n, abs(w(8)) + 1) for n in ("scale", "shift", "mean", "var")]

    save("softmax", [node("Softmax", "x", "y", axis=1)], [value("x", [2, 10, 6])], [value("y", [2, 10, 6])])
    save("layernorm", [node("LayerNormalization", "x scale shift", "y")], [value("x", [2, 5, 8])], [value("y", [2, 5, 8])],
         norm[:2])
    save("conv_bn_relu", [conv, node("BatchNormalization", "c scale shift mean var", "n"), node("Relu", "n", "y")],
         [image], [value("y", [1, 8, 16, 16])], weights + norm)
    save("conv_pool", [conv, node("Relu", "c", "r"), node("MaxPool", "r", "y", kernel_shape=[2, 2], strides=[2, 2])],
         [image], [value("y", [1, 8, 8, 8])], weights)
    save("pad_conv", [node("Pad", "x p", "q"), node("Conv", "q w b", "y")], [image], [value("y", [1, 8, 16, 16])],
         weights + [("p", np.int64([0, 0, 1, 1, 0, 0, 1, 1]))])
    save("concat", [conv, node("Conv", "x w2", "d", "conv2", pads=[1, 1, 1, 1]), node("Concat", "c d", "e", axis=1),
                    node("Conv", "e w3", "y", "conv3")],
         [image], [value("y", [1, 2, 16, 16])], weights + [("w2", w(4, 3, 3, 3)), ("w3", w(2, 12, 1, 1))])
    save("views", [node("Reshape", "x s", "a"), node("Transpose", "a", "b", perm=[1, 0, 2]), node("Unsqueeze", "b z", "c"),
                   node("Mul", "c c", "y")],
         [value("x", [4, 30])], [value("y", [1, 6, 4, 5])], [("s", np.int64([4, 6, 5])), ("z", np.int64([0]))])
    save("split", [node("Split", "x", "a b", axis=1, num_outputs=2), node("MatMul", "a w", "c"), node("MatMul", "b w", "d"),
                   node("Sub", "c d", "y")],
         [value("x", [4, 16])], [value("y", [4, 8])], [("w", w(8, 8))])
    save("matmul_dynamic", [node("MatMul", "x w", "a"), node("Add", "a b", "y")], [value("x", ["batch", "seq", 4])],
         [value("y", ["batch", "seq", 8])], [("w", w(4, 8)), ("b", w(8))])
    save("attention", [node("MatMul", "q kt", "s"), node("Mul", "s f", "t"), node("Softmax", "t", "p"), node("MatMul", "p v", "y")],
         [value("q", [2, 6, 4]), value("kt", [2, 4, 6]), value("v", [2, 6, 4])], [value("y", [2, 6, 4])],
         [("f", np.float32(0.5))])
    save("embedding", [node("Gather", "table i", "e"), node("ReduceMean", "e ax", "y", keepdims=0)], [ids],
         [value("y", [2, 4])], [("table", w(10, 4)), ("ax", np.int64([1]))])
    body = helper.make_graph([node("Identity", "more", "again"), node("Add", "carried x", "sum"), node("Relu", "sum", "seen")],
                             "body", [value("k", [], I64), value("more", [], TensorProto.BOOL), value("carried", [2, 3])],
                             [value("again", [], TensorProto.BOOL), value("sum", [2, 3]), value("seen", [2, 3])])
    save("loop", [node("Loop", "n true x", "last all", body=body)], [value("x", [2, 3]), value("n", [], I64)],
         [value("last", [2, 3]), value("all", ["steps", 2, 3])], [("true", np.bool_(True))])
    save("nonzero", [node("NonZero", "x", "y")], [value("x", [4, 5])], [value("y", [2, "found"], I64)])
    save("cache", [node("Concat", "past x", "total", axis=1), node("ReduceSum", "total ax", "y", keepdims=0)],
         [value("past", [2, "len", 4]), value("x", [2, 1, 4])], [value("total", [2, "more", 4]), value("y", [2, 4])],
         [("ax", np.int64([1]))])
    save("crop", [node("Slice", "x s one2", "c"), node("Shape", "c", "nc", end=2), node("Concat", "nc hw", "sizes", axis=0),
                  node("Concat", "zero2 tl one1 br", "roi", axis=0),
                  node("Resize", "c roi none sizes", "y", mode="linear", coordinate_transformation_mode="tf_crop_and_resize")],
         [value("x", [2, 32, 9, 9]), value("s", [1], I64), value("tl", [2]), value("br", [2])],
         [value("y", ["n", 32, 6, 6])],
         [("one2", np.int64([2])), ("none", np.zeros(0, np.float32)), ("hw", np.int64([6, 6])),
          ("zero2", np.float32([0, 0])), ("one1", np.float32([1, 1]))])
    zero = [("xs", np.float32(0.1)), ("xz", np.uint8(128)), ("ws", np.float32(0.2)), ("wz", np.int8(0))]
    save("qdq", [node("QuantizeLinear", "x xs xz", "a"), node("DequantizeLinear", "a xs xz", "b"),
                 node("DequantizeLinear", "w ws wz", "c", "dequantizelinear2"), node("MatMul", "b c", "d"),
                 node("QuantizeLinear", "d xs xz", "y", "quantizelinear2")],
         [value("x", [2, 4])], [value("y", [2, 3], TensorProto.UINT8)], zero + [("w", np.int8(rng.integers(-9, 9, (4, 3))))])
    save("layers", [conv, node("Relu", "c", "r"), node("Conv", "r wd", "d", "depthwise", pads=[1, 1, 1, 1], group=8),
                    node("Conv", "d w3", "y", "pointwise")],
         [image], [value("y", [1, 16, 16, 16])], weights + [("wd", w(8, 1, 3, 3)), ("w3", w(16, 8, 1, 1))])


def attention(rng):
    """Attention and rotary embedding as exporters write them: PyTorch's scaled operands and guard against NaN, BERT's scale and
    mask after the product, a mask that the product does not fit, angles of which half is enough and angles that differ."""
    q, y = [value(n, [2, 3, 5, 4]) for n in "qv"], [value("y", [2, 3, 5, 4])]
    keys = [node("Transpose", "k", "t", perm=[0, 1, 3, 2])]
    root, half, zero = [(n, np.float32(v)) for n, v in (("root", 0.5 ** 0.5), ("two", 2), ("zero", 0))]
    mask = [("m", np.triu(np.full((5, 5), -np.inf, np.float32), 1))]

    def sums(*nodes):
        return keys + list(nodes) + [node("MatMul", "p v", "y", "matmul2")]

    save("spelled_attention", sums(node("Mul", "q root", "a"), node("Mul", "t root", "b", "mul2"), node("MatMul", "a b", "c"),
                                   node("Add", "c m", "d"), node("Softmax", "d", "e"), node("IsNaN", "e", "n"),
                                   node("Where", "n zero e", "p")), q + [value("k", [2, 3, 5, 4])], y, [root, zero] + mask)
    scaled = [node("MatMul", "q t", "c"), node("Div", "c two", "d")]
    save("masked_attention", sums(*scaled, node("Add", "d m", "e"), node("Softmax", "e", "p")),
         q + [value("k", [2, 3, 5, 4]), value("m", [2, 1, 1, 5])], y, [half])
    save("column_mask", sums(*scaled, node("Add", "d m", "e"), node("Softmax", "e", "p")),
         q + [value("k", [2, 3, 5, 4]), value("m", [2, 1, 5, 1])], y, [half])
    angles = rng.standard_normal((1, 1, 5, 2)).astype(np.float32)
    whole = np.concatenate([angles, angles], axis=-1)
    ends = [("start", np.int64([0])), ("middle", np.int64([2])), ("end", np.int64([2 ** 63 - 1])), ("axis", np.int64([3]))]
    turn = [node("Slice", "x start middle axis", "a"), node("Slice", "x middle end axis", "b", "slice2"), node("Neg", "b", "c"),
            node("Concat", "c a", "d", axis=-1), node("Mul", "d sin", "e"), node("Mul", "x cos", "f", "mul2"), node("Add", "f e", "y")]
    x = [value("x", [1, 3, 5, 4])]
    save("spelled_rotary", turn, x, [value("y", [1, 3, 5, 4])], ends + [("sin", np.sin(whole)), ("cos", np.cos(whole))])
    save("no_rotary", turn, x, [value("y", [1, 3, 5, 4])],
         ends + [("sin", np.sin(whole)), ("cos", rng.standard_normal((1, 1, 5, 4)).astype(np.float32))])
    halves = [node("Concat", "h h", "w", "concat2", axis=-1), node("Cos", "w", "cos"), node("Sin", "w", "sin")]
    save("computed_rotary", halves + turn, x + [value("h", [1, 1, 5, 2])], [value("y", [1, 3, 5, 4])], ends)


def quantised(rng):
    """Sums over dequantised integers (lower/factor.c)."""
    image, U8, I8 = [value("x", [1, 2, 5, 6])], TensorProto.UINT8, TensorProto.INT8
    scales = np.float32([0.5, 0.25, 0.125])
    weights = [("xs", np.float32(0.1)), ("xz", np.uint8(3)), ("ws", scales), ("wz", np.int8([0, 0, 0])), ("ys", np.float32(0.2)),
               ("yz", np.uint8(9)), ("w", np.int8(rng.integers(-127, 127, (3, 2, 3, 3)))),
               ("b", np.int32(rng.integers(-999, 999, 3))), ("f", np.float32(rng.standard_normal(3)))]

    def conv(bias, last):
        return [node("QuantizeLinear", "x xs xz", "a"), node("DequantizeLinear", "a xs xz", "c"),
                node("DequantizeLinear", "w ws wz", "d", "dequantizelinear2", axis=0)] + bias + \
               [node("Conv", "c d " + last, "e", pads=[1, 1, 1, 1]), node("Relu", "e", "r"),
                node("QuantizeLinear", "r ys yz", "y", "quantizelinear2")]

    bias = [node("DequantizeLinear", "b bs bz", "q", "dequantizelinear3", axis=0)]
    out = [value("y", [1, 3, 5, 6], U8)]
    save("qdq_conv", conv(bias, "q"), image, out, weights[:-1] + [("bs", np.float32(0.1) * scales), ("bz", np.int32([0, 0, 0]))])
    save("qdq_conv_float_bias", conv([], "f"), image, out, weights[:-2] + weights[-1:])
    # two operands that both vary, one moved; a sum that i32 may not hold stays one of floats
    for name, k in ("qdq_product", 7), ("qdq_long", 70000):
        save(name, [node("DequantizeLinear", "a as az", "c"), node("DequantizeLinear", "b bs bz", "d", "dequantizelinear2"),
                    node("Reshape", "d s", "r"), node("MatMul", "c r", "y")], [value("a", [2, k], U8), value("b", [k * 4], U8)],
             [value("y", [2, 4])], [("as", np.float32(0.1)), ("az", np.uint8(3)), ("bs", np.float32(0.2)), ("bz", np.uint8(130)),
                                    ("s", np.int64([k, 4]))])


def recognised(rng):
    """Written out as exporters do."""
    gamma, beta = [(n, rng.standard_normal(8).astype(np.float32)) for n in ("gamma", "beta")]
    x, y = [value("x", [2, 5, 8])], [value("y", [2, 5, 8])]

    def const(**values):
        return [(n, np.float32(v)) for n, v in values.items()]

    save("gelu", [node("Div", "x root", "a"), node("Erf", "a", "b"), node("Add", "b one", "c"), node("Mul", "x c", "d"),
                  node("Mul", "d half", "y", "mul2")], x, y, const(root=2 ** 0.5, one=1, half=0.5))
    save("gelu_tanh", [node("Pow", "x three", "a"), node("Mul", "a k", "b"), node("Add", "x b", "c"), node("Mul", "c r", "d", "mul2"),
                       node("Tanh", "d", "e"), node("Add", "e one", "f", "add2"), node("Mul", "half x", "g", "mul3"),
                       node("Mul", "g f", "y", "mul4")],
         x, y, const(three=3, k=0.044715, r=(2 / np.pi) ** 0.5, one=1, half=0.5))
    save("spelled_layernorm", [node("ReduceMean", "x ax", "m"), node("Sub", "x m", "d"), node("Pow", "d two", "s"),
                               node("ReduceMean", "s ax", "v", "reducemean2"), node("Add", "v eps", "e"), node("Sqrt", "e", "r"),
                               node("Div", "d r", "n"), node("Mul", "n gamma", "g"), node("Add", "g beta", "y", "add2")],
         x, y, [gamma, beta, ("ax", np.int64([-1]))] + const(two=2, eps=1e-5))
    save("spelled_rmsnorm", [node("Pow", "x two", "s"), node("ReduceMean", "s ax", "v"), node("Add", "v eps", "e"),
                             node("Sqrt", "e", "r"), node("Div", "one r", "q"), node("Mul", "x q", "n"),
                             node("Mul", "gamma n", "y", "mul2")],
         x, y, [gamma, ("ax", np.int64([-1]))] + const(two=2, eps=1e-5, one=1))
    save("hardswish", [node("Add", "x three", "a"), node("Clip", "a zero six", "b"), node("Mul", "x b", "c"), node("Div", "c six", "y")],
         x, y, const(three=3, zero=0, six=6))
    save("flatten", [node("Shape", "x", "s"), node("Gather", "s first", "n"), node("Unsqueeze", "n first0", "u"),
                     node("Concat", "u rest", "t", axis=0), node("Reshape", "x t", "y")],
         [value("x", ["n", 5, 8])], [value("y", ["n", 40])],
         [("first", np.int64(0)), ("first0", np.int64([0])), ("rest", np.int64([-1]))])
    save("folded", [node("Exp", "c", "e"), node("Add", "e e", "f"), node("Mul", "x f", "a"), node("Mul", "x f", "b", "mul2"),
                    node("Add", "a b", "y", "add2")], x, y, [("c", np.float32([0, 1, 0, 1, 0, 1, 0, 1]))])


def ranks():
    """If: the number of dimensions of h depends on the last dim of x; what follows is compiled for both."""
    shapes = [node("Shape", "x", "s"), node("Gather", "s last", "d", name="gather1"), node("Equal", "d one", "c")]
    squeeze = [helper.make_graph([node("Squeeze", "x axis", "t")], "yes", [], [value("t", None)]),
               helper.make_graph([node("Identity", "x", "e")], "no", [], [value("e", None)])]
    squeeze = shapes + [node("If", "c", "h", then_branch=squeeze[0], else_branch=squeeze[1])]
    back = [helper.make_graph([node("Unsqueeze", "h axis", "u")], "flat", [], [value("u", None)]),
            helper.make_graph([node("Identity", "h", "i")], "whole", [], [value("i", None)])]
    back = [node("Shape", "h", "hs", name="shape2"), node("Size", "hs", "r"), node("Equal", "r one", "f", name="equal2"),
            node("If", "f", "g", name="if2", then_branch=back[0], else_branch=back[1]), node("Relu", "g", "y")]
    dynamic = [value("x", ["n", "m"])]
    ints = [("last", np.int64(-1)), ("one", np.int64(1)), ("axis", np.int64([-1]))]
    save("ranks", squeeze + back, dynamic, [value("y", None)], ints)
    save("ranks_fail", squeeze + [node("Transpose", "h", "y", perm=[0])], dynamic, [value("y", None)], ints)
    save("ranks_output", squeeze + [node("Neg", "h", "y")], dynamic, [value("y", None)], ints)
    save("prune", squeeze + [node("Neg", "h", "y")], [value("x", ["n", 1])], [value("y", None)], ints)


def decided():
    """What other operators than expressions make of a shape: ScatterElements is known in shape inference, the rest
    when it has been folded."""
    ints = [("zero", np.int64([0])), ("two", np.int64([2])), ("s", np.int64([1, 4, 3]))]
    save("scatter_shape", [node("Shape", "x", "d"), node("ScatterElements", "d zero two", "e"), node("Expand", "x e", "y")],
         [value("x", [1, "m"])], [value("y", None)], ints)
    save("half_scales", [node("Cast", "h", "s", to=F), helper.make_node("Resize", ["x", "", "s"], ["y"], "resize1", mode="nearest")],
         [value("x", [1, 1, "h", 4])], [value("y", None)], [("h", np.float16([1, 1, 2, 1.5]))])
    save("folded_shape", [node("TopK", "s two", "t i"), node("Expand", "x t", "y")], [value("x", [1, 3])],
         [value("y", None)], ints)


def main():
    x, y = [value("x", [2, 3])], [value("y", [2, 3])]
    ramp = np.arange(12, dtype=np.float32).reshape(3, 4) / 8

    save("dense", [node("Gemm", "x w b", "h"), node("Relu", "h", "y")], x, [value("y", [2, 4])],
         [("w", ramp), ("b", np.float32([0, 1, 2, 3]))])
    save("mlp", [node("Gemm", "x w b", "h"), node("Relu", "h", "r"), node("Softmax", "r", "y", axis=-1)],
         x, [value("y", [2, 4])], [("w", ramp), ("b", np.float32([0, 1, 2, 3]))])
    save("chain", [node("Mul", "x two", "a"), node("Add", "a x", "b"), node("Sigmoid", "b", "y")],
         [value("x", ["n", 3])], [value("y", ["n", 3])], [("two", np.float32(2))])
    save("branch", [node("If", "c", "y", then_branch=helper.make_graph([node("Neg", "x", "t")], "yes", [], [value("t", [2, 3])]),
                         else_branch=helper.make_graph([node("Abs", "x", "e")], "no", [], [value("e", [2, 3])]))],
         x + [value("c", [], TensorProto.BOOL)], y)
    sizes = [helper.make_graph([node("MatMul", "x w%d" % n, "t")], "of%d" % n, [], [value("t", [4])],
                               [numpy_helper.from_array(np.ones((n, 4), np.float32), "w%d" % n)]) for n in (6, 3)]
    save("if_sizes", [node("If", "c", "y", name="rate", then_branch=sizes[0], else_branch=sizes[1])],
         [value("x", ["n"]), value("c", [], TensorProto.BOOL)], [value("y", [4])])
    # one part of two Concats: what arms of both read lies outside around them
    save("parts", [node("Concat", "x z", "a", axis=1), node("Concat", "x t", "b", axis=1), node("Sigmoid", "a", "s"),
                   node("Mul", "s b", "m"), node("Softmax", "m", "y", axis=1)],
         [value("x", [5, 37]), value("z", [5, 29]), value("t", [5, 29])], [value("y", [5, 66])])
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
    errors(x, y, ramp)
    sequences(x, y)
    ranks()
    decided()
    layers(np.random.default_rng(1))
    recognised(np.random.default_rng(2))
    quantised(np.random.default_rng(3))
    attention(np.random.default_rng(4))
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
