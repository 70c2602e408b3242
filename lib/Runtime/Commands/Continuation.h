//===- Continuation.h - one text that a model continues ---------*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_CONTINUATION_H
#define TENON_LIB_RUNTIME_COMMANDS_CONTINUATION_H

#include "tenon/Runtime/Metadata.h"
#include "tenon/Runtime/Npy.h"
#include "tenon/Runtime/Sampler.h"
#include "tenon/Runtime/TextOutput.h"
#include "tenon/Runtime/TokenRules.h"
#include "tenon/Tokenizer/Tokenizer.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tenon::runtime {

/// A text to continue, and its tokens.
struct Prompt {
  std::string text;
  std::vector<int32_t> tokens;
  std::vector<int32_t> source = {}; ///< what a decoder attends to
  /// The same, if it is no text; null: there is none.
  std::shared_ptr<const NamedArrays> arrays = {};
};

struct ContinuationOptions {
  SamplerOptions sampler;
  TokenRules rules;
  std::vector<std::string> stops;
  std::vector<int32_t> stopTokens; ///< special tokens that end a text
  int64_t count = -1;              ///< tokens at most; -1: until the text ends
  bool ignoreEnd = false;          ///< goes on where the text ends
  bool echo = true; ///< the prompt is shown before its continuation
  /// The ids of what is generated are shown rather than its text, the one that
  /// ends it included. No tokenizer is needed then.
  bool printTokens = false;
};

/// A text on its way: what was said so far, how its next token is chosen, and
/// where it is shown. Knows nothing of other texts, so that it is the same
/// beside them as alone.
class Continuation {
public:
  /// `tokenizer` may be null if only ids are shown.
  Continuation(const Metadata &metadata, const Tokenizer *tokenizer,
               const ContinuationOptions &options, Prompt prompt,
               OrderedOutput &output);

  /// Shows the prompt, if it is to be seen.
  Status begin();
  /// Chooses the next token from a row of logits; `position`: tokens in the
  /// context. True if the model is to be asked what follows it.
  Expected<bool> choose(std::span<const float> logits, int64_t position);
  /// Shows what is held back and ends the text with a line break, unless it is
  /// `cut` by an interruption.
  Status finish(bool cut = false);

  /// All tokens so far, those of the prompt first.
  const std::vector<int32_t> &tokens() const { return history; }
  const std::vector<int32_t> &source() const { return sourceTokens; }
  size_t promptTokens() const { return promptLength + sourceTokens.size(); }
  size_t generated() const { return history.size() - promptLength; }
  /// Whether it ended for want of room.
  bool isContextFull() const { return contextFull; }

private:
  bool endsText(int32_t token) const;
  Status show(int32_t token);

  const Metadata &metadata;
  const Tokenizer *tokenizer;
  const ContinuationOptions &options;
  std::string text;
  std::vector<int32_t> history, sourceTokens;
  size_t promptLength;
  Sampler sampler;
  TokenRules rules;
  std::vector<float> allowed; ///< logits after the rules
  TextStream stream;
  bool hasText; ///< before the next token
  bool contextFull = false;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_CONTINUATION_H
