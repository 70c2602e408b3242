#!/usr/bin/env python3
"""Compares Tenon with ONNX Runtime on a BERT checkpoint, alternating in one run:

    make_random_model.py bert DIRECTORY --hidden 768 --layers 12 --heads 12 --vocab 30522 --context 512 --no-pooler \\
        --no-masked-lm
    encoders.py DIRECTORY --tenonc build/bin/tenonc --node-modules path/to/node_modules
    encoders.py DIRECTORY --tenonc build/bin/tenonc --precision f32 bf16 --lengths 128 384 --threads 1 2

--node-modules has onnxruntime-node (npm install onnxruntime-node; its binaries come with the package). The peer runs the
same weights as a graph of its own fused operators (bert_onnx.py, which needs python3-onnx), in f32, and for int8 as its
dynamic quantization has it; it has no bf16 on a CPU. Without a peer only Tenon's precisions are compared.

Each round runs every contestant once per length, in turn forward and backward. Printed are medians of milliseconds for a
text, the median of the rounds' ratios of the peer to Tenon at the same precision and of Tenon's f32 to it, and how far
outputs are from Tenon's f32 (normalized mean square).
"""
import argparse
import json
import os
import statistics
import sys
import tempfile

import numpy as np
from programs import run

HERE = os.path.dirname(os.path.abspath(__file__))
TENON_OPTIONS = {"f32": ["--dtype=f32"], "bf16": ["--dtype=bf16"], "int8": ["--quantize=int8"],
                 "int8-channel": ["--quantize=int8-channel"], "int7-channel": ["--quantize=int7-channel"]}
# The peer's precision that is compared with each; its dynamic quantization has a scale per column and per tensor.
PEER = {"f32": "f32", "int8": "int8", "int8-channel": "int8", "int7-channel": "int8"}


class Tenon:
    peer = False

    def __init__(self, options, precision, directory):
        self.precision = precision
        self.program = os.path.join(directory, f"bert-{precision}")
        run([options.tenonc, options.model, *TENON_OPTIONS[precision], *options.tenonc_option, "-o", self.program])

    def output(self, tokens):
        with tempfile.NamedTemporaryFile(suffix=".npy") as file:
            run([self.program, "embed", "--tokens", tokens, "--pooling", "none", "-o", file.name])
            return np.load(file.name).reshape(-1)

    def measure(self, tokens, threads, repetitions):
        count = tokens.count(",") + 1
        result = json.loads(run([self.program, "bench", "--json", "--threads", str(threads), "--prompt-tokens",
                                 str(count), "--repetitions", str(repetitions)]))
        return statistics.median(result["prompt"]["seconds"])


class OnnxRuntime:
    peer = True

    def __init__(self, options, precision, directory):
        self.precision = precision
        self.modules = options.node_modules
        self.model = os.path.join(directory, f"bert-{precision}.onnx")
        run([sys.executable, os.path.join(HERE, "bert_onnx.py"), options.model, self.model,
             *(["--int8"] if precision == "int8" else [])])

    def command(self, tokens, threads, repetitions):
        return ["node", os.path.join(HERE, "onnxruntime.cjs"), self.modules, self.model, str(threads),
                str(repetitions), tokens]

    def output(self, tokens):
        with tempfile.NamedTemporaryFile() as file:
            run([*self.command(tokens, 1, 1), file.name])
            return np.fromfile(file.name, np.float32)

    def measure(self, tokens, threads, repetitions):
        return statistics.median(json.loads(run(self.command(tokens, threads, repetitions))))


def compare(contestants, tokens, threads, options):
    """The rounds' seconds of each contestant, by (is a peer, precision)."""
    seconds = {(each.peer, each.precision): [] for each in contestants}
    for number in range(options.rounds):
        for each in contestants if number % 2 == 0 else contestants[::-1]:
            seconds[each.peer, each.precision].append(each.measure(tokens, threads, options.repetitions))
    return seconds


def ratio(over, under):
    return statistics.median(a / b for a, b in zip(over, under))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a BERT checkpoint's directory")
    parser.add_argument("--tenonc", required=True)
    parser.add_argument("--tenonc-option", action="append", default=[], help="for the compiler, e.g. -mcpu=znver3")
    parser.add_argument("--node-modules", help="where onnxruntime-node is")
    parser.add_argument("--precision", nargs="+", choices=TENON_OPTIONS, default=list(TENON_OPTIONS))
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 384])
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repetitions", type=int, default=3, help="of one run, after one to warm up (default 3)")
    options = parser.parse_args()
    with open(os.path.join(options.model, "config.json")) as file:
        vocabulary = json.load(file)["vocab_size"]

    with tempfile.TemporaryDirectory() as directory:
        contestants = []
        for precision in options.precision:
            contestants.append(Tenon(options, precision, directory))
        if options.node_modules:
            for precision in sorted({PEER[p] for p in options.precision if p in PEER}):
                contestants.append(OnnxRuntime(options, precision, directory))
        for length in options.lengths:
            ids = np.random.default_rng(length).integers(0, vocabulary, length)
            tokens = ",".join(map(str, ids))
            outputs = {(each.peer, each.precision): each.output(tokens).astype(np.float64) for each in contestants}
            exact = outputs.get((False, "f32"))
            for threads in options.threads:
                seconds = compare(contestants, tokens, threads, options)
                print(f"{length} tokens, {threads} thread(s), {options.rounds} rounds")
                for (peer, precision), own in seconds.items():
                    line = f"  {'onnxruntime' if peer else 'tenon':11} {precision:12} {1e3 * statistics.median(own):9.2f} ms"
                    other = seconds.get((True, PEER.get(precision)))
                    if not peer and other:
                        line += f"   {ratio(other, own):.3f} x onnxruntime's speed"
                    if not peer and precision != "f32" and (False, "f32") in seconds:
                        line += f"   {ratio(seconds[False, 'f32'], own):.3f} x f32"
                    if exact is not None:
                        output = outputs[peer, precision]
                        line += f"   error {np.square(output - exact).sum() / np.square(exact).sum():.1e}"
                    print(line)


main()
