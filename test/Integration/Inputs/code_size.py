#!/usr/bin/env python3
"""The bytes of machine code in ELF files (sections that are allocated and executable).

  code_size.py A B --within 5        the two differ by at most 5 percent
"""
import struct
import sys


def code_size(path):
    with open(path, "rb") as file:
        data = file.read()
    assert data[:4] == b"\x7fELF", path
    (offset,) = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    total = 0
    for i in range(count):
        _, kind, flags, _, _, length = struct.unpack_from("<IIQQQQ", data, offset + i * size)
        if kind == 1 and flags & 6 == 6:
            total += length
    return total


a, b = code_size(sys.argv[1]), code_size(sys.argv[2])
percent = 100 * abs(a - b) / min(a, b)
print(f"{a} and {b} bytes of code, {percent:.2f} % apart")
if percent > float(sys.argv[4]):
    sys.exit(1)
