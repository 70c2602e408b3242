"""Damages a small GGUF file in many ways and runs tenonc on each: exit 1 with one error, or 0 where the file is still
good; never a signal, another exit code or a hang.

  damage_gguf.py FILE.gguf DIRECTORY
"""
import os
import random
import subprocess
import sys

path, directory = sys.argv[1:]
os.makedirs(directory, exist_ok=True)
with open(path, "rb") as file:
    good = file.read()
header = good.index(b"output_norm.weight") + 64  # names, shapes and types end near here
damaged = os.path.join(directory, "damaged.gguf")
counts = {0: 0, 1: 0}


def run(data, what, must_fail=False):
    with open(damaged, "wb") as file:
        file.write(data)
    done = subprocess.run(["tenonc", damaged, "--emit=import"], capture_output=True, timeout=20)
    if done.returncode not in counts or (must_fail and done.returncode == 0):
        sys.exit(f"{what}: exit {done.returncode}: {done.stderr[-2000:]}")
    if done.returncode == 1 and b"error: " not in done.stderr:
        sys.exit(f"{what}: no error: {done.stderr[-2000:]}")
    counts[done.returncode] += 1


run(good, "the file itself")
if counts[0] != 1:
    sys.exit("the file itself is refused")
# Cut short (Gguf.EveryTruncation of the unit tests tries every length).
size = 0
while size < len(good) - 32:
    run(good[:size], f"the first {size} bytes", must_fail=True)
    size += 5 if size < 28 else random.Random(size).randint(1, 16) + len(good) // 25
# Bytes flipped, and numbers replaced by extremes, anywhere in the header.
chance = random.Random(1)
for _ in range(20):
    at = chance.randrange(header)
    run(good[:at] + bytes([good[at] ^ chance.choice((1, 0x20, 0x80, 0xFF))]) + good[at + 1:], f"byte {at} flipped")
for _ in range(20):
    at = chance.randrange(header - 8)
    number = chance.choice((0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)).to_bytes(8, "little")
    run(good[:at] + number + good[at + 8:], f"bytes {at} to {at + 7} replaced by {number.hex()}")
print(f"{counts[1]} refused, {counts[0]} accepted")
