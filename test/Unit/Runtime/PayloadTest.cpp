//===- PayloadTest.cpp - written, read back, damaged ----------------------===//
#include "tenon/Runtime/Payload.h"
#include "tenon/Runtime/PayloadWriter.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <unistd.h>

using namespace tenon;
using namespace tenon::runtime;

namespace {

std::span<const std::byte> bytesOf(const std::string &text) {
  return std::as_bytes(std::span(text));
}

Metadata sampleMetadata() {
  Metadata meta;
  meta.tenonVersion = "0.1.0";
  meta.model.family = "llama";
  meta.model.name = "tiny \"one\"";
  meta.model.parameters = 1234;
  meta.model.vocabSize = 10;
  meta.model.context = 64;
  meta.model.hiddenSize = 8;
  meta.model.layers = 2;
  meta.model.bos = {1};
  meta.model.eos = {2, 3};
  meta.model.weightTypes = {{"bf16", 100}};
  meta.memory.arena = 4096;
  meta.memory.cache = 8192;
  meta.memory.maxChunk = 16;
  meta.entries.push_back(
      {"prefill", {{"ids", "token", "i32"}}, 10, EntryInfo::Rows::Rows});
  meta.variants.push_back(
      {"x86-64", "sse2", {{0, "linear", "linear", "a.tenon:3:4"}}});
  meta.generation.topK = 5;
  meta.generation.doSample = false;
  return meta;
}

class PayloadTest : public testing::Test {
protected:
  void SetUp() override {
    path = testing::TempDir() + "/payload" + std::to_string(getpid());
    weights = std::string(10000, 'w');
    tokenizer = "some tokenizer";
    Metadata meta = sampleMetadata();
    meta.weights.push_back(
        {"a", 0, 64, xxh3(bytesOf(std::string(64, 'w'))), "f32"});
    meta.weights.push_back(
        {"b", 4096, 100, xxh3(bytesOf(std::string(100, 'w'))), "f32"});
    // Any ELF file will do.
    auto writer = PayloadWriter::create("/proc/self/exe", path);
    ASSERT_TRUE(writer) << writer.error().message;
    ASSERT_TRUE(writer->beginSection("weights"));
    ASSERT_TRUE(writer->write(bytesOf(weights).first(1)));
    ASSERT_TRUE(writer->write(bytesOf(weights).subspan(1)));
    EXPECT_EQ(writer->sectionSize(), weights.size());
    ASSERT_TRUE(writer->beginSection("tokenizer"));
    ASSERT_TRUE(writer->write(bytesOf(tokenizer)));
    ASSERT_TRUE(writer->finish(meta));
  }
  void TearDown() override { std::filesystem::remove(path); }

  void flip(uint64_t offset, int bit = 0) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(offset);
    char byte = static_cast<char>(file.get() ^ 1 << bit);
    file.seekp(offset);
    file.put(byte);
  }
  uint64_t size() { return std::filesystem::file_size(path); }

  /// Opening or verifying must fail and say all of `texts`.
  void expectCorrupt(std::vector<std::string> texts) {
    auto payload = Payload::open(path, "prog");
    Status status;
    if (payload)
      status = payload->verifyAll();
    ASSERT_TRUE(!payload || !status);
    Error error = payload ? status.error() : payload.error();
    EXPECT_EQ(error.code, ExitCode::CorruptPayload);
    EXPECT_TRUE(error.message.starts_with("prog:")) << error.message;
    for (const std::string &text : texts)
      EXPECT_NE(error.message.find(text), std::string::npos)
          << error.message << "\nlacks " << text;
  }

  std::string path, weights, tokenizer;
};

TEST_F(PayloadTest, RoundTrip) {
  auto payload = Payload::open(path, "prog");
  ASSERT_TRUE(payload) << payload.error().message;
  EXPECT_TRUE(payload->verifyAll());
  EXPECT_EQ(payload->fileSize(), size());
  auto region = payload->map("weights");
  ASSERT_TRUE(region);
  ASSERT_EQ(region->size(), weights.size());
  EXPECT_EQ(std::memcmp(region->data(), weights.data(), weights.size()), 0);
  for (const SectionInfo &section : payload->metadata().sections)
    EXPECT_EQ(section.offset % kPayloadAlignment, 0u);

  const Metadata &meta = payload->metadata();
  EXPECT_EQ(meta.model.name, "tiny \"one\"");
  EXPECT_EQ(meta.model.eos, (std::vector<int32_t>{2, 3}));
  EXPECT_EQ(meta.entry("prefill")->outputRows, EntryInfo::Rows::Rows);
  EXPECT_EQ(meta.entry("decode"), nullptr);
  EXPECT_EQ(meta.variants[0].operations[0].location, "a.tenon:3:4");
  EXPECT_EQ(meta.generation.topK, 5);
  EXPECT_EQ(meta.generation.doSample, false);
  EXPECT_FALSE(meta.generation.temperature.has_value());
  EXPECT_EQ(meta.serialize(),
            Metadata::parse(meta.serialize(), "x")->serialize());
}

TEST_F(PayloadTest, StaysExecutable) {
  using std::filesystem::perms;
  EXPECT_NE(std::filesystem::status(path).permissions() & perms::owner_exec,
            perms::none);
  std::string list = path + " --gtest_list_tests > /dev/null";
  EXPECT_EQ(std::system(list.c_str()), 0);
}

