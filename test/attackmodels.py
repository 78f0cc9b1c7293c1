"""Models that mean harm, made when the test runs: ATTACKS maps a name to (bytes of the model, options, files beside it).

What is small and can be said with the onnx package is built with it; what the package refuses is put together from
fields of the wire format: field(number, value) is a varint for an int, else bytes with their length.
"""
import os

import numpy as np
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper

F, I64, B, S = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING
ATTACKS = {}
MAX = (1 << 63) - 1


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, v):
    if isinstance(v, int):
        return varint(number << 3) + varint(v)
    v = v.encode() if isinstance(v, str) else v
    return varint(number << 3 | 2) + varint(len(v)) + v


def attack(name, data, *options, files=()):
    assert name not in ATTACKS, name
    ATTACKS[name] = (data.SerializeToString() if isinstance(data, ModelProto) else data, options, files)


def node(op, inputs, outputs, name=None, **attributes):
    """inputs, outputs: names; - is an input left out"""
    return helper.make_node(op, [i.strip("-") for i in inputs.split()], outputs.split(), name or f"{op.lower()}1", **attributes)


def value(name, shape, dtype=F):
    return helper.make_tensor_value_info(name, dtype, shape)


def const(name, a, dtype=np.int64):
    return numpy_helper.from_array(np.asarray(a, dtype), name)


def graph(nodes, inputs, outputs, weights=(), name="g"):
    return helper.make_graph(nodes, name, inputs, outputs, list(weights))


def model(nodes, inputs, outputs, weights=(), functions=(), opset=21, domains=()):
    imports = [helper.make_opsetid("", opset)] + [helper.make_opsetid(d, 1) for d in domains]
    return helper.make_model(graph(nodes, inputs, outputs, weights), opset_imports=imports, ir_version=9,
                             functions=list(functions))


X, Y = [value("x", [2, 3])], [value("y", [2, 3])]


def relu():
    return model([node("Relu", "x", "y")], X, Y)


def wire(graph_fields, opset=21):
    return field(1, 9) + field(8, field(2, opset)) + field(7, graph_fields)


RELU = field(1, field(1, "x") + field(2, "y") + field(4, "Relu"))


def tensor_type(dims, dtype=1):
    return field(1, field(1, dtype) + field(2, b"".join(field(1, d) for d in dims)))


def io(kind, name, dims, dtype=1):
    return field(kind, field(1, name) + field(2, tensor_type(dims, dtype)))


def dim(n):
    return field(1, n)


# ---- depth ----

def nested(times, wrap, inner=b""):
    for _ in range(times):
        inner = wrap(inner)
    return inner


def depth():
    attack("deep_attribute_graphs", wire(nested(5000, lambda g: field(1, field(4, "If") + field(5, field(1, "a") + field(6, g))))))
    attack("deep_type", wire(field(11, field(1, "x") + field(2, nested(20000, lambda t: field(4, field(1, t)), tensor_type([]))))))
    attack("deep_optional", wire(field(11, field(1, "x") + field(2, nested(20000, lambda t: field(9, field(1, t)), tensor_type([]))))))
    attack("deep_metadata", field(7, field(99, b"\x0a" * 100000)) + field(1, 9))
    attack("deep_groups", b"\x0b" * 100000)
    def branch(inner, i):
        then = field(5, field(1, "then_branch") + field(6, inner) + field(20, 5))
        other = field(5, field(1, "else_branch") + field(6, field(1, field(1, "x") + field(2, f"e{i}") + field(4, "Neg")) + io(12, f"e{i}", [])) + field(20, 5))
        return field(1, field(1, "c") + field(2, f"t{i}") + field(4, "If") + then + other) + io(12, f"t{i}", [])

    def ifs(levels):
        g = field(1, field(1, "x") + field(2, "t") + field(4, "Neg")) + io(12, "t", [])
        for i in range(levels):
            g = branch(g, i)
        return wire(g + io(11, "x", []) + io(11, "c", [], 9))

    attack("depth_31", ifs(31))
    attack("depth_32", ifs(32))
    attack("depth_130_raised", ifs(130), "--limit", "depth=400")
    attack("depth_4000_raised", ifs(4000), "--limit", "depth=1000000")


def functions():
    def f(name, body):
        return helper.make_function("f", name, ["a"], ["b"], body, [helper.make_opsetid("f", 1), helper.make_opsetid("", 21)])

    def call(name, a, b, n=None):
        return node(name, a, b, n, domain="f")

    top = [call("F0", "x", "y")]
    attack("function_mutual", model(top, X, Y, functions=[f("F0", [call("F1", "a", "b")]), f("F1", [call("F0", "a", "b")])], domains=["f"]))
    attack("function_in_branch", model(top, X, Y, domains=["f"], functions=[f("F0", [
        node("Constant", "", "c", value=helper.make_tensor("c", B, [], [1])),
        node("If", "c", "b", then_branch=graph([call("F0", "a", "t")], [], [value("t", [2, 3])]),
             else_branch=graph([node("Neg", "a", "e")], [], [value("e", [2, 3])]))])]))
    attack("function_chain", model(top, X, Y, domains=["f"], functions=[
        f(f"F{i}", [call(f"F{i + 1}", "a", "b")]) for i in range(2000)] + [f("F2000", [node("Neg", "a", "b")])]))
    attack("function_doubling", model(top, X, Y, domains=["f"], functions=[
        f(f"F{i}", [call(f"F{i + 1}", "a", "t", "l"), call(f"F{i + 1}", "t", "b", "r")]) for i in range(40)] + [f("F40", [node("Neg", "a", "b")])]), "--limit", "nodes=100000")
    attack("function_empty_doubling", model(top, X, Y, domains=["f"], functions=[
        f(f"F{i}", [call(f"F{i + 1}", "a", "t", "l"), call(f"F{i + 1}", "t", "b", "r")]) for i in range(40)] + [
            helper.make_function("f", "F40", ["b"], ["b"], [], [])]), "--limit", "nodes=100000")
    attack("function_twice", model(top, X, Y, domains=["f"], functions=[f("F0", [node("Neg", "a", "b")]), f("F0", [node("Abs", "a", "b")])]))
    attack("function_no_output", model(top, X, Y, domains=["f"], functions=[f("F0", [node("Neg", "a", "c")])]))
    attack("function_more_inputs", model([call("F0", "x x", "y")], X, Y, domains=["f"], functions=[f("F0", [node("Neg", "a", "b")])]))
    attack("function_reference_outside", model([helper.make_node("Softmax", ["x"], ["y"])], X, Y))
    m = ATTACKS.pop("function_reference_outside")[0]
    m = ModelProto.FromString(m)
    m.graph.node[0].attribute.add(name="axis", ref_attr_name="nothing", type=2)
    attack("function_reference_outside", m)


# ---- sizes ----

