#!/usr/bin/env python3
"""Descriptions whose scores pass through every link of the chain, against numpy in double precision.

Decoders (caps, T5's buckets of the past, sinks, windows; ALiBi of either kind; keys of two parts, one of them for all
heads, with values of another width), whose prompt is computed whole, in chunks and token by token; an encoder (buckets
of both sides, bands, sinks), and ones whose scores attention can't take in (DeBERTa's terms of contents and distances
among them), so that the operations run alone. Logits agree within 2e-5 of the largest.
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
LATENT, SHARED, NARROW, SPAN = 10, 2, 5, 4  # the rank of keys and values, shared components, values; columns to a side
SHAPES = {"q": (WIDTH, WIDTH), "k": (KEYS, WIDTH), "v": (KEYS, WIDTH), "table": (BUCKETS, HEADS), "sink": (HEADS,),
          "a": (LATENT + SHARED, WIDTH), "b": (HEADS * (DIM - SHARED + NARROW), LATENT), "o": (WIDTH, HEADS * NARROW),
          "far": (2 * SPAN, WIDTH)}
WEIGHTS = "\n".join(f'    weight {name} : {list(shape)} = ".{name}"' for name, shape in SHAPES.items())

MODEL = f"""model test {{
  kind KIND
  context 600
  weight embed : [{VOCABULARY}, {WIDTH}] = "embed"
  layer block[i < 2] = "l.{{i}}" {{
{WEIGHTS}
    def (x : [T, {WIDTH}]) -> [T, {WIDTH}] {{
      let h = heads(linear(x, q), {HEADS})
      let s = matmul(h, transpose(heads(linear(x, k), {GROUPS})))
      BODY
    }}
  }}
  def forward(tokens : [T] of token) -> [T, {VOCABULARY}] {{
    linear(block*(embedding(tokens, embed)), embed)
  }}
}}
"""
SUM = f"x + merge_heads(matmul(p, heads(linear(x, v), {GROUPS})))"

# name -> (kind, what follows s, and the same in numpy: p, or what is added to x)
CASES = {
    "capped": ("decoder", f"""let s = relative_bias(tanh(s / 2.0) * 1.5, table, 20, past = true)
      let p = softmax(causal_mask(s, window = 33), sink)
      {SUM}""", lambda m: m.softmax(m.mask(1.5 * np.tanh(m.s / 2) + m.buckets(20, True), past=True, window=33), True)),
    "alibi": ("decoder", f"""let p = softmax(causal_mask(alibi(s / 3.0, 5.0)))
      {SUM}""", lambda m: m.softmax(m.mask(m.s / 3 - m.slopes(5)[:, None, None] * abs(m.d), past=True))),
    "bfloat16": ("decoder", f"""let p = softmax(causal_mask(alibi(s, bfloat16 = true) / 3.0))
      {SUM}""", lambda m: m.softmax(m.mask((m.s + m.of_keys()) / 3, past=True))),
    "latent": ("decoder", f"""let c, r = split(linear(x, a), {LATENT}, {SHARED})
      let n, w = split(heads(linear(c, b), {HEADS}), {DIM - SHARED}, {NARROW})
      let s = matmul(h, transpose(concat(n, heads(r, 1)))) / 3.0
      x + linear(merge_heads(matmul(softmax(causal_mask(s)), w)), o)""", lambda m: m.latent()),
    "band": ("encoder", f"""let p = softmax(band_mask(relative_bias(s, table), 9) / 2.0, sink)
      {SUM}""", lambda m: m.softmax(m.mask((m.s + m.buckets(128, False)) / 2, band=9), True)),
    "unfused": ("encoder", f"""let s = tanh(band_mask(relu(relative_bias(s, table, 20)) + alibi(s), 5) / 4.0) * 4.0
      let p = softmax(s, sink)
      {SUM}""", lambda m: m.softmax(4 * np.tanh(m.mask(np.maximum(m.s + m.buckets(20, False), 0) + m.s
                                                      - m.slopes(8)[:, None, None] * abs(m.d), band=5) / 4), True)),
    "contents": ("encoder", f"""let r = transpose(heads(linear(far, q), {HEADS}))
      let t = relative_gather(matmul(h, r), 20, ahead = true)
      let p = softmax((s + relative_gather(matmul(h, r), 20) + transpose(t)) / 4.0)
      {SUM}""", lambda m: m.softmax(m.contents(20))),
}


class Layer:
    """Scores of one layer and what is done to them, in double precision."""

    def __init__(self, weights, i, x):
        self.w = {name: weights[f"l.{i}.{name}"].astype(np.float64) for name in SHAPES}
        self.x, self.t = x, len(x)
        self.h, self.v = self.heads(x @ self.w["q"].T, HEADS), self.heads(x @ self.w["v"].T, GROUPS)
        self.s = self.h @ self.heads(x @ self.w["k"].T, GROUPS).transpose(0, 2, 1)
        self.d = np.arange(self.t)[None] - np.arange(self.t)[:, None]  # key less query

    @staticmethod
    def heads(rows, n):
        return rows.reshape(len(rows), n, -1).transpose(1, 0, 2).repeat(HEADS // n, 0)

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

    def of_keys(self):
        bf16 = lambda x: tensors.bfloat16_to_float(tensors.float_to_bfloat16(np.asarray(x, np.float32))).astype(np.float64)
        return bf16(bf16(self.slopes(8))[:, None] * bf16(np.arange(self.t)))[:, None]

    def latent(self):
        c, r = np.split(self.x @ self.w["a"].T, [LATENT], 1)
        k, v = np.split(self.heads(c @ self.w["b"].T, HEADS), [DIM - SHARED], 2)
        k = np.concatenate([k, r[None].repeat(HEADS, 0)], 2)
        p = self.softmax(self.mask(self.h @ k.transpose(0, 2, 1) / 3, past=True))
        return (p @ v).transpose(1, 0, 2).reshape(self.t, -1) @ self.w["o"].T

    def contents(self, furthest):
        middle, e = SPAN // 2, -self.d  # query less key
        steps = np.log(np.maximum(abs(e), middle) / middle) / np.log((furthest - 1) / middle) * (middle - 1)
        column = np.where(abs(e) <= middle, e, np.sign(e) * (np.ceil(steps) + middle)).astype(int)
        column = np.broadcast_to(np.clip(column + SPAN, 0, 2 * SPAN - 1), self.s.shape)
        products = self.h @ self.heads(self.w["far"] @ self.w["q"].T, HEADS).transpose(0, 2, 1)
        of_keys = np.take_along_axis(products, column.transpose(0, 2, 1), -1)
        return (self.s + np.take_along_axis(products, column, -1) + of_keys.transpose(0, 2, 1)) / 4

    def mask(self, s, past=False, window=None, band=None):
        visible = np.ones((self.t, self.t), bool)
        if past:
            visible &= self.d <= 0
        if window:
            visible &= self.d > -window
        if band is not None:
            visible &= abs(self.d) <= band
        return np.where(visible, s, -np.inf)

    def softmax(self, s, sink=False):
        if sink:
            s = np.concatenate([s, np.broadcast_to(self.w["sink"][:, None, None], (HEADS, self.t, 1))], -1)
        e = np.exp(s - s.max(-1, keepdims=True))
        return (e / e.sum(-1, keepdims=True))[..., :self.t]


def expected(weights, tokens, chain):
    embed = weights["embed"].astype(np.float64)
    x = embed[tokens]
    for i in range(2):
        layer = Layer(weights, i, x)
        result = chain(layer)
        x = x + (result if result.ndim == 2 else (result @ layer.v).transpose(1, 0, 2).reshape(len(x), WIDTH))
    return x @ embed.T


def main():
    rng = np.random.default_rng(5)
    draw = lambda *shape: (rng.standard_normal(shape) * 0.5).astype(np.float32)
    weights = {"embed": draw(VOCABULARY, WIDTH)}
    for i in range(2):
        for name, shape in SHAPES.items():
            weights[f"l.{i}.{name}"] = draw(*shape) * np.float32(4 if name in ("table", "sink") else 0.5)
    tokens = rng.integers(0, VOCABULARY, TOKENS)
    failed = 0
    with tempfile.TemporaryDirectory() as place:
        tensors.write_file(os.path.join(place, "model.safetensors"), weights, "f32")
        with open(os.path.join(place, "config.json"), "w") as file:
            file.write("{}")
        for name, (kind, body, chain) in CASES.items():
            wanted = expected(weights, tokens, chain)
            description, program = os.path.join(place, name + ".tenon"), os.path.join(place, name)
            with open(description, "w") as file:
                file.write(MODEL.replace("KIND", kind).replace("BODY", body))
            run = lambda *command: subprocess.run(command, check=True)
            run("tenonc", description, "--checkpoint", place, "--no-tokenizer", "-O0", "-o", program)
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
