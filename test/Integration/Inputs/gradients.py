#!/usr/bin/env python3
"""Compares a trainer's gradients with central differences of the reference's loss, in float64.

  gradients.py [--tokens N] -- FAMILY [make_random_model options]

A step of AdamW with a very large epsilon and a rate as large subtracts the gradient itself: m / (sqrt(v) + epsilon) is
g / epsilon. So the difference of two checkpoints is the gradient, of which every tensor is compared along itself and
along a random direction: (L(w + h d) - L(w - h d)) / 2 h in float64. Bound: 1e-4 of the tensor's norm, for f32 sums.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import make_random_model  # noqa: E402
import reference  # noqa: E402
import tensors  # noqa: E402
from against_reference import in_process, run  # noqa: E402

LARGE = "1e6"


def mean_loss(model, tokens):
    logits = model.logits(tokens[:-1])
    peak = logits.max(-1)
    return (np.log(np.exp(logits - peak[:, None]).sum(-1)) + peak - logits[np.arange(len(logits)), tokens[1:]]).mean()


def slope(model, name, direction, tokens, h=1e-5):
    kept = model.tensors[name]
    losses = []
    for sign in (1, -1):
        model.tensors[name] = kept + sign * h * direction
        losses.append(mean_loss(model, tokens))
    model.tensors[name] = kept
    return (losses[0] - losses[1]) / (2 * h)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokens", type=int, default=29)
    parser.add_argument("model", nargs="+")
    args = parser.parse_args()
    random = np.random.default_rng(3)
    with tempfile.TemporaryDirectory() as place:
        source, program, out = (os.path.join(place, name) for name in ("model", "trainer", "run"))
        in_process(make_random_model, args.model[0], source, *args.model[1:])
        run("tenonc", source, "--train", "-O0", "-o", program, "--no-tokenizer")
        model = reference.load(source, np.float64)
        vocabulary = len(next(t for name, t in model.tensors.items() if "embed" in name or "wte" in name))
        tokens = random.integers(0, vocabulary, args.tokens)
        tokens[3] = tokens[7]  # one row of the table gets two gradients
        data = os.path.join(place, "tokens.bin")
        tokens.astype("<u2").tofile(data)
        run(program, "train", "--data", data, "--batch", "1", "--length", str(args.tokens), "--steps", "1", "--rate",
            LARGE, "--epsilon", LARGE, "--schedule", "constant", "--warmup", "0", "--weight-decay", "0", "--clip", "0",
            "-o", out, "--quiet")
        after = tensors.read_directory(out)
        worst, count = 0, 0
        if sorted(after) != sorted(model.tensors):
            sys.exit(f"the checkpoint has other tensors: {sorted(set(after) ^ set(model.tensors))}")
        for name, weight in model.tensors.items():
            gradient = weight - after[name].astype(np.float64)
            norm = np.linalg.norm(gradient)
            if norm == 0:
                sys.exit(f"{name}: no gradient")
            noise = random.standard_normal(gradient.shape)
            for direction in (gradient / norm, noise / np.linalg.norm(noise)):
                want = slope(model, name, direction, tokens)
                error = abs((gradient * direction).sum() - want) / norm
                worst, count = max(worst, error), count + 1
                if not error < 1e-4:
                    sys.exit(f"{name}: slope {(gradient * direction).sum():.9g}, expected {want:.9g}")
        print(f"{args.model[0]}: {count} slopes, off by {worst:.1e} of the gradient at most")


if __name__ == "__main__":
    main()
