"""Writes a safetensors file: 8 bytes of header length, a JSON header, the tensors one after the other."""
import json
import struct


def write(path, tensors):
    """`tensors`: name → numpy array of float32, in the order in which they are to lie in the file."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, array in tensors.items():
        assert array.dtype == "float32", name
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            file.write(array.tobytes())
