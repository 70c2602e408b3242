#!/usr/bin/env python3
"""Gives models new heads for labels, trains them, and looks at what they leave.

  training_heads.py FAMILIES PLACE

Texts of tokens from one of two ranges have the label of that range. An encoder for masked words and a decoder learn it: each
leaves the checkpoint of its family's class for labels, with the names that the data say, which compiles and answers. With
a frozen body nothing but the head has changed.
"""
import json
import os
import subprocess
import sys

import numpy as np

from training_losses import run

RANGES = {"small": (10, 13), "large": (50, 53)}


def write_texts(path, seed, count):
    rng = np.random.default_rng(seed)
    with open(path, "w", encoding="utf-8") as file:
        for i in range(count):
            label = sorted(RANGES)[i % 2]
            tokens = rng.integers(*RANGES[label], rng.integers(3, 9)).tolist()
            file.write(json.dumps({"tokens": tokens, "label": label}) + "\n")


def read_tensors(directory):
    with open(os.path.join(directory, "model.safetensors"), "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[slice(*info["data_offsets"])], "<f4").reshape(info["shape"])
            for name, info in header.items()}


def check(condition, what):
    if not condition:
        sys.exit(what)


def train(families, place, name, options, steps):
    program, out = os.path.join(place, name), os.path.join(place, name + ".run")
    run("tenonc", os.path.join(families, name), "--train=head:classes=2,seed=3" + options, "--no-tokenizer", "-o", program)
    run(program, "train", "--data", os.path.join(place, "data.jsonl"), "--held-out", os.path.join(place, "other.jsonl"),
        "--steps", str(steps), "--batch", "8", "--rate", "3e-3", "--quiet", "-o", out)
    with open(os.path.join(out, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    with open(os.path.join(out, "log.jsonl"), encoding="utf-8") as file:
        log = [json.loads(line) for line in file]
    check(config["id2label"] == {"0": "large", "1": "small"} and config["label2id"] == {"large": 0, "small": 1},
          f"{name}: labels {config['id2label']}")
    return out, config, log


def answers(place, out):
    """How many of the texts not seen a program of the checkpoint labels as they are."""
    program, right = out + ".exe", 0
    run("tenonc", out, "--no-tokenizer", "-o", program)
    with open(os.path.join(place, "other.jsonl"), encoding="utf-8") as file:
        for line in file:
            text = json.loads(line)
            said = subprocess.run([program, "classify", "--tokens", ",".join(map(str, text["tokens"]))],
                                  capture_output=True, text=True, check=True).stdout
            right += said.split()[0] == text["label"]
    return right


def main(families, place):
    write_texts(os.path.join(place, "data.jsonl"), 1, 200)
    write_texts(os.path.join(place, "other.jsonl"), 2, 8)

    out, config, log = train(families, place, "bert-BertForMaskedLM", "", 40)
    check(config["architectures"] == ["BertForSequenceClassification"], f"class {config['architectures']}")
    check(config["problem_type"] == "single_label_classification", "problem_type")
    tensors = read_tensors(out)
    check(tensors["classifier.weight"].shape == (2, config["hidden_size"]), "classifier.weight")
    check("bert.pooler.dense.bias" in tensors and not any(name.startswith("cls.") for name in tensors), f"{sorted(tensors)}")
    check(log[-1]["held_out_loss"] < 0.1, f"held-out loss {log[-1]}")
    check(answers(place, out) == 8, "the encoder's answers")

    out, config, log = train(families, place, "llama", ",body=frozen", 5)
    check(config["architectures"] == ["LlamaForSequenceClassification"], f"class {config['architectures']}")
    before, after = read_tensors(os.path.join(families, "llama")), read_tensors(out)
    check(set(after) == set(before) - {"lm_head.weight"} | {"score.weight"}, f"{sorted(after)}")
    changed = [name for name in after if name in before and not np.array_equal(after[name], before[name])]
    check(not changed, f"frozen, but changed: {changed}")
    check(log[-1]["loss"] < log[0]["loss"], "the head does not learn")

    out, config, log = train(families, place, "llama", "", 30)
    check(log[-1]["held_out_loss"] < 0.1, f"held-out loss {log[-1]}")
    check(answers(place, out) == 8, "the decoder's answers")
    print("heads learn")


if __name__ == "__main__":
    main(*sys.argv[1:])
