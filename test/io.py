"""`zenithc run` and its data files against numpy and onnx: every element type out as .npy and .pb and in again, .npz,
byte order, Fortran order, sequences. usage: io.py ZENITHC"""
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

passed = failed = 0


def check(ok, what):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print("FAIL", what)


def zenithc(*args):
    p = subprocess.run([Z, *args], capture_output=True, text=True)
    return p.returncode, p.stdout + p.stderr


def save(path, nodes, inputs, outputs, opset=17):
    g = helper.make_graph(nodes, "g", inputs, outputs)
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", opset)], ir_version=13), path)


def numbers(a, like):
    a = a.view(like.dtype) if a.dtype.itemsize == like.dtype.itemsize else a
    return a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)


def every_type():
    for dt in range(1, 25):
        value = [helper.make_tensor_value_info(n, dt, [2, 3]) for n in "xy"]
        save("id.onnx", [helper.make_node("Identity", ["x"], ["y"])], value[:1], value[1:], 25)
        name = TensorProto.DataType.Name(dt)
        for form in "npy", "pb":
            code, text = zenithc("run", "id.onnx", "-o", "out", "--format=" + form)
            check(code == 0, f"{name} {form}: {text}")
        t = onnx.load_tensor("out/output_0.pb")
        a, b = np.load("out/output_0.npy"), numpy_helper.to_array(t)
        if dt == TensorProto.STRING:
            check(a.tolist() == [[s.decode() if isinstance(s, bytes) else s for s in r] for r in b.tolist()], name)
        else:
            check((numbers(a, b) == numbers(b, b)).all(), f"{name}: .npy and .pb differ")
        for form in "npy", "pb":
            zenithc("run", "id.onnx", "-i", "x=out/output_0." + form, "-o", "again", "--format=pb")
            u = onnx.load_tensor("again/output_0.pb")
            check((u.raw_data, list(u.string_data)) == (t.raw_data, list(t.string_data)), f"{name}: {form} read back")


def layouts():
    value = [helper.make_tensor_value_info(n, 1, ["n", 3]) for n in "aby"]
    save("add.onnx", [helper.make_node("Add", ["a", "b"], ["y"])], value[:2], value[2:])
    a = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.savez("x.npz", a=a, b=np.asfortranarray(a * 10))
    np.savez_compressed("packed.npz", a=a, b=a)
    np.save("big.npy", a.astype(">f4"))
    for first in "x.npz", "big.npy":
        code, text = zenithc("run", "add.onnx", "-i", "a=" + first, "-i", "b=x.npz", "-o", "out")
        check(code == 0 and (np.load("out/output_0.npy") == a * 11).all(), f"{first}: {text}")
    code, text = zenithc("run", "add.onnx", "-i", "a=x.npz")
    check(code == 0 and "input 'b' float32[4,3] is drawn" in text, f"the other input's size: {text}")
    code, text = zenithc("run", "add.onnx", "-i", "a=packed.npz", "-i", "b=x.npz")
    check(code == 4 and "numpy.savez" in text, f"a compressed .npz: {code} {text}")


if __name__ == "__main__":
    Z = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        every_type()
        layouts()
        os.chdir("/")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)
