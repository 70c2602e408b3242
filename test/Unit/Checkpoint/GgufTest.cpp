//===- GgufTest.cpp - GGML's model files ----------------------------------===//
//
// Robustness<n>: item n of what a bad GGUF file gets.
//
//===----------------------------------------------------------------------===//

#include "tenon/Checkpoint/Gguf.h"
#include "tenon/Checkpoint/GgufTokenizer.h"
#include "tenon/Checkpoint/ModelDirectory.h"
#include "tenon/Tokenizer/Tokenizer.h"

#include "GgufText.h"
#include "TestSupport.h"

#include <gtest/gtest.h>

#include <random>

using namespace tenon;
using namespace tenon::test;
using nlohmann::json;

namespace {

class Gguf : public testing::Test {
protected:
  Expected<std::unique_ptr<GgufCheckpoint>> open(const std::string &bytes) {
    return GgufCheckpoint::open(directory.write("m.gguf", bytes));
  }
  std::string errorOf(const std::string &bytes) {
    Expected<std::unique_ptr<GgufCheckpoint>> opened = open(bytes);
    if (opened)
      return "no error";
    EXPECT_EQ(opened.error().code, ExitCode::BadInput);
    // All of them say where.
    EXPECT_NE(opened.error().message.find("m.gguf:+0x"), std::string::npos)
        << opened.error().message;
    return opened.error().message;
  }
  std::string errorOf(const GgufText &file) { return errorOf(file.str()); }
  json configOf(const GgufText &file) {
    Expected<std::unique_ptr<GgufCheckpoint>> opened = open(file.str());
    if (!opened)
      return opened.error().message;
    Expected<json> config = configFromGguf(**opened);
    return config ? *config : json(config.error().message);
  }

