#!/usr/bin/env python3
"""Sums of products of bytes on AArch64 under qemu, on a processor that has dot products and on one that has not: exactly
what -O0 computes here. u8 and i8 by i8, zero points, padding, sizes that fill no vector and no word.
usage: dotprod.py ZENITHC"""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper as nh

CC, QEMU = "aarch64-linux-gnu-gcc", "qemu-aarch64"

DRIVER = r"""
#include "m.h"
#include <stdio.h>
static %s x[%d];
static int32_t y[%d];

int main(void)
{
	uint32_t seed = 12345, sum = 2166136261u;
	int i;

	for (i = 0; i < %d; i++) {
		seed = seed * 1664525u + 1013904223u;
		x[i] = (%s)(seed >> 24);
	}
	if (m_run(x, y))
		return 1;
	for (i = 0; i < %d; i++)
		sum = (sum ^ (uint32_t)y[i]) * 16777619u;
	printf("%%08x\n", (unsigned)sum);
	return 0;
}
"""


def model(path, signed, zero, conv, shape, weights):
    rng = np.random.default_rng(7)
    w = rng.integers(-128, 128, weights).astype(np.int8)
    const = [nh.from_array(w, "w"), nh.from_array((np.int8 if signed else np.uint8)(zero), "z")]
    if conv:
        n = [h.make_node("Transpose", ["x"], ["first"], perm=[0, 3, 1, 2]),
             h.make_node("ConvInteger", ["first", "w", "z"], ["c"], pads=[1, 1, 1, 1]),
             h.make_node("Transpose", ["c"], ["y"], perm=[0, 2, 3, 1])]
        out = [shape[0], shape[1] + 2 - weights[2] + 1, shape[2] + 2 - weights[3] + 1, weights[0]]
    else:
        n = [h.make_node("MatMulInteger", ["x", "w", "z"], ["y"])]
        out = [shape[0], weights[1]]
    t = T.INT8 if signed else T.UINT8
    g = h.make_graph(n, "m", [h.make_tensor_value_info("x", t, shape)], [h.make_tensor_value_info("y", T.INT32, out)], const)
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 21)], ir_version=10), path)
    return int(np.prod(shape)), int(np.prod(out))


def main():
    z = sys.argv[1]
    count = {"passed": 0, "failed": 0, "skipped": 0}
    if not shutil.which(CC) or not shutil.which(QEMU):
        print(f"no {CC} or no {QEMU}\n0 passed, 0 failed, 1 skipped")
        return 0
    dots = 0
    with tempfile.TemporaryDirectory() as tmp:
        d = Path(tmp)
        for signed, zero, conv, shape, weights in (
                (False, 0, False, [5, 64], [64, 33]), (False, 131, False, [7, 39], [39, 20]),
                (True, 0, False, [5, 66], [66, 16]), (True, -77, False, [3, 129], [129, 48]),
                (False, 128, True, [1, 9, 7, 16], [24, 16, 3, 3]), (True, 5, True, [1, 8, 8, 13], [20, 13, 3, 3]),
                (False, 255, True, [1, 10, 10, 3], [16, 3, 3, 3])):
            nx, ny = model(d / "m.onnx", signed, zero, conv, shape, weights)
            c = "int8_t" if signed else "uint8_t"
            (d / "main.c").write_text(DRIVER % (c, nx, ny, nx, c, ny))
            got = []
            for level, cc, cpus in (("-O0", ["gcc"], [None]), ("-O3", [CC, "-static"], ["max", "cortex-a53"])):
                subprocess.run([z, d / "m.onnx", "-o", d / "m.c", level], check=True)
                subprocess.run([*cc, "-O2", "-std=gnu99", "-w", "-o", d / "x", d / "main.c", d / "m.c", "-lm"], check=True)
                got += [subprocess.run([*([QEMU, "-cpu", cpu] if cpu else []), d / "x"], capture_output=True, text=True).stdout
                        for cpu in cpus]
            text = subprocess.run(["aarch64-linux-gnu-objdump", "-d", d / "x"], capture_output=True, text=True).stdout
            dots += "\tsdot\t" in text
            ok = got[0] and got.count(got[0]) == len(got)
            count["passed" if ok else "failed"] += 1
            if not ok:
                print("FAIL", "s8" if signed else "u8", zero, shape, weights, got)
    if dots < 6:
        print("FAIL only", dots, "of the models use SDOT")
        count["failed"] += 1
    print(", ".join(f"{n} {w}" for w, n in count.items()))
    return count["failed"] != 0


if __name__ == "__main__":
    sys.exit(main())
