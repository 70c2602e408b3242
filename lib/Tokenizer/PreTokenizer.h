//===- PreTokenizer.h - cutting text into pieces ----------------*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_PRETOKENIZER_H
#define TENON_LIB_TOKENIZER_PRETOKENIZER_H

#include "Regex.h"

#include "tenon/Tokenizer/TokenizerModel.h"

#include <optional>
#include <string>
#include <vector>

namespace tenon {

/// A text and its pieces in order; what lies between them is dropped.
struct Pieces {
  std::string text;
  std::vector<TextSpan> spans;

  std::string_view operator[](size_t i) const {
    return std::string_view(text).substr(spans[i].begin,
                                         spans[i].end - spans[i].begin);
  }
};

/// Applies a model's pre-tokenizer steps.
class PreTokenizer {
public:
  /// Compiles the steps' patterns.
  static Expected<PreTokenizer>
  create(const std::vector<PreTokenizerStep> &steps);

  /// Without steps the whole text is one piece. `atStart`: nothing precedes
  /// the text. No piece is empty.
  Pieces cut(std::string text, bool atStart, WorkBudget &budget) const;

private:
  struct Compiled {
    const PreTokenizerStep *step;
    std::optional<Regex> regex;
    bool seesAlphabet; // a ByteLevel step came before
  };
  std::vector<Compiled> steps;
};

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_PRETOKENIZER_H