  TemporaryDirectory directory;
};

void expectHas(const std::string &text, std::string_view part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

} // namespace

TEST_F(Gguf, ReadsTensorsAndMetadata) {
  GgufText file;
  file.text("name", "x\ny")
      .u32("small", 7)
      .value("big", 10, raw<uint64_t>(1ull << 40))
      .value("beyond", 10, raw<uint64_t>(UINT64_MAX))
      .value("negative", 5, raw<int32_t>(-3))
      .value("double", 12, raw(0.25))
      .value("yes", 7, raw<uint8_t>(1))
      .strings("words", {"a", "", "ccc"})
      .array<int32_t>("numbers", 5, {1, -2, 3})
      .array<float>("floats", 6, {0.5f, 2.0f})
      .tensorOf("w", {64, 3}, 2, 3 * 2 * 18)
      .tensorOf("v", {5}, 0, 20);
  file.data[0] = 'Q';
  for (uint32_t version : {2u, 3u}) {
    file.version = version;
    Expected<std::unique_ptr<GgufCheckpoint>> opened = open(file.str());
    ASSERT_TRUE(opened) << opened.error().message;
    const GgufCheckpoint &gguf = **opened;
    const TensorInfo *w = gguf.find("w");
    ASSERT_NE(w, nullptr);
    EXPECT_EQ(w->dtype, DType::Q4_0);
    EXPECT_EQ(w->shape, (std::vector<int64_t>{3, 64})); // rows first
    EXPECT_EQ(w->size, 108u);
    EXPECT_EQ(w->numElements(), 192u);
    EXPECT_EQ(gguf.bytes(*w)[0], std::byte('Q'));
    EXPECT_EQ(gguf.find("v")->dtype, DType::F32);
    EXPECT_EQ(gguf.find("u"), nullptr);

    EXPECT_EQ(gguf.value("name")->asString(), "x\ny");
    EXPECT_EQ(gguf.value("small")->asInteger(), 7);
    EXPECT_EQ(gguf.value("big")->asInteger(), 1ll << 40);
    EXPECT_EQ(gguf.value("beyond")->asInteger(), std::nullopt);
    EXPECT_EQ(gguf.value("negative")->asInteger(), -3);
    EXPECT_EQ(gguf.value("negative")->asNumber(), -3.0);
    EXPECT_EQ(gguf.value("double")->asNumber(), 0.25);
    EXPECT_EQ(gguf.value("double")->asInteger(), std::nullopt);
    EXPECT_EQ(gguf.value("yes")->asBool(), true);
    EXPECT_EQ(gguf.value("small")->asBool(), std::nullopt);
    EXPECT_EQ(gguf.value("words")->asStrings(),
              (std::vector<std::string_view>{"a", "", "ccc"}));
    EXPECT_EQ(gguf.value("numbers")->asIntegers(),
              (std::vector<int64_t>{1, -2, 3}));
    EXPECT_EQ(gguf.value("floats")->asFloats(),
              (std::vector<float>{0.5f, 2.0f}));
    EXPECT_EQ(gguf.value("numbers")->asStrings(), std::nullopt);
    EXPECT_EQ(gguf.value("numbers")->kindName(), "an array of i32");
    EXPECT_EQ(gguf.value("missing"), nullptr);
  }
}

TEST_F(Gguf, Robustness1Header) {
  expectHas(errorOf(std::string()), "the file is empty");
  expectHas(errorOf("GGU"), "only 3 bytes");
  expectHas(errorOf("GGML" + std::string(40, '\0')),
            "begins with 'GGUF', found 'GGML'");
  expectHas(errorOf("GGUF"), "ends inside of the header");
  GgufText file = tinyGguf();
  for (auto [version, message] :
       {std::pair(0u, "GGUF version 0 is not known; expected 2 or 3"),
        std::pair(1u, "version 1 is not supported"),
        std::pair(4u, "version 4 is not known"),
        std::pair(0x03000000u, "big-endian GGUF file (version 3)")}) {
    file.version = version;
    expectHas(errorOf(file), message);
  }
}

TEST_F(Gguf, Robustness2Counts) {
  for (uint64_t count : {UINT64_MAX, uint64_t(1) << 62, uint64_t(40)}) {
    GgufText file = tinyGguf();
    file.numTensors = count;
    expectHas(errorOf(file), count == 40 ? "tensor" : "tensors, more than");
    file = tinyGguf();
    file.numValues = count;
    expectHas(errorOf(file), count == 40 ? "" : "entries, more than");
  }
}

TEST_F(Gguf, Robustness3Names) {
  GgufText file;
  file.metadata = raw<uint64_t>(1ull << 63) + "abcdefghijklmnop";
  file.numValues = 1;
  expectHas(errorOf(file), "a metadata key has 9223372036854775808 bytes");
  expectHas(errorOf(GgufText().u32("", 1)), "a metadata key is empty");
  expectHas(errorOf(GgufText().u32("k", 1).u32("k", 2)),
            "the key 'k' is there twice");
  expectHas(errorOf(GgufText().tensorOf("", {4}, 0, 16)),
            "a tensor's name is empty");
  expectHas(
      errorOf(GgufText().tensorOf("t", {4}, 0, 16).tensorOf("t", {4}, 0, 16)),
      "tensor 't': its name is there twice");
}

TEST_F(Gguf, Robustness4Values) {
  expectHas(errorOf(GgufText().value("k", 13, "abcdefgh")),
            "the key 'k' has the unknown type 13");
  expectHas(errorOf(GgufText().value("k", 7, "\x02")), "a bool of value 2");
  expectHas(errorOf(GgufText().value("k", 8, raw<uint64_t>(1000) + "abc")),
            "ends inside of the value of the key 'k'");
  expectHas(errorOf(GgufText().value(
                "k", 9, raw<uint32_t>(8) + raw<uint64_t>(1 << 30))),
            "1073741824 elements, more than the file can hold");
  expectHas(
      errorOf(GgufText().value("k", 9, raw<uint32_t>(99) + raw<uint64_t>(0))),
      "elements of the unknown type 99");
  expectHas(errorOf(GgufText().value("k", 9,
                                     raw<uint32_t>(8) + raw<uint64_t>(2) +
                                         ggufString("a") +
                                         raw<uint64_t>(UINT64_MAX))),
            "ends inside of the array 'k'");
  // Arrays in arrays: some are stepped over, 10,000 are refused.
  auto nested = [](int depth) {
    std::string bytes;
    for (int i = 1; i < depth; ++i)
      bytes += raw<uint32_t>(9) + raw<uint64_t>(1);
    return GgufText()
        .value("k", 9, bytes + raw<uint32_t>(0) + raw<uint64_t>(2) + "ab")
        .u32("after", 5);
  };
  Expected<std::unique_ptr<GgufCheckpoint>> opened = open(nested(3).str());
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ((*opened)->value("after")->asInteger(), 5);
  expectHas(errorOf(nested(10000)), "nested deeper than 8");
}

TEST_F(Gguf, Robustness5Alignment) {
  for (uint32_t alignment : {0u, 48u})
    expectHas(errorOf(GgufText().u32("general.alignment", alignment)),
              "expected a power of two");
  expectHas(errorOf(GgufText().text("general.alignment", "32")),
            "'general.alignment' is a string; expected a u32");
  GgufText file;
  file.alignment = 64;
  file.u32("general.alignment", 64)
      .tensorOf("a", {3}, 0, 12)
      .tensorOf("b", {3}, 0, 12);
  EXPECT_TRUE(open(file.str()));
}

TEST_F(Gguf, Robustness6Dimensions) {
  auto error = [&](std::vector<uint64_t> dims, uint32_t type) {
    return errorOf(GgufText().tensorOf("t", std::move(dims), type, 64));
  };
  expectHas(error({1ull << 32, 1ull << 32}, 0), "is beyond 64 bits");
  expectHas(error({1ull << 31, 1ull << 31}, 28), "is beyond 64 bits");
  expectHas(error({4, 0}, 0), "dimension 1 is 0");
  expectHas(error({UINT64_MAX, 4}, 0), "dimension 0 is -1");
  expectHas(error({1, 1, 1, 1, 1}, 0), "it has 5 dimensions");
  expectHas(error({}, 0), "it has 0 dimensions");
  expectHas(error({48}, 2), "rows of 48 elements are no whole blocks of 32");
  expectHas(error({32, 8}, 12), "no whole blocks of 256 (Q4_K)");
}

TEST_F(Gguf, Robustness7Data) {
  expectHas(errorOf(GgufText().tensorOf("t", {4}, 0, 15)),
            "tensor 't': its 16 bytes of data at offset 0 leave the file, "
            "which has 15 bytes");
  expectHas(errorOf(GgufText().tensor("t", {4}, 0, 0xffffffffffffffe0)),
            "leave the file");
  GgufText file;
  file.data.resize(64);
  expectHas(errorOf(GgufText(file).tensor("t", {4}, 0, 8)),
            "is not aligned to 32");
  expectHas(
      errorOf(GgufText(file).tensor("t", {16}, 0, 0).tensor("u", {4}, 0, 32)),
      "tensor 'u': its data overlaps that of 't'");
  expectHas(errorOf(GgufText(file).tensor("t", {4}, 77, 0)),
            "its type 77 is not known");
  expectHas(errorOf(GgufText(file).tensor("t", {4}, 4, 0)),
            "its type 4 is not known");
  expectHas(errorOf(GgufText(file).tensor("t", {256}, 16, 0)),
            "its type IQ2_XXS is not supported");
}

TEST_F(Gguf, SplitFiles) {
  EXPECT_TRUE(open(GgufText().value("split.count", 2, raw<uint16_t>(1)).str()));
  expectHas(errorOf(GgufText()
                        .value("split.no", 2, raw<uint16_t>(0))
                        .value("split.count", 2, raw<uint16_t>(3))),
            "its name should end in '-00001-of-00003.gguf'");
  auto part = [&](uint16_t number, const char *tensor, uint16_t says) {
    GgufText file;
    if (number == 0)
      file.text("general.name", "n")
          .value("split.tensors.count", 5, raw<int32_t>(2));
    file.value("split.no", 2, raw(says))
        .value("split.count", 2, raw<uint16_t>(2))
        .tensorOf(tensor, {32}, 0, 128);
    return directory.write(
        "m-0000" + std::to_string(number + 1) + "-of-00002.gguf", file.str());
  };
  std::string first = part(0, "b", 0);
  auto error = [&](const std::string &path) {
    auto opened = GgufCheckpoint::open(path);
    return opened ? std::string("no error") : opened.error().message;
  };
  expectHas(error(first), "m-00002-of-00002.gguf: error: cannot open");
  std::string second = part(1, "a", 1);
  auto whole = GgufCheckpoint::open(first);
  ASSERT_TRUE(whole) << whole.error().message;
  ASSERT_EQ((*whole)->tensors().size(), 2u);
  EXPECT_EQ((*whole)->tensors()[0].name, "a");
  EXPECT_EQ((*whole)->tensors()[0].file->path(), second);
  EXPECT_EQ((*whole)->bytes((*whole)->tensors()[0]).size(), 128u);
  expectHas(error(second), "not the first of the files");
  part(1, "b", 1);
  expectHas(error(first), "tensor 'b' is in another file of the model, too");
  part(1, "a", 0);
  expectHas(error(first), "another part than 2 of 2");
}

// Every prefix of a good file is an error, never a crash.
TEST_F(Gguf, EveryTruncation) {
  GgufText file = tinyGguf();
  file.strings("words", {"a", "b"})
      .array<int32_t>("numbers", 5, {1, 2})
      .tensorOf("t", {32, 2}, 2, 36);
  std::string bytes = file.str();
  ASSERT_TRUE(open(bytes));
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(errorOf(bytes.substr(0, size)), "no error") << size;
}

// Bytes changed at random in a whole model: an error or a model, never a crash.
TEST_F(Gguf, RandomDamage) {
  GgufText file = tinyGguf();
  file.text("tokenizer.ggml.model", "llama")
      .strings("tokenizer.ggml.tokens", {"<unk>", "a", "b", "ab"})
      .array<float>("tokenizer.ggml.scores", 6, {0, -1, -2, -3})
      .array<int32_t>("tokenizer.ggml.token_type", 5, {2, 1, 1, 1})
      .u32("tokenizer.ggml.bos_token_id", 1)
      .tensorOf("token_embd.weight", {8, 4}, 0, 128)
      .tensorOf("blk.0.attn_q.weight", {32, 8}, 2, 144);
  const std::string good = file.str();
  std::mt19937 engine(11);
  size_t refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    for (unsigned i = 0, count = 1 + engine() % 3; i < count; ++i) {
      static constexpr uint8_t values[] = {0, 1, 0x20, 0x7f, 0x80, 0xff};
      bytes[engine() % bytes.size()] = static_cast<char>(values[engine() % 6]);
    }
    Expected<ModelDirectory> model =
        openModel(directory.write("m.gguf", bytes));
    if (!model) {
      ++refused;
      continue;
    }
    if (Expected<GgufVocabulary> read = readGgufVocabulary(*model->gguf))
      if (Expected<std::unique_ptr<Tokenizer>> tokenizer =
              Tokenizer::fromGguf(*read, "m.gguf"))
        (void)(*tokenizer)->encode("ab a");
  }
  EXPECT_GT(refused, 1000u);
  EXPECT_LT(refused, 3000u);
}

