#!/usr/bin/env python3
"""Denormals: zero in kernels of float vectors, exact in casts, doubles, logarithms, comparisons and at -O0; and the
processor's mode as the caller had it, after a run that ends well or not, with threads too; AArch64 under qemu.
usage: denormals.py ZENITHC RUNTIME.a"""
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper as nh

DRIVER = r"""
#include "m.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined __x86_64__
#include <xmmintrin.h>
enum { PLAIN = 0x1f80, OTHER = 0x9fc0 };      /* the second flushes, both ways */
static unsigned long get(void) { return _mm_getcsr() & ~0x3fu; }
static void set(unsigned long m) { _mm_setcsr((unsigned)m); }
#else
enum { PLAIN = 0, OTHER = 0x1000000 };
static unsigned long get(void) { unsigned long m; __asm__ volatile("mrs %0, fpcr" : "=r"(m)); return m; }
static void set(unsigned long m) { __asm__ volatile("msr fpcr, %0" : : "r"(m)); }
#endif
static float x[128 * 64], sum[128 * 64], product[128 * 64], logs[128 * 64];
static double d[128 * 64];
static unsigned char positive[128 * 64];
static float picked[64];

int main(int argc, char **argv)
{
	int64_t at = 3;
	uint32_t tiny = 0x00400000;              /* 2^-127 */
	unsigned long mode = argc > 2 ? OTHER : PLAIN;
	int i, n = 128 * 64, status;

	for (i = 0; i < n; i++)
		memcpy(&x[i], &tiny, 4);
	at = argc > 1 ? atoi(argv[1]) : at;
	for (i = 0; i < 3; i++) {
		set(mode);
		status = m_run(x, &at, sum, product, logs, d, positive, picked);
		if (get() != mode) {
			set(PLAIN);
			printf("mode %lx became %lx\n", mode, get());
			return 1;
		}
		set(PLAIN);
	}
	printf("%d %a %a %a %a %d\n", status, (double)sum[5000], (double)product[5000], (double)logs[5000],
		d[5000] * 0x1p200, positive[5000]);
	return 0;
}
"""


def model(path):
    """x (128, 64) -> x w + x w, x * 3, log x, x as double * 2, x > 0, a row of x w"""
    w = np.full((64, 64), np.float32(2.0 ** -3), np.float32)
    n = [h.make_node("MatMul", ["x", "w"], ["p"]), h.make_node("Add", ["p", "p"], ["sum"]),
         h.make_node("Mul", ["x", "three"], ["product"]), h.make_node("Log", ["x"], ["logs"]),
         h.make_node("Cast", ["x"], ["xd"], to=T.DOUBLE), h.make_node("Mul", ["xd", "two"], ["d"]),
         h.make_node("Greater", ["x", "zero"], ["positive"]), h.make_node("Gather", ["p", "at"], ["picked"], axis=0)]
    const = [nh.from_array(w, "w"), nh.from_array(np.float32(3), "three"), nh.from_array(np.float64(2), "two"),
             nh.from_array(np.float32(0), "zero")]
    out = [h.make_tensor_value_info(name, t, s) for name, t, s in (
        ("sum", T.FLOAT, [128, 64]), ("product", T.FLOAT, [128, 64]), ("logs", T.FLOAT, [128, 64]),
        ("d", T.DOUBLE, [128, 64]), ("positive", T.BOOL, [128, 64]), ("picked", T.FLOAT, [64]))]
    g = h.make_graph(n, "m", [h.make_tensor_value_info("x", T.FLOAT, [128, 64]),
                              h.make_tensor_value_info("at", T.INT64, [])], out, const)
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 21)], ir_version=10), path)


