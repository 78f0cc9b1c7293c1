"""TfIdfVectorizer, the support vector machines of ai.onnx.ml, MaxRoiPool, GridSample; random attributes, beside
ONNX Runtime."""
import os
import random

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import harness
from harness import PASS

onnxruntime.set_default_logger_severity(4)


def tf_idf(r, seed):
    strings = seed % 3 == 2
    words = ["a", "bb", "c c", "", "dd"] if strings else [1, 2, 3, 5, -7]
    one = r.sample(words, r.randint(1, 4))
    two = r.sample([a for b in words for a in [(b, c) for c in words]], r.randint(1, 6))
    three = r.sample([(a, b, c) for a in words for b in words for c in words], r.randint(0, 8))
    starts = [0, len(one)] + ([len(one) + 2 * len(two)] if three else [])
    index = list(range(len(one) + len(two) + len(three)))
    r.shuffle(index)
    most = r.randint(1, len(starts))
    a = dict(max_gram_length=most, min_gram_length=r.randint(1, most), max_skip_count=r.randint(0, 3),
             mode=r.choice(["TF", "IDF", "TFIDF"]), ngram_counts=starts, ngram_indexes=index)
    a["pool_strings" if strings else "pool_int64s"] = one + [x for t in two + three for x in t]
    if r.random() < 0.7:
        a["weights"] = [r.random() * 3 for _ in index]
    shape = [r.randint(1, 3), r.randint(1, 9)][r.randint(0, 1):]
    x = [r.choice(words) for _ in range(int(np.prod(shape)))]
    x = np.array(x, dtype=object if strings else np.int64).reshape(shape)
    return helper.make_node("TfIdfVectorizer", ["x"], ["y"], **a), x, 1


def svm(r, seed):
    g = np.random.default_rng(seed)
    classes, features = r.choice([2, 2, 3, 5]), r.randint(1, 6)
    per = [r.randint(1, 5) for _ in range(classes)]
    count, pairs = sum(per), classes * (classes - 1) // 2

    def floats(n):
        return [float(v) for v in g.standard_normal(n)]

    a = dict(kernel_type=r.choice(["LINEAR", "POLY", "RBF", "SIGMOID"]), kernel_params=[0.3, 0.5, float(r.randint(1, 3))],
             support_vectors=floats(count * features))
    x = g.standard_normal((r.randint(1, 5), features)).astype(np.float32)
    if seed % 3 == 1:
        a.update(coefficients=floats(count), rho=floats(1), n_supports=count, one_class=r.randint(0, 1))
        return helper.make_node("SVMRegressor", ["x"], ["y"], domain="ai.onnx.ml", **a), x, 1
    labels = r.sample(range(20), classes)
    a.update(vectors_per_class=per, coefficients=floats(count * (classes - 1)), rho=floats(pairs),
             post_transform=r.choice(["NONE", "NONE", "LOGISTIC", "SOFTMAX"]))
    if r.random() < 0.3:
        a["coefficients"] = [abs(v) for v in a["coefficients"]]
    if classes == 2:                 # with a transform, what the two mean differs between engines
        a["post_transform"] = "NONE"
    if r.random() < 0.6:
        a.update(prob_a=[-abs(v) for v in floats(pairs)], prob_b=floats(pairs), post_transform="NONE")
    if r.random() < 0.5:
        a["classlabels_strings"] = [f"c{i}" for i in labels]
    else:
        a["classlabels_ints"] = labels
    return helper.make_node("SVMClassifier", ["x"], ["label", "score"], domain="ai.onnx.ml", **a), x, 2


def max_roi_pool(r, seed):
    g = np.random.default_rng(seed)
    x = g.standard_normal((r.randint(1, 3), r.randint(1, 3), r.randint(1, 9), r.randint(1, 9))).astype(np.float32)
    rois = np.zeros((r.randint(1, 5), 5), np.float32)
    scale = r.choice([1.0, 0.5, 0.0625])
    for roi in rois:                 # partly outside, some empty
        roi[0] = r.randrange(x.shape[0])
        roi[1:] = [r.uniform(-2, 10) / scale for _ in range(4)]
    return helper.make_node("MaxRoiPool", ["x", "rois"], ["y"], pooled_shape=[r.randint(1, 4), r.randint(1, 4)],
                            spatial_scale=scale), (x, rois), 1


def grid_sample(r, seed):
    g = np.random.default_rng(seed)
    x = g.standard_normal((2, 2, r.randint(2, 9), r.randint(2, 9))).astype(np.float32)
    grid = g.uniform(-1.9, 1.9, (2, r.randint(1, 5), r.randint(1, 5), 2)).astype(np.float32)
    return helper.make_node("GridSample", ["x", "grid"], ["y"], mode=["bicubic", "bilinear"][seed % 2],
                            align_corners=seed // 2 % 2, padding_mode=["border", "reflection", "zeros"][seed // 4 % 3]), (x, grid), 1


def main():
    p = harness.arguments("Operators on features against ONNX Runtime.", "not used")
    p.add_argument("--count", type=int, default=20, help="of each")
    o = p.parse_args()
    folder, jobs = harness.temporary(), []
    o.cc = harness.warm(o.cc, folder)
    for make in tf_idf, svm, max_roi_pool, grid_sample:
        for seed in range(o.count):
            node, x, nout = make(random.Random(seed), seed)
            d = os.path.join(folder, f"{make.__name__}{seed}")
            os.makedirs(d)
            x = x if isinstance(x, tuple) else (x,)
            out = [helper.make_value_info(n, onnx.TypeProto(tensor_type=onnx.TypeProto.Tensor(elem_type=t)))
                   for n, t in zip(node.output, [TensorProto.FLOAT] if nout == 1 else
                                   [TensorProto.STRING if "classlabels_strings" in str(node) else TensorProto.INT64,
                                    TensorProto.FLOAT])]
            ins = [helper.make_tensor_value_info(
                n, TensorProto.STRING if v.dtype == object else helper.np_dtype_to_tensor_dtype(v.dtype),
                [f"{n}{i}" for i in range(v.ndim - 1)] + ["d" if node.op_type == "TfIdfVectorizer" else v.shape[-1]])
                for n, v in zip(node.input, x)]
            g = helper.make_graph([node], "g", ins, out)
            m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)],
                                  ir_version=8)
            s = onnxruntime.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"])
            onnx.save(m, d + "/model.onnx")
            for name, values in ("input", x), ("output", s.run(None, dict(zip(node.input, x)))):
                for i, v in enumerate(values):
                    with open(f"{d}/{name}_{i}.pb", "wb") as f:
                        f.write(numpy_helper.from_array(np.asarray(v)).SerializeToString())
            args = [o.zenithc, "verify", d + "/model.onnx", "--data", d, "-O" + o.level, "--cc", o.cc, "--atol", "1e-5"]
            jobs.append((f"{make.__name__} {seed}", lambda a=args: harness.outcome(a, o.timeout)))
    bad = {n: r for n, r in harness.run_all(jobs, o.j) if r[0] != PASS}
    for n in sorted(bad):
        print(f"FAIL {n}: exit {bad[n][2]}: {bad[n][1]}")
    harness.finish(len(jobs) - len(bad), len(bad), 0, folder)


main()
