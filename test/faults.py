"""zenithc when the system fails it: every allocation in turn, SIGINT at every call, a disk that is full after any number
of bytes, files that cannot be read, closed pipes. Each gives a message and its documented exit code, leaves no file behind
and what was there before untouched, and gives all memory back.

usage: faults.py ZENITHC LIBRARY [REGEX...]        LIBRARY is test/faults.c; about a thousand runs of a few milliseconds
"""
import os
import re
import resource
import shutil
import signal
import subprocess
import sys

import harness

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
MODELS = ["dense", "branch"]
OUTPUT = {"c": ["-o", "out.c", "--weights=file"], "so": ["-o", "out.so", "--cc", "./cc"], "print": ["-o", "-"],
          "inspect": ["--json"], "run": ["--cc", "./cc"], "ops": ["--json"]}
EXIT = {"alloc": (5, 6, 74)}           # 5: where loading what the C compiler made takes memory
FULL = 25          # sizes of a full disk that are tried


class Place:
    """A folder with the models and a compiler that copies what a real one made, so that runs take milliseconds."""

    def __init__(self, zenithc, library, top):
        self.zenithc, self.library, self.top = zenithc, library, top
        self.here, self.tmp = os.path.join(top, "here"), os.path.join(top, "tmp")
        os.mkdir(self.here)
        os.mkdir(self.tmp)
        for m in MODELS:
            shutil.copy(os.path.join(GOLDEN, m + ".onnx"), self.here)
            self.run([m + ".onnx", "-o", "out.so", "--name", "m"])
            os.rename(os.path.join(self.here, "out.so"), os.path.join(top, m + ".so"))
        with open(os.path.join(self.here, "cc"), "w") as f:
            f.write("#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\nexec cp \"$MADE\" \"$2\"\n")
        os.chmod(os.path.join(self.here, "cc"), 0o755)
        self.clear()
        self.before = self.files()

    def clear(self):
        for f in os.listdir(self.here):
            if f.startswith("out"):
                os.remove(os.path.join(self.here, f))
        for f in os.listdir(self.tmp):
            shutil.rmtree(os.path.join(self.tmp, f))

    def files(self):
        found = {f: None for f in os.listdir(self.tmp)}
        for f in os.listdir(self.here):
            with open(os.path.join(self.here, f), "rb") as g:
                found[f] = g.read()
        return found

    def run(self, args, fault=None, size=None, **more):
        """(exit code, standard output, messages, calls, blocks not given back)"""
        env = dict(os.environ, TMPDIR=self.tmp, FAULT_LOG=os.path.join(self.top, "log"), MADE=os.path.join(self.top, "".join(a[:-5] for a in args if a.endswith(".onnx")) + ".so"))
        if fault:
            env.update(FAULT=fault, LD_PRELOAD=self.library)
        if size is not None:
            more["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        p = subprocess.Popen([self.zenithc, *args], cwd=self.here, env=env, stdin=subprocess.DEVNULL,
                             **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more})
        out, err = p.communicate(timeout=60)
        log = [0, 0]
        if fault and os.path.exists(env["FAULT_LOG"]):
            with open(env["FAULT_LOG"]) as f:
                log = [int(w) for w in f.read().split()]
            os.remove(env["FAULT_LOG"])
        return (p.returncode, out, err.decode(errors="replace") if err else "", *log)


def verdict(place, want, got, good, calm):
    """What is wrong with a run that failed, where `good` is one that did not and `calm` what it left."""
    code, out, err, _, live = got
    left = place.files()
    if code == 0:
        return "other output" if (out, left) != (good[1], calm) else "blocks kept" if live > good[4] else None
    if code not in want:
        return f"exit {code}: {harness.message(err)}"
    if left != place.before and not (code < 0 and left == calm):
        return "left " + ", ".join(sorted(k for k in left if k not in place.before or left[k] != place.before[k]))
    if code > 0 and (not err.strip() or "bug" in err):
        return f"exit {code} with the message '{err.strip()}'"
    return "blocks kept" if code > 0 and live > good[4] else None


def command(model, how):
    if how in ("inspect", "run", "ops"):
        return [how, *OUTPUT[how]] + ([model + ".onnx"] if how != "ops" else [])
    return [model + ".onnx", *OUTPUT[how]]


def stepped(place, kind, model, how):
    """Every call fails in turn."""
    args, want, found = command(model, how), EXIT.get(kind, (-signal.SIGINT,)), []
    good = place.run(args, f"{kind}:0")
    calm = place.files()
    if good[0]:
        return [f"without a fault: exit {good[0]}: {good[2]}"], 1
    for n in range(1, good[3] + 1):
        place.clear()
        bad = verdict(place, want, place.run(args, f"{kind}:{n}"), good, calm)
        if bad:
            found.append(f"{kind} {n} of {good[3]}: {bad}")
    place.clear()
    return found, good[3]


