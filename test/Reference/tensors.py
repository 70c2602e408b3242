"""Checkpoints as the reference reads and writes them: safetensors, one file or sharded, as numpy arrays.

Nothing here is shared with the compiler's own reader. f16 and bf16 tensors come back as float32 with the
same values; the writer rounds to nearest even.
"""
import json
import os
import struct

import numpy as np


def bfloat16_to_float(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def float_to_bfloat16(values):
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def round_to(values, dtype):
    """The float32 values that a tensor of that type can hold."""
    if dtype == "bf16":
        return bfloat16_to_float(float_to_bfloat16(values)).reshape(values.shape)
    return values.astype(np.float16).astype(np.float32) if dtype == "f16" else values.astype(np.float32)


def read_file(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        raw = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}[entry["dtype"]]
        array = np.frombuffer(data[begin:end], raw).reshape(entry["shape"])
        tensors[name] = bfloat16_to_float(array) if entry["dtype"] == "BF16" else array.astype(np.float32)
    return tensors


def read_directory(directory):
    index = os.path.join(directory, "model.safetensors.index.json")
    if not os.path.exists(index):
        return read_file(os.path.join(directory, "model.safetensors"))
    with open(index, encoding="utf-8") as file:
        shards = sorted(set(json.load(file)["weight_map"].values()))
    tensors = {}
    for shard in shards:
        tensors.update(read_file(os.path.join(directory, shard)))
    return tensors


def write_file(path, tensors, dtype):
    name_of = {"f32": "F32", "f16": "F16", "bf16": "BF16"}[dtype]
    encode = {"f32": lambda a: a.astype("<f4"), "f16": lambda a: a.astype("<f2"), "bf16": float_to_bfloat16}[dtype]
    header, offset, parts = {"__metadata__": {"format": "pt"}}, 0, []
    for name, array in tensors.items():
        raw = encode(array).tobytes()
        header[name] = {"dtype": name_of, "shape": list(array.shape), "data_offsets": [offset, offset + len(raw)]}
        offset += len(raw)
        parts.append(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def write_directory(directory, tensors, dtype, shards=1):
    if shards == 1:
        write_file(os.path.join(directory, "model.safetensors"), tensors, dtype)
        return
    weight_map, names = {}, list(tensors)
    for shard in range(shards):
        name = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        part = names[shard::shards]
        write_file(os.path.join(directory, name), {tensor: tensors[tensor] for tensor in part}, dtype)
        weight_map.update((tensor, name) for tensor in part)
    size = sum(array.size for array in tensors.values()) * (4 if dtype == "f32" else 2)
    with open(os.path.join(directory, "model.safetensors.index.json"), "w", encoding="utf-8") as file:
        json.dump({"metadata": {"total_size": size}, "weight_map": weight_map}, file, indent=1)
