#!/usr/bin/env python3
"""Adapters beside a model in blocks learn what they learn beside the numbers that the blocks say.

  quantized_base.py PLACE

Beside a GGUF file in Q4_K and, for some layers, Q6_K they are the same bytes as beside a directory with the numbers that
it says in f32, for one and two threads: unpacking rounds as reading a file does, and nothing else differs. Beside those
numbers in 8 bits (--quantize=int8), which are off by some 0.3 %, losses are within 1e-3.
"""
import filecmp
import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import make_gguf  # noqa: E402
import make_random_model  # noqa: E402
from against_reference import in_process, run  # noqa: E402

ADAPTERS = "adapter_model.safetensors"


def train(model, name, threads, *options):
    """Where the adapters are."""
    program, out = os.path.join(place, name), os.path.join(place, name + ".run")
    if not os.path.exists(program):
        run("tenonc", model, "--train=lora:rank=4,targets=wq|down_proj", "--no-tokenizer", "-o", program, *options)
    run(program, "train", "--data", tokens, "--length", "20", "--batch", "2", "--steps", "3", "--rate", "1e-2", "--quiet",
        "--threads", threads, "-o", out)
    return out


def compare(one, other):
    if not filecmp.cmp(os.path.join(one, ADAPTERS), os.path.join(other, ADAPTERS), shallow=False):
        sys.exit(f"{one} and {other} differ")


place = sys.argv[1]
path = lambda name: os.path.join(place, name)
tokens = path("ids.bin")
np.random.default_rng(1).integers(0, 60, 120).astype("<u2").tofile(tokens)

in_process(make_random_model, "llama", path("wide"), "--hidden", "256", "--heads", "4", "--kv-heads", "2", "--ffn", "256",
           "--layers", "3")
in_process(make_gguf, "convert", path("wide"), path("wide.gguf"), "--type", "q4_k_m", "--reference", path("held"))
one = train(path("held"), "numbers", "2")
compare(one, train(path("wide.gguf"), "gguf", "1"))
compare(one, train(path("wide.gguf"), "gguf", "2"))
losses = lambda out: [json.loads(line)["loss"] for line in open(os.path.join(out, "log.jsonl"), encoding="utf-8")]
eight = train(path("held"), "blocks", "2", "--quantize=int8")
for loss, wanted in zip(losses(eight), losses(one), strict=True):
    if not 0 < abs(loss - wanted) < 1e-3 * wanted:
        sys.exit(f"in 8 bits losses are {losses(eight)}, in 32 {losses(one)}")
sizes = [os.path.getsize(path(name)) for name in ("numbers", "blocks", "gguf")]
if sorted(sizes, reverse=True) != sizes:
    sys.exit(f"sizes are {sizes}")
print("the same adapters")
