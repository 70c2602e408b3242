#!/usr/bin/env python3
"""Makes a checkpoint with random weights in Hugging Face layout, of any size that the family allows.

  make_random_model.py llama --hidden 60 --heads 6 --kv-heads 2 --head-dim 10 --ffn 97 --vocab 331 --dtype bf16 --shards 3 DIR
  make_random_model.py gpt2 --hidden 48 --heads 4 DIR
  make_random_model.py bert --hidden 48 --heads 4 DIR
  make_random_model.py parallel --hidden 48 --heads 4 DIR            (examples/parallel)
  make_random_model.py olmoe --hidden 48 --heads 4 --experts 8 --chosen 2 DIR     (mixtral, qwen2_moe, qwen3_moe)

Weights have the spread that keeps activations near 1, so that an absolute tolerance means something.
`--config-only` writes no weights (for `tenonc --random-weights`).
"""
import argparse
import json
import os

import numpy as np

import tensors
import tiny_tokenizers


MIXTURES = ("mixtral", "olmoe", "qwen2_moe", "qwen3_moe")


class Maker:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.tensors = {}

    def matrix(self, name, *shape, inputs, gain=1.0):
        values = self.random.standard_normal(shape, np.float32)
        self.tensors[name] = values * np.float32(gain / inputs ** 0.5)

    def vector(self, name, size, center=0.0, spread=0.1):
        self.tensors[name] = np.float32(center) + np.float32(spread) * self.random.standard_normal(size, np.float32)

    def linear(self, name, outputs, inputs, bias, transposed=False):
        shape = (inputs, outputs) if transposed else (outputs, inputs)
        self.matrix(name + ".weight", *shape, inputs=inputs)
        if bias:
            self.vector(name + ".bias", outputs)

    def norm(self, name, size, bias=True):
        self.vector(name + ".weight", size, 1.0)
        if bias:
            self.vector(name + ".bias", size)


