#!/usr/bin/env python3
"""Decoders that make one vector of a text, as modules.json says, against numpy: the last token's, through a dense layer
and normalized, of a causal one; the mean of one in which tokens see later ones (`is_causal: false`); the last token's of
a checkpoint without a head, whose tensors have no prefix."""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import reference  # noqa: E402
import tensors  # noqa: E402

REFERENCE = os.path.dirname(os.path.abspath(reference.__file__))
WIDTH, NARROW, VOCABULARY = 48, 20, 131
MODES = {"cls": "pooling_mode_cls_token", "mean": "pooling_mode_mean_tokens", "lasttoken": "pooling_mode_lasttoken"}


def write_json(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        json.dump(value, file)


def check(place, name, pooling, dense, normalize, **more):
    folder, program, out = (os.path.join(place, name + end) for end in ("", ".exe", ".npy"))
    subprocess.run([sys.executable, "-B", os.path.join(REFERENCE, "make_random_model.py"), "qwen2", "--hidden", str(WIDTH),
                    "--heads", "4", "--kv-heads", "2", "--vocab", str(VOCABULARY), folder], check=True, stdout=subprocess.DEVNULL)
    config = json.load(open(folder + "/config.json"))
    tokens = np.random.default_rng(5).integers(0, VOCABULARY, 23)
    if more.get("architectures"):
        kept = {key.removeprefix("model."): value for key, value in tensors.read_directory(folder).items() if "lm_head" not in key}
        for file in os.listdir(folder):
            if "safetensors" in file:
                os.remove(os.path.join(folder, file))
        tensors.write_directory(folder, kept, "f32")
    config.update(more)
    write_json(folder + "/config.json", config)
    modules = ["Transformer", "Pooling"] + ["Dense"] * dense + ["Normalize"] * normalize
    write_json(folder + "/modules.json", [{"idx": i, "name": str(i), "path": f"{i}_{kind}" if i else "", "type": f"sentence_transformers.models.{kind}"}
                                          for i, kind in enumerate(modules)])
    write_json(folder + "/1_Pooling/config.json", {key: mode == pooling for mode, key in MODES.items()})

    x = reference.load(folder, np.float64).states(tokens)
    y = x[-1] if pooling == "lasttoken" else x.mean(0)
    if dense:
        w = np.random.default_rng(6).standard_normal((NARROW, WIDTH)).astype(np.float32) / np.float32(7)
        b = np.random.default_rng(7).standard_normal(NARROW).astype(np.float32)
        write_json(folder + "/2_Dense/config.json", {"in_features": WIDTH, "out_features": NARROW, "bias": True,
                                                     "activation_function": "torch.nn.modules.activation.Tanh"})
        tensors.write_directory(folder + "/2_Dense", {"linear.weight": w, "linear.bias": b}, "f32")
        y = np.tanh(w @ y + b)
    if normalize:
        y = y / np.sqrt((y * y).sum())
    subprocess.run(["tenonc", folder, "-o", program], check=True)
    subprocess.run([program, "embed", "--tokens", ",".join(map(str, tokens)), "--output", out], check=True)
    got = np.load(out).ravel()
    worst = np.abs(got - y).max()
    print(f"{name}: {got.shape[0]} numbers, difference up to {worst:.1e}")
    return got.shape == y.shape and worst < 2e-5


with tempfile.TemporaryDirectory() as place:
    right = [check(place, "last", "lasttoken", True, True), check(place, "bidirectional", "mean", False, False, is_causal=False),
             check(place, "headless", "lasttoken", False, True, architectures=["Qwen2Model"])]
sys.exit(0 if all(right) else 1)
