//===- CaseFolding.h - what (?i) takes as equal -----------------*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_CASEFOLDING_H
#define TENON_LIB_TOKENIZER_CASEFOLDING_H

#include "CodePointSet.h"

#include <string>
#include <vector>

namespace tenon {

/// The set with all code points that fold to what one of its members folds to.
CodePointSet closeOverCase(const CodePointSet &set);

char32_t simpleFolding(char32_t c);

/// A code point that folds to several ("ß" to "ss").
struct LongFolding {
  char32_t c;
  std::u32string to;
};
const std::vector<LongFolding> &longFoldings();

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_CASEFOLDING_H
