"""Quantised networks against ONNX Runtime: the vectors of each instruction set that this machine has, and none. Products
and convolutions quantised at run time, whose weights have all types and zero points; convolutions with padding that are
quantised already; matrices of a few bits.
usage: quantised.py [options] [REGEX]"""
import sys

import numpy as np
from onnx import TensorProto

import harness
import net


class Net(net.Net):
    opsets, ir_version = {"": 21, "com.microsoft": 1}, 10

    def bytes(self, dtype, *dims):
        info = np.iinfo(dtype)
        return self.weight(self.rng.integers(info.min, info.max, dims, dtype, True))


def dynamic(n, op, x, w, zero, scale, bias, **attrs):
    """as exporters quantise at run time"""
    q, s, z = n.add("DynamicQuantizeLinear", x, outputs=3)
    y = n.add("Cast", n.add(op, q, w, z, zero, **attrs), to=TensorProto.FLOAT)
    return n.add("Add", n.add("Mul", y, n.add("Mul", s, scale)), bias)


def product(n, k, c, dtype, zero):
    zero = n.bytes(dtype, *zero)
    x = dynamic(n, "MatMulInteger", "x", n.bytes(dtype, k, c), zero, n.weight(np.float32(0.01)),
                n.weight(n.rng.uniform(-1, 1, c).astype(np.float32)))
    return n.add("Relu", x)


def conv(n, cin, c, dtype, zero):
    x = "x"
    for a, b in (cin, c), (c, c):
        x = dynamic(n, "ConvInteger", x, n.bytes(dtype, b, a, 3, 3), n.weight(np.array(zero, dtype)),
                    n.weight(np.float32(0.01)), n.weight(n.rng.uniform(-1, 1, (1, b, 1, 1)).astype(np.float32)), pads=[1] * 4)
        x = n.add("Relu", x)
    return x


def padded(n, c, dtype, zero, size, stride):
    """windows that reach beyond values whose zero point is no zero: each channel by itself, then all; exact scales"""
    def scale(bits):
        return n.weight(np.float32(2.0 ** -bits))

    z, around = n.weight(np.array(zero, dtype)), n.weight(np.int8(0))
    x, y = n.add("QuantizeLinear", "x", scale(6), z), scale(4)
    x = n.add("QLinearConv", x, scale(6), z, n.bytes(I8, c, 1, size, size), scale(7), around, y, z, group=c,
              pads=[size // 2] * 4, strides=[stride] * 2)
    x = n.add("QLinearConv", x, y, z, n.bytes(I8, 24, c, 3, 3), scale(7), around, scale(0), z, pads=[1] * 4)
    return n.add("DequantizeLinear", x, scale(0), z)


def nbits(n, k, c, bits, block, zeros, bias):
    blocks = -(-k // block)
    ins = ["x", n.bytes(np.uint8, c, blocks, block * bits // 8),
           n.weight(n.rng.uniform(0.001, 0.02, c * blocks).astype(np.float32)),
           n.bytes(np.uint8, c * -(-blocks * bits // 8)) if zeros else ""]
    ins += ["", n.weight(n.rng.uniform(-1, 1, c).astype(np.float32))] if bias else []
    return n.add("MatMulNBits", *ins, domain="com.microsoft", K=k, N=c, bits=bits, block_size=block)


U8, I8 = np.uint8, np.int8
CASES = {f"product_{m}_{k}_{c}_{np.dtype(t).name}_{len(z)}": ((m, k), product, (k, c, t, z))
         for m, k, c, t, z in [(1, 64, 48, I8, ()), (7, 130, 65, U8, ()), (20, 33, 96, I8, (96,)), (5, 70, 40, U8, (40,))]}
CASES.update({f"conv_{a}_{b}_{np.dtype(t).name}_{z}": ((1, a, 12, 17), conv, (a, b, t, z))
              for a, b, t, z in [(3, 16, I8, 0), (8, 40, U8, 128), (16, 33, U8, 77), (5, 20, I8, 0)]})
CASES.update({f"padded_{c}_{np.dtype(t).name}_{z}_{k}_{s}": ((1, c, 17, 22), padded, (c, t, z, k, s))
              for c, t, z, k, s in [(32, I8, -128, 3, 1), (40, U8, 3, 3, 2), (19, I8, 5, 5, 1), (16, U8, 0, 3, 1)]})
CASES.update({f"nbits_{m}_{k}_{c}_{bits}_{block}_{z}": ((2, m, k), nbits, (k, c, bits, block, z, b))
              for m, k, c, bits, block, z, b in [
                  (1, 64, 48, 4, 32, 0, 0), (5, 96, 33, 4, 16, 1, 1), (3, 100, 20, 4, 32, 1, 0), (2, 128, 17, 4, 128, 1, 1),
                  (4, 72, 40, 8, 32, 1, 0), (1, 160, 24, 2, 32, 1, 0)]})


def main():
    o = harness.arguments("Quantised networks against ONNX Runtime.", "only cases that match one of these").parse_args()
    harness.verify_isas(o, CASES, net.writer(Net), "3e-6")


if __name__ == "__main__":
    sys.exit(main())
