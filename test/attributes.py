"""Compares compiler/onnx/attributes.def, the attributes that operators have, with the schemas of onnx and onnxruntime.

usage: attributes.py COMPILER [-u]    COMPILER: the folder of the sources; -u: write the table as the schemas have it
"""
import os
import re
import sys
import textwrap

import onnx
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort

DOMAINS = {"": "D_ONNX", "ai.onnx.ml": "D_ML", "com.microsoft": "D_MS", "ai.onnx.preview.training": "D_TRAIN",
           "ai.onnx.preview": "D_PREVIEW"}      # in the order of enum domain
LETTERS = "fistgFISTGpPyY"                       # by AttributeProto.AttributeType, from 1 on


def supported(compiler):
    """(domain, name) of the rows of ops.def and of the old names in upgrade.c"""
    with open(os.path.join(compiler, "ops.def")) as f:
        found = {(d, name) for name, d in re.findall(r'^OP\(\w+, *"(\w+)", *(\w+),', f.read(), re.M)}
    with open(os.path.join(compiler, "onnx", "upgrade.c")) as f:
        old = re.search(r"renamed\[\] = \{(.*?)\};", f.read(), re.S)[1]
    return found | {("D_ONNX", name) for name in re.findall(r'\{"(\w+)", OP_', old)}


def attributes():
    """(domain, name) -> attribute -> letters of its types in all versions"""
    table = {}
    for s in onnx.defs.get_all_schemas_with_history() + ort.get_all_operator_schema():
        if s.domain in DOMAINS:
            row = table.setdefault((DOMAINS[s.domain], s.name), {})
            for a in s.attributes.values():
                row.setdefault(a.name, set()).add(LETTERS[int(getattr(a.type, "value", a.type)) - 1])
    return table


def text(domain, name, row):
    said = " ".join(f"{a}:{''.join(sorted(row[a]))}" for a in sorted(row))
    line = f'ATTRS({domain}, "{name}", "{said}")'
    if len(line) <= 110:
        return line
    parts = textwrap.wrap(said, 90, break_long_words=False)
    return f'ATTRS({domain}, "{name}",\n' + "\n".join(f'\t"{p}{" " * (p is not parts[-1])}"' for p in parts) + ")"


def main():
    compiler, order = sys.argv[1], list(DOMAINS.values())
    path, table = os.path.join(compiler, "onnx", "attributes.def"), attributes()
    names = sorted(supported(compiler) & table.keys(), key=lambda k: (order.index(k[0]), k[1]))
    theirs = [text(*k, table[k]) for k in names]
    with open(path) as f:
        head, _, rows = f.read().partition("ATTRS(D_")
    if sys.argv[2:] == ["-u"]:
        with open(path, "w") as f:
            f.write(head + "\n".join(theirs) + "\n")
        return
    ours = re.split(r"\n(?=ATTRS)", ("ATTRS(D_" + rows).rstrip("\n"))
    wrong = [f"FAIL not in the schemas: {r}" for r in ours if r not in theirs]
    wrong += [f"FAIL missing: {r}" for r in theirs if r not in ours]
    if not wrong and ours != theirs:
        wrong = ["FAIL the order of the rows"]
    print("\n".join(wrong + [f"attributes.def against onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}: "
                             f"{len(theirs) - len(wrong)} passed, {len(wrong)} failed"]))
    sys.exit(bool(wrong))


main()
