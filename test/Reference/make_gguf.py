#!/usr/bin/env python3
"""Writes GGUF files as llama.cpp's tools would, for tests and benchmarks.

  make_gguf.py convert DIR OUT.gguf --type q4_0 [--reference DIR2]   from a Hugging Face directory (llama, qwen2, gpt2, bert,
                                                                     mixtral, olmoe, qwen2_moe, qwen3_moe)
  make_gguf.py random llama-3.2-1b OUT.gguf --type q4_k_m            random weights of a known shape; 1B in half a minute

Types: f32, f16, bf16, each block type, and q4_k_m (q4_k, with q6_k for the head and for attn_v and ffn_down of some
layers). Matrices whose rows are no whole blocks get the type that llama.cpp falls back to. `--reference` also writes
the model with the values that the file holds as f32 safetensors.
"""
import argparse
import json
import os
import re
import shutil

import numpy as np

import gguf
import tensors
from models import rope_frequencies

FILE_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q8_0": 7, "q5_0": 8, "q5_1": 9, "q2_k": 10, "q3_k": 12,
              "q4_k": 14, "q4_k_m": 15, "q5_k": 16, "q6_k": 18, "iq4_nl": 25, "iq4_xs": 30, "bf16": 32, "tq1_0": 36,
              "tq2_0": 37, "mxfp4": 38}
FALLBACKS = {"q2_k": "q4_0", "q3_k": "q4_0", "q4_k": "q5_0", "q5_k": "q5_1", "q6_k": "q8_0", "iq4_xs": "iq4_nl",
             "tq1_0": "q4_0", "tq2_0": "q4_0"}


# ---- Types ------------------------------------------------------------------------------------

def type_of(name, shape, wanted, layer, layers, tied):
    """The type of one tensor of a file of type `wanted`."""
    if len(shape) == 1 or name.startswith(("position_embd", "token_types")) or "ffn_gate_inp" in name:
        return "f32"
    kind = wanted
    if wanted == "q4_k_m":
        kind = "q4_k"
        more = layers // 8 > layer or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2
        if name == "output.weight" or (tied and name == "token_embd.weight"):
            kind = "q6_k"
        elif more and name.endswith(("attn_v.weight", "ffn_down.weight", "ffn_down_exps.weight")):
            kind = "q6_k"
    if shape[-1] % gguf.BLOCKS[kind][0]:
        kind = FALLBACKS.get(kind, "f16")
    return kind if shape[-1] % gguf.BLOCKS[kind][0] == 0 else "f16"


# ---- Names ------------------------------------------------------------------------------------

ROTARY = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
          "lm_head.weight": "output.weight", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
          "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
          "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
MIXTURE = ROTARY | {"self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "mlp.gate": "ffn_gate_inp",
                    "block_sparse_moe.gate": "ffn_gate_inp", "mlp.shared_expert_gate": "ffn_gate_inp_shexp",
                    "mlp.shared_expert.gate_proj": "ffn_gate_shexp", "mlp.shared_expert.up_proj": "ffn_up_shexp",
                    "mlp.shared_expert.down_proj": "ffn_down_shexp"}
EXPERT = re.compile(r"model\.layers\.(\d+)\.(?:mlp|block_sparse_moe)\.experts\.(\d+)\.(\w+)\.weight")
EXPERT_PARTS = {"gate_proj": "ffn_gate_exps", "up_proj": "ffn_up_exps", "down_proj": "ffn_down_exps",
                "w1": "ffn_gate_exps", "w3": "ffn_up_exps", "w2": "ffn_down_exps"}
GPT2 = {"wte.weight": "token_embd.weight", "wpe.weight": "position_embd.weight", "ln_f": "output_norm", "ln_1": "attn_norm",
        "ln_2": "ffn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up",
        "mlp.c_proj": "ffn_down", "lm_head.weight": "output.weight"}
BERT = {"embeddings.word_embeddings.weight": "token_embd.weight", "embeddings.position_embeddings.weight": "position_embd.weight",
        "embeddings.token_type_embeddings.weight": "token_types.weight", "embeddings.LayerNorm": "token_embd_norm",
        "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
        "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
        "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"}
