//===- FakeTokenizer.h - one token per byte ---------------------*- C++ -*-===//
#ifndef TENON_TEST_UNIT_RUNTIME_FAKETOKENIZER_H
#define TENON_TEST_UNIT_RUNTIME_FAKETOKENIZER_H

#include <string>

namespace fake {

/// The serialized tokenizer of the fake module's vocabulary. It puts <s> before
/// a text and, for the encoder, </s> after it.
std::string tokenizer(bool isEncoder);

} // namespace fake

#endif // TENON_TEST_UNIT_RUNTIME_FAKETOKENIZER_H
