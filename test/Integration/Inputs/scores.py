#!/usr/bin/env python3
"""Descriptions whose scores pass through every link of the chain, against numpy in double precision.

A decoder (caps, T5's buckets of the past, sinks, windows; ALiBi of either kind), whose prompt is computed whole, in
chunks and token by token; an encoder (buckets of both sides, bands, sinks), and one whose scores attention can't take
in, so that the operations run alone. Logits agree within 2e-5 of the largest.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "Reference"))
import tensors

VOCABULARY, HEADS, GROUPS, DIM, BUCKETS, TOKENS = 23, 6, 2, 8, 8, 70
WIDTH, KEYS = HEADS * DIM, GROUPS * DIM

COMMON = f"""
  context 600
  weight embed : [{VOCABULARY}, {WIDTH}] = "embed"
  layer block[i < 2] = "l.{{i}}" {{
    weight wq    : [{WIDTH}, {WIDTH}] = ".q"
    weight wk    : [{KEYS}, {WIDTH}] = ".k"
    weight wv    : [{KEYS}, {WIDTH}] = ".v"
    weight table : [{BUCKETS}, {HEADS}] = ".table"
    weight sink  : [{HEADS}] = ".sink"
    def (x : [T, {WIDTH}]) -> [T, {WIDTH}] {{
      let s = matmul(heads(linear(x, wq), {HEADS}), transpose(heads(linear(x, wk), {GROUPS})))
      %s
      x + merge_heads(matmul(p, heads(linear(x, wv), {GROUPS})))
    }}
  }}
  def forward(tokens : [T] of token) -> [T, {VOCABULARY}] {{
    linear(block*(embedding(tokens, embed)), embed)
  }}
