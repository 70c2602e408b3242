#!/usr/bin/env python3
"""Copies a compiled program with its payload damaged: damage.py FROM TO PLACE

PLACE: weights, tokenizer (one bit in the middle of that section), metadata, trailer (one bit), truncated (the last
100 bytes gone), appended (one byte more).
"""
import json
import os
import struct
import sys

source, target, place = sys.argv[1:]
with open(source, "rb") as file:
    data = bytearray(file.read())
trailer = len(data) - 64
assert data[trailer:trailer + 8] == b"TENONPAY", data[trailer:trailer + 8]
offset, size = struct.unpack_from("<QQ", data, trailer + 16)
metadata = json.loads(data[offset:offset + size])
sections = {s["name"]: s for s in metadata["sections"]}
if place == "truncated":
    del data[-100:]
elif place == "appended":
    data += b"x"
else:
    if place in sections:
        at = sections[place]["offset"] + sections[place]["size"] // 2
    else:
        at = {"metadata": offset + size // 2, "trailer": trailer + 30}[place]
    data[at] ^= 4
with open(target, "wb") as file:
    file.write(data)
os.chmod(target, 0o755)
