#!/usr/bin/env python3
"""The same as server.c with ctypes and numpy. Usage: server.py MODEL.so SYMBOL THREADS REQUESTS DIM"""
import sys
import threading
import time

import numpy as np

import zenith


def main(path, symbol, threads, requests, dim):
    z, inputs, took, sums = zenith.load(path, symbol), [], [], []
    for v in z.inputs[:z.ninputs]:
        shape = [v.dims[j] if v.dims[j] >= 0 else dim for j in range(v.rank)]
        k = np.arange(np.prod(shape, dtype=int)).reshape(shape)
        inputs.append((k % 17 / 16 if zenith.DTYPE[v.dtype][0] == "f" else k % 2).astype(zenith.DTYPE[v.dtype]))

    def work(n):
        r = zenith.Runner(z, inputs)
        sums.append(sum(float(o.sum(dtype="f8")) for o in r.run()))
        for _ in range(n):
            t = time.perf_counter()
            r.run()
            took.append((time.perf_counter() - t) * 1e6)
    pool = [threading.Thread(target=work, args=(requests * (i + 1) // threads - requests * i // threads,)) for i in range(threads)]
    for t in pool:
        t.start()
    for t in pool:
        t.join()
    assert len(sums) == threads and len(set(sums)) == 1, "threads disagree"
    print(f"{z.name.decode()}: {requests} requests on {threads} threads, {z.weight_bytes} bytes of weights, sum {sums[0]:.6g}")
    print("microseconds: median {:.1f}, 90% {:.1f}, 99% {:.1f}, most {:.1f}".format(*np.percentile(took, [50, 90, 99, 100])))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
