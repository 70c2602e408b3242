//===- WorkBudget.h - what encoding one text may cost -----------*- C++ -*-===//
//
// A tokenizer is a stranger's: its steps may blow a text up or search it
// forever. All steps of one encoding draw on one budget in proportion to the
// text; past it they return early, and the encoding ends with a sentence.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_TOKENIZER_WORKBUDGET_H
#define TENON_LIB_TOKENIZER_WORKBUDGET_H

#include "tenon/Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tenon {

class WorkBudget {
public:
  /// For a text of so many bytes.
  explicit WorkBudget(size_t textSize);

  /// Pays for steps of some ten nanoseconds each. False: the budget is spent;
  /// `who` did it ("the regular expression '…'").
  bool spend(uint64_t cost, std::string_view who) {
    if (cost <= steps && !failed()) {
      steps -= cost;
      return true;
    }
    fail("takes too long on", who);
    return false;
  }

  /// False: a step has made too large a text.
  bool fits(size_t bytes, std::string_view who) {
    if (bytes <= bytesAllowed && !failed())
      return true;
    fail("makes too long a text of", who);
    return false;
  }

  /// Of many parts of a text: false when together they are too large.
  bool adds(size_t bytes, std::string_view who) {
    bytesMade += bytes;
    return fits(bytesMade, who);
  }

  bool failed() const { return !message.empty(); }
  /// "the regular expression '…' of the tokenizer takes too long on …".
  Error error() const;

private:
  void fail(std::string_view what, std::string_view who);

  size_t textSize, bytesAllowed, bytesMade = 0;
  uint64_t steps;
  std::string message;
};

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_WORKBUDGET_H