def sizes():
    def initializer(dims, raw=b"", more=b""):
        return wire(RELU + io(11, "x", []) + io(12, "y", []) + field(5, b"".join(field(1, d) for d in dims) + field(2, 1) + field(8, "w") + field(9, raw) + more))

    attack("dim_2_63", initializer([-1 << 63]))
    attack("dim_2_63_1", initializer([MAX]))
    attack("dim_product", initializer([1 << 32, 1 << 32]))
    attack("dim_product_wraps_small", initializer([1 << 33, 1 << 31, 4], bytes(16)))
    attack("dim_bytes_wrap", initializer([1 << 58], bytes(16), b""), "--limit", f"elements={1 << 58}")
    for tag, n, t in (("most", 1 << 58, TensorProto.COMPLEX128), ("more", (1 << 58) + 1, F)):       # 2^62 bytes
        attack(f"elements_{tag}", wire(field(1, field(1, "x") + field(2, "y") + field(4, "Identity")) + io(11, "x", [dim(n)], t)
                                       + io(12, "y", [dim(n)], t)), "--limit", f"elements={n}")
    attack("dim_zero_times_huge", initializer([0, MAX, MAX]))
    attack("dim_elements_below", model([node("Relu", "x", "y")], [value("x", [1 << 10])], [value("y", [1 << 10])]), "--limit", "elements=1024")
    attack("dim_elements_above", model([node("Relu", "x", "y")], [value("x", [1 << 10])], [value("y", [1 << 10])], [const("w", [0] * 1025)]), "--limit", "elements=1024")
    attack("dim_both_data", initializer([2], bytes(8), field(4, bytes(8))))
    attack("dim_no_data", initializer([4]))
    attack("dim_many", initializer([1] * 100000, bytes(4)))
    for name, d in (("2_63", -1 << 63), ("max", MAX), ("2_62", 1 << 62), ("2_40", 1 << 40)):
        attack(f"input_dim_{name}", wire(RELU + io(11, "x", [dim(d), dim(3)]) + io(12, "y", [])))
    attack("input_dim_product", wire(RELU + io(11, "x", [dim(1 << 32)] * 3) + io(12, "y", [])))
    attack("input_bytes_product", wire(RELU + io(11, "x", [dim(1 << 31)] * 2) + io(12, "y", [])))
    attack("input_rank", wire(RELU + io(11, "x", [dim(1)] * 17) + io(12, "y", [])))
    attack("input_rank_huge", wire(RELU + io(11, "x", [dim(1)] * 200000) + io(12, "y", [])))
    attack("input_rank_raised", wire(RELU + io(11, "x", [dim(1)] * 17) + io(12, "y", [])), "--limit", "rank=17")
    attack("input_rank_100", wire(RELU + io(11, "x", [dim(1)] * 100) + io(12, "y", [])), "--limit", "rank=1000")
    attack("input_dims_named_product", wire(RELU + io(11, "x", [field(2, f"d{i}") for i in range(8)]) + io(12, "y", [])))
    attack("declared_output_dims", wire(RELU + io(11, "x", [dim(2)]) + io(12, "y", [dim(-1 << 63)] * 20)))

    huge = {"Reshape": "s", "Expand": "s", "ConstantOfShape": None, "Tile": "s"}
    for op, _ in huge.items():
        for tag, s in (("max", [MAX, 1]), ("wrap", [1 << 32, 1 << 32]), ("negative", [-5, 2]), ("min", [-MAX - 1, 2])):
            inputs = "s" if op == "ConstantOfShape" else "x s"
            attack(f"{op.lower()}_{tag}", model([node(op, inputs, "y")], X, [value("y", [None, None])], [const("s", s)]))
    for op, inputs in ("Reshape", "x s"), ("Expand", "x s"), ("ConstantOfShape", "s"), ("Unsqueeze", "x s"), ("Squeeze", "x s"), \
            ("ReduceSum", "x s"), ("Tile", "x s"), ("Slice", "x s s"), ("Pad", "x s"), ("Resize", "x - - s"), ("CenterCropPad", "x s"):
        attack(f"{op.lower()}_list_huge", model([node(op, inputs, "y")], X + [value("s", [10**8], I64)], [value("y", None)]))
    attack("resize_axes_repeated", model([node("Resize", "x - - s", "y", axes=[0] * 100)], X, [value("y", None)], [const("s", [2] * 100)]))
    for tag, inputs in ("scale", "x s x"), ("absent", "x s - - z"), ("types", "s x - s z"), ("zero", "x s - s s"):
        attack(f"qlinear_softmax_{tag}", model([node("QLinearSoftmax", inputs, "y", domain="com.microsoft")],
                                               [value("x", [2, 3], TensorProto.UINT8)], [value("y", None, TensorProto.UINT8)],
                                               [const("s", 0.5, np.float32), const("z", 3, np.uint8)], domains=["com.microsoft"]))
    given = dict(q=[2, 1, 8], k=[2, 1, 4], v=[2, 1, 4], c=[2, 1, 3, 4], d=[2, 1, 3, 4], e=[2], t=[1], o=[4, 2], p=[2, 1], w=[1, 1, 1, 3])
    for tag, inputs, other, attributes in (
            ("heads", "q k v c d e t", {}, dict(kv_num_heads=0)), ("heads_huge", "q k v c d e t", {}, dict(num_heads=MAX)),
            ("groups", "q k v c d e t", {}, dict(num_heads=4, kv_num_heads=3)), ("cache", "q k v c d e t", dict(c=[2, 1, 3, 5]), {}),
            ("cache_rank", "q k v c d e t", dict(d=[2, 3, 4]), {}), ("cache_one", "q k v c - e t", {}, {}), ("new", "q k v c d e t", dict(v=[2, 2, 4]), {}),
            ("lengths", "q k v c d e t", dict(e=[3]), {}), ("total", "q k v c d e t", dict(t=[2]), {}), ("absent", "q k v c d - t", {}, {}),
            ("packed", "q - - c d e t", dict(q=[2, 1, 3]), {}), ("value", "q - v c d e t", {}, {}), ("rank", "q k v c d e t", dict(k=[2, 1, 2, 2]), {}),
            ("rotary", "q k v c d e t", {}, dict(do_rotary=1)), ("rotary_wide", "q k v c d e t o o", dict(o=[4, 9]), dict(do_rotary=1)),
            ("rotary_rank", "q k v c d e t e e", {}, dict(do_rotary=1)), ("positions", "q k v c d e t o o p", dict(p=[2, 2]), dict(do_rotary=1)),
            ("bias", "q k v c d e t - - - w", dict(w=[1, 3, 1, 3]), {}), ("window", "q k v c d e t", {}, dict(local_window_size=0)),
            ("smooth", "q k v c d e t", {}, dict(smooth_softmax=1)), ("sink", "q k v c d e t - - - - e", {}, {}),
            ("sliding", "q k v c d e t", {}, dict(sliding_window_cache=1)), ("quantised", "q k v c d e t", {}, dict(k_quant_type="PER_TENSOR"))):
        dims = {**given, **other}
        attack(f"gqa_{tag}", model([node("GroupQueryAttention", inputs, "y", "gqa", domain="com.microsoft", **{"num_heads": 2, "kv_num_heads": 1, **attributes})],
                                   [value(k, dims[k], TensorProto.INT32 if k in "et" else I64 if k == "p" else F) for k in dims if k in inputs],
                                   [value("y", None)], domains=["com.microsoft"]))
    for tag, data, scales, zeros, attributes in (
            ("bits", [4, 16], [4, 2], None, dict(bits=3)), ("block", [4, 16], [4, 2], None, dict(block_size=0)), ("scales", [4, 16], [4, 3], None, {}),
            ("scale_rows", [4, 16], [2, 2], None, {}), ("zeros", [4, 16], [4, 2], [4, 2], {}), ("rank", [4], [4], None, dict(quantize_axis=0)),
            ("axis", [4, 16], [4, 2], None, dict(quantize_axis=7)), ("gather", [4, 16], [4, 2], None, dict(gather_axis=1, quantize_axis=0)),
            ("part", [4, 9], [4, 2], None, {}), ("nothing", [4, 0], [4, 0], None, {}), ("index", [2, 16], [2, 2], None, {})):
        weights = [const("w", np.ones(data), np.uint8), const("s", np.ones(scales), np.float32), const("i", [0, 3])]
        weights += [const("z", np.ones(zeros), np.uint8)] if zeros else []
        attack(f"table_{tag}", model([node("GatherBlockQuantized", "w i s z" if zeros else "w i s", "y", "table", domain="com.microsoft",
                                           **{"block_size": 16, **attributes})], [], [value("y", None)], weights, domains=["com.microsoft"]))
    attack("add_dims_apart", model([node("Concat", "x a", "p", axis=0), node("Concat", "x b", "q", axis=0), node("Add", "p q", "y")],
                                   [value("x", ["n"])], [value("y", None)], [const("a", [1] * 5, np.float32), const("b", [1] * 7, np.float32)]))
    attack("reshape_dynamic_12", model([node("Reshape", "x s", "y")], X + [value("s", [12], I64)], [value("y", None)]))
    attack("expand_dynamic_huge", model([node("Expand", "x s", "y")], [value("x", [1])], [value("y", [None] * 4)], [const("s", [1 << 20] * 4)]))
    attack("pad_huge", model([node("Pad", "x p", "y")], X, [value("y", [None, None])], [const("p", [MAX, 0, MAX, 0])]))
    attack("pad_2_62", model([node("Pad", "x p", "y")], X, [value("y", [None, None])], [const("p", [1 << 62, 0, 1 << 62, 0])]))
    attack("pad_negative", model([node("Pad", "x p", "y")], X, [value("y", [None, None])], [const("p", [-9, 0, 0, 0])]))
    attack("pad_min", model([node("Pad", "x p", "y")], X, [value("y", [None, None])], [const("p", [-MAX - 1, 0, -MAX - 1, 0])]))
    attack("slice_min", model([node("Slice", "x s e a t", "y")], X, [value("y", [None, None])],
                              [const("s", [-MAX - 1]), const("e", [MAX]), const("a", [0]), const("t", [-MAX - 1])]))
    attack("slice_step_0", model([node("Slice", "x s e a t", "y")], X, [value("y", [None, None])],
                                 [const("s", [0]), const("e", [MAX]), const("a", [0]), const("t", [0])]))
    attack("range_huge", model([node("Range", "a b c", "r"), node("Cast", "r", "y", to=F)], X, [value("y", [None])],
                               [const("a", 0), const("b", MAX), const("c", 1)]))
    attack("range_wraps", model([node("Range", "a b c", "r"), node("Cast", "r", "y", to=F)], X, [value("y", [None])],
                                [const("a", -MAX - 1), const("b", MAX), const("c", 3)]))
    attack("range_step_min", model([node("Range", "a b c", "r"), node("Cast", "r", "y", to=F)], X, [value("y", [None])],
                                   [const("a", 0), const("b", -5), const("c", -MAX - 1)]))
    attack("range_step_0", model([node("Range", "a b c", "r"), node("Cast", "r", "y", to=F)], X, [value("y", [None])],
                                 [const("a", 0), const("b", 5), const("c", 0)]))
    attack("range_nan", model([node("Range", "a b c", "y")], X, [value("y", [None])],
                              [const("a", 0, np.float32), const("b", np.nan, np.float32), const("c", 1, np.float32)]))
    attack("range_inf", model([node("Range", "a b c", "y")], X, [value("y", [None])],
                              [const("a", 0, np.float32), const("b", np.inf, np.float32), const("c", 1, np.float32)]))
    attack("onehot_huge", model([node("OneHot", "i d v", "y")], [value("i", [2], I64)], [value("y", [None, None])],
                                [const("d", MAX), const("v", [0, 1], np.float32)]))
    for tag, s in (("inf", np.inf), ("nan", np.nan), ("1e30", 1e30), ("negative", -1), ("zero", 0)):
        attack(f"resize_{tag}", model([node("Resize", "x - s", "y")], X, [value("y", [None, None])], [const("s", [s, 1], np.float32)]))
    attack("resize_sizes", model([helper.make_node("Resize", ["x", "", "", "s"], ["y"])], X, [value("y", [None, None])], [const("s", [MAX, MAX])]))
    attack("conv_dilation", model([node("Conv", "x w", "y", dilations=[1 << 62, 1])], [value("x", [1, 1, 5, 5])], [value("y", [None] * 4)],
                                  [const("w", np.zeros((1, 1, 3, 3)), np.float32)]))
    attack("conv_stride_0", model([node("Conv", "x w", "y", strides=[0, 1])], [value("x", [1, 1, 5, 5])], [value("y", [None] * 4)],
                                  [const("w", np.zeros((1, 1, 3, 3)), np.float32)]))
    attack("conv_pads", model([node("Conv", "x w", "y", pads=[MAX, 0, MAX, 0])], [value("x", [1, 1, 5, 5])], [value("y", [None] * 4)],
                              [const("w", np.zeros((1, 1, 3, 3)), np.float32)]))
    attack("conv_group_0", model([node("Conv", "x w", "y", group=0)], [value("x", [1, 1, 5, 5])], [value("y", [None] * 4)],
                                 [const("w", np.zeros((1, 1, 3, 3)), np.float32)]))
    attack("conv_group_min", model([node("Conv", "x w", "y", group=-MAX - 1)], [value("x", [1, 1, 5, 5])], [value("y", [None] * 4)],
                                   [const("w", np.zeros((1, 1, 3, 3)), np.float32)]))
    attack("conv_transpose_huge", model([node("ConvTranspose", "x w", "y", strides=[1 << 62, 1])], [value("x", [1, 1, 5, 5])],
                                        [value("y", [None] * 4)], [const("w", np.zeros((1, 1, 3, 3)), np.float32)]))
    attack("pool_kernel", model([node("MaxPool", "x", "y", kernel_shape=[MAX, MAX])], [value("x", [1, 1, 5, 5])], [value("y", [None] * 4)]))
    attack("pool_negative", model([node("MaxPool", "x", "y", kernel_shape=[-1, 2])], [value("x", [1, 1, 5, 5])], [value("y", [None] * 4)]))
    attack("axis_min", model([node("Softmax", "x", "y", axis=-MAX - 1)], X, Y))
    attack("concat_axis_min", model([node("Concat", "x x", "y", axis=-MAX - 1)], X, Y))
    attack("unsqueeze_axes", model([node("Unsqueeze", "x a", "y")], X, [value("y", None)], [const("a", [-MAX - 1, MAX])]))
    attack("unsqueeze_rank", model([node("Unsqueeze", "x a", "y")], X, [value("y", [1] * 22)], [const("a", list(range(20)))]))
    attack("transpose_huge", model([node("Transpose", "x", "y", perm=[1 << 32, 0])], X, Y))
    attack("depth_to_space", model([node("DepthToSpace", "x", "y", blocksize=1 << 32)], [value("x", [1, 4, 2, 2])], [value("y", [None] * 4)]))
    attack("space_to_depth_0", model([node("SpaceToDepth", "x", "y", blocksize=0)], [value("x", [1, 4, 2, 2])], [value("y", [None] * 4)]))
    attack("split_huge", model([node("Split", "x", "a b", axis=0, num_outputs=1 << 40)], X, [value("a", None), value("b", None)]))
    attack("split_negative", model([node("Split", "x s", "a b", axis=0)], X, [value("a", [None, 3]), value("b", [None, 3])], [const("s", [-1, 3])]))
    attack("topk_huge", model([node("TopK", "x k", "a b")], X, [value("a", [None, None]), value("b", [None, None], I64)], [const("k", [MAX])]))
    attack("topk_negative", model([node("TopK", "x k", "a b")], X, [value("a", [None, None]), value("b", [None, None], I64)], [const("k", [-1])]))
    attack("cumsum_axis", model([node("CumSum", "x a", "y")], X, Y, [const("a", -MAX - 1)]))
    attack("eyelike", model([node("EyeLike", "x", "y", k=-MAX - 1)], X, Y))
    attack("trilu", model([node("Trilu", "x k", "y")], X, Y, [const("k", -MAX - 1)]))
    attack("random_huge", model([node("RandomNormal", "", "y", shape=[MAX, 2])], X, [value("y", [None, None])]))
    attack("hann_huge", model([node("HannWindow", "n", "y")], X, [value("y", [None])], [const("n", MAX)]))
    attack("mel_huge", model([node("MelWeightMatrix", "a b c d e", "y")], X, [value("y", [None, None])],
                             [const("a", MAX), const("b", MAX), const("c", 8000), const("d", 0, np.float32), const("e", 1, np.float32)]))
    attack("lrn_size", model([node("LRN", "x", "y", size=MAX)], [value("x", [1, 4, 2, 2])], [value("y", [1, 4, 2, 2])]))
    attack("col2im_huge", model([node("Col2Im", "x i b", "y")], [value("x", [1, 4, 4])], [value("y", [None] * 4)],
                                [const("i", [MAX, MAX]), const("b", [2, 2])]))
    attack("einsum_ranks", model([node("Einsum", "x", "y", equation="..." * 1000)], X, Y))
    attack("gather_nd_batch", model([node("GatherND", "x i", "y", batch_dims=MAX)], X, Y, [const("i", [[0]])]))
    attack("bitshift_huge", model([node("BitShift", "a b", "y", direction="LEFT")], X, [value("y", [2], TensorProto.UINT64)],
                                  [const("a", [1, MAX], np.uint64), const("b", [64, MAX], np.uint64)]))
    attack("int_min_division", model([node("Div", "a b", "y")], X, [value("y", [2], I64)], [const("a", [-MAX - 1, 1]), const("b", [-1, 0])]))
    attack("int_min_mod", model([node("Mod", "a b", "y")], X, [value("y", [2], I64)], [const("a", [-MAX - 1, 1]), const("b", [-1, 0])]))
    attack("dim_arithmetic", model([node("Shape", "x", "s"), node("Mul", "s m", "t"), node("Mul", "t m", "u"), node("ConstantOfShape", "u", "y")],
                                   [value("x", ["n", "k"])], [value("y", [None, None])], [const("m", [1 << 40, 1 << 40])]))
    attack("dim_division_0", model([node("Shape", "x", "s"), node("Div", "s m", "t"), node("ConstantOfShape", "t", "y")],
                                   [value("x", ["n", "k"])], [value("y", [None, None])], [const("m", [0, 1])]))
    chain = [node("Shape", "x", "s0")] + [node("Mul", f"s{i} s{i}", f"s{i + 1}", f"m{i}") for i in range(40)] + [node("Cast", "s40", "y", to=F)]
    attack("dim_power", model(chain, [value("x", ["n"])], [value("y", [1])]))
    chain = [node("Shape", "x", "s0")] + [node("Add", f"s{i} one", f"a{i}", f"a{i}") for i in range(24)]
    for i in range(24):
        chain += [node("Mul", f"s{i} a{i}", f"s{i + 1}", f"m{i}")]
    attack("dim_polynomial", model(chain + [node("Cast", "s24", "y", to=F)], [value("x", ["n"])], [value("y", [1])], [const("one", [1])]))
    many = [f"d{i}" for i in range(12)]
    chain = [node("Shape", "x", "s"), node("ReduceSum", "s", "t0", keepdims=1)] + [node("Mul", f"t{i} t0", f"t{i + 1}", f"p{i}") for i in range(12)]
    attack("dim_polynomial_many", model(chain + [node("Cast", "t12", "y", to=F)], [value("x", many)], [value("y", [1])]))
    chain = [node("Shape", "x", "s0")] + [node("Div", f"s{i} three", f"q{i}", f"q{i}") for i in range(60)]
    for i in range(60):
        chain += [node("Add", f"q{i} s{i}", f"s{i + 1}", f"r{i}")]
    attack("dim_divisions", model(chain + [node("ConstantOfShape", "s60", "y")], [value("x", ["n"])], [value("y", [None])], [const("three", [3])]))


