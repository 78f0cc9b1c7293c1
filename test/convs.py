"""Convolutions among what surrounds them in networks, against ONNX Runtime: the vectors of each instruction set that this
machine has, and none. Channels added by Pad or Concat before a residual sum, channels last outside and first inside,
few channels with long kernels and wide borders, groups of channels, more of
them than caches keep, Resize after them.
usage: convs.py [options] [REGEX]"""
import sys

import numpy as np

import harness
import net


class Net(net.Net):
    def conv(self, x, cin, cout, kernel=(3, 3), group=1, **attrs):
        w = self.rng.uniform(-1, 1, (cout, cin // group, *kernel)) / np.sqrt(cin // group * np.prod(kernel))
        attrs = {"pads": [k // 2 for k in kernel] * 2, **attrs}
        return self.add("Conv", x, self.weight(w.astype(np.float32)),
                        self.weight(self.rng.uniform(-1, 1, cout).astype(np.float32)), group=group, **attrs)


def residual(n, few, many, stride, how):
    """of values with fewer channels, the others zero or something else"""
    a = n.conv("x", 3, few)
    b = n.conv(n.conv(a, few, few, (5, 5), group=few, strides=[stride] * 2), few, many, (1, 1))
    if stride > 1:
        a = n.add("MaxPool", a, kernel_shape=[stride] * 2, strides=[stride] * 2)
    if how == "pad":
        a = n.add("Pad", a, n.weight(np.array([0] * 5 + [many - few, 0, 0])))
    elif how == "pad2":                      # at the border of the picture too
        a = n.add("Pad", n.add("Slice", a, *[n.weight(np.array([v])) for v in (0, -2, 3)]),
                  n.weight(np.array([0] * 5 + [many - few, 0, 2])))
    elif how == "deep":                      # in a long expression
        for op in "Abs", "Neg", "Abs", "Sqrt":
            a = n.add(op, a)
        a = n.add("Mul", a, a)
        a = n.add("Pad", n.add("Mul", a, n.add("Add", a, a)), n.weight(np.array([0] * 5 + [many - few, 0, 0])))
    else:
        a = n.add("Concat", a, n.conv(a, few, many - few, (1, 1)), axis=1)
    return n.add("Relu", n.add("Add", a, b))


def last(n, cin, mid, cout, back):
    x = n.add("Transpose", "x", perm=[0, 3, 1, 2])
    x = n.add("Relu", n.conv(x, cin, mid))
    x = n.conv(x, mid, cout, (1, 1))
    return n.add("Transpose", x, perm=[0, 2, 3, 1]) if back else x


def long_kernel(n, cin, cout, kernel, **attrs):
    return n.add("Sigmoid", n.conv(n.add("Relu", n.conv("x", cin, cout, kernel, **attrs)), cout, 1, (3, 7)))


def stem(n, cout, kernel, stride):
    return n.conv(n.add("Relu", n.conv("x", 3, cout, kernel, strides=[stride] * 2)), cout, 5, (1, 1))


def resized(n, c, scales, mode, **attrs):
    a = n.add("Resize", n.conv("x", 3, c), "", n.weight(np.array([1, 1, *scales], np.float32)), mode=mode, **attrs)
    return n.conv(a, c, 7) if c > 9 else a


def transposed(n, c, kernel, stride, **attrs):
    """between convolutions"""
    w = n.rng.uniform(-1, 1, (c, 7, *kernel)).astype(np.float32) / c
    a = n.add("ConvTranspose", n.conv("x", 3, c), n.weight(w), strides=list(stride), **attrs)
    return n.conv(n.add("Relu", a), 7, 21)


CASES = {f"residual_{a}_{b}_{s}_{how}": ((1, 3, 12, 14), residual, (a, b, s, how))
         for a, b, s, how in [(24, 28, 1, "pad"), (28, 48, 2, "pad"), (5, 9, 1, "pad"), (40, 43, 2, "concat"), (16, 32, 1, "pad"),
                              (17, 20, 1, "pad2"), (12, 19, 1, "deep"), (7, 30, 2, "concat")]}
CASES.update({f"last_{a}_{b}_{c}_{back}": ((1, 9, 11, a), last, (a, b, c, back))
              for a, b, c, back in [(3, 16, 70, 0), (19, 20, 33, 1), (64, 8, 1, 0), (5, 40, 6, 0), (33, 17, 66, 1)]})
CASES.update({"long_39": ((1, 8, 30, 60), long_kernel, (8, 32, (3, 39))),
              "long_63": ((1, 1, 9, 90), long_kernel, (1, 5, (1, 63))),
              "stem_3": ((1, 3, 33, 29), stem, (32, (3, 3), 2)), "stem_7": ((1, 3, 40, 40), stem, (64, (7, 7), 2)),
              "stem_odd": ((1, 3, 21, 18), stem, (19, (3, 3), 2))})
CASES.update({"resized_8": ((1, 3, 8, 8), resized, (9, (8, 8), "linear")),
              "resized_2": ((1, 3, 12, 9), resized, (20, (2, 2), "linear")),
              "resized_half": ((1, 3, 16, 20), resized, (20, (.5, .25), "linear")),
              "resized_cubic": ((1, 3, 9, 11), resized, (5, (3, 2), "cubic"))})
CASES.update({"transposed_2": ((1, 3, 8, 10), transposed, (20, (2, 2), (2, 2))),
              "transposed_32": ((2, 3, 5, 7), transposed, (9, (3, 2), (3, 2))),
              "transposed_4": ((1, 3, 9, 6), transposed, (16, (4, 4), (2, 2))),
              "transposed_1": ((1, 3, 6, 11), transposed, (33, (2, 5), (2, 3)))})


def upsampled(n, cin, cout, kernel, stride, attrs):
    """between the input and the output, in any number of axes"""
    w = n.rng.uniform(-1, 1, (cin, cout // attrs.get("group", 1), *kernel)).astype(np.float32) / cin
    b = n.weight(n.rng.uniform(-1, 1, cout).astype(np.float32))
    return n.add("Tanh", n.add("LeakyRelu", n.add("ConvTranspose", "x", n.weight(w), b, strides=list(stride), **attrs)))


CASES.update({"upsampled_dcgan": ((1, 20, 6, 9), upsampled, (20, 33, (4, 4), (2, 2), {"pads": [1] * 4})),
              "upsampled_padded": ((2, 16, 5, 7), upsampled, (16, 17, (3, 3), (2, 2), {"pads": [1] * 4, "output_padding": [1, 1]})),
              "upsampled_same": ((1, 9, 5, 7), upsampled, (9, 16, (3, 5), (1, 1), {"pads": [1, 2, 1, 2], "dilations": [1, 1]})),
              "upsampled_groups": ((1, 12, 5, 6), upsampled, (12, 18, (4, 3), (2, 3), {"group": 3, "pads": [1, 0, 1, 0]})),
              "upsampled_audio": ((1, 24, 21), upsampled, (24, 12, (16,), (8,), {"pads": [4, 4]})),
              "upsampled_volume": ((1, 5, 3, 4, 5), upsampled, (5, 7, (2, 3, 4), (2, 1, 2), {"pads": [0, 1, 1, 0, 1, 1]}))})


def grouped(n, c, per, stride):
    """with as many channels in and out of each group"""
    a = n.add("Relu", n.conv(n.conv("x", 3, c, (1, 1)), c, c, group=c // per, strides=[stride] * 2))
    return n.conv(n.conv(a, c, c, (1, 1)), c, 5, (1, 1))


CASES.update({f"grouped_{c}_{per}_{stride}": ((1, 3, 11, 15), grouped, (c, per, stride))
              for c, per, stride in [(32, 16, 1), (64, 16, 2), (48, 24, 1), (24, 8, 1), (40, 20, 2), (96, 48, 1), (20, 4, 1)]})


def large(n, cin, cout, k, stride):
    """weights, or rows, that do not stay in a cache while they are needed"""
    return n.conv(n.add("Relu", n.conv(n.conv("x", 3, cin, (1, 1)), cin, cout, (k, k), strides=[stride] * 2)), cout, 5, (1, 1))


CASES.update({"large_panels": ((1, 3, 7, 9), large, (130, 250, 3, 1)), "large_stride": ((2, 3, 12, 17), large, (120, 168, 3, 2)),
              "large_rows": ((1, 3, 37, 31), large, (120, 75, 1, 1)), "large_both": ((1, 3, 23, 25), large, (258, 520, 1, 1))})


def main():
    o = harness.arguments("Convolutions against ONNX Runtime.", "only cases that match one of these").parse_args()
    harness.verify_isas(o, CASES, net.writer(Net), "3e-6")


if __name__ == "__main__":
    sys.exit(main())
