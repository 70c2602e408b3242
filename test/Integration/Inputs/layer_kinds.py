#!/usr/bin/env python3
"""A checkpoint whose layers are of several kinds, and what numpy makes of it.

  layer_kinds.py make DIR --types local,local,full --sizes 24,24,40 [--config-only]
  layer_kinds.py logits DIR 1,2,3 --output FILE.npy

The model is that of layer_kinds.tenon; `--sizes` are repeated as often as needed.
"""
import argparse
import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import models  # noqa: E402
import tensors  # noqa: E402
from make_random_model import Maker  # noqa: E402

VOCAB, WIDTH, HEADS, WINDOW = 97, 32, 4, 5


def make(a):
    types = a.types.split(",")
    sizes = [int(size) for size in a.sizes.split(",")]
    sizes = [sizes[i % len(sizes)] for i in range(len(types))]
    os.makedirs(a.directory, exist_ok=True)
    with open(os.path.join(a.directory, "config.json"), "w", encoding="utf-8") as file:
        json.dump({"vocab": VOCAB, "width": WIDTH, "layers": len(types), "n_heads": HEADS, "window": WINDOW,
                   "types": types, "sizes": sizes}, file)
    if a.config_only:
        return
    m = Maker(3)
    m.matrix("embed", VOCAB, WIDTH, inputs=WIDTH)
    for i, size in enumerate(sizes):
        at = f"layers.{i}."
        if i > 0:
            m.vector(at + "norm", WIDTH, 1.0)
        m.vector(at + "norm2", WIDTH, 1.0)
        for name in (at + "q", f"keys.{2 * i + 1}", at + "v", at + "o"):
            m.matrix(name, WIDTH, WIDTH, inputs=WIDTH)
        m.matrix(at + "gate", size, WIDTH, inputs=WIDTH)
        m.matrix(at + "up", size, WIDTH, inputs=WIDTH)
        m.matrix(at + "down", WIDTH, size, inputs=size)
    tensors.write_directory(a.directory, m.tensors, "f32", 1)


def logits(a):
    with open(os.path.join(a.directory, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    w = {name: array.astype(np.float64) for name, array in tensors.read_directory(a.directory).items()}
    tokens = np.array([int(token) for token in a.tokens.split(",")])
    positions = np.arange(len(tokens))
    x = w["embed"][tokens]
    for i, kind in enumerate(config["types"]):
        at = f"layers.{i}."
        h = models.rms_norm(x, w[at + "norm"], 1e-5) if i > 0 else x
        q, k, v = (models.split_heads(h @ w[name].T, HEADS) for name in (at + "q", f"keys.{2 * i + 1}", at + "v"))
        if kind != "nope":
            frequency = models.rope_frequencies(WIDTH // HEADS, 100.0 if kind == "local" else 10000.0, None)
            q, k = models.rotate(q, positions, frequency), models.rotate(k, positions, frequency)
        visible = models.Decoder.visible(positions, WINDOW if kind == "local" else None)
        x = x + models.attend(q, k, v, visible) @ w[at + "o"].T
        h = models.rms_norm(x, w[at + "norm2"], 1e-5)
        gate = h @ w[at + "gate"].T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ w[at + "up"].T)) @ w[at + "down"].T
    np.save(a.output, (x @ w["embed"].T).astype(np.float32))


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
commands = parser.add_subparsers(required=True)
command = commands.add_parser("make")
command.set_defaults(run=make)
command.add_argument("directory")
command.add_argument("--types", required=True)
command.add_argument("--sizes", required=True)
command.add_argument("--config-only", action="store_true")
command = commands.add_parser("logits")
command.set_defaults(run=logits)
command.add_argument("directory")
command.add_argument("tokens")
command.add_argument("--output", required=True)
arguments = parser.parse_args()
arguments.run(arguments)