# ---- graphs ----

def graphs():
    attack("self_loop", model([node("Add", "x y", "y")], X, Y))
    attack("cycle_through_branch", model([node("If", "c", "y", then_branch=graph([node("Neg", "z", "t")], [], [value("t", [2, 3])]),
                                               else_branch=graph([node("Abs", "x", "e")], [], [value("e", [2, 3])])), node("Relu", "y", "z")],
                                         X + [value("c", [], B)], Y))
    ring = [node("Neg", f"v{(i + 1) % 5000}", f"v{i}", f"n{i}") for i in range(5000)] + [node("Add", "x v0", "y")]
    attack("cycle_5000", model(ring, X, Y))
    attack("output_is_input", model([], X, [value("x", [2, 3])]))
    attack("output_twice", model([node("Neg", "x", "y")], X, Y + Y))
    attack("output_nowhere", model([], X, Y))
    attack("no_nodes", model([], [], []))
    attack("no_graph", field(1, 9))
    attack("graph_twice", field(1, 9) + field(8, field(2, 21)) + 2 * field(7, RELU + io(11, "x", []) + io(12, "y", [])))
    attack("type_twice", wire(RELU + field(11, field(1, "x") + 2 * field(2, tensor_type([]))) + io(12, "y", [])))
    attack("oneof_twice", wire(RELU + field(11, field(1, "x") + field(2, tensor_type([]) + field(4, field(1, tensor_type([]))))) + io(12, "y", [])))
    attack("name_twice", wire(field(1, field(1, "x") + field(2, "y") + field(4, "Nothing") + field(4, "Relu")) + io(11, "x", []) + io(12, "y", [])))
    attack("dtype_twice", wire(RELU + field(11, field(1, "x") + field(2, field(1, field(1, 8) + field(1, 1) + field(2, b"")))) + io(12, "y", [])))
    attack("initializer_twice", model([node("Add", "x w", "y")], X, Y, [const("w", [1], np.float32), const("w", [2], np.float32)]))
    attack("opset_twice", field(1, 9) + field(8, field(2, 21)) + field(8, field(2, 7)) + field(7, RELU + io(11, "x", []) + io(12, "y", [])))
    attack("opset_zero", wire(RELU + io(11, "x", []) + io(12, "y", []), 0))
    attack("opset_min", wire(RELU + io(11, "x", []) + io(12, "y", []), -1 << 63))
    attack("opset_max", wire(RELU + io(11, "x", []) + io(12, "y", []), MAX))
    attack("ir_version_max", field(1, MAX) + field(8, field(2, 21)) + field(7, RELU + io(11, "x", []) + io(12, "y", [])))
    m = model([node("Softmax", "x", "y", axis=0)], X, Y)
    m.graph.node[0].attribute.add(name="axis", i=1, type=2)
    attack("attribute_twice", m)
    m = model([node("Softmax", "x", "y")], X, Y)
    m.graph.node[0].attribute.add(name="axis", i=1, type=1)
    attack("attribute_type_and_value_differ", m)
    image = [value("x", [1, 1, 5, 5])]
    weights = [const("w", np.zeros((1, 1, 3, 3)), np.float32)]
    then, other = graph([node("Neg", "x", "t")], [], [value("t", [2, 3])]), graph([node("Abs", "x", "e")], [], [value("e", [2, 3])])
    for name, wrong in (("axis", "text"), ("axis", 1.5), ("axis", [1]), ("axis", const("t", [1])), ("axis", then)):
        attack(f"attribute_{name}_{type(wrong).__name__.lower()}", model([node("Softmax", "x", "y", **{name: wrong})], X, Y))
    for name, wrong in (("pads", 1), ("pads", [1.5, 1, 1, 1]), ("pads", "text"), ("auto_pad", 1), ("auto_pad", ["VALID"])):
        attack(f"attribute_{name}_{type(wrong).__name__}" + "_of_floats" * (name == "pads" and isinstance(wrong, list)),
               model([node("Conv", "x w", "y", **{name: wrong})], image, [value("y", [None] * 4)], weights))
    for name, wrong in (("graphs", [then]), ("int", 1), ("tensor", const("t", [1])), ("strings", ["a", "b"])):
        attack(f"attribute_branch_{name}", model([node("If", "c", "y", then_branch=wrong, else_branch=other)], X + [value("c", [], B)], Y))
    for name, wrong in (("int", 1), ("string", "w"), ("graph", then)):
        attack(f"attribute_value_{name}", model([node("Constant", "", "c", value=wrong), node("Add", "x c", "y")], X, Y))
    attack("attribute_values", model([node("Constant", "", "c", value_float=1.0, value_floats=[1.0]), node("Add", "x c", "y")], X, Y))
    for op, inputs, name, wrong in (("Conv", "x w", "stride", [2, 2]), ("Conv", "x w", "kernel_shape", 3.0), ("Dropout", "x", "seed", "text"),
                                    ("TopK", "x k", "sorted", 1.0), ("Clip", "x", "max", [1]), ("Cast", "x", "to", 1.0)):
        attack(f"attribute_unread_{op.lower()}_{name}", model([node(op, inputs, "y i" if op == "TopK" else "y", **{name: wrong})], image,
                                                              [value("y", [None] * 4)], weights + [const("k", [1])]))
    attack("attribute_unknown_many", model([node("Neg", "x", "y", **{f"a{i}": i for i in range(9)})], X, Y))
    m = model([node("Abs", "x", "t", axis=0), node("Neg", "t", "y")], X, Y)
    m.graph.node[0].attribute.add(name="body", ref_attr_name="nothing", type=5)
    attack("attribute_unknown_reference", m)
    for name, wrong in (("text", "text"), ("int", 1)):         # of a function's body, as the caller gives it
        body = [helper.make_node("Dropout", ["a"], ["b"], "dropout1")]
        body[0].attribute.add(name="seed", ref_attr_name="s", type=2)
        f = helper.make_function("f", "F", ["a"], ["b"], body, [helper.make_opsetid("", 21)], attributes=["s"])
        attack(f"attribute_reference_{name}", model([node("F", "x", "y", domain="f", s=wrong, free="text")], X, Y, functions=[f], domains=["f"]))
    untyped = field(5, field(1, "direction") + field(4, "forward")) + field(5, field(1, "activation_alpha")) + field(5, field(1, "hidden_size") + field(3, 1))
    for name, more in (("", b""), ("_wrong", field(5, field(1, "input_forget") + field(4, "text")))):
        n = field(1, field(1, "x") + field(1, "w") + field(1, "r") + field(2, "y") + field(4, "LSTM") + untyped + more)
        attack("attribute_untyped" + name, wire(n + io(11, "x", [dim(2), dim(1), dim(3)]) + io(11, "w", [dim(1), dim(4), dim(3)])
                                               + io(11, "r", [dim(1), dim(4), dim(1)]) + io(12, "y", [dim(2), dim(1), dim(1), dim(1)]), 7))
    for t in (99, 0, -1 << 31):
        attack(f"attribute_type_{t}".replace("-", "m"), wire(field(1, field(1, "x") + field(2, "y") + field(4, "Softmax") + field(5, field(1, "axis") + field(3, 1) + field(20, t)))
                                                             + io(11, "x", []) + io(12, "y", [])))
    for t in (0, 99, -1, 1 << 31, 1 << 40):
        attack(f"element_type_{t}".replace("-", "m"), wire(RELU + io(11, "x", [dim(2)], t) + io(12, "y", [dim(2)])))
    attack("data_location_7", wire(field(1, field(1, "x") + field(1, "w") + field(2, "y") + field(4, "Add")) + io(11, "x", []) + io(12, "y", [])
                                   + field(5, field(1, 1) + field(2, 1) + field(8, "w") + field(9, bytes(4)) + field(14, 7))))
    attack("type_without_value", wire(RELU + field(11, field(1, "x") + field(2, b"")) + io(12, "y", [])))
    attack("input_without_type", wire(RELU + field(11, field(1, "x")) + io(12, "y", [])))
    attack("input_without_name", wire(RELU + io(11, "", []) + io(12, "y", [])))
    attack("map_type", wire(RELU + field(11, field(1, "x") + field(2, field(5, field(1, 7) + field(2, tensor_type([]))))) + io(12, "y", [])))
    attack("sparse_type", wire(RELU + field(11, field(1, "x") + field(2, field(8, field(1, 1) + field(2, b"")))) + io(12, "y", [])))
    attack("wrong_wire_model", field(1, b"9") + field(7, b""))
    attack("wrong_wire_graph", field(1, 9) + field(7, 3))
    attack("wrong_wire_name", wire(field(1, field(1, 5) + field(4, "Relu"))))
    attack("wrong_wire_dims", wire(field(5, varint(1 << 3 | 5) + bytes(4))))
    attack("wrong_wire_float", wire(field(1, field(4, "Relu") + field(5, field(1, "a") + field(2, 5)))))
    attack("packed_half", wire(field(5, field(1, b"\x80") + field(2, 1) + field(8, "w"))))
    attack("packed_floats_odd", wire(RELU + io(11, "x", []) + io(12, "y", []) + field(5, field(1, 1) + field(2, 1) + field(8, "w") + field(4, b"123"))))
    attack("varint_too_long", b"\x08" + b"\xff" * 10 + b"\x01")
    attack("length_2_63", b"\x3a" + b"\xff" * 8 + b"\x7f")
    attack("field_zero", b"\x02\x00")
    attack("zeros", bytes(1000))
    attack("ones", b"\xff" * 1000)
    attack("no_op_type", wire(field(1, field(1, "x") + field(2, "y")) + io(11, "x", []) + io(12, "y", [])))
    attack("no_outputs", wire(field(1, field(1, "x") + field(4, "Relu")) + io(11, "x", []) + io(12, "x", [])))
    attack("many_inputs", wire(field(1, field(1, "x") * 100000 + field(2, "y") + field(4, "Relu")) + io(11, "x", []) + io(12, "y", [])))
    attack("many_outputs", wire(field(1, field(1, "x") + b"".join(field(2, f"y{i}") for i in range(50000)) + field(4, "Relu")) + io(11, "x", []) + io(12, "y0", [])))
    attack("sum_of_100000", wire(field(1, field(1, "x") * 100000 + field(2, "y") + field(4, "Sum")) + io(11, "x", []) + io(12, "y", [])))
    attack("sum_of_5000", wire(field(1, field(1, "x") * 5000 + field(2, "y") + field(4, "Sum")) + io(11, "x", []) + io(12, "y", [])))
    attack("ports_above", model([helper.make_node("Max", ["x"] * 5, ["y"])], X, Y), "--limit", "ports=4")
    attack("ports_below", model([helper.make_node("Max", ["x"] * 4, ["y"])], X, Y), "--limit", "ports=4")
    attack("rank_computed", model([node("Unsqueeze", "x a", "t"), node("Squeeze", "t a", "y")], X, Y, [const("a", list(range(15)))]))
    attack("rank_computed_raised", model([node("Unsqueeze", "x a", "t"), node("Neg", "t", "u"), node("Squeeze", "u a", "y")], X, Y, [const("a", list(range(62)))]), "--limit", "rank=64")
    attack("limit_too_much", relu(), "--limit", "rank=65")
    attack("split_num_outputs", model([helper.make_node("Split", ["x"], ["a", "b", "", ""], axis=1, num_outputs=4)], [value("x", [2, 8])], [value("a", None), value("b", None)]))
    attack("concat_of_20000", wire(field(1, field(1, "x") * 20000 + field(2, "y") + field(4, "Concat") + field(5, field(1, "axis") + field(3, 0) + field(20, 2)))
                                   + io(11, "x", [dim(1)]) + io(12, "y", [])))
    attack("graph_inputs_100000", wire(RELU + io(11, "x", []) + b"".join(io(11, f"x{i}", []) for i in range(100000)) + io(12, "y", [])))
    attack("graph_outputs_100000", wire(RELU + io(11, "x", []) + io(12, "y", []) * 100000))
    attack("empty_messages", wire(field(1, b"") * 2000000))
    attack("empty_attributes", wire(field(1, field(4, "Relu") + field(5, b"") * 1000000)))
    attack("unknown_fields", field(1000, b"x" * 100000) + relu().SerializeToString())
    attack("two_operator_sets", model([node("Relu", "x", "y", domain="no.such")], X, Y, domains=["no.such"]))
    sp = helper.make_sparse_tensor(helper.make_tensor("w", F, [1], [1.0]), helper.make_tensor("i", I64, [1], [5]), [2, 3])
    m = model([node("Add", "x w", "y")], X, Y)
    for tag, dims, at in (("outside", [2, 3], 6), ("negative", [2, 3], -1), ("huge", [1 << 20, 1 << 20], 5), ("wraps", [1 << 32, 1 << 32], 5), ("min", [2, -3], 5)):
        sp.dims[:] = dims
        sp.indices.int64_data[:] = [at]
        del m.graph.sparse_initializer[:]
        m.graph.sparse_initializer.append(sp)
        attack(f"sparse_{tag}", m)
    sp.dims[:] = [2, 3]
    sp.indices.dims[:] = [1, 7]
    sp.indices.int64_data[:] = [0] * 7
    del m.graph.sparse_initializer[:]
    m.graph.sparse_initializer.append(sp)
    attack("sparse_index_rank", m)


