"""Compares compiler/onnx/onnx.proto field by field with the descriptor in the onnx package.

usage: proto.py compiler/onnx/onnx.proto
"""
import os
import subprocess
import sys
import tempfile

import onnx
from google.protobuf import descriptor_pb2
from onnx import onnx_data_pb2, onnx_ml_pb2


def facts(message, prefix=""):
    """(what, value) for every field, enumerator and nested message."""
    name = prefix + message.name
    yield name, "message"
    for f in message.field:
        yield f"{name}.{f.name}", (f.number, f.label, f.type, f.type_name.rsplit(".", 1)[-1], f.options.packed)
    for e in message.enum_type:
        yield from enumerators(e, name + ".")
    for m in message.nested_type:
        yield from facts(m, name + ".")


def enumerators(e, prefix=""):
    for v in e.value:
        yield f"{prefix}{e.name}.{v.name}", v.number


def file_facts(f):
    found = dict(x for m in f.message_type for x in facts(m))
    found.update(x for e in f.enum_type for x in enumerators(e))
    return found


def own(path):
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "set")
        subprocess.run(["protoc", "--descriptor_set_out=" + out, "-I" + os.path.dirname(path), path], check=True)
        with open(out, "rb") as f:
            return descriptor_pb2.FileDescriptorSet.FromString(f.read()).file[0]


def official():
    found = {}
    for module in onnx_ml_pb2, onnx_data_pb2:
        f = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(f)
        found.update(file_facts(f))
    return found


def main():
    ours, theirs = file_facts(own(sys.argv[1])), official()
    wrong = [k for k in sorted(ours.keys() | theirs.keys()) if ours.get(k) != theirs.get(k)]
    for k in wrong:
        print(f"FAIL {k}: ours {ours.get(k)}, onnx {onnx.__version__} {theirs.get(k)}")
    print(f"onnx.proto against onnx {onnx.__version__}: {len(theirs) - len(wrong)} passed, {len(wrong)} failed")
    sys.exit(bool(wrong))


main()
