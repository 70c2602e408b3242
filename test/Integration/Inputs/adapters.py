#!/usr/bin/env python3
"""Adapters of a small Llama against the reference in float64: adapters.py DIR

Gradients: as in gradients.py, a step's difference is the gradient. The first step moves B away from zeros, so that A has
a gradient in the second; each is compared with central differences of the loss of W + alpha / rank B A. What the
adapters compute, what --adapter merges, and the reference agree on the loss.
"""
import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import make_random_model  # noqa: E402
import reference  # noqa: E402
import tensors  # noqa: E402
from against_reference import in_process, run  # noqa: E402
from gradients import LARGE, slope, mean_loss  # noqa: E402

place = sys.argv[1]
source, tuner, first, second, merged, data = (os.path.join(place, name) for name in (
    "model", "tuner", "first", "second", "merged", "tokens.bin"))
RANK, ALPHA = 3, 7.5
TARGETS = {"q_proj": "self_attn", "down_proj": "mlp"}

in_process(make_random_model, "llama", source, "--hidden", "24", "--heads", "4", "--kv-heads", "2", "--ffn", "40",
           "--layers", "2")
run("tenonc", source, f"--train=lora:rank={RANK},alpha={ALPHA},targets=wq|down_proj", "--no-tokenizer", "-o", tuner)
tokens = np.random.default_rng(4).integers(0, 64, 29)
tokens.astype("<u2").tofile(data)
for out, start in ((first, ()), (second, ("--from", first))):
    run(tuner, "train", "--data", data, "--batch", "1", "--length", "29", "--steps", "1", "--rate", LARGE, "--epsilon",
        LARGE, "--schedule", "constant", "--warmup", "0", "--weight-decay", "0", "--clip", "0", "-o", out, "--quiet", *start)

with open(os.path.join(second, "adapter_config.json"), encoding="utf-8") as file:
    config = json.load(file)
for key, wanted in (("peft_type", "LORA"), ("r", RANK), ("lora_alpha", ALPHA), ("target_modules", ["down_proj", "q_proj"])):
    if config[key] != wanted:
        sys.exit(f"adapter_config.json: {key} is {config[key]}")

base = reference.load(source, np.float64)
weights = dict(base.tensors)
before, after = (tensors.read_file(os.path.join(out, "adapter_model.safetensors")) for out in (first, second))
names = {f"base_model.model.model.layers.{layer}.{block}.{module}.lora_{part}.weight"
         for layer in range(2) for module, block in TARGETS.items() for part in "AB"}
if set(after) != names:
    sys.exit(f"the adapters are {sorted(set(after) ^ names)}")


class Adapted:
    """The model as a function of the adapters, for slope()."""

    def __init__(self, adapters):
        self.tensors = {name: value.astype(np.float64) for name, value in adapters.items()}

    def logits(self, tokens):
        for name, down in self.tensors.items():
            if ".lora_A." in name:
                module = name.removeprefix("base_model.model.").replace(".lora_A", "")
                up = self.tensors[name.replace(".lora_A.", ".lora_B.")]
                base.tensors[module] = weights[module] + ALPHA / RANK * up @ down
        return base.logits(tokens)


adapted = Adapted(before)
worst = 0
for name in sorted(names):
    gradient = before[name].astype(np.float64) - after[name]
    norm = np.linalg.norm(gradient)
    if norm == 0:
        sys.exit(f"{name}: no gradient")
    noise = np.random.default_rng(5).standard_normal(gradient.shape)
    for direction in (gradient / norm, noise / np.linalg.norm(noise)):
        error = abs((gradient * direction).sum() - slope(adapted, name, direction, tokens)) / norm
        worst = max(worst, error)
        if not error < 2e-4:
            sys.exit(f"{name}: off by {error:.1e}")

run("tenonc", source, "--adapter", second, "--train", "--no-tokenizer", "-o", merged)
wanted = mean_loss(Adapted(after), tokens)
for program, flags in ((tuner, ("--from", second)), (merged, ())):
    found = json.loads(run(program, "eval", "--data", data, "--length", "29", "--json", *flags))["loss"]
    if abs(found - wanted) > 1e-5 * wanted:
        sys.exit(f"{program}: loss {found}, expected {wanted}")
# Losses of 20 steps of AdamW, decay and clipping included, from the same beginning in PyTorch 2.14 (Transformers' model,
# each linear with its two matrices beside it).
TORCH = [6.593689, 6.5504, 6.496864, 6.43122, 6.352782, 6.261153, 6.156344, 6.038937, 5.910211, 5.772371,
         5.629098, 5.485252, 5.345047, 5.211462, 5.086835, 4.970871, 4.859906, 4.752274, 4.648636, 4.55034]
run(tuner, "train", "--data", data, "--batch", "1", "--length", "29", "--steps", "20", "--rate", "1e-2", "--schedule",
    "constant", "--warmup", "0", "-o", first, "--quiet")
with open(os.path.join(first, "log.jsonl"), encoding="utf-8") as file:
    losses = [json.loads(line)["loss"] for line in file]
if max(abs(loss - wanted) / wanted for loss, wanted in zip(losses, TORCH, strict=True)) > 1e-5:
    sys.exit(f"losses {losses}, PyTorch's {TORCH}")
print(f"slopes are off by {worst:.1e} at most")
