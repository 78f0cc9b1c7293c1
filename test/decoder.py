"""A small decoder of dynamic length whose key-value caches are state: 64 steps of the compiled model against ONNX Runtime,
which is handed the growing caches. And one step of smollm_135m_decode, where $ZOO has it: no kernel copies a cache.
usage: decoder.py ZENITHC [ZOO]"""
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HEADS, WIDTH, LAYERS, STEPS = 3, 8, 2, 64
DIM = HEADS * WIDTH
passed = failed = skipped = 0


def check(ok, what):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print("FAIL", what)


def decoder():
    """x [1,1,DIM] -> y [1,1,DIM]; k_L, v_L [1,HEADS,past,WIDTH] -> k_L_out, v_L_out one longer."""
    rng = np.random.default_rng(7)
    nodes, weights, ins, outs = [], [], [], []

    def weight(name, *shape):
        a = (rng.standard_normal(shape) * 0.3).astype(np.float32)
        weights.append(numpy_helper.from_array(a, name))
        return name

    def const(name, a, dtype=np.int64):
        weights.append(numpy_helper.from_array(np.array(a, dtype), name))
        return name

    def node(op, inputs, output, **attrs):
        nodes.append(helper.make_node(op, inputs, [output], **attrs))
        return output

    const("split", [1, 1, HEADS, WIDTH])
    const("join", [1, 1, DIM])
    const("scale", 1 / np.sqrt(WIDTH), np.float32)
    x = "x"
    for i in range(LAYERS):
        h = {}
        for p in "qkv":
            w = node("MatMul", [x, weight(f"w{p}{i}", DIM, DIM)], f"{p}{i}_flat")
            w = node("Reshape", [w, "split"], f"{p}{i}_split")
            h[p] = node("Transpose", [w], f"{p}{i}", perm=[0, 2, 1, 3])
        for p in "kv":
            ins.append(helper.make_tensor_value_info(f"{p}_{i}", TensorProto.FLOAT, [1, HEADS, "past", WIDTH]))
            outs.append(helper.make_tensor_value_info(f"{p}_{i}_out", TensorProto.FLOAT, [1, HEADS, "total", WIDTH]))
            node("Concat", [f"{p}_{i}", h[p]], f"{p}_{i}_out", axis=2)
        t = node("Transpose", [f"k_{i}_out"], f"kt{i}", perm=[0, 1, 3, 2])
        s = node("MatMul", [h["q"], t], f"s{i}")
        s = node("Softmax", [node("Mul", [s, "scale"], f"ss{i}")], f"p{i}", axis=-1)
        o = node("MatMul", [s, f"v_{i}_out"], f"o{i}")
        o = node("Reshape", [node("Transpose", [o], f"ot{i}", perm=[0, 2, 1, 3]), "join"], f"oj{i}")
        a = node("Add", [x, node("MatMul", [o, weight(f"wo{i}", DIM, DIM)], f"oo{i}")], f"a{i}")
        x = node("Tanh", [a], "y" if i == LAYERS - 1 else f"x{i}")
    g = helper.make_graph(nodes, "decoder", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, DIM])] + ins,
                          [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, DIM])] + outs, weights)
    return helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


DRIVER = """#include "dec.h"
#include <stdio.h>
static unsigned char ws[1 << 20];
int main(void)
{
	dec_ctx ctx;
	dec_setup setup = {0};
	float x[%(dim)d], y[%(dim)d];
	int status;
	setup.workspace = ws;
	setup.workspace_bytes = sizeof ws;
	status = dec_init(&ctx, &setup);
	while (!status && fread(x, sizeof x, 1, stdin) == 1) {
		dec_io io = {0};
		io.x = x;
		io.y = y;
		status = dec_run_in(&ctx, &io);
		if (!status)
			fwrite(y, sizeof y, 1, stdout);
	}
	return status ? status : dec_done(&ctx);
}
""" % {"dim": DIM}


