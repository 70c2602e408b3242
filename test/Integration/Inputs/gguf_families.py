#!/usr/bin/env python3
"""Checkpoints of Hugging Face as GGUF files: the logits that Transformers computed come out of them, too.

  gguf_families.py FOLDER...

The file is written as llama.cpp's converter does: its names, rows of queries and keys in pairs for some families,
norms with their 1, queries before keys before values, heads in `rope.dimension_count`. Weights stay float32.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import gguf  # noqa: E402
import tensors  # noqa: E402

OUTSIDE = {"embed_tokens": "token_embd", "wte": "token_embd", "embed_in": "token_embd", "word_embeddings": "token_embd",
           "norm": "output_norm", "ln_f": "output_norm", "final_layer_norm": "output_norm", "final_layernorm": "output_norm",
           "lm_head": "output", "embed_out": "output", "norm_f": "output_norm", "word_embeddings_layernorm": "token_embd_norm"}
INSIDE = {"input_layernorm": "attn_norm", "ln_attn": "attn_norm_2", "ln_mlp": "attn_norm",
          "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
          "self_attn.qkv_proj": "attn_qkv", "attention.query_key_value": "attn_qkv",
          "self_attention.query_key_value": "attn_qkv", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
          "self_attn.o_proj": "attn_output", "self_attn.dense": "attn_output", "attention.dense": "attn_output",
          "self_attention.dense": "attn_output", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
          "mlp.up_proj": "ffn_up", "mlp.gate_up_proj": "ffn_up", "mlp.fc1": "ffn_up", "mlp.c_fc": "ffn_up",
          "mlp.dense_h_to_4h": "ffn_up", "mlp.down_proj": "ffn_down", "mlp.fc2": "ffn_down", "mlp.c_proj": "ffn_down",
          "mlp.dense_4h_to_h": "ffn_down", "post_self_attn_layernorm": "post_attention_norm",
          "post_mlp_layernorm": "post_ffw_norm", "post_feedforward_layernorm": "post_ffw_norm",
          "pre_feedforward_layernorm": "ffn_norm", "norm_1": "attn_norm", "norm_2": "ffn_norm", "ln_1": "attn_norm",
          "attn.Wqkv": "attn_qkv", "attn.out_proj": "attn_output", "ffn.up_proj": "ffn_up", "ffn.down_proj": "ffn_down",
          "attn.q_proj": "attn_q", "attn.k_proj": "attn_k", "attn.v_proj": "attn_v", "mlp.fc_in": "ffn_up",
          "mlp.fc_out": "ffn_down", "block_sparse_moe.router.layer": "ffn_gate_inp", "mlp.router": "ffn_gate_inp"}
NAMES = {"phi": "phi2", "gpt_neox": "gptneox", "cohere": "command-r", "mistral": "llama", "gemma3_text": "gemma3",
         "gpt_oss": "gpt-oss"}
PERMUTED = ("llama", "granite", "granitemoe", "olmo", "smollm3")  # rotary positions of neighbours
AROUND_1 = ("gemma", "gemma2", "gemma3", "nemotron")
BEHIND = ("olmo2", "gemma2", "gemma3", "exaone4", "gpt-oss")  # post_attention_layernorm is that


def interleave(array, heads):
    half = len(array) // heads // 2
    return np.ascontiguousarray(array.reshape(heads, 2, half, -1).swapaxes(1, 2).reshape(array.shape))


def parts_first(array, groups, sizes):
    """Rows of groups of (queries, keys, values): all queries, then all keys, then all values."""
    rest = array.shape[1:]
    parts = np.split(array.reshape(groups, sum(sizes), *rest), np.cumsum(sizes)[:-1], axis=1)
    return np.ascontiguousarray(np.concatenate([part.reshape(-1, *rest) for part in parts]))


def first(c, *names):
    return next(c[name] for name in names if c.get(name) is not None)


def sizes(c):
    return first(c, "num_attention_heads", "n_head", "n_heads"), first(c, "hidden_size", "n_embd", "d_model")


def metadata(arch, c):
    heads, width = sizes(c)
    head_dim = c.get("head_dim") or width // heads
    rope = c.get("rope_parameters") or {}
    rope = rope.get("full_attention", rope)
    length = 2048 if arch == "bloom" else first(c, "max_position_embeddings", "n_positions", "max_seq_len")
    keys = {"context_length": length, "embedding_length": width, "attention.head_count": heads,
            "block_count": first(c, "num_hidden_layers", "n_layer", "n_layers"),
            "feed_forward_length": c["ffn_hidden_size"] if arch == "falcon" else c.get("intermediate_size") or 4 * width}
    if rope:
        keys |= {"rope.freq_base": float(rope["rope_theta"]),
                 "rope.dimension_count": int(head_dim * rope.get("partial_rotary_factor", 1.0))}
        if rope.get("rope_type") == "yarn":
            keys |= {"rope.scaling.type": "yarn", "rope.scaling.factor": float(rope["factor"]),
                     "rope.scaling.original_context_length": rope["original_max_position_embeddings"]}
    if arch == "gptj":
        keys["rope.dimension_count"] = c["rotary_dim"]
    if arch == "mpt":
        keys |= {"attention.max_alibi_bias": 8.0, "attention.layer_norm_epsilon": 1e-5}
    if c.get("num_local_experts"):
        keys |= {"expert_count": c["num_local_experts"], "expert_used_count": c["num_experts_per_tok"]}
        if arch == "gpt-oss":
            keys["expert_feed_forward_length"] = c["intermediate_size"]
    for name in ("attn_logit_softcapping", "final_logit_softcapping"):
        if c.get(name):
            keys[name] = float(c[name])
    if arch == "falcon":
        wide = c["new_decoder_architecture"] or not c["multi_query"]
        keys["attention.head_count_kv"] = c["num_kv_heads"] if wide else 1
    elif "num_key_value_heads" in c and arch != "gptneox":  # whose heads share nothing, whatever its configuration says
        keys["attention.head_count_kv"] = c["num_key_value_heads"]
    if head_dim != width // heads:
        keys |= {"attention.key_length": head_dim, "attention.value_length": head_dim}
    for name in ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_eps"):
        if name in c:
            keys["attention.layer_norm_rms_epsilon" if "rms" in name else "attention.layer_norm_epsilon"] = float(c[name])
    for name, key in (("attention_multiplier", "attention.scale"), ("embedding_multiplier", "embedding_scale"),
                      ("residual_multiplier", "residual_scale"), ("logits_scaling", "logit_scale"),
                      ("logit_scale", "logit_scale"), ("clip_qkv", "attention.clamp_kqv")):
        if c.get(name) is not None:
            keys[key] = float(c[name])
    if arch == "gptneox":
        keys["use_parallel_residual"] = c["use_parallel_residual"]
    if c.get("sliding_window"):
        keys["attention.sliding_window"] = c["sliding_window"]
    result = {"general.architecture": arch, "general.file_type": gguf.U32(0)}
    for key, value in keys.items():
        result[f"{arch}.{key}"] = gguf.U32(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return result


def experts(kind, array):
    """What tensors of all experts become: names behind the layer's, and arrays."""
    if kind == "weight":  # Granite: halves of rows
        gate, up = np.split(array, 2, 1)
        return {"ffn_gate_exps.weight": gate, "ffn_up_exps.weight": up}
    part, _, bias = kind.partition("_proj")
    end = ".bias" if bias else ".weight"
    array = array if bias else array.swapaxes(1, 2)
    if part == "down":
        return {"ffn_down_exps" + end: array}
    return {"ffn_gate_exps" + end: array[:, ::2], "ffn_up_exps" + end: array[:, 1::2]}  # in turn


