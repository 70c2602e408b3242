//===- FakeModule.cpp - stands for a generated object in tests ------------===//
#include "FakeModule.h"

#include "tenon/Runtime/Abi.h"

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <thread>

using namespace tenon::runtime;

std::atomic<int> fake::rowsComputed{0};

namespace {

int successor(int token) {
  unsigned char byte = static_cast<unsigned char>(token - fake::kFirstByte);
  if (token == fake::kBos)
    return fake::tokenOf('a');
  if (token < fake::kFirstByte || token == fake::kMask)
    return fake::kEos;
  if (byte >= '0' && byte <= '9')
    return fake::tokenOf('0' + (byte - '0' + 1) % 10);
  if (byte == 'X' || byte == 0xa9)
    return fake::tokenOf(0xc3);
  if (byte == 0xc3)
    return fake::tokenOf(0xa9);
  if (byte >= 'a' && byte < 'z')
    return token + 1;
  return fake::kEos;
}

void sleepAsTold() {
  static const char *told = std::getenv("FAKE_STEP_MS");
  if (told)
    std::this_thread::sleep_for(std::chrono::milliseconds(std::atoi(told)));
}

/// The context, in what the real thing uses for keys and values.
int32_t *history(const TenonFrame *frame) {
  return reinterpret_cast<int32_t *>(frame->cache);
}

void storeTokens(void *ctx, int64_t begin, int64_t end) {
  auto *frame = static_cast<const TenonFrame *>(ctx);
  auto *tokens = static_cast<const int32_t *>(frame->buffers[0]);
  for (int64_t i = begin; i < end; ++i)
    history(frame)[frame->position + i] = tokens[i];
}

/// A row depends on all tokens up to it, so that a wrong position shows.
void computeRows(void *ctx, int64_t begin, int64_t end) {
  auto *frame = static_cast<const TenonFrame *>(ctx);
  auto *output = static_cast<float *>(frame->buffers[1]);
  float weight;
  std::memcpy(&weight, frame->weights, sizeof weight);
  bool spoiled = std::getenv("FAKE_NAN");
  for (int64_t row = begin; row < end; ++row) {
    int64_t at = frame->position + frame->numTokens - frame->numRows + row;
    uint32_t sum = 0;
    for (int64_t i = 0; i <= at; ++i)
      sum = sum * 31 + history(frame)[i];
    float *logits = output + row * fake::kVocab;
    for (int v = 0; v < fake::kVocab; ++v)
      logits[v] = spoiled ? NAN : (sum ^ v * 2654435761u) % 1000 * 1e-3f;
    logits[successor(history(frame)[at])] += 40 * weight;
    fake::rowsComputed++;
  }
}

void runDecoder(const TenonFrame *frame) {
  sleepAsTold();
  auto *ctx = const_cast<TenonFrame *>(frame);
  tenon_dispatch(0, storeTokens, ctx, frame->numTokens, 4);
  tenon_dispatch(1, computeRows, ctx, frame->numRows, 1);
}

/// As many calls of one token, each on its part of the cache.
void runSequences(const TenonFrame *frame) {
  constexpr int64_t kPart = fake::kContext * sizeof(int32_t);
  auto *tokens = static_cast<int32_t *>(frame->buffers[0]);
  auto *positions = static_cast<const int32_t *>(frame->buffers[1]);
  auto *output = static_cast<float *>(frame->buffers[2]);
  for (int64_t row = 0; row < frame->numTokens; ++row) {
    void *buffers[] = {tokens + row, output + row * fake::kVocab};
    TenonFrame one = *frame;
    one.cache += row * kPart;
    one.buffers = buffers;
    one.position = positions[row];
    one.numTokens = one.numRows = 1;
    runDecoder(&one);
  }
}

void runEncoder(const TenonFrame *frame) {
  sleepAsTold();
  auto *output = static_cast<float *>(frame->buffers[3]);
  for (int64_t i = 0; i < frame->numTokens; ++i) {
    for (int input = 0; input < 3; ++input)
      output[i * fake::kHidden + input] =
          static_cast<const int32_t *>(frame->buffers[input])[i];
    output[i * fake::kHidden + 3] = i;
  }
}

void runMaskedHead(const TenonFrame *frame) {
  auto *output = static_cast<float *>(frame->buffers[3]);
  for (int64_t i = 0; i < frame->numTokens; ++i)
    for (int v = 0; v < fake::kVocab; ++v) {
      int rank = v - fake::tokenOf('b');
      output[i * fake::kVocab + v] = rank >= 0 && rank < 20 ? 20.f - rank : 0.f;
    }
}

/// Scores of "short" and "paired": how many tokens are missing to 10, and the
/// sum of the segments.
void runClassify(const TenonFrame *frame) {
  auto *segments = static_cast<const int32_t *>(frame->buffers[1]);
  auto *output = static_cast<float *>(frame->buffers[3]);
  output[0] = 10 - frame->numTokens;
  output[1] = 0;
  for (int64_t i = 0; i < frame->numTokens; ++i)
    output[1] += segments[i];
}

/// Scores of "O", "B-X" and "I-X": bytes in turn, from 'a'.
void runTag(const TenonFrame *frame) {
  auto *tokens = static_cast<const int32_t *>(frame->buffers[0]);
  auto *output = static_cast<float *>(frame->buffers[3]);
  for (int64_t i = 0; i < frame->numTokens; ++i)
    for (int label = 0; label < 3; ++label)
      output[3 * i + label] =
          (tokens[i] + 300 - fake::tokenOf('a')) % 3 == label ? 20 : 0;
}

/// An answer begins at b and ends at d.
void runAnswer(const TenonFrame *frame) {
  auto *tokens = static_cast<const int32_t *>(frame->buffers[0]);
  auto *output = static_cast<float *>(frame->buffers[3]);
  for (int64_t i = 0; i < frame->numTokens; ++i) {
    output[2 * i] = tokens[i] == fake::tokenOf('b') ? 20 : 0;
    output[2 * i + 1] = tokens[i] == fake::tokenOf('d') ? 20 : 0;
  }
}

const TenonEntry kEntries[] = {
    {"prefill", runDecoder},        {"decode", runDecoder},
    {"decode_batch", runSequences}, {"forward", runEncoder},
    {"fill_mask", runMaskedHead},   {"classify", runClassify},
    {"name_tokens", runTag},        {"answer", runAnswer}};
constexpr uint32_t kNumEntries = std::size(kEntries);

const InputInfo kTokens = [] {
  InputInfo tokens{"ids", "token", "i32"};
  tokens.limit = fake::kVocab;
  return tokens;
}();

Metadata common() {
  Metadata meta;
  meta.tenonVersion = "0.1.0";
  meta.model.family = "fake";
  meta.model.name = "alphabet";
  meta.model.parameters = 42;
  meta.model.vocabSize = fake::kVocab;
  meta.model.context = fake::kContext;
  meta.model.hiddenSize = fake::kHidden;
  meta.model.layers = 1;
  meta.model.bos = {fake::kBos};
  meta.model.eos = {fake::kEos};
  meta.model.weightTypes = {{"f32", 4}};
  meta.memory.arena = 64;
  meta.variants = {{"quantum9000", "sse2,quantum", {}},
                   {"x86-64",
                    "sse2",
                    {{0, "store", "cache_append", "fake.tenon:1:2", "decode", {}},
                     {1, "head", "linear", "fake.tenon:3:4", "decode", {}}}}};
  return meta;
}

} // namespace

