//===- Normalizer.h - rewriting text before it is cut -----------*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_NORMALIZER_H
#define TENON_LIB_TOKENIZER_NORMALIZER_H

#include "CharsMap.h"
#include "Regex.h"

#include "tenon/Tokenizer/TokenizerModel.h"

#include <optional>
#include <string>
#include <vector>

namespace tenon {

/// Applies a model's normalizer steps. Invalid UTF-8 passes through.
class Normalizer {
public:
  /// Compiles the steps' patterns.
  static Expected<Normalizer> create(const std::vector<NormalizerStep> &steps);

  /// `atStart`: nothing precedes the text.
  std::string normalize(std::string text, WorkBudget &budget,
                        bool atStart = true) const;

private:
  struct Compiled {
    const NormalizerStep *step;
    std::optional<Regex> regex;
    std::optional<CharsMap> charsMap;
  };
  static std::string apply(const Compiled &compiled, std::string text,
                           WorkBudget &budget, bool atStart);

  std::vector<Compiled> steps;
};

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_NORMALIZER_H
