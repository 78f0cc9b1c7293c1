#!/usr/bin/env python3
"""Operators of com.microsoft against ONNX Runtime, one node each.

usage: contrib.py ZENITHC [REGEX...]
"""
import os
import re
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

import harness

CASES = {}
rng = np.random.default_rng(1)


def rand(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def u8(*shape):
    return rng.integers(0, 256, shape).astype(np.uint8)


def s8(*shape):
    return rng.integers(-127, 128, shape).astype(np.int8)


def f(x):
    return np.float32(x)


class C(np.ndarray):
    """An operand that is a constant."""


def const(a):
    return np.asarray(a).view(C)


def case(name, op, ins, outs="y", domain="com.microsoft", free=None, **attrs):
    """ins: arrays, or None where an input is not given; outs: names, "" where one is not wanted; free: input, shape -> dims."""
    names = ["" if a is None else f"i{k}" for k, a in enumerate(ins)]
    node = helper.make_node(op, names, outs.split(","), name="n", domain=domain, **attrs)
    feed = {k: np.asarray(a) for k, a in zip(names, ins) if a is not None and not isinstance(a, C)}
    free = free or (lambda k, shape: shape)
    info = [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(a.dtype), free(k, a.shape)) for k, a in feed.items()]
    g = helper.make_graph([node], "g", info, [onnx.ValueInfoProto(name=o) for o in outs.split(",") if o],
                          [numpy_helper.from_array(np.asarray(a), k) for k, a in zip(names, ins) if isinstance(a, C)])
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    CASES[name] = helper.make_model(g, ir_version=8, opset_imports=sets), feed


def floats():
    x, b = rand(2, 3, 8), rand(8)
    case("gelu", "Gelu", [x])
    case("bias_gelu", "BiasGelu", [x, const(b)])
    case("fast_gelu", "FastGelu", [x])
    case("fast_gelu_bias", "FastGelu", [x, const(b)])
    case("quick_gelu", "QuickGelu", [x])
    case("quick_gelu_alpha", "QuickGelu", [x], alpha=1.0)
    case("skip", "SkipLayerNormalization", [x, rand(2, 3, 8), const(b), const(rand(8)), const(rand(8))], "y,,,s", epsilon=1e-5)
    case("skip_broadcast", "SkipLayerNormalization", [x, rand(1, 3, 8), const(b)])
    case("skip_rms", "SkipSimplifiedLayerNormalization", [x, rand(2, 3, 8), const(b), const(rand(8))], "y,,,s", epsilon=1e-5)
    case("rms", "SimplifiedLayerNormalization", [x, const(b)], domain="", epsilon=1e-6, axis=-1)
    w, img = const(rand(4, 3, 3, 3)), rand(1, 3, 6, 5)
    for act, params in ("Relu", []), ("LeakyRelu", [.2]), ("Clip", [-.5, .5]), ("HardSigmoid", [.3, .4]), ("Tanh", []):
        more = {"activation_params": params} if params else {}
        case("conv_" + act, "FusedConv", [img, w, const(rand(4))], activation=act, pads=[1] * 4, **more)
    case("conv_sum", "FusedConv", [img, w, const(rand(4)), rand(1, 4, 6, 5)], activation="Relu", pads=[1] * 4)
    case("gemm", "FusedGemm", [rand(3, 5), const(rand(4, 5)), const(rand(4))], transB=1, activation="LeakyRelu", activation_alpha=.1)
    case("matmul", "FusedMatMul", [rand(2, 5, 3), rand(2, 5, 4)], transA=1, alpha=.5)
    case("matmul_turned", "FusedMatMul", [rand(2, 3, 5), rand(2, 4, 5)], transB=1)
    for ta, tb in (0, 0), (1, 0), (0, 1), (1, 1):
        a, b = (5, 2, 6, 3) if not ta else (3, 2, 6, 5), (3, 2, 6, 4) if not tb else (4, 2, 6, 3)
        case(f"matmul_batch_{ta}{tb}", "FusedMatMul", [rand(*a), rand(*b)], transA=ta, transB=tb, transBatchA=1, transBatchB=1)
    case("cdist", "CDist", [rand(3, 5), const(rand(4, 5))], metric="euclidean")
    case("cdist_squares", "CDist", [rand(3, 5), rand(4, 5)], metric="sqeuclidean")
    ids = np.array([[1, 4, 2], [0, 3, 3]], np.int32)
    tables = [const(rand(5, 8)), const(rand(4, 8)), const(rand(2, 8)), const(rand(8)), const(rand(8))]
    case("embed", "EmbedLayerNormalization", [ids, ids % 2, *tables, np.array([[1, 1, 0], [1, 1, 1]], np.int32)], "y,m", epsilon=1e-5,
         mask_index_type=1)
    case("embed_plain", "EmbedLayerNormalization", [ids, None, tables[0], tables[1], None, *tables[3:]], "y,m")


