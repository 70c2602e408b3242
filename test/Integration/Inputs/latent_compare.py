#!/usr/bin/env python3
"""Compares the logits of two programs on 150 tokens: the largest difference, as a part of the standard deviation of the
first one's, and that of the second one's from its own one token at a time, which must be none. With a third program, as
many times that one's difference, root of the mean square, as the tolerance says: what else rounding may cost.

  latent_compare.py TOLERANCE WANTED GOT [ROUNDED]
"""
import os
import random
import subprocess
import sys
import tempfile

import numpy as np

source = random.Random(4)
tokens = ",".join(str(source.randrange(331)) for _ in range(150))


def logits(program, *options):
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "logits.npy")
        subprocess.run([program, "logits", "--tokens", tokens, "--output", path, *options], check=True)
        return np.load(path)


wanted, got = logits(sys.argv[2]), logits(sys.argv[3])
if not np.array_equal(got, logits(sys.argv[3], "--decode")):
    sys.exit("other bits one token at a time")
difference = abs(got - wanted).max() / wanted.std()
print(f"{difference:.2e} of the logits' deviation")
if len(sys.argv) > 4:
    difference = (got - wanted).std() / (logits(sys.argv[4]) - wanted).std()
    print(f"{difference:.3f} times the error of the other")
if not difference <= float(sys.argv[1]):
    sys.exit(f"more than {sys.argv[1]}")
