#!/usr/bin/env python3
"""An encoder-decoder against numpy: logits, greedy continuations and beams.

  source.py make DIR            writes the checkpoint of source.tenon
  source.py compare DIR EXE…    every program computes what numpy does, and all of them print the same beams

Beams are compared with a search over texts that is written from the definition: scores are sums of log-probabilities,
divided by a power of the length.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

VOCABULARY, WIDTH, LAYERS, HEADS, CROSS, CONTEXT, START, END = 53, 24, 2, 4, 40, 160, 1, 2


def make(folder):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
    import tensors
    random = np.random.default_rng(5)
    def matrix(*shape, gain=1.0):
        return (random.standard_normal(shape) * gain / shape[-1] ** 0.5).astype(np.float32)
    weights = {"embed": matrix(VOCABULARY, WIDTH, gain=2), "places": matrix(CONTEXT, WIDTH),
               "norm": np.ones(WIDTH, np.float32) * 1.5}
    for i in range(LAYERS):
        weights[f"reader.{i}.w"] = matrix(3 * WIDTH, WIDTH)
        weights[f"reader.{i}.g"] = np.ones(WIDTH, np.float32)
    for i in range(LAYERS + 1):
        weights[f"writer.{i}.w"] = matrix(3 * WIDTH, WIDTH)
        weights[f"writer.{i}.g"] = np.ones(WIDTH, np.float32)
        for name in "qkv":
            weights[f"writer.{i}.{name}"] = matrix(CROSS, WIDTH)
        weights[f"writer.{i}.o"] = matrix(WIDTH, CROSS)
    os.makedirs(folder, exist_ok=True)
    tensors.write_directory(folder, weights, "f32")
    config = {"architectures": ["SourceForTests"], "vocab": VOCABULARY, "width": WIDTH, "layers": LAYERS, "n": HEADS,
              "cross": CROSS, "context_size": CONTEXT, "decoder_start_token_id": START, "eos_token_id": END}
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file)
    return weights


def rms_norm(x, w):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * w


def attention(q, k, v, scale, causal=False):
    q, k, v = ([m.reshape(len(m), HEADS, -1).transpose(1, 0, 2) for m in (q, k, v)])
    s = q @ k.transpose(0, 2, 1) * scale
    if causal:
        s = np.where(np.tril(np.ones(s.shape[1:], bool)), s, -np.inf)
    p = np.exp(s - s.max(-1, keepdims=True))
    o = p / p.sum(-1, keepdims=True) @ v
    return o.transpose(1, 0, 2).reshape(o.shape[1], -1)


def forward(w, source, tokens):
    memory = w["embed"][source] + w["places"][:len(source)]
    for i in range(LAYERS):
        memory = memory + attention(*np.split(rms_norm(memory, w[f"reader.{i}.g"]) @ w[f"reader.{i}.w"].T, 3, 1), 1)
    x = w["embed"][tokens]
    for i in range(LAYERS + 1):
        q, k, v = np.split(rms_norm(x, w[f"writer.{i}.g"]) @ w[f"writer.{i}.w"].T, 3, 1)
        x = x + attention(q, k, v, (WIDTH // HEADS) ** -0.5, causal=True)
        q, k, v = x @ w[f"writer.{i}.q"].T, memory @ w[f"writer.{i}.k"].T, memory @ w[f"writer.{i}.v"].T
        x = x + attention(q, k, v, 1) @ w[f"writer.{i}.o"].T
    return rms_norm(x, w["norm"]) @ w["embed"].T


def beams(w, source, count, length, penalty):
    """The results of a search that ends when no beam can become one."""
    running, results = [([START], 0.0)], []
    for step in range(1, length + 1):
        candidates = []
        for tokens, score in running:
            row = forward(w, source, tokens)[-1]
            row = row - row.max() - np.log(np.exp(row - row.max()).sum())
            candidates += [(score + row[t], tokens + [t]) for t in range(VOCABULARY)]
        candidates.sort(key=lambda c: -c[0])
        running = []
        for rank, (score, tokens) in enumerate(candidates[:2 * count]):
            if tokens[-1] == END or step == length:
                if rank < count:
                    results.append((score / step ** penalty, tokens[1:]))
            elif len(running) < count:
                running.append((tokens, score))
        results = sorted(results, key=lambda r: -r[0])[:count]
        if len(results) == count and (not running or running[0][1] / step ** penalty <= results[-1][0]):
            break
    return results


def ids(tokens):
    return ",".join(map(str, tokens))


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=100).stdout


def compare(folder, programs):
    w = {name: value.astype(np.float64) for name, value in make(folder).items()}
    random = np.random.default_rng(7)
    sources = [[int(t) for t in random.integers(3, VOCABULARY, size=n)] for n in (1, 9, 140)]
    target = [START] + [int(t) for t in random.integers(3, VOCABULARY, size=133)]
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "logits.npy")
        for program in programs:
            for source in sources:
                for more in ([], ["--decode"]):
                    output(program, "logits", "--source-tokens", ids(source), "--tokens", ids(target), "-o", path, *more)
                    error = np.abs(np.load(path) - forward(w, source, target)).max()
                    assert error < 2e-4, (program, len(source), more, error)
    print("logits agree")
    printed = []
    for program in programs:
        lines = []
        for source in sources:
            start = [program, "generate", "--source-tokens", ids(source), "--temperature", "0", "-n", "12"]
            greedy = [START]
            while len(greedy) < 13 and greedy[-1] != END:
                greedy.append(int(forward(w, source, greedy)[-1].argmax()))
            assert output(*start, "--print-tokens").split() == list(map(str, greedy[1:])), program
            for count, penalty in ((2, 1), (3, 0.5), (5, 2)):
                found = json.loads(output(*start, "--print-tokens", "--beams", str(count), "--n-best", str(count),
                                          "--length-penalty", str(penalty), "--json"))
                wanted = beams(w, source, count, 12, penalty)
                assert [f["tokens"] for f in found] == [tokens for _, tokens in wanted], (program, found, wanted)
                assert np.allclose([f["score"] for f in found], [score for score, _ in wanted], atol=1e-4)
                lines.append(found)
        printed.append(lines)
    assert all(lines == printed[0] for lines in printed)
    print("greedy texts and beams agree")


if __name__ == "__main__":
    make(sys.argv[2]) if sys.argv[1] == "make" else compare(sys.argv[2], sys.argv[3:])