# ---- bombs ----

def bombs():
    def doubling(n, op="Concat", **attributes):
        return [node(op, f"c{i} c{i}", f"c{i + 1}", f"n{i}", **attributes) for i in range(n)]

    one = const("c0", [1], np.float32)
    attack("fold_concat_doubling", model(doubling(40, axis=0) + [node("Add", "x c40", "y")], [value("x", [1])], [value("y", None)], [one]))
    for k in (100, 2000):
        nodes = [node("ConstantOfShape", "s", f"c{i}", f"n{i}") for i in range(k)] + [helper.make_node("Sum", ["x"] + [f"c{i}" for i in range(k)], ["y"])]
        attack(f"fold_constants_{k}", model(nodes, [value("x", [1])], [value("y", None)], [const("s", [15 << 20])]))
        nodes = [node("Tile", "c0 s", f"t{i}", f"n{i}") for i in range(k)] + [node("Neg", f"t{i}", f"c{i + 1}", f"g{i}") for i in range(k)]
        nodes += [helper.make_node("Sum", ["x"] + [f"c{i + 1}" for i in range(k)], ["y"])]
        attack(f"fold_tiles_{k}", model(nodes, [value("x", [1])], [value("y", None)], [one, const("s", [15 << 20])]))
    a = const("a", np.zeros((512, 512)), np.float32)
    nodes = [node("MatMul", f"{'a' if not i else f'm{i - 1}'} a", f"m{i}", f"n{i}") for i in range(50)]
    attack("fold_products", model(nodes + [node("Add", "x m49", "y")], [value("x", [1])], [value("y", None)], [a]), "--limit", "work=10000000")
    nodes = [node("Expand", "c0 s", "b"), node("ReduceSum", "b", "r", keepdims=0), node("Add", "x r", "y")]
    attack("fold_reduce", model(nodes, X, Y, [one, const("s", [1 << 24])]))
    nodes = [node("Expand", "c0 s", "b"), node("Einsum", "b b b b", "r", equation="a,b,c,d->"), node("Add", "x r", "y")]
    attack("fold_einsum", model(nodes, X, Y, [one, const("s", [1 << 12])]))
    nodes = [node("Conv", "a a", "r", pads=[511, 511, 511, 511]), node("Add", "x r", "y")]
    attack("fold_conv", model(nodes, [value("x", [1])], [value("y", None)], [const("a", np.zeros((1, 1, 512, 512)), np.float32)]),
           "--limit", "work=10000000")
    nodes = [node("ConstantOfShape", "s", "z"), node("NonZero", "z", "t"), node("Cast", "t", "r", to=F), node("Add", "x r", "y")]
    attack("fold_nonzero_of_zeros", model(nodes, [value("x", [1])], [value("y", None)], [const("s", [1 << 12, 1 << 11])]))
    words = [node("StringConcat", f"c{i} c{i}", f"c{i + 1}", f"n{i}") for i in range(40)]
    attack("fold_strings", model(words, [], [value("c40", [1], S)], [helper.make_tensor("c0", S, [1], [b"a" * 100])]))
    attack("fold_split", model([helper.make_node("Split", ["w"], [f"o{i}" for i in range(1000)], axis=0), helper.make_node("Sum", ["x", "o0", "o999"], ["y"])],
                               [value("x", [1])], [value("y", [1])], [const("w", np.arange(1000), np.float32)]))
    attack("regex", model([node("RegexFullMatch", "x", "y", pattern="(a*)*" * 30 + "b")], [value("x", [1], S)], [value("y", [1], B)]))

    def loop(trip, body_nodes, carried, outs, name, inputs=X, weights=(), scan=0):
        body = graph(body_nodes, [value("i", [], I64), value("go", [], B)] + carried, [value("on", [], B)] + outs, name="body")
        n = len(outs)
        return model([helper.make_node("Loop", ["n", ""] + [v.name[:-3] if v.name.endswith("_in") else v.name for v in carried], [f"y{k}" if k else "y" for k in range(n)], "loop1", body=body)],
                     inputs, [helper.make_tensor_value_info(f"y{k}" if k else "y", F, None) for k in range(n)], [const("n", trip)] + list(weights))

    keep = node("Identity", "go", "on")
    attack("loop_forever", loop(MAX, [keep, node("Add", "x_in x_in", "t")], [value("x_in", [2, 3])], [value("t", [2, 3])], "f"))
    attack("loop_collects_forever", loop(MAX, [keep, node("Add", "x_in x_in", "t"), node("Neg", "t", "u")], [value("x_in", [2, 3])], [value("t", [2, 3]), value("u", [2, 3])], "f"))
    attack("loop_doubles", loop(62, [keep, node("Concat", "x_in x_in", "t", axis=0)], [value("x_in", [None, 3])], [value("t", [None, 3])], "f"))
    attack("loop_negative", loop(-5, [keep, node("Add", "x_in x_in", "t")], [value("x_in", [2, 3])], [value("t", [2, 3])], "f"))
    attack("loop_min", loop(-MAX - 1, [keep, node("Add", "x_in x_in", "t")], [value("x_in", [2, 3])], [value("t", [2, 3])], "f"))
    attack("loop_constant", loop(1 << 40, [keep, node("Add", "c0 c0", "t")], [value("c0", [1])], [value("t", [1])], "f", weights=[one]))
    body = graph([node("Neg", "a", "b")], [value("a", [3])], [value("b", [3])], name="body")
    attack("scan_huge", model([node("Scan", "z", "y", num_scan_inputs=1, body=body)], [value("z", [1 << 38, 3])], [value("y", None)]))
    attack("scan_inputs", model([node("Scan", "z", "y", num_scan_inputs=MAX, body=body)], [value("z", [4, 3])], [value("y", None)]))
    attack("scan_inputs_min", model([node("Scan", "z", "y", num_scan_inputs=-MAX - 1, body=body)], [value("z", [4, 3])], [value("y", None)]))

    g = graph([node("Identity", "go0", "on0"), node("Add", "v0 v0", "w0")], [value("i0", [], I64), value("go0", [], B), value("v0", [2, 3])],
              [value("on0", [], B), value("w0", [2, 3])], name="b0")
    for k in range(1, 20):
        g = graph([node("Identity", f"go{k}", f"on{k}"), helper.make_node("Loop", ["n", "", f"v{k}"], [f"w{k}"], f"loop{k}", body=g)],
                  [value(f"i{k}", [], I64), value(f"go{k}", [], B), value(f"v{k}", [2, 3])], [value(f"on{k}", [], B), value(f"w{k}", [2, 3])], name=f"b{k}")
    attack("loops_nested", model([helper.make_node("Loop", ["n", "", "x"], ["y"], "outer", body=g)], X, Y, [const("n", MAX)]))

    ifs, at = [], "x"
    for k in range(40):
        ifs.append(node("If", "c", f"r{k}", f"if{k}", then_branch=graph([node("Unsqueeze", f"{at} zero", f"t{k}")], [], [value(f"t{k}", None)]),
                        else_branch=graph([node("Neg", at, f"e{k}")], [], [value(f"e{k}", None)])))
        at = f"r{k}"
    attack("ifs_of_ranks", model(ifs + [node("ReduceSum", at, "y", keepdims=0)], X + [value("c", [], B)], [value("y", [])], [const("zero", [0])]))
    for tag, op, inputs in ("at", "SequenceAt", "s s"), ("insert", "SequenceInsert", "s s"), ("insert_at", "SequenceInsert", "s x s"), \
            ("erase", "SequenceErase", "s s"), ("split", "SplitToSequence", "s"), ("split_by", "SplitToSequence", "x s"), \
            ("construct", "SequenceConstruct", "x s"):
        attack(f"sequence_{tag}_sequence", model([node("SequenceConstruct", "x x", "s"), node(op, inputs, "y"), node("Relu", "x", "z")],
                                                 X, [value("z", None)]))
    seq = [node("SequenceConstruct", "x x", "s0")]
    for k in range(24):
        seq.append(node("SequenceInsert", f"s{k} x", f"s{k + 1}", f"i{k}"))
    attack("sequence_long", model(seq + [node("ConcatFromSequence", "s24", "y", axis=0)], X, [value("y", None)]))
    for count in (200, 257, 100000000):
        attack(f"split_lengths_{count}", model([node("SplitToSequence", "x l", "s", axis=1), node("SequenceLength", "s", "y")],
                                               X + [value("l", [count], I64)], [value("y", [], I64)]))
    attack("split_to_sequence", model([node("SplitToSequence", "z", "s", axis=0), node("ConcatFromSequence", "s", "y", axis=0)],
                                      [value("z", [1 << 30, 3])], [value("y", None)]))
    chain = [node("Sigmoid", "v0", "t0", "s0"), node("Tanh", "v0", "u0", "h0"), node("Mul", "t0 u0", "v1", "m0")]
    for k in range(1, 40):
        chain += [node("Sigmoid", f"v{k}", f"t{k}", f"s{k}"), node("Tanh", f"v{k}", f"u{k}", f"h{k}"), node("Mul", f"t{k} u{k}", f"v{k + 1}", f"m{k}")]
    attack("fusion_doubling", model(chain, [value("v0", [2, 3])], [value("v40", [2, 3])]))
    chain = [node("Add", f"v{k} v{k}", f"v{k + 1}", f"a{k}") for k in range(3000)]
    attack("chain_3000", model(chain, [value("v0", [2, 3])], [value("v3000", [2, 3])]))
    attack("source_below", relu(), "--limit", "source=1000000")
    attack("source_above", relu(), "--limit", "source=100")
    attack("nodes_below", relu(), "--limit", "nodes=1")
    attack("nodes_above", model([node("Relu", "x", "t"), node("Neg", "t", "y")], X, Y), "--limit", "nodes=1")
    c = [node("Expand", "c0 s", "b"), node("Neg", "b", "d"), node("Add", "x d", "y")]
    attack("fold_below", model(c, X, [value("y", None)], [one, const("s", [2, 3])]), "--limit", "fold=2000")
    r = [const("p", np.ones((1, 1, 2, 2)), np.float32), const("q", [[0, 0, 1, 1]], np.float32), const("k", [0])]
    attack("fold_while", model([node("RoiAlign", "p q k", "r", sampling_ratio=(1 << 31) - 1), node("Add", "x r", "y")], X, [value("y", None)], r))
    attack("unroll_einsum", model([node("Einsum", "x " * 60, "y", equation=",".join(["ab"] * 60) + "->ab")], X, Y))