// The first can run nowhere: the runtime must take the second.
extern "C" {
const TenonVariant tenon_variants[] = {
    {"quantum9000", "sse2,quantum", kNumEntries, kEntries},
#ifdef FAKE_NO_USABLE_VARIANT
    {"quantum8000", "superposition", kNumEntries, kEntries},
#else
    {"x86-64", "sse2", kNumEntries, kEntries},
#endif
};
const uint32_t tenon_num_variants = 2;
}

Metadata fake::decoder() {
  Metadata meta = common();
  meta.memory.cache = kContext * sizeof(int32_t);
  // Two parts, as of keys and values, of 16 ids in 64 bytes.
  CacheInfo ids;
  ids.layers = ids.heads = ids.headDim = 1;
  ids.capacity = kContext / 2;
  ids.size = meta.memory.cache;
  ids.keys = ids.size / 2;
  meta.memory.caches = {ids};
  meta.memory.maxChunk = 16;
  for (const char *name : {"prefill", "decode"})
    meta.entries.push_back({.name = name,
                            .inputs = {kTokens},
                            .outputCols = kVocab,
                            .of = "forward",
                            .element = "token",
                            .incremental = true});
  return meta;
}

Metadata fake::sequences(int64_t count) {
  Metadata meta = decoder();
  meta.memory.sequences = count;
  meta.memory.cache *= count;
  meta.entries.push_back({.name = "decode_batch",
                          .inputs = {kTokens, {"positions", "position", "i32"}},
                          .outputCols = kVocab,
                          .of = "forward",
                          .element = "token",
                          .incremental = true});
  return meta;
}

Metadata fake::encoder() {
  Metadata meta = common();
  meta.model.isDecoder = false;
  meta.memory.maxChunk = kContext;
  // Any names: inputs are bound by their elements.
  InputInfo segments{"kinds", "token_type", "i32"};
  segments.limit = 2;
  std::vector<InputInfo> inputs{kTokens, segments, {"real", "bool", "i32"}};
  meta.entries.push_back({.name = "forward",
                          .inputs = inputs,
                          .outputCols = kHidden,
                          .outputRows = EntryInfo::Rows::Tokens,
                          .of = "forward"});
  meta.entries.push_back({.name = "fill_mask",
                          .inputs = inputs,
                          .outputCols = kVocab,
                          .outputRows = EntryInfo::Rows::Tokens,
                          .of = "fill_mask",
                          .element = "token"});
  meta.entries.push_back({.name = "classify",
                          .inputs = inputs,
                          .outputCols = 2,
                          .outputRows = EntryInfo::Rows::Fixed,
                          .of = "classify",
                          .element = "labels",
                          .labels = {"short", "paired"}});
  meta.entries.push_back({.name = "name_tokens",
                          .inputs = inputs,
                          .outputCols = 3,
                          .outputRows = EntryInfo::Rows::Tokens,
                          .of = "name_tokens",
                          .element = "labels",
                          .labels = {"O", "B-X", "I-X"}});
  meta.entries.push_back({.name = "answer",
                          .inputs = inputs,
                          .outputCols = 2,
                          .outputRows = EntryInfo::Rows::Tokens,
                          .of = "answer",
                          .element = "span"});
  return meta;
}