def renamed():
    x, i64 = rand(2, 3, 4, 5), lambda *v: np.array(v, np.int64)
    case("range", "Range", [f(1), f(4.5), f(.5)])
    case("range_one", "Range", [const(np.int64(-2)), const(np.int64(3))])
    case("trilu", "Trilu", [x, const(np.int64(1))], upper=0)
    case("gather_nd", "GatherND", [x, const(np.array([[0, 1], [1, 2]]))])
    case("pad", "Pad", [x, const(i64(0, 1, 0, 2, 0, 0, 1, 0)), const(f(7))])
    case("pad_reflect", "Pad", [x, const(i64(0, 1, 0, 2, 0, 0, 1, 0))], mode="reflect")
    case("expand_dims", "ExpandDims", [x, const(np.int32(1))])
    case("expand_dims_end", "ExpandDims", [x, const(np.int32(-1))])
    case("transpose_matmul", "TransposeMatMul", [rand(5, 3), rand(5, 4)], transA=1, alpha=.5)
    case("unique", "Unique", [np.array([3, 1, 3, 2, 1], np.float32)], "y,i,c")
    grid = np.tanh(rand(2, 6, 7, 2)).astype(np.float32)
    case("grid_sample", "GridSample", [x, grid], mode="bilinear", padding_mode="border", align_corners=1)


def attention():
    x, w, b = rand(2, 5, 8), const(rand(8, 24) / 3), const(rand(24))
    keep, ends = np.array([[1, 1, 1, 0, 0], [1] * 5], np.int32), np.array([3, 5], np.int32)
    case("attention", "Attention", [x, w, b], num_heads=2)
    case("attention_mask", "Attention", [x, w, b, keep], num_heads=2)
    case("attention_ends", "Attention", [x, w, b, ends], num_heads=2)
    case("attention_3d", "Attention", [x, w, b, np.tril(np.ones((2, 5, 5), np.int32))], num_heads=4)
    case("attention_causal", "Attention", [x, w, b], num_heads=2, unidirectional=1)
    case("attention_past", "Attention", [x, w, b, None, rand(2, 2, 2, 3, 4)], "y,p", num_heads=2, unidirectional=1)
    case("attention_bias", "Attention", [x, w, b, None, None, rand(2, 2, 5, 5)], num_heads=2, scale=.3)
    case("attention_sizes", "Attention", [x, const(rand(8, 20)), const(rand(20))], num_heads=2, qkv_hidden_sizes=[8, 8, 4])
    q, k, v = rand(2, 5, 8), rand(2, 7, 8), rand(2, 7, 8)
    case("multihead", "MultiHeadAttention", [q, k, v], num_heads=2)
    case("multihead_bias", "MultiHeadAttention", [q, k, v, b], num_heads=2)
    case("multihead_mask", "MultiHeadAttention", [q, k, v, None, (rand(2, 7) > -1).astype(np.int32)], num_heads=2)
    case("multihead_add", "MultiHeadAttention", [q, k, v, None, None, rand(2, 2, 5, 7)], num_heads=2)
    case("multihead_past", "MultiHeadAttention", [q, k[:, :5], v[:, :5], None, None, None, rand(2, 2, 3, 4), rand(2, 2, 3, 4)],
         "y,k,v", num_heads=2)
    case("rotary", "RotaryEmbedding", [rand(2, 2, 5, 8), np.array([[0, 1, 2, 3, 4], [3, 4, 5, 6, 7]]), const(rand(9, 4)), const(rand(9, 4))])
    case("rotary_flat", "RotaryEmbedding", [rand(1, 5, 16), np.array([[0, 1, 2, 3, 4]]), const(rand(9, 4)), const(rand(9, 4))],
         interleaved=1, num_heads=2, rotary_embedding_dim=0)
    case("q_attention", "QAttention", [u8(2, 5, 8), const(s8(8, 24)), b, f(.01), f(.004), keep, np.uint8(120), const(np.int8(0))], num_heads=2)


