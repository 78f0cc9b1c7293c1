"""`zenithc run` and its data files against numpy and onnx: every element type out as .npy and .pb and in again, .npz,
byte order, Fortran order; sequences and optionals of many types through the interface; files that mean harm. usage: io.py ZENITHC"""
import io
import os
import resource
import struct
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

passed = failed = 0


def check(ok, what):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print("FAIL", what)


def zenithc(*args, **more):
    p = subprocess.run([Z, *args], capture_output=True, text=True, **more)
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


def value(name, dtype, kind, shape):
    t = helper.make_tensor_type_proto(dtype, shape)
    if "seq" in kind:
        t = helper.make_sequence_type_proto(t)
    return helper.make_value_info(name, helper.make_optional_type_proto(t) if "opt" in kind else t)


def same(a, b):
    if a is None or b is None:
        return a is b
    if isinstance(a, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    a, b = (np.asarray(v.tolist()) if v.dtype.kind in "OSU" else v for v in (a, b))
    return a.shape == b.shape and a.dtype == b.dtype and bool((a == b).all())


def lists():
    """Sequences and optionals in and out again: more items than the host first has room for, larger ones, empty ones, of
    several ranks."""
    rng = np.random.default_rng(0)
    types = [np.float32, np.float16, np.int8, np.int64, np.bool_, np.complex64, np.float64, np.uint16, np.str_]
    to_pb = {"": numpy_helper.from_array, "seq": numpy_helper.from_list, "opt": numpy_helper.from_optional}
    from_pb = {"seq": (onnx.SequenceProto, numpy_helper.to_list), "opt": (onnx.OptionalProto, numpy_helper.to_optional)}
    for k, t in enumerate(types):
        for shape, kind in (([None, None], "seq"), (None, "seq"), ([None], "opt"), ([], "opt"), ([None], "opt seq")):
            if k > 0 and t is not np.str_ and (shape is None or kind != "seq"):
                continue
            rank = [1, 2, 0, 3][k % 4] if shape is None else len(shape)
            items = [(rng.standard_normal(rng.integers(0, 40, rank)) * 50).astype(t) for _ in range(int(rng.integers(17, 24)))]
            if t is np.str_:
                items = [np.asarray([f"s{i}" for i in range(a.size)], dtype=object).reshape(a.shape) for a in items]
            if shape is None:
                items[3] = items[3].reshape(1, 1, -1)
            for x in ([items, []] if kind == "seq" else [items[0], None] if kind == "opt" else [items, [], None]):
                top = kind.split()[0]
                if x is None and kind == "opt seq":
                    proto = onnx.OptionalProto(elem_type=onnx.OptionalProto.SEQUENCE)
                else:
                    proto = to_pb[top](x)
                dtype = helper.np_dtype_to_tensor_dtype(np.dtype(t)) if t is not np.str_ else TensorProto.STRING
                save("seq.onnx", [helper.make_node("Identity", ["x"], ["y"])], [value("x", dtype, kind, shape)],
                     [value("y", dtype, kind, shape)], 18)
                with open("x.pb", "wb") as f:
                    f.write(proto.SerializeToString())
                code, text = zenithc("run", "seq.onnx", "-i", "x=x.pb", "-o", "out", "--format=pb", "--cc", WARN)
                what = f"{kind} of {np.dtype(t).name}{shape}, {'none' if x is None else np.size(x) if kind == 'opt' else len(x)}"
                check(code == 0, f"{what}: {text}")
                p = from_pb[top][0]()
                with open("out/output_0.pb", "rb") as f:
                    p.ParseFromString(f.read())
                check(code or same(x, from_pb[top][1](p)), f"{what} comes out different")
    save("rank.onnx", [helper.make_node("Identity", ["x"], ["y"])], [value("x", 1, "seq", [None])], [value("y", 1, "seq", [None])], 18)
    for bad in np.zeros((2, 2), np.float32), np.zeros(2, np.float64):
        with open("x.pb", "wb") as f:
            f.write(numpy_helper.from_list([bad]).SerializeToString())
        code, text = zenithc("run", "rank.onnx", "-i", "x=x.pb")
        check(code == 3 and "status" in text, f"a sequence of {bad.dtype}{bad.shape}: {code} {text}")


def header(descr, shape, more=b"", fortran="False"):
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + more


def twice(data, times):
    """A .npz whose directory has its one member so many times."""
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        z.writestr("x.npy", data)
    b = b.getvalue()
    at = b.rindex(b"PK\1\2")
    entries = b[at:b.rindex(b"PK\5\6")] * times
    return b[:at] + entries + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, times, times, len(entries), at, 0)