def llama(a, m):  # and qwen2, which has biases on three projections
    qwen = a.family == "qwen2"
    q, kv = a.heads * a.head_dim, a.kv_heads * a.head_dim
    m.matrix("model.embed_tokens.weight", a.vocab, a.hidden, inputs=a.hidden if a.tie else 1)
    for i in range(a.layers):
        at = f"model.layers.{i}."
        m.norm(at + "input_layernorm", a.hidden, bias=False)
        m.linear(at + "self_attn.q_proj", q, a.hidden, a.attention_bias or qwen)
        m.linear(at + "self_attn.k_proj", kv, a.hidden, a.attention_bias or qwen)
        m.linear(at + "self_attn.v_proj", kv, a.hidden, a.attention_bias or qwen)
        m.linear(at + "self_attn.o_proj", a.hidden, q, a.attention_bias)
        m.norm(at + "post_attention_layernorm", a.hidden, bias=False)
        m.linear(at + "mlp.gate_proj", a.ffn, a.hidden, a.mlp_bias)
        m.linear(at + "mlp.up_proj", a.ffn, a.hidden, a.mlp_bias)
        m.linear(at + "mlp.down_proj", a.hidden, a.ffn, a.mlp_bias)
    m.norm("model.norm", a.hidden, bias=False)
    if not a.tie:
        m.matrix("lm_head.weight", a.vocab, a.hidden, inputs=a.hidden)
    scaling = None
    if a.rope_scaling == "linear":
        scaling = {"rope_type": "linear", "factor": 4.0}
    elif a.rope_scaling == "llama3":
        scaling = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                   "original_max_position_embeddings": max(a.context // 8, 16)}
    if a.family == "qwen2":
        return {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_act": a.act or "silu",
                "hidden_size": a.hidden, "intermediate_size": a.ffn, "num_hidden_layers": a.layers,
                "num_attention_heads": a.heads, "num_key_value_heads": a.kv_heads, "vocab_size": a.vocab,
                "max_position_embeddings": a.context, "rms_norm_eps": 1e-6, "rope_theta": a.theta,
                "use_sliding_window": False, "sliding_window": a.context, "tie_word_embeddings": a.tie,
                "bos_token_id": 1, "eos_token_id": 2}
    name = "MistralForCausalLM" if a.window else "LlamaForCausalLM"
    return {"architectures": [name], "model_type": "mistral" if a.window else "llama", "hidden_act": a.act or "silu",
            "hidden_size": a.hidden, "intermediate_size": a.ffn, "num_hidden_layers": a.layers,
            "num_attention_heads": a.heads, "num_key_value_heads": a.kv_heads, "head_dim": a.head_dim,
            "vocab_size": a.vocab, "max_position_embeddings": a.context, "rms_norm_eps": 1e-5, "rope_theta": a.theta,
            "rope_scaling": scaling, "attention_bias": a.attention_bias, "mlp_bias": a.mlp_bias,
            **({"sliding_window": a.window} if a.window else {}),
            "tie_word_embeddings": a.tie, "bos_token_id": 1, "eos_token_id": 2}


def mixture(a, m):  # of experts: mixtral, olmoe, qwen2_moe, qwen3_moe
    q, kv = a.heads * a.head_dim, a.kv_heads * a.head_dim
    mixtral, biases = a.family == "mixtral", a.family == "qwen2_moe"
    names = ("w1", "w3", "w2") if mixtral else ("gate_proj", "up_proj", "down_proj")
    m.matrix("model.embed_tokens.weight", a.vocab, a.hidden, inputs=1)
    for i in range(a.layers):
        at = f"model.layers.{i}."
        m.norm(at + "input_layernorm", a.hidden, bias=False)
        m.linear(at + "self_attn.q_proj", q, a.hidden, biases)
        m.linear(at + "self_attn.k_proj", kv, a.hidden, biases)
        m.linear(at + "self_attn.v_proj", kv, a.hidden, biases)
        m.linear(at + "self_attn.o_proj", a.hidden, q, False)
        if a.family in ("olmoe", "qwen3_moe"):
            whole = a.family == "olmoe"
            m.norm(at + "self_attn.q_norm", q if whole else a.head_dim, bias=False)
            m.norm(at + "self_attn.k_norm", kv if whole else a.head_dim, bias=False)
        m.norm(at + "post_attention_layernorm", a.hidden, bias=False)
        at += "block_sparse_moe." if mixtral else "mlp."
        m.linear(at + "gate", a.experts, a.hidden, False)
        for e in range(a.experts):
            for name, outputs, inputs in zip(names, (a.ffn, a.ffn, a.hidden), (a.hidden, a.hidden, a.ffn)):
                m.linear(f"{at}experts.{e}.{name}", outputs, inputs, False)
        if a.family == "qwen2_moe":
            for name, outputs, inputs in zip(names, (2 * a.ffn, 2 * a.ffn, a.hidden), (a.hidden, a.hidden, 2 * a.ffn)):
                m.linear(f"{at}shared_expert.{name}", outputs, inputs, False)
            m.linear(at + "shared_expert_gate", 1, a.hidden, False)
    m.norm("model.norm", a.hidden, bias=False)
    m.matrix("lm_head.weight", a.vocab, a.hidden, inputs=a.hidden)
    name = {"mixtral": "Mixtral", "olmoe": "Olmoe", "qwen2_moe": "Qwen2Moe", "qwen3_moe": "Qwen3Moe"}[a.family]
    counts = {"mixtral": "num_local_experts"}.get(a.family, "num_experts")
    sizes = {"qwen2_moe": {"moe_intermediate_size": a.ffn, "shared_expert_intermediate_size": 2 * a.ffn},
             "qwen3_moe": {"moe_intermediate_size": a.ffn, "head_dim": a.head_dim}}.get(a.family, {})
    return {"architectures": [name + "ForCausalLM"], "model_type": a.family, "hidden_act": a.act or "silu",
            "hidden_size": a.hidden, "intermediate_size": a.ffn, **sizes, "num_hidden_layers": a.layers,
            "num_attention_heads": a.heads, "num_key_value_heads": a.kv_heads, "vocab_size": a.vocab,
            counts: a.experts, "num_experts_per_tok": a.chosen, **({} if mixtral else {"norm_topk_prob": a.renormalize}),
            "max_position_embeddings": a.context, "rms_norm_eps": 1e-5, "rope_theta": a.theta,
            "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2}


def gpt2(a, m):
    prefix = "transformer." if a.prefix else ""
    m.matrix(prefix + "wte.weight", a.vocab, a.hidden, inputs=a.hidden)
    m.matrix(prefix + "wpe.weight", a.context, a.hidden, inputs=a.hidden, gain=0.5)
    for i in range(a.layers):
        at = f"{prefix}h.{i}."
        m.norm(at + "ln_1", a.hidden)
        m.linear(at + "attn.c_attn", 3 * a.hidden, a.hidden, True, transposed=True)
        m.linear(at + "attn.c_proj", a.hidden, a.hidden, True, transposed=True)
        m.norm(at + "ln_2", a.hidden)
        m.linear(at + "mlp.c_fc", a.ffn, a.hidden, True, transposed=True)
        m.linear(at + "mlp.c_proj", a.hidden, a.ffn, True, transposed=True)
    m.norm(prefix + "ln_f", a.hidden)
    return {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "activation_function": a.act or "gelu_new",
            "n_embd": a.hidden, "n_inner": None if a.ffn == 4 * a.hidden else a.ffn, "n_layer": a.layers, "n_head": a.heads,
            "n_positions": a.context, "n_ctx": a.context, "vocab_size": a.vocab, "layer_norm_epsilon": 1e-5,
            "bos_token_id": a.tokens - 1, "eos_token_id": a.tokens - 1}


def bert(a, m):
    prefix = "bert." if a.prefix else ""
    m.matrix(prefix + "embeddings.word_embeddings.weight", a.vocab, a.hidden, inputs=a.hidden)
    m.matrix(prefix + "embeddings.position_embeddings.weight", a.context, a.hidden, inputs=a.hidden, gain=0.5)
    m.matrix(prefix + "embeddings.token_type_embeddings.weight", 2, a.hidden, inputs=a.hidden, gain=0.5)
    m.norm(prefix + "embeddings.LayerNorm", a.hidden)
    for i in range(a.layers):
        at = f"{prefix}encoder.layer.{i}."
        for part in ("query", "key", "value"):
            m.linear(at + "attention.self." + part, a.hidden, a.hidden, True)
        m.linear(at + "attention.output.dense", a.hidden, a.hidden, True)
        m.norm(at + "attention.output.LayerNorm", a.hidden)
        m.linear(at + "intermediate.dense", a.ffn, a.hidden, True)
        m.linear(at + "output.dense", a.hidden, a.ffn, True)
        m.norm(at + "output.LayerNorm", a.hidden)
    if a.pooler:
        m.linear(prefix + "pooler.dense", a.hidden, a.hidden, True)
    if a.masked_lm:
        m.linear("cls.predictions.transform.dense", a.hidden, a.hidden, True)
        m.norm("cls.predictions.transform.LayerNorm", a.hidden)
        m.vector("cls.predictions.bias", a.vocab)
    return {"architectures": ["BertForMaskedLM" if a.masked_lm else "BertModel"], "model_type": "bert",
            "hidden_act": a.act or "gelu", "hidden_size": a.hidden, "intermediate_size": a.ffn,
            "num_hidden_layers": a.layers, "num_attention_heads": a.heads, "vocab_size": a.vocab,
            "max_position_embeddings": a.context, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "pad_token_id": 0}


def parallel(a, m):
    m.matrix("embed.weight", a.vocab, a.hidden, inputs=a.hidden)
    for i in range(a.layers):
        at = f"blocks.{i}."
        m.norm(at + "norm", a.hidden, bias=False)
        for name, outputs, inputs in (("q", a.hidden, a.hidden), ("k", a.head_dim, a.hidden), ("v", a.head_dim, a.hidden),
                                      ("o", a.hidden, a.hidden), ("up", a.ffn, a.hidden), ("down", a.hidden, a.ffn)):
            m.linear(at + name, outputs, inputs, False)
    m.norm("norm", a.hidden, bias=False)
    return {"architectures": ["ParallelForCausalLM"], "model_type": "parallel", "vocab_size": a.vocab, "hidden_size": a.hidden,
            "num_hidden_layers": a.layers, "num_attention_heads": a.heads, "max_position_embeddings": a.context,
            "bos_token_id": 1, "eos_token_id": 2}


def write_json(directory, name, content):
    with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=("llama", "qwen2", "gpt2", "bert", "parallel", *MIXTURES))
    parser.add_argument("directory")
    parser.add_argument("--seed", type=int, default=1)
    for name, default in (("hidden", 64), ("layers", 2), ("heads", 4), ("kv-heads", 0), ("head-dim", 0), ("ffn", 0),
                          ("vocab", 331), ("context", 128), ("window", 0), ("shards", 1), ("experts", 8), ("chosen", 2)):
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("--dtype", choices=("f32", "f16", "bf16"), default="f32")
    parser.add_argument("--act", help="activation instead of the family's own")
    parser.add_argument("--theta", type=float, default=10000.0)
    parser.add_argument("--rope-scaling", choices=("linear", "llama3"))
    parser.add_argument("--renormalize", action="store_true", help="gates of a mixture's chosen experts add up to 1")
    for name in ("tie", "attention-bias", "mlp-bias", "config-only", "no-tokenizer"):
        parser.add_argument("--" + name, action="store_true")
    parser.add_argument("--no-prefix", dest="prefix", action="store_false", help="names without 'transformer.' or 'bert.'")
    parser.add_argument("--no-pooler", dest="pooler", action="store_false")
    parser.add_argument("--no-masked-lm", dest="masked_lm", action="store_false")
    a = parser.parse_args()
    a.head_dim = a.head_dim or a.hidden // a.heads
    a.kv_heads = a.kv_heads or a.heads
    a.ffn = a.ffn or 4 * a.hidden
    if a.family not in ("llama", *MIXTURES) and a.heads * a.head_dim != a.hidden:
        parser.error("--hidden must be a multiple of --heads")

    tokenizer = getattr(tiny_tokenizers, {"gpt2": "gpt2", "bert": "bert"}.get(a.family, "llama"))(a.vocab)
    a.tokens = len(tokenizer["model"]["vocab"])
    maker = Maker(a.seed)
    config = {"llama": llama, "qwen2": llama, "gpt2": gpt2, "bert": bert, "parallel": parallel}.get(a.family, mixture)(a, maker)
    config["torch_dtype"] = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}[a.dtype]
    os.makedirs(a.directory, exist_ok=True)
    write_json(a.directory, "config.json", config)
    if not a.no_tokenizer:
        write_json(a.directory, "tokenizer.json", tokenizer)
    if not a.config_only:
        tensors.write_directory(a.directory, maker.tensors, a.dtype, a.shards)


if __name__ == "__main__":
    main()