FAMILIES = {"llama": (ROTARY, "model.layers."), "qwen2": (ROTARY, "model.layers."), "gpt2": (GPT2, "h."),
            "bert": (BERT, "encoder.layer."),
            **{name: (MIXTURE, "model.layers.") for name in ("mixtral", "olmoe", "qwen2_moe", "qwen3_moe")}}
ARCHITECTURES = {"mixtral": "llama", "qwen2_moe": "qwen2moe", "qwen3_moe": "qwen3moe"}


def gguf_name(family, name):
    """The tensor's name in GGUF and its layer, or None for what GGUF doesn't hold."""
    names, layers = FAMILIES[family]
    for prefix in ("transformer.", "bert."):
        name = name.removeprefix(prefix)
    if name in names:
        return names[name], -1
    if name.startswith(layers):
        index, _, rest = name[len(layers):].partition(".")
        part, _, kind = rest.rpartition(".")
        return (f"blk.{index}.{names[part]}.{kind}", int(index)) if part in names else (None, -1)
    part, _, kind = name.rpartition(".")
    return (f"{names[part]}.{kind}", -1) if part in names else (None, -1)


def interleave(array, heads):
    """Rows of each head from halves to pairs."""
    half = len(array) // heads // 2
    return array.reshape(heads, 2, half, -1).swapaxes(1, 2).reshape(array.shape)


def separate(array, heads):
    half = len(array) // heads // 2
    return array.reshape(heads, half, 2, -1).swapaxes(1, 2).reshape(array.shape)


# ---- Metadata ---------------------------------------------------------------------------------

