#!/usr/bin/env python3
"""Generated code against bad arguments and bad data, under ASan and UBSan: arguments.c linked with each model. Operators on
data that ONNX leaves undefined, with the status or the values that must come; the golden models; some real ones. Two
contexts on two threads under ThreadSanitizer.

usage: arguments.py ZENITHC MODELS [REGEX]"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

import numpy as np
from onnx import TensorProto as T
from onnx import helper, numpy_helper

import harness

HERE = os.path.dirname(os.path.abspath(__file__))
F, D, I32, I64, BOOL, STR = T.FLOAT, T.DOUBLE, T.INT32, T.INT64, T.BOOL, T.STRING
SHAPE, INDEX, DATA, CAPACITY, HEAP = 2, 3, 4, 5, 6
ANY, BAD, OK = -1, -2, 0
ASAN = "-O1 -g1 -w -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all"
COVERAGE = "-O0 -w --coverage"     # with COVERAGE=1 in the environment: which returns of a status are executed
TSAN = "-O1 -g1 -w -fsanitize=thread"
REAL = "micro_kws_qdq apollo_policy snips_qtdnn byte_bidi_lstm point_history_lstm xgboost_classifier mnist8_cntk bert_toy gpt2_toy crop_and_resize_loop"
nan, inf, far = "nan", "inf", 9223372036854775807

MODELS = []       # (name, model, cases): a case is (status, [inputs], [values of output 0] or None)


def case(status, *inputs, out=None):
    return status, inputs, out


def arr(shape, *values):
    """An input of that shape; values are repeated to fill it."""
    n = int(np.prod(shape))
    return list(shape), [str(values[i % len(values)]) for i in range(n)]


def ints(*values):
    return arr([len(values)], *values)


def one(value):
    return arr([], value)


def model(name, nodes, inputs, outputs, cases, weights=(), opset=21):
    """inputs and outputs: (name, dtype, shape)"""
    graph = helper.make_graph(
        [n if not isinstance(n, tuple) else helper.make_node(n[0], n[1].split(), n[2].split(), **(n[3] if len(n) > 3 else {}))
         for n in nodes], name, [helper.make_tensor_value_info(*v) for v in inputs],
        [helper.make_tensor_value_info(*v) for v in outputs], [numpy_helper.from_array(np.asarray(a), n) for n, a in weights])
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("com.microsoft", 1)]
    MODELS.append((name, helper.make_model(graph, opset_imports=imports, ir_version=9), cases))


def indices():
    """Gather and Scatter: out of range is a status, from the end is not."""
    x = arr([4, 3], *range(12))
    xy = [("x", F, [4, 3])]
    k2 = [("k", I64, [2])]
    good = case(OK, x, ints(-1, 0), out=[9, 10, 11, 0, 1, 2])
    over = [case(INDEX, x, ints(a, b)) for a, b in ((4, 0), (0, -5), (far, 0), (0, -far - 1), (1 << 32, 0))]
    model("gather", [("Gather", "x k", "y")], xy + k2, [("y", F, [2, 3])], [good] + over)
    model("gather_int32", [("Gather", "x k", "y")], xy + [("k", I32, [2])], [("y", F, [2, 3])],
          [good, case(INDEX, x, ints(4, 0)), case(INDEX, x, ints(-2147483648, 0))])
    model("gather_dynamic", [("Gather", "x k", "y")], [("x", F, ["n", 3]), ("k", I64, ["m"])], [("y", F, ["m", 3])],
          [good] + over + [case(ANY, x, ints())])
    model("embedding", [("Gather", "w k", "e"), ("ReduceMean", "e ax", "y", {"keepdims": 0})], [("k", I64, ["m"])],
          [("y", F, [3])], [case(OK, ints(0, 9), out=[13.5, 14.5, 15.5]), case(INDEX, ints(0, 10)), case(INDEX, ints(-11)),
                            case(OK, ints(-10), out=[0, 1, 2])],
          [("w", np.arange(30, dtype=np.float32).reshape(10, 3)), ("ax", np.int64([0]))])
    model("gather_fused", [("Gather", "x k", "g"), ("Relu", "g", "r"), ("MatMul", "r w", "y")], xy + k2, [("y", F, [2, 2])],
          [case(OK, x, ints(0, 0), out=[3, 3, 3, 3])] + over, [("w", np.ones((3, 2), np.float32))])
    model("gather_elements", [("GatherElements", "x k", "y", {"axis": 0})], xy + [("k", I64, [1, 3])], [("y", F, [1, 3])],
          [case(OK, x, arr([1, 3], 3, -4, 1), out=[9, 1, 5]), case(INDEX, x, arr([1, 3], 0, 4, 0)),
           case(INDEX, x, arr([1, 3], 0, 0, -5))])
    model("gather_nd", [("GatherND", "x k", "y")], xy + [("k", I64, [2, 2])], [("y", F, [2])],
          [case(OK, x, arr([2, 2], 3, 2, -4, -3), out=[11, 0]), case(INDEX, x, arr([2, 2], 3, 3, 0, 0)),
           case(INDEX, x, arr([2, 2], 0, 0, 4, 0)), case(INDEX, x, arr([2, 2], 0, 0, 0, -far))])
    model("gather_found", [("NonZero", "x", "f"), ("Gather", "f zero", "y", {"axis": 1})], [("x", F, [4])], [("y", I64, [1])],
          [case(OK, ints(0, 0, 5, 0), out=[2]), case(INDEX, ints(0, 0, 0, 0))], [("zero", np.int64(0))])
    u = arr([2, 3], 7)
    for how in ("none", "add", "max"):
        model("scatter_nd_" + how, [("ScatterND", "x k u", "y", {"reduction": how})], xy + [("k", I64, [2, 1]), ("u", F, [2, 3])],
              [("y", F, [4, 3])], [case(OK, x, arr([2, 1], 0, -1), u), case(INDEX, x, arr([2, 1], 4, 0), u),
                                   case(INDEX, x, arr([2, 1], 0, -5), u), case(INDEX, x, arr([2, 1], 1 << 61, 0), u)])
        model("scatter_elements_" + how, [("ScatterElements", "x k u", "y", {"reduction": how, "axis": 1})],
              xy + [("k", I64, [4, 1]), ("u", F, [4, 1])], [("y", F, [4, 3])],
              [case(OK, x, arr([4, 1], 2, -3), arr([4, 1], 5)), case(INDEX, x, arr([4, 1], 3, 0), arr([4, 1], 5)),
               case(INDEX, x, arr([4, 1], 0, -4), arr([4, 1], 5))])
    model("tensor_scatter", [("TensorScatter", "c u at", "y", {"axis": 1})], [("c", F, [1, 4, 2]), ("u", F, [1, 2, 2]), ("at", I64, [1])],
          [("y", F, [1, 4, 2])], [case(OK, arr([1, 4, 2], 0), arr([1, 2, 2], 1), ints(2)),
                                  case(BAD, arr([1, 4, 2], 0), arr([1, 2, 2], 1), ints(3)),
                                  case(BAD, arr([1, 4, 2], 0), arr([1, 2, 2], 1), ints(-1)),
                                  case(BAD, arr([1, 4, 2], 0), arr([1, 2, 2], 1), ints(far))], opset=24)
    model("reverse_sequence", [("ReverseSequence", "x n", "y", {"batch_axis": 1, "time_axis": 0})], xy + [("n", I64, [3])],
          [("y", F, [4, 3])], [case(OK, x, ints(4, 1, 2)), case(BAD, x, ints(5, 1, 1)), case(BAD, x, ints(-1, 1, 1)),
                               case(BAD, x, ints(far, 1, 1))])
    model("one_hot", [("OneHot", "k d v", "y")], [("k", I64, [3]), ("d", I64, []), ("v", F, [2])], [("y", F, [3, "d"])],
          [case(OK, ints(0, -1, 7), one(3), ints(0, 1), out=[1, 0, 0, 0, 0, 1, 0, 0, 0]), case(ANY, ints(0, 1, 2), one(-3), ints(0, 1)),
           case(ANY, ints(far, -far - 1, 0), one(2), ints(0, 1)), case(ANY, ints(0, 0, 0), one(0), ints(0, 1)),
           case(BAD, ints(0, 0, 0), one(far), ints(0, 1))])
    model("compress", [("Compress", "x c", "y", {"axis": 0})], xy + [("c", BOOL, [4])], [("y", F, ["n", 3])],
          [case(OK, x, ints(0, 0, 1, 0), out=[6, 7, 8]), case(OK, x, ints(0, 0, 0, 0), out=[])])
    model("compress_bytes", [("Compress", "x c", "y")], [("x", F, [4]), ("c", BOOL, [4])], [("y", F, ["n"])],
          [case(OK, ints(1, 2, 3, 4), ints(0, 2, 0, 255), out=[2, 4])])
    model("nonzero_bytes", [("NonZero", "c", "y")], [("c", BOOL, [4])], [("y", I64, [1, "n"])],
          [case(OK, ints(0, 2, 0, 255), out=[1, 3])])
    model("softmax_loss", [("NegativeLogLikelihoodLoss", "x t", "y")], xy + [("t", I64, [4])], [("y", F, [])],
          [case(OK, x, ints(0, 1, 2, 0)), case(BAD, x, ints(0, 3, 0, 0)), case(BAD, x, ints(0, 0, -1, 0)), case(BAD, x, ints(far, 0, 0, 0))])


def sizes():
    """Sizes that data decide."""
    x = arr([4, 3], *range(12))
    xy = [("x", F, [4, 3])]
    model("top_k", [("TopK", "x k", "y i", {"axis": 0})], xy + [("k", I64, [1])], [("y", F, ["k", 3]), ("i", I64, ["k", 3])],
          [case(OK, x, ints(1), out=[9, 10, 11]), case(OK, x, ints(0), out=[]), case(BAD, x, ints(5)), case(BAD, x, ints(-1)),
           case(BAD, x, ints(far)), case(BAD, x, ints(-far - 1)), case(OK, arr([4, 3], nan), ints(2))])
    model("slice", [("Slice", "x s e a st", "y")], xy + [(n, I64, [1]) for n in "s e st".split()], [("y", F, ["n", 3])],
          [case(OK, x, ints(1), ints(3), ints(1), out=[3, 4, 5, 6, 7, 8]), case(OK, x, ints(-far - 1), ints(far), ints(1)),
           case(OK, x, ints(far), ints(-far - 1), ints(-1)), case(BAD, x, ints(0), ints(4), ints(0)),
           case(OK, x, ints(0), ints(4), ints(far)), case(OK, x, ints(3), ints(-far - 1), ints(-far - 1), out=[9, 10, 11]),
           case(OK, x, ints(100), ints(200), ints(1), out=[]), case(OK, x, ints(-100), ints(-50), ints(1), out=[])],
          [("a", np.int64([0]))])
    model("range", [("Range", "a b d", "y")], [(n, I64, []) for n in "abd"], [("y", I64, ["n"])],
          [case(OK, one(0), one(5), one(2), out=[0, 2, 4]), case(OK, one(5), one(0), one(1), out=[]), case(BAD, one(0), one(5), one(0)),
           case(BAD, one(0), one(far), one(1)), case(BAD, one(-far - 1), one(far), one(1)), case(BAD, one(far), one(-far - 1), one(-1)),
           case(ANY, one(far), one(-far - 1), one(-far - 1))])
    model("range_float", [("Range", "a b d", "y")], [(n, F, []) for n in "abd"], [("y", F, ["n"])],
          [case(OK, one(0), one(1), one(0.5), out=[0, 0.5]), case(BAD, one(0), one(1), one(0)), case(ANY, one(nan), one(1), one(1)),
           case(ANY, one(0), one(nan), one(1)), case(ANY, one(0), one(1), one(nan)), case(BAD, one(0), one(inf), one(1)),
           case(BAD, one(0), one(3e38), one(1e-30)), case(ANY, one(0), one(1), one(inf))])
    model("range_twice", [("Range", "z n one", "r"), ("Concat", "r r r", "y", {"axis": 0})], [("n", I64, [])], [("y", I64, ["m"])],
          [case(OK, one(2), out=[0, 1, 0, 1, 0, 1]), case(BAD, one(far)), case(BAD, one(far // 2)), case(BAD, one(1 << 62)),
           case(OK, one(-5), out=[])], [("z", np.int64(0)), ("one", np.int64(1))])
    model("expand", [("Expand", "x s", "y")], [("x", F, [3, 1]), ("s", I64, [2])], [("y", F, ["a", "b"])],
          [case(OK, arr([3, 1], 1, 2, 3), ints(1, 2), out=[1, 1, 2, 2, 3, 3]), case(BAD, arr([3, 1], 1), ints(2, 2)),
           case(BAD, arr([3, 1], 1), ints(3, -1)), case(BAD, arr([3, 1], 1), ints(3, far)), case(BAD, arr([3, 1], 1), ints(-far - 1, 1)),
           case(OK, arr([3, 1], 1), ints(3, 0), out=[]), case(BAD, arr([3, 1], 1), ints(1 << 32, 1 << 32))])
    model("reshape", [("Reshape", "x s", "y")], xy + [("s", I64, [2])], [("y", F, ["a", "b"])],
          [case(OK, x, ints(2, -1), out=list(range(12))), case(BAD, x, ints(5, -1)), case(BAD, x, ints(-1, -1)), case(BAD, x, ints(-2, -6)),
           case(BAD, x, ints(far, 1)), case(BAD, x, ints(1 << 32, 1 << 32)), case(OK, x, ints(0, 3)), case(BAD, x, ints(7, 1)),
           case(BAD, x, ints(-far - 1, -1))])
    model("reshape_four", [("Reshape", "x s", "y")], xy + [("s", I64, [4])], [("y", F, list("abcd"))],
          [case(OK, x, ints(1, 2, 3, 2)), case(OK, x, ints(1, -1, 3, 2)), case(BAD, x, ints(*[65536] * 4)),
           case(BAD, x, ints(-1, 1 << 30, 1 << 30, 1 << 30)), case(BAD, x, ints(1, -2, 3, 2))])
    model("tile", [("Tile", "x r", "y")], [("x", F, [1, 2]), ("r", I64, [2])], [("y", F, ["a", "b"])],
          [case(OK, arr([1, 2], 1, 2), ints(2, 1), out=[1, 2, 1, 2]), case(BAD, arr([1, 2], 1), ints(-1, 1)),
           case(BAD, arr([1, 2], 1), ints(far, far)), case(BAD, arr([1, 2], 1), ints(1 << 32, 1 << 31)), case(OK, arr([1, 2], 1), ints(0, 1), out=[])])
    model("pad", [("Pad", "x p", "y")], [("x", F, [2]), ("p", I64, [2])], [("y", F, ["n"])],
          [case(OK, ints(1, 2), ints(1, 0), out=[0, 1, 2]), case(OK, ints(1, 2), ints(-1, 0), out=[2]), case(BAD, ints(1, 2), ints(-3, 0)),
           case(BAD, ints(1, 2), ints(far, far)), case(BAD, ints(1, 2), ints(far, 0)), case(ANY, ints(1, 2), ints(-far - 1, far))])
    for mode in ("reflect", "edge", "wrap"):
        model("pad_" + mode, [("Pad", "x p", "y", {"mode": mode})], [("x", F, [3]), ("p", I64, [2])], [("y", F, ["n"])],
              [case(OK, ints(1, 2, 3), ints(1, 1)), case(ANY, ints(1, 2, 3), ints(9, 9)), case(ANY, ints(1, 2, 3), ints(-5, 9)),
               case(BAD, ints(1, 2, 3), ints(far, 0)), case(BAD, ints(1, 2, 3), ints(-9, 0))])
    model("split", [("Split", "x s", "a b", {"axis": 0})], xy + [("s", I64, [2])], [("a", F, ["n", 3]), ("b", F, ["m", 3])],
          [case(OK, x, ints(1, 3), out=[0, 1, 2]), case(BAD, x, ints(1, 4)), case(BAD, x, ints(-1, 5)), case(BAD, x, ints(far, -far + 4)),
           case(OK, x, ints(0, 4), out=[])])
    model("constant_of_shape", [("ConstantOfShape", "s", "y")], [("s", I64, [2])], [("y", F, ["a", "b"])],
          [case(OK, ints(1, 2), out=[0, 0]), case(BAD, ints(-1, 2)), case(BAD, ints(far, 2)), case(BAD, ints(1 << 32, 1 << 32)),
           case(ANY, ints(0, far // 4))])
    most = (1 << 31) - 1
    model("center_crop_none", [("CenterCropPad", "x s", "y")], [("x", F, [1, 1, 1]), ("s", I64, [3])], [("y", F, list("abc"))],
          [case(OK, arr([1, 1, 1], 1), ints(*s)) for s in ((1, 1, 0), (0, most, 1))] +
          [case(CAPACITY, arr([1, 1, 1], 1), ints(*s)) for s in ((most, most, 0), (most, 0, most), (2, most, 0))])
    model("window", [("HannWindow", "n", "y")], [("n", I64, [])], [("y", F, ["m"])],
          [case(OK, one(4)), case(OK, one(0), out=[]), case(BAD, one(-1)), case(BAD, one(far)), case(OK, one(1))])
    model("resize", [helper.make_node("Resize", ["x", "", "s"], ["y"], mode="linear")], [("x", F, [1, 1, 2, 2]), ("s", F, [4])], [("y", F, list("abcd"))],
          [case(OK, arr([1, 1, 2, 2], 1), ints(1, 1, 2, 2))] +
          [case(BAD, arr([1, 1, 2, 2], 1), ints(1, 1, v, 2)) for v in (nan, inf, "-inf", -1, 1e30)] +
          [case(ANY, arr([1, 1, 2, 2], 1), ints(1, 1, v, 2)) for v in (0, 1e-30, 0.5)])
    model("resize_sizes", [helper.make_node("Resize", ["x", "", "", "s"], ["y"], mode="nearest")], [("x", F, [1, 1, 2, 2]), ("s", I64, [4])],
          [("y", F, list("abcd"))],
          [case(OK, arr([1, 1, 2, 2], 1), ints(1, 1, 3, 3))] +
          [case(BAD, arr([1, 1, 2, 2], 1), ints(1, 1, v, 2)) for v in (-1, far, -far - 1, 1 << 32)])
    model("resize_roi", [helper.make_node("Resize", ["x", "roi", "s"], ["y"], mode="linear", coordinate_transformation_mode="tf_crop_and_resize")],
          [("x", F, [1, 1, 2, 2]), ("roi", F, [8])], [("y", F, [1, 1, 4, 4])],
          [case(ANY, arr([1, 1, 2, 2], 1), arr([8], v)) for v in (0, 1, nan, inf, -1e30, 1e30)], [("s", np.float32([1, 1, 2, 2]))])
    model("eye", [("EyeLike", "x", "y", {"k": 1})], [("x", F, ["n", "m"])], [("y", F, ["n", "m"])], [case(OK, arr([2, 2], nan), out=[0, 1, 0, 0])])
    model("center_crop", [("CenterCropPad", "x s", "y", {"axes": [0]})], xy + [("s", I64, [1])], [("y", F, ["n", 3])],
          [case(OK, x, ints(2)), case(OK, x, ints(9)), case(BAD, x, ints(-1)), case(BAD, x, ints(far)), case(OK, x, ints(0), out=[])])
    model("trilu", [("Trilu", "x k", "y")], xy + [("k", I64, [])], [("y", F, [4, 3])],
          [case(OK, x, one(v)) for v in (0, 1, -1, far, -far - 1, 100)])
    model("cumsum", [("CumSum", "x a", "y")], xy + [("a", I64, [])], [("y", F, [4, 3])],
          [case(OK, x, one(0)), case(OK, x, one(-1)), case(BAD, x, one(2)), case(BAD, x, one(-3)), case(BAD, x, one(far))])


def numbers():
    """Casts and arithmetic at the ends of their ranges."""
    x = ints(nan, inf, "-inf", 1e30, -1e30, 3.9, -3.9, 0.0)
    for to in (I64, I32, T.INT8, T.UINT8, T.UINT64, T.UINT32, T.UINT16, T.INT4, T.UINT4, BOOL, T.FLOAT16, T.BFLOAT16, T.FLOAT8E4M3FN, STR):
        name = T.DataType.Name(to).lower()
        model("cast_" + name, [("Cast", "x", "y", {"to": to})], [("x", F, [8])], [("y", to, [8])], [case(OK, x)])
        if to not in (STR, T.FLOAT8E4M3FN):
            model("cast_double_" + name, [("Cast", "x", "y", {"to": to})], [("x", D, [8])], [("y", to, [8])], [case(OK, x)])
    model("quantize", [("QuantizeLinear", "x s z", "y")], [("x", F, [8]), ("s", F, [])], [("y", T.INT8, [8])],
          [case(OK, x, one(v)) for v in (1, 0, nan, inf, 1e-38, -1)], [("z", np.int8(3))])
    model("dynamic_quantize", [("DynamicQuantizeLinear", "x", "y s z")], [("x", F, [8])],
          [("y", T.UINT8, [8]), ("s", F, []), ("z", T.UINT8, [])], [case(OK, x), case(OK, ints(*[0] * 8))])
    model("divide", [("Div", "a b", "y")], [("a", I32, [4]), ("b", I32, [4])], [("y", I32, [4])],
          [case(ANY, ints(1, -2147483648, 7, 0), ints(0, -1, 2, 0))])
    model("modulo", [("Mod", "a b", "y")], [("a", I64, [4]), ("b", I64, [4])], [("y", I64, [4])],
          [case(ANY, ints(1, -far - 1, 7, 0), ints(0, -1, 2, 0))])
    model("modulo_float", [("Mod", "a b", "y", {"fmod": 1})], [("a", F, [4]), ("b", F, [4])], [("y", F, [4])],
          [case(ANY, ints(1, inf, 7, nan), ints(0, -1, inf, 0))])
    model("power", [("Pow", "a b", "y")], [("a", I64, [4]), ("b", I64, [4])], [("y", I64, [4])],
          [case(ANY, ints(0, 3, far, -2), ints(-1, far, 3, 63))])
    model("shift", [("BitShift", "a b", "y", {"direction": "LEFT"})], [("a", T.UINT32, [4]), ("b", T.UINT32, [4])], [("y", T.UINT32, [4])],
          [case(ANY, ints(1, 1, 1, 1), ints(31, 32, 33, 4294967295))])
    model("absolute", [("Abs", "a", "b"), ("Neg", "b", "y")], [("a", I64, [2])], [("y", I64, [2])], [case(OK, ints(-far - 1, far))])
    model("sums", [("ReduceSum", "a", "s"), ("ReduceProd", "a", "p"), ("Mul", "s p", "y")], [("a", I32, [4])], [("y", I32, [1])],
          [case(OK, ints(2147483647, 2147483647, -2147483648, 3))])
    model("arg_max", [("ArgMax", "x", "y", {"axis": 0, "keepdims": 0}), ("Gather", "x y", "z")], [("x", F, [4])], [("z", F, [])],
          [case(OK, ints(nan, nan, nan, nan)), case(OK, ints(0, inf, nan, 1)), case(OK, ints(*["-inf"] * 4))])
    model("softmax", [("Softmax", "x", "y")], [("x", F, [8])], [("y", F, [8])], [case(OK, x), case(OK, ints(*["-inf"] * 8))])
    model("unique", [("Unique", "x", "y i j c")], [("x", F, [4])], [("y", F, ["n"]), ("i", I64, ["n"]), ("j", I64, [4]), ("c", I64, ["n"])],
          [case(OK, ints(nan, nan, 1, 1)), case(OK, ints(nan, inf, nan, "-inf")), case(OK, ints(0, 0, 0, 0), out=[0])])
    model("from_text", [("Cast", "x", "y", {"to": I32})], [("x", STR, [3])], [("y", I32, [3])],
          [case(OK, ints(1, -5, 7), out=[1, -5, 7]), case(ANY, ints("one", 2, 3)), case(ANY, ints("99999999999999999999", 2, 3))])


def places():
    """Images: places that data decide."""
    v = (nan, inf, "-inf", 1e30, -1e30, 2.5, 0.3)
    image = arr([1, 1, 3, 3], *range(9))
    for mode in ("linear", "nearest", "cubic"):
        for pad in ("zeros", "border", "reflection"):
            model(f"grid_sample_{mode}_{pad}", [("GridSample", "x g", "y", {"mode": mode, "padding_mode": pad})],
                  [("x", F, [1, 1, 3, 3]), ("g", F, [1, 1, 7, 2])], [("y", F, [1, 1, 1, 7])],
                  [case(ANY, image, arr([1, 1, 7, 2], *v)), case(ANY, image, arr([1, 1, 7, 2], *v[::-1]))])
    for mode in ("avg", "max"):
        model("roi_align_" + mode, [("RoiAlign", "x r k", "y", {"output_height": 2, "output_width": 2, "sampling_ratio": 0, "mode": mode})],
              [("x", F, [1, 1, 3, 3]), ("r", F, [1, 4]), ("k", I64, [1])], [("y", F, [1, 1, 2, 2])],
              [case(OK, image, arr([1, 4], 0, 0, 2, 2), ints(0)), case(INDEX, image, arr([1, 4], 0, 0, 2, 2), ints(1)),
               case(INDEX, image, arr([1, 4], 0), ints(-2))] +
              [case(ANY, image, arr([1, 4], 0, 0, w, 2), ints(0)) for w in (nan, "-inf", -1e30)])
    model("nms", [("NonMaxSuppression", "b s n i t", "y")], [("b", F, [1, 3, 4]), ("s", F, [1, 1, 3]), ("n", I64, [1]), ("i", F, [1]), ("t", F, [1])],
          [("y", I64, ["m", 3])],
          [case(OK, arr([1, 3, 4], 0, 0, 1, 1), arr([1, 1, 3], 1, 2, 3), ints(2), ints(0.5), ints(0), out=[0, 0, 2])] +
          [case(ANY, arr([1, 3, 4], a, 0, 1, b), arr([1, 1, 3], c, 2, 3), ints(n), ints(d), ints(e)) for a, b, c, n, d, e in (
              (nan, 1, 1, 3, 0.5, 0), (0, inf, nan, 3, 0.5, 0), (0, 1, inf, far, nan, nan), (0, 1, 1, -1, 0.5, 0), (0, 1, 1, -far - 1, 2, -1),
              ("-inf", inf, 1, 3, -1, "-inf"))])
    model("deform", [("DeformConv", "x w o", "y")], [("x", F, [1, 1, 3, 3]), ("w", F, [1, 1, 2, 2]), ("o", F, [1, 8, 2, 2])], [("y", F, [1, 1, 2, 2])],
          [case(ANY, image, arr([1, 1, 2, 2], 1), arr([1, 8, 2, 2], *v))], opset=19)
    model("unpool", [("MaxUnpool", "x k", "y", {"kernel_shape": [2, 2], "strides": [2, 2]})], [("x", F, [1, 1, 2, 2]), ("k", I64, [1, 1, 2, 2])],
          [("y", F, [1, 1, 4, 4])], [case(OK, arr([1, 1, 2, 2], 1), arr([1, 1, 2, 2], 0, 2, 8, 15)),
                                     case(INDEX, arr([1, 1, 2, 2], 1), arr([1, 1, 2, 2], 0, 2, 8, 16)),
                                     case(INDEX, arr([1, 1, 2, 2], 1), arr([1, 1, 2, 2], 0, 2, 8, -1))])
    model("affine_grid", [("AffineGrid", "t s", "y")], [("t", F, [1, 2, 3]), ("s", I64, [4])], [("y", F, list("abcd"))],
          [case(ANY, arr([1, 2, 3], nan), ints(1, 1, 2, 2)), case(BAD, arr([1, 2, 3], 1), ints(1, 1, -2, 2)),
           case(BAD, arr([1, 2, 3], 1), ints(1, 1, far, 2))])
    model("attention_past", [helper.make_node("Attention", ["q", "k", "k", "", "", "", "n"], ["y"])],
          [("q", F, [1, 1, 2, 4]), ("k", F, [1, 1, 3, 4]), ("n", I64, [1])], [("y", F, [1, 1, 2, 4])],
          [case(ANY, arr([1, 1, 2, 4], w), arr([1, 1, 3, 4], 1), ints(n)) for w in (1, nan, inf) for n in (3, 0, -1, 99, far, -far - 1)], opset=24)
    model("lstm_lengths", [helper.make_node("LSTM", ["x", "w", "r", "", "n"], ["y"], hidden_size=2)],
          [("x", F, [3, 1, 2]), ("n", I32, [1])], [("y", F, [3, 1, 1, 2])],
          [case(OK, arr([3, 1, 2], 1), ints(2))] + [case(ANY, arr([3, 1, 2], w), ints(n)) for w in (nan, inf) for n in (0, -1, 4, 2147483647)],
          [("w", np.ones((1, 8, 2), np.float32)), ("r", np.ones((1, 8, 2), np.float32))])


def operands():
    """Dims that operands share, of names of their own: what no rule can compare is a status."""
    def dims(prefix, n):
        return [f"{prefix}{i}" for i in range(n)]

    one4, two4 = arr([1, 1, 1, 1], 1), arr([1, 1, 2, 2], 1)
    model("dims_unpool", [("MaxUnpool", "x k", "y", {"kernel_shape": [2, 2], "strides": [2, 2]})], [("x", F, dims("a", 4)), ("k", I64, dims("b", 4))],
          [("y", F, dims("c", 4))], [case(OK, two4, arr([1, 1, 2, 2], 0, 2, 8, 15)), case(SHAPE, two4, arr([1, 1, 2, 1], 0)),
                                     case(SHAPE, arr([1, 2, 2, 2], 1), arr([1, 1, 2, 2], 0))])
    image = arr([1, 2, 3, 3], *range(18))
    model("dims_deform", [("DeformConv", "x w o b m", "y", {"group": 2, "offset_group": 2})],
          [("x", F, [1, 2, 3, 3]), ("w", F, [2, 1, 2, 2]), ("o", F, [1, "c", "d", 2]), ("b", F, [2]), ("m", F, [1, "e", 2, "f"])],
          [("y", F, [1, 2, 2, 2])],
          [case(s, image, arr([2, 1, 2, 2], 1), arr([1, c, d, 2], 0.5), ints(1, 1), arr([1, e, 2, f], 1)) for s, c, d, e, f in (
              (OK, 16, 2, 8, 2), (SHAPE, 8, 2, 8, 2), (SHAPE, 16, 1, 8, 2), (SHAPE, 16, 2, 4, 2), (SHAPE, 16, 2, 8, 1))], opset=19)
    model("dims_conv_group", [("Conv", "x w", "y", {"group": 2})], [("x", F, dims("a", 3)), ("w", F, dims("b", 3))], [("y", F, dims("c", 3))],
          [case(OK, arr([1, 2, 4], 1), arr([4, 1, 2], 1)), case(SHAPE, arr([1, 2, 4], 1), arr([3, 1, 2], 1)),
           case(SHAPE, arr([1, 2, 4], 1), arr([1, 1, 2], 1))])
    model("dims_group_norm", [("GroupNormalization", "x s b", "y", {"num_groups": 2})], [("x", F, dims("a", 3)), ("s", F, ["c"]), ("b", F, ["d"])],
          [("y", F, dims("a", 3))], [case(s, arr([1, c, 2], 1), ints(*[1] * c), ints(*[0] * c)) for s, c in ((OK, 4), (SHAPE, 3), (SHAPE, 1))])
    model("dims_attention", [("Attention", "q k v", "y")], [(n, F, dims(n, 4)) for n in "qkv"], [("y", F, dims("y", 4))],
          [case(s, arr([1, q, 2, 4], 1), arr([1, k, 3, 4], 1), arr([1, v, 3, 4], 1)) for s, q, k, v in (
              (OK, 4, 2, 2), (SHAPE, 3, 2, 2), (SHAPE, 1, 2, 2), (SHAPE, 4, 2, 3), (OK, 4, 2, 4))], opset=24)
    a, b, z = arr([2, 3], 1), arr([3, 2], 1), T.UINT8
    model("dims_matmul_integer", [("MatMulInteger", "a b p q", "y")], [("a", z, dims("a", 2)), ("b", z, dims("b", 2)), ("p", z, ["p"]), ("q", z, ["q"])],
          [("y", I32, dims("y", 2))], [case(s, a, b, ints(*[1] * p), ints(*[1] * q)) for s, p, q in ((OK, 2, 2), (SHAPE, 1, 2), (SHAPE, 2, 1))])
    model("dims_qlinear_matmul", [("QLinearMatMul", "a s p b t q u r", "y")],
          [("a", z, dims("a", 2)), ("s", F, ["s"]), ("p", z, ["p"]), ("b", z, dims("b", 2)), ("t", F, ["t"]), ("q", z, ["q"]), ("u", F, []), ("r", z, [])],
          [("y", z, dims("y", 2))], [case(s, a, ints(*[1] * k[0]), ints(*[1] * k[1]), b, ints(*[1] * k[2]), ints(*[1] * k[3]), one(1), one(1))
                                     for s, k in ((OK, (2, 2, 2, 2)), (SHAPE, (1, 2, 2, 2)), (SHAPE, (2, 1, 2, 2)), (SHAPE, (2, 2, 1, 2)),
                                                  (SHAPE, (2, 2, 2, 3)))])
    model("dims_broadcast", [("Add", "a b", "y")], [("a", F, ["n"]), ("b", F, ["m"])], [("y", F, ["k"])],
          [case(OK, ints(1, 2), ints(5), out=[6, 7]), case(OK, ints(5), ints(1, 2), out=[6, 7]), case(SHAPE, ints(1, 2), ints(1, 2, 3))])
    model("dims_broadcast_none", [("NonZero", "x", "f"), ("Add", "f w", "y")], [("x", F, [4])], [("y", I64, [1, "k"])],
          [case(OK, ints(0, 1, 0, 0), out=[2, 3, 4]), case(OK, ints(1, 1, 0, 1), out=[1, 3, 6]), case(SHAPE, ints(0, 0, 0, 0)),
           case(SHAPE, ints(1, 1, 0, 0))], [("w", np.int64([1, 2, 3]))])
    counted = [("NonZero", "x", "f"), ("Cast", "f", "g", {"to": F})]
    for name, nodes, wrong in (("gemm", [("Transpose", "g", "c"), ("Gemm", "w w c", "y")], (0, 3)),
                               ("layer", [("Squeeze", "g zero", "c"), ("LayerNormalization", "w c", "y")], (0, 3)),
                               ("rms", [("Squeeze", "g zero", "c"), ("RMSNormalization", "w c", "y")], (0, 3)),
                               ("resize", [helper.make_node("Resize", ["g", "", "", "s"], ["y"])], (0,))):
        model("dims_counted_" + name, counted + nodes, [("x", F, [4])], [("y", F, [2, 2])],
              [case(SHAPE if k in wrong else OK, ints(*[1] * k, *[0] * (4 - k))) for k in range(4)],
              [("w", np.float32([[1, 2], [3, 5]])), ("zero", np.int64([0])), ("s", np.int64([2, 2]))], opset=24)
    for mode in ("edge", "reflect", "wrap"):
        model("dims_pad_" + mode, [("NonZero", "x", "f"), ("Pad", "f p", "y", {"mode": mode})], [("x", F, [4])], [("y", I64, [1, "k"])],
              [case(OK, ints(0, 1, 0, 1)), case(SHAPE, ints(0, 0, 0, 0))], [("p", np.int64([0, 1, 0, 1]))])
    for axis in (2, 3):
        model(f"dims_roi_none{axis}", counted + [("Reshape", "g s", "i"), ("RoiAlign", "i r k", "y")], [("x", F, [4]), ("r", F, [1, 4]), ("k", I64, [1])],
              [("y", F, [1, 1, 1, 1])], [case(OK, ints(0, 1, 0, 1), arr([1, 4], 1), ints(0)), case(SHAPE, ints(0, 0, 0, 0), arr([1, 4], 1), ints(0))],
              [("s", np.int64([1, 1, 1, 1][:axis] + [-1] + [1, 1, 1, 1][axis + 1:]))])
    model("dims_roi_align", [("RoiAlign", "x r k", "y")], [("x", F, [1, 1, 2, 2]), ("r", F, ["n", 4]), ("k", I64, ["m"])], [("y", F, ["n", 1, 1, 1])],
          [case(OK, two4, arr([2, 4], 1), ints(0, 0)), case(SHAPE, two4, arr([2, 4], 1), ints(0)), case(SHAPE, two4, arr([1, 4], 1), ints(0, 0))])
    for pad in ("border", "reflection"):
        model("dims_grid_" + pad, counted + [("Reshape", "g s", "i"), ("GridSample", "i h", "y", {"padding_mode": pad})],
              [("x", F, [4]), ("h", F, [1, 1, 2, 2])], [("y", F, [1, 1, 1, 2])],
              [case(OK, ints(0, 1, 0, 1), arr([1, 1, 2, 2], 0.5)), case(SHAPE, ints(0, 0, 0, 0), arr([1, 1, 2, 2], 0.5))], [("s", np.int64([1, 1, 1, -1]))])
    for name, lead, more, good, bad in (("rotary", [1, 2, 2], {}, ((4, 2), (8, 4)), ((5, 2), (3, 1), (4, 1))),
                                        ("rotary_part", [1, 2, 2], {"rotary_embedding_dim": 4}, ((4, 2), (5, 2)), ((3, 2), (3, 1), (8, 4))),
                                        ("rotary_flat", [1, 2], {"num_heads": 2}, ((4, 1), (8, 2)), ((5, 1), (9, 2), (6, 1)))):
        model("dims_" + name, [("RotaryEmbedding", "x c s", "y", more)], [("x", F, lead + ["a"]), ("c", F, [1, 2, "b"]), ("s", F, [1, 2, "c"])],
              [("y", F, lead + ["d"])], [case(s, arr(lead + [k], 1), *[arr([1, 2, h], 1)] * 2) for s, of in ((OK, good), (SHAPE, bad)) for k, h in of],
              opset=23)
    model("dims_attention_flat", [("Attention", "q k v", "y", {"q_num_heads": 2, "kv_num_heads": 2})], [(n, F, dims(n, 3)) for n in "qkv"], [("y", F, dims("y", 3))],
          [case(OK if k % 2 == 0 else SHAPE, *[arr([1, 2, k], 1)] * 3) for k in (2, 4, 5)], opset=24)
    model("dims_resize_roi", [helper.make_node("Resize", ["x", "roi", "s"], ["y"], mode="linear", coordinate_transformation_mode="tf_crop_and_resize")],
          [("x", F, [1, 1, 2, 2]), ("roi", F, ["n"])], [("y", F, [1, 1, 4, 4])],
          [case(OK, two4, arr([8], 0.5)), case(SHAPE, two4, arr([7], 0.5)), case(SHAPE, two4, arr([1], 0.5))], [("s", np.float32([1, 1, 2, 2]))])
    model("dims_resize_scales", [helper.make_node("Resize", ["x", "", "s"], ["y"])], [("x", F, [1, 1, 1, 1]), ("s", F, ["n"])], [("y", F, dims("b", 4))],
          [case(OK, one4, ints(1, 1, 2, 2)), case(SHAPE, one4, ints(1, 1, 2)), case(SHAPE, one4, ints(1))])


def caches():
    """GroupQueryAttention: lengths that its cache does not have, dims that are not those of its cache."""
    shapes = {"q": (2, 1, 4), "k": (2, 1, 2), "v": (2, 1, 2), "c": (2, 1, 3, 2), "d": (2, 1, 3, 2), "l": (2,), "t": (), "o": (4, 1), "s": (4, 1)}
    wide = (-1, -2147483648, 2147483647, 1 << 30)

    def gqa(name, ins, steps, free="", **attrs):
        """free: axes whose dims have names of their own"""
        def step(status, lengths=(2, 1), total=3, **other):
            dims = {**shapes, **other}
            return case(status, *(arr(dims[k], *(lengths if k == "l" else [total] if k == "t" else range(1, 9))) for k in ins))

        node = helper.make_node("GroupQueryAttention", list(ins), ["y", "p", "r"], domain="com.microsoft", num_heads=2, kv_num_heads=1, **attrs)
        given = [(k, I32 if k in "lt" else F, [f"{k}{i}" if f"{len(shapes[k])}{i}" in free else d for i, d in enumerate(shapes[k])]) for k in ins]
        model(name, [node], given, [("y", F, list("abc")), *((k, F, list("efgh")) for k in "pr")], [step(*s[:-1], **s[-1]) for s in steps], opset=24)

    plain = [(OK,), (OK, (0, 0)), (OK, (3, 3), 4), (OK, (0, 2), 4), (OK, (0, 0), 1), (INDEX, (4, 3), 4), (INDEX, (0, 3), 1)]
    plain += [(INDEX, (n, 1), t) for n in (3, *wide) for t in (3, 1)] + [(INDEX, (2, n)) for n in (3, *wide)]
    plain = [(*s, {}) for s in plain + [(SHAPE, (2, 1), n) for n in (0, 5)] + [(BAD, (2, 1), n) for n in wide]]
    lengths = [dict(k=(1, 1, 2)), dict(v=(2, 2, 2)), dict(k=(2, 2, 2)), dict(c=(2, 1, 4, 2)), dict(d=(1, 1, 3, 2)), dict(l=(3,)), dict(q=(2, 2, 4))]
    sizes = [dict(c=(2, 2, 3, 2)), dict(d=(2, 1, 3, 1)), dict(q=(2, 1, 6)), dict(k=(2, 1, 3)), dict(v=(2, 1, 4))]
    turned = [dict(o=(4, 2)), dict(s=(3, 1))]
    gqa("gqa", "qkvcdlt", plain)
    gqa("gqa_lengths", "qkvcdlt", plain + [(SHAPE, d) for d in lengths], "30 31 40 42 10")
    gqa("gqa_sizes", "qkvcdltos", plain + [(SHAPE, d) for d in sizes + turned], "32 41 43 20 21", do_rotary=1)
    short = dict(o=(2, 1), s=(2, 1))
    gqa("gqa_turn", "qkvcdltos", [(INDEX, short), (OK, (1, 0), 3, short)], "20", do_rotary=1)


def flow():
    """Loops, branches and sequences."""
    one_value = helper.make_tensor_value_info
    body = helper.make_graph([helper.make_node("Add", ["s", "x"], ["t"]), helper.make_node("Identity", ["go"], ["on"]),
                              helper.make_node("Identity", ["t"], ["u"])], "body",
                             [one_value("i", I64, []), one_value("go", BOOL, []), one_value("s", F, [2])],
                             [one_value("on", BOOL, []), one_value("t", F, [2]), one_value("u", F, [2])])
    x = ints(1, 2)
    model("loop_trips", [helper.make_node("Loop", ["n", "c", "x"], ["last", "all"], body=body)], [("x", F, [2]), ("n", I64, []), ("c", BOOL, [])],
          [("last", F, [2]), ("all", F, ["n", 2])],
          [case(OK, x, one(2), one(1), out=[3, 6]), case(OK, x, one(0), one(1), out=[1, 2]), case(ANY, x, one(-1), one(1)),
           case(ANY, x, one(-far - 1), one(1)), case(HEAP, x, one(far), one(1)), case(HEAP, x, one(1 << 61), one(1)),
           case(ANY, x, one(far), one(0))])
    model("sequence_at", [("SplitToSequence", "x", "s", {"axis": 0}), ("SequenceAt", "s k", "y")], [("x", F, ["n", 3]), ("k", I64, [])],
          [("y", F, [1, 3])], [case(OK, arr([2, 3], *range(6)), one(-1), out=[3, 4, 5]), case(INDEX, arr([2, 3], 1), one(2)),
                               case(INDEX, arr([2, 3], 1), one(-3)), case(INDEX, arr([2, 3], 1), one(far))])
    model("split_sequence", [("SplitToSequence", "x k", "s", {"axis": 0}), ("SequenceLength", "s", "y")], [("x", F, ["n", 3]), ("k", I64, [])],
          [("y", I64, [])], [case(OK, arr([4, 3], 1), one(3), out=[2])] + [case(ANY, arr([4, 3], 1), one(v)) for v in (0, -1, -far - 1)] +
          [case(ANY, arr([4, 3], 1), one(far))])
    model("no_rows", [("NonZero", "x", "f"), ("ReduceMax", "f a", "y", {"keepdims": 0})], [("x", F, [4])], [("y", I64, [1])],
          [case(OK, ints(0, 1, 0, 2), out=[3]), case(ANY, ints(0, 0, 0, 0))], [("a", np.int64([1]))])
    model("dims_overflow", [("MatMul", "a b", "y")], [("a", F, ["m", "k"]), ("b", F, ["k", "n"])], [("y", F, ["m", "n"])],
          [case(OK, arr([1, 2], 1, 2), arr([2, 1], 3, 4), out=[11])])


def write_cases(path, cases):
    with open(path, "w") as f:
        for n, (status, inputs, out) in enumerate(cases):
            f.write(f"case {n}:{'/'.join(','.join(v) for _, v in inputs)[:90]} {status}\n")
            for i, (dims, values) in enumerate(inputs):
                f.write(" ".join(["in", str(i), str(len(dims))] + [str(d) for d in dims] + values) + "\n")
            f.write("run\n")
            if out is not None:
                f.write("out 0 " + " ".join(str(v) for v in out) + "\n")
            f.write("end\n")


class Tester:
    def __init__(self, zenithc, folder):
        self.zenithc, self.folder = os.path.abspath(zenithc), folder
        self.cc = {}
        self.returns = [0, 0]
        for kind, flags in (("asan", COVERAGE if os.environ.get("COVERAGE") else ASAN), ("tsan", TSAN)):
            os.mkdir(f"{folder}/{kind}")
            self.cc[kind] = harness.warm("gcc -O2 -fPIC " + flags, f"{folder}/{kind}").split()
            define = ["-DTHREADS"] if kind == "tsan" else []
            subprocess.run(self.cc[kind] + define + ["-std=gnu99", "-c", "-o", f"{folder}/{kind}.o", HERE + "/arguments.c"], check=True)

    def count(self, d):
        out = subprocess.run(["gcov", "-t", d + "/t-m.gcda"], cwd=d, capture_output=True, text=True).stdout
        for line in out.splitlines():
            times, _, text = line.partition(":")
            if re.search(r"return (ZENITH_(?!OK)|status)", text) and times.strip() != "-":
                self.returns[0] += times.strip() != "#####"
                self.returns[1] += 1

    def one(self, name, path, seconds, cases=None, kind="asan", options=()):
        d = os.path.join(self.folder, name + "." + kind)
        os.mkdir(d)
        try:
            code, text = harness.start([self.zenithc, path, "-o", d + "/m.c", *options], 120)
            if code == 4:
                return "skip", text.strip().splitlines()[0]
            if code:
                return "fail", f"zenithc: exit {code}: {harness.message(text)}"
            code, text = harness.start(self.cc[kind] + [d + "/m.c", f"{self.folder}/{kind}.o", "-o", d + "/t", "-lm", "-lpthread"], 300)
            if code:
                return "fail", text
            if cases:
                write_cases(d + "/cases", cases)
            code, text = harness.start([d + "/t", str(seconds)] + ([d + "/cases"] if cases else []), 120)
            if code:
                return "fail", "\n".join(text.strip().splitlines()[:12])
            if kind == "asan" and os.environ.get("COVERAGE"):
                self.count(d)
            return "pass", text.strip()
        finally:
            shutil.rmtree(d, ignore_errors=True)


    def typed(self):
        """typed.c, with the headers of two models"""
        d = self.folder + "/typed"
        os.mkdir(d)
        words = self.cc["asan"] + ["-Wall", "-Wextra", "-Werror", "-I" + d, HERE + "/typed.c", "-o", d + "/t", "-lm"]
        for name, model in (("s", "dense"), ("d", "matmul_dynamic")):
            code, text = harness.start([self.zenithc, f"{HERE}/golden/{model}.onnx", "-o", f"{d}/{name}.c"], 120)
            if code:
                return "fail", text
            words.append(f"{d}/{name}.c")
        code, text = harness.start(words, 300)
        if not code:
            code, text = harness.start([d + "/t"], 60)
        return "fail" if code else "pass", text.strip()


def main():
    zenithc, models, only = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""
    os.environ["UBSAN_OPTIONS"] = "print_stacktrace=1"
    os.environ["TSAN_OPTIONS"] = "halt_on_error=1"
    folder = harness.temporary()
    t = Tester(zenithc, folder)
    for f in (indices, sizes, numbers, places, operands, caches, flow):
        f()
    jobs = []
    for name, m, cases in MODELS:
        path = f"{folder}/{name}.onnx"
        with open(path, "wb") as f:
            f.write(m.SerializeToString())
        jobs.append((name, path, 0.3, cases))
    for f in sorted(os.listdir(HERE + "/golden")):
        if f.endswith(".onnx") and not os.path.exists(f"{HERE}/golden/{f[:-5]}.err"):
            jobs.append(("golden_" + f[:-5], f"{HERE}/golden/{f}", 0.3))
    for r in REAL.split():
        if os.path.exists(f"{models}/{r}/model.onnx"):
            jobs.append((r, f"{models}/{r}/model.onnx", 2))
    for g in ("dense", "loop", "matmul_dynamic", "embedding", "conv_pool"):
        jobs.append((g, f"{HERE}/golden/{g}.onnx", 1, None, "tsan"))
    count = {"pass": 0, "fail": 0, "skip": 0}
    checks = 0
    jobs.append(("typed",))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for job, (what, text) in zip(jobs, pool.map(lambda j: ("", "") if not re.search(only, j[0]) else t.one(*j) if j[1:] else t.typed(), jobs)):
            if what:
                count[what] += 1
            if what == "pass":
                checks += int(text.split()[0])
            if what in ("fail", "skip") or "no inputs" in text:
                print(what.upper(), job[0] + ":", text)
    if t.returns[1]:
        print("generated: {} of {} returns of a status executed".format(*t.returns))
    print(f"arguments: {checks} checks of {len(jobs)} models")
    harness.finish(count["pass"], count["fail"], count["skip"], folder)


if __name__ == "__main__":
    main()
