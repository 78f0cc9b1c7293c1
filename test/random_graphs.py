#!/usr/bin/env python3
"""Random graphs (graphgen.py) against ONNX Runtime.

A case runs at -O0 and -O3, some of them through an instrumented zenithc with instrumented C. What fails is kept in
a folder of its own, as it was and made smaller. What has failed once (graphcases.py) runs first. Graphs of heavy
operators (graphkernels.py) run at -O3, for the processor at hand or, by turns, as WAYS says.

usage: random_graphs.py [--zenithc FILE] [--asan FILE] [--seed N] [--count N] [--kernels N] [--seconds N]
"""
import argparse
import concurrent.futures
import os
import re
import shutil
import sys
import time
import warnings

import numpy as np
import onnx
from onnx import numpy_helper

import harness
from graphgen import Case, session
import graphcases
import graphkernels
import graphflow  # noqa: F401: adds to OPS
from graphops import OPS

warnings.filterwarnings("ignore")
SANITIZE = "gcc -O1 -w -fsanitize=address,undefined -fno-sanitize-recover=all"
NOISE = 3e-4
WAYS = "", "--target avx2", "", "--threads 2", "", "--target scalar", "--target avx512", "--target avx2 --threads 3"


def write_case(folder, model, sets):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    onnx.save(model, f"{folder}/model.onnx")
    for k, (feed, want) in enumerate(sets):
        d = f"{folder}/test_data_set_{k}"
        os.makedirs(d)
        for i, v in enumerate(model.graph.input):
            onnx.save_tensor(numpy_helper.from_array(feed[v.name], v.name), f"{d}/input_{i}.pb")
        for i, v in enumerate(model.graph.output):
            onnx.save_tensor(numpy_helper.from_array(np.asarray(want[i]), v.name), f"{d}/output_{i}.pb")


def has_half(model):
    text = model.SerializeToString()
    return any(v.type.tensor_type.elem_type == 10 for v in model.graph.input) or b"to\x18\x0a" in text


def cancelled(line):
    """The worst element is a sum of which float rounding is all that is left: there is no largest value to measure by."""
    m = re.search(r"worst \S+: got (\S+), want (\S+)$", line)
    return bool(m) and abs(float(m[1]) - float(m[2])) < 1e-6


def verify(z, folder, level, cc, noise):
    """`level`: with more options behind it"""
    code, text = harness.start([z, "verify", f"{folder}/model.onnx", "--data", folder, *f"-O{level}".split(),
                                "--cc", cc, "--max-error", str(noise)], 60)
    words = " differ; ", ": bug", "ERROR", "runtime error"
    lines = [s for s in text.splitlines() if any(w in s for w in words)]
    if code == 1 and lines and all(cancelled(s) for s in lines):
        return harness.PASS, ""
    return harness.KIND.get(code, harness.CRASH), (lines or text.splitlines() or [f"exit {code}"])[0][:300]


def ill_conditioned(case, noise):
    """Do inputs that differ in the last bits give ONNX Runtime other answers too?"""
    for feed, want in case.sets:
        near = {k: (a * (1 + 2e-6)).astype(a.dtype) if a.dtype.kind == "f" else a for k, a in feed.items()}
        try:
            again = session(case.model).run(None, near)
        except Exception:
            return True
        for a, b in zip(want, map(np.asarray, again)):
            if a.shape != b.shape:
                return True
            if a.dtype.kind == "f" and a.size and np.abs(a - b).max() > noise / 4 * np.abs(a).max():
                return True
    return False


class Shrinker:
    """Cuts a failing case: fewer outputs, then values turned into inputs, while it fails the same way."""
    def __init__(self, case, folder, fails):
        self.case, self.folder, self.fails = case, folder, fails
        self.best = None

    def attempt(self, nodes, outs, cut):
        """The nodes that `outs` need when the values in `cut` are inputs."""
        g, need, kept = self.case.graph, list(outs), []
        needed = set(outs)
        for n in reversed(nodes):
            if any(o in needed and o not in cut for o in n.output):
                kept.insert(0, n)
                needed |= self.reads(n)
        inputs = [v for k, v in g.all.items() if k in needed and (k in cut or v in g.inputs)]
        if any(v.b.size == 0 < v.a.size for v in inputs):        # symbols of inputs are not 0
            return False
        model = self.case.build(kept, [t for t in g.init if t.name in needed and t.name not in cut], inputs,
                                [g.all[k] for k in outs])
        feeds = [{v.name: v.a for v in inputs}, {v.name: v.b for v in inputs}][:1 + self.case.symbolic]
        try:
            s = session(model)
            sets = [(f, s.run(None, f)) for f in feeds]
        except Exception:
            return False
        write_case(self.folder, model, sets)
        if not self.fails(self.folder):
            return False
        self.best = kept, cut, model, sets
        return True

    def reads(self, n):
        r = {i for i in n.input if i}
        for a in n.attribute:
            for m in a.g.node:
                r |= self.reads(m)
            r |= {o.name for o in a.g.output}
        return r

    def run(self):
        g = self.case.graph
        top = [o for n in g.nodes for o in n.output if n.op_type != "Constant" and o in g.all]
        for o in top:
            if self.attempt(g.nodes, [o], set()):
                break
        if not self.best:
            return False
        out, again, tries = self.best[2].graph.output[0].name, True, 0
        while again and tries < 60:
            again = False
            for n in reversed(self.best[0]):
                for o in n.output if n.op_type != "Constant" else []:
                    tries += 1
                    kept, cut = self.best[:2]
                    if o != out and o in g.all and o not in cut and self.attempt(kept, [out], cut | {o}):
                        again = True
                        break
                if again:
                    break
        write_case(self.folder, *self.best[2:])
        return True


