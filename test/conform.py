"""ONNX's backend cases (backend.py writes them) through `zenithc verify`, at the tolerance of ONNX's runner.

test/backend-missing.txt names the cases that do not pass yet: name, exit code, message. It can only shrink: a case that is
not on it must pass; one that is must end with just that code. One that is refused there and passes must be taken off
(--update does it); one that is wrong there, by rounding, may pass at another level. The last line but one says how many of
the cases pass whose operators all occur in the test models.
"""
import os
import re

import harness
from harness import CRASH, PASS, REFUSED, WRONG

HERE = os.path.dirname(os.path.abspath(__file__))
MISSING = os.path.join(HERE, "backend-missing.txt")

# the operators of the 43 + 27 test models
REQUIRED = set("""
Abs Add And ArgMax AveragePool BatchNormalization Cast Ceil Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos
DequantizeLinear Div Equal Erf Exp Expand Flatten Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool
Greater GreaterOrEqual HardSigmoid HardSwish Identity If IsNaN LSTM LayerNormalization Less Log Loop MatMul Max MaxPool Min
Mod Mul Neg NonMaxSuppression NonZero Not Pad Pow QLinearConv QLinearMatMul QuantizeLinear Range Reciprocal ReduceMax
ReduceMean ReduceMin ReduceProd ReduceSum Relu Reshape Resize Scan Shape Sigmoid Sin Size Slice Softmax Split Sqrt Squeeze
Sub Tanh Tile TopK Transpose Unsqueeze Upsample Where ai.onnx.ml.LabelEncoder ai.onnx.ml.LinearClassifier
ai.onnx.ml.Normalizer ai.onnx.ml.TreeEnsembleClassifier ai.onnx.ml.TreeEnsembleRegressor ai.onnx.ml.ZipMap
com.microsoft.QLinearAdd com.microsoft.QLinearAveragePool com.microsoft.QLinearSoftmax
""".split())

# a case whose tensor is empty, which a dimension is only if --dim says so
OPTIONS = {"simple/test_sequence_model8": ["--dim", "n=0..8"]}


def read_index(folder):
    with open(os.path.join(folder, "index.tsv")) as f:
        for line in f:
            name, rtol, atol, ops = line.rstrip("\n").split("\t")
            yield name, rtol, atol, set(ops.split())


def read_missing():
    if not os.path.exists(MISSING):
        return {}
    with open(MISSING) as f:
        return {row[0]: int(row[1]) for row in (s.split("\t") for s in f if s.strip() and s[0] != "#")}


def write_missing(rows):
    with open(MISSING, "w") as f:
        f.write("# Backend cases that do not pass yet: name, exit code, message. See conform.py; this list can only shrink.\n")
        f.writelines(f"{name}\t{code}\t{text}\n" for name, code, text in sorted(rows))


def verdict(name, missing, result):
    """None, or why this result fails the test."""
    kind, text, code = result
    if missing.get(name) == 4 and kind == PASS:
        return "passes: take it off test/backend-missing.txt (--update)"
    if kind == PASS or missing.get(name) == code:
        return None
    return f"exit {code}: {text}"


def main():
    p = harness.arguments("Runs ONNX's backend cases.", "only cases with a name that matches one of these")
    p.add_argument("--cases", default="build/cases")
    p.add_argument("--update", action="store_true", help="take what passes off the list")
    p.add_argument("--rebuild", action="store_true", help="make the list anew, from what is refused (exit 4) or wrong now")
    o = p.parse_args()
    folder = harness.temporary()
    cases = [c for c in read_index(o.cases) if not o.only or any(re.search(r, c[0]) for r in o.only)]
    required = {name for name, _, _, ops in cases if ops <= REQUIRED}
    missing = read_missing()
    cc = harness.warm(o.cc, folder, o.level != "0")     # nothing has vectors at -O0
    cases.sort(key=lambda c: not c[0].startswith("light/"))     # the largest networks first, so that no core waits for them

    def job(name, rtol, atol):
        path = os.path.join(o.cases, name)
        return lambda: harness.outcome([o.zenithc, "verify", os.path.join(path, "model.onnx"), "--data", path, "--rtol", rtol,
                                        "--atol", atol, "-O" + o.level, "--threads", o.threads, "--cc", cc]
                                       + OPTIONS.get(name, []), o.timeout)

    results = dict(harness.run_all([(name, job(name, rtol, atol)) for name, rtol, atol, _ in cases], o.j))
    count = {k: sum(r[0] == k for r in results.values()) for k in (PASS, REFUSED, WRONG, CRASH)}
    if o.update:
        old = [s.rstrip("\n").split("\t") for s in open(MISSING) if s[0] != "#"]
        write_missing([r for r in old if results.get(r[0], [None])[0] != PASS])
        missing = read_missing()
    if o.rebuild:
        write_missing([(n, code, text.split("model.onnx: ")[-1]) for n, (kind, text, code) in results.items()
                       if kind in (REFUSED, WRONG)])
        missing = read_missing()
    failures = {n: v for n, v in ((n, verdict(n, missing, r)) for n, r in results.items()) if v}
    for name in sorted(failures):
        print(f"FAIL {name}: {failures[name]}")
    harness.write_status(o.status, [f"{n}\t{k}\t{'required' if n in required else '-'}\t{text}"
                                    for n, (k, text, _) in results.items() if k != PASS])
    print(f"backend cases at -O{o.level} with {o.cc}: " + ", ".join(f"{v} {k}" for k, v in count.items())
          + f"; of {len(required)} required ones {sum(results[n][0] == PASS for n in required)} pass")
    listed = sum(n in missing and n not in failures for n in results)
    harness.finish(len(results) - len(failures) - listed, len(failures), listed, folder)


main()
