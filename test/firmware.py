"""examples/firmware on every board that this machine can simulate: the digits and the models of MLPerf Tiny answer as
they do here, bit for bit unless CLOSE says otherwise, their stack stays within what was computed for it, and a table
says what they cost. usage: firmware.py ZENITHC MODELS FOLDER [MODEL...]"""
import os
import re
import shutil
import subprocess
import sys

import numpy as np
from onnx import TensorProto, numpy_helper

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "examples", "firmware")
DIGITS = os.path.join(ROOT, "examples", "digits")
NEEDS = {
    "m4f": ("arm-none-eabi-gcc", "qemu-system-arm"),
    "m55": ("arm-none-eabi-gcc", "qemu-system-arm"),
    "rv32": ("riscv64-unknown-elf-gcc", "qemu-system-riscv32"),
    "rv64": ("riscv64-unknown-elf-gcc", "qemu-system-riscv64"),
    "arm64": ("aarch64-linux-gnu-gcc", "qemu-aarch64"),
    "wasm32": ("clang", "wasm-ld", "node"),
}
MODELS = ("digits", "mlperf_ad_autoencoder_qdq", "mlperf_kws_dscnn_fp32", "mlperf_kws_dscnn_qdq",
          "mlperf_vww_mobilenetv1_fp32", "mlperf_vww_mobilenetv1_qdq")
LONG = {"mlperf_vww_mobilenetv1_fp32", "mlperf_vww_mobilenetv1_qdq"}     # one input is enough
CLOSE = 1e-6        # exp is the C library's: largest difference of an output, relative to the largest
STACK = 2048        # as the Makefile has it
MOST = 7            # instructions of a Cortex-M for a multiply-accumulate, everything counted


def digits():
    with open(os.path.join(DIGITS, "images.txt")) as f:
        rows = [line.split()[1] for line in f][:10]
    return [np.array([int(c, 17) for c in row], np.float32) for row in rows]


def references(folder, count):
    out = []
    for i in range(count):
        t = TensorProto()
        with open(os.path.join(folder, "ort_ref", f"test_data_set_{i}", "input_0.pb"), "rb") as f:
            t.ParseFromString(f.read())
        out.append(numpy_helper.to_array(t))
    return out


def build(z, out, model, board, *more):
    words = ["make", "-s", "-C", FOLDER, f"ZENITHC={z}", f"OUT={out}", f"MODEL={model}", f"BOARD={board}", *more]
    r = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    return r.returncode, r.stdout


def outputs(text):
    rows = [line.split()[1:-2] for line in text.splitlines() if line.startswith("output ")]
    return np.array([[int(w, 16) for w in row] for row in rows], np.uint32)


def number(pattern, text):
    m = re.search(pattern, text)
    return int(m.group(1)) if m else 0


def compare(want, text):
    """"" if the answers are the host's, else what is wrong; and how far they are from them"""
    got = outputs(text)
    if got.shape != want.shape:
        return f"answers of another shape, {got.shape}: {text[-300:]}", 0
    if np.array_equal(got, want):
        return "", 0
    a, b = want.view(np.float32), got.view(np.float32)
    far = float(np.max(np.abs(a - b)) / np.max(np.abs(a)))
    if not far <= CLOSE or not np.array_equal(a.argmax(1), b.argmax(1)):
        return f"answers differ by {far:.2g}", far
    return "", far