def grouped():
    """Rows of a cache beyond what is used are zeros here, as without a buffer that is both past and present."""
    def case_of(name, batch, new, past, ends, total, heads=4, kv=2, size=16, packed=False, outs="y,k,v", more=(), free=None, given=np.array,
                **attrs):
        q, k, v = (rand(batch, new, h * size) for h in (heads, kv, kv))
        cache = [rand(batch, kv, past, size) if past else None for _ in range(2)]
        ins = [np.concatenate([q, k, v], -1), None, None] if packed else [q, k, v]
        case("grouped_" + name, "GroupQueryAttention", [*ins, *cache, given(np.int32(ends)), given(np.int32(total)), *more], outs,
             num_heads=heads, kv_num_heads=kv, free=free, **attrs)

    def named(k, shape):
        return ["batch", "new", shape[2]] if len(shape) == 3 else ["batch", shape[1], "past", shape[3]] if shape[1:] else ["batch"][:len(shape)]

    def alone(k, shape):
        return [f"{k}_{i}" for i in range(len(shape))] if len(shape) != 3 else [k + "_b", k + "_s", shape[2]]

    turn = [const(rand(20, 8)), const(rand(20, 8))]
    rotary = dict(more=turn, do_rotary=1)
    for name, free in ("", None), ("_named", named), ("_alone", alone):
        case_of("prompt" + name, 2, 4, 0, [1, 3], 4, free=free, **rotary)
        case_of("grows" + name, 2, 1, 7, [7, 3], 8, free=free, **rotary)
        case_of("stays" + name, 2, 1, 7, [5, 3], 6, free=free, **rotary)
        case_of("packed" + name, 1, 3, 7, [9], 10, packed=True, free=free, **rotary)
    case_of("prompt_stays", 2, 4, 7, [3, 2], 4, more=turn, do_rotary=1, rotary_interleaved=1)
    case_of("part", 1, 3, 7, [6], 7, size=48, more=turn, do_rotary=1)
    case_of("one_head", 3, 1, 5, [0, 4, 2], 5, heads=3, kv=1, scale=.4, softcap=2.0)
    case_of("all_heads", 2, 1, 5, [3, 4], 5, heads=3, kv=3, local_window_size=2)
    case_of("window", 1, 9, 3, [11], 12, local_window_size=3, **rotary)
    case_of("window_one", 1, 5, 0, [4], 5, local_window_size=1, outs="y")
    case_of("both_ways", 2, 4, 0, [1, 3], 4, causal=0)
    case_of("bias", 2, 4, 0, [1, 2], 4, more=[*[None] * 3, rand(1, 1, 4, 4)], softcap=2.0)
    case_of("bias_step", 2, 1, 7, [5, 3], 6, more=[*[None] * 3, rand(2, 4, 1, 6)])
    case_of("positions", 2, 4, 0, [3, 3], 4, more=[*turn, np.array([[3, 4, 8, 6], [1, 1, 2, 2]])], do_rotary=1)
    case_of("positions_step", 2, 1, 7, [5, 3], 6, more=[*turn, np.array([[9], [2]])], do_rotary=1)
    case_of("constant", 2, 1, 7, [5, 3], 6, given=const)
    case_of("constant_grows", 1, 2, 7, [8], 9, given=const)