//===----------------------------------------------------------------------===//
// Configuration
//===----------------------------------------------------------------------===//

TEST_F(Gguf, ConfigOfLlama) {
  GgufText file = tinyGguf();
  file.u32("llama.attention.head_count_kv", 1)
      .f32("llama.rope.freq_base", 500000)
      .u32("llama.rope.dimension_count", 4)
      .u32("tokenizer.ggml.bos_token_id", 1)
      .u32("tokenizer.ggml.eos_token_id", 2)
      .u32("tokenizer.ggml.eot_token_id", 5)
      .tensorOf("token_embd.weight", {8, 11}, 0, 8 * 11 * 4);
  json config = configOf(file);
  EXPECT_EQ(config["architectures"], json::array({"LlamaForCausalLM"}));
  EXPECT_EQ(config["hidden_size"], 8);
  EXPECT_EQ(config["num_key_value_heads"], 1);
  EXPECT_EQ(config["rope_theta"], 500000.0);
  EXPECT_EQ(config["vocab_size"], 11);
  EXPECT_EQ(config["tie_word_embeddings"], true);
  EXPECT_EQ(config["attention_bias"], false);
  EXPECT_EQ(config["bos_token_id"], json::array({1}));
  EXPECT_EQ(config["eos_token_id"], json::array({2, 5}));
  EXPECT_EQ(float(config["rms_norm_eps"].get<double>()), 1e-5f);
  EXPECT_FALSE(config.contains("rope_scaling"));

  file.tensorOf("output.weight", {8, 11}, 0, 8 * 11 * 4)
      .tensorOf("blk.0.attn_q.bias", {8}, 0, 32)
      .text("llama.rope.scaling.type", "linear")
      .f32("llama.rope.scaling.factor", 4);
  config = configOf(file);
  EXPECT_EQ(config["tie_word_embeddings"], false);
  EXPECT_EQ(config["attention_bias"], true);
  EXPECT_EQ(config["rope_scaling"]["factor"], 4.0);
}

