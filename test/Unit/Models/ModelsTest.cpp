//===- ModelsTest.cpp - the built-in families -----------------------------===//

#include "tenon/Models/Models.h"
#include "tenon/Language/Bind.h"
#include "tenon/Language/Format.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace tenon;

namespace {

TEST(ModelsTest, FamiliesAreRightAndCanonical) {
  ASSERT_GE(listModels().size(), 3u);
  for (const BuiltinModel &builtin : listModels()) {
    lang::Diagnostics diagnostics;
    auto model = loadModel(builtin, diagnostics);
    ASSERT_TRUE(model) << diagnostics.str();
    EXPECT_EQ(model->name, builtin.name);
    EXPECT_FALSE(model->architectures.empty());
    EXPECT_EQ(lang::formatModel(*model), builtin.text)
        << "run tenonc --format on lib/Models/" << builtin.fileName;
  }
}

TEST(ModelsTest, PartsAreCanonicalAndNoFamilies) {
  ASSERT_FALSE(listParts().empty());
  for (const lang::BuiltinPart &part : listParts()) {
    std::string file(part.fileName);
    lang::Diagnostics diagnostics;
    auto parsed = lang::parseModel(
        lang::SourceFile(file, std::string(part.text)), diagnostics);
    ASSERT_TRUE(parsed) << diagnostics.str();
    EXPECT_TRUE(parsed->isPart);
    EXPECT_EQ(std::string(parsed->name) + ".tenon", file);
    EXPECT_EQ(lang::formatModel(*parsed), part.text)
        << "run tenonc --format on lib/Models/Parts/" << file;
    // A copy of a family in a file of its name must not include itself.
    for (const BuiltinModel &model : listModels())
      EXPECT_NE(file, model.fileName);
    // Parts that no family needs would not be checked.
    bool isUsed = false;
    for (const BuiltinModel &model : listModels()) {
      auto loaded = loadModel(model, diagnostics);
      ASSERT_TRUE(loaded) << diagnostics.str();
      for (const lang::SourceFile::File &each : loaded->source.all())
        isUsed |= each.name == file;
    }
    EXPECT_TRUE(isUsed) << file;
  }
}

TEST(ModelsTest, EmbeddedTextIsTheFile) {
  const char *source = std::getenv("TENON_SOURCE_DIR");
  if (!source)
    GTEST_SKIP() << "TENON_SOURCE_DIR is not set";
  for (const BuiltinModel &builtin : listModels()) {
    std::ifstream stream(std::string(source) + "/lib/Models/" +
                         std::string(builtin.fileName));
    std::stringstream text;
    text << stream.rdbuf();
    EXPECT_EQ(text.str(), builtin.text);
  }
}

TEST(ModelsTest, AreFoundByNameAndArchitecture) {
  ASSERT_NE(findModel("llama"), nullptr);
  EXPECT_EQ(findModel("lama"), nullptr);
  EXPECT_EQ(findByArchitecture("LlamaForCausalLM"), findModel("llama"));
  EXPECT_EQ(findByArchitecture("MistralForCausalLM"), findModel("llama"));
  EXPECT_EQ(findByArchitecture("GPT2LMHeadModel"), findModel("gpt2"));
  EXPECT_EQ(findByArchitecture("BertForMaskedLM"), findModel("bert"));
  EXPECT_EQ(findByArchitecture("FluxForCausalLM"), nullptr);
  std::vector<std::string> known = knownArchitectures();
  EXPECT_TRUE(std::is_sorted(known.begin(), known.end()));
  EXPECT_NE(std::find(known.begin(), known.end(), "GPT2LMHeadModel"),
            known.end());
  EXPECT_NE(formatModelList().find("MistralForCausalLM"), std::string::npos);
}

std::string bindMessages(const char *family, const char *config) {
  lang::Diagnostics diagnostics;
  auto model = loadModel(*findModel(family), diagnostics);
  auto json = nlohmann::json::parse(config);
  lang::bindModel(*model, {json, "config.json", config}, diagnostics);
  return diagnostics.str();
}

// As the configurations of Llama-3.2-1B, Mistral-7B-v0.1, gpt2 and
// bert-base-uncased have them.
TEST(ModelsTest, PublishedConfigurationsBind) {
  EXPECT_EQ(bindMessages("llama", R"({
    "attention_bias": false, "head_dim": 64, "hidden_act": "silu",
    "hidden_size": 2048, "intermediate_size": 8192,
    "max_position_embeddings": 131072, "mlp_bias": false,
    "num_attention_heads": 32, "num_hidden_layers": 16,
    "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
    "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0,
      "low_freq_factor": 1.0, "original_max_position_embeddings": 8192,
      "rope_type": "llama3"},
    "rope_theta": 500000.0, "tie_word_embeddings": true, "vocab_size": 128256
  })"),
            "");
  EXPECT_EQ(bindMessages("llama", R"({
    "hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 14336,
    "max_position_embeddings": 32768, "num_attention_heads": 32,
    "num_hidden_layers": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
    "rope_theta": 10000.0, "sliding_window": 4096, "vocab_size": 32000
  })"),
            "");
  EXPECT_EQ(bindMessages("gpt2", R"({
    "activation_function": "gelu_new", "layer_norm_epsilon": 1e-05,
    "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 12,
    "n_positions": 1024, "vocab_size": 50257
  })"),
            "");
  EXPECT_EQ(bindMessages("bert", R"({
    "hidden_act": "gelu", "hidden_size": 768, "intermediate_size": 3072,
    "layer_norm_eps": 1e-12, "max_position_embeddings": 512,
    "num_attention_heads": 12, "num_hidden_layers": 12, "type_vocab_size": 2,
    "position_embedding_type": "absolute", "vocab_size": 30522
  })"),
            "");
}

TEST(ModelsTest, WhatIsNotSupportedIsRefused) {
  auto refuses = [](const char *family, const char *config,
                    const char *message) {
    std::string text = bindMessages(family, config);
    EXPECT_NE(text.find(message), std::string::npos) << text;
  };
  refuses("llama", R"({"vocab_size": 8, "hidden_size": 8,
    "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
    "rope_scaling": {"type": "ntk"}})",
          "'rope_scaling.type' is \"ntk\"; expected one of");
  refuses("llama", R"({"vocab_size": 8, "hidden_size": 8,
    "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 0})",
          "divides by zero");
  refuses("gpt2", R"({"vocab_size": 8, "n_positions": 8, "n_embd": 8,
    "n_layer": 1, "n_head": 2, "add_cross_attention": true})",
          "GPT-2 with cross-attention is not supported");
  refuses("bert", R"({"vocab_size": 8, "hidden_size": 8,
    "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 3})",
          "hidden_size must be a multiple of num_attention_heads");
}

} // namespace
