//===- Continuation.cpp - one text that a model continues -----------------===//
#include "Continuation.h"

#include "tenon/Support/Utf8.h"

#include <algorithm>

using namespace tenon;
using namespace tenon::runtime;

// Without the prompt in front the continuation still follows it: the blank
// between the two is part of it.
Continuation::Continuation(const Metadata &metadata, const Tokenizer *tokenizer,
                           const ContinuationOptions &options, Prompt prompt,
                           OrderedOutput &output)
    : metadata(metadata), tokenizer(tokenizer), options(options),
      text(std::move(prompt.text)), history(std::move(prompt.tokens)),
      sourceTokens(std::move(prompt.source)), promptLength(history.size()),
      sampler(options.sampler), rules(options.rules),
      stream(options.stops, output), hasText(!text.empty()) {
  if (options.count > 0)
    rules.maxLength = static_cast<int64_t>(promptLength) + options.count;
  if (options.ignoreEnd)
    rules.ends.clear();
}

Status Continuation::begin() {
  if (!options.echo || options.printTokens || text.empty())
    return {};
  return stream.writeWhole(replaceInvalidUtf8(text));
}

/// A model that was trained on texts joined by the beginning-of-text token
/// ends one by it (llama2.c stops there, too); what continues ids is the
/// model's own notion of an end alone.
bool Continuation::endsText(int32_t token) const {
  if (std::ranges::find(options.stopTokens, token) != options.stopTokens.end())
    return true;
  if (options.ignoreEnd)
    return false;
  auto among = [&](const std::vector<int32_t> &ids) {
    return std::ranges::find(ids, token) != ids.end();
  };
  return among(metadata.model.eos) ||
         (!options.printTokens && among(metadata.model.bos));
}

Status Continuation::show(int32_t token) {
  if (options.printTokens) {
    std::string id = std::to_string(token);
    return stream.writeWhole(generated() > 1 ? " " + id : id);
  }
  if (tokenizer->isSpecial(token))
    return {};
  std::string piece = tokenizer->decodePiece(token, !hasText);
  hasText = true;
  return stream.push(piece);
}

Expected<bool> Continuation::choose(std::span<const float> logits,
                                    int64_t position) {
  if (options.count == 0)
    return false;
  if (rules.any()) {
    allowed.assign(logits.begin(), logits.end());
    rules.apply(allowed, history, promptLength);
    logits = allowed;
  }
  auto token = sampler.sample(logits, history);
  if (!token)
    return token.takeError();
  bool ends = endsText(*token);
  if (ends && !options.printTokens)
    return false;
  history.push_back(*token);
  if (Status status = show(*token); !status)
    return status.takeError();
  if (ends || stream.stopped())
    return false;
  if (options.count > 0 && generated() == size_t(options.count))
    return false;
  contextFull = position == metadata.model.context;
  return !contextFull;
}

Status Continuation::finish(bool cut) {
  if (Status status = stream.finish(cut); !status || cut)
    return status;
  if (Status status = stream.writeWhole("\n"); !status)
    return status;
  return stream.close();
}
