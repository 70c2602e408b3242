#!/usr/bin/env python3
"""menagerie.tenon, a family that uses every construct of the language, against numpy in double precision: logits of a
prompt at once, in pieces and token by token, and another entry. Weights are random; differences stay within 2e-5 of the
largest."""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "Reference"))
import tensors  # noqa: E402
from models import gelu, softmax  # noqa: E402

N, G, HEAD, WIDTH, VOCABULARY, INNER, EXPERTS, CHOSEN, READERS, LAYERS = 4, 2, 8, 48, 67, 20, 8, 2, 2, 6
SIZES, DENSE = [24, 12, 24, 24, 16, 12], [True, False, True, True, True, False]
FAR = [(i + 1) % 3 == 0 for i in range(LAYERS)]
CAP, LABELS = 3.0, ["yes", "no", "perhaps"]
CONFIG = {"architectures": ["MenagerieModel"], "model_type": "menagerie", "vocab": VOCABULARY, "width": WIDTH, "n": N, "g": G,
          "head": HEAD, "inner": INNER, "experts": EXPERTS, "chosen": CHOSEN, "readers": READERS, "depth": {"layers": LAYERS},
          "sizes": SIZES, "rope_parameters": {"rope_type": "linear", "rope_theta": 5000.0, "factor": 2.0}, "cap": CAP,
          "activation": "gelu", "id2label": {str(i): name for i, name in enumerate(LABELS)}, "written": {"by": "nobody"}}


def weights():
    rng = np.random.default_rng(11)
    matrix = lambda *shape: (rng.standard_normal(shape) / shape[-1] ** 0.5).astype(np.float32)
    vector = lambda size, at=0.0: (at + 0.2 * rng.standard_normal(size)).astype(np.float32)
    w = {"model.words.table": matrix(VOCABULARY, WIDTH), "last.weight": vector(WIDTH, 1), "last.bias": vector(WIDTH),
         "out.weight": matrix(VOCABULARY, WIDTH), "table": vector((8, N)), "verdict": matrix(len(LABELS), 3 * WIDTH),
         "verdict.bias": vector(len(LABELS)), "block.0.counter": vector(1)}
    for j in range(READERS):
        at = f"reader.{2 * j + 1}."
        w |= {at + "qkv.weight": matrix(3 * WIDTH, WIDTH), at + "gain": vector(WIDTH)}
    for i in range(LAYERS):
        at = f"block.{i}."
        w |= {at + "q": matrix(N * HEAD, WIDTH), at + "cross.q": matrix(N * HEAD, WIDTH), at + "q.bias": vector(N * HEAD)}
        w |= {at + name: matrix(G * HEAD, WIDTH) for name in ("k", "v", "cross.k", "cross.v")}
        w |= {at + name: matrix(WIDTH, N * HEAD) for name in ("o", "cross.o")}
        if i > 0:
            w[at + "norm"] = vector(WIDTH, 1)
        if FAR[i]:
            w[at + "sink"] = vector(N)
        if DENSE[i]:
            w |= {at + "up": matrix(SIZES[i], WIDTH), at + "down": matrix(WIDTH, SIZES[i])}
        else:
            w |= {at + "router": matrix(EXPERTS, WIDTH), at + "falls": matrix(EXPERTS, WIDTH, INNER)}
            w |= {f"{at}expert.{e}.{name}": matrix(INNER, WIDTH) for e in range(EXPERTS) for name in ("gate", "rise")}
    return w


def heads(x, n):
    return x.reshape(len(x), n, -1).swapaxes(0, 1)


