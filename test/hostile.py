"""Damaged models: zenithc must refuse or compile them, never crash, hang, or call it a bug of its own.

usage: hostile.py ZENITHC ROUNDS MODEL...     the same damage every time (seeded); a finding is kept in build/hostile/
"""
import os
import random
import sys

import harness

FINE = {0, 3, 4, 6}       # done, invalid, unsupported, over a limit


def damage(data, rng):
    """One of: bytes changed, a piece cut out, doubled, or swapped with another, the end missing, a length blown up."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        if not data:
            break
        i, n = rng.randrange(len(data)), rng.choice((1, 2, 8, 40))
        kind = rng.randrange(6)
        if kind == 0:
            data[i] = rng.randrange(256)
        elif kind == 1:
            del data[i:i + n]
        elif kind == 2:
            data[i:i] = data[i:i + n]
        elif kind == 3:
            j = rng.randrange(len(data))
            data[i:i + n], data[j:j + n] = data[j:j + n], data[i:i + n]
        elif kind == 4:
            del data[i:]
        else:
            data[i:i + 1] = bytes([0xff] * rng.choice((1, 4, 9)) + [rng.randrange(128)])
    return bytes(data)


def attempt(zenithc, path, kind, data):
    with open(path, "wb") as f:
        f.write(data)
    code, text = harness.start([zenithc, path, "-o", path + ".c", "--limit", "elements=1000000"], 60)
    bad = code not in FINE or "Sanitizer" in text or "runtime error" in text
    if bad:
        keep = os.path.join("build", "hostile", kind)
        os.makedirs(os.path.dirname(keep), exist_ok=True)
        with open(keep + ".onnx", "wb") as f:
            f.write(data)
    elif code and not text.strip():
        bad, text = True, "refused without a message"
    for p in path, path + ".c", path[:-5] + ".h":
        if os.path.exists(p):
            os.remove(p)
    return f"exit {code}: {harness.message(text)}" if bad else None


def main():
    zenithc, rounds, models = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    tmp, jobs = harness.temporary(), []
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0:allocator_may_return_null=1"
    for m in models:
        with open(m, "rb") as f:
            data = f.read()
        name = os.path.basename(m)[:-5]
        for i in range(rounds):
            rng = random.Random(f"{name} {i}")
            path = os.path.join(tmp, f"{name}{i}.onnx")
            jobs.append((f"{name}-{i}", lambda p=path, r=rng, d=data, n=f"{name}-{i}":
                         attempt(zenithc, p, n, damage(d, r))))
    results = dict(harness.run_all(jobs, 2))
    for name, text in sorted(results.items()):
        if text:
            print(f"FAIL {name}: {text}")
    failed = sum(bool(t) for t in results.values())
    harness.finish(len(results) - failed, failed, 0, tmp)


main()
