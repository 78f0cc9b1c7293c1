"""What conform.py and models.py share: running zenithc on many cases, two at a time, and telling what came of it."""
import argparse
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# what the C compiler is told of the processor
ISA = {"best": "", "avx2": " -D__builtin_cpu_supports(x)=((x)[3]!=53)", "none": " -D__builtin_cpu_supports(x)=0"}
ALL = " -D__builtin_cpu_supports(x)=1"
PASS, REFUSED, WRONG, CRASH = "pass", "refused", "wrong", "crash"
KIND = {0: PASS, 1: WRONG, 4: REFUSED}


def arguments(what, cases_help):
    p = argparse.ArgumentParser(description=what)
    p.add_argument("--zenithc", default="build/zenithc")
    p.add_argument("-O", dest="level", default="3", help="level of zenithc")
    p.add_argument("--cc", default="gcc -O1 -w")
    p.add_argument("--threads", default="1", help="of zenithc")
    p.add_argument("-j", type=int, default=2)
    p.add_argument("--timeout", type=int, default=120, help="seconds for a case")
    p.add_argument("--status", metavar="FILE", help="write a line for each failing case to FILE")
    p.add_argument("only", nargs="*", metavar="REGEX", help=cases_help)
    return p


def temporary():
    """A folder that goes with the process, in memory where there is such a place; TMPDIR for what is started."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = tempfile.mkdtemp(prefix="zenithc-test-", dir=base)
    os.environ["TMPDIR"] = folder
    return folder


# a function for which gcc declares the builtins of all vector instructions, before generated code's pragma of optimisation,
# with which that takes it longer than to compile a small case. In a header compiled before, they are not declared yet
BUILTINS = """#if defined __x86_64__ && !defined __clang__
__attribute__((target("avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))) void zn_builtins(void);
#endif
"""


def warm(cc, folder, vectors=True):
    """cc with the headers of generated code compiled before: those of vector instructions cost a small case more than
    everything else together. cc itself where the compiler makes no such file."""
    words, header, more = cc.split(), os.path.join(folder, "warm.h"), os.path.join(folder, "builtins.h")
    made = header + (".pch" if "clang" in os.path.basename(words[0]) else ".gch")
    with open(header, "w") as f:
        f.write("#if defined __x86_64__\n#include <immintrin.h>\n#endif\n" if vectors else "")
        f.write("#include <math.h>\n#include <stdint.h>\n#include <string.h>\n")
    with open(more, "w") as f:
        f.write(BUILTINS)
    try:
        code, _ = start([words[0], "-O2", "-fPIC", *words[1:], "-x", "c-header", header, "-o", made], 60)
    except OSError:
        return cc
    return f"{cc} -include {header}" + (f" -include {more}" if vectors else "") if code == 0 else cc


def host(cc):
    """cc told what the processor has, so that it compiles of every kernel only the variant that runs."""
    flags = set()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as f:
            flags = set(next((s for s in f if s.startswith("flags")), "").split())
    if flags >= {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "avx2", "fma"}:
        return cc + ALL
    return cc


def message(text):
    """The line that says what went wrong: the first that names an error, else the first."""
    lines = [s.strip() for s in text.splitlines() if s.strip()]
    for word in ("Sanitizer", "bug", "error:", "unsupported", " differ; ", "error"):
        for s in lines:
            if word in s:
                return s[:240]
    return lines[0][:240] if lines else ""


def start(command, timeout):
    """(exit code, output); a signal is a negative code, a timeout is 124. Ends the whole process group."""
    p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                         start_new_session=True)
    try:
        out, _ = p.communicate(timeout=timeout)
        return p.returncode, out.decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        p.communicate()
        return 124, f"no end after {timeout} s"


def outcome(command, timeout):
    """(pass | refused | wrong | crash, first line of the message, exit code)"""
    code, text = start(command, timeout)
    return KIND.get(code, CRASH), "" if code == 0 else message(text) or f"exit {code}", code


def run_all(jobs, workers):
    """Runs the jobs (name, function without arguments) and yields (name, result) as they end; a bar on a terminal."""
    began, done, shown = time.time(), 0, 0
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        running = {pool.submit(f): name for name, f in jobs}
        for future in concurrent.futures.as_completed(running):
            done += 1
            if sys.stderr.isatty() or time.time() - shown > 30:
                shown = time.time()
                end = "\r" if sys.stderr.isatty() else "\n"
                print(f"{done} of {len(running)}, {shown - began:.0f} s", end=end, file=sys.stderr, flush=True)
            yield running[future], future.result()


def write_status(path, lines):
    if path:
        with open(path + ".new", "w") as f:
            f.write("".join(s + "\n" for s in sorted(lines)))
        os.replace(path + ".new", path)


def finish(passed, failed, skipped, folder):
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    sys.exit(1 if failed or not passed + skipped else 0)


def verify_isas(o, cases, write, error):
    """`zenithc verify` of each case by name, that write(folder, case, number) made: model.onnx and the folder set; with the
    vectors of each instruction set. Ends the process."""
    tmp, jobs, cc = temporary(), [], {}
    for isa, flags in ISA.items():
        os.mkdir(f"{tmp}/headers-{isa}")
        cc[isa] = warm(o.cc + flags, f"{tmp}/headers-{isa}")
    for i, (name, case) in enumerate(cases.items()):
        if o.only and not any(re.search(r, name) for r in o.only):
            continue
        write(f"{tmp}/{name}", case, i)
        for isa in ISA:
            cmd = [o.zenithc, "verify", f"{tmp}/{name}/model.onnx", "--data", f"{tmp}/{name}/set", f"-O{o.level}",
                   "--cc", cc[isa], "--max-error", error]
            jobs.append((f"{name} {isa}", lambda c=cmd: outcome(c, o.timeout)))
    bad = [(n, r) for n, r in run_all(jobs, o.j) if r[0] != PASS]
    for name, (kind, text, _) in sorted(bad):
        print(f"FAIL {name}: {kind}: {text}")
    finish(len(jobs) - len(bad), len(bad), 0, tmp)
