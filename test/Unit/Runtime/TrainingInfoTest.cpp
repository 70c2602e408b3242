//===- TrainingInfoTest.cpp - what a trainer's checkpoint is made of ------===//
#include "tenon/Runtime/TrainingInfo.h"

#include "tenon/Runtime/Safetensors.h"

#include "../TestSupport.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <numeric>

#include <nlohmann/json.hpp>

using namespace tenon;
using namespace tenon::runtime;
using nlohmann::json;
using tenon::test::TemporaryDirectory;

namespace {

/// Weights of 16 numbers: a vector, a matrix that memory has the other way
/// round, and two experts' vectors with a number between them.
TrainingInfo example() {
  TrainingInfo info;
  info.objective = "tags";
  info.classes = 2;
  info.labels = {"no", "yes"};
  info.tensors = {{"bias", {3}, 0, 3, false, 1, 0},
                  {"matrix", {2, 3}, 12, 6, true, 1, 0},
                  {"experts", {2, 3}, 36, 6, false, 2, 16}};
  info.files = {{"config.json", "{}"}, {"empty", ""}};
  return info;
}
constexpr uint64_t kWeightBytes = 64;

std::span<const std::byte> bytesOf(const std::string &text) {
  return std::as_bytes(std::span(text));
}

/// Parses a section whose JSON was changed; the message.
std::string parseChanged(const std::function<void(json &)> &change) {
  std::string section = example().serialize();
  uint64_t length;
  std::memcpy(&length, section.data(), sizeof length);
  json root = json::parse(section.substr(sizeof length, length));
  change(root);
  std::string text = root.dump(),
              files = section.substr(sizeof length + length);
  length = text.size();
  section.assign(reinterpret_cast<const char *>(&length), sizeof length);
  section += text + files;
  auto parsed = TrainingInfo::parse(bytesOf(section), kWeightBytes, "trainer");
  if (parsed)
    return "";
  EXPECT_EQ(parsed.error().code, ExitCode::CorruptPayload);
  return parsed.error().message;
}

TEST(TrainingInfoTest, IsReadAsItWasWritten) {
  std::string section = example().serialize();
  auto parsed = TrainingInfo::parse(bytesOf(section), kWeightBytes, "trainer");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->objective, "tags");
  EXPECT_EQ(parsed->classes, 2);
  EXPECT_EQ(parsed->labels, (std::vector<std::string>{"no", "yes"}));
  ASSERT_EQ(parsed->tensors.size(), 3u);
  EXPECT_TRUE(parsed->tensors[1].transposed);
  EXPECT_EQ(parsed->tensors[2].parts, 2u);
  ASSERT_EQ(parsed->files.size(), 2u);
  EXPECT_EQ(parsed->files[0].bytes, "{}");
  EXPECT_EQ(parsed->serialize(), section);
}

TEST(TrainingInfoTest, RefusesWhatIsCutShort) {
  std::string section = example().serialize();
  for (size_t size = 0; size < section.size(); ++size) {
    auto parsed = TrainingInfo::parse(bytesOf(section.substr(0, size)),
                                      kWeightBytes, "trainer");
    ASSERT_FALSE(parsed) << size;
    EXPECT_EQ(parsed.error().code, ExitCode::CorruptPayload);
  }
}

TEST(TrainingInfoTest, RefusesTensorsOutsideOfTheWeights) {
  struct {
    int tensor;
    const char *key;
    json value;
  } cases[] = {{0, "offset", 61},
               {0, "offset", 56},
               {0, "offset", UINT64_MAX},
               {0, "elements", 4},
               {0, "shape", {-3}},
               {1, "shape", {6}},
               {1, "shape", {3, 2, 1}},
               {1, "parts", 0},
               {1, "parts", 4},
               {2, "stride", 6},
               {2, "stride", UINT64_MAX},
               {2, "stride", 20},
               {2, "shape", {1 << 31, 1 << 31, 4}}};
  for (auto &[tensor, key, value] : cases) {
    std::string message =
        parseChanged([&](json &root) { root["tensors"][tensor][key] = value; });
    EXPECT_NE(message.find("is not within the weights"), std::string::npos)
        << key << " " << value << ": " << message;
  }
}

TEST(TrainingInfoTest, RefusesWhatItDoesNotKnow) {
  EXPECT_NE(parseChanged([](json &root) {
              root.erase("objective");
            }).find("section 'training': "),
            std::string::npos);
  EXPECT_NE(parseChanged([](json &root) { root["labels"] = 3; }), "");
  EXPECT_NE(parseChanged([](json &root) { root["tensors"][0].erase("name"); }),
            "");
  EXPECT_NE(parseChanged([](json &root) {
              root["weights_file"] = "../model";
            }).find("the weights' file has a path"),
            std::string::npos);
  EXPECT_NE(parseChanged([](json &root) {
              root["files"][0]["name"] = "a/config.json";
            }).find("file 'a/config.json' is not within it"),
            std::string::npos);
  EXPECT_NE(parseChanged([](json &root) {
              root["files"][1]["size"] = 1;
            }).find("file 'empty' is not within it"),
            std::string::npos);
}

