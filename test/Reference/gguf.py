"""GGUF files and GGML's block formats in numpy, written from the formats' definitions.

Nothing here is shared with the compiler's own reader. The quantizers round to nearest with simple scales: their
blocks are valid, not the best there are.
"""
import struct

import numpy as np

TYPE_IDS = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "q2_k": 10, "q3_k": 11,
            "q4_k": 12, "q5_k": 13, "q6_k": 14, "iq4_nl": 20, "iq4_xs": 23, "bf16": 30, "tq1_0": 34, "tq2_0": 35, "mxfp4": 39}
# Elements and bytes of a block.
BLOCKS = {"f32": (1, 4), "f16": (1, 2), "bf16": (1, 2), "q4_0": (32, 18), "q4_1": (32, 20), "q5_0": (32, 22),
          "q5_1": (32, 24), "q8_0": (32, 34), "q2_k": (256, 84), "q3_k": (256, 110), "q4_k": (256, 144),
          "q5_k": (256, 176), "q6_k": (256, 210), "iq4_nl": (32, 18), "iq4_xs": (256, 136),
          "mxfp4": (32, 17), "tq1_0": (256, 54), "tq2_0": (256, 66)}
BLOCK_TYPES = [name for name, (elements, _) in BLOCKS.items() if elements > 1]
IQ4_NL = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float32)
E2M1 = np.array([0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12], np.float32)  # twice its numbers


# ---- Bits -------------------------------------------------------------------------------------

def halves(blocks, at):
    """Column of binary16 at a byte offset, as float32 [n, 1]."""
    return np.ascontiguousarray(blocks[:, at:at + 2]).view(np.float16).astype(np.float32)


def half_bytes(values):
    return np.ascontiguousarray(values.reshape(-1, 1).astype(np.float16)).view(np.uint8)


def nibbles(data):
    """[n, c] bytes to [n, 2 c]: low nibbles, then high ones."""
    return np.concatenate((data & 15, data >> 4), 1)


def pack_nibbles(u):
    low, high = np.split(u, 2, 1)
    return low | high << 4


def by_planes(data, bits, count):
    """[n, 32] bytes hold `count` fields of `bits` bits, each of 32 elements: [n, 32 count]."""
    return np.concatenate([data >> (bits * i) & ((1 << bits) - 1) for i in range(count)], 1)


