"""zenithc beside ONNX Runtime and OpenVINO: builds each network, has build/bench/run measure it, and tells.

usage: bench.py [options] [NAME | DIR | FILE.onnx]...      without names: the zoo and the test models

bench/README.md describes the measurement, the table and the JSON file.
"""
import argparse
import glob
import json
import math
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

import report

HERE = os.path.dirname(os.path.abspath(__file__))
INT8 = {"QuantizeLinear", "QLinearConv", "QLinearMatMul", "QGemm"}
DYNAMIC = {"DynamicQuantizeLinear", "MatMulInteger", "ConvInteger"}
PRODUCTS = {"Conv", "Gemm", "MatMul", "QLinearConv", "QLinearMatMul", "QGemm"}
MEASURED = {1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 16}       # ONNX's numbers of the dtypes that run can hold
# how far an answer may be from the truth where tolerances.tsv says nothing
BOUNDS = {"int8": 0.05, "partly": 0.05, "half": 5e-3, "float": 1e-4}


class NotMeasured(Exception):
    """A reason that is no fault of zenithc."""


def arguments():
    p = argparse.ArgumentParser(description="zenithc beside ONNX Runtime and OpenVINO")
    p.add_argument("--zenithc", default="build/zenithc")
    p.add_argument("--run", default="build/bench/run", help="the program that measures")
    p.add_argument("--runtime", default="build/libzenith_rt.a", help="linked to the models; left out if not there")
    p.add_argument("--cc", default="cc -O3", help="makes the models' libraries")
    p.add_argument("-O", dest="level", default="3", help="level of zenithc")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seconds", type=float, default=10, help="of timing per network; at least one round")
    p.add_argument("--clock", choices=["wall", "cpu"], default="wall",
                   help="cpu: time of the process, for a machine that others use too; one thread only")
    p.add_argument("--engines", default="ort,openvino", help="which to compare with")
    p.add_argument("--models", default="../shared/models")
    p.add_argument("--zoo", default=os.path.expanduser("~/.cache/zenithc/zoo"))
    p.add_argument("--work", default="build/bench/work", help="folder for what is made on the way")
    p.add_argument("--keep", action="store_true", help="the models' C and libraries stay there")
    p.add_argument("--json", metavar="FILE", help="everything, also each round")
    p.add_argument("--svg", metavar="FILE", help="a chart of r")
    p.add_argument("--against", metavar="FILE", help="a saved JSON file to compare with")
    p.add_argument("nets", nargs="*")
    return p.parse_args()


def engine_library(engine):
    """The library in the wheel that this Python has."""
    for base in sys.path:
        pattern = "onnxruntime/capi/libonnxruntime.so.*" if engine == "ort" else "openvino/libs/libopenvino_c.so.*"
        found = sorted(glob.glob(os.path.join(base, pattern)))
        if found:
            return found[0]
    sys.exit(f"bench: {engine} is not installed here: run ./bootstrap bench")


def find(o):
    """[(name, group or None, path)]"""
    def under(base, group):
        return [(os.path.basename(os.path.dirname(p)), group, p)
                for p in sorted(glob.glob(os.path.join(base, "*", "model.onnx")))]
    if not o.nets:
        return under(o.zoo, "zoo") + under(o.models, None)
    found = []
    for n in o.nets:
        if n.endswith(".onnx") and os.path.isfile(n):
            name = os.path.basename(os.path.dirname(os.path.abspath(n))) if os.path.basename(n) == "model.onnx" else \
                os.path.basename(n)[:-5]
            found.append((name, "given", n))
            continue
        for base, group in (o.zoo, "zoo"), (o.models, None), (".", "given"):
            if os.path.isfile(os.path.join(base, n, "model.onnx")):
                found.append((os.path.basename(n.rstrip("/")), group, os.path.join(base, n, "model.onnx")))
                break
        else:
            sys.exit(f"bench: no model '{n}' in {o.zoo} or {o.models}, and no such file")
    return found


def op_types(graph):
    for n in graph.node:
        yield n.op_type
        for a in n.attribute:
            for g in [a.g] if a.HasField("g") else a.graphs:
                yield from op_types(g)


def kind_of(model):
    """int8: quantised from layer to layer; partly: at run time, or one layer only."""
    nodes = list(op_types(model.graph))
    ops = set(nodes)
    if ops & (INT8 | DYNAMIC):
        return "partly" if ops & DYNAMIC or sum(n in PRODUCTS for n in nodes) < 2 else "int8"
    return "half" if any(t.data_type == TensorProto.FLOAT16 for t in model.graph.initializer) else "float"


def read_tolerances(path):
    rows = {}
    if os.path.exists(path):
        with open(path) as f:
            for line in f:
                fields = line.rstrip("\n").split("\t")
                if line[0] != "#" and len(fields) > 1 and fields[1] != "skip":
                    rows[fields[0]] = float(fields[1])
    return rows


