#!/usr/bin/env python3
"""Numbers with tensors, reductions, computed tables, every rope: programs against numpy in double precision.

Two descriptions that no family has, with random weights; float32 against float64 within 2e-4 of the largest number.
The ropes' frequencies are those of transformers/modeling_rope_utils.py, written down here a second time.
"""
import json
import math
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np

ENCODER = """model numbers {
  architectures "Numbers"
  kind encoder
  param vocab, width, n, context_length : int
  context context_length
  weight embed : [vocab, width] = "embed"
  weight gain  : [width]        = "gain"
  weight each  : [n, 1, width / n] = "each"  // the file has no dimension of 1
  layer block[i < 1] = "l.{i}" {
    weight w : [width, width] = ".w"
    def (x : [T, width]) -> [T, width] { x + linear(x, w) }
  }
  def forward(tokens : [T] of token) -> [T, width] {
    let x = block*(embedding(tokens, embed))
    let x = x + embedding(positions(tokens, offset = 2), sinusoidal(context_length + 2, width, closed = true))
    let x = x - embedding(positions(tokens), sinusoidal(context_length, width, 100.0, interleaved = true)) / 2
    let x = layer_norm(x, 1 + gain, eps = 1e-5) - mean(x, over = T) / (3 + max(x, over = T))
    let e = exp(clamp(x, -2, high = 1.5))
    let p = e / sum(e) + log(2 + sqrt(1 + x * x)) - relu(x) * relu(x) / 7
    let h = heads(p, n) * each
    let h = h / sqrt(sum(h * h, over = n) + 0.5) + mean(h)
    1 - 2 / (3 + mish(quick_gelu(merge_heads(h))))
  }
  def mean_pooled(tokens : [T] of token) -> [1, width] {
    let v = mean(forward(tokens), over = T)
    v / sqrt(sum(v * v))
  }
}
"""

DECODER = """model ropes {
  architectures "Ropes"
  kind decoder
  param vocab, width, n, max_position_embeddings : int
  param rope   : rope = 10000.0 from "rope_parameters" | "rope_scaling" | "rope_theta"
  param turned : int
  param interleaved : bool = false
  context max_position_embeddings
  let rotation = rotary(turned, rope, interleaved = interleaved)
  weight embed : [vocab, width] = "embed"
  layer block[i < 1] = "l.{i}" {
    weight wq, wk, wv : [width, width] = ".{q|k|v}"
    def (x : [T, width]) -> [T, width] {
      let q = rope(heads(linear(x, wq), n), rotation)
      let k = rope(heads(linear(x, wk), n), rotation)
      x + merge_heads(matmul(softmax(causal_mask(matmul(q, transpose(k)) / 2)), heads(linear(x, wv), n)))
    }
  }
  def forward(tokens : [T] of token) -> [T, vocab] { linear(block*(embedding(tokens, embed)), embed) }
}
"""

WIDTH, HEADS, VOCAB, CONTEXT = 48, 2, 41, 64


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, value in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [len(data), len(data) + value.nbytes]}
        data += value.tobytes()
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    if done.returncode:
        sys.exit(f"exit {done.returncode}: {' '.join(command)}\n{done.stdout}{done.stderr}")


class Model:
    def __init__(self, place, text, name, config, tensors):
        self.place, self.program = place, os.path.join(place, name)
        folder = self.program + "-checkpoint"
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "config.json"), "w") as file:
            json.dump(config, file)
        write_safetensors(os.path.join(folder, "model.safetensors"), tensors)
        with open(self.program + ".tenon", "w") as file:
            file.write(text)
        run("tenonc", self.program + ".tenon", "--checkpoint", folder, "--no-tokenizer", "-O0", "-o", self.program)

    def compute(self, *arguments):
        path = os.path.join(self.place, "out.npy")
        run(self.program, *arguments, "--output", path)
        return np.load(path)


