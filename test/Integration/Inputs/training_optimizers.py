#!/usr/bin/env python3
"""Trains a checkpoint for eight steps with each optimizer and compares losses and norms with PyTorch's.

  training_optimizers.py LLAMA PLACE

The data are those of training_losses.py; matrices decay by 0.1, vectors don't, and gradients are clipped to a norm of 1.
PyTorch's numbers are of 2.14.1 and Transformers 5.12.1, float32, eager attention: torch.optim.SGD; Lion as algorithm 2 of
arXiv:2302.06675 has it; torch.optim.Muon with adjust_lr_fn="match_rms_adamw" on the layers' matrices, AdamW on the rest,
its iteration in float32 (in bfloat16, as it comes, the losses are within 2e-5 of these).
"""
import filecmp
import json
import os
import sys

import numpy as np

from training_losses import run

# Options, losses before each step, and the gradient's norms.
EXPECTED = {
    "sgd": ("--optimizer sgd --rate 1e-2",
        [5.2716341, 5.2323046, 5.1601229, 5.063056, 4.9492464, 4.8252068, 4.6949196, 4.5603571],
        [3.8711047, 3.791121, 3.6412435, 3.4503725, 3.2686794, 3.1364439, 3.0573843, 3.0141225]),
    "nesterov": ("--optimizer sgd --rate 1e-2 --nesterov on",
        [5.2716341, 5.1977134, 5.0979662, 4.9802227, 4.8506026, 4.7129064, 4.5693021, 4.4209948],
        [3.8711047, 3.7172639, 3.5197747, 3.3283219, 3.1849024, 3.0950031, 3.0432041, 3.0193317]),
    "lion": ("--optimizer lion --rate 1e-3",
        [5.2716341, 4.9083018, 4.5701518, 4.2377534, 3.9021275, 3.5695045, 3.2507172, 2.9489918],
        [3.8711047, 3.3401558, 3.227474, 3.2554853, 3.2927027, 3.2200282, 3.0581503, 2.8727775]),
    "muon": ("--optimizer muon --rate 1e-3",
        [5.2716341, 5.165997, 5.0622225, 4.9602542, 4.8600564, 4.7616014, 4.6648164, 4.5695872],
        [3.8711047, 3.7596226, 3.6535232, 3.556639, 3.4710679, 3.3983374, 3.3388636, 3.2918742]),
}


def main(source, place):
    program, data = os.path.join(place, "program"), os.path.join(place, "data.bin")
    with open(os.path.join(source, "expected.json"), encoding="utf-8") as file:
        np.array(json.load(file)["tokens"][:24], "<u2").tofile(data)
    run("tenonc", source, "--train", "-O0", "-o", program, "--no-tokenizer")
    for name, (options, losses, norms) in EXPECTED.items():
        out, parts = os.path.join(place, name), os.path.join(place, name + "-parts")
        train = [program, "train", "--data", data, "--batch", "1", "--length", "24", "--schedule", "constant", "--warmup", "0",
                 "--weight-decay", "0.1", "--clip", "1", "--quiet", *options.split()]
        run(*train, "--steps", "8", "-o", out)
        run(*train, "--steps", "3", "--threads", "1", "-o", parts)
        run(program, "train", "--resume", parts, "--steps", "8", "--quiet")
        if not filecmp.cmp(f"{out}/model.safetensors", f"{parts}/model.safetensors", shallow=False):
            sys.exit(f"{name}: other weights when resumed")
        with open(os.path.join(out, "log.jsonl"), encoding="utf-8") as file:
            log = [json.loads(line) for line in file]
        for key, wanted, bound in (("loss", losses, 2e-5), ("gradient_norm", norms, 1e-4)):
            got = [line[key] for line in log]
            error = max(abs(g - w) / w for g, w in zip(got, wanted, strict=True))
            print(f"{name}: {key} off by {error:.1e}")
            if not error < bound:
                sys.exit(f"{name}: {key} {got}, expected {wanted}")


if __name__ == "__main__":
    main(*sys.argv[1:])