# ---- names ----

LONG = "n" * 100000
NAMES = {
    "comment_end": "*/ #error out /*", "newline": "a\n#error out", "carriage": "a\r#error out", "trigraph": "a??/\n??(", "quote": "a\"; int evil; char *b = \"",
    "single": "'", "backslash": "a\\", "backslashes": "\\\\n\\x41\\", "bidi": "a\u202e\u2066 evil \u2069", "zero_width": "a\u200b\ufeffb", "percent": "%s%n%d%1$n",
    "emoji": "\U0001f600", "control": "\x01\x07\x1b[31mred", "line_separator": "a\u2028#error\u2029", "preprocessor": "#include </etc/passwd>", "shell": "$(touch pwned) `touch pwned`; touch pwned & | > pwned",
    "path": "../../../../tmp/evil", "slash": "/*", "line_comment": "// \\", "digraph": "%:include <:", "universal": "\\u000a#error", "space": " ", "dollar": "$a", "html": "<script>", "long": LONG,
}
WORDS = """int for while class template this new delete operator namespace try catch throw nullptr true false bool wchar_t char16_t alignas constexpr
decltype and or not xor main NULL errno stdin stdout stderr EOF assert signed restrict _Bool _Complex inline static extern register auto union typedef
goto sizeof volatile void float double short long unsigned case default do else enum break continue if return struct switch const char
memcpy memset size_t int32_t int64_t uint8_t ptrdiff_t int_fast8_t uintptr_t float_t double_t locale_t max_align_t INT64_MAX UINT32_C M_PI NAN INFINITY HUGE_VAL isnan exp expf log sqrt pow fabs abs div j0 y1 yn
zn zn_max_f32 zenith zenith_model zenith_tensor ZN_KERNEL ZENITH_OK linux unix i386 asm typeof __func__ __FILE__ __LINE__ defined i0 i1 io ctx ws heap in out
status weights x_2 concept requires co_await char8_t import module export override final noexcept static_assert thread_local _Generic _Atomic
mutable virtual friend explicit private protected public typename typeid using const_cast dynamic_cast reinterpret_cast static_cast compl bitand bitor
not_eq or_eq xor_eq and_eq consteval constinit co_return co_yield _Static_assert _Noreturn _Thread_local _Imaginary __attribute__ __asm__ _Alignas""".split()
MEET = ["a", "a_", "a__", "_a", "a/", "a:0", "a.0", "a_0", "a-0", "A", "a_2", "a_2_", "a 2", "1a", "v1a", "", "é", "ü", "a\x00b"]