# what a denormal and zero come apart in: no kernel of it takes the one for the other
APART = {"ceil": [("Ceil", "x")], "sqrt": [("Sqrt", "x")], "clipped": [("Max", "x", "minus"), ("Div", "x", "v0")],
         "tiny": [("Div", "x", "tiny")], "step": [("Greater", "x", "zero"), ("Where", "v0", "one", "zero"), ("Add", "x", "v1")],
         "exponentials": [("Sub", "x", "hundred"), ("Exp", "v0"), ("ReduceSum", "v1"), ("Div", "x", "v2")],
         "powers": [("Mul" if i else "Add", *(2 * [f"v{i - 1}"] if i else 2 * ["x"])) for i in range(60)]
         + [("Greater", "x", "zero"), ("Where", "v60", "v59", "x")]}


def apart(z, folder, name):
    n = [h.make_node(op, list(ins), [f"v{i}"]) for i, (op, *ins) in enumerate(APART[name])]
    const = [nh.from_array(np.float32(v), k) for k, v in (("minus", -1), ("tiny", 1e-40), ("zero", 0), ("one", 1), ("hundred", 95))]
    g = h.make_graph(n, "m", [h.make_tensor_value_info("x", T.FLOAT, [128, 64])],
                     [h.make_tensor_value_info(n[-1].output[0], T.FLOAT, None)], const)
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 21)], ir_version=10), folder / "a.onnx")
    r = subprocess.run([z, folder / "a.onnx", "-o", folder / "a.c"], timeout=60)
    return r.returncode == 0 and "zn_ftz_set(" not in (folder / "a.c").read_text()


X = 2.0 ** -127
FLUSHED = (0.0, 0.0, float(np.float32(np.log(X))), X * 2 * 2.0 ** 200, 1.0)
EXACT = (X * 2.0 ** -3 * 64 * 2, X * 3, *FLUSHED[2:])


def same(line, status, want):
    got = line.split()
    if len(got) != 6 or int(got[0]) != status:
        return False
    if status:
        return True
    g = [float.fromhex(t) for t in got[1:5]] + [float(got[5])]
    return all(a == b or abs(a - b) < 1e-5 * abs(b) for a, b in zip(g, want))


def main():
    z, lib = sys.argv[1], sys.argv[2]
    count = {"passed": 0, "failed": 0, "skipped": 0}
    with tempfile.TemporaryDirectory() as tmp:
        d = Path(tmp)
        model(d / "m.onnx")
        (d / "main.c").write_text(DRIVER)
        for name in APART:
            ok = apart(z, d, name)
            count["passed" if ok else "failed"] += 1
            if not ok:
                print("FAIL", name)
        native = [["gcc", "-O2"], ["clang", "-O2"]] if platform.machine() == "x86_64" else [["cc", "-O2"]]
        cross = [["aarch64-linux-gnu-gcc", "-O2", "-static"]]
        vectors = platform.machine() != "x86_64" or " avx2 " in Path("/proc/cpuinfo").read_text()
        for level, threads in (("-O3", 1), ("-O3", 2), ("-O0", 1)):
            subprocess.run([z, d / "m.onnx", "-o", d / "m.c", level, "--threads", str(threads)], check=True)
            for cc in native + cross:
                emulate = ["qemu-aarch64"] if cc in cross else []
                if not all(shutil.which(t) for t in [cc[0], *emulate]) or (emulate and threads > 1):
                    print(f"{cc[0]} with {threads} threads: skipped")
                    count["skipped"] += 1
                    continue
                more = [lib, "-pthread"] if threads > 1 else []
                subprocess.run([*cc, "-std=gnu99", "-w", "-o", d / "x", d / "main.c", d / "m.c", *more, "-lm"], check=True)
                want = EXACT if level == "-O0" or not (vectors or emulate) else FLUSHED
                for args, status in ((["3"], 0), (["500"], 3)):
                    for other in ([], ["other"]):
                        r = subprocess.run([*emulate, d / "x", *args, *other], capture_output=True, text=True)
                        ok = r.returncode == 0 and (bool(other) or same(r.stdout, status, want))
                        count["passed" if ok else "failed"] += 1
                        if not ok:
                            print("FAIL", level, threads, cc[0], args, other, r.stdout.strip(), r.returncode, "want", want)
    print(", ".join(f"{n} {w}" for w, n in count.items()))
    return count["failed"] != 0


if __name__ == "__main__":
    sys.exit(main())
