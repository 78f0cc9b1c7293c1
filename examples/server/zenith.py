"""zenith.h for ctypes and numpy: the structures of generated libraries, and a Runner that calls one."""
import ctypes as c

import numpy as np

ABI = 1
DTYPE = {1: "f4", 2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8", 12: "u4", 13: "u8"}


def struct(of, /, **fields):
    return type(of, (c.Structure,), {"_fields_": list(fields.items())})


P, I, N = c.c_void_p, c.c_int32, c.c_size_t
Setup = struct("Setup", weights=P, weight_bytes=N, workspace=P, workspace_bytes=N, state=P, state_bytes=N, pool=P, stream=P)
Context = struct("Context", weights=P, workspace=P, state=P, workspace_bytes=N, magic=I, flags=I, pool=P, reserved=P * 2)
Tensor = struct("Tensor", data=P, kind=I, dtype=I, rank=I, reserved=I, dims=c.c_int64 * 16, strides=P, capacity=N, count=N, items=P)
Value = struct("Value", name=c.c_char_p, kind=I, dtype=I, rank=I, key_dtype=I, dims=c.POINTER(c.c_int64), dim_names=P, keys=P, nkeys=c.c_int64)
F = c.CFUNCTYPE
Model = struct("Model", abi=I, size=I, name=c.c_char_p, hash=c.c_char_p, options=c.c_char_p, ninputs=I, noutputs=I,
               inputs=c.POINTER(Value), outputs=c.POINTER(Value), workspace_bytes=N, heap_bytes=N, state_bytes=N, weight_bytes=N,
               macs=c.c_double, init=F(I, c.POINTER(Context), c.POINTER(Setup)), run=F(I, c.POINTER(Context), P, P),
               done=F(I, c.POINTER(Context)), workspace=F(I, P, c.POINTER(N)))


def tensor(t, v, a):
    """a in place of t; a must outlive it"""
    t.data, t.dtype, t.rank, t.capacity = a.ctypes.data, v.dtype, a.ndim, a.size
    t.dims[:a.ndim] = a.shape
    return a


def load(path, symbol):
    """the zenith_model of a library"""
    model = getattr(c.CDLL(path), symbol)
    model.restype = c.POINTER(Model)
    z = model().contents
    if z.abi != ABI:
        raise RuntimeError(f"{path}: interface {z.abi}, not {ABI}")
    return z


class Runner:
    """A context with memory of its own; the weights are the library's."""
    def __init__(self, z, inputs):
        self.z, self.ctx = z, Context()
        self.tensors, self.out, bytes_ = (Tensor * (z.ninputs + 1))(), (Tensor * (z.noutputs + 1))(), N(z.workspace_bytes)
        self.inputs = [tensor(t, z.inputs[i], a) for i, (t, a) in enumerate(zip(self.tensors, inputs))]
        if z.workspace:
            self.check(z.workspace(self.tensors, c.byref(bytes_)))
        self.memory = np.zeros(bytes_.value + z.heap_bytes + z.state_bytes + 256, np.uint8)
        at = -self.memory.ctypes.data % 64 + self.memory.ctypes.data
        need = bytes_.value + z.heap_bytes
        self.check(z.init(self.ctx, Setup(workspace=at, workspace_bytes=need, state=at + (need + 63) // 64 * 64,
                                          state_bytes=z.state_bytes)))
        self.room()

    def check(self, status):
        if status:
            raise RuntimeError(f"status {status}")

    def room(self):
        self.outputs = []
        for t, v in zip(self.out, self.z.outputs[:self.z.noutputs]):
            shape = [v.dims[j] if v.dims[j] >= 0 else t.dims[j] for j in range(v.rank)]
            self.outputs.append(tensor(t, v, np.zeros(shape, DTYPE[v.dtype])))

    def run(self):
        for _ in range(4):
            status = self.z.run(self.ctx, self.tensors, self.out)
            if status != 5:
                break
            self.room()
        self.check(status)
        return self.outputs