def names():
    for tag, s in NAMES.items():
        m = model([node("Relu", "x", "t", "first"), node("Softmax", "t", "y", "second")], [value("x", [2, "d"])], [value("y", [2, "d"])],
                  [const("w", [1], np.float32)])
        m.graph.name = m.producer_name = s
        m.graph.input[0].name = m.graph.node[0].input[0] = s
        m.graph.node[0].name = m.graph.node[0].output[0] = m.graph.node[1].input[0] = s + "t"
        m.graph.output[0].name = m.graph.node[1].output[0] = s + "y"
        m.graph.node.append(node("Add", "x w", "z"))
        m.graph.node[2].input[0], m.graph.node[2].input[1] = s, s + "w"
        m.graph.node[2].output[0] = s + "z"
        m.graph.initializer[0].name = s + "w"
        m.graph.output.append(value(s + "z", [2, "d"]))
        for v in (m.graph.input[0], m.graph.output[0], m.graph.output[1]):
            v.type.tensor_type.shape.dim[1].dim_param = s
        attack(f"name_{tag}", m)
    for tag, op in (("operator", "Rel\n*/u??/"), ("operator_long", LONG)):
        m = relu()
        m.graph.node[0].op_type = op
        attack(f"name_{tag}", m)
    m = relu()
    m.graph.node[0].domain = "\u202e\n*/" + LONG
    attack("name_domain", m)
    m = relu()
    m.graph.node[0].input[0] = "\x1b]0;owned\x07\u202e" + LONG
    attack("name_missing", m)
    m = relu()
    m.graph.node[0].attribute.add(name="\n*/" + LONG, i=1, type=2)
    attack("name_attribute", m)
    for tag, s in (("latin1", b"\xe9t\xe9"), ("cut", b"a\xe2\x82"), ("overlong", b"\xc0\xaf*/"), ("surrogate", b"\xed\xa0\x80"), ("high", b"\xff\xfe\xfd"), ("nul", b"a\0b")):
        attack(f"name_bytes_{tag}", wire(field(1, field(1, s) + field(2, s + b"y") + field(3, s) + field(4, "Relu")) + field(2, s)
                                         + field(11, field(1, s) + field(2, tensor_type([field(2, s)]))) + field(12, field(1, s + b"y") + field(2, tensor_type([field(2, s)])))))
    for tag, words in (("keywords", WORDS), ("meet", MEET[:-4] + MEET[-3:-1])):
        nodes = [helper.make_node("Neg", [w], [w + "!"], w) for w in words]
        attack(f"names_{tag}", model(nodes, [value(w, [2, w]) for w in words], [value(w + "!", [2, w]) for w in words]))
    nodes = [helper.make_node("MatMul", [f"{w}", f"w {w}"], [f"o {w}"], w) for w in WORDS]
    attack("names_kernels", model(nodes, [value(w, [2, 3]) for w in WORDS], [value(f"o {w}", [2, 3]) for w in WORDS],
                                  [const(f"w {w}", np.ones((3, 3)) * i, np.float32) for i, w in enumerate(WORDS)]))
    text = [b"*/", b"??/", b"\"\\", b"\n", b"\xff\x00\x01", "\u202e".encode(), b"%s", b"'"]
    attack("names_strings", model([node("Equal", "x w", "y")], [value("x", [8], S)], [value("y", [8], B)], [helper.make_tensor("w", S, [8], text)]))


