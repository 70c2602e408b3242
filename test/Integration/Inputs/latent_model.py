#!/usr/bin/env python3
"""Writes the configuration of a small DeepSeek V2 whose latent components can be cached: sizes are multiples of 64.

  latent_model.py DIRECTORY [--dense]

Dense, no layer has experts, whose kernels take long to compile.
"""
import json
import os
import sys

os.makedirs(sys.argv[1])
config = {"architectures": ["DeepseekV2ForCausalLM"], "model_type": "deepseek_v2", "attention_bias": False, "first_k_dense_replace": 1,
          "hidden_act": "silu", "hidden_size": 96, "intermediate_size": 160, "kv_lora_rank": 128, "max_position_embeddings": 1200,
          "moe_intermediate_size": 64, "n_group": 1, "n_routed_experts": 4, "n_shared_experts": 1, "norm_topk_prob": False,
          "num_attention_heads": 6, "num_experts_per_tok": 2, "num_hidden_layers": 3, "num_key_value_heads": 6, "q_lora_rank": None,
          "qk_nope_head_dim": 64, "qk_rope_head_dim": 32, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "routed_scaling_factor": 1.0,
          "tie_word_embeddings": False, "topk_group": 1, "topk_method": "greedy", "v_head_dim": 64, "vocab_size": 331}
if "--dense" in sys.argv:
    config["first_k_dense_replace"] = config["num_hidden_layers"]
with open(os.path.join(sys.argv[1], "config.json"), "w") as file:
    json.dump(config, file)