TEST_F(PayloadTest, FlippedBitInEachSection) {
  auto payload = Payload::open(path, "prog");
  ASSERT_TRUE(payload);
  for (const SectionInfo &section : payload->metadata().sections) {
    for (uint64_t offset : {uint64_t(0), section.size / 2, section.size - 1}) {
      flip(section.offset + offset, 5);
      expectCorrupt({"section '" + section.name + "'", "checksum"});
      flip(section.offset + offset, 5);
    }
  }
  EXPECT_TRUE(Payload::open(path, "prog")->verifyAll());
}

TEST_F(PayloadTest, DamagedWeightIsNamed) {
  auto payload = Payload::open(path, "prog");
  ASSERT_TRUE(payload);
  flip(payload->metadata().section("weights")->offset + 4100);
  expectCorrupt({"section 'weights': weight 'b'"});
}

TEST_F(PayloadTest, FlippedBitInMetadata) {
  flip(size() - 64 - 10);
  expectCorrupt({"section 'metadata'", "checksum"});
}

TEST_F(PayloadTest, EveryBitOfTheTrailerCounts) {
  for (int bit = 0; bit < 64 * 8; ++bit) {
    flip(size() - 64 + bit / 8, bit % 8);
    expectCorrupt({"section 'trailer'"});
    flip(size() - 64 + bit / 8, bit % 8);
  }
}

TEST_F(PayloadTest, Truncated) {
  uint64_t whole = size();
  for (uint64_t cut :
       {uint64_t(1), uint64_t(64), uint64_t(65), uint64_t(5000)}) {
    std::filesystem::resize_file(path, whole - cut);
    expectCorrupt({"section 'trailer'", "cut short"});
  }
  std::filesystem::resize_file(path, 10);
  expectCorrupt({"section 'trailer'", "only 10 bytes"});
  std::filesystem::resize_file(path, 0);
  expectCorrupt({"section 'trailer'"});
}

TEST_F(PayloadTest, Appended) {
  std::ofstream(path, std::ios::app | std::ios::binary) << "x";
  expectCorrupt({"section 'trailer'"});
}

TEST_F(PayloadTest, Stripped) {
  // What strip leaves: the program alone.
  std::filesystem::copy_file("/proc/self/exe", path,
                             std::filesystem::copy_options::overwrite_existing);
  expectCorrupt({"section 'trailer'", "strip"});
}

TEST_F(PayloadTest, MissingFile) {
  auto payload = Payload::open(path + ".no", "prog");
  ASSERT_FALSE(payload);
  EXPECT_EQ(payload.error().code, ExitCode::CorruptPayload);
}

TEST_F(PayloadTest, UnfinishedLeavesTheOldFile) {
  {
    auto writer = PayloadWriter::create("/proc/self/exe", path);
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->beginSection("weights"));
  }
  EXPECT_TRUE(Payload::open(path, "prog")->verifyAll());
}

TEST_F(PayloadTest, AlignPadsWithinTheSection) {
  auto writer = PayloadWriter::create("/proc/self/exe", path);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->beginSection("weights"));
  ASSERT_TRUE(writer->write(bytesOf(std::string("abc"))));
  ASSERT_TRUE(writer->align(64));
  EXPECT_EQ(writer->sectionSize(), 64u);
  ASSERT_TRUE(writer->align(64));
  EXPECT_EQ(writer->sectionSize(), 64u);
  ASSERT_TRUE(writer->finish(sampleMetadata()));
  auto payload = Payload::open(path, "prog");
  ASSERT_TRUE(payload);
  EXPECT_TRUE(payload->verifyAll());
}

TEST(MetadataTest, BadValuesAreNamed) {
  std::string good = sampleMetadata().serialize();
  auto broken = [&](const std::string &from, const std::string &to) {
    std::string text = good;
    size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    auto parsed = Metadata::parse(text, "prog");
    EXPECT_FALSE(parsed) << to;
    if (parsed)
      return std::string();
    EXPECT_EQ(parsed.error().code, ExitCode::CorruptPayload);
    return parsed.error().message;
  };
  auto has = [](const std::string &text, const char *part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(broken("\"vocab_size\":10", "\"vocab_size\":0"),
                  "'vocab_size' is 0"));
  EXPECT_TRUE(has(broken("\"vocab_size\":10", "\"vocab_size\":-1"), "is -1"));
  EXPECT_TRUE(has(broken("\"vocab_size\":10", "\"vocab_size\":1.5"), "1.5"));
  EXPECT_TRUE(
      has(broken("\"vocab_size\":10", "\"vocab_sice\":10"), "vocab_size"));
  EXPECT_TRUE(
      has(broken("\"arena\":4096", "\"arena\":18446744073709551615"), "arena"));
  EXPECT_TRUE(
      has(broken("\"kind\":\"decoder\"", "\"kind\":\"toaster\""), "toaster"));
  EXPECT_TRUE(has(broken("\"rows\":\"rows\"", "\"rows\":\"all\""), "all"));
  EXPECT_TRUE(has(broken("\"name\":\"linear\"", "\"name\":7"), "string"));
  EXPECT_FALSE(Metadata::parse("[]", "prog"));
  EXPECT_FALSE(Metadata::parse("{", "prog"));
}

} // namespace
