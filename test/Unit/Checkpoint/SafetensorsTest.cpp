//===- SafetensorsTest.cpp - tensor files, good and bad ------------------===//

#include "tenon/Checkpoint/Safetensors.h"

#include "SafetensorsText.h"
#include "TestSupport.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>

using namespace tenon;
using test::entry;
using test::safetensors;

namespace {

class Safetensors : public ::testing::Test {
protected:
  std::string errorOf(const std::string &path) {
    Expected<std::unique_ptr<Checkpoint>> opened = openSafetensors(path);
    return opened ? "no error" : opened.error().message;
  }
  /// The error that a file of this content gives; "FILE" for its path.
  std::string errorOfFile(std::string_view content) {
    std::string path = directory.write("m.safetensors", content);
    std::string message = errorOf(path);
    size_t at = message.find(path);
    return at == 0 ? "FILE" + message.substr(path.size()) : message;
  }
  void expectError(std::string_view content, std::string_view start,
                   std::string_view part) {
    std::string message = errorOfFile(content);
    EXPECT_EQ(message.substr(0, start.size()), start) << message;
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }

  test::TemporaryDirectory directory;
};

} // namespace

TEST_F(Safetensors, ReadsTensors) {
  std::string data(4 * 6 + 2 * 3 + 8, '\0');
  float value = 1.5f;
  std::memcpy(data.data() + 4, &value, 4);
  std::string path = directory.write(
      "m.safetensors",
      safetensors("{\"__metadata__\": {\"format\": \"pt\"}, " +
                      entry("b.w", "F32", "[2, 3]", 0, 24) + ", " +
                      entry("a", "BF16", "[3]", 24, 30) + ", " +
                      entry("n", "I64", "[]", 30, 38) + ", " +
                      entry("none", "F16", "[0, 7]", 38, 38) + "}  ",
                  data));
  auto opened = openSafetensors(path);
  ASSERT_TRUE(opened) << opened.error().message;
  const Checkpoint &checkpoint = **opened;
  ASSERT_EQ(checkpoint.tensors().size(), 4u);
  EXPECT_EQ(checkpoint.tensors()[0].name, "a");
  const TensorInfo *info = checkpoint.find("b.w");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->dtype, DType::F32);
  EXPECT_EQ(info->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(info->numElements(), 6u);
  std::span<const std::byte> bytes = checkpoint.bytes(*info);
  ASSERT_EQ(bytes.size(), 24u);
  float read;
  std::memcpy(&read, bytes.data() + 4, 4);
  EXPECT_EQ(read, 1.5f);
  checkpoint.release(*info);
  std::memcpy(&read, bytes.data() + 4, 4);
  EXPECT_EQ(read, 1.5f);
  EXPECT_EQ(checkpoint.find("n")->numElements(), 1u);
  EXPECT_EQ(checkpoint.bytes(*checkpoint.find("none")).size(), 0u);
  EXPECT_EQ(checkpoint.find("b"), nullptr);
  EXPECT_EQ(checkpoint.find("zzz"), nullptr);
}

TEST_F(Safetensors, NoTensorsAtAll) {
  EXPECT_EQ(errorOfFile(safetensors("{}", "")), "no error");
}

TEST_F(Safetensors, Robustness8HeaderLength) {
  expectError("", "FILE:+0x0: error: ", "has 0 bytes");
  expectError("abc", "FILE:+0x0: error: ", "has 3 bytes");
  expectError(safetensors(0, "{}", ""), "FILE:+0x0: error: ", "length 0");
  expectError(safetensors(100'000'001, "{}", ""),
              "FILE:+0x0: error: ", "at most 100000000");
  expectError(safetensors(UINT64_MAX, "{}", ""),
              "FILE:+0x0: error: ", "at most 100000000");
  expectError(safetensors(3, "{}", ""), "FILE:+0x0: error: ", "cut short");
}

TEST_F(Safetensors, Robustness8HeaderStart) {
  expectError(safetensors("[]", ""), "FILE:+0x8: error: ", "expected '{'");
  expectError(safetensors(" {}", ""), "FILE:+0x8: error: ", "expected '{'");
}