def bounded():
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


def hostile():
    """Files that mean harm: a message, an exit code, no more memory than they are long."""
    save("f.onnx", [helper.make_node("Neg", ["x"], ["y"])], *[[helper.make_tensor_value_info(n, 1, ["n"])] for n in "xy"])
    save("s.onnx", [helper.make_node("Identity", ["x"], ["y"])], *[[helper.make_tensor_value_info(n, 8, ["n"])] for n in "xy"])
    save("b.onnx", [helper.make_node("Cast", ["x"], ["y"], to=7)], *[[helper.make_tensor_value_info(n, t, ["n"])] for n, t in (("x", 9), ("y", 7))])
    outside = TensorProto(data_type=1, dims=[1], data_location=1)
    outside.external_data.add(key="location", value="/etc/passwd")
    short, ends, shape = "ends inside its elements", "ends inside its header", "shape is not understood"
    for what, model, form, data, want, text in (
            ("bytes of a bool", "b", "npy", header("|b1", "(4,)", b"\0\1\2\xff"), 0, "y int64[4] 0 1 1 1"),
            ("strings of no bytes", "s", "npy", header("<U0", "(1073741824,)"), 3, short),
            ("2^40 elements", "f", "npy", header("<f4", "(1099511627776,)"), 3, short),
            ("2^64 elements", "f", "npy", header("<f4", "(4294967296,4294967296)"), 3, short),
            ("a dim of 2^70", "f", "npy", header("<f4", f"({1 << 70},)"), 3, short),
            ("nothing of 2^63", "f", "npy", header("<f4", f"(0,{(1 << 63) - 1},4)"), 3, ""),
            ("a negative dim", "f", "npy", header("<f4", "(-1,)"), 3, shape),
            ("a shape that does not end", "f", "npy", header("<f4", "(2;")[:-4], 3, ends),
            ("17 dims", "f", "npy", header("<f4", "(" + "1," * 17 + ")", bytes(4)), 6, "--limit rank"),
            ("65 dims", "f", "npy", header("<f4", "(" + "1," * 65 + ")", bytes(4)), 3, "more than 64"),
            ("elements of no bytes", "f", "npy", header("<f0", "(2,)"), 4, "f0 are not supported"),
            ("objects", "f", "npy", header("|O", "(2,)", bytes(16)), 4, "Python objects"),
            ("a terminal's controls", "s", "npy", header("<U5", "(1,)", "\x1b[31m".encode("utf-32-le")), 0, "'\\x1b[31m'"),
            ("one member 60000 times", "f", "npz", twice(header("<f4", "(100000,)", bytes(400000)), 60000), 0, "y float32[100000]"),
            ("a file elsewhere", "f", "pb", outside.SerializeToString(), 4, "external data"),
            ("no elements", "f", "pb", TensorProto(data_type=1, dims=[1 << 26]).SerializeToString(), 3, "it has 0 elements")):
        with open("x." + form, "wb") as f:
            f.write(data)
        code, said = zenithc("run", model + ".onnx", "-i", "x=x." + form, preexec_fn=bounded)
        check(code == want and text in said, f"{what}: {code} {said[:300]}")


def many():
    """More outputs than a table of temporary files once had room for; all of them or none."""
    n = 100
    save("many.onnx", [helper.make_node("Neg", ["x"], [f"y{i}"]) for i in range(n)], [helper.make_tensor_value_info("x", 1, [2])],
         [helper.make_tensor_value_info(f"y{i}", 1, [2]) for i in range(n)])
    code, text = zenithc("run", "many.onnx", "-o", "made")
    check(code == 0 and sorted(os.listdir("made")) == sorted(f"output_{i}.npy" for i in range(n)), f"{n} outputs: {code} {text}")
    with open("made/output_3.npy", "w") as f:
        f.write("old")
    os.remove("made/output_50.npy")
    os.mkdir("made/output_50.npy")
    code, text = zenithc("run", "many.onnx", "-o", "made")
    with open("made/output_3.npy", "rb") as f:
        check(code == 74 and len(os.listdir("made")) == n and f.read() == b"old", f"one of {n} outputs cannot be written: {code} {text}")


WARN = "gcc -std=c99 -O0 -Wall -Wextra -Wpedantic -Wconversion -Werror"

if __name__ == "__main__":
    Z = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        every_type()
        layouts()
        lists()
        hostile()
        many()
        os.chdir("/")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)
