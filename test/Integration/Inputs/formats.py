#!/usr/bin/env python3
"""GGUF files of some types end to end: `formats.py TYPE...`, each a small random llama.

  * The values that the executable holds are, bit for bit, those of the file (types whose tensors the compiler joins).
  * Logits against an f64 evaluation on those values: KL 5e-4 for each row, 0.15 absolute, the same best token where the
    two best differ by more than twice that.
  * The same bits for 1, 2 and 4 threads, prefill chunks of 1, 7 and 64, and token by token (I5).
"""
import os
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "Reference"))
import held_weights  # noqa: E402
import models  # noqa: E402
import reference  # noqa: E402

TOKENS, VOCABULARY = 90, 331


def script(name, *args):
    subprocess.run([sys.executable, "-B", os.path.join(HERE, name), *args], check=True, stdout=subprocess.DEVNULL)


def check(kind, place):
    of_256 = kind.endswith(("_k", "_k_m")) or kind in ("iq4_xs", "tq1_0", "tq2_0")
    # Otherwise rows of three and of five groups: the last superblock is half full.
    shape = ["--hidden", "256", "--heads", "8", "--kv-heads", "2", "--ffn", "512"] if of_256 else [
        "--hidden", "96", "--heads", "6", "--kv-heads", "2", "--head-dim", "16", "--ffn", "160"]
    layers = "4" if kind == "q4_k_m" else "2"
    source, file, held, program = (os.path.join(place, kind + end) for end in (".hf", ".gguf", ".held", ".exe"))
    script("../../Reference/make_random_model.py", "llama", source, *shape, "--layers", layers, "--vocab", str(VOCABULARY))
    script("../../Reference/make_gguf.py", "convert", source, file, "--type", kind, "--reference", held)
    subprocess.run(["tenonc", file, "-o", program], check=True)
    model = reference.load(held, np.float64)

    compared = 0
    weights, _ = held_weights.read(program)
    names = {"block.wq.wk.wv": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"], "block.wo": ["self_attn.o_proj"],
             "block.w_gate.w_up": ["mlp.gate_proj", "mlp.up_proj"], "block.w_down": ["mlp.down_proj"]}
    for name, parts in names.items():
        for i, matrix in enumerate(weights.get(name, [])):
            wanted = np.concatenate([model.weight(f"layers.{i}.{part}.weight") for part in parts]).astype(np.float32)
            if not np.array_equal(matrix, wanted):
                sys.exit(f"{kind}: {name} of layer {i} differs in {(matrix != wanted).sum()} of {wanted.size} values")
            compared += 1
    least = 2 if kind == "q4_k_m" else 4 * int(layers)
    if compared < least:
        sys.exit(f"{kind}: only {compared} matrices found among {sorted(weights)}")

    tokens = np.random.default_rng(3).integers(0, VOCABULARY, TOKENS)
    want, first, runs = model.logits(tokens), None, 0
    path = os.path.join(place, "logits.npy")
    for threads in (1, 2, 4):
        for way in (["--prefill-chunk", "1"], ["--prefill-chunk", "7"], ["--prefill-chunk", "64"], ["--decode"]):
            subprocess.run([program, "logits", "--tokens", ",".join(map(str, tokens)), "--output", path, "--threads",
                            str(threads), *way], check=True)
            got = np.load(path)
            first = got if first is None else first
            if not np.array_equal(first.view(np.int32), got.view(np.int32)):
                sys.exit(f"{kind}: other bits with {threads} threads {' '.join(way)}, first in row "
                         f"{np.flatnonzero((first != got).any(1))[0]}")
            runs += 1
    p, q = models.softmax(want), models.softmax(first.astype(np.float64))
    kl = (p * (np.log(p) - np.log(q))).sum(-1)
    worst = np.abs(first - want).max()
    best = np.take_along_axis(want, want.argmax(-1)[:, None], -1) - np.take_along_axis(want, first.argmax(-1)[:, None], -1)
    print(f"{kind}: {compared} matrices equal, {runs} runs of the same bits, KL up to {kl.max():.1e}, difference up to {worst:.2g}")
    if kl.max() > 5e-4 or worst > 0.15 or best.max() > 0.3:
        sys.exit(f"{kind}: out of bounds, gap of best tokens {best.max():.2g}")


with tempfile.TemporaryDirectory() as place:
    for kind in sys.argv[1:]:
        check(kind, place)
print("all formats checked")
