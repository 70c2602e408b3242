"""Items 1 to 7: GGUF files. gguf.py DIRECTORY"""

import struct
import sys

from bad import Bad
from formats import array, f32, gguf, string, text, u32

bad = Bad(sys.argv[1])
at = r"x\.gguf:\+0x[0-9a-f]+: error: "


def refuse(what, data, pattern):
    bad.compile(what, bad.write("x.gguf", data), at + pattern)


def header(version=3, tensors=0, values=0):
    return b"GGUF" + struct.pack("<IQQ", version, tensors, values)


BASE = [("general.architecture", string("llama"))]

# 1: the header.
refuse("1 empty", b"", ".*")
refuse("1 three bytes", b"GGU", ".*")
refuse("1 magic", b"GGML" + header()[4:], ".*GGUF.*")
for version in (0, 1, 4):
    refuse(f"1 version {version}", header(version), rf".*version {version}\b")
refuse("1 byte-swapped", b"GGUF" + struct.pack(">IQQ", 3, 0, 0), ".*big-endian")
# 2: counts.
for count in (2**64 - 1, 2**63, 2**40, 100):
    refuse(f"2 {count} values", header(values=count), rf".*{count}")
    refuse(f"2 {count} tensors", header(tensors=count), rf".*{count}")
# 3: names.
refuse("3 key length", header(values=1) + struct.pack("<Q", 2**63) + b"abc", ".*")
refuse("3 empty key", gguf([("", u32(1))], []), ".*empty")
refuse("3 key twice", gguf([("k", u32(1)), ("k", u32(1))], []), ".*'k'.*twice")
refuse("3 tensor twice", gguf(BASE, [("t", (1,), 0, bytes(4)), ("t", (1,), 0, bytes(4))]), ".*'t'.*twice")
refuse("3 escape sequence", gguf([("k\x1b[2J", u32(1)), ("k\x1b[2J", u32(1))], []), r".*'k\\x1b\[2J'")
# 4: arrays.
refuse("4 2^30 strings", header(values=1) + text("k") + struct.pack("<IIQ", 9, 8, 2**30) + bytes(50), ".*1073741824")
refuse("4 nested", header(values=1) + text("k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 10000, ".*")
refuse("4 unknown type", gguf([("k", struct.pack("<I", 13))], []), ".*13")
# 5: alignment.
for value, shown in ((u32(0), "0"), (u32(3), "3"), (u32(2**31 + 1), "2147483649"), (string("32"), "a string")):
    refuse(f"5 alignment {shown}", gguf([("general.alignment", value)], []), rf".*alignment.*{shown}")
# 6: dimensions.
for what, dimensions, pattern in (("wraps", (2**32, 2**32), "."), ("zero", (0, 4), "0"), ("huge", (2**63,), "."),
                                  ("five", (1, 1, 1, 1, 1), "5")):
    refuse(f"6 {what}", gguf(BASE, [("t", dimensions, 0, b"")]), rf"tensor 't'.*{pattern}")
refuse("6 blocks", gguf(BASE, [("t", (33,), 2, bytes(18))]), "tensor 't'.*32")
# 7: data.
good = gguf(BASE, [("t", (8,), 0, bytes(32))])
refuse("7 one byte short", good[:-1], "tensor 't'.*leave the file")


def with_offset(offset, kind=0):
    head = header(tensors=2, values=1) + text(BASE[0][0]) + BASE[0][1]
    for name, begin in (("a", 0), ("b", offset)):
        head += text(name) + struct.pack("<IQIQ", 1, 16, kind, begin)
    return head + bytes(-len(head) % 32) + bytes(256)


refuse("7 misaligned", with_offset(33), "tensor 'b'.*33")
refuse("7 overlapping", with_offset(32), "tensor '[ab]'.*'[ab]'")
refuse("7 type", with_offset(64, kind=99), "tensor 'a'.*99")
bad.finish()
