#!/usr/bin/env python3
"""One model in several forms of checkpoints: what is computed is the same.

  checkpoint_forms.py t5|deepseek|mxfp4 FOLDER

FOLDER is one of %shared/families, whose logits other tests compare with Transformers. It becomes a GGUF file with the
names and keys of llama.cpp's converters, or a directory with experts in MXFP4 as Transformers writes them.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import gguf  # noqa: E402
import tensors  # noqa: E402
from head_variants import close, compute, write  # noqa: E402


def load(folder):
    return [json.load(open(folder + name)) for name in ("/config.json", "/expected.json")] + [tensors.read_directory(folder)]


def save(path, arch, keys, arrays):
    writer = gguf.Writer()
    writer.metadata |= {"general.architecture": arch, "general.file_type": gguf.U32(0)}
    for key, value in keys.items():
        writer.metadata[f"{arch}.{key}"] = gguf.U32(value) if isinstance(value, int) and not isinstance(value, bool) else value
    for name, array in arrays.items():
        array = np.ascontiguousarray(array, np.float32)
        writer.add(name, array.shape, "f32", array.tobytes())
    writer.write(path)


def t5(place, folder):
    c, expected, arrays = load(folder)
    c["relative_attention_max_distance"] = 128  # files don't say it
    if c["model_type"] == "mt5":  # as T5 1.1, which has a head of its own
        c |= {"model_type": "t5", "architectures": ["T5ForConditionalGeneration"], "tie_word_embeddings": False, "scale_decoder_outputs": False}
        arrays["lm_head.weight"] = np.random.default_rng(5).standard_normal(arrays["shared.weight"].shape, np.float32)
    write(place + "/hf", c, arrays)
    inputs = {"tokens": expected["target"], "source": expected["source"]}
    wanted = compute(place + "/hf", "forward", **inputs)
    # Configurations may say the function apart from the form of the network.
    gate = "gated-" if c["feed_forward_proj"].startswith("gated") else ""
    other = {**c, "feed_forward_proj": gate + "silu"}
    for name in ("dense_act_fn", "is_gated_act"):
        other.pop(name, None)
    write(place + "/silu", other, arrays)
    write(place + "/said", {**c, "dense_act_fn": "silu", "is_gated_act": bool(gate)}, arrays)
    close("dense_act_fn", compute(place + "/said", "forward", **inputs), compute(place + "/silu", "forward", **inputs))
    keys = {"context_length": 512, "embedding_length": c["d_model"], "feed_forward_length": c["d_ff"], "block_count": c["num_layers"],
            "decoder_block_count": c["num_decoder_layers"], "attention.head_count": c["num_heads"], "attention.key_length": c["d_kv"],
            "attention.value_length": c["d_kv"], "attention.layer_norm_epsilon": c["layer_norm_epsilon"],
            "attention.layer_norm_rms_epsilon": c["layer_norm_epsilon"], "decoder_start_token_id": 0,
            "attention.relative_buckets_count": c["relative_attention_num_buckets"]}
    outside = {"shared": "token_embd", "lm_head": "output", "encoder.final_layer_norm": "enc.output_norm", "decoder.final_layer_norm": "dec.output_norm"}
    parts = {"SelfAttention.relative_attention_bias": "attn_rel_b", "DenseReluDense.wi": "ffn_up", "DenseReluDense.wi_0": "ffn_gate",
             "DenseReluDense.wi_1": "ffn_up", "DenseReluDense.wo": "ffn_down"}
    parts |= {f"SelfAttention.{letter}": f"attn_{letter}" for letter in "qkvo"} | {f"EncDecAttention.{letter}": f"cross_attn_{letter}" for letter in "qkvo"}
    made = {}
    for name, array in arrays.items():
        stem = name.removesuffix(".weight")
        if stem not in outside:
            side, _, layer, _, place_in, *rest = stem.split(".")
            norms = ("attn_norm", "ffn_norm") if side == "encoder" else ("attn_norm", "cross_attn_norm", "ffn_norm")
            part = norms[int(place_in)] if rest == ["layer_norm"] else parts[".".join(rest)]
            made[f"{side[:3]}.blk.{layer}.{part}.weight"] = array
        else:
            made[outside[stem] + ".weight"] = array
    save(place + "/whole.gguf", "t5", keys, made)
    close(os.path.basename(folder) + " in GGUF", compute(place + "/whole.gguf", "forward", **inputs), wanted)
    c["architectures"] = ["T5EncoderModel"]
    write(place + "/encoder", c, {name: array for name, array in arrays.items() if name.startswith(("shared", "encoder"))})
    save(place + "/encoder.gguf", "t5encoder", keys, {name: array for name, array in made.items() if name.startswith(("token_embd", "enc"))})
    tokens = {"tokens": expected["source"]}
    close("its encoder", compute(place + "/encoder.gguf", "states", **tokens), compute(place + "/encoder", "states", **tokens))


def deepseek(place, folder):
    c, expected, arrays = load(folder)
    second, yarn = c["model_type"] == "deepseek_v2", {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "mscale": 0.707, "mscale_all_dim": 0.707}
    if not second:  # whose scores Transformers makes steeper
        c["rope_parameters"] |= yarn
        write(place + "/hf", c, arrays)
        wanted = compute(place + "/hf", "forward", tokens=expected["tokens"])
    else:
        wanted = np.load(folder + "/logits.npy")
    heads, rank, rotated, kept, value = (c[key] for key in ("num_attention_heads", "kv_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim"))
    keys = {"context_length": c["max_position_embeddings"], "embedding_length": c["hidden_size"], "feed_forward_length": c["intermediate_size"],
            "block_count": c["num_hidden_layers"], "attention.head_count": heads, "attention.kv_lora_rank": rank,
            "attention.layer_norm_rms_epsilon": c["rms_norm_eps"], "rope.freq_base": c["rope_parameters"]["rope_theta"],
            "rope.dimension_count": rotated, "vocab_size": c["vocab_size"], "leading_dense_block_count": c["first_k_dense_replace"],
            "expert_feed_forward_length": c["moe_intermediate_size"], "expert_count": c["n_routed_experts"], "expert_used_count": c["num_experts_per_tok"],
            "expert_shared_count": c["n_shared_experts"], "expert_weights_scale": float(c["routed_scaling_factor"])}
    if c["q_lora_rank"]:
        keys["attention.q_lora_rank"] = c["q_lora_rank"]
    if not second:
        keys |= {"expert_weights_norm": True, "expert_gating_func": 2, "expert_group_count": c["n_group"], "expert_group_used_count": c["topk_group"],
                 "rope.scaling.type": "yarn", "rope.scaling.factor": 4.0, "rope.scaling.original_context_length": 16, "rope.scaling.yarn_log_multiplier": 0.0707}
    names = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q", "self_attn.q_a_proj": "attn_q_a",
             "self_attn.q_a_layernorm": "attn_q_a_norm", "self_attn.q_b_proj": "attn_q_b", "self_attn.kv_a_proj_with_mqa": "attn_kv_a_mqa",
             "self_attn.kv_a_layernorm": "attn_kv_a_norm", "self_attn.kv_b_proj": "attn_kv_b", "self_attn.o_proj": "attn_output", "mlp.gate": "ffn_gate_inp"}
    for part in ("gate", "up", "down"):
        names |= {f"mlp.{part}_proj": f"ffn_{part}", f"mlp.shared_experts.{part}_proj": f"ffn_{part}_shexp"}
    made, experts = {}, {}
    for name, array in arrays.items():
        words = name.split(".")
        if words[1] != "layers":
            made[{"lm_head.weight": "output", "model.embed_tokens.weight": "token_embd", "model.norm.weight": "output_norm"}[name] + ".weight"] = array
        elif "experts" in words:
            experts.setdefault(f"blk.{words[2]}.ffn_{words[6].removesuffix('_proj')}_exps.weight", {})[int(words[5])] = array
        elif name.endswith("e_score_correction_bias"):
            made[f"blk.{words[2]}.exp_probs_b.bias"] = array
        else:
            made[f"blk.{words[2]}.{names['.'.join(words[3:-1])]}.weight"] = array
    made |= {name: np.stack([parts[e] for e in range(len(parts))]) for name, parts in experts.items()}
    own = {"attention.head_count_kv": heads, "attention.key_length": kept + rotated, "attention.value_length": value}
    save(place + "/whole.gguf", "deepseek2", keys | own, made)
    close(c["model_type"] + " in GGUF", compute(place + "/whole.gguf", "forward", tokens=expected["tokens"]), wanted)
    # Keys' and values' matrices apart, the keys' turned around; heads as they are absorbed.
    for name in [name for name in made if "attn_kv_b" in name]:
        k, v = np.split(made.pop(name).reshape(heads, kept + value, rank), [kept], 1)
        made |= {name.replace("kv_b", "k_b"): k.swapaxes(1, 2), name.replace("kv_b", "v_b"): v}
    own = {"attention.head_count_kv": 1, "attention.key_length": rank + rotated, "attention.value_length": rank,
           "attention.key_length_mla": kept + rotated, "attention.value_length_mla": value}
    save(place + "/split.gguf", "deepseek2", keys | own, made)
    close("split", compute(place + "/split.gguf", "forward", tokens=expected["tokens"]), wanted)


def write_typed(folder, arrays):
    """Like tensors.write_directory, with bytes as they are."""
    header, offset, parts = {}, 0, []
    for name, array in arrays.items():
        raw = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": {"float32": "F32", "uint8": "U8"}[str(array.dtype)], "shape": list(array.shape), "data_offsets": [offset, offset + len(raw)]}
        offset += len(raw)
        parts.append(raw)
    text = json.dumps(header).encode()
    with open(folder + "/model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def mxfp4(place, folder):
    c, expected, arrays = load(folder)
    random, e, n, size = np.random.default_rng(3), c["num_local_experts"], 64, c["hidden_size"]
    c["intermediate_size"], packed = n, {}
    for name in list(arrays):
        if name.endswith(("gate_up_proj", "down_proj")):
            rows, columns = (2 * n, size) if "gate_up" in name else (size, n)
            u = random.integers(0, 16, (e, rows, columns // 32, 32), np.uint8)
            exponents = random.integers(121, 126, (e, rows, columns // 32), np.uint8)
            values = gguf.E2M1[u] / 2 * np.exp2(exponents.astype(np.float32) - 127)[..., None]
            arrays[name] = values.reshape(e, rows, columns).swapaxes(1, 2)
            packed |= {name + "_blocks": u[..., ::2] | u[..., 1::2] << 4, name + "_scales": exponents}
        elif name.endswith("gate_up_proj_bias"):
            arrays[name] = random.standard_normal((e, 2 * n), np.float32)
    write(place + "/plain", c, arrays)
    wanted = compute(place + "/plain", "forward", tokens=expected["tokens"])
    c["quantization_config"] = {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn", "lm_head"]}
    os.makedirs(place + "/packed")
    json.dump(c, open(place + "/packed/config.json", "w"))
    whole = {name: array.astype(np.float32) for name, array in arrays.items() if name + "_blocks" not in packed} | packed
    write_typed(place + "/packed", whole)
    close("experts in MXFP4", compute(place + "/packed", "forward", tokens=expected["tokens"]), wanted)

    def refuses(message, change):
        broken = {**whole}
        change(broken)
        write_typed(place + "/packed", broken)
        done = subprocess.run(["tenonc", place + "/packed", "--no-tokenizer", "--emit=import"], capture_output=True, text=True)
        assert done.returncode == 1 and message in done.stderr, (message, done.stderr)

    name = "model.layers.1.mlp.experts.down_proj"
    refuses("has no 'model.layers.1.mlp.experts.down_proj_scales' beside it", lambda arrays: arrays.pop(name + "_scales"))
    refuses("has scales of u8 [4, 32, 1]; expected u8 [4, 32, 2]", lambda arrays: arrays.update({name + "_scales": packed[name + "_scales"][..., :1]}))
    refuses("expected u8 [..., rows, columns / 32, 16]", lambda arrays: arrays.update({name + "_blocks": packed[name + "_blocks"][..., :8]}))
    refuses("is there both in MXFP4 and as it is", lambda arrays: arrays.update({name: np.zeros((1,), np.float32)}))


with tempfile.TemporaryDirectory() as folder:
    {"t5": t5, "deepseek": deepseek, "mxfp4": mxfp4}[sys.argv[1]](folder, os.path.normpath(sys.argv[2]))
