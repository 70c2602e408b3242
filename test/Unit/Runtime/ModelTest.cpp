//===- ModelTest.cpp - positions, chunks, rows, limits --------------------===//
#include "FakeModule.h"

#include "tenon/Runtime/Memory.h"
#include "tenon/Runtime/Model.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace tenon;
using namespace tenon::runtime;

namespace {

class ModelTest : public testing::Test {
protected:
  void SetUp() override {
    path = testing::TempDir() + "/model" + std::to_string(getpid());
    ASSERT_TRUE(fake::writeExecutable("/proc/self/exe", path, fake::decoder()));
    load();
  }
  void TearDown() override { std::filesystem::remove(path); }
  void load() {
    auto payload = Payload::open(path, "prog");
    ASSERT_TRUE(payload) << payload.error().message;
    auto loaded = Model::load(*payload, tenon_variants[1]);
    ASSERT_TRUE(loaded) << loaded.error().message;
    model = std::move(*loaded);
  }

  std::vector<std::vector<float>> rowsOf(std::vector<int32_t> tokens,
                                         int64_t chunk) {
    std::vector<std::vector<float>> rows;
    model->reset();
    Status status = model->prefill(
        tokens, chunk, Model::Want::All, [&](const Rows &part) -> Status {
          for (int64_t i = 0; i < part.rows; ++i)
            rows.emplace_back(part.row(i).begin(), part.row(i).end());
          return {};
        });
    EXPECT_TRUE(status) << status.error().message;
    return rows;
  }

  std::string path;
  std::unique_ptr<Model> model;
};

TEST_F(ModelTest, ChunksGiveTheSameRows) {
  std::vector<int32_t> tokens(50);
  for (int i = 0; i < 50; ++i)
    tokens[i] = (i * 7) % 100;
  auto whole = rowsOf(tokens, 0);
  ASSERT_EQ(whole.size(), 50u);
  for (int64_t chunk : {1, 7, 16, 1000})
    EXPECT_EQ(rowsOf(tokens, chunk), whole) << chunk;
}

TEST_F(ModelTest, DecodeContinuesPrefill) {
  std::vector<int32_t> tokens{1, 70, 80, 90};
  auto rows = rowsOf(tokens, 0);
  model->reset();
  ASSERT_TRUE(model->prefill(std::span(tokens).first(2), 0, Model::Want::Last));
  EXPECT_EQ(model->position(), 2);
  EXPECT_TRUE(std::ranges::equal(model->logits(), rows[1]));
  ASSERT_TRUE(model->decode(80));
  EXPECT_TRUE(std::ranges::equal(model->logits(), rows[2]));
  ASSERT_TRUE(model->decode(90));
  EXPECT_TRUE(std::ranges::equal(model->logits(), rows[3]));
  EXPECT_EQ(model->position(), 4);
}

TEST_F(ModelTest, LastRowOnlyIsComputed) {
  std::vector<int32_t> tokens(40, 70);
  fake::rowsComputed = 0;
  ASSERT_TRUE(model->prefill(tokens, 16, Model::Want::Last));
  EXPECT_EQ(fake::rowsComputed, 1);
  ASSERT_TRUE(
      model->prefill(std::vector<int32_t>(10, 70), 16, Model::Want::None));
  EXPECT_EQ(fake::rowsComputed, 1);
}

TEST_F(ModelTest, ContextIsCheckedWithBothCounts) {
  std::vector<int32_t> tokens(fake::kContext + 1, 70);
  Status status = model->prefill(tokens, 0, Model::Want::Last);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("65 tokens"), std::string::npos);
  EXPECT_NE(status.error().message.find("context of 64 tokens"),
            std::string::npos);
  EXPECT_EQ(model->position(), 0);
  tokens.pop_back();
  ASSERT_TRUE(model->prefill(tokens, 0, Model::Want::Last));
  EXPECT_FALSE(model->decode(70));
  EXPECT_EQ(model->position(), fake::kContext);
}

TEST_F(ModelTest, TokensAreChecked) {
  EXPECT_FALSE(model->decode(-1));
  EXPECT_FALSE(model->decode(fake::kVocab));
  EXPECT_FALSE(model->prefill({}, 0, Model::Want::Last));
  EXPECT_FALSE(
      model->prefill(std::vector<int32_t>{1, 99999}, 0, Model::Want::Last));
  EXPECT_TRUE(model->decode(fake::kVocab - 1));
}