def attend(q, k, v, scale=1.0, change=lambda s: s, sink=None):
    """Rows [T, H D] of scores changed on their way; query heads share those of keys in turn."""
    k, v = (np.repeat(part, len(q) // len(part), 0) for part in (k, v))
    s = change(q @ k.swapaxes(1, 2) * scale)
    if sink is not None:
        s = np.concatenate((s, np.broadcast_to(sink[:, None, None], (*s.shape[:2], 1))), 2)
    p = softmax(s)[..., :k.shape[1]]
    return (p @ v).swapaxes(0, 1).reshape(q.shape[1], -1)


def turn(x, theta, factor):
    """Neighbouring components of the first half of each head."""
    dim = HEAD // 2
    angle = np.arange(x.shape[1])[:, None] * theta ** (-np.arange(0, dim, 2) / dim) / factor
    y = x.copy()
    even, odd = x[..., 0:dim:2], x[..., 1:dim:2]
    y[..., 0:dim:2] = even * np.cos(angle) - odd * np.sin(angle)
    y[..., 1:dim:2] = even * np.sin(angle) + odd * np.cos(angle)
    return y


def unit(x, w):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * w


def bucket(distance):
    """T5's, of eight for both sides and up to 20."""
    side, far = 4 * (distance > 0), np.abs(distance)
    large = 2 + (np.log(np.maximum(far, 1) / 2) / np.log(20 / 2) * 2).astype(int)
    return side + np.where(far < 2, far, np.minimum(large, 3))


def begin(w, ids):
    at = (np.arange(len(ids)) + 2)[:, None] * 10000.0 ** (-np.arange(0, WIDTH, 2) / WIDTH)
    places = np.stack((np.sin(at), np.cos(at)), -1).reshape(len(ids), WIDTH)
    return w["model.words.table"][ids] + places


def read(w, source):
    x = begin(w, source)
    distance = np.arange(len(source))[None] - np.arange(len(source))[:, None]
    bias = w["table"].T[:, bucket(distance)]
    for j in range(READERS):
        at = f"reader.{2 * j + 1}."
        h = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * (1 + w[at + "gain"])
        q, k, v = (heads(part, N) for part in np.split(h @ w[at + "qkv.weight"].T, 3, 1))
        x = x + attend(q, k, v, (WIDTH / N) ** -0.5, lambda s: np.where(np.abs(distance) <= 5, s + bias, -np.inf))
    return x


def mixture(w, at, h):
    r = softmax(h @ w[at + "router"].T)
    y = np.zeros_like(h)
    for t in range(len(h)):
        best = np.sort(np.argsort(-r[t].reshape(4, 2).max(1), kind="stable")[:2])
        allowed = [e for group in best for e in (2 * group, 2 * group + 1)]
        taken = sorted(allowed, key=lambda e: (-r[t, e], e))[:CHOSEN]
        for e in sorted(taken):
            inside = gelu(h[t] @ w[f"{at}expert.{e}.gate"].T) * (h[t] @ w[f"{at}expert.{e}.rise"].T)
            y[t] += r[t, e] / r[t, taken].sum() * (inside @ w[at + "falls"][e].T)
    return y


def logits(w, tokens, source):
    memory, x = read(w, source), begin(w, tokens)
    distance = np.arange(len(tokens))[:, None] - np.arange(len(tokens))[None]
    slopes = 2.0 ** (-8 * np.arange(1, N + 1) / N)
    for i in range(LAYERS):
        at = f"block.{i}."
        normed = lambda x: unit(x, w[at + "norm"]) if i > 0 else x
        h = normed(x)
        rope = (5000.0, 2.0) if FAR[i] else (10000.0, 1.0)
        q = turn(heads(h @ w[at + "q"].T + w[at + "q.bias"], N), *rope)
        k = turn(heads(h @ w[at + "k"].T, G), *rope)

        def change(s):
            s = np.tanh(s / CAP) * CAP
            if FAR[i]:
                s = s - slopes[:, None, None] * np.abs(distance)
            return np.where((distance >= 0) & (FAR[i] | (distance < 7)), s, -np.inf)

        x = x + attend(q, k, heads(h @ w[at + "v"].T, G), HEAD ** -0.5, change, w.get(at + "sink")) @ w[at + "o"].T
        q, k, v = (heads(y @ w[f"{at}cross.{part}"].T, n) for y, part, n in ((normed(x), "q", N), (memory, "k", G), (memory, "v", G)))
        x = x + attend(q, k, v, HEAD ** -0.5) @ w[at + "cross.o"].T
        h = x / np.sqrt((x * x).mean(-1, keepdims=True) + 0.5)
        if DENSE[i]:
            y = np.concatenate((h[:, :4], np.maximum(h[:, 4:] - 0.25, 0) * 2), 1)
            y = np.log1p(np.exp(y @ w[at + "up"].T)) @ w[at + "down"].T - 0.01 * h.max(-1, keepdims=True)
        else:
            y = mixture(w, at, h)
        x = x + np.clip(y, -4, 4)
    centred = x - x.mean(-1, keepdims=True)
    x = centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * w["last.weight"] + w["last.bias"]
    return x @ w["out.weight"].T


def judge(w, tokens):
    x = begin(w, tokens)
    x = x / (1 + np.exp(-x))
    return w["verdict"] @ np.concatenate((x[0], x[-1], x.mean(0) + x.max(0))) + w["verdict.bias"]


def main():
    with tempfile.TemporaryDirectory() as place:
        folder, program, out = (os.path.join(place, name) for name in ("model", "program", "out.npy"))
        os.mkdir(folder)
        with open(folder + "/config.json", "w") as file:
            json.dump(CONFIG, file)
        w = weights()
        tensors.write_directory(folder, w, "f32")
        w = {name: array.astype(np.float64) for name, array in w.items()}
        subprocess.run(["tenonc", os.path.join(HERE, "menagerie.tenon"), "--checkpoint", folder, "--no-tokenizer", "-o", program],
                       check=True)
        rng = np.random.default_rng(2)
        tokens, source = rng.integers(0, VOCABULARY, 37), rng.integers(0, VOCABULARY, 23)
        ids = lambda some: ",".join(map(str, some))

        def compare(name, wanted, *command):
            subprocess.run([program, *command, "--tokens", ids(tokens), "--output", out], check=True)
            got = np.load(out).reshape(wanted.shape)
            error = np.abs(got - wanted).max() / max(1, np.abs(wanted).max())
            print(f"{name}: {wanted.shape} within {error:.1e}")
            return error < 2e-5

        wanted, of = logits(w, tokens, source), ("--source-tokens", ids(source))
        right = [compare("a prompt at once", wanted, "logits", *of), compare("in pieces of 5", wanted, "logits", *of, "--prefill-chunk", "5"),
                 compare("token by token", wanted, "logits", *of, "--decode"),
                 compare("another entry", judge(w, tokens), "run", "judge")]
        sys.exit(0 if all(right) else 1)


main()
