"""The values of the weights that an executable holds, read back from its payload: superblocks as
include/tenon/Support/Superblock.h describes them. Nothing here is shared with the compiler's packing.
"""
import json
import re
import struct

import numpy as np

# bits, bits of a second plane, zero point, scales, groups along K, scales in a group
SCHEMES = {"q4_0": (4, 0, 8, "half", 2, 1), "q4_1": (4, 0, 0, "minimum", 2, 1), "q5_0": (4, 1, 16, "half", 2, 1),
           "q5_1": (4, 1, 0, "minimum", 2, 1), "q8_0": (8, 0, 128, "half", 2, 1), "iq4_nl": (4, 0, 128, "half", 2, 1),
           "q2_k": (2, 0, 0, "nibbles", 8, 2), "q3_k": (2, 1, 4, "signed", 8, 2), "q4_k": (4, 0, 0, "unsigned", 8, 1),
           "q5_k": (4, 1, 0, "unsigned", 8, 1), "q6_k": (4, 2, 32, "signed", 8, 2)}
IQ4 = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113])


def plane(data, bits):
    """Bytes [..., chunks, 16, 4] of one group to integers [..., 8, 16, 4]."""
    fields = 8 // bits
    shifted = [data >> (bits * i) & ((1 << bits) - 1) for i in range(fields)]
    if bits == 4:  # the low halves of all chunks, then the high ones
        return np.concatenate(shifted, -3)
    return np.stack(shifted, -3).reshape(*data.shape[:-3], 8, *data.shape[-2:])


def unpack(kind, data, n, k, interleave):
    """float32 [n, k] of the bytes of a matrix in panels of 32."""
    bits, high, zero, scale, groups, halves = SCHEMES[kind]
    outputs, width = n // interleave, 32 // interleave
    panels, steps = -(-outputs // width), -(-k // (32 * groups))
    data = data.reshape(panels, steps, 2, -1)
    at = 0

    def take(count):
        nonlocal at
        at += count
        return data[..., at - count:at]

    def chunks(bits):
        return plane(take(groups * 64 * bits).reshape(panels, steps, 2, groups, bits, 16, 4), bits).astype(int)

    def numbers(dtype, count):
        raw = np.ascontiguousarray(take(count * 16 * np.dtype(dtype).itemsize)).view(dtype)
        return raw.reshape(panels, steps, 2, count, 16).astype(np.float64)

    u = chunks(bits) if bits < 8 else take(groups * 512).reshape(panels, steps, 2, groups, 8, 16, 4).astype(int)
    if high:
        u |= chunks(high) << bits
    count, low = groups * halves, None
    if scale in ("half", "minimum"):
        d = numbers(np.float16, count)
        low = numbers(np.float16, count) if scale == "minimum" else None
    elif scale == "nibbles":
        both = numbers(np.uint8, count).astype(int)
        d, low = (both & 15) * numbers(np.float16, 1), -(both >> 4) * numbers(np.float16, 1)
    elif scale == "unsigned":
        sc, mn = numbers(np.uint8, count), numbers(np.uint8, count)
        d, low = sc * numbers(np.float16, 1), -mn * numbers(np.float16, 1)
    else:
        d = numbers(np.int8, count) * numbers(np.float16, 1)
    w = (IQ4[u] if kind == "iq4_nl" else u - zero).astype(np.float64)
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
        bits, high, _, scale, groups, halves = SCHEMES[kind]
        scales = {"half": 32, "minimum": 64, "signed": 16, "nibbles": 16, "unsigned": 32}[scale] * groups * halves
        factors = {"signed": 32, "nibbles": 64, "unsigned": 64}.get(scale, 0)
        block = -(-(groups * 64 * (bits + high) + scales + factors) // 64) * 64
        layer = -(-(n // (1 + gated)) // (16 if gated else 32)) * -(-k // (32 * groups)) * 2 * block
        assert weight["size"] % layer == 0, weight
        data = np.frombuffer(content, np.uint8, weight["size"], start + weight["offset"]).reshape(-1, layer)
        result[weight["name"]] = [unpack(kind, part, n, k, 1 + gated) for part in data]
        types[weight["name"]] = kind
    return result, types