def describe(model):
    def text(n):
        plain = [x for x in n.attribute if not x.g.node and x.name != "value"]
        a = ", ".join(f"{x.name}={onnx.helper.get_attribute_value(x)}" for x in plain)
        return f"{','.join(n.output)} = {n.op_type}({','.join(n.input)}{'; ' + a if a else ''})"
    return "; ".join(text(n) for n in model.graph.node if n.op_type != "Constant")[:600]


def known(args, name, tmp):
    text, feeds = graphcases.CASES[name]
    model = onnx.parser.parse_model(text if text[0] == "<" else graphcases.HEAD + text)
    s = session(model)
    write_case(f"{tmp}/{name}", model, [(f, s.run(None, f)) for f in feeds])
    for z, lv, cc in ways(args, True):
        kind, message = verify(z, f"{tmp}/{name}", lv, cc, NOISE)
        if kind != harness.PASS:
            return harness.CRASH, f"{name} -O{lv}: {message}"
    return harness.PASS, ""


def ways(args, asan):
    runs = [(args.zenithc, 0, args.cc), (args.zenithc, 3, args.warm)]
    return runs + [(args.asan, 3, args.watched)] if args.asan and asan else runs


def kernel_ways(args, seed, asan):
    way = f"3 {WAYS[seed % len(WAYS)]}"
    runs = [(args.zenithc, way, args.warm)]
    return runs + [(args.asan, way, args.watched)] if args.asan and asan else runs


def one(args, name, tmp, asan):
    """NUMBER, or kNUMBER of heavy operators"""
    heavy, seed = name[0] == "k", int(name.lstrip("k"))
    case = graphkernels.Case(seed) if heavy else Case(seed, OPS)
    if not case.sets:
        return harness.REFUSED, "no reference: " + case.error[:300]
    folder, noise = f"{tmp}/{name}", NOISE * (40 if has_half(case.model) else 1)
    write_case(folder, case.model, case.sets)
    for z, lv, cc in kernel_ways(args, seed, asan) if heavy else ways(args, asan):
        kind, text = verify(z, folder, lv, cc, noise)
        if kind == harness.PASS:
            continue
        if kind == harness.WRONG and ill_conditioned(case, noise):
            return harness.REFUSED, "ill conditioned"
        keep = f"{args.keep}/{name}"
        write_case(keep, case.model, case.sets)
        small = f"{args.keep}/{name}.small"
        same = lambda d: verify(z, d, lv, cc, noise)[0] == kind
        shrunk = args.shrink and Shrinker(case, small, same).run()
        end = describe(onnx.load(f"{small}/model.onnx")) if shrunk else ""
        shutil.rmtree(folder)
        return kind, f"-O{lv}{' sanitized' if cc == args.watched else ''}: {text}\n    {end}"
    shutil.rmtree(folder)
    return harness.PASS, ""


def main():
    p = argparse.ArgumentParser(description="Random graphs against ONNX Runtime.")
    p.add_argument("--zenithc", default="build/zenithc")
    p.add_argument("--asan", help="zenithc built with the sanitizers: every 8th case runs through it too")
    p.add_argument("--cc", default="gcc -O0 -w")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=100)
    p.add_argument("--kernels", type=int, default=0, help="so many graphs of heavy operators too")
    p.add_argument("--seconds", type=float, default=1e9, help="starts no case after that")
    p.add_argument("--keep", default="build/random")
    p.add_argument("--no-shrink", dest="shrink", action="store_false")
    p.add_argument("-j", type=int, default=2)
    p.add_argument("-v", action="store_true")
    args = p.parse_args()
    tmp, began = harness.temporary(), time.time()
    count = {k: 0 for k in ("pass", "refused", "wrong", "crash")}
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"
    for folder in "plain", "watched":
        os.mkdir(f"{tmp}/{folder}")
    args.warm, args.watched = harness.warm(args.cc, tmp + "/plain"), harness.warm(SANITIZE, tmp + "/watched")
    jobs = [(args, k, tmp, True, began) for k in graphcases.CASES]
    jobs += [(args, f"{args.seed + i}", tmp, i % 8 == 0, began) for i in range(args.count)]
    jobs += [(args, f"k{args.seed + i}", tmp, i % 24 == 0, began) for i in range(args.kernels)]
    with concurrent.futures.ProcessPoolExecutor(args.j) as pool:
        for job, r in zip(jobs, pool.map(run_job, jobs)):
            if not r:
                continue
            count[r[0]] += 1
            if r[0] in ("wrong", "crash") or args.v and r[0] == "refused":
                print(f"{r[0]} {job[1]} {r[1]}", flush=True)
    harness.finish(count["pass"], count["wrong"] + count["crash"], count["refused"], tmp)


def run_job(a):
    args, seed, tmp, asan, began = a
    if time.time() - began > args.seconds:
        return None
    return known(args, seed, tmp) if seed in graphcases.CASES else one(args, seed, tmp, asan)


if __name__ == "__main__":
    main()