def one(z, out, model, name, board, want, packed):
    rc, text = build(z, out, model, board, "all", "run", f"INPUT={packed}")
    if rc:
        return f"FAIL {name} on {board}: {text[-500:]}"
    wrong, far = compare(want, text)
    stack, bound = number(r"stack (\d+)\n", text), number(r"stack at most (\d+)", text)
    if not wrong and bound and not 0 < stack <= bound <= STACK:
        wrong = f"stack {stack}, computed bound {bound}, there are {STACK}"
    steps = number(r"instructions a run (\d+)", text)
    with open(os.path.join(out, "model.h")) as f:
        macs = number(r"_MACS (\d+)", f.read())
    if not wrong and bound and steps > MOST * macs:
        wrong = f"{steps} instructions for {macs} multiply-accumulates"
    if wrong:
        return f"FAIL {name} on {board}: {wrong}"
    row = (number(r"flash (\d+)", text), number(r"RAM (\d+)", text), stack, bound, steps)
    per = f"{steps/macs:.1f}" if steps else "-"
    print(f"{name:28s} {board:6s}" + "".join(f"{n or '-':>11}" for n in row) + f"{per:>8}   {far or 'equal':.8}",
          flush=True)
    return ""


def too_small(z, out, model, name):
    """A chip that the program does not fit: the linker says what is missing."""
    rc, text = build(z, out, model, "m4f", "FLASH=8K", "RAM=4K")
    if rc and re.search(r"`FLASH' overflowed by \d+ bytes", text) and "`RAM' overflowed" in text:
        return ""
    return f"FAIL {name} in 8 KB: {text[-300:]}"


def another(z, out):
    """Another model in the same folder is made again; one that main.c cannot take is refused with a reason."""
    golden = os.path.join(ROOT, "test", "golden")
    build(z, out, os.path.join(DIGITS, "digits.onnx"), "host")
    rc, text = build(z, out, os.path.join(golden, "dense.onnx"), "host", "run")
    if rc or outputs(text).shape != (1, 8):
        return f"FAIL another model in the same folder: {text[-300:]}"
    rc, text = build(z, out, os.path.join(golden, "matmul_dynamic.onnx"), "host")
    if not rc or "main.c takes one float32 input" not in text or "error:" in text:
        return f"FAIL a model of open sizes: exit {rc}: {text[-300:]}"
    rc, text = build(z, out, os.path.join(DIGITS, "digits.onnx"), "toaster")
    return "" if rc and "none of m4f" in text else f"FAIL a board that is none: {text[-300:]}"


def main():
    z, models, work, *only = sys.argv[1:]
    z, work = os.path.abspath(z), os.path.abspath(work)
    passed = failed = skipped = 0
    boards = [b for b in NEEDS if all(shutil.which(c) for c in NEEDS[b])]
    for b in NEEDS:
        if b not in boards:
            print(f"{b}: no", ", ".join(c for c in NEEDS[b] if not shutil.which(c)))
            skipped += 1
    print(f"{'model':28s} {'board':6s}" + "".join(f"{s:>11s}" for s in ("flash", "RAM", "stack", "bound", "instr/run")) +
          " per MAC   answers")
    for name in only or MODELS:
        folder = DIGITS if name == "digits" else os.path.abspath(os.path.join(models, name))
        model = os.path.join(folder, "digits.onnx" if name == "digits" else "model.onnx")
        if not os.path.exists(model):
            print(f"no {model}: skipped")
            skipped += 1
            continue
        out = os.path.join(work, name)
        os.makedirs(out, exist_ok=True)
        packed = os.path.join(out, "inputs.bin")
        with open(packed, "wb") as f:
            for x in digits() if name == "digits" else references(folder, 1 if name in LONG else 2):
                f.write(x.astype("<f4").tobytes())
        rc, text = build(z, out, model, "host", "run", f"INPUT={packed}")
        if rc:
            print(f"FAIL {name} here: {text[-500:]}")
            failed += 1
            continue
        for b in boards:
            wrong = one(z, out, model, name, b, outputs(text), packed)
            if wrong:
                print(wrong)
            failed, passed = failed + bool(wrong), passed + (not wrong)
        if "m4f" in boards:
            wrong = too_small(z, out, model, name)
            if wrong:
                print(wrong)
            failed, passed = failed + bool(wrong), passed + (not wrong)
    wrong = another(z, os.path.join(work, "another"))
    if wrong:
        print(wrong)
    failed, passed = failed + bool(wrong), passed + (not wrong)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed > 0


sys.exit(main())
