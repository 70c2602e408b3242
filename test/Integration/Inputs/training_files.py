#!/usr/bin/env python3
"""Writes token files for training.test: training_files.py DIR. Ids are below 300."""
import os
import sys

import numpy as np

random = np.random.default_rng(5)
place = sys.argv[1]


def write(name, ids):
    np.array(ids, "<u2").tofile(os.path.join(place, name))


write("data.bin", random.integers(3, 300, 203))  # the last of its sequences is shorter
write("other.bin", random.integers(3, 300, 70))
write("one.bin", [7])
write("foreign.bin", [3, 4, 5, 6000, 7])
with open(os.path.join(place, "odd.bin"), "wb") as file:
    file.write(b"12345")