def metadata(family, c):
    layers = c.get("num_hidden_layers", c.get("n_layer"))
    heads = c.get("num_attention_heads", c.get("n_head"))
    width = c.get("hidden_size", c.get("n_embd"))
    keys = {"context_length": c.get("max_position_embeddings", c.get("n_positions")), "embedding_length": width,
            "block_count": layers, "feed_forward_length": c.get("intermediate_size", c.get("n_inner")) or 4 * width,
            "attention.head_count": heads}
    if family not in ("gpt2", "bert"):
        head_dim = c.get("head_dim") or width // heads
        keys |= {"attention.head_count_kv": c.get("num_key_value_heads") or heads, "rope.dimension_count": head_dim,
                 "attention.layer_norm_rms_epsilon": float(c["rms_norm_eps"]), "rope.freq_base": float(c["rope_theta"])}
        if head_dim != width // heads:
            keys |= {"attention.key_length": head_dim, "attention.value_length": head_dim}
        scaling = c.get("rope_scaling") or {}
        if scaling.get("rope_type") == "linear":
            keys |= {"rope.scaling.type": "linear", "rope.scaling.factor": float(scaling["factor"])}
        if c.get("sliding_window"):
            keys["attention.sliding_window"] = c["sliding_window"]
        experts = c.get("num_local_experts", c.get("num_experts"))
        if experts:
            keys |= {"expert_count": experts, "expert_used_count": c["num_experts_per_tok"]}
        if "moe_intermediate_size" in c:
            keys["expert_feed_forward_length"] = c["moe_intermediate_size"]
        if "shared_expert_intermediate_size" in c:
            keys["expert_shared_feed_forward_length"] = c["shared_expert_intermediate_size"]
    else:
        keys["attention.layer_norm_epsilon"] = float(c.get("layer_norm_eps", c.get("layer_norm_epsilon", 1e-5)))
    if family == "bert":
        keys["attention.causal"] = False
    family = ARCHITECTURES.get(family, family)
    result = {"general.architecture": family}
    for key, value in keys.items():
        result[f"{family}.{key}"] = gguf.U32(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return result


def rope_divisors(c):
    scaling = c.get("rope_scaling") or {}
    if scaling.get("rope_type") != "llama3":
        return None
    dim = c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"]
    return (rope_frequencies(dim, c["rope_theta"], None) / rope_frequencies(dim, c["rope_theta"], scaling)).astype(np.float32)


def tokenizer_metadata(document, family):
    model = document["model"]
    vocab = sorted(model["vocab"], key=model["vocab"].get)
    special = {entry["content"] for entry in document["added_tokens"] if entry["special"]}
    byte = [piece.startswith("<0x") and len(piece) == 6 for piece in vocab]
    types = [3 if piece in special else 6 if is_byte else 1 for piece, is_byte in zip(vocab, byte)]
    result = {"tokenizer.ggml.model": "bert" if family == "bert" else "llama" if "<unk>" in vocab else "gpt2"}
    merges = [" ".join(merge) if isinstance(merge, list) else merge for merge in model.get("merges", [])]
    if result["tokenizer.ggml.model"] == "llama":
        rank = {merge.replace(" ", "", 1): -float(i + 1) for i, merge in reversed(list(enumerate(merges)))}
        result["tokenizer.ggml.scores"] = np.array([rank.get(piece, 0.0) for piece in vocab], np.float32)
        result["tokenizer.ggml.unknown_token_id"] = gguf.U32(vocab.index("<unk>"))
    elif family == "bert":
        vocab = [piece if piece.startswith("[") and piece.endswith("]") else piece.removeprefix("##") if piece.startswith("##")
                 else "▁" + piece for piece in vocab]
    else:
        result |= {"tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.merges": merges}
    result |= {"tokenizer.ggml.tokens": vocab, "tokenizer.ggml.token_type": np.array(types, np.int32)}
    named = {"bos": ("<s>", "<|endoftext|>", "[CLS]"), "eos": ("</s>", "<|endoftext|>", "[SEP]"), "seperator": ("[SEP]",),
             "cls": ("[CLS]",), "mask": ("[MASK]",)}
    for key, names in named.items():
        for name in names:
            if name in vocab:
                result[f"tokenizer.ggml.{key}_token_id"] = gguf.U32(vocab.index(name))
                break
    if family == "bert":
        result["tokenizer.ggml.unknown_token_id"] = gguf.U32(vocab.index("[UNK]"))
    return result


# ---- Converting -------------------------------------------------------------------------------

def convert(args):
    with open(os.path.join(args.source, "config.json"), encoding="utf-8") as file:
        c = json.load(file)
    family = {"mistral": "llama"}.get(c["model_type"], c["model_type"])
    source = tensors.read_directory(args.source)
    writer = gguf.Writer(alignment=args.alignment)
    writer.metadata |= metadata(family, c)
    writer.metadata["general.file_type"] = gguf.U32(FILE_TYPES[args.type])
    tokenizer = os.path.join(args.source, "tokenizer.json")
    if os.path.exists(tokenizer):
        with open(tokenizer, encoding="utf-8") as file:
            writer.metadata |= tokenizer_metadata(json.load(file), family)
    layers = c.get("num_hidden_layers", c.get("n_layer"))
    tied = not any(name.endswith("lm_head.weight") for name in source)
    kept = {}
    divisors = rope_divisors(c)
    if divisors is not None:
        writer.quantize("rope_freqs.weight", divisors, "f32")
    experts = {}
    for name, array in source.items():
        if match := EXPERT.fullmatch(name):
            experts.setdefault((int(match[1]), match[3]), {})[int(match[2])] = name
    for (layer, part), names in experts.items():
        target = f"blk.{layer}.{EXPERT_PARTS[part]}.weight"
        array = np.stack([source[names[e]] for e in range(len(names))])
        kind = type_of(target, array.shape, args.type, layer, layers, tied)
        data = gguf.quantize(kind, array)
        writer.add(target, array.shape, kind, data)
        for e, held in enumerate(gguf.dequantize(kind, data).reshape(array.shape)):
            kept[names[e]] = held
    for name, array in source.items():
        if EXPERT.fullmatch(name):
            continue
        target, layer = gguf_name(family, name)
        kept[name] = array
        if target is None:
            continue
        heads = 0
        permutes = family in ("llama", "mixtral")
        if target.endswith("ffn_gate_inp_shexp.weight"):
            array = array.reshape(-1)  # llama.cpp's converter squeezes
        if permutes and ".attn_q." in target:
            heads = c["num_attention_heads"]
        elif permutes and ".attn_k." in target:
            heads = c.get("num_key_value_heads") or c["num_attention_heads"]
        turned = family == "gpt2" and array.ndim == 2 and layer >= 0
        array = interleave(array, heads) if heads else np.ascontiguousarray(array.T) if turned else array
        kind = type_of(target, array.shape, args.type, layer, layers, tied)
        data = gguf.quantize(kind, array)
        writer.add(target, array.shape, kind, data)
        if args.reference:
            held = gguf.dequantize(kind, data).reshape(array.shape)
            kept[name] = (separate(held, heads) if heads else held.T if turned else held).reshape(source[name].shape)
    writer.write(args.output)
    if args.reference:
        os.makedirs(args.reference, exist_ok=True)
        tensors.write_directory(args.reference, kept, "f32")
        for name in ("config.json", "tokenizer.json"):
            if os.path.exists(os.path.join(args.source, name)):
                shutil.copyfile(os.path.join(args.source, name), os.path.join(args.reference, name))


# ---- Random weights ---------------------------------------------------------------------------

LLAMA3 = {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 8192}
SHAPES = {
    "llama-3.2-1b": ("llama", dict(hidden_size=2048, num_hidden_layers=16, num_attention_heads=32, num_key_value_heads=8,
                                   intermediate_size=8192, vocab_size=128256, rope_theta=500000.0, rms_norm_eps=1e-5,
                                   max_position_embeddings=131072, tie_word_embeddings=True, rope_scaling=LLAMA3)),
    "qwen2.5-0.5b": ("qwen2", dict(hidden_size=896, num_hidden_layers=24, num_attention_heads=14, num_key_value_heads=2,
                                   intermediate_size=4864, vocab_size=151936, rope_theta=1000000.0, rms_norm_eps=1e-6,
                                   max_position_embeddings=32768, tie_word_embeddings=True)),
    "tinyllama-1.1b": ("llama", dict(hidden_size=2048, num_hidden_layers=22, num_attention_heads=32, num_key_value_heads=4,
                                     intermediate_size=5632, vocab_size=32000, rope_theta=10000.0, rms_norm_eps=1e-5,
                                     max_position_embeddings=2048, tie_word_embeddings=False)),
    "olmoe-1b-7b": ("olmoe", dict(hidden_size=2048, num_hidden_layers=16, num_attention_heads=16, num_key_value_heads=16,
                                  intermediate_size=1024, num_experts=64, num_experts_per_tok=8, vocab_size=50304,
                                  rope_theta=10000.0, rms_norm_eps=1e-5, max_position_embeddings=4096,
                                  tie_word_embeddings=False)),
    "qwen3-30b-a3b": ("qwen3_moe", dict(hidden_size=2048, num_hidden_layers=48, num_attention_heads=32, num_key_value_heads=4,
                                        head_dim=128, intermediate_size=6144, moe_intermediate_size=768, num_experts=128,
                                        num_experts_per_tok=8, vocab_size=151936, rope_theta=1000000.0, rms_norm_eps=1e-6,
                                        max_position_embeddings=40960, tie_word_embeddings=False)),
}


def vocabulary(size):
    """A SentencePiece vocabulary of any size: specials, the bytes, and fillers."""
    tokens = (["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + ["▁"])[:size]
    tokens += [f"▁t{i}" for i in range(size - len(tokens))]
    types = np.array([2, 3, 3] + [6] * 256 + [1] * max(size - 259, 0), np.int32)[:size]
    return {"tokenizer.ggml.model": "llama", "tokenizer.ggml.pre": "default", "tokenizer.ggml.tokens": tokens,
            "tokenizer.ggml.scores": -np.arange(size, dtype=np.float32), "tokenizer.ggml.token_type": types,
            "tokenizer.ggml.bos_token_id": gguf.U32(1), "tokenizer.ggml.eos_token_id": gguf.U32(2),
            "tokenizer.ggml.unknown_token_id": gguf.U32(0)}


class Pool:
    """Blocks of random numbers of each type, repeated as often as a tensor needs, from another start each time."""

    def __init__(self, seed):
        self.random, self.pools, self.start = np.random.default_rng(seed), {}, 0

    def of(self, kind):
        if kind not in self.pools:
            values = self.random.standard_normal(1 << 20, np.float32) * np.float32(0.02)
            self.pools[kind] = np.frombuffer(gguf.quantize(kind, values), np.uint8).reshape(-1, gguf.BLOCKS[kind][1])
        return self.pools[kind]

    def writer(self, kind, count):
        self.start += 12345
        start = self.start

        def write(file):
            pool = self.of(kind)
            rolled = np.roll(pool, -(start % len(pool)), 0)
            left = count // gguf.BLOCKS[kind][0]
            while left:
                part = min(left, len(rolled))
                rolled[:part].tofile(file)
                left -= part
        return write


def random(args):
    family, c = SHAPES[args.shape]
    c = {**c, **({"num_hidden_layers": args.layers} if args.layers else {}), **({"vocab_size": args.vocab} if args.vocab else {})}
    layers, width, ffn, tied = c["num_hidden_layers"], c["hidden_size"], c["intermediate_size"], c["tie_word_embeddings"]
    head_dim = c.get("head_dim") or width // c["num_attention_heads"]
    heads, groups = head_dim * c["num_attention_heads"], head_dim * c["num_key_value_heads"]
    experts, inner = c.get("num_experts", 0), c.get("moe_intermediate_size", ffn)
    writer, pool = gguf.Writer(), Pool(args.seed)
    writer.metadata |= metadata(family, c)
    writer.metadata |= {"general.name": args.shape, "general.file_type": gguf.U32(FILE_TYPES[args.type]),
                        "general.quantization_version": gguf.U32(2),
                        f"{ARCHITECTURES.get(family, family)}.vocab_size": gguf.U32(c["vocab_size"])}
    writer.metadata |= vocabulary(c["vocab_size"])

    def matrix(name, rows, columns, layer=-1, count=None):
        shape = (count, rows, columns) if count else (rows, columns)
        kind = type_of(name, shape, args.type, layer, layers, tied)
        writer.add(name, shape, kind, pool.writer(kind, rows * columns * (count or 1)))

    matrix("token_embd.weight", c["vocab_size"], width)
    divisors = rope_divisors(c)
    if divisors is not None:
        writer.quantize("rope_freqs.weight", divisors, "f32")
    for i in range(layers):
        at = f"blk.{i}."
        writer.quantize(at + "attn_norm.weight", np.ones(width, np.float32), "f32")
        for name, rows, columns in (("attn_q", heads, width), ("attn_k", groups, width), ("attn_v", groups, width),
                                    ("attn_output", width, heads)):
            matrix(f"{at}{name}.weight", rows, columns, i)
            if family == "qwen2" and name != "attn_output":
                writer.quantize(f"{at}{name}.bias", np.zeros(rows, np.float32), "f32")
        for name, rows, columns in (("ffn_gate", inner, width), ("ffn_up", inner, width), ("ffn_down", width, inner)):
            matrix(f"{at}{name}{'_exps' if experts else ''}.weight", rows, columns, i, experts)
        if experts:
            # Random, so that experts are chosen all over.
            writer.quantize(f"{at}ffn_gate_inp.weight", pool.random.standard_normal((experts, width), np.float32), "f32")
            size = (heads, groups) if family == "olmoe" else (head_dim, head_dim)
            for letter, count in zip("qk", size):
                writer.quantize(f"{at}attn_{letter}_norm.weight", np.ones(count, np.float32), "f32")
        writer.quantize(at + "ffn_norm.weight", np.ones(width, np.float32), "f32")
    writer.quantize("output_norm.weight", np.ones(width, np.float32), "f32")
    if not tied:
        matrix("output.weight", c["vocab_size"], width)
    writer.write(args.output)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("convert")
    one.add_argument("source")
    one.add_argument("--reference")
    one.add_argument("--alignment", type=int, default=32)
    two = commands.add_parser("random")
    two.add_argument("shape", choices=sorted(SHAPES))
    two.add_argument("--layers", type=int)
    two.add_argument("--vocab", type=int)
    two.add_argument("--seed", type=int, default=1)
    for sub, run in ((one, convert), (two, random)):
        sub.add_argument("output")
        sub.add_argument("--type", choices=sorted(FILE_TYPES), default="f16")
        sub.set_defaults(run=run)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