def compare(name, found, wanted):
    error, limit = np.abs(found.reshape(wanted.shape) - wanted).max(), 2e-4 * max(1, np.abs(wanted).max())
    print(f"{name}: within {error:.1e}")
    if not error <= limit:
        sys.exit(f"{name} differs by {error:.3g}, at most {limit:.3g} is allowed")


def layer_norm(x):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)


def sinusoids(positions, base, closed, interleaved):
    j = np.arange(WIDTH // 2)
    angles = positions[:, None] * base ** (-2 * j / (WIDTH - 2 if closed else WIDTH))
    parts = np.sin(angles), np.cos(angles)
    return np.stack(parts, -1).reshape(len(positions), WIDTH) if interleaved else np.concatenate(parts, -1)


def encode(t, w):
    x = w["embed"][t]
    x = x + x @ w["l.0.w"].T
    p = np.arange(len(t))
    x = x + sinusoids(p + 2, 10000.0, True, False) - sinusoids(p, 100.0, False, True) / 2
    x = layer_norm(x) * (1 + w["gain"]) - x.mean(0, keepdims=True) / (3 + x.max(0, keepdims=True))
    e = np.exp(np.clip(x, -2, 1.5))
    p = e / e.sum(-1, keepdims=True) + np.log(2 + np.sqrt(1 + x * x)) - np.maximum(x, 0) ** 2 / 7
    h = p.reshape(len(t), HEADS, -1).transpose(1, 0, 2) * w["each"][:, None]
    h = h / np.sqrt((h * h).sum(0, keepdims=True) + 0.5) + h.mean(-1, keepdims=True)
    y = h.transpose(1, 0, 2).reshape(len(t), WIDTH)
    y = y / (1 + np.exp(-1.702 * y))
    return 1 - 2 / (3 + y * np.tanh(np.log1p(np.exp(y))))


def frequencies(rope, dim):
    """Angular frequencies and the factor of cosines and sines."""
    theta, kind = rope.get("rope_theta", 10000.0), rope.get("rope_type", rope.get("type", "default"))
    plain = theta ** (-np.arange(0, dim, 2) / dim)
    original = rope.get("original_max_position_embeddings", CONTEXT)
    factor = rope.get("factor", 1.0)
    if kind == "linear":
        return plain / factor, 1
    if kind == "llama3":
        low, high = original / rope["low_freq_factor"], original / rope["high_freq_factor"]
        length = 2 * np.pi / plain
        smooth = (original / length - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])
        between = (1 - smooth) * plain / factor + smooth * plain
        return np.where(length > low, plain / factor, np.where(length < high, plain, between)), 1
    if kind == "yarn":
        place = lambda turns: dim * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(theta))
        low, high = place(rope.get("beta_fast", 32)), place(rope.get("beta_slow", 1))
        if rope.get("truncate", True):
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, dim - 1)
        ramp = np.clip((np.arange(dim // 2) - low) / (high - low if high != low else 0.001), 0, 1)
        scale = lambda m: 0.1 * m * math.log(factor) + 1
        attention = rope.get("attention_factor", scale(1))
        if "mscale" in rope and "attention_factor" not in rope:
            attention = scale(rope["mscale"]) / scale(rope["mscale_all_dim"])
        return plain / factor * ramp + plain * (1 - ramp), attention
    if kind == "longrope":
        factors = rope["long_factor"] if CONTEXT > original else rope["short_factor"]
        ratio = CONTEXT / original
        return plain / np.array(factors), math.sqrt(1 + math.log(ratio) / math.log(original)) if ratio > 1 else 1
    if kind == "proportional":
        return np.where(np.arange(dim // 2) < int(rope["partial_rotary_factor"] * dim // 2), plain / factor, 0), 1
    return plain, 1  # dynamic as well, up to the context


def turn(x, turns, interleaved):
    f, scale = turns
    count = len(f)
    angles = np.arange(x.shape[1])[:, None] * f
    c, s = np.cos(angles) * scale, np.sin(angles) * scale
    y = x.copy()
    first, second = (slice(0, 2 * count, 2), slice(1, 2 * count, 2)) if interleaved else (slice(0, count), slice(count, 2 * count))
    a, b = x[..., first], x[..., second]
    y[..., first], y[..., second] = a * c - b * s, b * c + a * s
    return y


def decode(t, w, turns, interleaved):
    x = w["embed"][t]
    q, k, v = ((x @ w[f"l.0.{n}"].T).reshape(len(t), HEADS, -1).transpose(1, 0, 2) for n in "qkv")
    s = turn(q, turns, interleaved) @ turn(k, turns, interleaved).transpose(0, 2, 1) / 2
    s = np.where(np.tril(np.ones((len(t), len(t)))) > 0, s, -np.inf)
    p = np.exp(s - s.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    return (x + (p @ v).transpose(1, 0, 2).reshape(len(t), WIDTH)) @ w["embed"].T


ROPES = {
    "default": {"rope_theta": 500.0},
    "linear": {"rope_type": "linear", "factor": 4.0},
    "dynamic": {"type": "dynamic", "factor": 2.0},
    "llama3": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 32},
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "rope_theta": 100.0},
    "yarn untruncated": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "truncate": False,
                         "beta_fast": 4.0, "beta_slow": 0.5, "mscale": 1.2, "mscale_all_dim": 0.7},
    "longrope": {"rope_type": "longrope", "original_max_position_embeddings": 16,
                 "short_factor": [1.0] * 8, "long_factor": [1.0 + j / 3 for j in range(8)]},
    "longrope, short": {"rope_type": "longrope", "original_max_position_embeddings": CONTEXT,
                        "short_factor": [1.0 + j / 5 for j in range(8)], "long_factor": [9.0] * 8},
    "proportional": {"rope_type": "proportional", "partial_rotary_factor": 0.5, "factor": 2.0},
}


def main():
    rng = np.random.default_rng(3)
    f32 = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    config = {"vocab": VOCAB, "width": WIDTH, "n": HEADS}
    tokens = rng.integers(0, VOCAB, 37)
    ids = ",".join(map(str, tokens))
    with tempfile.TemporaryDirectory() as place:
        weights = {"embed": f32(VOCAB, WIDTH), "gain": f32(WIDTH), "each": f32(HEADS, WIDTH // HEADS),
                   "l.0.w": f32(WIDTH, WIDTH) / 7}
        wide = {name: value.astype(np.float64) for name, value in weights.items()}
        model = Model(place, ENCODER, "numbers", {**config, "architectures": ["Numbers"], "context_length": CONTEXT}, weights)
        wanted = encode(tokens, wide)
        compare("numbers", model.compute("run", "forward", "--tokens", ids), wanted)
        pooled = wanted.mean(0)
        compare("mean", model.compute("run", "mean_pooled", "--tokens", ids), pooled / np.sqrt((pooled**2).sum()))

        weights = {"embed": f32(VOCAB, WIDTH), **{f"l.0.{n}": f32(WIDTH, WIDTH) / 7 for n in "qkv"}}
        wide = {name: value.astype(np.float64) for name, value in weights.items()}
        for name, rope in ROPES.items():
            for interleaved in (False, True):
                turned = 16
                own = {**config, "architectures": ["Ropes"], "max_position_embeddings": CONTEXT, "turned": turned,
                       "interleaved": interleaved, "rope_parameters": {"rope_theta": 10000.0, **rope}}
                model = Model(place, DECODER, "ropes", own, weights)
                label = name + (", interleaved" if interleaved else "")
                wanted = decode(tokens, wide, frequencies(own["rope_parameters"], turned), interleaved)
                compare(label, model.compute("logits", "--tokens", ids, "--prefill-chunk", "5"), wanted)


if __name__ == "__main__":
    main()