TEST_F(Safetensors, Robustness9Ranges) {
  std::string data(8, 'x');
  expectError(safetensors("{" + entry("a", "U8", "[5]", 0, 5) + ", " +
                              entry("b", "U8", "[4]", 4, 8) + "}",
                          data),
              "FILE:+0x", "tensor 'b': overlaps tensor 'a'");
  // A hole is reported where it begins in the file.
  std::string header = "{" + entry("a", "U8", "[2]", 0, 2) + ", " +
                       entry("b", "U8", "[4]", 4, 8) + "}";
  expectError(safetensors(header, data), "FILE:+0x",
              "a hole of 2 bytes before tensor 'b'");
  expectError(safetensors("{" + entry("b", "U8", "[4]", 4, 8) + "}", data),
              "FILE:+0x", "a hole of 4 bytes before tensor 'b'");
  expectError(safetensors("{" + entry("a", "U8", "[6]", 0, 6) + "}", data),
              "FILE:+0x", "2 bytes after the last tensor");
  expectError(safetensors("{}", data),
              "FILE:+0xa: error: ", "8 bytes after the last tensor");
  expectError(safetensors("{" + entry("a", "U8", "[8]", 8, 0) + "}", data),
              "FILE:+0x9: error: ", "tensor 'a': data_offsets end (0) before");
  expectError(safetensors("{" + entry("a", "U8", "[9]", 0, 9) + "}", data),
              "FILE:+0x9: error: ", "leave the file");
}

TEST_F(Safetensors, Robustness9ShapeAndRange) {
  std::string data(8, 'x');
  expectError(safetensors("{" + entry("a", "F32", "[3]", 0, 8) + "}", data),
              "FILE:+0x9: error: ",
              "tensor 'a': shape [3] of f32 needs 12 bytes, data_offsets "
              "[0, 8] hold 8");
  expectError(
      safetensors(
          "{" + entry("a", "U8", "[4294967296, 4294967296]", 0, 8) + "}", data),
      "FILE:+0x9: error: ", "beyond 64 bits");
  // The element's width makes it wrap (2^61 * 8 = 2^64 = 0).
  expectError(
      safetensors("{" + entry("a", "F64", "[2305843009213693952]", 0, 0) + "}",
                  ""),
      "FILE:+0x9: error: ", "beyond 64 bits");
  expectError(safetensors("{" + entry("a", "U8", "[-8]", 0, 8) + "}", data),
              "FILE:+0x9: error: ", "a dimension is -8");
  expectError(safetensors("{" + entry("a", "U8", "[1e30]", 0, 8) + "}", data),
              "FILE:+0x9: error: ", "a dimension is 1e+30");
  expectError(safetensors("{" + entry("a", "U8", "[\"8\"]", 0, 8) + "}", data),
              "FILE:+0x9: error: ", "a dimension is a string");
}

TEST_F(Safetensors, Robustness9Entries) {
  expectError(safetensors("{\"a\": 5}", ""),
              "FILE:+0x9: error: ", "tensor 'a': expected {\"dtype\"");
  expectError(safetensors("{\"a\": {\"dtype\": \"F32\", \"shape\": []}}", ""),
              "FILE:+0x9: error: ", "expected {\"dtype\"");
  expectError(
      safetensors("{" + entry("a", "Q7", "[8]", 0, 8) + "}", "12345678"),
      "FILE:+0x9: error: ", "unknown dtype 'Q7'");
  expectError(safetensors("{\"a\": {\"dtype\": \"U8\", \"shape\": [1], "
                          "\"data_offsets\": [-1, 0]}}",
                          "1"),
              "FILE:+0x9: error: ", "no non-negative integers");
}

TEST_F(Safetensors, Robustness10HeaderJson) {
  expectError(safetensors("{" + entry("a", "U8", "[1]", 0, 1) + ", " +
                              entry("a", "U8", "[1]", 1, 2) + "}",
                          "xy"),
              "FILE:+0x", "the key 'a' occurs twice");
  std::string nested = "{\"a\":" + std::string(100000, '[');
  expectError(safetensors(nested, ""),
              "FILE:+0xf: error: ", "deeper than 3 levels");
  expectError(safetensors("{\"\\ud800\": 1}", ""), "FILE:+0x", "surrogate");
  expectError(safetensors("{\"a\": 1e999}", ""), "FILE:+0x", "1e999");
  expectError(safetensors("{\"a\": [" + std::string(200, '1') + "]}", ""),
              "FILE:+0x", "");
  std::string wide = "{\"a\": [1";
  for (int i = 0; i < 100; ++i)
    wide += ",1";
  expectError(safetensors(wide + "]}", ""), "FILE:+0x",
              "more than 64 elements");
}

