#!/usr/bin/env python3
"""The family that lib/Language/Reference.md writes from a paper: its description and its formulas in numpy are taken from
the text, and compared on random weights."""
import json
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "Reference"))
import tensors  # noqa: E402

CONFIG = {"architectures": ["WrenForCausalLM"], "vocab_size": 71, "hidden_size": 48, "intermediate_size": 80,
          "num_hidden_layers": 5, "num_attention_heads": 6, "num_key_value_heads": 2, "sliding_window": 9}


def weights():
    rng = np.random.default_rng(4)
    matrix = lambda rows, columns: (rng.standard_normal((rows, columns)) / columns ** 0.5).astype(np.float32)
    gain = lambda: (1 + 0.2 * rng.standard_normal(48)).astype(np.float32)
    w = {"model.embed_tokens.weight": 3 * matrix(71, 48), "model.norm.weight": gain()}
    for i in range(5):
        at = f"model.layers.{i}."
        w |= {f"{at}{name}_norm.weight": gain() for name in ("attn", "mlp")}
        w |= {f"{at}attn.{name}_proj.weight": matrix(48, 48) for name in "qgo"}
        w |= {f"{at}attn.{name}_proj.weight": matrix(16, 48) for name in "kv"}
        w |= {at + "mlp.up_proj.weight": matrix(80, 48), at + "mlp.down_proj.weight": matrix(48, 80)}
    return w


def main():
    with open(os.path.join(HERE, "..", "..", "..", "lib", "Language", "Reference.md"), encoding="utf-8") as file:
        text = file.read()
    description = next(block for block in re.findall(r"```tenon\n(.*?)```", text, re.S) if "model wren " in block)
    formulas = {"np": np}
    exec(re.search(r"```python\n(.*?)```", text, re.S)[1], formulas)
    with tempfile.TemporaryDirectory() as place:
        folder, model, program, out = (os.path.join(place, name) for name in ("m", "wren.tenon", "program", "out.npy"))
        os.mkdir(folder)
        for path, content in ((folder + "/config.json", json.dumps(CONFIG)), (model, description)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)
        w = weights()
        tensors.write_directory(folder, w, "f32")
        subprocess.run(["tenonc", model, "--checkpoint", folder, "--no-tokenizer", "-o", program], check=True)
        tokens = np.random.default_rng(1).integers(0, 71, 40)
        wanted = formulas["logits"](CONFIG, {name: array.astype(np.float64) for name, array in w.items()}, tokens)
        for name, way in (("at once", []), ("in pieces", ["--prefill-chunk", "5"]), ("token by token", ["--decode"])):
            subprocess.run([program, "logits", "--tokens", ",".join(map(str, tokens)), "--output", out, *way], check=True)
            error = np.abs(np.load(out) - wanted).max() / np.abs(wanted).max()
            print(f"{name}: within {error:.1e}")
            if not error < 2e-5:
                sys.exit(1)


main()
