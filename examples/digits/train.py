"""Trains the digit classifier of this example and writes digits.onnx and images.txt.

The data are the 1,797 scanned handwritten digits (8x8, 17 greys) that come with scikit-learn; every fourth is held out and
goes to images.txt: a line for each, its label and 64 pixels, 0-9a-g. The network is two small convolutions, trained here
with numpy alone; the same seed gives the same weights on one machine.
"""
import os

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save
from sklearn.datasets import load_digits

HERE = os.path.dirname(os.path.abspath(__file__))
C1, C2, EPOCHS, BATCH, RATE = 8, 16, 60, 32, 2e-3


def patches(x):
    """[N,C,H,W] -> [N,H,W,C*9], the 3x3 neighbourhoods, zero outside."""
    x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    w = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
    return w.transpose(0, 2, 3, 1, 4, 5).reshape(*w.shape[:1], *w.shape[2:4], -1)


def unpatch(g, c):
    """The transpose of patches."""
    n, h, w, _ = g.shape
    g = g.reshape(n, h, w, c, 3, 3)
    x = np.zeros((n, c, h + 2, w + 2), g.dtype)
    for i in range(3):
        for j in range(3):
            x[:, :, i:i + h, j:j + w] += g[..., i, j].transpose(0, 3, 1, 2)
    return x[:, :, 1:-1, 1:-1]


def layer(x, w, b):
    """Convolution, Relu, 2x2 max pooling; and what the way back needs."""
    p = patches(x)
    y = np.maximum(p @ w.reshape(len(w), -1).T + b, 0).transpose(0, 3, 1, 2)
    n, c, h, v = y.shape
    q = y.reshape(n, c, h // 2, 2, v // 2, 2).max((3, 5))
    return q, (p, y, q)


def layer_back(g, w, saved, channels):
    p, y, q = saved
    up = q.repeat(2, 2).repeat(2, 3)
    g = (g.repeat(2, 2).repeat(2, 3) * ((y == up) & (y > 0))).transpose(0, 2, 3, 1)
    flat = g.reshape(-1, g.shape[-1])
    return (flat.T @ p.reshape(flat.shape[0], -1)).reshape(w.shape), flat.sum(0), \
        unpatch(g @ w.reshape(len(w), -1), channels)


def forward(p, x):
    a, s1 = layer(x, p[0], p[1])
    b, s2 = layer(a, p[2], p[3])
    f = b.reshape(len(b), -1)
    return f @ p[4].T + p[5], (a, s1, b, s2, f)


def gradients(p, x, t):
    z, (a, s1, b, s2, f) = forward(p, x)
    e = np.exp(z - z.max(1, keepdims=True))
    g = e / e.sum(1, keepdims=True)
    g[np.arange(len(t)), t] -= 1
    g /= len(t)
    gw2, gb2, ga = layer_back((g @ p[4]).reshape(b.shape), p[2], s2, C1)
    gw1, gb1, _ = layer_back(ga, p[0], s1, 1)
    return [gw1, gb1, gw2, gb2, g.T @ f, g.sum(0)]


def train(x, t, rng):
    shapes = (C1, 1, 3, 3), (C1,), (C2, C1, 3, 3), (C2,), (10, C2 * 4), (10,)
    p = [(rng.standard_normal(s) * np.sqrt(2 / max(np.prod(s[1:]), 1)) * (len(s) > 1)).astype(np.float32) for s in shapes]
    m, v, step = [np.zeros_like(w) for w in p], [np.zeros_like(w) for w in p], 0
    for epoch in range(EPOCHS):
        order = rng.permutation(len(x))
        for i in range(0, len(x), BATCH):
            step += 1
            now = order[i:i + BATCH]
            rate = RATE * (1 - epoch / EPOCHS) * np.sqrt(1 - .999 ** step) / (1 - .9 ** step)
            for w, g, a, b in zip(p, gradients(p, x[now], t[now]), m, v):
                a += .1 * (g - a)
                b += .001 * (g * g - b)
                w -= rate * a / (np.sqrt(b) + 1e-8)
    return [w.astype(np.float32) for w in p]


def model(p):
    names = "conv1.weight conv1.bias conv2.weight conv2.bias fc.weight fc.bias".split()
    make, pool = helper.make_node, dict(kernel_shape=[2, 2], strides=[2, 2])
    conv = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    nodes = [
        make("Mul", ["image", "scale"], ["scaled"], "scale"),
        make("Conv", ["scaled", *names[0:2]], ["c1"], "conv1", **conv),
        make("Relu", ["c1"], ["r1"], "relu1"),
        make("MaxPool", ["r1"], ["p1"], "pool1", **pool),
        make("Conv", ["p1", *names[2:4]], ["c2"], "conv2", **conv),
        make("Relu", ["c2"], ["r2"], "relu2"),
        make("MaxPool", ["r2"], ["p2"], "pool2", **pool),
        make("Flatten", ["p2"], ["f"], "flatten"),
        make("Gemm", ["f", *names[4:6]], ["logits"], "fc", transB=1),
        make("Softmax", ["logits"], ["scores"], "softmax", axis=1),
    ]
    weights = [numpy_helper.from_array(np.float32(1 / 16), "scale")]
    weights += [numpy_helper.from_array(w, n) for w, n in zip(p, names)]
    graph = helper.make_graph(nodes, "digits",
                              [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 8, 8])],
                              [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 10])], weights)
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="zenithc digits example")
    checker.check_model(m, full_check=True)
    return m


def main():
    data = load_digits()
    x, t = data.images.astype(np.float32), data.target
    held = np.arange(len(x)) % 4 == 3
    p = train(x[~held, None] / 16, t[~held], np.random.default_rng(0))
    right = (forward(p, x[held, None] / 16)[0].argmax(1) == t[held]).mean()
    save(model(p), os.path.join(HERE, "digits.onnx"))
    with open(os.path.join(HERE, "images.txt"), "w") as f:
        for image, label in zip(x[held], t[held]):
            f.write(f"{label} " + "".join("0123456789abcdefg"[int(v)] for v in image.ravel()) + "\n")
    print(f"{right:.1%} of {held.sum()} held-out digits right")


main()
