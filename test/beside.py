"""bench/ in a second or two: a small network is measured, and one whose answers differ is not. usage: beside.py B

Compares with the engines that are installed; without OpenVINO with ONNX Runtime alone.
"""
import argparse
import importlib.util
import os
import shutil
import sys
import tempfile
import xml.dom.minidom

import onnx
from onnx import numpy_helper

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
import bench
import report

DIGITS = "examples/digits/digits.onnx"
passed = failed = 0


def check(what, ok):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print(f"FAIL {what}")


def changed(path, out):
    """The same model with other weights: all of them doubled."""
    model = onnx.load(path)
    for t in model.graph.initializer:
        a = numpy_helper.to_array(t)
        if a.dtype.kind == "f":
            t.CopyFrom(numpy_helper.from_array((2 * a).astype(a.dtype), t.name))
    onnx.save(model, out)


def main():
    b, work = sys.argv[1], tempfile.mkdtemp(prefix="zenithc-bench-")
    engines = ["ort"] + (["openvino"] if importlib.util.find_spec("openvino") else [])
    if len(engines) < 2:
        print("OpenVINO is not installed (./bootstrap bench): ONNX Runtime alone")
    o = argparse.Namespace(zenithc=f"{b}/zenithc", run=f"{b}/bench/run", runtime=f"{b}/libzenith_rt.a", cc="gcc -O1",
                           level="3", threads=1, clock="cpu", seconds=0.3, work=work, keep=False, at=1, of=1)
    libraries = {e: bench.engine_library(e) for e in engines}
    r = bench.measure(o, libraries, {}, "digits", "given", DIGITS)
    check(f"a network is measured: {r.get('error')}", "r" in r and r["r"] > 0 and "share" in r)
    check("every engine has times", all(r["engines"][e]["ms"]["min"] > 0 for e in ["zenithc", *engines] if "r" in r))
    check("answers agree", r["diff"]["zenithc/ort"] < 1e-5 and r["diff"]["after"] == 0)
    run = {"zenithc": "z", "threads": 1, "clock": "cpu", "machine": {"cpu": "<&>", "load": 0}, "cc": "cc", "compiler": "c", "nets": [r],
           "geomean": report.geomeans([r])}
    check("the chart is XML", xml.dom.minidom.parseString(report.svg(run)))
    check("a comparison with itself", " 1.000" in report.against(run, run))
    other, build = os.path.join(work, "other.onnx"), bench.build
    changed(DIGITS, other)
    bench.build = lambda o, path, *rest: build(o, other, *rest)
    r = bench.measure(o, libraries, {}, "digits", "given", DIGITS)
    check(f"other answers are not timed: {r}", "answers differ" in r.get("error", "") and "r" not in r)
    shutil.rmtree(work)
    print(f"{passed} passed, {failed} failed, {2 - len(engines)} skipped")
    sys.exit(failed > 0)


main()
