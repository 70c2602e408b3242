"""The values of the weights that an executable holds, read back from its payload: superblocks as
include/tenon/Support/Superblock.h describes them. Nothing here is shared with the compiler's packing.
"""
import json
import os
import re
import struct
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import superblock  # noqa: E402

# bits, zero point, scales, groups along K, scales in a group
SCHEMES = {"q4_0": (4, 8, "half", 2, 1), "q4_1": (4, 0, "minimum", 2, 1), "q5_0": (5, 16, "half", 2, 1),
           "q5_1": (5, 0, "minimum", 2, 1), "q8_0": (8, 128, "half", 2, 1), "iq4_nl": (4, 128, "half", 2, 1),
           "q2_k": (2, 0, "nibbles", 8, 2), "q3_k": (3, 4, "signed", 8, 2), "q4_k": (4, 0, "unsigned", 8, 1),
           "q5_k": (5, 0, "unsigned", 8, 1), "q6_k": (6, 32, "signed", 8, 2), "iq4_xs": (4, 128, "signed", 8, 1),
           "mxfp4": (4, 128, "half", 2, 1), "tq1_0": (2, 1, "half", 8, 1), "tq2_0": (2, 1, "half", 8, 1)}
IQ4 = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113])
TABLES = {"iq4_nl": IQ4, "iq4_xs": IQ4, "mxfp4": np.array([0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12])}


def unpack(kind, data, n, k, interleave):
    """float32 [n, k] of the bytes of a matrix in panels of 32."""
    bits, zero, scale, groups, halves = SCHEMES[kind]
    outputs, width = n // interleave, 32 // interleave
    panels, steps = -(-outputs // width), -(-k // (32 * groups))
    data = data.reshape(panels, steps, 2, -1)
    at = 0

    def take(count):
        nonlocal at
        at += count
        return data[..., at - count:at]

    def numbers(dtype, count):
        raw = np.ascontiguousarray(take(count * 16 * np.dtype(dtype).itemsize)).view(dtype)
        return raw.reshape(panels, steps, 2, count, 16).astype(np.float64)

    count, low = groups * halves, None
    if scale in ("half", "minimum"):
        d = numbers(np.float16, count)
        low = numbers(np.float16, count) if scale == "minimum" else None
    elif scale == "nibbles":
        both = numbers(np.uint8, count).astype(int)
        d, low = (both & 15) * numbers(np.float16, 1), -(both >> 4) * numbers(np.float16, 1)
    elif scale == "unsigned":
        sc = numbers(np.uint8, count)
        pairs = take(count * 16).reshape(panels, steps, 2, count // 2, 16, 2)
        mn = pairs.swapaxes(4, 5).reshape(sc.shape).astype(np.float64)
        d, low = sc * numbers(np.float16, 1), -mn * numbers(np.float16, 1)
    else:
        d = numbers(np.int8, count) * numbers(np.float16, 1)
    at = -(-at // 64) * 64
    u = superblock.split(take(groups * 64 * bits).reshape(panels, steps, 2, groups, bits, 16, 4), bits)
    w = (TABLES[kind][u] if kind in TABLES else u - zero).astype(np.float64)
    spread = lambda x: np.repeat(x.reshape(panels, steps, 2, groups, halves, 16, 1), 8 // halves, 4)
    w = w * spread(d) + (0 if low is None else spread(low))
    # [panel, step, half, group, chunk, lane, byte] to [panel, half, lane, k]
    w = w.transpose(0, 2, 5, 1, 3, 4, 6).reshape(panels, interleave, width, -1)
    return w.transpose(1, 0, 2, 3).reshape(interleave, -1, w.shape[-1])[:, :outputs, :k].reshape(n, k).astype(np.float32)


def read(path):
    """{name: [the matrix of each layer]} of the weights in blocks, and {name: type}."""
    with open(path, "rb") as file:
        content = file.read()
    magic, _, _, offset, size = struct.unpack("<8sIIQQ", content[-64:-32])
    assert magic == b"TENONPAY", magic
    metadata = json.loads(content[offset:offset + size])
    start = next(s["offset"] for s in metadata["sections"] if s["name"] == "weights")
    result, types = {}, {}
    for weight in metadata["weights"]:
        shape = re.fullmatch(r"tensor<(?:\d+x)*?(\d+)x(\d+)x!tenon\.block<(\w+)>, #tenon\.panel<n = 32, k = \d+(, interleave = 2)?>>",
                             weight["type"])
        if not shape:
            continue
        n, k, kind, gated = int(shape[1]), int(shape[2]), shape[3], bool(shape[4])
        bits, _, scale, groups, halves = SCHEMES[kind]
        scales = {"half": 32, "minimum": 64, "signed": 16, "nibbles": 16, "unsigned": 32}[scale] * groups * halves
        factors = {"signed": 32, "nibbles": 64, "unsigned": 64}.get(scale, 0)
        block = groups * 64 * bits + -(-(scales + factors) // 64) * 64
        layer = -(-(n // (1 + gated)) // (16 if gated else 32)) * -(-k // (32 * groups)) * 2 * block
        assert weight["size"] % layer == 0, weight
        data = np.frombuffer(content, np.uint8, weight["size"], start + weight["offset"]).reshape(-1, layer)
        result[weight["name"]] = [unpack(kind, part, n, k, 1 + gated) for part in data]
        types[weight["name"]] = kind
    return result, types