TEST_F(ModelTest, UnknownEntry) {
  std::vector<int32_t> tokens{1};
  Status status =
      model->compute("pooled", {tokens, {}}, [](auto &) { return Status(); });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ExitCode::BadUsage);
  EXPECT_NE(status.error().message.find("no entry 'pooled'"),
            std::string::npos);
}

TEST(Encoder, EntriesAndShapes) {
  std::string path = testing::TempDir() + "/encoder" + std::to_string(getpid());
  ASSERT_TRUE(fake::writeExecutable("/proc/self/exe", path, fake::encoder()));
  auto payload = Payload::open(path, "prog");
  ASSERT_TRUE(payload);
  auto model = Model::load(*payload, tenon_variants[1]);
  ASSERT_TRUE(model);
  std::vector<int32_t> tokens{5, 6, 7};
  EXPECT_EQ((*model)->rowsOf("forward", {tokens, {}}), 3);
  auto run = [&](const Model::Inputs &inputs) {
    std::vector<std::vector<float>> found;
    Status status = (*model)->compute("forward", inputs, [&](const Rows &rows) {
      for (int64_t i = 0; i < rows.rows; ++i)
        found.emplace_back(rows.row(i).begin(), rows.row(i).end());
      return Status();
    });
    EXPECT_EQ(bool(status), !found.empty());
    return found;
  };
  // Token, segment, whether it is one, position.
  std::vector<std::vector<float>> rows = run({tokens, {}});
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[1], (std::vector<float>{6, 0, 1, 1}));
  std::vector<int32_t> segments{0, 1, 1};
  EXPECT_EQ(run({tokens, segments})[2], (std::vector<float>{7, 1, 1, 2}));
  EXPECT_TRUE(run({std::vector<int32_t>(fake::kContext + 1, 5), {}}).empty());
  std::filesystem::remove(path);
}

TEST(RegionTest, LargeOnesAreAlignedAndZero) {
  for (uint64_t size : {uint64_t(1), uint64_t(5) << 20}) {
    auto region = Region::allocate(size, Region::Kind::Scratch, "x");
    ASSERT_TRUE(region);
    EXPECT_GE(region->size(), size);
    auto address = reinterpret_cast<uintptr_t>(region->data());
    EXPECT_EQ(address % (size < 4096 ? 4096 : 2 << 20), 0u);
    EXPECT_EQ(region->data()[size - 1], std::byte(0));
    region->data()[size - 1] = std::byte(1);
  }
}

TEST(RegionTest, AvailableMemory) {
  std::string root =
      testing::TempDir() + "/available" + std::to_string(getpid());
  EXPECT_FALSE(availableMemory(root));
  std::filesystem::create_directories(root + "/proc");
  std::filesystem::create_directories(root + "/sys/fs/cgroup");
  auto write = [&](const char *name, const char *text) {
    std::ofstream(root + name) << text;
  };
  write("/proc/meminfo", "MemTotal: 3000 kB\nMemFree: 1 kB\n"
                         "MemAvailable:    2000 kB\nBuffers: 5 kB\n");
  EXPECT_EQ(availableMemory(root), 2000u << 10);
  write("/sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(availableMemory(root), 2000u << 10);
  write("/sys/fs/cgroup/memory.max", "1000000\n");
  EXPECT_EQ(availableMemory(root), 1000000u);
  write("/sys/fs/cgroup/memory.max", "9000000\n");
  EXPECT_EQ(availableMemory(root), 2000u << 10);
  std::filesystem::remove_all(root);
  EXPECT_TRUE(availableMemory());
}

TEST(RegionTest, WeightsGoToHugePagesBySizeAndRoom) {
  constexpr uint64_t gib = uint64_t(1) << 30;
  EXPECT_EQ(chooseWeightMemory(gib >> 4, 64 * gib), WeightMemory::Mapped);
  EXPECT_EQ(chooseWeightMemory(2 * gib, 64 * gib), WeightMemory::HugePages);
  EXPECT_EQ(chooseWeightMemory(2 * gib, 2 * gib), WeightMemory::Mapped);
  EXPECT_EQ(chooseWeightMemory(2 * gib, std::nullopt), WeightMemory::Mapped);
}

TEST(RegionTest, FailureSaysHowMuch) {
  auto huge =
      Region::allocate(uint64_t(1) << 46, Region::Kind::Scratch, "the arena");
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().code, ExitCode::OutOfResource);
  EXPECT_NE(huge.error().message.find("the arena needs 67108864 MiB"),
            std::string::npos);
  EXPECT_FALSE(Region::allocate(UINT64_MAX, Region::Kind::Sparse, "x"));
}

