//===- TokenFile.h - token ids to learn from --------------------*- C++ -*-===//
//
// A file of raw little-endian u16 token ids, as nanoGPT writes them, cut into
// sequences of a length in the order of the file. What is left at the end is a
// shorter sequence, if it has something to predict.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_TOKENFILE_H
#define TENON_RUNTIME_TOKENFILE_H

#include "tenon/Support/Error.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tenon::runtime {

class TokenFile {
public:
  /// Errors: a file that cannot be read; of an odd size; too short to predict
  /// anything; an id that is not below `vocabulary`, with its place.
  static Expected<TokenFile> open(const std::string &path, int64_t vocabulary);

  uint64_t size() const { return tokens.size(); }
  /// How many sequences of at most `length` (2 or more) tokens there are.
  uint64_t count(int64_t length) const;
  std::span<const int32_t> sequence(uint64_t number, int64_t length) const;
  /// Of the tokens, so that another file is told apart.
  uint64_t hash() const { return digest; }

private:
  std::vector<int32_t> tokens;
  uint64_t digest = 0;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_TOKENFILE_H
