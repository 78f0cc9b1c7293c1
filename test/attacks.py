"""Models that mean harm (attackmodels.py) and what zenithc says of each: golden, in test/golden/attacks.txt.

usage: attacks.py ZENITHC [-u] [-j N] [--no-cc] [REGEX...]    -u: write what is said now as what is expected
Every one ends within SECONDS of a processor and MEMORY; what is refused leaves no file, nothing is written elsewhere; what
is compiled is valid C99 and C++17 under all warnings, with nothing but printable ASCII in it. Built with sanitizers, zenithc says the same.
"""
import argparse
import os
import re
import resource
import shutil
import socket
import subprocess
import sys

import harness
from attackmodels import ATTACKS

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "golden", "attacks.txt")
SECONDS, MEMORY, SHOWN = 30, 3 << 30, 4
WARN = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-fsyntax-only"]
COMPILERS = [["gcc", "-std=c99", *WARN], ["clang", "-std=c99", *WARN], ["g++", "-std=c++17", "-x", "c++", *WARN]]


def place(folder, files):
    for kind, path, *rest in files:
        path = os.path.join(folder, path)
        if kind == "file":
            with open(path, "wb") as f:
                f.write(rest[0])
        elif kind == "folder":
            os.mkdir(path)
        elif kind == "symlink":
            os.symlink(rest[0], path)
        elif kind == "link":
            os.link(os.path.join(folder, rest[0]), path)
        elif kind == "fifo":
            os.mkfifo(path)
        else:
            here = os.getcwd()
            os.chdir(os.path.dirname(path))        # names of sockets are short
            socket.socket(socket.AF_UNIX).bind(os.path.basename(path))
            os.chdir(here)


def bounded(memory):
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    seconds = SECONDS if memory else 4 * SECONDS        # sanitizers are slow
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def tree(folder):
    return {os.path.join(d, f): os.lstat(os.path.join(d, f)).st_size for d, _, files in os.walk(folder) for f in files}


def compiled(folder):
    """What is wrong with the C that was written, or nothing."""
    with open(os.path.join(folder, "out.c"), "rb") as f:
        source = f.read()
    with open(os.path.join(folder, "out.h"), "rb") as f:
        source += f.read()
    strange = re.search(rb"[^\t\n -~]", source)
    if strange:
        return f"byte {strange.group()!r} in the source"
    if b"??" in source:
        return "a trigraph in the source"
    for command in COMPILERS:
        p = subprocess.run(command + ["out.c"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if p.returncode:
            return f"{command[0]}: {harness.message(p.stdout.decode(errors='replace'))}"
    return None


def said(zenithc, name, top, memory, cc):
    data, options, files = ATTACKS[name]
    outer = os.path.join(top, name)
    folder = os.path.join(outer, "m")
    os.makedirs(folder)
    with open(os.path.join(folder, "model.onnx"), "wb") as f:
        f.write(data)
    place(folder, files)
    os.mkdir(os.path.join(outer, "tmp"))
    before = tree(outer)
    p = subprocess.Popen([zenithc, "model.onnx", "-o", "out.c", *options], cwd=folder, env=dict(os.environ, TMPDIR=os.path.join(outer, "tmp")), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, preexec_fn=lambda: bounded(memory))
    try:
        text = p.communicate(timeout=SECONDS * 4)[0].decode(errors="backslashreplace")
    except subprocess.TimeoutExpired:
        p.kill()
        p.communicate()
        text = "no end"
    lines = re.sub(r"\d+ bytes of gen", "N bytes of gen", text.replace(outer, "FOLDER")).splitlines()
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"... {len(lines) - SHOWN} more lines"]
    after, ours = tree(outer), {os.path.join(folder, f) for f in ("out.c", "out.h", "out.c.bin")}
    bad = [] if p.returncode else [compiled(folder)] if cc else []
    bad += [f"left {f}" for f in sorted(after) if after[f] != before.get(f) and (p.returncode or f not in ours)]
    shutil.rmtree(outer)
    return "\n".join([f"exit {p.returncode}"] + lines + [f"BAD {b}" for b in bad if b]) + "\n"


def read_golden():
    try:
        with open(GOLDEN, encoding="utf-8") as f:
            parts = re.split(r"^== (.*)\n", f.read(), flags=re.M)
    except FileNotFoundError:
        return {}
    return dict(zip(parts[1::2], parts[2::2]))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("zenithc")
    p.add_argument("-u", action="store_true")
    p.add_argument("-j", type=int, default=2)
    p.add_argument("--no-cc", action="store_true")
    p.add_argument("only", nargs="*")
    a = p.parse_intermixed_args()
    zenithc, top = os.path.abspath(a.zenithc), harness.temporary()
    with open(zenithc, "rb") as f:
        sanitized = b"__asan_init" in f.read()
    os.environ["ASAN_OPTIONS"] = "detect_leaks=1:allocator_may_return_null=1:max_allocation_size_mb=3000"
    want = read_golden()
    chosen = [n for n in ATTACKS if not a.only or any(re.search(o, n) for o in a.only)]
    jobs = [(n, lambda n=n: said(zenithc, n, top, 0 if sanitized else MEMORY, not a.no_cc and not sanitized)) for n in chosen]
    failed = 0
    for name, got in sorted(harness.run_all(jobs, a.j)):
        bad = re.search(r"^BAD|bug in zenithc|Sanitizer|runtime error|^exit (-|70|137)", got, flags=re.M)
        if a.u and not bad:
            want[name] = got
        elif got != want.get(name):
            failed += 1
            print(f"FAIL {name}: got\n{got}want\n{want.get(name, '')}", end="")
    if a.u:
        with open(GOLDEN, "w", encoding="utf-8") as f:
            f.write("".join(f"== {n}\n{want[n]}" for n in sorted(ATTACKS) if n in want))
    harness.finish(len(chosen) - failed, failed, 0, top)


main()
