"""Compares filetype with the package's own tool on files of this machine: compare.py FILETYPE MAGIKA-TOOL [--table] [FILES]

Both name the type of some hundreds of files, of as many suffixes as there are, and of small ones made here. Where the
network decides, its label and what is made of it must be the same; where a rule does, the label. Scores may differ by
0.01: the tool's are cut to thousandths, and it sums in single precision (README.md). --table measures both.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

ROOTS = "/usr/share /usr/include /usr/lib /usr/bin /etc /var/lib/dpkg/info".split()
FILES, SUFFIX, MOST = 400, 1, 64 << 20
SMALL = {
    "empty": b"", "one": b"x", "seven": b"seven b", "high": b"\xff\xfe", "latin": b"caf\xe9", "cut": b"long enough \xe2\x82",
    "blanks": b" \t\n\v\f\r" * 3, "padded": b"\n" * 40 + b"abc" + b" " * 4000, "wide": b" " * 5000,
    "late": b" " * 4090 + b"int main(void) { return 0; }\n" * 300, "surrogate": b"ab\xed\xa0\x80", "overlong": b"a\xc0\x80",
    "emoji": "\U0001f600".encode(), "beyond": b"\xf4\x90\x80\x80", "nul": b"\0" * 9, "nuls": bytes(6000),
    "eight": b"12345678", "short": b"#!/bin/sh\nls\n", "exact": b"a,b,c\n" * 683, "block": (b"key = 1\n" * 512)[:4096],
}


def real_files(roots, want):
    """Paths, spread over folders and suffixes; the same each time on one machine."""
    taken, seen = [], {}
    for root in roots:
        here = 0
        for folder, inner, names in os.walk(root):
            inner.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                suffix = root + os.path.splitext(name)[1].lower()
                if here >= want // len(roots) or seen.get(suffix, 0) >= (20 if suffix == root else SUFFIX):
                    continue
                if "\n" in path or os.path.islink(path) or not os.path.isfile(path) or not os.access(path, os.R_OK) \
                        or os.path.getsize(path) > MOST:
                    continue
                seen[suffix] = seen.get(suffix, 0) + 1
                here += 1
                taken.append(path)
    return taken


def small_files(folder):
    for name, data in SMALL.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
    return [os.path.join(folder, name) for name in SMALL]


def ours(tool, files):
    out = subprocess.run([tool, "-s", *files], capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [line.rsplit(" ", 3) for line in out]
    return {path[:-1]: (label, None if guess == "-" else guess, float(score)) for path, label, guess, score in rows}


def theirs(tool, files):
    out = subprocess.run([tool, "--jsonl", *files], capture_output=True, text=True, check=True).stdout
    answers = {}
    for row in map(json.loads, out.splitlines()):
        value = row["result"]["value"]
        guess = value["dl"]["label"]
        answers[row["path"]] = value["output"]["label"], None if guess == "undefined" else guess, value["score"]
    return answers


def compare(a, b):
    failed = asked = 0
    for path, (label, guess, score) in b.items():
        mine = a.get(path)
        asked += guess is not None
        if not mine or mine[:2] != (label, guess) or abs(mine[2] - score) > .01:
            print("FAIL %s: %s, the tool says %s" % (path, mine, (label, guess, score)))
            failed += 1
    print("%d files, %d for the network, %d types" % (len(b), asked, len({x[0] for x in b.values()})))
    return failed


def cost(command):
    """Seconds on the clock and of processors."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, child.returncode, usage = os.wait4(child.pid, 0)
    assert child.returncode == 0, command
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime


def memory(command):
    """Megabytes at most, as long as it can be asked."""
    child, most = subprocess.Popen(command, stdout=subprocess.DEVNULL), 0
    while child.poll() is None:
        with open("/proc/%d/status" % child.pid) as f:
            most = max([most] + [int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM")])
        time.sleep(.001)
    return most


def least(command, times):
    return [1e3 * min(x) for x in zip(*[cost(command) for _ in range(times)])]


def table(mine, tool, files):
    print("| | one file: ms | ms of processors | of many, each: ms | ms of processors | memory, MB | program, MB |")
    print("|---|---|---|---|---|---|---|")
    for name, program in ("filetype", mine), ("the package's tool", tool):
        one, many = least([program, files[0]], 20), [x / len(files) for x in least([program, *files], 5)]
        print("| %s | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f |" %
              (name, *one, *many, memory([program, *files]), os.path.getsize(program) / 2**20))


def main(mine, tool, option="", number=FILES):
    with tempfile.TemporaryDirectory() as folder:
        files = real_files(ROOTS, int(number))
        every = small_files(folder) + files
        failed = compare(ours(mine, every), theirs(tool, every))
        if option == "--table":
            table(mine, tool, files)
    print("%d passed, %d failed" % (len(every) - failed, failed))
    return failed > 0


sys.exit(main(*sys.argv[1:]))
