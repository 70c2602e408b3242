#!/usr/bin/env python3
"""Makes a random checkpoint, compiles it, and compares the program's numbers with the reference's.

  against_reference.py [--mcpu CPU] [--runner PROGRAM] [--tokens N] [--check CHECK]... -- FAMILY [make_random_model options]

CHECK is logits (a decoder's default), or hidden, pooled and masked_lm (an encoder's defaults). Tolerances:

  f32, f16 weights   products and sums in float32: 1e-4 absolute on logits that spread by about 1, the same top-1.
  bf16 weights       the reference uses the same rounded weights. Where the CPU multiplies bf16 by bf16, activations
                     are rounded too: each by at most 2^-9 of itself, about 1e-3 on average, independently in each
                     of the sum's terms, so an output is off by 1e-3 of its own size for each linear layer in a row.
                     For a few layers that is a few 1e-3 on logits that spread by 1, and KL is half its square
                     (1e-5): bounds are 0.03 absolute and a KL divergence of 1e-4 for each row.
  GGML's blocks      the reference uses the same dequantized weights; activations are rounded to 8 bits in groups of
                     32: a KL divergence of 5e-4 for each row, and hidden states off by 0.15 at most. To 16 bits
                     (--int16), 128 times as finely: 0.002 and 1e-6. Mixtures are compared so: 8 bits send a token
                     with two nearly equal gates to another expert now and then, and its logits are off by 0.2.
"""
import argparse
import contextlib
import io
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import make_gguf  # noqa: E402
import make_random_model  # noqa: E402
import reference  # noqa: E402


def in_process(module, *args):
    """Runs a script's main() without starting another Python."""
    saved, sys.argv = sys.argv, [module.__name__, *args]
    try:
        module.main()
    finally:
        sys.argv = saved


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=55)
    if done.returncode:
        sys.exit(f"exit {done.returncode}: {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mcpu")
    parser.add_argument("--runner", help="a program that runs the program, such as an emulator, with its options")
    parser.add_argument("--tokens", type=int, default=37)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("-O", dest="level", default="2", help="0 where LLVM's part is not what is tested: compiles in a third")
    parser.add_argument("--check", action="append", choices=("logits", "hidden", "pooled", "masked_lm"))
    parser.add_argument("--gguf", metavar="TYPE", help="convert the model to a GGUF file of this type")
    parser.add_argument("--int16", action="store_true", help="activations of 16 bits, a cache of f32")
    parser.add_argument("--description", help="a .tenon file instead of the built-in family")
    parser.add_argument("model", nargs="+")
    args = parser.parse_args()
    family, options = args.model[0], args.model[1:]
    dtype = options[options.index("--dtype") + 1] if "--dtype" in options else "f32"
    kind = args.gguf or dtype
    bounds_of = {"f32": ["--atol", "1e-4"], "f16": ["--atol", "1e-4"], "bf16": ["--atol", "0.03", "--kl", "1e-4"]}
    tolerance = bounds_of.get(kind, ["--atol", "0.002", "--kl", "1e-6"] if args.int16 else ["--atol", "0.15", "--kl", "5e-4"])

    with tempfile.TemporaryDirectory() as place:
        model, program = os.path.join(place, "model"), os.path.join(place, "program")
        in_process(make_random_model, family, model, *options)
        source = model
        if args.gguf:
            source, held = model + ".gguf", model + "-held"
            in_process(make_gguf, "convert", model, source, "--type", args.gguf, "--reference", held)
            model = held  # the reference sees the values that the file has
        source = [args.description, "--checkpoint", source] if args.description else [source]
        run("tenonc", *source, f"-O{args.level}", "-o", program, *([f"-mcpu={args.mcpu}"] if args.mcpu else []),
            *(["--activations=int16", "--kv-cache=f32"] if args.int16 else []))
        vocabulary = int(options[options.index("--vocab") + 1]) if "--vocab" in options else 331
        tokens = ",".join(map(str, np.random.default_rng(args.seed).integers(0, vocabulary, args.tokens)))
        runner = args.runner.split() if args.runner else []
        encoder = ["hidden"] if args.gguf else ["hidden", "pooled", "masked_lm"]  # GGUF holds no heads
        for check in args.check or (encoder if family == "bert" else ["logits"]):
            got, want = os.path.join(place, "got.npy"), os.path.join(place, "want.npy")
            ours = {"logits": ["logits"], "masked_lm": ["logits"], "hidden": ["embed", "--pooling", "none"],
                    "pooled": ["run", "pooled"]}[check]
            run(*runner, program, *ours, "--tokens", tokens, "--output", got)
            theirs = ["embed", "--pooling", "pooler"] if check == "pooled" else ours
            in_process(reference, *theirs[:1], model, *theirs[1:], "--tokens", tokens, "--output", want, "--float64")
            bounds = tolerance + (["--top1"] if check in ("logits", "masked_lm") else [])
            if check in ("hidden", "pooled") and "--kl" in bounds:
                bounds = bounds[:2]
            text = io.StringIO()
            with contextlib.redirect_stdout(text):
                in_process(reference, "compare", got, want, *bounds)
            print(f"{family} {' '.join(options)}: {check}: {text.getvalue().strip()}")


if __name__ == "__main__":
    main()
