//===- ModelDirectoryTest.cpp - Hugging Face model directories -----------===//

#include "tenon/Checkpoint/ModelDirectory.h"

#include "SafetensorsText.h"
#include "TestSupport.h"

#include <gtest/gtest.h>

using namespace tenon;

static std::string errorOf(const std::string &path) {
  Expected<ModelDirectory> opened = openModelDirectory(path);
  return opened ? "no error" : opened.error().message;
}

TEST(ModelDirectory, ReadsWhatIsThere) {
  test::TemporaryDirectory directory;
  directory.write("m/config.json",
                  R"({"architectures": ["LlamaForCausalLM"],
  "model_type": "llama", "bos_token_id": 1, "eos_token_id": 2})");
  Expected<ModelDirectory> model = openModelDirectory(directory.path("m"));
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->name(), "m");
  EXPECT_EQ(model->configPath, directory.path("m/config.json"));
  EXPECT_EQ(model->configText, test::readFile(model->configPath));
  EXPECT_EQ(model->classNames(), std::vector<std::string>{"LlamaForCausalLM"});
  EXPECT_EQ(model->modelType(), "llama");
  EXPECT_EQ(model->tokenIds("eos_token_id"), std::vector<int32_t>{2});
  EXPECT_EQ(model->tokenIds("pad_token_id"), std::vector<int32_t>{});
  EXPECT_FALSE(model->checkpoint);
  EXPECT_FALSE(model->hasTokenizer());
  EXPECT_FALSE(model->generationConfig);

  directory.write("m/generation_config.json", R"({"eos_token_id": [5, 6]})");
  directory.write("m/tokenizer_config.json", "{}");
  directory.write("m/tokenizer.json", "{}");
  directory.write("m/model.safetensors", test::safetensors("{}", ""));
  model = openModelDirectory(directory.path("m/config.json"));
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->name(), "m");
  EXPECT_TRUE(model->checkpoint);
  EXPECT_EQ(model->tokenizerPath, directory.path("m/tokenizer.json"));
  EXPECT_TRUE(model->tokenizerConfig);
  EXPECT_EQ(model->tokenIds("eos_token_id"), (std::vector<int32_t>{5, 6}));
  EXPECT_EQ(model->tokenIds("bos_token_id"), std::vector<int32_t>{1});
}

TEST(ModelDirectory, NameOfOddPaths) {
  test::TemporaryDirectory directory;
  directory.write("m/config.json", "{}");
  EXPECT_EQ(openModelDirectory(directory.path("m/"))->name(), "m");
  EXPECT_EQ(openModelDirectory(directory.path("m/."))->name(), "m");
}

TEST(ModelDirectory, Missing) {
  test::TemporaryDirectory directory;
  EXPECT_NE(errorOf(directory.path("none")).find("no such file"),
            std::string::npos);
  EXPECT_NE(errorOf(directory.path()).find("holds no config.json"),
            std::string::npos);
  EXPECT_NE(errorOf(directory.write("f", "x")).find("found a file"),
            std::string::npos);
}

TEST(ModelDirectory, Robustness10BadJson) {
  test::TemporaryDirectory directory;
  std::string config = directory.path("config.json");
  auto with = [&](std::string_view text) {
    directory.write("config.json", text);
    std::string message = errorOf(directory.path());
    return message.substr(0, config.size()) == config
               ? message.substr(config.size())
               : message;
  };
  EXPECT_EQ(with("{\"a\": 1,\n\"a\": 2}"),
            ":2:1: error: the key 'a' occurs twice");
  EXPECT_EQ(with(std::string(100000, '[')).substr(0, 14), ":1:257: error:");
  EXPECT_NE(with("{\"a\": \"\\ud800\"}").find("surrogate"), std::string::npos);
  EXPECT_NE(with("{\"rms_norm_eps\": 1e999}").find("1e999"), std::string::npos);
  EXPECT_EQ(with("[]"), ":1:1: error: expected an object, found an array");
  EXPECT_EQ(with("").substr(0, 12), ":1:1: error:");
  with("{}");
  directory.write("generation_config.json", "{,}");
  EXPECT_NE(errorOf(directory.path()).find("generation_config.json:1:2:"),
            std::string::npos);
}

TEST(ModelDirectory, Robustness8BadWeightsAreNotIgnored) {
  test::TemporaryDirectory directory;
  directory.write("config.json", "{}");
  directory.write("model.safetensors", "abc");
  EXPECT_NE(errorOf(directory.path()).find("model.safetensors:+0x0: error: "),
            std::string::npos);
}

// Ids that don't fit are no tokens; what uses them decides what that means.
TEST(ModelDirectory, Robustness16SpecialIdsOutOfRange) {
  test::TemporaryDirectory directory;
  directory.write("config.json",
                  R"({"eos_token_id": [-1, 99999999999, "x", 3.5, 4, null]})");
  EXPECT_EQ(openModelDirectory(directory.path())->tokenIds("eos_token_id"),
            std::vector<int32_t>{4});
}

TEST(ModelDirectory, Stories260K) {
  TENON_NEEDS_SHARED_DATA();
  Expected<ModelDirectory> model =
      openModelDirectory(test::sharedDirectory() + "/models/stories260K/hf");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->classNames().front(), "LlamaForCausalLM");
  EXPECT_EQ(model->tokenIds("bos_token_id"), std::vector<int32_t>{1});
  EXPECT_TRUE(model->checkpoint);
  EXPECT_TRUE(model->hasTokenizer());
}
