//===- MetadataTest.cpp - metadata that says anything ---------------------===//
//
// Metadata whose checksum is right may still be wrong: another version wrote
// it, or someone who wants to find out.
//
//===----------------------------------------------------------------------===//

#include "tenon/Runtime/Metadata.h"

#include <functional>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace tenon;
using namespace tenon::runtime;
using nlohmann::json;

namespace {

/// One of everything.
Metadata everything() {
  Metadata meta;
  meta.tenonVersion = "0.1.0";
  meta.model.family = "llama";
  meta.model.name = "tiny";
  meta.model.isDecoder = true;
  meta.model.parameters = 1234;
  meta.model.vocabSize = 10;
  meta.model.context = 64;
  meta.model.hiddenSize = 8;
  meta.model.layers = 2;
  meta.model.bos = {1};
  meta.model.eos = {2, 3};
  meta.model.weightTypes = {{"bf16", 100}};
  meta.model.pooling = "cls";
  meta.model.normalized = true;
  meta.memory.arena = 4096;
  meta.memory.cache = 8192;
  meta.memory.maxChunk = 16;
  meta.memory.caches = {{false, 2, 1, 8, 128, 0, 4096, 1024},
                        {true, 1, 1, 8, 128, 4096, 4096, 2048, 100}};
  meta.sections.push_back({"weights", 4096, 100, 0xfedcba9876543210u});
  meta.entries.push_back(
      {"prefill", {{"ids", "token", "i32"}}, 10, EntryInfo::Rows::Rows});
  EntryInfo &classify = meta.entries.emplace_back();
  classify.name = classify.of = "classify";
  classify.inputs = {{"image", "pixel", "f32", {3, 8, 8}, 0}};
  classify.outputCols = 2;
  classify.outputRows = EntryInfo::Rows::Fixed;
  classify.element = "labels";
  classify.labels = {"cat", "dog"};
  meta.variants.push_back(
      {"x86-64", "sse2", {{0, "linear", "linear", "a.tenon:3:4"}}});
  OperationInfo &operation = meta.variants[0].operations[0];
  operation.entry = "prefill";
  WorkInfo &work = operation.work.emplace_back();
  work.rows = WorkInfo::Rows::Routed;
  work.count = 2;
  work.weightBytes = 64;
  work.rowOperations = 128;
  work.keys = WorkInfo::Keys::Context;
  work.causal = true;
  work.window = 8;
  work.pairOperations = 32;
  work.keyBytes = 16;
  work.products = "int4";
  meta.weights.push_back({"w", 0, 100, 0x0123456789abcdefu, "f32"});
  meta.generation.doSample = true;
  meta.generation.temperature = 0.5;
  meta.generation.topK = 5;
  meta.generation.topP = 0.9;
  meta.generation.minP = 0.1;
  meta.generation.repetitionPenalty = 1.1;
  meta.generation.beams = 4;
  meta.generation.noRepeatNgram = 3;
  meta.generation.minLength = 2;
  meta.generation.maxLength = 20;
  meta.generation.lengthPenalty = 0.8;
  meta.generation.earlyStopping = true;
  meta.generation.decoderStart = 1;
  meta.generation.decoderStartIsLast = true;
  meta.generation.forcedBos = 5;
  meta.generation.begin = {4};
  meta.generation.undecided = "a reason";
  meta.generation.forcedEos = {2, 3};
  meta.generation.suppressed = {7};
  meta.generation.suppressedFirst = {8, 9};
  meta.generation.badWords = {{1}, {2, 3}};
  return meta;
}

/// Calls for every place of a document.
void forEachPlace(const json &value, const json::json_pointer &place,
                  const std::function<void(const json::json_pointer &)> &call) {
  call(place);
  if (value.is_object())
    for (auto &[key, item] : value.items())
      forEachPlace(item, place / key, call);
  if (value.is_array())
    for (size_t i = 0; i < value.size(); ++i)
      forEachPlace(value[i], place / i, call);
}

TEST(Metadata, RoundTripOfEverything) {
  std::string text = everything().serialize();
  auto parsed = Metadata::parse(text, "prog");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->serialize(), text);
  EXPECT_EQ(parsed->sections[0].xxh3, 0xfedcba9876543210u);
  EXPECT_EQ(parsed->weights[0].xxh3, 0x0123456789abcdefu);
  EXPECT_EQ(parsed->generation.minP, 0.1);
  EXPECT_EQ(parsed->generation.repetitionPenalty, 1.1);
}