def disk(place, model, how):
    """No file grows beyond a size: from nothing up to the largest that is written."""
    args, found = command(model, how), []
    good = place.run(args, "none")
    calm = place.files()
    largest = max(len(b) for f, b in calm.items() if f.startswith("out"))
    sizes = sorted({largest * i // FULL for i in range(FULL)} | {1, largest - 1})
    for n in sizes:
        place.clear()
        with open(os.path.join(place.here, "out.h"), "wb") as f:
            f.write(b"old")
        got = place.run(args, size=n)
        bad = None
        if place.files().get("out.h") != b"old":
            bad = "what was there before is gone"
        place.clear()
        # the copying compiler is told by the same limit, and is the toolchain
        bad = bad or verdict(place, (74, 5) if how == "so" else (74,), got, good, calm)
        if bad:
            found.append(f"disk full after {n} of {largest} bytes: {bad}")
    return found, len(sizes)


def strange(place, model):
    """Files that cannot be read or written, pipes that are closed."""
    tries, found = 0, []

    def want(code, text, args, **more):
        nonlocal tries
        tries += 1
        got = place.run(args, **more)
        if got[0] != code or text not in got[2] or place.files() != place.before:
            found.append(f"{args}: exit {got[0]}, want {code}: {got[2].strip()[:200]}")
        place.clear()

    m = model + ".onnx"
    want(3, "cannot open", ["no.onnx", "-o", "out.c"])
    want(3, "folder", [".", "-o", "out.c"])
    want(3, "cannot open", [m + "/x", "-o", "out.c"])
    want(3, "cannot open", ["n" * 300, "-o", "out.c"])
    want(3, "cannot read", ["/proc/self/mem", "-o", "out.c"])
    want(74, "cannot write", [m, "-o", "no/out.c"])
    want(74, "cannot write", [m, "-o", "/proc/out.c"])
    want(74, "cannot write", [m, "-o", "n" * 300 + ".c", "--name", "n"])
    want(74, "cannot write", [m, "-o", "-"], stdout=os.open("/dev/full", os.O_WRONLY))
    ends = os.pipe()
    os.close(ends[0])
    want(74, "cannot write", [m, "-o", "-"], stdout=ends[1])
    os.close(ends[1])
    want(74, "cannot write", [m, "-o", "-"], preexec_fn=lambda: os.close(1))
    want(0, "", ["--version"], preexec_fn=lambda: os.close(2))
    if os.getuid() == 0:
        secret = os.path.join(place.top, "secret.onnx")
        shutil.copy(os.path.join(place.here, m), secret)
        os.chmod(secret, 0)
        for f in place.top, place.here, place.tmp:
            os.chmod(f, 0o755)
        program = os.path.join(place.top, "zenithc")
        shutil.copy(place.zenithc, program)
        mine, place.zenithc = place.zenithc, program
        want(3, "Permission denied", ["../secret.onnx", "-o", "out.c"], preexec_fn=lambda: os.setuid(65534))
        want(74, "Permission denied", [m, "-o", "out.c"], preexec_fn=lambda: os.setuid(65534))
        sticky = os.path.join(place.top, "sticky")          # where out.c is another's: out.h, which comes first, stays
        os.mkdir(sticky)
        os.chmod(sticky, 0o1777)
        for f, owner in ("out.h", 65534), ("out.c", 0):
            with open(os.path.join(sticky, f), "w") as g:
                g.write("old")
            os.chown(os.path.join(sticky, f), owner, owner)
        want(74, "not permitted", [m, "-o", "../sticky/out.c"], preexec_fn=lambda: os.setuid(65534))
        left = {}
        for f in os.listdir(sticky):
            with open(os.path.join(sticky, f)) as g:
                left[f] = g.read()
        if left != {"out.h": "old", "out.c": "old"}:
            found.append(f"one of two files cannot be replaced: left {left}")
        place.zenithc = mine
    return found, tries


def main():
    zenithc, library, only = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
    top = harness.temporary()
    place = Place(zenithc, library, top)
    jobs = [(f"{kind} {m} {how}", lambda a=(kind, m, how): stepped(place, *a))
            for kind in ("alloc", "signal") for m in MODELS for how in OUTPUT if how != "ops" or m == MODELS[0]]
    jobs += [(f"disk {MODELS[0]} {how}", lambda h=how: disk(place, MODELS[0], h)) for how in ("c", "so")]
    jobs.append(("files and pipes", lambda: strange(place, MODELS[0])))
    passed = failed = 0
    for name, job in jobs:
        if only and not any(re.search(o, name) for o in only):
            continue
        found, tries = job()
        for f in found[:8]:
            print(f"FAIL {name}: {f}")
        failed += len(found)
        passed += tries - len(found)
    harness.finish(passed, failed, 0, top)


main()
