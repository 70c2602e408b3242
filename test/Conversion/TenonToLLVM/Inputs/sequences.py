"""@decode_batch of a decoder of three sequences against @decode: python sequences.py NAME."""
import sys

import numpy as np
from frame import Module, aligned

m = Module(sys.argv[1])
S, V = 3, 200
m.weights.view(np.float32)[:] = np.random.default_rng(2).standard_normal(m.weights.size // 4).astype(np.float32) * 0.2
part = m.cache_bytes // S
tokens = np.random.default_rng(3).integers(0, V, (S, 150))


def alone(sequence):
    cache, rows = aligned(part), []
    for p in range(tokens.shape[1]):
        rows.append(m.call("decode", [tokens[sequence, p:p + 1]], (1, V), cache, p)[0])
    return rows


want = [alone(s) for s in range(S)]
for chunk in (0, 1, 3):
    m.chunk(chunk)
    cache, lengths = aligned(m.cache_bytes), [0, 70, 149]
    for s, length in enumerate(lengths):
        for p in range(0, length, m.max_chunk):
            some = tokens[s, p:min(p + m.max_chunk, length)]
            m.call("prefill", [some], (m.max_chunk, V), cache[s * part:(s + 1) * part], p)
    for step in range(80):
        # A sequence that is at its end stays there: its row is nobody's.
        at = [min(length, tokens.shape[1] - 1) for length in lengths]
        got = m.call("decode_batch", [[tokens[s, at[s]] for s in range(S)], at], (S, V), cache)
        for s in range(S):
            if lengths[s] < tokens.shape[1]:
                assert np.array_equal(got[s], want[s][at[s]]), f"other bits: sequence {s}, token {at[s]}"
                lengths[s] += 1
print("sequences agree")
