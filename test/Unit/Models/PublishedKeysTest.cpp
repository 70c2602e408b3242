//===- PublishedKeysTest.cpp - what published configurations say ----------===//
//
// Beside the sizes that a family is described by, the configurations of
// published models have keys of other frameworks, of training, or second names.
// Each must be accepted, or refused for what it would change; none may make a
// model of the family unreadable.
//
//===----------------------------------------------------------------------===//

#include "tenon/Language/Strict.h"
#include "tenon/Models/Models.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace tenon;
using nlohmann::json;

namespace {

json decoder() {
  return json::parse(R"({"vocab_size": 64, "hidden_size": 32,
    "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2})");
}
json encoder() {
  json config = decoder();
  config.erase("num_key_value_heads");
  return config;
}
json translator() {
  return json::parse(R"({"vocab_size": 64, "d_model": 32, "encoder_layers": 2,
    "decoder_layers": 2, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48,
    "num_hidden_layers": 2, "pad_token_id": 1})");
}

/// What is said about a configuration of a family, sizes with more keys.
std::string messages(const char *family, json config, const char *keys) {
  config.update(json::parse(keys));
  lang::Diagnostics diagnostics;
  auto model = loadModel(*findModel(family), diagnostics);
  std::string text = config.dump();
  lang::Configuration configuration{config, "config.json", text};
  auto bound = lang::bindModel(*model, configuration, diagnostics);
  if (bound)
    lang::checkConfiguration(*bound, configuration, {}, diagnostics);
  return diagnostics.str();
}

struct Published {
  const char *family;
  json sizes;
  const char *keys;
};

} // namespace

