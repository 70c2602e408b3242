//===- FakeModule.h - stands for a generated object in tests ----*- C++ -*-===//
//
// A model whose output is easy to foretell, behind the same C interface as
// compiled kernels. Its vocabulary is <unk> <s> </s>, the 256 bytes, and
// [MASK]. It writes the alphabet: after 'a' comes 'b', after 'z' the end of the
// text, after <s> 'a'. Digits go round for ever, and after 'X' comes an endless
// "éé".
//
// Environment: FAKE_STEP_MS makes every call so slow, FAKE_NAN spoils logits.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TEST_UNIT_RUNTIME_FAKEMODULE_H
#define TENON_TEST_UNIT_RUNTIME_FAKEMODULE_H

#include "tenon/Runtime/Metadata.h"
#include "tenon/Support/Error.h"

#include <atomic>
#include <string>
#include <string_view>

namespace fake {

constexpr int kBos = 1, kEos = 2, kFirstByte = 3, kMask = 259;
constexpr int kVocab = 260;
constexpr int kContext = 64;
constexpr int kHidden = 4;
constexpr float kWeight = 0.25f; ///< the whole "weights" section

constexpr int tokenOf(unsigned char byte) { return kFirstByte + byte; }

/// Rows of logits computed so far.
extern std::atomic<int> rowsComputed;

tenon::runtime::Metadata decoder();
/// A decoder of several sequences together.
tenon::runtime::Metadata sequences(int64_t count);
/// "forward" gives token, token type, valid and position of every token;
/// "masked_lm" wants 'b', then 'c', then … at every token.
tenon::runtime::Metadata encoder();

/// Appends a payload to a copy of `elf`: weights, and the tokenizer's bytes
/// unless there are none.
tenon::Status writeExecutable(const std::string &elf, const std::string &path,
                              const tenon::runtime::Metadata &metadata,
                              std::string_view tokenizer = {});

} // namespace fake

#endif // TENON_TEST_UNIT_RUNTIME_FAKEMODULE_H