def graph_inputs(model):
    known = {t.name for t in model.graph.initializer}
    return [i for i in model.graph.input if i.name not in known]


def data_set(path):
    """Inputs by name of the smallest set that the model comes with, or None."""
    for label in "ort_ref", "ref", ".":
        sets = []
        for d in sorted(glob.glob(os.path.join(os.path.dirname(path), label, "test_data_set_*"))):
            tensors = [onnx.load_tensor(p) for p in glob.glob(os.path.join(d, "input_*.pb"))]
            sets.append((sum(math.prod(t.dims) for t in tensors), d, tensors))
        if sets:
            return {t.name: numpy_helper.to_array(t) for t in min(sets, key=lambda s: s[:2])[2]}
    return None


def drawn(infos):
    """Seeded inputs; a dimension that the model leaves open is 1."""
    rng, inputs = np.random.default_rng(1), {}
    for i in infos:
        t = i.type.tensor_type
        shape = [d.dim_value or 1 for d in t.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(t.elem_type)
        a = rng.uniform(-1, 1, shape) if np.issubdtype(dtype, np.floating) else rng.integers(0, 2, shape)
        inputs[i.name] = np.asarray(a).astype(dtype)
    return inputs


def prepare(o, model, path, folder):
    """Writes the inputs; lines of the job file, --shape options for zenithc."""
    infos = graph_inputs(model)
    for i in infos:
        t = i.type.tensor_type if i.type.HasField("tensor_type") else None
        if t is None or t.elem_type not in MEASURED:
            raise NotMeasured(f"input '{i.name}' is no tensor of numbers")
    inputs = data_set(path) or drawn(infos)
    lines, shapes, sizes = [], [], {}
    for k, i in enumerate(infos):
        t, a = i.type.tensor_type, inputs[i.name]
        into = os.path.join(folder, f"input_{k}.bin")
        np.ascontiguousarray(a).tofile(into)
        lines.append("\t".join(["input", i.name, str(t.elem_type), into, str(a.ndim), *map(str, a.shape)]))
        dims = t.shape.dim
        if any(not d.HasField("dim_value") or d.dim_value <= 0 for d in dims):
            shapes += ["--shape", i.name + "=" + "x".join(map(str, a.shape))]
        for d, n in zip(dims, a.shape):
            if d.dim_param:
                sizes.setdefault(d.dim_param, set()).add(n)
    lines += [f"dim\t{d}\t{min(s)}" for d, s in sizes.items() if len(s) == 1]
    return lines, shapes


def command(words, timeout, what):
    """Seconds that it took; ends with what it said if it failed."""
    began = time.time()
    p = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                       timeout=timeout)
    if p.returncode:
        text = [s for s in p.stdout.decode(errors="replace").splitlines()
                if any(w in s for w in ("error", "unsupported", "bug"))]
        raise RuntimeError(f"{what}: exit {p.returncode}: {(text or ['no message'])[0].strip()[:200]}")
    return time.time() - began


def build(o, path, folder, shapes, result):
    c, lib = os.path.join(folder, "net.c"), os.path.join(folder, "net.so")
    runtime = [o.runtime] if os.path.exists(o.runtime) else []
    words = [o.zenithc, path, "-o", c, "--name", "net", "-O" + o.level]
    words += ["--threads", str(o.threads)] if o.threads > 1 else []
    try:
        result["zenithc_s"] = command(words + shapes, 1200, "zenithc")
    except RuntimeError as e:
        if not shapes:
            raise
        result["zenithc_s"] = command(words, 1200, "zenithc")
        result["note"] = f"zenithc's sizes are dynamic; fixed: {e}"
    result["cc_s"] = command([*shlex.split(o.cc), "-fPIC", "-shared", "-w", "-o", lib, c, *runtime, "-lm", "-pthread"],
                             1800, "cc")
    return os.path.abspath(lib)


def layer_macs(o, path, shapes):
    """Multiply-adds of the layers that became part of a kernel (copies of others and constants did not); 0: unknown."""
    p = subprocess.run([o.zenithc, "inspect", path, "--json", *shapes], stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL, timeout=600)
    layers = json.loads(p.stdout)["layers"] if p.returncode == 0 else []
    counts = [layer["macs"] for layer in layers if "kernel" in layer]
    return sum(counts) if all(isinstance(m, int) for m in counts) else 0