// Linear in the file's size: 100,000 entries, all broken at the very end.
TEST_F(Safetensors, Robustness9ManyTensorsAreLinear) {
  std::string header = "{";
  constexpr unsigned count = 100000;
  for (unsigned i = 0; i < count; ++i)
    header += entry("t" + std::to_string(i), "U8", "[0]", 0, 0) + ",";
  header += entry("last", "U8", "[1]", 0, 1) + "}";
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(errorOfFile(safetensors(header, "x")), "no error");
  EXPECT_NE(errorOfFile(safetensors(header, "xy")), "no error");
  std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  EXPECT_LT(taken.count(), 5.0);
}

namespace {
class ShardedSafetensors : public Safetensors {
protected:
  void SetUp() override {
    directory.write("s1.safetensors",
                    safetensors("{" + entry("a", "U8", "[2]", 0, 2) + ", " +
                                    entry("extra", "U8", "[1]", 2, 3) + "}",
                                "xyz"));
    directory.write(
        "s2.safetensors",
        safetensors("{" + entry("b", "U8", "[1]", 0, 1) + "}", "w"));
  }
  std::string index(std::string_view map) {
    return directory.write("model.safetensors.index.json",
                           "{\"metadata\": {\"total_size\": 3},\n"
                           "\"weight_map\": {" +
                               std::string(map) + "}}");
  }
};
} // namespace

TEST_F(ShardedSafetensors, ReadsShards) {
  index("\"a\": \"s1.safetensors\", \"b\": \"s2.safetensors\"");
  auto opened = openSafetensors(directory.path());
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_EQ((*opened)->tensors().size(), 2u);
  const TensorInfo *b = (*opened)->find("b");
  ASSERT_TRUE(b);
  EXPECT_EQ(static_cast<char>((*opened)->bytes(*b)[0]), 'w');
  EXPECT_NE(b->file, (*opened)->find("a")->file);
}

TEST_F(ShardedSafetensors, Robustness11MissingShard) {
  std::string path = index("\"a\": \"s1.safetensors\",\n"
                           "\"b\": \"s3.safetensors\"");
  EXPECT_EQ(errorOf(path), path + ":3:6: error: the shard 's3.safetensors' is "
                                  "missing; it holds 1 tensor");
}

TEST_F(ShardedSafetensors, Robustness11LeavesTheDirectory) {
  for (std::string bad : {"../../etc/passwd", "/etc/passwd",
                          "x/../../s1.safetensors", "..", ""}) {
    std::string path = index("\"a\": \"" + bad + "\"");
    std::string message = errorOf(path);
    EXPECT_EQ(message.substr(0, path.size() + 3), path + ":2:");
    EXPECT_NE(message.find("outside of the model's directory"),
              std::string::npos)
        << message;
  }
}

TEST_F(ShardedSafetensors, Robustness11IndexIsWrong) {
  std::string path = index("\"a\": \"s2.safetensors\"");
  EXPECT_NE(errorOf(path).find("such as 'a'"), std::string::npos);
  path = index("\"a\": 5");
  EXPECT_NE(errorOf(path).find("found a number"), std::string::npos);
  path = directory.write("model.safetensors.index.json", "{}");
  EXPECT_NE(errorOf(path).find("weight_map"), std::string::npos);
  path = directory.write("model.safetensors.index.json", "{");
  EXPECT_EQ(errorOf(path).substr(0, path.size() + 5), path + ":1:2:");
}

TEST_F(Safetensors, DirectoriesWithoutWeights) {
  EXPECT_NE(errorOf(directory.path()).find("expected model.safetensors"),
            std::string::npos);
  directory.write("pytorch_model.bin", "x");
  EXPECT_NE(errorOf(directory.path()).find("safe_serialization"),
            std::string::npos);
  directory.write("only.safetensors", safetensors("{}", ""));
  EXPECT_EQ(errorOf(directory.path()), "no error");
  directory.write("second.safetensors", safetensors("{}", ""));
  EXPECT_NE(errorOf(directory.path()).find("beside 2 .safetensors files"),
            std::string::npos);
  EXPECT_NE(errorOf(directory.path("none")).find("No such file"),
            std::string::npos);
}

TEST_F(Safetensors, Stories260K) {
  TENON_NEEDS_SHARED_DATA();
  auto opened =
      openSafetensors(test::sharedDirectory() + "/models/stories260K/hf");
  ASSERT_TRUE(opened) << opened.error().message;
  const TensorInfo *embed = (*opened)->find("model.embed_tokens.weight");
  ASSERT_TRUE(embed);
  EXPECT_EQ(embed->shape, (std::vector<int64_t>{512, 64}));
  EXPECT_EQ(embed->dtype, DType::F32);
}
