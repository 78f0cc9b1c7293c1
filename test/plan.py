"""The workspace of every test model against its lower bound: the greatest sum of live bytes over the chosen order.

Dynamic models at the sizes of their data sets, and at those of models.py. A plan of more than 1.05 times the bound fails.
"""
import glob
import json
import os
import re

import onnx

import harness
from models import SIZES, graph_inputs

MOST = 1.05


def dims(info):
    """[3, None, 8]; None: not a tensor of known rank."""
    t = info.type.tensor_type
    if not t.HasField("shape"):
        return None
    return [d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in t.shape.dim]


def given_shapes(folder):
    for d in sorted(glob.glob(os.path.join(folder, "**", "test_data_set_*"), recursive=True)):
        shapes = {}
        for p in glob.glob(d + "/input_*.pb"):
            t = onnx.load_tensor(p)
            shapes[t.name] = tuple(t.dims)
        yield shapes


def sizes(name, path):
    """The distinct lists of --shape options, [[]] for a model of fixed shapes."""
    inputs = graph_inputs(onnx.load(path, load_external_data=False))
    free = {i.name for i in inputs if dims(i) is None or None in dims(i)}
    found = list(given_shapes(os.path.dirname(path))) if free else []
    if free and name in SIZES:
        found.append({i.name: s for i, s in zip(inputs, SIZES[name])})
    options = []
    for shapes in found:
        o = [f"--shape={k}={'x'.join(map(str, s))}" for k, s in shapes.items() if k in free and s]
        if o and o not in options:
            options.append(o)
    return options or [[]]


def plan(o, path, shapes):
    code, text = harness.start([o.zenithc, "inspect", path, "--json", "-O" + o.level, *shapes], o.timeout)
    if code == 3 and shapes:      # fixed sizes make a branch invalid that they never take
        return harness.REFUSED, "not valid at these sizes alone", 0, 0
    if code:
        return harness.CRASH, harness.message(text), 0, 0
    j = json.loads(text[text.index("{"):])
    work, bound = j["workspace_bytes"], j["workspace_bound"]
    if work is None:
        return harness.WRONG, "the workspace is not a number", 0, 0
    return (harness.PASS if work <= MOST * bound else harness.WRONG), "", work, bound


def main():
    p = harness.arguments("Plans against their bounds.", "only models with a name that matches one of these")
    p.add_argument("--models", default="../shared/models")
    p.add_argument("--zoo", default=os.path.expanduser("~/.cache/zenithc/zoo"))
    o = p.parse_args()
    tmp, jobs, skipped = harness.temporary(), [], 0
    for base in o.models, o.zoo:
        found = sorted(glob.glob(os.path.join(base, "*", "model.onnx")))
        skipped += not found
        for path in found:
            name = os.path.basename(os.path.dirname(path))
            if o.only and not any(re.search(r, name) for r in o.only):
                continue
            for shapes in sizes(name, path):
                label = " ".join([name] + [s.replace("--shape=", "") for s in shapes])
                jobs.append((label, lambda p=path, s=shapes: plan(o, p, s)))
    results = dict(harness.run_all(jobs, o.j))
    failed = 0
    for name, (kind, text, work, bound) in sorted(results.items()):
        bad = kind not in (harness.PASS, harness.REFUSED)
        failed, skipped = failed + bad, skipped + (kind == harness.REFUSED)
        print(f"{'FAIL ' if bad else ''}{name[:70]}: " +
              (text or f"{work} bytes, bound {bound}, {work / bound if bound else 1:.4f}"))
    harness.finish(sum(r[0] == harness.PASS for r in results.values()), failed, skipped, tmp)


main()
