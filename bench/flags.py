#!/usr/bin/env python3
"""What -march=native would add: each network's library made by gcc and clang with -O3 alone and with -O3 -march=native,
and called in turns; the least CPU time of each. Options of zenithc follow a network after a comma:
usage: flags.py --zenithc Z --work FOLDER [--seconds S] [--zoo FOLDER] [--models FOLDER] [NET[,OPTION...]]..."""
import argparse
import os
import shlex
import shutil
import subprocess
import sys

NETS = ["resnet50", "mobilenetv2", "vit_small", "bert_base_s128", "lstm_bi2", "mobilenetv2_qdq_int8", "mlperf_kws_dscnn_qdq",
        "dtln_model_1", "ultraface_rfb320"]
HOW = ["gcc -O3", "gcc -O3 -march=native", "clang -O3", "clang -O3 -march=native"]


def call(args, **kw):
    return subprocess.run([str(a) for a in args], check=True, capture_output=True, text=True, **kw).stdout


def find(o, net):
    for path in (net, os.path.join(o.zoo, net, "model.onnx"), os.path.join(o.models, net, "model.onnx")):
        if os.path.isfile(path):
            return path
    sys.exit(f"flags.py: no network {net}")


def measure(o, net):
    name, *options = net.split(",")
    folder = os.path.join(o.work, "flags", os.path.basename(os.path.dirname(name)) or name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    call([o.zenithc, find(o, name), "-o", os.path.join(folder, "net.c"), "--name", "net", "--weights=extern", *options])
    libs = []
    for i, how in enumerate(HOW):
        libs.append(os.path.join(folder, f"net{i}.so"))
        call([*shlex.split(how), "-std=gnu99", "-w", "-fPIC", "-shared", "-o", libs[-1], "net.c", "-lm"], cwd=folder)
    weights = os.path.join(folder, "net.c.bin")
    line = call([o.run, o.seconds, weights, *libs]).split()
    shutil.rmtree(folder)
    return [float(t) for t in line[:4]], line[4]


def main():
    p = argparse.ArgumentParser()
    for name in ("zenithc", "run", "work", "zoo", "models"):
        p.add_argument("--" + name, default="")
    p.add_argument("--seconds", type=float, default=5)
    p.add_argument("nets", nargs="*")
    o = p.parse_args()
    o.zenithc, o.run, o.work = (os.path.abspath(t) for t in (o.zenithc, o.run, o.work))
    worst = 0
    print(f"{'network':24} {'gcc ms':>9} {'native':>9} {'ratio':>6} {'clang ms':>9} {'native':>9} {'ratio':>6}  answers")
    for net in o.nets or NETS:
        try:
            t, same = measure(o, net)
        except subprocess.CalledProcessError as e:
            print(f"{net:24} {(e.stderr or str(e)).strip().splitlines()[-1]}", flush=True)
            worst = 9
            continue
        g, c = t[0] / t[1], t[2] / t[3]
        worst = max(worst, g, c)
        print(f"{net:24} {t[0] / 1e6:9.3f} {t[1] / 1e6:9.3f} {g:6.3f} {t[2] / 1e6:9.3f} {t[3] / 1e6:9.3f} {c:6.3f}  {same}",
              flush=True)
    print(f"the worst ratio: {worst:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
