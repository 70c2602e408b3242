#!/usr/bin/env python3
"""Writes token files for training.test: training_files.py DIR. Ids are below 300."""
import json
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

# What this machine can do, as `tenon-bench limits` keeps it (MachineLimits.h): one thread, so little that any training is
# some percent of it.
lines = [line.partition(":")[::2] for line in open("/proc/cpuinfo", encoding="utf-8")]
first = {key.strip(): value.strip() for key, value in reversed(lines)}
cpu = " ".join(first[key] for key in ("vendor_id", "cpu family", "model", "stepping", "model name") if first.get(key))
os.makedirs(os.path.join(place, "cache", "tenon"))
with open(os.path.join(place, "cache", "tenon", "limits.json"), "w", encoding="utf-8") as file:
    json.dump({cpu: {"1": {"fma": 1e8}}}, file)
