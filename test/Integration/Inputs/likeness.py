#!/usr/bin/env python3
"""How alike two programs' next-token distributions are, over text that the first one says:

  likeness.py PROGRAM OTHER --kl BOUND --top BOUND

Mean KL divergence of OTHER's from PROGRAM's at most the first bound, and the same best token in at least the second part
of the rows, leaving out those whose two best differ by less than 0.1.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import models  # noqa: E402

CLOSE = 0.1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("other")
    parser.add_argument("--kl", type=float, required=True)
    parser.add_argument("--top", type=float, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        text = subprocess.run([options.program, "generate", "-p", "", "-n", "150", "--seed", "3"], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

        def logits(program):
            path = os.path.join(place, "logits.npy")
            subprocess.run([program, "logits", "--text", text, "--output", path], check=True)
            return np.load(path).astype(np.float64)

        wanted, got = logits(options.program), logits(options.other)
    p, q = models.softmax(wanted), models.softmax(got)
    kl = (p * (np.log(p) - np.log(q))).sum(-1).mean()
    best = lambda x: np.take_along_axis(wanted, x.argmax(-1)[:, None], -1)
    same = np.mean(best(wanted) - best(got) < CLOSE)
    print(f"{len(wanted)} rows: mean KL {kl:.2e}, best token the same in {same:.2%}")
    sys.exit(not (kl <= options.kl and same >= options.top))


main()