TEST_F(Gguf, ConfigOfMixtures) {
  auto config = [&](const std::string &name) {
    GgufText file = tinyGguf(name);
    file.u32(name + ".expert_count", 8)
        .u32(name + ".expert_used_count", 2)
        .u32(name + ".expert_feed_forward_length", 16);
    return configOf(file);
  };
  json llama = config("llama");
  EXPECT_EQ(llama["architectures"], json::array({"MixtralForCausalLM"}));
  EXPECT_EQ(llama["num_experts"], 8);
  EXPECT_EQ(llama["num_experts_per_tok"], 2);
  json qwen = config("qwen3moe");
  EXPECT_EQ(qwen["architectures"], json::array({"Qwen3MoeForCausalLM"}));
  EXPECT_EQ(qwen["moe_intermediate_size"], 16);
  EXPECT_EQ(qwen["norm_topk_prob"], true);

  // A matrix of one row, which the converter made a vector.
  GgufText file = tinyGguf("qwen2moe");
  file.u32("qwen2moe.expert_count", 8)
      .tensorOf("blk.0.ffn_gate_inp_shexp.weight", {8}, 0, 32);
  Expected<std::unique_ptr<GgufCheckpoint>> opened = open(file.str());
  ASSERT_TRUE(opened && configFromGguf(**opened));
  EXPECT_EQ((*opened)->find("blk.0.ffn_gate_inp_shexp.weight")->shape,
            (std::vector<int64_t>{1, 8}));
}

