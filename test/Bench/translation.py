#!/usr/bin/env python3
"""Compares translation with Transformers on a Marian-base shape (74 million parameters, random weights), alternating in
one run:

    translation.py --tenonc build/bin/tenonc                                  Transformers in this Python
    translation.py --tenonc build/bin/tenonc --peer-root /path/to/a/system    in the Python of another root (chroot)

Sources are 32 random ids, results have 32 tokens exactly; one text and sixteen at once, greedy and with four beams. The
peer makes the weights and computes in f32 with PyTorch, all texts in one batch. Tenon is compiled for as many sequences
as texts times beams. Its time for a batch is what a process takes for three batches less what it takes for one, halved,
so that neither its start nor the peer's counts.

Printed are medians of tokens per second of the results (beams are not counted), by the time of the processor (--clock
wall: by the clock), and the medians of the rounds' ratios to the peer; and how many results have the peer's ids.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from programs import run

HERE = os.path.dirname(os.path.abspath(__file__))
OPTIONS = {"f32": [], "int8": ["--quantize=int8"]}
LENGTH = 32


class Transformers:
    name = "transformers f32"

    def __init__(self, root, directory):
        self.script = shutil.copy(os.path.join(HERE, "marian_transformers.py"), directory)
        self.python = ["chroot", root, "python3"] if root else [sys.executable]
        self.root = root or ""

    def call(self, *words):
        return run([*self.python, *(str(word).removeprefix(self.root) for word in [self.script, *words])])

    def measure(self, case, options):
        output = self.call("run", case.model, case.sources, "--beams", case.beams, "--length", LENGTH, "--threads",
                           options.threads, "--repetitions", 3)
        result = json.loads(output.splitlines()[-1])  # Libraries say things before it.
        self.tokens = result["tokens"]
        return statistics.median(result["seconds" if options.clock == "wall" else "processor"])


class Tenon:
    def __init__(self, precision, directory):
        self.name = f"tenon {precision}"
        self.precision = precision
        self.directory = directory
        self.programs = {}

    def compile(self, case, options):
        """A program for as many sequences as the case has."""
        if case.sequences not in self.programs:
            program = os.path.join(self.directory, f"{self.precision}-{case.sequences}")
            run([options.tenonc, case.model, *OPTIONS[self.precision], f"--max-sequences={case.sequences}", "--no-tokenizer",
                 "-o", program])
            self.programs[case.sequences] = program
        return self.programs[case.sequences]

    def time(self, case, options, times):
        command = [self.programs[case.sequences], "translate", "--prompts", case.prompts[times], "-n", LENGTH, "--min-length",
                   LENGTH + 1, "--print-tokens", "--threads", options.threads, "--temperature", 0,
                   *(["--beams", case.beams] if case.beams > 1 else [])]
        start = time.perf_counter()
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{command}: exit {process.returncode}")
        self.tokens = [list(map(int, line.split())) for line in output.splitlines()][:case.texts]
        return seconds if options.clock == "wall" else usage.ru_utime + usage.ru_stime

    def measure(self, case, options):
        more = self.time(case, options, 3)
        return (more - self.time(case, options, 1)) / 2


class Case:
    def __init__(self, texts, beams, model, directory):
        self.texts, self.beams, self.model = texts, beams, model
        self.sequences = texts * beams
        ids = np.random.default_rng(texts).integers(1, 58100, (texts, LENGTH)).tolist()
        self.sources = os.path.join(directory, f"sources-{texts}.json")
        with open(self.sources, "w") as file:
            json.dump(ids, file)
        self.prompts = {}
        for times in (1, 3):
            self.prompts[times] = os.path.join(directory, f"prompts-{texts}-{times}.jsonl")
            with open(self.prompts[times], "w") as file:
                file.write("".join(json.dumps(text) + "\n" for text in times * ids))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenonc", required=True)
    parser.add_argument("--peer-root", help="a root directory whose python3 has Transformers and PyTorch")
    parser.add_argument("--precision", nargs="+", choices=OPTIONS, default=list(OPTIONS))
    parser.add_argument("--texts", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clock", choices=("processor", "wall"), default="processor")
    options = parser.parse_args()

    place = os.path.join(options.peer_root, "tmp") if options.peer_root else None
    with tempfile.TemporaryDirectory(dir=place) as directory:
        peer = Transformers(options.peer_root, directory)
        model = os.path.join(directory, "model")
        peer.call("make", model)
        contestants = [peer] + [Tenon(precision, directory) for precision in options.precision]
        for texts in options.texts:
            for beams in options.beams:
                case = Case(texts, beams, model, directory)
                for each in contestants[1:]:
                    each.compile(case, options)
                seconds = {each: [] for each in contestants}
                for number in range(options.rounds):
                    for each in contestants if number % 2 == 0 else contestants[::-1]:
                        seconds[each].append(each.measure(case, options))
                print(f"{texts} text(s), {beams} beam(s), {options.threads} thread(s), {options.rounds} rounds")
                for each in contestants:
                    rates = [texts * LENGTH / one for one in seconds[each]]
                    line = f"  {each.name:18} {statistics.median(rates):9.1f} tokens/s"
                    if each is not peer:
                        ratio = statistics.median(b / a for a, b in zip(seconds[each], seconds[peer]))
                        same = sum(a == b for a, b in zip(each.tokens, peer.tokens))
                        line += f"   {ratio:.2f} x transformers   {same} of {texts} results alike"
                    print(line, flush=True)


main()
