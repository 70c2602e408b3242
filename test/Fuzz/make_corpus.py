#!/usr/bin/env python3
"""Writes the first files of the corpora of the binary formats: make_corpus.py [DIRECTORY].

Small ones, each with a part of the format that the others lack; the fuzzers find the rest from there.
"""

import json
import os
import struct
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Robustness", "Inputs"))
from formats import array, boolean, entry, f32, gguf, string, text, u32

root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "Corpus")


def write(target, name, data):
    os.makedirs(os.path.join(root, target), exist_ok=True)
    with open(os.path.join(root, target, name), "wb") as file:
        file.write(data)


# ---- GGUF ---------------------------------------------------------------------------------------

LLAMA = [("general.architecture", string("llama")), ("llama.block_count", u32(1)), ("llama.context_length", u32(16)),
         ("llama.embedding_length", u32(32)), ("llama.feed_forward_length", u32(32)),
         ("llama.attention.head_count", u32(2)), ("llama.attention.layer_norm_rms_epsilon", f32(1e-5))]
PIECES = ["<unk>", "<s>", "</s>", "\u2581", "a", "t", "\u2581a", "<0x41>"]
SPM = [("tokenizer.ggml.model", string("llama")), ("tokenizer.ggml.tokens", array(8, [text(p) for p in PIECES])),
       ("tokenizer.ggml.scores", array(6, [struct.pack("<f", -i) for i in range(len(PIECES))])),
       ("tokenizer.ggml.token_type", array(5, [struct.pack("<i", t) for t in (2, 3, 3, 1, 1, 1, 1, 6)])),
       ("tokenizer.ggml.bos_token_id", u32(1)), ("tokenizer.ggml.eos_token_id", u32(2)),
       ("tokenizer.ggml.add_bos_token", boolean(True))]
BPE = [("tokenizer.ggml.model", string("gpt2")), ("tokenizer.ggml.pre", string("gpt-2")),
       ("tokenizer.ggml.tokens", array(8, [text(p) for p in ("a", "t", "\u0120", "at", "<|end|>")])),
       ("tokenizer.ggml.token_type", array(5, [struct.pack("<i", t) for t in (1, 1, 1, 1, 3)])),
       ("tokenizer.ggml.merges", array(8, [text("a t")])), ("tokenizer.ggml.eos_token_id", u32(4))]
BERT = [("general.architecture", string("bert")), ("bert.block_count", u32(1)), ("bert.pooling_type", u32(2)),
        ("tokenizer.ggml.model", string("bert")),
        ("tokenizer.ggml.tokens", array(8, [text(p) for p in ("[UNK]", "[CLS]", "[SEP]", "\u2581a", "t")])),
        ("tokenizer.ggml.token_type_count", u32(2)), ("tokenizer.ggml.cls_token_id", u32(1)),
        ("tokenizer.ggml.seperator_token_id", u32(2)), ("tokenizer.ggml.unknown_token_id", u32(0))]

write("FuzzGguf", "empty", gguf([], []))
write("FuzzGguf", "llama-spm", gguf(LLAMA + SPM, [("token_embd.weight", (32, 8), 0, bytes(1024)),
                                                  ("output_norm.weight", (32,), 0, b"\0\0\x80\x3f" * 32)]))
write("FuzzGguf", "llama-bpe", gguf(LLAMA + BPE, [("token_embd.weight", (32, 5), 2, bytes(90))]))
write("FuzzGguf", "bert", gguf(BERT, [("token_embd.weight", (32, 5), 1, bytes(320)), ("cls.bias", (2,), 30, bytes(4))]))
write("FuzzGguf", "version-2", gguf(LLAMA, [("blk.0.attn_q.weight", (256, 1), 12, bytes(144))], version=2))
write("FuzzGguf", "alignment", gguf([("general.alignment", u32(64))] + LLAMA,
                                    [("a", (2, 2, 2), 0, bytes(32)), ("b", (1,), 0, bytes(4))], alignment=64))
write("FuzzGguf", "nested", gguf([("k", array(9, [struct.pack("<IQ", 4, 1) + bytes(4)])),
                                  ("u64", struct.pack("<IQ", 10, 2**63)), ("f64", struct.pack("<Id", 12, 0.5)),
                                  ("i8", struct.pack("<Ib", 1, -1))], []))
write("FuzzGguf", "big-endian", b"GGUF" + struct.pack(">IQQ", 3, 0, 0))

# ---- safetensors: header, NUL, data -----------------------------------------------------------------


def input_of(header, data):
    return json.dumps(header, separators=(",", ":")).encode() + b"\0" + data


write("FuzzSafetensors", "two", input_of({"__metadata__": {"format": "pt"}, "a": entry("F32", [2, 2], 0, 16),
                                             "b.weight": entry("BF16", [3], 16, 22)}, bytes(22)))
write("FuzzSafetensors", "scalar", input_of({"s": entry("F64", [], 0, 8)}, b"\0\0\0\0\0\0\xf8\x7f"))
write("FuzzSafetensors", "nothing", input_of({"e": entry("F16", [0, 5], 0, 0)}, b""))
write("FuzzSafetensors", "types", input_of(
    {name: entry(name, [1], i, i + 1) for i, name in enumerate(("U8", "I8", "BOOL", "F8_E4M3", "F8_E5M2"))}, bytes(5)))
write("FuzzSafetensors", "hole", input_of({"a": entry("F32", [1], 0, 4), "b": entry("F32", [1], 8, 12)}, bytes(12)))
write("FuzzSafetensors", "whole", b"\0" + struct.pack("<Q", 2) + b"{}")

# ---- payload --------------------------------------------------------------------------------------


def trailer(start, at, size, total):
    return b"TENONPAY" + struct.pack("<IIQQQQQQ", 1, 0, at, size, 0, start, total, 0)


write("FuzzPayload", "empty", b"")
write("FuzzPayload", "no-metadata", bytes(4096) + trailer(0, 4096, 0, 4096 + 64))
write("FuzzPayload", "braces", b"{}")
# Metadata alone: what a small model's says, and a section.
metadata = sys.argv[2] if len(sys.argv) > 2 else None
if metadata:
    with open(metadata, "rb") as file:
        program = file.read()
    at, size = struct.unpack("<QQ", program[-48:-32])
    write("FuzzPayload", "village", program[at:at + size])