/// The weights of the example, numbered as memory has them.
class Checkpoints : public testing::Test {
protected:
  Checkpoints() { std::iota(weights.begin(), weights.end(), 0.0f); }

  static std::span<std::byte> memory(std::vector<float> &numbers) {
    return std::as_writable_bytes(std::span(numbers));
  }
  std::string writeAll() {
    std::string path = directory.path("model.safetensors");
    TensorGroup groups[] = {{"", memory(weights)}, {".m", memory(moments)}};
    Status status =
        writeSafetensors(path, example().tensors, groups, {{"step", "7"}});
    EXPECT_TRUE(status) << status.error().message;
    return path;
  }
  /// The message of reading a file that was written and changed.
  std::string readChanged(const std::function<void(std::string &)> &change) {
    std::string bytes = test::readFile(writeAll());
    change(bytes);
    std::string path = directory.write("changed.safetensors", bytes);
    TensorGroup groups[] = {{"", memory(weights)}, {".m", memory(moments)}};
    auto notes = readSafetensors(path, example().tensors, groups);
    return notes ? "" : notes.error().message;
  }

  TemporaryDirectory directory;
  std::vector<float> weights = std::vector<float>(16),
                     moments = std::vector<float>(16, 5);
};

TEST_F(Checkpoints, AreReadAsTheyWereWritten) {
  std::string path = writeAll();
  std::vector<float> read(16), readMoments(16);
  TensorGroup groups[] = {{"", memory(read)}, {".m", memory(readMoments)}};
  auto notes = readSafetensors(path, example().tensors, groups);
  ASSERT_TRUE(notes) << notes.error().message;
  EXPECT_EQ((*notes)["step"], "7");
  // Number 12 lies between the experts, and belongs to no tensor.
  std::vector<float> expected = weights;
  expected[12] = 0;
  EXPECT_EQ(read, expected);
  EXPECT_EQ(readMoments[15], 5);
  // The file has the matrix by its own rows: memory has 2 numbers of each
  // column together.
  std::string bytes = test::readFile(path);
  uint64_t length;
  std::memcpy(&length, bytes.data(), sizeof length);
  EXPECT_EQ(length % 8, 0u);
  float rows[6];
  std::memcpy(rows, bytes.data() + sizeof length + length + 12, sizeof rows);
  EXPECT_EQ(std::vector<float>(rows, rows + 6),
            (std::vector<float>{3, 5, 7, 4, 6, 8}));
}

TEST_F(Checkpoints, OfAnotherModelAreRefused) {
  auto replace = [](const char *from, const char *to) {
    return [=](std::string &bytes) {
      size_t at = bytes.find(from);
      ASSERT_NE(at, std::string::npos) << from;
      bytes.replace(at, std::strlen(from), to);
    };
  };
  const char *other = "tensor 'bias' is missing or of another shape";
  for (auto [from, to] : {std::pair{"\"bias\"", "\"mias\""},
                          {"\"shape\":[3]", "\"shape\":[4]"},
                          {"\"F32\"", "\"F16\""}})
    EXPECT_NE(readChanged(replace(from, to)).find(other), std::string::npos)
        << from;
  EXPECT_NE(readChanged(replace("\"F32\"", "    5")).find("is damaged"),
            std::string::npos);
  EXPECT_NE(readChanged(replace("__metadata__", "__metadota__"))
                .find("the file is damaged"),
            std::string::npos);
  EXPECT_NE(readChanged(replace("\"shape\":[3]", "\"shape\":\"3\""))
                .find("the file is damaged"),
            std::string::npos);
  EXPECT_NE(readChanged([](std::string &bytes) {
              bytes.resize(5);
            }).find("its header passes its end"),
            std::string::npos);
  EXPECT_NE(readChanged([](std::string &bytes) {
              bytes[6] = 1;
            }).find("its header passes its end"),
            std::string::npos);
  EXPECT_NE(readChanged([](std::string &bytes) {
              bytes.resize(bytes.size() - 1);
            }).find("is missing or of another shape"),
            std::string::npos);
  EXPECT_NE(readChanged([](std::string &bytes) {
              bytes[8] = 'x';
            }).find(":+0x8: error: "),
            std::string::npos);
  TensorGroup none[] = {{"", memory(weights)}};
  EXPECT_FALSE(
      readSafetensors(directory.path("absent"), example().tensors, none));
  EXPECT_FALSE(writeSafetensors(directory.path("no/such/folder"),
                                example().tensors, none, {}));
}

TEST_F(Checkpoints, OfADirectoryAreReadByTheirName) {
  TensorGroup groups[] = {{"", memory(weights)}};
  ASSERT_TRUE(writeSafetensors(directory.path("model.safetensors"),
                               example().tensors, groups, {}));
  std::vector<float> read(16);
  Status status = example().readWeights(directory.path(), memory(read));
  EXPECT_TRUE(status);
  EXPECT_EQ(read[15], 15);
  TrainingInfo other = example();
  other.weightsFile = "adapter.safetensors";
  EXPECT_FALSE(other.readWeights(directory.path(), memory(read)));
}

} // namespace
