#!/usr/bin/env python3
"""The same as server.c with ctypes and numpy. Usage: server.py MODEL.so SYMBOL THREADS REQUESTS DIM"""
import ctypes as c, os, sys, threading, time
import numpy as np

DTYPE = dict(zip((1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 13), "f4 u1 i1 u2 i2 i4 i8 ? f8 u4 u8".split()))
P, I, N, F = c.c_void_p, c.c_int32, c.c_size_t, c.CFUNCTYPE
Setup, Context, Tensor, Value, Model = (type("", (c.Structure,), {"_fields_": list(f.items())}) for f in (    # zenith.h
    dict(weights=P, weight_bytes=N, workspace=P, workspace_bytes=N, state=P, state_bytes=N, pool=P, stream=P),
    dict(weights=P, workspace=P, state=P, workspace_bytes=N, magic=I, flags=I, pool=P, reserved=P * 2),
    dict(data=P, kind=I, dtype=I, rank=I, reserved=I, dims=c.c_int64 * 16, strides=P, capacity=N, count=N, items=P),
    dict(name=c.c_char_p, kind=I, dtype=I, rank=I, key_dtype=I, dims=c.POINTER(c.c_int64), names=P, keys=P, nkeys=N),
    dict(abi=I, size=I, name=c.c_char_p, hash=P, options=P, ninputs=I, noutputs=I, inputs=P, outputs=P,
         workspace_bytes=N, heap_bytes=N, state_bytes=N, weight_bytes=N, macs=c.c_double, init=F(I, P, P),
         run=F(I, P, P, P), done=F(I, P), workspace=F(I, P, P))))

def arrays(tensors, values, dim=None):
    """An array for each tensor; sizes that are open are dim, or what the last run asked for."""
    made = []
    for t, v in zip(tensors, values):
        if v.kind or v.dtype not in DTYPE:
            sys.exit(f"server: {v.name.decode()}: only tensors of numbers are made here")
        t.dims[:v.rank] = [v.dims[j] if v.dims[j] >= 0 else dim or t.dims[j] for j in range(v.rank)]
        made.append(np.zeros(t.dims[:v.rank], DTYPE[v.dtype]))
        t.data, t.dtype, t.rank, t.capacity = made[-1].ctypes.data, v.dtype, v.rank, made[-1].size
    return made

def work(z, values, tensors, requests, took, said):
    """A thread has a context and memory of its own; the weights are the library's."""
    ctx, out, need = Context(), (Tensor * len(values))(), N(z.workspace_bytes)
    bad, made = z.workspace and z.workspace(tensors, c.byref(need)), arrays(out, values)
    room, state = np.zeros(need.value + z.heap_bytes + 1, "u1"), np.zeros(z.state_bytes + 1, "u1")
    setup = Setup(workspace=room.ctypes.data, workspace_bytes=room.size, state=state.ctypes.data, state_bytes=state.size)
    bad = bad or z.init(c.byref(ctx), c.byref(setup)) or 5
    for _ in range(4):                                  # ZENITH_CAPACITY: the tensors say how much
        made, bad = (arrays(out, values), z.run(c.byref(ctx), tensors, out)) if bad == 5 else (made, bad)
    said.append(f"status {bad}" if bad else f"sum {sum(float(a.sum(dtype='f8')) for a in made):.6g}")
    for k in range(0 if bad else requests):
        t = time.perf_counter()
        z.run(c.byref(ctx), tensors, out)
        took.append((time.perf_counter() - t) * 1e6)

def main(path, symbol, threads, requests, dim):
    model = getattr(c.CDLL(os.path.abspath(path)), symbol)
    model.restype = c.POINTER(Model)
    z, took, said = model().contents, [], []
    assert z.abi == 1, "made for another zenith.h"
    ins, outs = ((Value * n).from_address(v) if n else [] for n, v in ((z.ninputs, z.inputs), (z.noutputs, z.outputs)))
    tensors = (Tensor * len(ins))()
    for a in (keep := arrays(tensors, ins, dim)):
        a.flat = np.arange(a.size) % 17 / 16 if a.dtype.kind == "f" else np.arange(a.size) % 2
    pool = [threading.Thread(target=work, args=(z, outs, tensors, requests * (i + 1) // threads - requests * i // threads,
                                                took, said)) for i in range(threads)]
    list(map(threading.Thread.start, pool)), list(map(threading.Thread.join, pool))
    if len(said) != threads or len(set(said)) > 1 or not took:
        sys.exit(f"server: threads failed or disagree: {said}")
    print(f"{z.name.decode()}: {requests} requests on {threads} threads, {z.weight_bytes} bytes of weights, {said[0]}")
    print("microseconds: median %.1f, 90%% %.1f, 99%% %.1f, most %.1f" % tuple(np.percentile(took, (50, 90, 99, 100))))

main(*sys.argv[1:3], *map(int, sys.argv[3:])) if len(sys.argv) == 6 else sys.exit(__doc__)
