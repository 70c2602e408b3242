//===- SentenceModulesTest.cpp - sentence-embedding directories -----------===//

#include "tenon/Checkpoint/ModelDirectory.h"

#include "TestSupport.h"

#include <gtest/gtest.h>

using namespace tenon;

namespace {

constexpr const char *kTransformer =
    R"({"path": "", "type": "sentence_transformers.models.Transformer"})";

std::string module(const char *path, const char *type) {
  return std::string(R"(, {"path": ")") + path +
         R"(", "type": "sentence_transformers.models.)" + type + "\"}";
}

class SentenceModules : public testing::Test {
protected:
  void SetUp() override { directory.write("m/config.json", "{}"); }

  void writeModules(const std::string &others) {
    directory.write("m/modules.json",
                    std::string("[") + kTransformer + others + "]");
  }
  void writePooling(const std::string &config) {
    directory.write("m/1_Pooling/config.json", config);
  }
  /// `sentence` of the configuration, or the error.
  std::string read() {
    auto model = openModelDirectory(directory.path("m"));
    if (!model)
      return model.error().message;
    return model->config.contains("sentence") ? model->config["sentence"].dump()
                                              : "none";
  }

  test::TemporaryDirectory directory;
};

TEST_F(SentenceModules, NoneIsNone) { EXPECT_EQ(read(), "none"); }

TEST_F(SentenceModules, PoolingAndNormalize) {
  writeModules(module("1_Pooling", "Pooling") +
               module("2_Normalize", "Normalize"));
  writePooling(R"({"word_embedding_dimension": 4,
                   "pooling_mode_cls_token": true,
                   "pooling_mode_mean_tokens": false})");
  directory.write("m/sentence_bert_config.json",
                  R"({"max_seq_length": 64, "do_lower_case": false})");
  EXPECT_EQ(read(), R"({"normalize":true,"pooling":"cls"})");
  auto model = openModelDirectory(directory.path("m"));
  EXPECT_EQ(model->maxSequenceLength, 64);
}

TEST_F(SentenceModules, SeveralPoolingsInTheirOrder) {
  writeModules(module("1_Pooling", "Pooling"));
  writePooling(R"({"pooling_mode_mean_tokens": true,
                   "pooling_mode_cls_token": true})");
  EXPECT_EQ(read(), R"({"normalize":false,"pooling":"cls+mean"})");
  writePooling(R"({"pooling_mode": "lasttoken"})");
  EXPECT_EQ(read(), R"({"normalize":false,"pooling":"lasttoken"})");
}

TEST_F(SentenceModules, Dense) {
  writeModules(module("1_Pooling", "Pooling") + module("2_Dense", "Dense"));
  writePooling(R"({"pooling_mode_mean_tokens": true})");
  directory.write("m/2_Dense/config.json",
                  R"({"in_features": 4, "out_features": 8, "bias": true,
      "activation_function": "torch.nn.modules.activation.Tanh"})");
  EXPECT_EQ(read(), R"({"dense":8,"dense_activation":"tanh","normalize":false,)"
                    R"("pooling":"mean"})");
  // A second one, as EmbeddingGemma's; not a third.
  writeModules(module("1_Pooling", "Pooling") + module("2_Dense", "Dense") +
               module("3_Dense", "Dense"));
  directory.write("m/3_Dense/config.json",
                  R"({"out_features": 6, "activation_function":
      "torch.nn.modules.linear.Identity"})");
  EXPECT_EQ(read(),
            R"({"dense":8,"dense_2":6,"dense_2_activation":"identity",)"
            R"("dense_activation":"tanh","normalize":false,"pooling":"mean"})");
  writeModules(module("1_Pooling", "Pooling") + module("2_Dense", "Dense") +
               module("3_Dense", "Dense") + module("3_Dense", "Dense"));
  EXPECT_NE(read().find("module 'Dense' is not supported here"),
            std::string::npos);
}

TEST_F(SentenceModules, WhatIsNotSupportedIsRefused) {
  auto refused = [&](const char *part) {
    std::string said = read();
    EXPECT_NE(said.find("error: "), std::string::npos) << said;
    EXPECT_NE(said.find(part), std::string::npos) << said;
  };
  writeModules(module("1_Pooling", "Pooling") + module("2_CNN", "CNN"));
  writePooling(R"({"pooling_mode_mean_tokens": true})");
  refused("module 'CNN' is not supported here");
  writeModules(module("1_Pooling", "Pooling"));
  writePooling(R"({"pooling_mode_mean_tokens": false})");
  refused("no pooling mode is true");
  writePooling(R"({"pooling_mode_median_tokens": true})");
  refused("unknown key 'pooling_mode_median_tokens'");
  writePooling(R"({"pooling_mode_mean_tokens": true})");
  directory.write("m/sentence_bert_config.json", R"({"do_lower_case": true})");
  refused("'do_lower_case' is true");
  directory.write("m/sentence_bert_config.json", "{}");
  directory.write(
      "m/config_sentence_transformers.json",
      R"({"prompts": {"q": "query: "}, "default_prompt_name": "q"})");
  refused("the prompt \"query: \" goes before every text");
  directory.write("m/modules.json",
                  R"([{"path": "../..", "type": "x.Transformer"}])");
  refused("leaves the directory");
  directory.write("m/modules.json", "[]");
  refused("expected a list of modules");
}

} // namespace