def convert(folder, output):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        c = json.load(file)
    arch = NAMES.get(c["model_type"], c["model_type"])
    writer = gguf.Writer()
    writer.metadata |= metadata(arch, c)
    heads, width = sizes(c)
    groups = c.get("num_key_value_heads") or heads
    if arch == "falcon":
        groups = c["num_kv_heads"] if c["new_decoder_architecture"] or not c["multi_query"] else 1
    rope = c.get("rope_parameters") or {}
    if rope.get("rope_type") == "longrope":
        factor = rope.get("factor") or c["max_position_embeddings"] / rope["original_max_position_embeddings"]
        scale = (1 + np.log(factor) / np.log(rope["original_max_position_embeddings"])) ** 0.5
        writer.metadata |= {f"{arch}.rope.scaling.original_context_length": gguf.U32(rope["original_max_position_embeddings"]),
                            f"{arch}.rope.scaling.attn_factor": float(scale)}
        for which in ("long", "short"):
            values = np.asarray(rope[which + "_factor"], np.float32)
            writer.add(f"rope_factors_{which}.weight", values.shape, "f32", values.tobytes())
    for name, array in tensors.read_directory(folder).items():
        array = np.asarray(array, np.float32)
        stem, _, kind = name.rpartition(".")
        words = stem.split(".")
        layer = next((i for i, word in enumerate(words) if word.isdigit()), None)
        if stem.endswith(("mlp.experts", "input_linear", "output_linear")):
            made = {"ffn_down_exps.weight": array} if stem.endswith("output_linear") else experts(kind, array)
            for end, part in made.items():
                writer.add(f"blk.{words[layer]}.{end}", part.shape, "f32", np.ascontiguousarray(part).tobytes())
            continue
        if name.endswith(".sinks"):
            writer.add(f"blk.{words[layer]}.attn_sinks.weight", array.shape, "f32", array.tobytes())
            continue
        if layer is None:
            target = f"{OUTSIDE[words[-1]]}.{kind}"
        else:
            role = INSIDE[".".join(words[layer + 1:])]
            if arch in BEHIND and role == "ffn_norm" and "post_attention" in stem:
                role = "post_attention_norm"
            target = f"blk.{words[layer]}.{role}.{kind}"
        if arch in PERMUTED and (".attn_q." in target or ".attn_k." in target):
            array = interleave(array, heads if ".attn_q." in target else groups)
        if arch in ("gptneox", "falcon", "bloom") and ".attn_qkv." in target:
            own = groups if arch == "falcon" else heads
            each, head_dim = heads // own, width // heads
            array = parts_first(array, own, [each * head_dim, head_dim, head_dim])
        if arch in AROUND_1 and target.endswith("norm.weight"):
            array = array + np.float32(1)
        # GGUF has no scale of Gemma's scores but that of head_dim.
        if target.endswith({"gemma2": ".attn_q.weight", "gemma3": ".attn_q_norm.weight"}.get(arch, "-")):
            array = array * np.float32((c["head_dim"] / c["query_pre_attn_scalar"]) ** 0.5)
        writer.add(target, array.shape, "f32", array.tobytes())
    writer.write(output)


def main():
    for folder in sys.argv[1:]:
        name = os.path.basename(os.path.normpath(folder))
        with tempfile.TemporaryDirectory() as place:
            model, program, out = (os.path.join(place, n) for n in ("model.gguf", "program", "out.npy"))
            convert(folder, model)
            with open(os.path.join(folder, "expected.json"), encoding="utf-8") as file:
                tokens = ",".join(map(str, json.load(file)["tokens"]))
            for command in (["tenonc", model, "--no-tokenizer", "-O0", "-o", program],
                            [program, "logits", "--tokens", tokens, "--output", out]):
                done = subprocess.run(command, capture_output=True, text=True, timeout=100)
                if done.returncode:
                    sys.exit(f"{name}: exit {done.returncode}: {done.stderr}")
            wanted = np.load(os.path.join(folder, "logits.npy"))
            error = np.abs(np.load(out) - wanted).max()
            print(f"{name}: within {error:.1e}")
            if not error <= 2e-4 * max(1, np.abs(wanted).max()):
                sys.exit(f"{name}: logits differ")


if __name__ == "__main__":
    main()