"""

# name -> (kind, from s to p in the language, and in numpy)
CASES = {
    "capped": ("decoder", """let s = relative_bias(tanh(s / 2.0) * 1.5, table, 20, past = true)
      let p = softmax(causal_mask(s, window = 33), sink)""",
               lambda m: m.softmax(m.mask(1.5 * np.tanh(m.s / 2) + m.buckets(20, True), past=True, window=33), True)),
    "alibi": ("decoder", "let p = softmax(causal_mask(alibi(s / 3.0, 5.0)))",
              lambda m: m.softmax(m.mask(m.s / 3 - m.slopes(5)[:, None, None] * abs(m.d), past=True), False)),
    "bfloat16": ("decoder", "let p = softmax(causal_mask(alibi(s, bfloat16 = true) / 3.0))",
                 lambda m: m.softmax(m.mask((m.s + m.bf16(m.bf16(m.slopes(8))[:, None] * m.bf16(np.arange(m.t)))[:, None]) / 3,
                                            past=True), False)),
    "band": ("encoder", "let p = softmax(band_mask(relative_bias(s, table), 9) / 2.0, sink)",
             lambda m: m.softmax(m.mask((m.s + m.buckets(128, False)) / 2, band=9), True)),
    "unfused": ("encoder", """let s = tanh(band_mask(relu(relative_bias(s, table, 20)) + alibi(s), 5) / 4.0) * 4.0
      let p = softmax(s, sink)""",
                lambda m: m.softmax(4 * np.tanh(m.mask(np.maximum(m.s + m.buckets(20, False), 0) + m.s
                                                       - m.slopes(8)[:, None, None] * abs(m.d), band=5) / 4), True)),
}


class Layer:
    """Scores of one layer and what is done to them, in double precision."""

    def __init__(self, weights, i, x):
        self.w = {name: weights[f"l.{i}.{name}"].astype(np.float64) for name in ("q", "k", "v", "table", "sink")}
        heads = lambda name, n: (x @ self.w[name].T).reshape(len(x), n, DIM).transpose(1, 0, 2).repeat(HEADS // n, 0)
        self.t, self.v = len(x), heads("v", GROUPS)
        self.s = heads("q", HEADS) @ heads("k", GROUPS).transpose(0, 2, 1)
        self.d = np.arange(self.t)[None] - np.arange(self.t)[:, None]  # key less query

    def buckets(self, furthest, past):
        count, first, back = BUCKETS, 0, np.maximum(-self.d, 0)
        if not past:
            count, first, back = BUCKETS // 2, (self.d > 0) * (BUCKETS // 2), abs(self.d)
        single = count // 2
        steps = np.log(np.maximum(back, single) / single) / np.log(furthest / single) * (count - single)
        return self.w["table"].T[:, first + np.where(back < single, back, np.minimum(single + steps.astype(int), count - 1))]

    def slopes(self, most):
        lower = 1 << (HEADS.bit_length() - 1)
        powers = [i / lower for i in range(1, lower + 1)] + [i / (2 * lower) for i in range(1, 2 * lower, 2)]
        return 2.0 ** (-most * np.array(powers[:HEADS]))

    @staticmethod
    def bf16(x):
        return tensors.bfloat16_to_float(tensors.float_to_bfloat16(np.asarray(x, np.float32))).astype(np.float64)

    def mask(self, s, past=False, window=None, band=None):
        visible = np.ones((self.t, self.t), bool)
        if past:
            visible &= self.d <= 0
        if window:
            visible &= self.d > -window
        if band is not None:
            visible &= abs(self.d) <= band
        return np.where(visible, s, -np.inf)

    def softmax(self, s, sink):
        if sink:
            s = np.concatenate([s, np.broadcast_to(self.w["sink"][:, None, None], (HEADS, self.t, 1))], -1)
        e = np.exp(s - s.max(-1, keepdims=True))
        return (e / e.sum(-1, keepdims=True))[..., :self.t]


def expected(weights, tokens, chain):
    embed = weights["embed"].astype(np.float64)
    x = embed[tokens]
    for i in range(2):
        layer = Layer(weights, i, x)
        x = x + (chain(layer) @ layer.v).transpose(1, 0, 2).reshape(len(x), WIDTH)
    return x @ embed.T


def main():
    rng = np.random.default_rng(5)
    draw = lambda *shape: (rng.standard_normal(shape) * 0.5).astype(np.float32)
    weights = {"embed": draw(VOCABULARY, WIDTH)}
    for i in range(2):
        for name, shape in (("q", (WIDTH, WIDTH)), ("k", (KEYS, WIDTH)), ("v", (KEYS, WIDTH)), ("table", (BUCKETS, HEADS)),
                            ("sink", (HEADS,))):
            weights[f"l.{i}.{name}"] = draw(*shape) * (4 if name in ("table", "sink") else 0.5)
    tokens = rng.integers(0, VOCABULARY, TOKENS)
    failed = 0
    with tempfile.TemporaryDirectory() as place:
        tensors.write_file(os.path.join(place, "model.safetensors"), weights, "f32")
        with open(os.path.join(place, "config.json"), "w") as file:
            file.write("{}")
        for name, (kind, text, chain) in CASES.items():
            wanted = expected(weights, tokens, chain)
            description, program = os.path.join(place, name + ".tenon"), os.path.join(place, name)
            with open(description, "w") as file:
                file.write(f"model {name} {{\n  kind {kind}\n{COMMON.replace('%s', text)}}}\n")
            run = lambda *command: subprocess.run(command, check=True)
            run("tenonc", description, "--checkpoint", place, "--no-tokenizer", "-o", program)
            ids, output = ",".join(map(str, tokens)), os.path.join(place, "o.npy")
            results = []
            for options in ([], ["--prefill-chunk", "7"], ["--prefill-chunk", "1"]) if kind == "decoder" else ([],):
                run(program, "logits" if kind == "decoder" else "run", "--tokens", ids, *options, "--output", output)
                results.append(np.load(output))
            error = abs(results[0] - wanted).max() / abs(wanted).max()
            same = all(np.array_equal(results[0], other) for other in results)
            print(f"{name}: error {error:.1e}" + ("" if same else ", other bits in chunks"))
            failed += not (error < 2e-5 and same)
    print(f"{len(CASES) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