def child(o, job, lines, libraries):
    """What run says: its JSON object; again without an engine that crashes. Its progress goes to our standard error."""
    with open(job, "w") as f:
        f.write("\n".join(lines + [f"{'ov' if k == 'openvino' else k}\t{v}" for k, v in libraries.items()]) + "\n")
    p = subprocess.run([o.run, job], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=o.seconds * 3 + 900)
    crashed = report.ENGINES[p.returncode - 100] if 100 <= p.returncode <= 102 else None
    if crashed in libraries and len(libraries) > 1:
        found = child(o, job, lines, {k: v for k, v in libraries.items() if k != crashed})
        found["engines"][crashed] = {"why": "it crashes"}
        return found
    if crashed:
        raise RuntimeError(f"{crashed} crashes")
    if p.returncode:
        raise RuntimeError(f"the measuring process ended with {p.returncode}")
    return json.loads(p.stdout)


def measure(o, libraries, tolerances, name, group, path):
    r = {"name": name, "group": group or "float", "file": path}
    folder = os.path.join(o.work, name)
    os.makedirs(folder, exist_ok=True)
    try:
        model = onnx.load(path, load_external_data=False)
        r["kind"] = kind_of(model)
        r["group"] = group or ("float" if r["kind"] == "half" else r["kind"])
        bound = tolerances.get(("zoo/" if group == "zoo" else "") + name, BOUNDS[r["kind"]])
        r["tolerance"] = 2 * bound      # of a pair
        lines, shapes = prepare(o, model, path, folder)
        say(o, name, "compiling")
        lib = build(o, path, folder, shapes, r)
        lines += [f"name\t[{o.at}/{o.of}] {name}", f"model\t{os.path.abspath(path)}", f"lib\t{lib}\tnet_model",
                  f"threads\t{o.threads}", f"seconds\t{o.seconds}", f"tolerance\t{r['tolerance']}"]
        lines += ["int8"] if r["kind"] in ("int8", "partly") else []
        lines += ["cpu"] if o.clock == "cpu" else []
        say(o, name, "measuring")
        r["macs"] = layer_macs(o, path, shapes)
        r.update(child(o, os.path.join(folder, "job"), lines, libraries))
        report.derive(r)
    except NotMeasured as e:
        r["skipped"] = str(e)
    except (RuntimeError, subprocess.TimeoutExpired, ValueError, KeyError) as e:
        r["error"] = f"{type(e).__name__}: {e}" if not isinstance(e, RuntimeError) else str(e)
    if not o.keep:
        shutil.rmtree(folder)
    return r


def say(o, name, what):
    if sys.stderr.isatty():
        print(f"\r\033[K[{o.at}/{o.of}] {name}: {what}\r", end="", file=sys.stderr, flush=True)
    elif what == "compiling":
        print(f"[{o.at}/{o.of}] {name}", file=sys.stderr, flush=True)


def first_line(words):
    try:
        return subprocess.run(words, capture_output=True, text=True).stdout.splitlines()[0]
    except (OSError, IndexError):
        return "?"


def machine():
    cpu = platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as f:
            cpu = next((s.split(":", 1)[1].strip() for s in f if s.startswith("model name")), cpu)
    return {"cpu": cpu, "cpus": len(os.sched_getaffinity(0)), "load": round(os.getloadavg()[0], 2)}


def save(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.replace(path + ".new", path)


def main():
    o = arguments()
    engines = [e for e in o.engines.split(",") if e]
    if not engines or set(engines) - {"ort", "openvino"}:
        sys.exit("bench: --engines takes ort, openvino or both")
    if o.clock == "cpu" and o.threads > 1:
        sys.exit("bench: --clock=cpu counts what threads spin: for one thread only")
    libraries = {e: engine_library(e) for e in engines}
    old = None
    if o.against:
        with open(o.against) as f:
            old = json.load(f)
    nets = find(o)
    if not nets:
        sys.exit(f"bench: no models in {o.zoo} or {o.models}")
    tolerances = read_tolerances(os.path.join(o.models, "tolerances.tsv"))
    run = {"schema": 1, "threads": o.threads, "seconds": o.seconds, "clock": o.clock, "cc": o.cc, "level": o.level,
           "machine": machine(), "zenithc": first_line([o.zenithc, "--version"]),
           "compiler": first_line([shlex.split(o.cc)[0], "--version"]), "nets": []}
    print(report.head(run), flush=True)
    for k, (name, group, path) in enumerate(nets, 1):
        o.at, o.of = k, len(nets)
        r = measure(o, libraries, tolerances, name, group, path)
        run["nets"].append(r)
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        print(report.row(r), flush=True)
        run["geomean"] = report.geomeans(run["nets"])
        if o.json:
            save(o.json, json.dumps(run, indent="\t") + "\n")
    print(report.foot(run))
    if old:
        print(report.against(run, old))
    if o.svg:
        save(o.svg, report.svg(run))
    sys.exit(any("error" in r for r in run["nets"]))


if __name__ == "__main__":
    main()