# ---- external data ----

def external():
    def outside(location, files=(), options=(), **more):
        t = TensorProto(name="w", data_type=F, dims=[2, 3], data_location=TensorProto.EXTERNAL)
        for k, v in [("location", location)] + list(more.items()):
            t.external_data.add(key=k, value=v)
        return model([node("Add", "x w", "y")], X, Y, [t]), options, files

    def put(name, location, *files, options=(), **more):
        m, _, _ = outside(location, **more)
        attack(name, m, *options, files=files)

    data = ("file", "w.bin", bytes(24))
    put("external_fine", "w.bin", data)
    put("external_subfolder", "sub/w.bin", ("folder", "sub"), ("file", "sub/w.bin", bytes(24)))
    put("external_dot", "./sub/./w.bin", ("folder", "sub"), ("file", "sub/w.bin", bytes(24)))
    put("external_up", "../w.bin", ("file", "../w.bin", bytes(24)))
    put("external_up_inside", "sub/../w.bin", ("folder", "sub"), data)
    put("external_absolute", "/etc/hostname")
    put("external_backslash", "..\\w.bin")
    put("external_symlink_out", "w.bin", ("file", "../secret", bytes(24)), ("symlink", "w.bin", "../secret"))
    put("external_symlink_absolute", "w.bin", ("symlink", "w.bin", "/etc/passwd"))
    put("external_symlink_folder", "sub/secret", ("file", "../secret", bytes(24)), ("symlink", "sub", ".."))
    put("external_symlink_inside", "w.bin", ("file", "real.bin", bytes(24)), ("symlink", "w.bin", "real.bin"))
    put("external_symlink_loop", "w.bin", ("symlink", "w.bin", "w.bin"))
    put("external_hard_link", "w.bin", ("file", "../secret", bytes(24)), ("link", "w.bin", "../secret"))
    put("external_fifo", "w.bin", ("fifo", "w.bin"))
    put("external_socket", "w.bin", ("socket", "w.bin"))
    put("external_folder", "w.bin", ("folder", "w.bin"))
    put("external_device", "null", options=("--external-root", "/dev"))
    put("external_device_zero", "zero", options=("--external-root", "/dev"))
    put("external_device_linked", "w.bin", ("symlink", "w.bin", "/dev/zero"))
    put("external_root", "w.bin", ("folder", "../data"), ("file", "../data/w.bin", bytes(24)), options=("--external-root", "../data"))
    put("external_root_left", "../m/w.bin", data, ("folder", "../data"), options=("--external-root", "../data"))
    put("external_root_missing", "w.bin", data, options=("--external-root", "nowhere"))
    put("external_root_symlink_out", "w.bin", data, ("folder", "../data"), ("symlink", "../data/w.bin", "../m/w.bin"), options=("--external-root", "../data"))
    put("external_short", "w.bin", ("file", "w.bin", bytes(23)))
    put("external_empty", "w.bin", ("file", "w.bin", b""))
    put("external_offset_past", "w.bin", data, offset="25")
    put("external_offset_max", "w.bin", data, offset=str((1 << 64) - 1))
    put("external_offset_more", "w.bin", data, offset=str(1 << 64))
    put("external_offset_negative", "w.bin", data, offset="-8")
    put("external_offset_text", "w.bin", data, offset="0x10")
    put("external_offset_wraps", "w.bin", data, offset=str((1 << 64) - 24), length="24")
    put("external_location_folder", ".", data)
    put("external_location_twice_dots", ".../w.bin", data)
    put("external_root_file", "w.bin", data, options=("--external-root", "w.bin"))
    put("external_root_prefix", "s/w.bin", ("folder", "../data"), ("folder", "../data2"), ("file", "../data2/w.bin", bytes(24)),
        ("symlink", "../data/s", "../data2"), options=("--external-root", "../data"))
    put("external_hard_link_linked", "s.bin", ("file", "../secret", bytes(24)), ("link", "w.bin", "../secret"), ("symlink", "s.bin", "w.bin"))
    put("external_length_wrong", "w.bin", data, length="20")
    put("external_length_negative", "w.bin", data, length="-24")
    put("external_location_empty", "")
    put("external_location_nul", "w.bin\x00.png", data)
    put("external_location_long", "a/" * 50000, data)
    put("external_location_name", "\u202e\n*/\x1b[31m")
    put("external_proc", "self/environ", options=("--external-root", "/proc"))
    t = TensorProto(name="w", data_type=F, dims=[2, 3], data_location=TensorProto.EXTERNAL)
    attack("external_no_location", model([node("Add", "x w", "y")], X, Y, [t]))
    t = TensorProto(name="w", data_type=F, dims=[2, 3], data_location=TensorProto.EXTERNAL, raw_data=bytes(24))
    t.external_data.add(key="location", value="w.bin")
    attack("external_and_raw", model([node("Add", "x w", "y")], X, Y, [t]), files=(data,))
    t = TensorProto(data_type=F, dims=[2, 3], data_location=TensorProto.EXTERNAL)
    t.external_data.add(key="location", value="../secret")
    attack("external_attribute", model([helper.make_node("Constant", [], ["w"], "constant1", value=t), node("Add", "x w", "y")], X, Y),
           files=(("file", "../secret", bytes(24)),))
    f = helper.make_function("f", "F", ["a"], ["b"], [helper.make_node("Constant", [], ["w"], "constant1", value=t), node("Add", "a w", "b")], [helper.make_opsetid("", 21)])
    attack("external_function", model([node("F", "x", "y", domain="f")], X, Y, functions=[f], domains=["f"]), files=(("file", "../secret", bytes(24)),))
    indices = TensorProto(name="i", data_type=I64, dims=[1], data_location=TensorProto.EXTERNAL)
    indices.external_data.add(key="location", value="../secret")
    m = model([node("Add", "x w", "y")], X, Y)
    m.graph.sparse_initializer.append(helper.make_sparse_tensor(helper.make_tensor("w", F, [1], [1.0]), helper.make_tensor("i", I64, [1], [5]), [2, 3]))
    m.graph.sparse_initializer[0].indices.CopyFrom(indices)
    attack("external_sparse_indices", m, files=(("file", "../secret", bytes(24)),))
    t = TensorProto(name="w", data_type=S, dims=[2, 3], data_location=TensorProto.EXTERNAL)
    t.external_data.add(key="location", value="w.bin")
    attack("external_strings", model([node("Equal", "x w", "y")], [value("x", [2, 3], S)], [value("y", [2, 3], B)], [t]), files=(data,))


