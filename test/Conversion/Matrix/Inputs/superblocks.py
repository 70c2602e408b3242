"""Weights of every block type, made up of random integers and scales, and laid out in superblocks as
include/tenon/Support/Superblock.h says. Nothing here is shared with the compiler's packing, nor with GGML's formats:
a weight is its integers, and its values follow from them.
"""

import os
import sys
from dataclasses import dataclass

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "Reference"))
import superblock  # noqa: E402

PANEL, LANES, GROUP = 32, 16, 32
IQ4_VALUES = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113])
TABLES = {"iq4_nl": IQ4_VALUES, "iq4_xs": IQ4_VALUES}


@dataclass(frozen=True)
class Scheme:
    bits: int
    zero: int
    scale: str  # half, minimum (half and a half minimum), signed, unsigned, nibbles
    groups: int = 2
    halves: int = 1  # scales in a group
    spare: int = 0  # highest bits that are 0

    @property
    def columns(self):
        return self.groups * GROUP

    @property
    def bytes(self):
        values = 16 * GROUP * self.groups * self.bits // 8
        count = self.groups * self.halves * LANES
        scales = {"half": 2 * count, "minimum": 4 * count, "signed": count + 32, "unsigned": 2 * count + 64,
                  "nibbles": count + 64}[self.scale]
        return values + (scales + 63) // 64 * 64


SCHEMES = {
    "q4_0": Scheme(4, 8, "half"), "q4_1": Scheme(4, 0, "minimum"), "q5_0": Scheme(5, 16, "half"),
    "q5_1": Scheme(5, 0, "minimum"), "q8_0": Scheme(8, 128, "half"), "iq4_nl": Scheme(4, 128, "half"),
    "q2_k": Scheme(2, 0, "nibbles", 8, 2), "q3_k": Scheme(3, 4, "signed", 8, 2),
    "q4_k": Scheme(4, 0, "unsigned", 8), "q5_k": Scheme(5, 0, "unsigned", 8),
    "q6_k": Scheme(6, 32, "signed", 8, 2), "q8_channel": Scheme(8, 128, "half"), "iq4_xs": Scheme(4, 128, "signed", 8),
    "tq2_0": Scheme(2, 1, "half", 8), "q7_channel": Scheme(8, 64, "half", spare=1),
}
CHANNELS = {"q8_channel": "token", "q7_channel": "token7"}  # and the groups that they are multiplied by
# Magnitudes of integer scales.
MOST = {"q2_k": 15, "q3_k": 31, "q4_k": 63, "q5_k": 63, "q6_k": 127, "iq4_xs": 31}