TEST(PublishedKeys, AreRead) {
  const Published all[] = {
      {"llama", decoder(), R"({"max_sequence_length": 2048, "pretraining_tp": 1,
        "rope_scaling": null, "model_max_length": 4096})"},
      {"qwen2", decoder(), R"({"use_mrope": false, "max_window_layers": 28,
        "use_sliding_window": false, "sliding_window": 131072})"},
      {"qwen3_moe", decoder(), R"({"max_window_layers": 48,
        "mlp_only_layers": [], "output_router_logits": false})"},
      {"gemma2", decoder(), R"({"sliding_window_size": 4096,
        "cache_implementation": "hybrid"})"},
      {"phi3", decoder(), R"({"full_attn_mod": 1, "interpolate_factor": 1,
        "lm_head_bias": false, "mlp_bias": false,
        "original_max_position_embeddings": 4096})"},
      {"nemotron", decoder(), R"({"kv_channels": 8, "rope_percent": 0.5,
        "partial_rotary_factor": 0.5})"},
      {"starcoder2", decoder(), R"({"mlp_type": "default",
        "norm_type": "layer_norm", "residual_dropout": 0.1})"},
      {"stablelm", decoder(), R"({"rope_pct": 0.25, "norm_eps": 1e-5,
        "rotary_scaling_factor": 1.0})"},
      {"cohere", decoder(), R"({"model_max_length": 131072})"},
      {"cohere2", decoder(), R"({"layer_switch": 4, "rotary_pct": 1.0,
        "order_of_interleaved_layers": "local_attn_first",
        "position_embedding_type": "rope_gptj", "use_gated_activation": true,
        "use_embedding_sharing": true, "use_parallel_block": true,
        "use_parallel_embedding": true})"},
      {"gpt_oss", decoder(), R"({"experts_per_token": 4,
        "initial_context_length": 4096, "hidden_act": "silu",
        "rope_scaling": {"beta_fast": 32.0, "beta_slow": 1.0, "factor": 32.0,
        "original_max_position_embeddings": 4096, "rope_type": "yarn",
        "truncate": false}})"},
      {"deepseek_v2", decoder(), R"({"aux_loss_alpha": 0.001, "seq_aux": true,
        "moe_layer_freq": 1, "scoring_func": "softmax"})"},
      {"deepseek_v3", decoder(), R"({"aux_loss_alpha": 0.001, "ep_size": 1,
        "moe_layer_freq": 1, "num_nextn_predict_layers": 1,
        "scoring_func": "sigmoid", "topk_method": "noaux_tc"})"},
      {"falcon", encoder(), R"({"ff_factor": 4,
        "apply_residual_connection_post_layernorm": false})"},
      {"gptj", json::parse(R"({"vocab_size": 64, "n_embd": 32, "n_layer": 2,
        "n_head": 4})"),
       R"({"rotary": true, "rotary_dim": 4, "scale_attn_weights": true})"},
      {"bloom", json::parse(R"({"vocab_size": 64, "n_embed": 32, "n_layer": 2,
        "num_attention_heads": 4})"),
       R"({"attention_softmax_in_fp32": true, "masked_softmax_fusion": true,
        "bias_dropout_fusion": true, "skip_bias_add": true, "n_inner": null,
        "offset_alibi": 100, "slow_but_exact": false, "pretraining_tp": 4})"},
      {"mpt", json::parse(R"({"vocab_size": 64, "d_model": 32, "n_layers": 2,
        "n_heads": 4})"),
       R"({"verbose": 0, "tokenizer_name": "gpt-neox", "no_bias": true,
        "attn_config": {"alibi": true, "clip_qkv": 6, "attn_impl": "torch"},
        "init_config": {"name": "kaiming_normal_", "verbose": 0}})"},
      {"roberta", encoder(), R"({"sentence_transformers":
        {"activation_fn": "torch.nn.modules.activation.Sigmoid"}})"},
      {"modernbert", encoder(), R"({"layer_norm_eps": 1e-5, "norm_eps": 1e-5})"},
      {"deberta_v2", encoder(), R"({"pos_att_type": "p2c|c2p",
        "relative_attention": true, "position_buckets": 8})"},
      {"albert", encoder(), R"({"down_scale_factor": 1, "gap_size": 0,
        "net_structure_type": 0, "num_memory_blocks": 0})"},
      {"distilbert", json::parse(R"({"vocab_size": 64, "dim": 32,
        "hidden_dim": 48, "n_layers": 2, "n_heads": 4})"),
       R"({"tie_weights_": true, "sinusoidal_pos_embds": false})"},
      {"bart", translator(), R"({"force_bos_token_to_be_generated": true,
        "normalize_embedding": true, "replacing_rate": 0,
        "normalize_before": false, "static_position_embeddings": false})"},
      {"mbart", translator(), R"({"normalize_before": true,
        "add_final_layer_norm": true, "add_bias_logits": false})"},
      {"marian", translator(), R"({"static_position_embeddings": true,
        "extra_pos_embeddings": 64, "bad_words_ids": [[63]]})"},
      {"pegasus", translator(), R"({"normalize_before": true, "save_step": 58,
        "static_position_embeddings": true, "extra_pos_embeddings": 1})"},
      {"m2m_100", translator(), R"({"early_stopping": true})"},
  };
  for (const Published &one : all)
    EXPECT_EQ(messages(one.family, one.sizes, one.keys), "") << one.family;
}

TEST(PublishedKeys, AreRefusedForWhatTheyChange) {
  auto refuses = [](const char *family, const json &sizes, const char *keys,
                    const char *message) {
    std::string text = messages(family, sizes, keys);
    EXPECT_NE(text.find(message), std::string::npos) << family << ": " << text;
  };
  refuses("starcoder2", decoder(), R"({"mlp_type": "gated"})",
          "expected one of \"default\"");
  refuses("cohere2", decoder(), R"({"use_parallel_block": false})",
          "only gated networks beside the attention");
  refuses("deepseek_v3", decoder(), R"({"moe_layer_freq": 2})",
          "mixtures in some of the later layers only");
  refuses("deepseek_v2", decoder(), R"({"scoring_func": "sigmoid"})",
          "expected one of \"softmax\"");
  refuses("bart", translator(), R"({"normalize_before": true})",
          "'normalize_before' is true, and 'bart' doesn't read it");
  refuses("bloom", json::parse(R"({"vocab_size": 64, "n_embed": 32,
    "n_layer": 2, "num_attention_heads": 4})"),
          R"({"slow_but_exact": true, "pretraining_tp": 4})",
          "Transformers leaves out biases");
  refuses("gptj", json::parse(R"({"vocab_size": 64, "n_embd": 32,
    "n_layer": 2, "n_head": 4})"),
          R"({"rotary": false})", "without rotary positions");
}