// Heads of which a part turns, biases that only tensors tell, another scaling.
TEST_F(Gguf, ConfigOfPhi2AndStableLm) {
  GgufText file = tinyGguf("stablelm");
  file.f32("stablelm.attention.layer_norm_epsilon", 1e-5f)
      .u32("stablelm.rope.dimension_count", 2)
      .text("stablelm.rope.scaling.type", "yarn")
      .f32("stablelm.rope.scaling.factor", 4)
      .u32("stablelm.rope.scaling.original_context_length", 32)
      .tensorOf("token_embd.weight", {8, 11}, 0, 8 * 11 * 4)
      .tensorOf("blk.0.attn_q.bias", {8}, 0, 32);
  json config = configOf(file);
  EXPECT_EQ(config["architectures"], json::array({"StableLmForCausalLM"}));
  EXPECT_EQ(config["partial_rotary_factor"], 0.5);
  EXPECT_EQ(config["use_qkv_bias"], true);
  EXPECT_EQ(config["gguf"], true);
  EXPECT_EQ(config["rope_scaling"]["rope_type"], "yarn");
  EXPECT_EQ(config["rope_scaling"]["original_max_position_embeddings"], 32);
}

// Phi-3's long contexts: divisors of frequencies as tensors.
TEST_F(Gguf, ConfigOfLongRope) {
  GgufText file = tinyGguf("phi3");
  file.u32("phi3.rope.scaling.original_context_length", 16)
      .f32("phi3.rope.scaling.attn_factor", 1.5f)
      .tensorOf("rope_factors_short.weight", {2}, 0, 8)
      .tensorOf("rope_factors_long.weight", {2}, 0, 8);
  file.data.replace(file.data.size() - 8, 8, raw(2.0f) + raw(3.5f));
  json config = configOf(file);
  EXPECT_EQ(config["rope_scaling"], json::parse(R"({"rope_type": "longrope",
    "short_factor": [0.0, 0.0], "long_factor": [2.0, 3.5],
    "original_max_position_embeddings": 16, "attention_factor": 1.5})"));
}

TEST(GgufNames, OfHuggingFaces) {
  EXPECT_EQ(ggufTensorName("model.embed_tokens.weight"), "token_embd.weight");
  EXPECT_EQ(ggufTensorName("transformer.ln_f.bias"), "output_norm.bias");
  EXPECT_EQ(ggufTensorName("wte.weight"), "token_embd.weight");
  EXPECT_EQ(ggufTensorName("bert.embeddings.LayerNorm.gamma"),
            "token_embd_norm.weight");
  EXPECT_EQ(ggufTensorName("model.layers.{i}"), "blk.{i}");
  EXPECT_EQ(ggufTensorName("model.layers.{i}.self_attn.q_proj.weight"),
            "blk.{i}.attn_q.weight");
  EXPECT_EQ(ggufTensorName("encoder.layer.{i}.output.LayerNorm.bias"),
            "blk.{i}.layer_output_norm.bias");
  EXPECT_EQ(ggufTensorName("blk.{i}.attn_sinks.weight"),
            "blk.{i}.attn_sinks.weight");
  EXPECT_EQ(ggufTensorName("model.layers.{i}.unheard.weight"), "");
  EXPECT_EQ(ggufTensorName("rope_freqs.weight"), "rope_freqs.weight");
}

