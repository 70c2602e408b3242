"""Writes DIRECTORY/<type>.blocks, random blocks of each type, and <type>.f32, their values as numpy computes them."""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "Reference"))
import gguf

HALVES = {"q2_k": (80, 82), "q3_k": (108,), "q6_k": (208,), "q4_k": (0, 2), "q5_k": (0, 2), "q4_1": (0, 2), "q5_1": (0, 2),
          "tq1_0": (52,), "tq2_0": (64,), "mxfp4": ()}

directory = sys.argv[1]
os.makedirs(directory, exist_ok=True)
rng = np.random.default_rng(int(sys.argv[2]))
for kind in gguf.BLOCK_TYPES:
    elements, size = gguf.BLOCKS[kind]
    # Any bits at all, but for the scales' exponents, which stay finite; then what a quantizer makes.
    blocks = rng.integers(0, 256, (300, size), np.uint8)
    for at in HALVES.get(kind, (0,)):
        blocks[:, at + 1] &= 0xBB
    if kind == "mxfp4":  # the scales that binary16 has
        blocks[:, 0] = 104 + blocks[:, 0] % 40
    data = blocks.tobytes() + gguf.quantize(kind, rng.standard_normal(100 * elements))
    with open(os.path.join(directory, kind + ".blocks"), "wb") as file:
        file.write(data)
    gguf.dequantize(kind, data).tofile(os.path.join(directory, kind + ".f32"))
