//===- TrainingData.cpp - sequences of tokens to learn from ---------------===//
#include "tenon/Runtime/TrainingData.h"

#include "tenon/Support/Hash.h"
#include "tenon/Support/MappedFile.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cstring>

using namespace tenon;
using namespace tenon::runtime;

/// Bytes before the ids: those of llm.c's header (a magic number, version 1,
/// the number of tokens, the rest of 256 numbers of 32 bits), if it is one.
static size_t headerSize(std::span<const std::byte> bytes) {
  constexpr size_t size = 1024;
  int32_t numbers[3];
  if (bytes.size() < size)
    return 0;
  std::memcpy(numbers, bytes.data(), sizeof numbers);
  bool isHeader =
      numbers[0] == 20240520 && numbers[1] == 1 &&
      static_cast<uint32_t>(numbers[2]) == (bytes.size() - size) / 2;
  return isHeader ? size : 0;
}

Expected<TrainingData> TrainingData::readTokens(const std::string &path,
                                                int64_t vocabulary,
                                                int64_t length) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  std::span<const std::byte> bytes = file->bytes();
  if (bytes.size() % 2)
    return withNote(errorInFile(path, strCat("the file has ", bytes.size(),
                                             " bytes, an odd number")),
                    "token ids are raw little-endian numbers of 16 bits");
  size_t begin = headerSize(bytes), count = (bytes.size() - begin) / 2;
  if (count < 2)
    return errorInFile(path, strCat("the file has ", count,
                                    " tokens: at least two are needed, one to "
                                    "predict the other from"));
  std::vector<int32_t> ids;
  ids.reserve(count);
  for (size_t at = begin; at < bytes.size(); at += 2) {
    int32_t id = static_cast<int32_t>(bytes[at]) |
                 static_cast<int32_t>(bytes[at + 1]) << 8;
    if (id >= vocabulary)
      return withNote(
          errorAtOffset(path, at,
                        strCat("token ", id,
                               " is outside of the vocabulary (0 to ",
                               vocabulary - 1, ")")),
          "the file holds ids of another vocabulary, or is no file of ids");
    ids.push_back(id);
  }
  TrainingData data;
  for (size_t at = 0; at + 2 <= count; at += length)
    data.add(std::span(ids).subspan(at, std::min<size_t>(length, count - at)));
  return data;
}

void TrainingData::add(std::span<const int32_t> sequence,
                       const std::vector<bool> &learned) {
  if (sequence.empty())
    return;
  uint64_t count = learned.empty()
                       ? sequence.size() - 1
                       : std::count(learned.begin() + 1, learned.end(), true);
  if (count == 0)
    return;
  if (count != sequence.size() - 1 && targets.empty() && !tokens.empty()) {
    targets.assign(tokens.begin() + 1, tokens.end());
    targets.push_back(-1);
  }
  bool keepsTargets = !targets.empty() || count != sequence.size() - 1;
  tokens.insert(tokens.end(), sequence.begin(), sequence.end());
  if (keepsTargets) {
    for (size_t i = 1; i < sequence.size(); ++i)
      targets.push_back(learned.empty() || learned[i] ? sequence[i] : -1);
    targets.push_back(-1);
  }
  begins.push_back(tokens.size());
  asked.push_back(count);
}

void TrainingData::addLabelled(std::span<const int32_t> sequence,
                               std::span<const int32_t> labels) {
  uint64_t count =
      std::ranges::count_if(labels, [](int32_t l) { return l >= 0; });
  if (count == 0)
    return;
  isLabelled = true;
  tokens.insert(tokens.end(), sequence.begin(), sequence.end());
  targets.insert(targets.end(), labels.begin(), labels.end());
  targets.resize(tokens.size(), -1);
  begins.push_back(tokens.size());
  asked.push_back(count);
}

void TrainingData::addAfter(std::span<const int32_t> source,
                            std::span<const int32_t> sequence) {
  size_t before = begins.size();
  add(sequence);
  if (begins.size() == before)
    return;
  sources.insert(sources.end(), source.begin(), source.end());
  sourceBegins.push_back(sources.size());
}

TrainingSequence TrainingData::sequence(uint64_t number) const {
  size_t begin = begins[number], size = begins[number + 1] - begin;
  TrainingSequence sequence;
  sequence.tokens = std::span(tokens).subspan(begin, size);
  sequence.fed = static_cast<int64_t>(isLabelled ? size : size - 1);
  sequence.targets = targets.empty()
                         ? sequence.tokens.subspan(1)
                         : std::span(targets).subspan(begin, sequence.fed);
  sequence.asked = static_cast<int64_t>(asked[number]);
  if (sourceBegins.size() == begins.size()) {
    size_t from = sourceBegins[number];
    sequence.source =
        std::span(sources).subspan(from, sourceBegins[number + 1] - from);
  }
  return sequence;
}

uint64_t TrainingData::hash() const {
  StreamingHash hash;
  hash.update(std::as_bytes(std::span(tokens)));
  hash.update(std::as_bytes(std::span(targets)));
  hash.update(std::as_bytes(std::span(begins)));
  if (!sources.empty()) {
    hash.update(std::as_bytes(std::span(sources)));
    hash.update(std::as_bytes(std::span(sourceBegins)));
  }
  return hash.digest();
}
