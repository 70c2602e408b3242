#!/usr/bin/env python3
"""Shows that a change of the compiler leaves kernels as they were, instruction by instruction.

    same_kernels.py BEFORE AFTER [--cpus znver4,znver5,alderlake] [--types q4_0,f32] [--rows 1,4,512]

BEFORE and AFTER are two builds of tenon-bench; compared is the assembly of a linear of each type and number of rows
(with attention and a gated feed-forward beside it) on each CPU. The targets need not be those of this machine. Prints
the cases that differ; exit code 1 if there are any.
"""

import argparse
import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

TYPES = "f32,f16,bf16,q8_0,q8_channel,q4_0,q4_k,q5_0,q6_k,q2_k,iq4_nl"


def assembly(bench, case, cpu):
    command = [bench, *case.split(), "--mcpu", cpu, "--emit", "asm"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--cpus", default="znver4,znver5,alderlake,x86-64-v3,x86-64-v2,x86-64")
    parser.add_argument("--types", default=TYPES)
    parser.add_argument("--rows", default="1,4,512")
    args = parser.parse_args()
    cases = [f"linear --m {rows} --n 96 --k 512 --type {type_}"
             for type_, rows in itertools.product(args.types.split(","), args.rows.split(","))]
    cases += [f"ffn --m {rows} --dim 128 --hidden 256 --type q4_0" for rows in args.rows.split(",")]
    cases += ["attention --seq 64", "attention --seq 256 --queries 1 --heads 4 --type f16"]
    pairs = list(itertools.product(args.cpus.split(","), cases))

    def differs(pair):
        cpu, case = pair
        return assembly(args.before, case, cpu) != assembly(args.after, case, cpu)

    with ThreadPoolExecutor(2) as pool:
        different = [pair for pair, found in zip(pairs, pool.map(differs, pairs)) if found]
    for cpu, case in different:
        print(f"{cpu}: {case}: other instructions")
    print(f"{len(pairs) - len(different)} the same, {len(different)} different")
    return 1 if different else 0


sys.exit(main())
