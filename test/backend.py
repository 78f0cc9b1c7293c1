"""Writes ONNX's own backend cases to OUT/KIND/NAME/{model.onnx,test_data_set_N/{input,output}_N.pb}.

usage: backend.py OUT

The data are what ONNX's runner would use: the arrays of a node case, the files of the others, and for the light models
generate_dummy_data(seed=0, random=False). OUT/index.tsv has a line for each case: name, rtol, atol, operators, the
tolerances being those of ONNX's runner. Written last, so that its presence says that OUT is complete.
"""
import glob
import os
import shutil
import sys

import numpy as np
import onnx
import onnx.backend.test.case.node as node
from onnx import AttributeProto, TensorProto, numpy_helper
from onnx.backend.test.loader import DATA_DIR, load_model_tests
from onnx.backend.test.runner import Runner

KINDS = "simple", "pytorch-converted", "pytorch-operator"
BFLOAT16_RTOL = 2 ** -6      # the runner's


def operators(nodes):
    """Domain-qualified operators of nodes and of what their subgraphs hold."""
    found = set()
    for n in nodes:
        found.add((n.domain + "." if n.domain not in ("", "ai.onnx") else "") + n.op_type)
        for a in n.attribute:
            for g in [a.g] if a.type == AttributeProto.GRAPH else a.graphs:
                found |= operators(g.node)
    return found


def model_operators(model):
    own = {(f.domain + "." if f.domain else "") + f.name for f in model.functions}
    return (operators(model.graph.node) | {o for f in model.functions for o in operators(f.node)}) - own


def write(path, message):
    with open(path, "wb") as f:
        f.write(message.SerializeToString())


def proto(value, kind):
    if kind.HasField("sequence_type"):
        return numpy_helper.from_list(value)
    if kind.HasField("map_type"):
        return numpy_helper.from_dict(value)
    if kind.HasField("optional_type"):
        return numpy_helper.from_optional(value)
    return value if isinstance(value, TensorProto) else numpy_helper.from_array(np.asarray(value))


def write_set(folder, model, inputs, outputs):
    os.makedirs(folder, exist_ok=True)
    for what, infos, values in ("input", model.graph.input, inputs), ("output", model.graph.output, outputs):
        for i, (info, value) in enumerate(zip(infos, values)):
            write(os.path.join(folder, f"{what}_{i}.pb"), proto(value, info.type))


def export_node(out, case):
    folder = os.path.join(out, "node", case.name)
    for i, (inputs, outputs) in enumerate(case.data_sets):
        write_set(os.path.join(folder, f"test_data_set_{i}"), case.model, inputs, outputs)
    write(os.path.join(folder, "model.onnx"), case.model)
    return case.model


def export_files(out, kind, case):
    folder = os.path.join(out, kind, case.name)
    shutil.copytree(case.model_dir, folder, dirs_exist_ok=True)
    return onnx.load(os.path.join(folder, "model.onnx"))


def export_light(out, path):
    name = "test_" + os.path.basename(path)[:-5]
    folder = os.path.join(out, "light", name)
    model = onnx.load(path)
    known = {t.name for t in model.graph.initializer}
    inputs = [Runner.generate_dummy_data(x, seed=0, random=False)
              for x in model.graph.input if x.name not in known]
    write_set(os.path.join(folder, "test_data_set_0"), model, inputs, [])
    shutil.copy(path, os.path.join(folder, "model.onnx"))
    for i in range(len(model.graph.output)):
        shutil.copy(f"{path[:-5]}_output_{i}.pb", os.path.join(folder, "test_data_set_0", f"output_{i}.pb"))
    return name, model


def has_bfloat16(model):
    return any(o.type.tensor_type.elem_type == TensorProto.BFLOAT16 for o in model.graph.output)


def main():
    out = sys.argv[1]
    if os.path.exists(os.path.join(out, "index.tsv")):
        return
    shutil.rmtree(out, ignore_errors=True)
    np.random.seed(0)
    rows = []

    def row(kind, name, model, rtol=1e-3, atol=1e-7):
        rtol = max(rtol, BFLOAT16_RTOL) if has_bfloat16(model) else rtol
        rows.append(f"{kind}/{name}\t{rtol:g}\t{atol:g}\t{' '.join(sorted(model_operators(model)))}")

    for case in node.collect_testcases():
        row("node", case.name, export_node(out, case), case.rtol, case.atol)
    for kind in KINDS:
        for case in sorted(load_model_tests(kind=kind), key=lambda c: c.name):
            row(kind, case.name, export_files(out, kind, case), case.rtol, case.atol)
    for path in sorted(glob.glob(os.path.join(DATA_DIR, "light", "*.onnx"))):
        row("light", *export_light(out, path))
    with open(os.path.join(out, "index.tsv"), "w") as f:
        f.write("\n".join(rows) + "\n")
    print(f"{len(rows)} backend cases written to {out}")


main()