TEST(RegionTest, AddressSpaceLimit) {
  rlimit before{};
  getrlimit(RLIMIT_AS, &before);
  rlimit low = before;
  low.rlim_cur = uint64_t(1) << 30;
  setrlimit(RLIMIT_AS, &low);
  auto region = Region::allocate(uint64_t(2) << 30, Region::Kind::Sparse,
                                 "the key/value cache");
  setrlimit(RLIMIT_AS, &before);
  ASSERT_FALSE(region);
  EXPECT_EQ(region.error().code, ExitCode::OutOfResource);
  EXPECT_NE(region.error().message.find("needs 2048 MiB"), std::string::npos);
}

class SequencesTest : public ModelTest {
protected:
  void SetUp() override {
    path = testing::TempDir() + "/sequences" + std::to_string(getpid());
    ASSERT_TRUE(
        fake::writeExecutable("/proc/self/exe", path, fake::sequences(3)));
    load();
  }
};

TEST_F(SequencesTest, TogetherAsAlone) {
  // Of different lengths; the middle one pauses now and then.
  std::vector<std::vector<int32_t>> texts = {
      {1, 70, 80, 90, 75, 76, 77}, {1, 60, 61}, {1, 99, 98, 97, 96}};
  std::vector<std::vector<std::vector<float>>> alone;
  for (auto &text : texts)
    alone.push_back(rowsOf(text, 0));
  model->reset();
  for (int64_t i = 0; i < 3; ++i) {
    model->select(i);
    ASSERT_TRUE(
        model->prefill(std::span(texts[i]).first(1), 0, Model::Want::Last));
  }
  for (size_t at = 1; at < 7; ++at) {
    std::vector<Model::Step> steps;
    for (int64_t i = 0; i < 3; ++i) {
      model->select(i);
      size_t next = model->position();
      if (next < texts[i].size() && (i != 1 || at % 2 == 0))
        steps.push_back({i, texts[i][next]});
    }
    ASSERT_TRUE(model->decodeTogether(steps));
    for (const Model::Step &step : steps) {
      model->select(step.sequence);
      EXPECT_TRUE(std::ranges::equal(
          model->logits(), alone[step.sequence][model->position() - 1]))
          << "token " << at << " of sequence " << step.sequence;
    }
  }
}

TEST_F(SequencesTest, ErrorsOfSteps) {
  std::vector<Model::Step> four = {{0, 5}, {1, 5}, {2, 5}, {0, 5}};
  Status status = model->decodeTogether(four);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ExitCode::BadUsage);
  EXPECT_NE(status.error().message.find("contexts for 3 sequences"),
            std::string::npos);
  std::vector<Model::Step> wrong = {{0, 5}, {1, fake::kVocab}};
  EXPECT_FALSE(model->decodeTogether(wrong));
  EXPECT_EQ(model->position(), 0) << "nothing was appended";
  // One context is full, the others go on beside it.
  model->select(2);
  std::vector<int32_t> tokens(fake::kContext, 70);
  ASSERT_TRUE(model->prefill(tokens, 0, Model::Want::None));
  std::vector<Model::Step> others = {{0, 5}, {1, 6}}, full = {{0, 5}, {2, 6}};
  EXPECT_TRUE(model->decodeTogether(others));
  EXPECT_FALSE(model->decodeTogether(full));
}

TEST_F(ModelTest, OneSequenceOnly) {
  std::vector<Model::Step> steps = {{0, 5}, {0, 6}};
  Status status = model->decodeTogether(steps);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("contexts for 1 sequences"),
            std::string::npos);
}

} // namespace
