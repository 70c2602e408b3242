#!/usr/bin/env python3
"""Runs `logits` with every number of threads and every prefill chunk, and with the entry that generation uses for one
token; compares the files byte for byte.

  same_bits.py PROGRAM --vocab 1024 --tokens 300 [--threads 1,2,4] [--chunks 1,7,64,512] [--beside ANOTHER]

With ANOTHER, a program that shall compute the same, its file is one of them.
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile


def numbers(text):
    return [int(part) for part in text.split(",")]


parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("--vocab", type=int, required=True)
parser.add_argument("--tokens", type=int, default=300)
parser.add_argument("--threads", type=numbers, default=[1, 2, 4])
parser.add_argument("--chunks", type=numbers, default=[1, 7, 64, 512])
parser.add_argument("--beside")
args = parser.parse_args()
source = random.Random(3)
tokens = ",".join(str(source.randrange(args.vocab)) for _ in range(args.tokens))
first, different = None, []
ways = [(args.program, threads, way) for threads in args.threads
        for way in [["--prefill-chunk", str(chunk)] for chunk in args.chunks] + [["--decode"]]]
if args.beside:
    ways.append((args.beside, 1, []))
with tempfile.TemporaryDirectory() as place:
    for program, threads, way in ways:
        path = os.path.join(place, "logits.npy")
        command = [program, "logits", "--tokens", tokens, "--output", path, "--threads", str(threads), *way]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"exit {done.returncode}: {' '.join(command)}: {done.stderr}")
        with open(path, "rb") as file:
            content = file.read()
        os.remove(path)
        first = first or content
        if content != first:
            different.append(f"{program}, {threads} threads {' '.join(way)}")
if len(first) < args.tokens * args.vocab * 4:
    sys.exit(f"only {len(first)} bytes of logits")
if different:
    sys.exit("other bits than the first run: " + "; ".join(different))
print(f"{len(ways)} runs, the same {len(first)} bytes")