def pack_planes(u, bits):
    out = np.zeros((len(u), 32), np.uint8)
    for i, part in enumerate(np.split(u, u.shape[1] // 32, 1)):
        out |= part << (bits * i)
    return out


def six_bit_pairs(data):
    """12 bytes to eight scales and eight minimums of 6 bits."""
    low, mid, high = data[:, 0:4], data[:, 4:8], data[:, 8:12]
    scales = np.concatenate((low & 63, high & 15 | low >> 6 << 4), 1)
    minimums = np.concatenate((mid & 63, high >> 4 | mid >> 6 << 4), 1)
    return scales, minimums


def pack_six_bit_pairs(s, m):
    return np.concatenate((s[:, :4] | s[:, 4:] >> 4 << 6, m[:, :4] | m[:, 4:] >> 4 << 6,
                           s[:, 4:] & 15 | (m[:, 4:] & 15) << 4), 1)


def digits(data, count):
    """Digits of base 3, the greatest first; a byte is 256/243 times the number of five, rounded up."""
    return np.concatenate([(data.astype(np.uint16) * 3**n % 256) * 3 >> 8 for n in range(count)], 1)


def pack_digits(u, count):
    number = sum(part.astype(int) * 3**(4 - n) for n, part in enumerate(np.split(u, count, 1)))
    return ((number * 256 + 242) // 243).astype(np.uint8)


# ---- Dequantizing -----------------------------------------------------------------------------

def dequantize(kind, data):
    """float32 values of the bytes of whole blocks (or plain elements)."""
    data = np.frombuffer(data, np.uint8)
    if kind == "f32":
        return data.view(np.float32).copy()
    if kind == "f16":
        return data.view(np.float16).astype(np.float32)
    if kind == "bf16":
        return (data.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    b = data.reshape(-1, BLOCKS[kind][1])
    f = np.float32
    if kind == "q4_0":
        w = halves(b, 0) * (nibbles(b[:, 2:]).astype(f) - f(8))
    elif kind == "q4_1":
        w = halves(b, 0) * nibbles(b[:, 4:]).astype(f) + halves(b, 2)
    elif kind in ("q5_0", "q5_1"):
        at = 2 if kind == "q5_0" else 4
        fifth = np.unpackbits(b[:, at:at + 4], axis=1, bitorder="little")
        u = (nibbles(b[:, at + 4:]) | fifth << 4).astype(f)
        w = halves(b, 0) * (u - f(16)) if kind == "q5_0" else halves(b, 0) * u + halves(b, 2)
    elif kind == "q8_0":
        w = halves(b, 0) * b[:, 2:].view(np.int8).astype(f)
    elif kind == "iq4_nl":
        w = halves(b, 0) * IQ4_NL[nibbles(b[:, 2:])]
    elif kind == "iq4_xs":
        high = np.stack([b[:, 2 + g // 4] >> 2 * (g % 4) & 3 for g in range(8)], 1)
        low = np.stack([b[:, 4 + g // 2] >> 4 * (g % 2) & 15 for g in range(8)], 1)
        u = np.concatenate([nibbles(b[:, 8 + 16 * g:24 + 16 * g]) for g in range(8)], 1)
        w = np.repeat(halves(b, 0) * ((low | high << 4).astype(f) - f(32)), 32, 1) * IQ4_NL[u]
    elif kind == "mxfp4":
        w = np.ldexp(f(1), b[:, :1].astype(np.int32) - 128) * E2M1[nibbles(b[:, 1:])]
    elif kind == "tq2_0":
        w = halves(b, 64) * (np.concatenate((by_planes(b[:, :32], 2, 4), by_planes(b[:, 32:64], 2, 4)), 1).astype(f) - f(1))
    elif kind == "tq1_0":
        u = np.concatenate([digits(b[:, :32], 5), digits(b[:, 32:48], 5), digits(b[:, 48:52], 4)], 1)
        w = halves(b, 52) * (u.astype(f) - f(1))
    elif kind == "q2_k":
        u = np.concatenate((by_planes(b[:, 16:48], 2, 4), by_planes(b[:, 48:80], 2, 4)), 1)
        scale = halves(b, 80) * (b[:, :16] & 15).astype(f)
        low = halves(b, 82) * (b[:, :16] >> 4).astype(f)
        w = np.repeat(scale, 16, 1) * u.astype(f) - np.repeat(low, 16, 1)
    elif kind == "q3_k":
        u = np.concatenate((by_planes(b[:, 32:64], 2, 4), by_planes(b[:, 64:96], 2, 4)), 1)
        u = (u | by_planes(b[:, :32], 1, 8) << 2).astype(f) - f(4)
        s = np.concatenate((b[:, 96:104] & 15, b[:, 96:104] >> 4), 1)
        s |= np.concatenate([b[:, 104:108] >> (2 * i) & 3 for i in range(4)], 1) << 4
        w = np.repeat(halves(b, 108) * (s.astype(f) - f(32)), 16, 1) * u
    elif kind in ("q4_k", "q5_k"):
        at = 16 if kind == "q4_k" else 48
        u = np.concatenate([nibbles(b[:, at + 32 * i:at + 32 * i + 32]) for i in range(4)], 1)
        if kind == "q5_k":
            u |= by_planes(b[:, 16:48], 1, 8) << 4
        s, m = six_bit_pairs(b[:, 4:16])
        w = np.repeat(halves(b, 0) * s.astype(f), 32, 1) * u.astype(f) - np.repeat(halves(b, 2) * m.astype(f), 32, 1)
    elif kind == "q6_k":
        u = np.concatenate((nibbles(b[:, 0:64]), nibbles(b[:, 64:128])), 1)
        u |= np.concatenate((by_planes(b[:, 128:160], 2, 4), by_planes(b[:, 160:192], 2, 4)), 1) << 4
        s = b[:, 192:208].view(np.int8).astype(f)
        w = np.repeat(halves(b, 208) * s, 16, 1) * (u.astype(f) - f(32))
    else:
        raise ValueError(kind)
    return w.astype(f).reshape(-1)


# ---- Quantizing -------------------------------------------------------------------------------

def inverse(d):
    return np.divide(1, d, out=np.zeros_like(d), where=d != 0)


def steps(values, d, low, high):
    return np.clip(np.rint(values * inverse(d)), low, high)


def extreme(x):
    """The value of greatest magnitude along the last axis."""
    return np.take_along_axis(x, np.abs(x).argmax(-1)[..., None], -1)


def half(values):
    return values.astype(np.float16).astype(np.float32)


def quantize(kind, values):
    """Bytes of the values, a multiple of the block's elements."""
    x = np.ascontiguousarray(values, np.float32).reshape(-1)
    if kind == "f32":
        return x.astype("<f4").tobytes()
    if kind == "f16":
        return x.astype("<f2").tobytes()
    if kind == "bf16":
        bits = x.view(np.uint32).astype(np.uint64)
        return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2").tobytes()
    x = x.reshape(-1, BLOCKS[kind][0])
    return np.concatenate(_small(kind, x) if x.shape[1] == 32 else _large(kind, x), 1).astype(np.uint8).tobytes()


def _small(kind, x):
    u8 = np.uint8
    if kind in ("q4_0", "q5_0"):
        z = 8 if kind == "q4_0" else 16
        d = half(extreme(x) / -z)
        u = (steps(x, d, -z, z - 1) + z).astype(u8)
    elif kind in ("q4_1", "q5_1"):
        top = 15 if kind == "q4_1" else 31
        m = half(x.min(1, keepdims=True))
        d = half((x.max(1, keepdims=True) - m) / top)
        u = steps(x - m, d, 0, top).astype(u8)
    elif kind == "q8_0":
        d = half(np.abs(x).max(1, keepdims=True) / 127)
        return [half_bytes(d), steps(x, d, -127, 127).astype(np.int8).view(u8)]
    elif kind == "mxfp4":  # the greatest magnitude to 4 or 6
        most = np.abs(x).max(1, keepdims=True)
        e = np.where(most > 0, np.clip(np.floor(np.log2(np.maximum(most, 1e-30))) - 2, -23, 16), -23).astype(np.int32)
        u = np.abs((x / np.ldexp(np.float32(0.5), e))[:, :, None] - E2M1).argmin(-1).astype(u8)
        return [(e + 127).astype(u8), pack_nibbles(u)]
    else:  # iq4_nl
        d = half(extreme(x) / -127)
        u = np.abs((x * inverse(d))[:, :, None] - IQ4_NL).argmin(-1).astype(u8)
    parts = [half_bytes(d)]
    if kind.endswith("_1"):
        parts.append(half_bytes(m))
    if kind.startswith("q5"):
        parts.append(np.packbits(u >> 4, axis=1, bitorder="little"))
    return parts + [pack_nibbles(u & 15)]


def _two_level(x, group, top, scale_top):
    """w = d s u - dmin m with s, m up to scale_top: (u, s, m, d, dmin)."""
    g = x.reshape(len(x), -1, group)
    low = np.maximum(-g.min(-1), 0)
    scale = (g.max(-1) + low) / top
    d, dmin = half(scale.max(1, keepdims=True) / scale_top), half(low.max(1, keepdims=True) / scale_top)
    s, m = steps(scale, d, 0, scale_top), steps(low, dmin, 0, scale_top)
    u = steps(g + (dmin * m)[:, :, None], (d * s)[:, :, None], 0, top)
    return u.reshape(x.shape).astype(np.uint8), s.astype(np.uint8), m.astype(np.uint8), d, dmin


def _signed(x, z, scale_top):
    """w = d s (u - z) with signed s up to scale_top, groups of 16: (u, s, d)."""
    g = x.reshape(len(x), 16, 16)
    scale = extreme(g)[:, :, 0] / -z
    d = half(extreme(scale) / -scale_top)
    s = steps(scale, d, -scale_top, scale_top - 1)
    u = steps(g, (d * s)[:, :, None], -z, z - 1) + z
    return u.reshape(x.shape).astype(np.uint8), s.astype(np.int8), d


def _planes_of_halves(u, bits):
    return [pack_planes(part, bits) for part in np.split(u, 2, 1)]


def _large(kind, x):
    if kind == "q2_k":
        u, s, m, d, dmin = _two_level(x, 16, 3, 15)
        return [s | m << 4, *_planes_of_halves(u, 2), half_bytes(d), half_bytes(dmin)]
    if kind in ("q4_k", "q5_k"):
        u, s, m, d, dmin = _two_level(x, 32, 15 if kind == "q4_k" else 31, 63)
        parts = [half_bytes(d), half_bytes(dmin), pack_six_bit_pairs(s, m)]
        if kind == "q5_k":
            parts.append(pack_planes(u >> 4, 1))
        return parts + [pack_nibbles(part & 15) for part in np.split(u, 4, 1)]
    if kind == "q3_k":
        u, s, d = _signed(x, 4, 32)
        s = (s.astype(np.int16) + 32).astype(np.uint8)
        high = sum((s[:, 4 * i:4 * i + 4] >> 4) << (2 * i) for i in range(4)).astype(np.uint8)
        return [pack_planes(u >> 2, 1), *_planes_of_halves(u & 3, 2), pack_nibbles(s & 15), high, half_bytes(d)]
    if kind in ("tq1_0", "tq2_0"):
        d = half(np.abs(x).max(1, keepdims=True))
        u = (steps(x, d, -1, 1) + 1).astype(np.uint8)
        if kind == "tq2_0":
            return [*_planes_of_halves(u, 2), half_bytes(d)]
        return [pack_digits(u[:, :160], 5), pack_digits(u[:, 160:240], 5), pack_digits(u[:, 240:], 4), half_bytes(d)]
    if kind == "iq4_xs":
        g = x.reshape(len(x), 8, 32)
        scale = extreme(g)[:, :, 0] / -127
        d = half(extreme(scale) / -32)
        s = steps(scale, d, -32, 31)
        u = np.abs((g * inverse(d * s)[:, :, None])[..., None] - IQ4_NL).argmin(-1).astype(np.uint8)
        s = (s + 32).astype(np.uint16)
        high = sum((s[:, i:i + 1] >> 4) << (2 * i) for i in range(8)).astype("<u2").view(np.uint8)
        low = np.concatenate([(s[:, i:i + 1] & 15 | (s[:, i + 1:i + 2] & 15) << 4) for i in range(0, 8, 2)], 1)
        return [half_bytes(d), high, low, *[pack_nibbles(u[:, i]) for i in range(8)]]
    u, s, d = _signed(x, 32, 128)  # q6_k
    return [pack_nibbles(u[:, :128] & 15), pack_nibbles(u[:, 128:] & 15), *_planes_of_halves(u >> 4, 2),
            s.view(np.uint8), half_bytes(d)]


# ---- The file ---------------------------------------------------------------------------------

class U32(int):
    """Metadata integers are i32 unless they are one of these."""


class U64(int):
    pass


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def plain(value):
    """(type id, bytes) of a metadata value that is no array; of numpy arrays, which are typed arrays."""
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, U32):
        return 4, struct.pack("<I", value)
    if isinstance(value, U64):
        return 10, struct.pack("<Q", value)
    if isinstance(value, int):
        return 5, struct.pack("<i", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    return 8, text(value)


def metadata_value(value):
    if isinstance(value, np.ndarray):
        kind = {"float32": 6, "int32": 5, "uint32": 4}[value.dtype.name]
        return struct.pack("<IIQ", 9, kind, len(value)) + value.tobytes()
    if isinstance(value, (list, tuple)):
        parts = [plain(item) for item in value]
        return struct.pack("<IIQ", 9, parts[0][0] if parts else 8, len(parts)) + b"".join(data for _, data in parts)
    kind, data = plain(value)
    return struct.pack("<I", kind) + data


class Writer:
    """Collects metadata and tensors; tensors are written in their order. A tensor's data are bytes, or a function
    that writes them to the file, so that models needn't fit in memory."""

    def __init__(self, version=3, alignment=32):
        self.version, self.alignment = version, alignment
        self.metadata, self.tensors = {}, []
        if alignment != 32:
            self.metadata["general.alignment"] = U32(alignment)

    def add(self, name, shape, kind, data):
        """`shape` is row-major: [rows, columns]; the file has it reversed."""
        elements, size = BLOCKS[kind]
        if shape[-1] % elements:
            raise ValueError(f"{name}: rows of {shape[-1]} are no whole blocks of {kind}")
        count = int(np.prod(shape, dtype=np.int64))
        self.tensors.append((name, shape, kind, count // elements * size, data))

    def quantize(self, name, array, kind):
        self.add(name, array.shape, kind, quantize(kind, array))

    def write(self, path):
        offset, infos = 0, []
        for name, shape, kind, size, _ in self.tensors:
            infos.append(text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *reversed(shape))
                         + struct.pack("<IQ", TYPE_IDS[kind], offset))
            offset += size + -size % self.alignment
        head = b"GGUF" + struct.pack("<IQQ", self.version, len(self.tensors), len(self.metadata))
        head += b"".join(text(key) + metadata_value(value) for key, value in self.metadata.items()) + b"".join(infos)
        with open(path, "wb") as file:
            file.write(head + bytes(-len(head) % self.alignment))
            for name, _, _, size, data in self.tensors:
                begin = file.tell()
                if callable(data):
                    data(file)
                else:
                    file.write(data)
                if file.tell() - begin != size:
                    raise ValueError(f"{name}: {file.tell() - begin} bytes instead of {size}")
                file.write(bytes(-size % self.alignment))


def read_metadata(path):
    """The metadata of a file that are numbers and strings; arrays are left out."""
    scalars = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
    with open(path, "rb") as file:
        def number(kind):
            return struct.unpack("<" + kind, file.read(struct.calcsize(kind)))[0]

        def value(kind):
            if kind == 8:
                return file.read(number("Q")).decode(errors="replace")
            if kind != 9:
                return number(scalars[kind])
            of, count = number("I"), number("Q")
            if of in (8, 9):
                for _ in range(count):
                    value(of)
            else:
                file.seek(count * struct.calcsize(scalars[of]), 1)
            return None

        magic, _, _, count = struct.unpack("<4sIQQ", file.read(24))
        if magic != b"GGUF":
            raise ValueError(f"{path}: no GGUF file")
        pairs = [(file.read(number("Q")).decode(), value(number("I"))) for _ in range(count)]
    return {key: item for key, item in pairs if item is not None}
