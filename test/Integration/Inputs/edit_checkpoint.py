#!/usr/bin/env python3
"""Copies a model directory with changes: edit_checkpoint.py FROM TO CHANGE...

  drop=NAME            without that tensor
  reshape=NAME:A,B     that tensor with zeros of another shape
  nan=NAME:INDEX       not-a-number at that place
  set=KEY:JSON         that key of config.json
"""
import json
import os
import shutil
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import tensors as io  # noqa: E402

source, target, *changes = sys.argv[1:]
shutil.copytree(source, target)
os.system(f"chmod -R u+w '{target}'")
config_path = os.path.join(target, "config.json")
with open(config_path, encoding="utf-8") as file:
    config = json.load(file)
tensors, changed = io.read_directory(source), False
for change in changes:
    kind, _, rest = change.partition("=")
    name, _, value = rest.partition(":")
    if kind == "set":
        config[name] = json.loads(value)
        continue
    changed = True
    if name not in tensors:
        sys.exit(f"no tensor {name}")
    if kind == "drop":
        del tensors[name]
    elif kind == "reshape":
        tensors[name] = np.zeros([int(part) for part in value.split(",")], np.float32)
    elif kind == "nan":
        tensors[name] = tensors[name].copy()
        tensors[name].reshape(-1)[int(value)] = np.nan
with open(config_path, "w", encoding="utf-8") as file:
    json.dump(config, file)
if changed:
    for name in os.listdir(target):
        if "safetensors" in name:
            os.remove(os.path.join(target, name))
    io.write_directory(target, tensors, "f32")
