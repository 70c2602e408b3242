#!/usr/bin/env python3
"""One program with kernels for this CPU, x86-64-v3 and x86-64-v2: on each CPU, and beside programs for one of them.

  variants.py --atol A --kl B [--single CPU]... -- MODEL [tenonc options]

* An emulated Haswell takes the kernels for x86-64-v3 and an emulated Nehalem those for x86-64-v2 by themselves, and
  compute the same bits as this CPU does when it is told to use them (--kernels).
* A program compiled for `--single` alone computes the same bits as that variant.
* Any two variants' logits differ by at most A, and their next-token distributions by a KL divergence of B in every row:
  they add in the same order, but multiply-adds round once or twice, and inputs are rounded to bf16 where the CPU
  multiplies those, or to 8 bits. For an int8 input a difference of one rounding can change an integer by one.
"""
import argparse
import json
import os
import shutil
import subprocess
import tempfile

import numpy as np

TOKENS = ",".join(str(3 + (i * i + 7 * i) % 120) for i in range(21))


def logits(program, place, *options, runner=()):
    path = os.path.join(place, "logits.npy")
    subprocess.run([*runner, program, "logits", "--threads", "1", "--tokens", TOKENS, "--output", path, *options],
                   check=True)
    return np.load(path).astype(np.float64)


def kl(a, b):
    def softmax(x):
        e = np.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)
    p, q = softmax(a), softmax(b)
    return (p * (np.log(p) - np.log(q))).sum(-1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--atol", type=float, required=True)
    parser.add_argument("--kl", type=float, required=True)
    parser.add_argument("--single", action="append", default=[])
    parser.add_argument("model", nargs="+")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        program = os.path.join(place, "program")
        # The table is ordered by what the CPUs can do, not as they are named.
        subprocess.run(["tenonc", *args.model, "--mcpu=x86-64-v2,native,x86-64-v3", "-o", program], check=True)
        info = json.loads(subprocess.run([program, "info", "--json"], check=True, capture_output=True).stdout)
        cpus = [variant["cpu"] for variant in info["variants"]]
        assert cpus[-1] == "x86-64-v2" and len(cpus) == 3, cpus
        assert info["kernels_used"] == cpus[0], info["kernels_used"]
        for variant in info["variants"]:
            assert variant["operations"], variant

        native = logits(program, place)
        results = {cpus[0]: native}
        for cpu, emulated in (("x86-64-v3", "Haswell"), ("x86-64-v2", "Nehalem")):
            results[cpu] = logits(program, place, "--kernels", cpu)
            there = logits(program, place, runner=("qemu-x86_64", "-cpu", emulated))
            assert np.array_equal(results[cpu], there), f"{emulated}: other bits than {cpu} here"
        for cpu in args.single:
            alone = os.path.join(place, "alone")
            subprocess.run(["tenonc", *args.model, f"--mcpu={cpu}", "-o", alone], check=True)
            assert np.array_equal(results[cpu], logits(alone, place)), f"{cpu} alone: other bits"

        for cpu, got in results.items():
            for other, wanted in results.items():
                worst, distance = np.abs(got - wanted).max(), kl(wanted, got).max()
                if cpu < other:
                    print(f"{cpu} {other}: off by {worst:.1e}, KL {distance:.1e}")
                assert worst <= args.atol and distance <= args.kl, (cpu, other, worst, distance)


main()
