"""`zenithc bench` and `run --profile`: what they print, never how long it took. usage: bench.py ZENITHC"""
import json
import os
import pty
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

passed = failed = 0
ORDER = ["min", "p50", "p90", "p99", "p99.9", "max"]


def check(ok, what):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print("FAIL", what)


def zenithc(*args):
    p = subprocess.run([Z, *args], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return p.returncode, p.stdout, p.stderr


def made(*args):
    code, out, err = zenithc(*args, "--json")
    check(code == 0, f"exit {code}: {args}: {err}")
    return json.loads(out) if code == 0 else {}


def value(name, dtype, dims):
    return helper.make_tensor_value_info(name, dtype, dims)


def save(path, nodes, inputs, outputs, weights=()):
    g = helper.make_graph(nodes, "g", inputs, outputs, [numpy_helper.from_array(w, n) for n, w in weights])
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def models():
    f, w = TensorProto.FLOAT, np.ones((64, 32), np.float32)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"], "product"), helper.make_node("Relu", ["h"], ["y"], "clamp"),
             helper.make_node("Softmax", ["y"], ["z"], "rows", axis=0)]
    for name, n in ("fixed.onnx", 4), ("open.onnx", "n"):
        save(name, nodes, [value("x", f, [n, 64])], [value("z", f, [n, 32])], [("w", w)])
    save("pick.onnx", [helper.make_node("Gather", ["x", "i"], ["y"])], [value("x", f, [2]), value("i", 7, [1])],
         [value("y", f, [1])])
    body = helper.make_graph([helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Sin", ["a"], ["b"], "wave")],
                             "body", [value("i", 7, []), value("c", 9, []), value("a", f, [8])],
                             [value("d", 9, []), value("b", f, [8])])
    save("loop.onnx", [helper.make_node("Loop", ["n", "", "x"], ["y"], "again", body=body)], [value("x", f, [8])],
         [value("y", f, [8])], [("n", np.array(5, np.int64))])
    np.save("three.npy", np.zeros((3, 64), np.float32))
    np.save("nine.npy", np.array([9], np.int64))


def latency(j, name):
    t = j.get("latency_ms", {})
    check(set(t) == set(ORDER + ["mean"]), f"{name}: {t}")
    check(all(t[a] <= t[b] for a, b in zip(ORDER, ORDER[1:])), f"{name}: in order: {t}")
    check(0 < t["min"] <= t["mean"] <= t["max"], f"{name}: mean: {t}")


def scenarios():
    for name in "single-stream", "multi-stream", "offline", "server":
        n = 1 if name == "single-stream" else 2
        more = [] if n == 1 else ["--streams", "2"]
        j = made("bench", "fixed.onnx", "--scenario", name, "--seconds", "0.05", *more)
        check((j["scenario"], j["streams"], j["threads"]) == (name, n, 1), f"{name}: {j}")
        check(j["inputs"] == {"x": "float32[4,64]"}, f"{name}: inputs {j['inputs']}")
        check(j["runs"] >= n and j["throughput"] > 0, f"{name}: runs")
        check(abs(j["runs"] / j["seconds"] / j["throughput"] - 1) < 1e-9, f"{name}: throughput")
        if name == "offline":
            check("latency_ms" not in j, f"{name}: no latency")
        else:
            latency(j, name)
        for part, rate in ("compute", "gflops"), ("memory", "gbs"):
            p = j[part]
            check(p[rate] > 0 and abs(p["share"] * p["limit_" + rate] / p[rate] - 1) < 1e-9, f"{name}: {p}")
        check(j["compute"]["macs"] == 4 * 64 * 32, f"{name}: macs")
        check(j["memory"]["weight_bytes"] == 64 * 32 * 4 and j["memory"]["port_bytes"] == 4 * (64 + 32) * 4,
              f"{name}: bytes")
    check(j["qps"] > 0, "server: qps")
    j = made("bench", "fixed.onnx", "--scenario=server", "--seconds=0.1", "--qps=500")
    check(j["runs"] == 50 and j["qps"] == 500, "server: arrivals")


def inputs():
    j = made("bench", "open.onnx", "--seconds", "0", "-i", "x=three.npy")
    check(j["inputs"] == {"x": "float32[3,64]"} and j["compute"]["macs"] == 3 * 64 * 32, f"open: {j}")
    check(j["memory"]["intermediate_bytes"] is not None, "open: counted with the shapes at hand")
    os.makedirs("set")
    with open("set/input_0.pb", "wb") as f:
        f.write(numpy_helper.from_array(np.zeros((3, 64), np.float32), "x").SerializeToString())
    j = made("bench", "open.onnx", "--seconds", "0", "--data", "set")
    check(j["inputs"] == {"x": "float32[3,64]"}, "--data")
    code, out, err = zenithc("bench", "fixed.onnx", "--seconds", "0", "--seed", "7")
    check(code == 0 and "seed 7" in err and "\r" not in err, "seed is said, no bar in a pipe: " + err)
    check(all(w in out for w in ("single-stream", "p99.9", "throughput", "GFLOP/s", "of weights")), out)
    for args, want in (("pick.onnx -i i=nine.npy", 3), ("fixed.onnx --scenario=best", 2), ("fixed.onnx --streams=0", 2),
                       ("fixed.onnx --seconds=x", 2), ("fixed.onnx --cc=no-such-cc", 5), ("none.onnx", 3)):
        check(zenithc("bench", *args.split())[0] == want, f"exit {want}: {args}")


def bar():
    """on a terminal a bar is drawn, and taken away at the end"""
    main, side = pty.openpty()
    p = subprocess.Popen([Z, "bench", "fixed.onnx", "--seconds", "0.4"], stdout=subprocess.DEVNULL, stderr=side)
    os.close(side)
    text = b""
    try:
        while piece := os.read(main, 4096):
            text += piece
    except OSError:
        pass
    check(p.wait() == 0 and b"bench [" in text and text.endswith(b"\r\x1b[K"), f"bar: {text!r}")


def profile():
    for model, layers in (("fixed.onnx", ["product", "clamp", "rows"]), ("open.onnx", ["product", "clamp", "rows"])):
        j = made("run", model, "--profile", "--seconds", "0.02")
        share = [k["share"] for k in j["kernels"]]
        check(abs(sum(share) + j["rest_share"] - 1) < 1e-9, f"{model}: shares")
        check(share == sorted(share, reverse=True), f"{model}: order")
        check(abs(sum(k["us"] for k in j["kernels"]) + j["rest_us"] - j["total_us"]) <= 1e-6 * j["total_us"], "times")
        check(set(sum((k["layers"] for k in j["kernels"]), [])) >= set(layers), f"{model}: layers")
        check(all(k["calls"] == 1 for k in j["kernels"]), f"{model}: calls")
        check(sum(k["macs"] for k in j["kernels"]) == (4 * 64 * 32 if model[0] == "f" else 0), f"{model}: macs")
    j = made("run", "loop.onnx", "--profile", "--seconds", "0")
    check([k["calls"] for k in j["kernels"] if k["layers"] == ["wave"]] == [5], f"loop: {j['kernels']}")
    code, out, err = zenithc("run", "fixed.onnx", "--profile", "--seconds", "0")
    check(code == 0 and "outside kernels" in out and "product" in out, f"table: {out} {err}")
    code, out, _ = zenithc("run", "fixed.onnx", "--profile", "--seconds", "0", "-o", "out")
    check(code == 0 and os.path.exists("out/output_0.npy"), "run --profile -o")


Z = os.path.abspath(sys.argv[1])
with tempfile.TemporaryDirectory() as tmp:
    os.chdir(tmp)
    models()
    scenarios()
    inputs()
    bar()
    profile()
    os.chdir("/")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
