"""The decoder of test/Memory/Inputs against numpy: python decoder.py NAME."""
import sys

import numpy as np
from frame import Module, aligned, pack

m = Module(sys.argv[1])
L, C, H, G, D, F, V = 2, 32, 4, 2, 8, 88, 200
rng = np.random.default_rng(1)
random = lambda *s: (rng.standard_normal(s) * 0.3).astype(np.float32)
W = dict(embed=random(V, C), norm=1 + random(C), norm1=1 + random(L, C), norm2=1 + random(L, C),
         wqkv=random(L, 64, C), wo=random(L, C, C), wgu=random(L, 2 * F, C), wd=random(L, C, F))
angles = np.arange(200)[:, None] * np.array([1, .1, .01, .001])
rope = np.concatenate([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
m.put("embed", pack(W["embed"]))
m.put("norm", W["norm"])
m.put("rope", rope)
for i in range(L):
    m.put("block.norm1", W["norm1"][i], i)
    m.put("block.norm2", W["norm2"][i], i)
    m.put("block.wqkv", pack(W["wqkv"][i]), i)
    m.put("block.wo", pack(W["wo"][i]), i)
    m.put("block.w_gate_up", pack(W["wgu"][i], interleave=2), i)
    m.put("block.w_down", pack(W["wd"][i]), i)


def reference(tokens):
    T = len(tokens)
    x = W["embed"][tokens].astype(np.float64)
    norm = lambda x, w: x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * w

    def rotate(x):
        c, s = rope[:T, None, :4], rope[:T, None, 4:]
        a, b = x[..., :4], x[..., 4:]
        return np.concatenate([a * c - b * s, b * c + a * s], -1)

    for i in range(L):
        qkv = norm(x, W["norm1"][i]) @ W["wqkv"][i].T
        q = rotate(qkv[:, :32].reshape(T, H, D))
        k = rotate(qkv[:, 32:48].reshape(T, G, D)).repeat(H // G, 1)
        v = qkv[:, 48:].reshape(T, G, D).repeat(H // G, 1)
        s = np.einsum("thd,shd->hts", q, k) * 0.353553391
        s = np.where(np.tril(np.ones((T, T))) > 0, s, -np.inf)
        p = np.exp(s - s.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        x = x + np.einsum("hts,shd->thd", p, v).reshape(T, C) @ W["wo"][i].T
        g, u = np.split(norm(x, W["norm2"][i]) @ W["wgu"][i].T, 2, axis=1)
        x = x + (g / (1 + np.exp(-g)) * u) @ W["wd"][i].T
    return norm(x, W["norm"]) @ W["embed"].T


N = 150
tokens = rng.integers(0, V, N)
want = reference(tokens)
first = None
for chunk in (0, 1, 3):
    m.chunk(chunk)
    for step in (64, 50, 7, 1, "decode"):
        cache = aligned(m.cache_bytes)
        got = np.zeros((N, V), np.float32)
        width = 1 if step == "decode" else step
        for p in range(0, N, width):
            part = tokens[p:p + width]
            entry, room = ("decode", 1) if step == "decode" else ("prefill", m.max_chunk)
            got[p:p + width] = m.call(entry, [part], (room, V), cache, p)
        first = got if first is None else first
        error = abs(got - want).max()
        assert error < 1e-4, (chunk, step, error)
        assert np.array_equal(first, got), f"other bits: chunks of {chunk}, steps of {step}"

cache = aligned(m.cache_bytes)
m.call("prefill", [tokens[:60]], (m.max_chunk, V), cache, 0, rows=0)
last = m.call("prefill", [tokens[60:100]], (m.max_chunk, V), cache, 60, rows=1)
assert np.array_equal(last[0], first[99])
print("decoder agrees")
