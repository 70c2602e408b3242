"""Calls entry points of a compiled module through the runtime's ABI, with weights packed in numpy."""
import ctypes
import re

import numpy as np


def aligned(count):
    block = np.zeros(count + 64, np.uint8)
    start = -block.ctypes.data % 64
    return block[start:start + count]


def pack(w, n=32, interleave=1):
    """[N, K] to [panels, K, n, 1], halves interleaved."""
    halves = np.split(w, interleave)
    width = n // interleave
    panels = -(-halves[0].shape[0] // width)
    padded = []
    for half in halves:
        rows = np.zeros((panels * width, w.shape[1]), np.float32)
        rows[:half.shape[0]] = half
        padded.append(rows.reshape(panels, width, -1))
    return np.concatenate(padded, 1).transpose(0, 2, 1)[..., None]


class Frame(ctypes.Structure):
    _fields_ = [("weights", ctypes.c_void_p), ("arena", ctypes.c_void_p), ("cache", ctypes.c_void_p),
                ("buffers", ctypes.c_void_p), ("T", ctypes.c_int64), ("position", ctypes.c_int64),
                ("rows", ctypes.c_int64)]


class Module:
    def __init__(self, name):
        self.lib = ctypes.CDLL(name + ".so")
        text = open(name + ".tiled.mlir").read()
        self.places = {
            m[0]: (int(m[1]), int(m[2] or 0))
            for m in re.findall(
                r"tenon\.weight @([\w.]+) .*?\{offset = (\d+) : i64(?:, stride = (\d+) : i64)?\}", text)}
        size = lambda what: int(re.search(r"tenon\.%s_bytes = (\d+)" % what, text)[1])
        self.weights, self.arena, self.cache_bytes = aligned(size("weights")), aligned(size("arena")), size("cache")
        self.max_chunk = int(re.search(r"max_chunk = (\d+)", text)[1])

    def put(self, name, array, layer=0):
        offset, stride = self.places[name]
        data = np.ascontiguousarray(array, dtype=np.float32).view(np.uint8).ravel()
        start = offset + layer * stride
        self.weights[start:start + data.size] = data

    def chunk(self, count):
        ctypes.c_int.in_dll(self.lib, "tenon_chunk").value = count

    def call(self, entry, inputs, shape, cache=None, position=0, rows=None):
        """Runs an entry point; `shape` is that of all rows of the output."""
        tokens = len(inputs[0])
        rows = tokens if rows is None else rows
        self.arena[:] = 0xFF  # NaN: what is read before it is written shows.
        held = []
        for values in inputs:
            block = np.zeros(self.max_chunk, np.int32)
            block[:tokens] = values
            held.append(block)
        out = np.full(shape, np.nan, np.float32)
        held.append(out)
        buffers = (ctypes.c_void_p * len(held))(*[h.ctypes.data for h in held])
        frame = Frame(self.weights.ctypes.data, self.arena.ctypes.data,
                      cache.ctypes.data if cache is not None else None, ctypes.addressof(buffers),
                      tokens, position, rows)
        getattr(self.lib, "tenon_entry_" + entry)(ctypes.byref(frame))
        assert np.isnan(out[rows:]).all(), "wrote rows that were not asked for"
        return out[:rows]