TEST_F(Gguf, RowOrder) {
  for (std::string name : {"llama", "qwen2"}) {
    GgufText file = tinyGguf(name);
    file.tensorOf("blk.0.attn_q.weight", {8, 8}, 0, 256)
        .tensorOf("blk.0.attn_k.weight", {8, 8}, 0, 256)
        .tensorOf("blk.0.attn_v.weight", {8, 8}, 0, 256);
    Expected<std::unique_ptr<GgufCheckpoint>> opened = open(file.str());
    ASSERT_TRUE(opened);
    ASSERT_TRUE(configFromGguf(**opened));
    int64_t rows = name == "llama" ? 4 : 0;
    EXPECT_EQ((*opened)->find("blk.0.attn_q.weight")->rowsPerHead, rows);
    EXPECT_EQ((*opened)->find("blk.0.attn_k.weight")->rowsPerHead, rows);
    EXPECT_EQ((*opened)->find("blk.0.attn_v.weight")->rowsPerHead, 0);
  }
  // 0 1 2 3 of each head is stored as 0 2 1 3.
  std::vector<int64_t> stored;
  for (int64_t row = 0; row < 8; ++row)
    stored.push_back(rowInFile(row, 4));
  EXPECT_EQ(stored, (std::vector<int64_t>{0, 2, 1, 3, 4, 6, 5, 7}));
  EXPECT_EQ(rowInFile(5, 0), 5);
}

TEST_F(Gguf, ConfigErrors) {
  expectHas(configOf(GgufText()).dump(), "'general.architecture' is missing");
  expectHas(configOf(GgufText().u32("general.architecture", 1)).dump(),
            "is a u32; expected a string");
  expectHas(configOf(GgufText().text("general.architecture", "rwkv")).dump(),
            "is 'rwkv', which is made of recurrent layers");
  expectHas(configOf(GgufText().text("general.architecture", "nobody")).dump(),
            "'nobody'\\nnote: known architectures: llama, qwen2, ");
  expectHas(configOf(GgufText().text("general.architecture", "llama")).dump(),
            "'llama.embedding_length' is missing");
  auto changed = [&](std::string_view key, uint32_t type, std::string bytes) {
    return configOf(tinyGguf().value(key, type, bytes)).dump();
  };
  expectHas(changed("llama.attention.head_count_kv", 8, ggufString("2")),
            "is a string; expected an integer");
  expectHas(changed("llama.rope.dimension_count", 4, raw<uint32_t>(2)),
            "is 2, but heads have 4 components");
  expectHas(
      configOf(tinyGguf("qwen2").u32("qwen2.expert_count", 8)).dump(),
      "is 8; mixtures of experts of 'qwen2' are not supported");
  expectHas(configOf(tinyGguf("olmoe")).dump(),
            "'olmoe.expert_count' is missing");
  expectHas(changed("llama.rope.scaling.type", 8, ggufString("yarn")),
            "'llama.rope.scaling.factor' is missing or no positive number");
  expectHas(changed("llama.rope.scaling.type", 8, ggufString("spiral")),
            "is 'spiral'");
  expectHas(changed("tokenizer.ggml.bos_token_id", 5, raw<int32_t>(-1)),
            "is no token's id");
  expectHas(configOf(tinyGguf().array<uint32_t>("llama.attention.head_count_kv",
                                                4, {1, 2}))
                .dump(),
            "differs from layer to layer");
}

TEST_F(Gguf, OpenModel) {
  GgufText file = tinyGguf();
  file.strings("tokenizer.ggml.tokens", {"a"})
      .tensorOf("token_embd.weight", {8, 1}, 0, 32);
  for (const char *name : {"model.gguf", "blob"}) {
    std::string path = directory.write(name, file.str());
    Expected<ModelDirectory> model = openModel(path);
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ(model->name(), std::string(name).substr(0, 5).find("model") == 0
                                 ? "model"
                                 : "blob");
    EXPECT_EQ(model->gguf, model->checkpoint.get());
    EXPECT_TRUE(model->hasTokenizer());
    EXPECT_EQ(model->classNames().front(), "LlamaForCausalLM");
  }
  EXPECT_FALSE(openModel(directory.write("x.gguf", "junk")));
  EXPECT_FALSE(openModel(directory.write("x.txt", "junk")));
  Expected<ModelDirectory> none =
      openModel(directory.write("v.gguf", tinyGguf().str()));
  ASSERT_FALSE(none);
  expectHas(none.error().message, "no tensors");
}