TEST(Metadata, EveryValueMayBeAnything) {
  const json good = json::parse(everything().serialize());
  const json strange[] = {nullptr,
                          true,
                          -1,
                          1.5,
                          1e300,
                          18446744073709551615u,
                          "",
                          "text",
                          json::array(),
                          json::object(),
                          json::array({-1}),
                          json{{"name", 1}}};
  int refused = 0;
  forEachPlace(
      good, json::json_pointer(), [&](const json::json_pointer &place) {
        for (const json &value : strange) {
          json bad = good;
          bad[place] = value;
          auto parsed = Metadata::parse(bad.dump(), "prog");
          if (parsed)
            continue; // another right value
          ++refused;
          EXPECT_EQ(parsed.error().code, ExitCode::CorruptPayload);
          EXPECT_TRUE(parsed.error().message.starts_with("prog: error: section "
                                                         "'metadata': "))
              << parsed.error().message;
        }
      });
  EXPECT_GT(refused, 300);
}

TEST(Metadata, EveryRequiredMemberIsMissed) {
  const json good = json::parse(everything().serialize());
  forEachPlace(
      good, json::json_pointer(), [&](const json::json_pointer &place) {
        if (place.empty() || !good[place.parent_pointer()].is_object())
          return;
        json bad = good;
        bad[place.parent_pointer()].erase(place.back());
        // A default of the generation, the hash of a weight, the bytes
        // of a type.
        std::string path = place.to_string();
        bool isList = path == "/generation/bad_words" ||
                      path == "/generation/forced_eos" ||
                      path == "/generation/begin" ||
                      path.starts_with("/generation/suppressed");
        bool optional = (path.starts_with("/generation/") && !isList) ||
                        path == "/weights/0/xxh3" ||
                        path.starts_with("/model/weight_types/");
        auto parsed = Metadata::parse(bad.dump(), "prog");
        EXPECT_EQ(bool(parsed), optional) << path;
        if (!parsed)
          EXPECT_NE(parsed.error().message.find(place.back()),
                    std::string::npos)
              << parsed.error().message;
      });
}

TEST(Metadata, NumbersOutOfTheirRanges) {
  const json good = json::parse(everything().serialize());
  auto message = [&](const char *place, const json &value) {
    json bad = good;
    bad[json::json_pointer(place)] = value;
    auto parsed = Metadata::parse(bad.dump(), "prog");
    return parsed ? std::string() : parsed.error().message;
  };
  for (const char *place :
       {"/model/vocab_size", "/model/context", "/model/hidden_size",
        "/memory/max_chunk", "/entries/0/output/cols"}) {
    // An entry that only fills caches has no output.
    bool mayBeNone = std::string_view(place) == "/entries/0/output/cols";
    EXPECT_EQ(message(place, 0) == "", mayBeNone) << place;
    EXPECT_NE(message(place, -5), "") << place;
    EXPECT_NE(message(place, int64_t(1) << 50), "") << place;
    EXPECT_EQ(message(place, 1), "") << place;
  }
  for (const char *place :
       {"/model/parameters", "/model/layers", "/memory/arena", "/memory/cache",
        "/sections/0/offset", "/sections/0/size", "/weights/0/offset",
        "/weights/0/size"}) {
    EXPECT_NE(message(place, -1), "") << place;
    EXPECT_NE(message(place, 1.5), "") << place;
    EXPECT_NE(message(place, uint64_t(1) << 63), "") << place;
    // A cache is as large as its classes are together.
    bool isTooSmall = std::string_view(place) == "/memory/cache";
    EXPECT_EQ(message(place, 0) != "", isTooSmall) << place;
  }
  // The cache has a part of the same size for each sequence.
  EXPECT_EQ(message("/memory/sequences", 1), "");
  for (int64_t count : {int64_t(0), int64_t(-1), int64_t(1) << 40})
    EXPECT_NE(message("/memory/sequences", count), "") << count;
  EXPECT_NE(message("/memory/sequences", 1009).find("no equal parts for 1009"),
            std::string::npos);
  // Tokens are 32-bit ids, in a list.
  EXPECT_NE(message("/model/eos/1", int64_t(1) << 40), "");
  EXPECT_NE(message("/model/bos/0", -1), "");
  EXPECT_NE(message("/model/bos/0", 1.5), "");
  EXPECT_NE(message("/model/bos", 1), "");
  EXPECT_EQ(message("/model/bos", json::array()), "");
  // Hashes have sixteen digits.
  for (const char *hash : {"", "0x12", "-1", " 1", "12g", "fedcba98765432100"})
    EXPECT_NE(message("/sections/0/xxh3", hash), "") << hash;
}

TEST(Metadata, NamesNeedNotBeUtf8) {
  Metadata meta = everything();
  meta.model.name = "a\xff\xfe";
  auto parsed = Metadata::parse(meta.serialize(), "prog");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->model.name, "a\xef\xbf\xbd\xef\xbf\xbd");
}

} // namespace
