#!/usr/bin/env python3
"""Compares ways to run a compiled model, alternating, as a machine's speed drifts more than most differences:

    alternate.py PROGRAM "--threads 1" "--threads 2"
    alternate.py PROGRAM "--weights-memory map" "--weights-memory huge" --rounds 9 -- --threads 1
    alternate.py OLD_PROGRAM+NEW_PROGRAM ""

Each round runs `PROGRAM bench` once with every set of options, in turn forward and backward. Printed are medians of
tokens per second over the rounds, and the median of the rounds' ratios to the first set. `A+B` compares programs. What
follows `--` is given to all.
"""
import argparse
import json
import shlex
import statistics
import sys

from programs import run


def measure(command):
    """Tokens per second: {"prompt": ..., "generation": ...}, without what the run left out."""
    result = json.loads(run(command))
    return {kind: result[kind]["tokens_per_second"] for kind in ("prompt", "generation") if kind in result}


def main():
    arguments = sys.argv[1:]
    common = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, common = arguments[:at], arguments[at + 1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="a compiled model, or several joined by +")
    parser.add_argument("ways", nargs="+", help="options of one way, in one argument")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repetitions", type=int, default=1, help="of one run, after one to warm up (default 1)")
    parser.add_argument("--prompt-tokens", type=int, default=512)
    parser.add_argument("--gen-tokens", type=int, default=64)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_intermixed_args(arguments)

    names, commands = [], []
    for program in options.program.split("+"):
        for way in options.ways:
            names.append(" ".join(filter(None, [program if "+" in options.program else "", way])) or program)
            commands.append([program, "bench", *shlex.split(way), *common, "--json",
                             "--repetitions", str(options.repetitions),
                             "--prompt-tokens", str(options.prompt_tokens),
                             "--gen-tokens", str(options.gen_tokens)])

    rates = [[] for _ in commands]
    for round_ in range(options.rounds):
        order = range(len(commands))
        for i in order if round_ % 2 == 0 else reversed(order):
            rates[i].append(measure(commands[i]))

    report = []
    for name, own in zip(names, rates):
        entry = {"way": name}
        for kind in own[0]:
            entry[kind] = {
                "tokens_per_second": statistics.median(r[kind] for r in own),
                "ratio": statistics.median(r[kind] / first[kind] for r, first in zip(own, rates[0])),
                "all": [r[kind] for r in own],
            }
        report.append(entry)
    if options.json:
        print(json.dumps({"rounds": options.rounds, "ways": report}))
        return
    width = max(map(len, names))
    for kind in ("prompt", "generation"):
        for entry in report:
            if kind in entry:
                value = entry[kind]
                print(f"{kind:10} {entry['way']:{width}} {value['tokens_per_second']:10.2f} tokens/s"
                      f" {value['ratio']:6.3f} x   ({min(value['all']):.2f} to {max(value['all']):.2f})")


main()