class Weight:
    """A random [n, k] of a type: `values` in f64, and f32 as a table lookup rounds them; `packed` bytes."""

    def __init__(self, rng, kind, n, k, gated=False):
        self.kind, self.scheme, self.n, self.k = kind, SCHEMES[kind], n, k
        s = self.scheme
        outputs = n // 2 if gated else n
        width = PANEL // 2 if gated else PANEL
        self.panels = -(-outputs // width)
        self.superblocks = -(-k // s.columns)
        # All that memory holds, as [rows, groups, ...]: padding has finite values that must not matter.
        rows, groups = self.panels * PANEL, self.superblocks * s.groups
        most = (1 << s.bits - s.spare) - 1
        u = rng.integers(0, most + 1, (rows, groups, GROUP))
        u[rng.random((rows, groups)) < 0.03] = 0  # the farthest integers side by side
        u[rng.random((rows, groups)) < 0.03] = most
        self.u = u
        many = (rows, groups, s.halves)
        step = 2.0 ** -(s.bits // 2 * 2) / (1 if s.scale in ("half", "minimum") else MOST[kind])
        self.minimum = None
        if s.scale in ("half", "minimum"):
            self.d = (rng.uniform(0.2, 1, many) * rng.choice([-1, 1], many) * step).astype(np.float16)
            if kind in ("q8_0", *CHANNELS):
                self.d /= np.float16(16)
            if kind in CHANNELS:
                self.d[:] = self.d[:, :1]
            if kind in TABLES:
                self.d = np.float16(0.06 if kind == "iq4_nl" else 0.6) * self.d
            scale = self.d.astype(np.float64)
            if s.scale == "minimum":
                self.m = rng.uniform(-0.6, 0.6, many).astype(np.float16)
                self.minimum = self.m.astype(np.float64)
        else:
            blocks = (rows, self.superblocks)
            self.d = (rng.uniform(0.2, 1, blocks) * step * ({"iq4_xs": 0.03}.get(kind, 0.5) if s.scale == "signed" else 1)).astype(np.float16)
            low = -MOST[kind] - 1 if s.scale == "signed" else 0
            self.sc = rng.integers(low, MOST[kind] + 1, many)
            scale = self.sc * np.repeat(self.d.astype(np.float64), s.groups, 1)[..., None]
            if s.scale != "signed":
                self.dmin = (rng.uniform(0.2, 1, blocks) / MOST[kind]).astype(np.float16)
                self.mn = rng.integers(0, MOST[kind] + 1, many)
                self.minimum = -self.mn * np.repeat(self.dmin.astype(np.float64), s.groups, 1)[..., None]
        number = TABLES[kind][u] if kind in TABLES else u - s.zero
        spread = lambda x: np.repeat(x, GROUP // s.halves, 2)
        whole = spread(scale) * number
        # Each product is rounded once to f32 (exact but for q6_k), then the sum.
        single = (spread(scale.astype(np.float32)) * number.astype(np.float32)).astype(np.float32)
        if self.minimum is not None:
            whole = whole + spread(self.minimum)
            single = single + spread(self.minimum.astype(np.float32))
        place = self._places(outputs, width, gated)
        self.values = whole.reshape(rows, -1)[place, :k]
        self.rounded = single.reshape(rows, -1)[place, :k]
        # [n, groups], where they are applied to the sums of groups as 16 bits hold them.
        self.paired_minimums = self.minimum[place, :, 0] if s.scale == "unsigned" else None
        self.packed = self._pack()

    def _places(self, outputs, width, gated):
        """Where logical row i lies among the rows of all panels."""
        i = np.arange(outputs)
        first = i // width * PANEL + i % width
        return np.concatenate((first, first + width)) if gated else first

    def _pack(self):
        s = self.scheme
        p, sb = self.panels, self.superblocks
        # [panel, half, lane, superblock, group, chunk, byte] to [panel, superblock, half, group, chunk, lane, byte]
        v = self.u.reshape(p, 2, LANES, sb, s.groups, 8, 4).transpose(0, 3, 1, 4, 5, 2, 6)

        def scales(x, dtype):
            """[rows, groups, halves] as [groups * halves][16 lanes]."""
            x = x.reshape(p, 2, LANES, sb, -1).transpose(0, 3, 1, 4, 2)
            return np.ascontiguousarray(x.astype(dtype)).view(np.uint8).reshape(p, sb, 2, -1)

        parts = []
        if s.scale == "nibbles":
            parts.append(scales(self.sc | self.mn << 4, np.uint8))
        elif s.scale == "unsigned":
            pairs = self.mn.reshape(p, 2, LANES, sb, -1, 2).transpose(0, 3, 1, 4, 2, 5)
            parts += [scales(self.sc, np.uint8), pairs.astype(np.uint8).reshape(p, sb, 2, -1)]
        elif s.scale == "signed":
            parts.append(scales(self.sc, np.int8))
        else:
            parts.append(scales(self.d, np.float16))
            if s.scale == "minimum":
                parts.append(scales(self.m, np.float16))
        if s.scale in ("nibbles", "unsigned", "signed"):
            parts.append(scales(self.d, np.float16))
            if s.scale != "signed":
                parts.append(scales(self.dmin, np.float16))
        header = np.concatenate(parts, 3)
        header = np.pad(header, ((0, 0), (0, 0), (0, 0), (0, -header.shape[3] % 64)), constant_values=0xA5)
        whole = np.concatenate((header, superblock.join(v, s.bits).reshape(p, sb, 2, -1)), 3)
        assert whole.shape[3] == s.bytes
        return whole


# What the types of int8 groups are called here, and as a type of the dialect; bytes of one.
GROUPS = {"groups": ("!tenon.int8_group", 64), "token": ("!tenon.int8_group<per_token>", 64),
          "token7": ("!tenon.int8_group<per_token, 7>", 64), "residual": ("!tenon.int8_group<residual>", 128)}


def quantize(x, groups, kind, lanes):
    """f32 rows to int8 groups [rows, groups, bytes], and the values that they stand for, in f64.

    Sums of as many groups as a register has lanes, at most 8, share the scale of their 16 bits. Per token all groups of a
    row have one scale; the first holds that and the row's sum, the other fields are 0; token7 has 7 bits. With residuals integers have 8 bits
    more, 7 of them in bytes of their own behind the group."""
    rows, k = x.shape
    padded = np.zeros((rows, groups, GROUP), np.float32)
    padded.reshape(rows, -1)[:, :k] = x
    most = np.abs(padded).max((1, 2) if kind in CHANNELS.values() else 2, keepdims=True)
    largest = {"residual": 127 * 128, "token7": 64}.get(kind, 127)
    scale = most * np.float32(1 / largest)
    with np.errstate(divide="ignore"):
        inverse = np.where(most == 0, np.float32(0), np.float32(largest) / most)
    q = np.rint(padded * inverse).astype(np.int32)
    halves = q.reshape(rows, groups, 2, 16).sum(3, dtype=np.int32)
    out = np.zeros((rows, groups, GROUPS[kind][1] // 4), np.int32)
    first = q
    if kind == "residual":
        first = q + 64 >> 7
        out[:, :, 16:24] = (q - (first << 7)).astype(np.int8).view(np.int32)
    out[:, :, :8] = first.astype(np.int8).view(np.int32)
    floats = out.view(np.float32)
    values = (q * scale.astype(np.float64)).reshape(rows, -1)[:, :k]
    if kind in CHANNELS.values():
        floats[:, 0, 8] = scale[:, 0, 0]
        out[:, 0, 10] = -128 * q.sum((1, 2))
    else:
        floats[:, :, 8] = scale[:, :, 0]
        floats[:, :, 9] = scale[:, :, 0] * q.sum(2).astype(np.float32)
        out[:, :, 10] = -128 * q.sum(2)
        out[:, :, 11:13] = -128 * halves
        floats[:, :, 13:15] = scale * halves.astype(np.float32)
        run = min(8, lanes)
        sums = np.zeros((rows, -(-groups // run), run), np.float32)
        sums.reshape(rows, -1)[:, :groups] = floats[:, :, 9]
        most = np.abs(sums).max(2, keepdims=True)
        with np.errstate(divide="ignore"):
            inverse = np.where(most == 0, np.float32(0), np.float32(32767) / most)
        words = np.zeros(sums.shape, np.int32)
        pairs = np.rint(sums * inverse).astype(np.int16)
        words[:, :, ::2] = np.ascontiguousarray(pairs).view(np.int32)
        words[:, :, 1::2] = (most * np.float32(1 / 32767)).view(np.int32)
        out[:, :, 15] = words.reshape(rows, -1)[:, :groups]
    return out.view(np.uint8).reshape(rows, groups, -1), values


def rounded_sums(groups, lanes):
    """The sums of int8 groups as 16 bits hold them, less the exact ones: [rows, groups] in f64. Whole runs only."""
    run = min(8, lanes)
    words = np.ascontiguousarray(groups).view(np.int32).reshape(*groups.shape[:2], -1)[:, :, [9, 15]]
    exact, word = (np.ascontiguousarray(w).reshape(len(groups), -1, run) for w in np.moveaxis(words, 2, 0))
    pairs = np.ascontiguousarray(word[:, :, ::2]).view(np.int16)
    scale = np.ascontiguousarray(word[:, :, 1:2]).view(np.float32).astype(np.float64)
    return (pairs * scale - exact.view(np.float32)).reshape(len(groups), -1)
