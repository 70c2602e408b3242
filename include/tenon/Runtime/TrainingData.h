//===- TrainingData.h - sequences of tokens to learn from -------*- C++ -*-===//
//
// What a training reads, in memory: sequences of at most a length, each of
// which is computed by itself. So texts are never padded, and none sees another
// one. A sequence of T tokens has T - 1 targets: each token but the first, or
// those of them that are to be learned. With labels it has T, or one of a text.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_TRAININGDATA_H
#define TENON_RUNTIME_TRAININGDATA_H

#include "tenon/Support/Error.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tenon::runtime {

/// Views of the data they came from.
struct TrainingSequence {
  std::span<const int32_t> tokens;
  /// Of each token that is fed, what should follow it, or what it is; negative:
  /// nothing is learned there. Of a text with one label that one comes first.
  std::span<const int32_t> targets;
  int64_t asked = 0; ///< targets that are not negative
  /// How many tokens the model gets: all, or all but the last, which is a
  /// target only.
  int64_t fed = 0;
  std::span<const int32_t> source; ///< of a model that reads another text
};

class TrainingData {
public:
  /// A file of raw little-endian u16 ids, as nanoGPT writes them, or with the
  /// header of llm.c, cut into sequences of `length` (2 or more) in the order
  /// of the file; what is left at the end is a shorter one, if it has something
  /// to predict. Errors: a file that cannot be read; of an odd size; too short
  /// to predict anything; an id that is not below `vocabulary`, with its place.
  static Expected<TrainingData> readTokens(const std::string &path,
                                           int64_t vocabulary, int64_t length);

  /// Adds a sequence of two tokens or more, of which tokens that are not
  /// `learned` (empty: all are) are no targets. One without a target is left
  /// out.
  void add(std::span<const int32_t> tokens,
           const std::vector<bool> &learned = {});
  /// Adds a sequence whose tokens are all fed, with a target for each of them,
  /// or for the text. One without a target is left out.
  void addLabelled(std::span<const int32_t> tokens,
                   std::span<const int32_t> labels);
  /// Adds a sequence of two tokens or more that follows a source.
  void addAfter(std::span<const int32_t> source,
                std::span<const int32_t> tokens);

  uint64_t count() const { return begins.size() - 1; }
  uint64_t numTokens() const { return tokens.size(); }
  TrainingSequence sequence(uint64_t number) const;
  /// Of all of it, so that other data are told apart.
  uint64_t hash() const;

private:
  std::vector<int32_t> tokens;
  /// As long as the tokens, once a sequence has tokens that are not learned;
  /// until then a token's target is the next one.
  std::vector<int32_t> targets;
  std::vector<uint64_t> begins = {0}; ///< of sequences, and the end
  std::vector<uint64_t> asked;        ///< targets of each sequence
  bool isLabelled = false;            ///< targets are of the tokens themselves
  std::vector<int32_t> sources;
  std::vector<uint64_t> sourceBegins = {0}; ///< as `begins`, if there are any
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_TRAININGDATA_H
