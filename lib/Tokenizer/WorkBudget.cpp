//===- WorkBudget.cpp - what encoding one text may cost ------------------===//

#include "WorkBudget.h"

#include "tenon/Support/Strings.h"

using namespace tenon;

// Tokenizers in use need some five steps for a byte. The most that they add is
// a decomposition (three times the bytes of Hangul) and marks for blanks.
static constexpr uint64_t baseSteps = 2'000'000;
static constexpr uint64_t stepsPerByte = 100;
static constexpr size_t baseBytes = size_t(1) << 20;
static constexpr size_t bytesPerByte = 4;

WorkBudget::WorkBudget(size_t textSize)
    : textSize(textSize), bytesAllowed(baseBytes + bytesPerByte * textSize),
      steps(baseSteps + stepsPerByte * textSize) {}

void WorkBudget::fail(std::string_view what, std::string_view who) {
  if (!failed())
    message = strCat(who, " of the tokenizer ", what, " ", textSize,
                     textSize == 1 ? " byte" : " bytes");
}

Error WorkBudget::error() const {
  return withNote(plainError(message),
                  "no tokenizer in use needs as much; shorter texts may do");
}