def tables():
    """Rows of a matrix of a few bits: the embeddings of decoders with MatMulNBits."""
    rows, at = rng.permutation(10).astype(np.int64), np.array([[1, 9, -1], [3, 0, 0]])
    for bits in 2, 4, 8:
        w, scale = const(u8(10, 64 * bits // 8)), const(np.abs(rand(10, 2)))
        how = dict(bits=bits, block_size=32, quantize_axis=1, gather_axis=0)
        case(f"table_{bits}", "GatherBlockQuantized", [w, at, scale], **how)
        case(f"table_{bits}_zeros", "GatherBlockQuantized", [w, rows, scale, const(u8(10, (2 * bits + 7) // 8))], free=lambda k, s: ["n"], **how)


def decoder(vocab=40, width=32, heads=4, kv=2, size=8, wide=64, layers=2):
    """What is written of a language model: matrices of 4 bits, caches, lengths from a mask."""
    w, nodes, caches = [], [], [f"{k}{i}" for i in range(layers) for k in "kv"]

    def weight(a):
        w.append(numpy_helper.from_array(np.asarray(a), f"w{len(w)}"))
        return w[-1].name

    def node(op, ins, outs, domain="com.microsoft", **attrs):
        nodes.append(helper.make_node(op, ins, outs.split(","), name=f"n{len(nodes)}", domain=domain, **attrs))
        return outs.split(",")[0]

    def product(x, y, k, n):
        return node("MatMulNBits", [x, weight(u8(n, k // 32, 16)), weight(rng.random(n * k // 32).astype(np.float32) / 30)], y, K=k, N=n, bits=4, block_size=32)

    node("ReduceSum", ["mask", weight(np.int64([1]))], "n", "", keepdims=0)
    node("Cast", [node("Sub", ["n", weight(np.int64([1]))], "n1", "")], "ends", "", to=onnx.TensorProto.INT32)
    node("Gather", [node("Shape", ["mask"], "dims", ""), weight(np.int64(1))], "t", "")
    node("Cast", ["t"], "total", "", to=onnx.TensorProto.INT32)
    node("GatherBlockQuantized", [weight(u8(vocab, width // 2)), "ids", weight(rng.random((vocab, width // 32)).astype(np.float32) / 10)], "sum", block_size=32)
    x, skip = node("SimplifiedLayerNormalization", ["sum", weight(1 + rand(width) / 9)], "norm", "", epsilon=1e-6, axis=-1), "sum"
    turn = [weight(rand(20, size // 2)), weight(rand(20, size // 2))] if size % 16 == 0 else []
    for i in range(layers):
        q = [product(x, f"q{i}", width, (heads + 2 * kv) * size), "", ""]
        q += [f"k{i}", f"v{i}", "ends", "total", *turn]
        a = node("GroupQueryAttention", q, f"a{i},k{i}_out,v{i}_out", num_heads=heads, kv_num_heads=kv, do_rotary=int(bool(turn)))
        x = product(a, f"o{i}", heads * size, width)
        x = node("SkipSimplifiedLayerNormalization", [skip, x, weight(1 + rand(width) / 9)], f"m{i},,,r{i}", epsilon=1e-6)
        gate, up = product(x, f"g{i}", width, wide), product(x, f"u{i}", width, wide)
        x = node("Mul", [node("QuickGelu", [gate], f"z{i}", alpha=1.0), up], f"h{i}", "")
        x = node("SkipSimplifiedLayerNormalization", [f"r{i}", product(x, f"d{i}", wide, width), weight(1 + rand(width) / 9)], f"x{i},,,s{i}", epsilon=1e-6)
        skip = f"s{i}"
    product(x, "y", width, vocab)
    info = helper.make_tensor_value_info
    ins = [info("ids", onnx.TensorProto.INT64, ["batch", "new"]), info("mask", onnx.TensorProto.INT64, ["batch", "total"])]
    g = helper.make_graph(nodes, "g", ins + [info(c, onnx.TensorProto.FLOAT, ["batch", kv, "past", size]) for c in caches],
                          [onnx.ValueInfoProto(name=o) for o in ["y"] + [c + "_out" for c in caches]], w)
    m = helper.make_model(g, ir_version=8, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
    for name, new, past, mask in ("prompt", 4, 9, [[1, 1, 1, 1], [1, 1, 0, 0]]), ("grows", 1, 5, [[1] * 6, [1, 1, 1, 0, 0, 0]]), \
            ("stays", 1, 9, [[1] * 6, [1, 1, 1, 1, 0, 0]]):
        feed = {"ids": rng.integers(0, vocab, (2, new)), "mask": np.int64(mask)}
        CASES[f"decoder_{size}_{name}"] = m, {**feed, **{c: rand(2, kv, past, size) for c in caches}}


def quantised():
    x, xs, xz, ys, yz = u8(1, 3, 4, 4), const(f(.05)), const(np.uint8(128)), const(f(.03)), const(np.uint8(100))
    case("qsigmoid", "QLinearSigmoid", [x, xs, xz, const(f(1 / 256)), const(np.uint8(0))])
    case("qleaky", "QLinearLeakyRelu", [x, xs, xz, ys, yz], alpha=.1)
    case("qmul", "QLinearMul", [x, xs, xz, u8(1, 3, 1, 1), const(f(.013)), const(np.uint8(7)), ys, yz])
    case("qaverage", "QLinearGlobalAveragePool", [x, xs, xz, ys, yz])
    nhwc = [u8(1, 4, 5, 3), *[xs, xz, ys, yz]]
    case("nhwc_max", "NhwcMaxPool", nhwc[:1], kernel_shape=[2, 2], pads=[1, 0, 0, 1])
    case("nhwc_average", "QLinearAveragePool", nhwc, kernel_shape=[3, 3], pads=[1] * 4, channels_last=1)
    case("nhwc_global", "QLinearGlobalAveragePool", nhwc, channels_last=1)
    case("nhwc_conv", "QLinearConv", [*nhwc[:3], const(s8(6, 3, 3, 3)), const(f(.01)), const(np.int8(0)), const(f(.5)), yz], channels_last=1)
    case("ms_conv", "QLinearConv", [x, xs, xz, const(s8(6, 3, 3, 3)), const(f(.01)), const(np.int8(0)), const(f(.5)), yz])
    case("qconcat", "QLinearConcat", [ys, yz, x, xs, xz, u8(1, 2, 4, 4), const(f(.02)), const(np.uint8(9))], axis=1)
    case("qwhere", "QLinearWhere", [rand(4, 4) > 0, x, xs, xz, u8(1, 3, 4, 4), const(f(.02)), const(np.uint8(9)), ys, yz])
    a = u8(3, 16)
    case("qgemm", "QGemm", [a, xs, xz, const(s8(16, 4)), const(f(.01)), const(np.int8(0)), const(rng.integers(-99, 99, 4).astype(np.int32)),
                            const(f(.9)), yz], alpha=1.0)
    case("qgemm_float", "QGemm", [a, xs, xz, const(s8(4, 16)), const(np.abs(rand(4))), const(np.zeros(4, np.int8)), None], transB=1, alpha=1.0)
    case("to_float", "MatMulIntegerToFloat", [a, const(s8(16, 4)), f(.1), const(f(.2)), np.uint8(7), const(np.int8(3)), const(rand(4))])
    case("to_float_columns", "MatMulIntegerToFloat", [a, const(u8(16, 4)), f(.1), const(np.abs(rand(4)))])
    case("dynamic", "DynamicQuantizeMatMul", [rand(3, 16), const(s8(16, 4)), const(f(.02)), const(np.int8(0)), const(rand(4))])
    case("quantize16", "QuantizeLinear", [rand(3, 4), const(f(1e-4)), const(np.uint16(32768))])
    case("dequantize16", "DequantizeLinear", [rng.integers(-999, 999, (3, 4)).astype(np.int16), const(f(1e-4)), const(np.int16(5))])
    for name, zero, d in ("lstm", lambda *s: u8(*s), "forward"), ("lstm_signed", lambda *s: np.zeros(s, np.int8), "bidirectional"):
        n = 2 if d == "bidirectional" else 1
        w, r = (u8 if name == "lstm" else s8), rand(n, 1, 6)
        case("dynamic_" + name, "DynamicQuantizeLSTM",
             [rand(7, 1, 5), const(w(n, 5, 24)), const(w(n, 6, 24)), const(rand(n, 48)), None, r, r, None, const(np.full(n, .01, np.float32)),
              const(zero(n)), const(np.full(n, .02, np.float32)), const(zero(n))], "y,h,c", hidden_size=6, direction=d)


def write(folder, name, m, feed):
    where = os.path.join(folder, name, "test_data_set_0")
    os.makedirs(where)
    onnx.save(m, os.path.join(folder, name, "model.onnx"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    outs = onnxruntime.InferenceSession(m.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, feed)
    for kind, values in ("input", feed.items()), ("output", zip([o.name for o in m.graph.output], outs)):
        for i, (k, v) in enumerate(values):
            with open(os.path.join(where, f"{kind}_{i}.pb"), "wb") as out:
                out.write(numpy_helper.from_array(np.asarray(v), k).SerializeToString())
    return os.path.join(folder, name)


def main():
    zenithc, only = sys.argv[1], sys.argv[2:]
    for make in floats, renamed, attention, grouped, tables, decoder, lambda: decoder(size=16), quantised:
        make()
    folder = harness.temporary()
    jobs = []
    for name, (m, feed) in CASES.items():
        if only and not any(re.search(r, name) for r in only):
            continue
        d = write(folder, name, m, feed)
        for level in "-O3", "-O0":
            cmd = [zenithc, "verify", d + "/model.onnx", "--data", d, "--max-error", "2e-6", level, "--cc", "gcc -O1 -w"]
            jobs.append((name + level, lambda cmd=cmd: harness.outcome(cmd, 60)))
    bad = 0
    for name, (kind, text, _) in harness.run_all(jobs, 2):
        if kind != harness.PASS:
            bad += 1
            print(f"FAIL {name}: {kind}: {text}")
    harness.finish(len(jobs) - bad, bad, 0, folder)


if __name__ == "__main__":
    main()
