#!/usr/bin/env python3
"""An executable that keeps two adapters, which differ in rank and in the modules that they change: kept_adapters.py PLACE

  * Without an adapter its logits are those of a program compiled without any, bit for bit.
  * With one they are those of the program into which it was merged, within 1e-5 of the largest: there W + s B A is one
    matrix, rounded, and here x A^T and the product with s B are sums of their own.
  * Threads and prefill chunks change no bit of either.
"""
import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import make_random_model  # noqa: E402
import tensors  # noqa: E402
from against_reference import in_process, run  # noqa: E402

TOKENS = ",".join(map(str, np.random.default_rng(2).integers(0, 60, 21)))
HIDDEN, FFN, LAYERS = 32, 48, 2
SHAPES = {"self_attn.q_proj": (HIDDEN, HIDDEN), "self_attn.v_proj": (HIDDEN // 2, HIDDEN), "mlp.down_proj": (HIDDEN, FFN)}


def write_adapter(path, seed, rank, modules, layers):
    rng, found = np.random.default_rng(seed), {}
    for layer in layers:
        for module in modules:
            outputs, inputs = SHAPES[module]
            name = f"base_model.model.model.layers.{layer}.{module}.lora_"
            found[name + "A.weight"] = rng.standard_normal((rank, inputs), np.float32) / 4
            found[name + "B.weight"] = rng.standard_normal((outputs, rank), np.float32) / 4
    os.makedirs(path)
    tensors.write_file(os.path.join(path, "adapter_model.safetensors"), found, "f32")
    with open(os.path.join(path, "adapter_config.json"), "w", encoding="utf-8") as file:
        json.dump({"peft_type": "LORA", "r": rank, "lora_alpha": 3 * rank, "bias": "none",
                   "target_modules": [module.split(".")[1] for module in modules]}, file)


def logits(program, *options):
    out = path("logits.npy")
    run(path(program), "logits", "--tokens", TOKENS, "--output", out, *options)
    return np.load(out)


def equal(what, x, y):
    if x.tobytes() != y.tobytes():
        sys.exit(f"{what}: {(x != y).sum()} of {x.size} logits differ, by {abs(x - y).max():.1e} at most")


path = lambda name: os.path.join(sys.argv[1], name)
in_process(make_random_model, "llama", path("model"), "--hidden", str(HIDDEN), "--heads", "4", "--kv-heads", "2", "--ffn",
           str(FFN), "--layers", str(LAYERS))
write_adapter(path("wide"), 1, 5, ["self_attn.q_proj", "self_attn.v_proj"], range(LAYERS))
write_adapter(path("last"), 2, 3, ["mlp.down_proj"], [LAYERS - 1])
compile_to = lambda name, *options: run("tenonc", path("model"), "--no-tokenizer", "-o", path(name), *options)
compile_to("plain")
compile_to("merged", "--adapter", path("wide"))
compile_to("kept", "--adapter", f"wide={path('wide')}", "--adapter", f"last={path('last')}")

base = logits("kept")
equal("without an adapter", base, logits("plain"))
wide, last = logits("kept", "--adapter", "wide"), logits("kept", "--adapter", "last")
merged = logits("merged")
error = abs(wide - merged).max() / abs(merged).max()
if not error < 1e-5:
    sys.exit(f"the kept adapter is off by {error:.1e} from the merged one")
for name, changed in (("wide", wide), ("last", last)):
    if not abs(changed - base).max() > 1e-2:
        sys.exit(f"adapter {name} changes nothing")
    for options in (["--threads", "2"], ["--prefill-chunk", "4"]):
        equal(f"{name} {options}", changed, logits("kept", "--adapter", name, *options))
print("the same logits")
