"""How integers of a group of 32 share bytes in superblocks, as include/tenon/Support/Superblock.h describes it."""
import numpy as np


def pieces(bits):
    """For each of the eight chunks [(line, first bit in its bytes, bits, first bit of the integer)]."""
    if bits in (8, 4, 2):
        per = 8 // bits
        places = [(v % 4, v // 4 * 4) if bits == 4 else (v // per, v % per * bits) for v in range(8)]
        return [[(line, first, bits, 0)] for line, first in places]
    if bits == 6:
        half = lambda l: [[(l, 0, 6, 0)], [(l + 1, 0, 6, 0)], [(l + 2, 0, 6, 0)], [(l + i, 6, 2, 2 * i) for i in range(3)]]
        return half(0) + half(3)
    if bits == 5:
        return [[(v, 0, 5, 0)] for v in range(5)] + [[(0, 5, 3, 0), (1, 5, 2, 3)], [(2, 5, 3, 0), (3, 5, 2, 3)],
                                                      [(4, 5, 3, 0), (1, 7, 1, 3), (3, 7, 1, 4)]]
    assert bits == 3
    return [[(v // 2, v % 2 * 3, 3, 0)] for v in range(6)] + [[(0, 6, 2, 0), (1, 6, 1, 2)], [(2, 6, 2, 0), (1, 7, 1, 2)]]


def join(chunks, bits):
    """Integers [..., 8, 16, 4] to the bytes of a group's lines [..., bits, 16, 4]."""
    lines = np.zeros((*chunks.shape[:-3], bits, *chunks.shape[-2:]), np.uint8)
    for v, parts in enumerate(pieces(bits)):
        for line, first, count, at in parts:
            lines[..., line, :, :] |= ((chunks[..., v, :, :] >> at & ((1 << count) - 1)) << first).astype(np.uint8)
    return lines


def split(lines, bits):
    """The reverse of `join`, as int."""
    chunks = np.zeros((*lines.shape[:-3], 8, *lines.shape[-2:]), int)
    for v, parts in enumerate(pieces(bits)):
        for line, first, count, at in parts:
            chunks[..., v, :, :] |= (lines[..., line, :, :].astype(int) >> first & ((1 << count) - 1)) << at
    return chunks