def steps(folder, level, xs):
    pairs = [f"--state={p}_{i}={p}_{i}_out" for i in range(LAYERS) for p in "kv"]
    run = [Z, os.path.join(folder, "model.onnx"), level, f"--dim=past=0..{STEPS}", "--name=dec",
           "-o", os.path.join(folder, "dec.c")] + pairs
    p = subprocess.run(run, capture_output=True, text=True)
    check(p.returncode == 0, f"decoder {level}: {p.stderr.strip()[:300]}")
    if p.returncode:
        return None
    with open(os.path.join(folder, "main.c"), "w") as f:
        f.write(DRIVER)
    exe = os.path.join(folder, "decoder")
    subprocess.run(["cc", "-O1", "-w", "-I", folder, "-o", exe, os.path.join(folder, "main.c"),
                    os.path.join(folder, "dec.c"), "-lm"], check=True)
    p = subprocess.run([exe], input=xs.tobytes(), capture_output=True)
    check(p.returncode == 0, f"decoder {level}: status {p.returncode} after {len(p.stdout) // (4 * DIM)} steps")
    return np.frombuffer(p.stdout, np.float32).reshape(-1, DIM)


def reference(model, xs):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [f"{p}_{i}" for i in range(LAYERS) for p in "kv"]
    cache = {n: np.zeros((1, HEADS, 0, WIDTH), np.float32) for n in names}
    ys = []
    for x in xs:
        out = session.run(["y"] + [n + "_out" for n in names], {"x": x.reshape(1, 1, DIM), **cache})
        ys.append(out[0].reshape(DIM))
        cache = dict(zip(names, out[1:]))
    return np.array(ys)


def dynamic():
    model = decoder()
    xs = np.random.default_rng(3).standard_normal((STEPS, DIM)).astype(np.float32)
    want = reference(model, xs)
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, os.path.join(folder, "model.onnx"))
        for level in ("-O0", "-O3"):
            got = steps(folder, level, xs)
            if got is not None:
                worst = np.abs(got - want).max() if got.shape == want.shape else np.inf
                check(worst <= 1e-5, f"decoder {level}: {len(got)} steps, largest difference {worst}")


def smollm(path):
    """Every loop nest that both reads and writes memory of a cache's size would be a copy; none may exist."""
    model = onnx.load(path, load_external_data=False)
    outs = {o.name for o in model.graph.output}
    pairs = [f"--state={n.input[0]}={n.output[0]}" for n in model.graph.node
             if n.op_type == "Concat" and n.input[0].startswith("kv_") and n.output[0] in outs]
    check(len(pairs) == 60, f"smollm: {len(pairs)} caches")
    with tempfile.TemporaryDirectory() as folder:
        p = subprocess.run([Z, path, "-O3", "--dump=lower", "-o", os.path.join(folder, "m.c")] + pairs,
                           capture_output=True, text=True)
        check(p.returncode == 0, f"smollm: {p.stderr.strip()[:300]}")
        size = 3 * 127 * 64
        for kernel in re.findall(r"^kernel .*?^}", p.stderr, re.M | re.S):
            head = kernel.split("{")[0]
            stores = re.findall(r"(?:out|inout) [\w.]+: (?:packed )?f32\[(\d+)\]", head)
            iterations = np.prod([int(n) for n in re.findall(r"for i\d+ < (\d+)", kernel)] or [1], dtype=float)
            plain = not re.search(r"\b(mul|add|max|exp|fma)\(", kernel)
            check(not (plain and iterations >= size and any(int(s) >= size for s in stores)),
                  f"smollm: a kernel copies a cache: {head.strip()[:200]}")


Z = os.path.abspath(sys.argv[1])
dynamic()
zoo = os.path.join(sys.argv[2], "smollm_135m_decode", "model.onnx") if len(sys.argv) > 2 else ""
if os.path.exists(zoo):
    smollm(zoo)
else:
    skipped += 1
    print("skipped: smollm_135m_decode is not here")
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(failed > 0)
