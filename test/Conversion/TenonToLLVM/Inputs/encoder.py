"""The encoder of test/Memory/Inputs against numpy: python encoder.py NAME."""
import math
import sys

import numpy as np
from frame import Module, pack

m = Module(sys.argv[1])
L, C, H, D, F, V = 2, 32, 4, 8, 80, 200
rng = np.random.default_rng(2)
random = lambda *s: (rng.standard_normal(s) * 0.3).astype(np.float32)
one = dict(words=random(V, C), places=random(96, C), norm=1 + random(C), norm_bias=random(C), pool=random(C, C))
layer = dict(wqkv=random(L, 96, C), bqkv=random(L, 96), wo=random(L, C, C), bo=random(L, C),
             norm1=1 + random(L, C), norm1_bias=random(L, C), wu=random(L, F, C), bu=random(L, F),
             wd=random(L, C, F), bd=random(L, C), norm2=1 + random(L, C), norm2_bias=random(L, C))
for name, value in one.items():
    m.put(name, pack(value) if name == "pool" else value)
for name, value in layer.items():
    for i in range(L):
        m.put("layer." + name, pack(value[i]) if value.ndim == 3 else value[i], i)


def reference(tokens, valid):
    T = len(tokens)
    erf = np.vectorize(math.erf)

    def norm(x, w, b):
        d = x - x.mean(-1, keepdims=True)
        return d / np.sqrt((d * d).mean(-1, keepdims=True) + 1e-12) * w + b

    x = one["words"][tokens].astype(np.float64) + one["places"][:T]
    x = norm(x, one["norm"], one["norm_bias"])
    for i in range(L):
        w = {k: v[i] for k, v in layer.items()}
        q, k, v = np.split(x @ w["wqkv"].T + w["bqkv"], 3, axis=1)
        q, k, v = (a.reshape(T, H, D) for a in (q, k, v))
        s = np.einsum("thd,shd->hts", q, k) * 0.353553391
        s = np.where(valid[None, None, :] != 0, s, -np.inf)
        p = np.exp(s - s.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        o = np.einsum("hts,shd->thd", p, v).reshape(T, C)
        x = norm(x + o @ w["wo"].T + w["bo"], w["norm1"], w["norm1_bias"])
        u = x @ w["wu"].T + w["bu"]
        u = u / 2 * (1 + erf(u / math.sqrt(2)))
        x = norm(x + u @ w["wd"].T + w["bd"], w["norm2"], w["norm2_bias"])
    return x


for T in (1, 5, 33, 96):
    tokens = rng.integers(0, V, T)
    valid = np.ones(T, np.int32)
    valid[T - T // 4:] = 0
    want = reference(tokens, valid)
    pooled = np.tanh(want[:1] @ one["pool"].T)
    first = None
    for chunk in (0, 1, 3):
        m.chunk(chunk)
        got = m.call("forward", [tokens, valid], (m.max_chunk, C))
        first = got if first is None else first
        error = abs(got - want).max()
        assert error < 1e-4, (T, chunk, error)
        assert np.array_equal(first, got), f"other bits: chunks of {chunk}"
        error = abs(m.call("pooled", [tokens, valid], (1, C), rows=1) - pooled).max()
        assert error < 1e-4, (T, chunk, error)
print("encoder agrees")