# ---- a model cut short and with single bits turned, the same ones everywhere

def damage():
    m = model([node("Conv", "x w", "t", pads=[1, 1, 1, 1]), node("Softmax", "t", "y", axis=1)], [value("x", [1, 1, 5, 5])], [value("y", [1, 2, 5, 5])],
              [const("w", np.arange(18).reshape(2, 1, 3, 3), np.float32)]).SerializeToString()
    attack("whole", m)
    for i in (0, 1, len(m) // 2, len(m) - 1):
        attack(f"cut_{i}", m[:i])
    g = ModelProto.FromString(m).graph.SerializeToString()
    for i in range(0, len(g), 12):          # where the lengths around it are right
        attack(f"cut_graph_{i}", wire(g[:i]))
    for i in range(32):
        at = len(m) * i // 32
        attack(f"flipped_{i}", m[:at] + bytes([m[at] ^ 1 << i % 8]) + m[at + 1:])


# ---- limits: the largest that passes, the smallest that does not, and that with the limit raised

def limits():
    def pair(limit, n, at, above, *more):
        attack(f"limit_{limit}_at", at, *more)
        attack(f"limit_{limit}_above", above, *more)
        attack(f"limit_{limit}_raised", above, *more, "--limit", f"{limit}={n}")

    def of(dims):
        return wire(RELU + io(11, "x", [dim(d) for d in dims]) + io(12, "y", [dim(d) for d in dims]))

    def sum_of(n):
        return wire(field(1, field(1, "x") * n + field(2, "y") + field(4, "Sum")) + io(11, "x", [dim(2)]) + io(12, "y", [dim(2)]))

    def functions(depth):
        fs = [helper.make_function("f", f"F{i}", ["a"], ["b"], [node(*(("Neg", "a", "b") if i == depth - 1 else (f"F{i + 1}", "a", "b")),
                                                                    domain="" if i == depth - 1 else "f")],
                                   [helper.make_opsetid("f", 1), helper.make_opsetid("", 21)]) for i in range(depth)]
        return model([node("F0", "x", "y", domain="f")], X, Y, functions=fs, domains=["f"])

    def sparse(columns):
        m = model([node("Gather", "w i", "y")], [value("i", [1], I64)], [value("y", [1, columns])])
        m.graph.sparse_initializer.append(helper.make_sparse_tensor(helper.make_tensor("w", F, [1], [1.0]), helper.make_tensor("i", I64, [1], [5]), [4, columns]))
        return m

    def chain(n):
        return model([node("Neg", f"v{i}" if i else "x", f"v{i + 1}" if i < n - 1 else "y", f"n{i}") for i in range(n)], X, Y)

    def product(n, k):
        return model([node("MatMul", "a b", "c"), node("Add", "x c", "y")], [value("x", [1])], [value("y", [n, n])],
                     [const("a", np.ones((n, k)), np.float32), const("b", np.ones((k, n)), np.float32)])

    pair("elements", (1 << 40) + 1, of([1 << 40]), of([(1 << 40) + 1]))
    pair("rank", 17, of([1] * 16), model([node("Unsqueeze", "x a", "t"), node("Neg", "t", "u"), node("Squeeze", "u a", "y")], X, Y, [const("a", list(range(15)))]))
    pair("ports", 20001, sum_of(20000), sum_of(20001))
    pair("depth", 400, functions(99), functions(100))
    pair("fold", 1 << 30, sparse(1 << 22), sparse((1 << 22) + 1))
    for n in (20, 21):
        attack(f"limit_nodes_{n}", chain(n), "--limit", "nodes=20")
    # what folding may not do any more is done by the model, whose source is longer
    m = product(128, 128)
    steps = 128**3 + 10 * 128**2 + 119 - 16 * len(m.SerializeToString())     # iterations, and instructions by lanes
    for tag, n in (("at", steps), ("above", steps - 1)):
        attack(f"limit_work_{tag}", m, "--limit", f"work={n}", "--limit", "source=9000", "--target", "scalar", "--weights=file")


for group in depth, functions, sizes, graphs, bombs, names, external, limits, damage:
    group()
