#!/usr/bin/env python3
"""pairs.py VOCABULARY.gguf...: compares `tenonc tokenize` with the ids of FILE.inp and FILE.out beside each file.

The texts of FILE.inp are separated by lines "__ggml_vocab_test__"; FILE.out has the ids of each on a line.
"""
import subprocess
import sys

wrong = count = 0
for vocabulary in sys.argv[1:]:
    texts = open(vocabulary + ".inp", "rb").read().split(b"\n__ggml_vocab_test__\n")
    lines = open(vocabulary + ".out").read().split("\n")
    for text, line in zip(texts[:-1] if texts[-1] == b"" else texts, lines):
        done = subprocess.run(["tenonc", "tokenize", "--vocabulary", vocabulary, "--no-special"], input=text,
                              stdout=subprocess.PIPE, check=True)
        count += 1
        if done.stdout.split() != line.encode().split():
            wrong += 1
            print(f"{vocabulary}: {text!r}: {done.stdout.decode().strip()}, expected {line.strip()}")
print(f"{count} texts, {wrong} wrong")
sys.exit(1 if wrong or not count else 0)
