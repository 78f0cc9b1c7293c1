#!/usr/bin/env python3
"""Compares compiler/onnx/onnx.proto, field by field, with the descriptor that the onnx package carries.

usage: proto.py [onnx.proto]        needs protoc and the onnx package
"""
import os
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2
from onnx import onnx_ml_pb2


def facts(f):
    """Every fact of a file as a set of lines."""
    out = set()

    def enum(where, e):
        for v in e.value:
            out.add(f"{where}{e.name}.{v.name} = {v.number}")

    def message(where, m):
        name = where + m.name
        for r in m.reserved_range:
            out.update(f"{name} reserves {i}" for i in range(r.start, r.end))
        out.update(f"{name} reserves {n}" for n in m.reserved_name)
        for e in m.enum_type:
            enum(name + ".", e)
        for n in m.nested_type:
            message(name + ".", n)
        for x in m.field:
            one = m.oneof_decl[x.oneof_index].name if x.HasField("oneof_index") else "-"
            out.add(f"{name}.{x.name} = {x.number}, label {x.label}, type {x.type} {x.type_name}, "
                    f"oneof {one}, packed {x.options.packed}, default '{x.default_value}'")

    for e in f.enum_type:
        enum("", e)
    for m in f.message_type:
        message("", m)
    return out


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../compiler/onnx/onnx.proto")
    ours, theirs = descriptor_pb2.FileDescriptorSet(), descriptor_pb2.FileDescriptorProto()
    with tempfile.TemporaryDirectory() as d:
        subprocess.run(["protoc", "-I", os.path.dirname(path), "-o", d + "/o", path], check=True)
        ours.ParseFromString(open(d + "/o", "rb").read())
    onnx_ml_pb2.DESCRIPTOR.CopyToProto(theirs)
    a, b = facts(ours.file[0]), facts(theirs)
    for line in sorted(a ^ b):
        print("only ours:  " if line in a else "only theirs:", line)
    print(f"proto: {len(a & b)} facts agree, {len(a ^ b)} differ")
    return 1 if a ^ b or ours.file[0].package != theirs.package else 0


sys.exit(main())
