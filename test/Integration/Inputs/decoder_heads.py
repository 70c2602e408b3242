#!/usr/bin/env python3
"""Decoders without their language model's head, and encoder-decoders without their decoder, against numpy.

  decoder_heads.py gpt2          GPT2Model, and labels, tags and answers on it, of random weights
  decoder_heads.py t5 DIR        T5EncoderModel, made of an encoder-decoder's checkpoint
"""
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import reference  # noqa: E402
import tensors  # noqa: E402

REFERENCE = os.path.dirname(os.path.abspath(reference.__file__))
TOLERANCE = 2e-5  # of numbers around 1, f32 against f64


def write(folder, config, arrays, **more):
    os.makedirs(folder)
    tensors.write_directory(folder, arrays, "f32")
    with open(folder + "/config.json", "w") as file:
        json.dump({**config, **more}, file)


def check(folder, entry, tokens, wanted):
    program, out = folder + ".exe", folder + ".npy"
    subprocess.run(["tenonc", folder, "--no-tokenizer", "-o", program], check=True)
    subprocess.run([program, "run", *entry, "--tokens", ",".join(map(str, tokens)), "--output", out], check=True)
    got = np.load(out).reshape(wanted.shape)
    error = np.abs(got - wanted).max()
    assert error <= TOLERANCE * max(1, np.abs(wanted).max()), (folder, error)
    print(os.path.basename(folder), *entry, "equal")


def gpt2(place):
    source = place + "/source"
    subprocess.run([sys.executable, "-B", os.path.join(REFERENCE, "make_random_model.py"), "gpt2", "--hidden", "48", "--heads", "4", source],
                   check=True, stdout=subprocess.DEVNULL)
    config = json.load(open(source + "/config.json"))
    arrays = {name: array for name, array in tensors.read_directory(source).items() if "lm_head" not in name}
    bare = {name.removeprefix("transformer."): array for name, array in arrays.items()}
    random = np.random.default_rng(3)
    tokens = random.integers(0, config["vocab_size"], 11)
    x = reference.load(source, np.float64).states(tokens)
    w, b = random.standard_normal((3, 48)).astype(np.float32), random.standard_normal(3).astype(np.float32)
    labels = {"id2label": {"0": "red", "1": "green", "2": "blue"}}

    write(place + "/model", config, bare, architectures=["GPT2Model"])
    check(place + "/model", [], tokens, x)
    write(place + "/classify", config, {**arrays, "score.weight": w}, architectures=["GPT2ForSequenceClassification"], **labels)
    check(place + "/classify", [], tokens, w @ x[-1])
    write(place + "/tag", config, {**arrays, "classifier.weight": w, "classifier.bias": b}, architectures=["GPT2ForTokenClassification"], **labels)
    check(place + "/tag", [], tokens, x @ w.T + b)
    answers = {"qa_outputs.weight": w[:2], "qa_outputs.bias": b[:2]}
    write(place + "/answer", config, {**arrays, **answers}, architectures=["GPT2ForQuestionAnswering"])
    check(place + "/answer", [], tokens, x @ w[:2].T + b[:2])


def t5_encoder(config, arrays, tokens):
    """Transformers' T5Stack, in f64."""
    get = lambda name: arrays[name].astype(np.float64)
    heads, size, eps = config["num_heads"], config["d_kv"], config.get("layer_norm_epsilon", 1e-6)
    buckets, furthest = config.get("relative_attention_num_buckets", 32), config.get("relative_attention_max_distance", 128)
    norm = lambda x, w: w * x / np.sqrt((x * x).mean(-1, keepdims=True) + eps)
    apart = lambda x: x.reshape(len(x), heads, size).transpose(1, 0, 2)
    forward = config.get("feed_forward_proj", "relu")
    act = {"relu": lambda x: np.maximum(x, 0), "gated-gelu": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))}[forward]

    def bucket(distance):  # of a key after the query; half of the buckets for either side
        half, far = buckets // 2, abs(distance)
        exact = half // 2
        if far >= exact:
            far = min(half - 1, exact + int(math.log(far / exact) / math.log(furthest / exact) * (half - exact)))
        return (half if distance > 0 else 0) + far

    x = get("shared.weight")[tokens]
    table = get("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight")
    count = len(tokens)
    bias = np.array([[table[bucket(key - query)] for key in range(count)] for query in range(count)]).transpose(2, 0, 1)
    for i in range(config["num_layers"]):
        at = f"encoder.block.{i}.layer."
        h = norm(x, get(at + "0.layer_norm.weight"))
        q, k, v = (apart(h @ get(f"{at}0.SelfAttention.{name}.weight").T) for name in "qkv")
        scores = q @ k.transpose(0, 2, 1) + bias
        p = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (p / p.sum(-1, keepdims=True)) @ v
        x = x + mixed.transpose(1, 0, 2).reshape(count, -1) @ get(at + "0.SelfAttention.o.weight").T
        h = norm(x, get(at + "1.layer_norm.weight"))
        name = at + "1.DenseReluDense."
        if forward.startswith("gated"):
            h = act(h @ get(name + "wi_0.weight").T) * (h @ get(name + "wi_1.weight").T)
        else:
            h = act(h @ get(name + "wi.weight").T)
        x = x + h @ get(name + "wo.weight").T
    return norm(x, get("encoder.final_layer_norm.weight"))


def t5(place, source):
    config = json.load(open(source + "/config.json"))
    arrays = {name: array for name, array in tensors.read_directory(source).items() if name.startswith(("encoder.", "shared."))}
    tokens = np.random.default_rng(3).integers(0, config["vocab_size"], 40)
    write(place + "/encoder", config, arrays, architectures=["T5EncoderModel"])
    check(place + "/encoder", [], tokens, t5_encoder(config, arrays, tokens))


with tempfile.TemporaryDirectory() as folder:
    gpt2(folder) if sys.argv[1] == "gpt2" else t5(folder, sys.argv[2])
