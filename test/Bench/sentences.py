#!/usr/bin/env python3
"""Compares `embed` of many short texts with ONNX Runtime, alternating in one run:

    sentences.py --tenonc build/bin/tenonc --node-modules path/to/node_modules
    sentences.py --tenonc build/bin/tenonc --precision f32 int8 --batches 1 8 32 --threads 1

The model has the shape of all-MiniLM-L6 (BERT, 6 layers of 384, 12 heads) with random weights and the mean of tokens;
texts are words of its vocabulary, 20 in the mean. Tenon's time is that of the whole process, with its start, reading and
tokenizing; ONNX Runtime (onnxruntime-node, which --node-modules has; bert_onnx.py needs python3-onnx) gets ids, and its
time is that of the runs alone. Its batches: so many texts in the order of the file, padded to the longest of each ("8");
sorted by length before ("8 sorted"); texts of one length only, which need no padding ("8 equal"). One text each: "1".

Printed are medians of seconds of the processor for all texts (--clock wall: by the clock), and medians of the rounds'
ratios of each to Tenon; and the greatest difference of any number of the vectors from ONNX Runtime's, in f32.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from programs import run

HERE = os.path.dirname(os.path.abspath(__file__))
OPTIONS = {"f32": [], "int8": ["--quantize=int8"], "int8-channel": ["--quantize=int8-channel"]}
PEER = {"f32": "f32", "int8": "int8", "int8-channel": "int8"}


def make_model(directory, options):
    run([sys.executable, os.path.join(HERE, "..", "Reference", "make_random_model.py"), "bert", directory, "--hidden",
         str(options.hidden), "--layers", str(options.layers), "--heads", "12", "--vocab", str(options.vocabulary),
         "--context", "512", "--no-pooler", "--no-masked-lm"])
    os.mkdir(os.path.join(directory, "1_Pooling"))
    modules = [{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
               for i, (path, kind) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling")])]
    for name, value in [("modules.json", modules), ("1_Pooling/config.json", {"pooling_mode_mean_tokens": True})]:
        with open(os.path.join(directory, name), "w") as file:
            json.dump(value, file)


def make_texts(directory, count):
    """Texts of words that are tokens, and their ids."""
    with open(os.path.join(directory, "tokenizer.json")) as file:
        vocabulary = json.load(file)["model"]["vocab"]
    words = sorted(word for word in vocabulary if word.isascii() and word.isalpha() and word.islower())
    random = np.random.default_rng(7)
    texts, ids = [], []
    for words_of in np.clip(np.rint(random.normal(20, 7, count)), 3, 60).astype(int):
        text = [words[i] for i in random.integers(0, len(words), words_of)]
        texts.append(" ".join(text))
        ids.append([vocabulary[word] for word in ["[CLS]", *text, "[SEP]"]])
    return texts, ids


class Tenon:
    def __init__(self, precision, model, texts, directory, options):
        self.name = f"tenon {precision}"
        self.precision = precision
        program = os.path.join(directory, f"sentences-{precision}")
        run([options.tenonc, model, *OPTIONS[precision], "-o", program])
        file = os.path.join(directory, "texts.txt")
        with open(file, "w") as out:
            out.write("".join(text + "\n" for text in texts))
        self.output = program + ".npy"
        self.command = [program, "embed", "-f", file, "-o", self.output, "--threads", str(options.threads)]

    def measure(self, clock):
        start = time.perf_counter()
        process = subprocess.Popen(self.command)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{self.command[0]}: exit {process.returncode}")
        return seconds if clock == "wall" else usage.ru_utime + usage.ru_stime

    def vectors(self):
        return np.load(self.output)


class OnnxRuntime:
    def __init__(self, precision, kind, ids, directory, options):
        self.precision = precision
        self.name = f"onnxruntime {precision}, batches of {kind}"
        size, _, order = kind.partition(" ")
        size = int(size)
        places = sorted(range(len(ids)), key=lambda i: len(ids[i])) if order else list(range(len(ids)))
        batches = []
        for place in places:
            mixed = order == "equal" and batches and len(ids[batches[-1][0]]) != len(ids[place])
            if not batches or len(batches[-1]) == size or mixed:
                batches.append([])
            batches[-1].append(place)
        self.places = [place for batch in batches for place in batch]
        file = os.path.join(directory, f"batches-{kind.replace(' ', '-')}.json")
        with open(file, "w") as out:
            json.dump([[ids[place] for place in batch] for batch in batches], out)
        self.result = f"{file}.{precision}"
        self.command = ["node", os.path.join(HERE, "sentences.cjs"), options.node_modules,
                        os.path.join(directory, f"{precision}.onnx"), str(options.threads), file, self.result]

    def measure(self, clock):
        result = json.loads(run(self.command))
        return result["seconds" if clock == "wall" else "processor"]

    def vectors(self):
        flat = np.fromfile(self.result, np.float32).reshape(len(self.places), -1)
        vectors = np.empty_like(flat)
        vectors[self.places] = flat
        return vectors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenonc", required=True)
    parser.add_argument("--node-modules", help="where onnxruntime-node is; without it Tenon is measured alone")
    parser.add_argument("--precision", nargs="+", choices=OPTIONS, default=["f32", "int8", "int8-channel"])
    parser.add_argument("--batches", nargs="+", default=["1", "8", "16", "32", "64", "32 sorted", "32 equal"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clock", choices=("processor", "wall"), default="processor")
    for name, default in (("hidden", 384), ("layers", 6), ("vocabulary", 30522)):
        parser.add_argument("--" + name, type=int, default=default)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as directory:
        model = os.path.join(directory, "model")
        make_model(model, options)
        texts, ids = make_texts(model, options.count)
        contestants = [Tenon(precision, model, texts, directory, options) for precision in options.precision]
        if options.node_modules:
            for precision in sorted({PEER[each] for each in options.precision}):
                run([sys.executable, os.path.join(HERE, "bert_onnx.py"), model,
                     os.path.join(directory, f"{precision}.onnx"), "--pooled",
                     *(["--int8"] if precision == "int8" else [])])
                contestants += [OnnxRuntime(precision, kind, ids, directory, options) for kind in options.batches]
        seconds = {each: [] for each in contestants}
        for number in range(options.rounds):
            for each in contestants if number % 2 == 0 else contestants[::-1]:
                seconds[each].append(each.measure(options.clock))
        tokens = sum(map(len, ids))
        print(f"{options.count} texts, {tokens} tokens, {options.threads} thread(s), {options.rounds} rounds")
        for each in contestants:
            line = f"  {each.name:42} {statistics.median(seconds[each]):8.3f} s"
            for own in contestants[:len(options.precision)]:
                if PEER[own.precision] == each.precision and each not in contestants[:len(options.precision)]:
                    ratio = statistics.median(b / a for a, b in zip(seconds[own], seconds[each]))
                    line += f"   {ratio:.2f} x that of {own.name}"
            print(line)
        exact = [each for each in contestants if each.precision == "f32"]
        if len(exact) > 1:
            worst = max(np.abs(exact[0].vectors() - each.vectors()).max() for each in exact[1:])
            print(f"  f32: numbers of vectors differ by {worst:.1e} at most")


main()
