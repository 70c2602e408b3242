//===- TokenizerModel.cpp - checks on a tokenizer's data -----------------===//

#include "tenon/Tokenizer/TokenizerModel.h"

#include "CharsMap.h"

#include "tenon/Support/CheckedMath.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cmath>

using namespace tenon;

// Bounds that no tokenizer in use comes near. They keep a small file from
// asking for much work: a step's content is inserted at each place that it
// matches.
static constexpr size_t maxSteps = 64;
static constexpr size_t maxContent = 1024;
static constexpr uint64_t maxGrowth = 256;
static constexpr uint64_t maxDecoderGrowth = 64;
static constexpr size_t maxAffix = 64;
static constexpr uint64_t maxAddedBytes = 2 << 20;

std::optional<uint8_t> tenon::byteOfToken(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>')
    return std::nullopt;
  unsigned value = 0;
  for (char c : piece.substr(3, 2)) {
    unsigned digit;
    if (c >= '0' && c <= '9')
      digit = static_cast<unsigned>(c - '0');
    else if (c >= 'A' && c <= 'F')
      digit = static_cast<unsigned>(c - 'A') + 10;
    else if (c >= 'a' && c <= 'f')
      digit = static_cast<unsigned>(c - 'a') + 10;
    else
      return std::nullopt;
    value = value * 16 + digit;
  }
  return static_cast<uint8_t>(value);
}

namespace {
class Verifier {
public:
  Verifier(const TokenizerModel &model, std::string_view place)
      : model(model), place(place) {}

  Status run() {
    for (Status (Verifier::*check)() :
         {&Verifier::checkPieces, &Verifier::checkMerges,
          &Verifier::checkScores, &Verifier::checkIds,
          &Verifier::checkAddedTokens, &Verifier::checkSteps})
      if (Status status = (this->*check)(); !status)
        return status;
    return Status::success();
  }

private:
  Status checkPieces();
  Status checkMerges();
  Status checkScores();
  Status checkIds();
  Status checkAddedTokens();
  Status checkSteps();

  template <class... Args> Error fail(const Args &...args) const {
    return errorInFile(place, strCat(args...));
  }
  bool isToken(int64_t id) const {
    return id >= 0 && static_cast<uint64_t>(id) < model.pieces.size();
  }

  const TokenizerModel &model;
  std::string_view place;
};
} // namespace

Status Verifier::checkPieces() {
  const std::vector<uint32_t> &ends = model.pieces.ends;
  if (ends.empty() || ends.front() != 0 ||
      !std::is_sorted(ends.begin(), ends.end()) ||
      ends.back() != model.pieces.bytes.size())
    return fail("the vocabulary's table of texts is broken");
  if (model.pieces.size() == 0)
    return fail("the vocabulary is empty");
  if (model.pieces.size() > INT32_MAX)
    return fail("the vocabulary has ", model.pieces.size(), " tokens");
  if (model.kinds.size() != model.pieces.size())
    return fail("the vocabulary has ", model.pieces.size(), " tokens and ",
                model.kinds.size(), " token types");
  for (size_t id = 0; id < model.kinds.size(); ++id) {
    if (model.kinds[id] > TokenKind::Special)
      return fail("token ", id, " has an unknown type");
    if (model.kinds[id] == TokenKind::Byte && !byteOfToken(model.pieces[id]))
      return fail("the byte token ", id, " is ", quoteName(model.pieces[id]),
                  ", expected <0x00> to <0xFF>");
  }
  return Status::success();
}

// A merge makes a longer text out of two shorter ones, so merges cannot go in
// circles.
Status Verifier::checkMerges() {
  for (size_t i = 0; i < model.merges.size(); ++i) {
    const MergeRule &rule = model.merges[i];
    for (uint32_t id : {rule.left, rule.right, rule.result})
      if (!isToken(id))
        return fail("merge ", i, " has the token ", id,
                    ", the vocabulary ends at ", model.pieces.size() - 1);
    std::string_view left = model.pieces[rule.left];
    std::string_view right = model.pieces[rule.right];
    std::string_view result = model.pieces[rule.result];
    if (!model.continuingPrefix.empty() &&
        right.starts_with(model.continuingPrefix))
      right.remove_prefix(model.continuingPrefix.size());
    if (left.empty() || right.empty() ||
        result.size() != left.size() + right.size() ||
        !result.starts_with(left) || !result.ends_with(right))
      return fail("merge ", i, " makes ", quoteName(result), " of ",
                  quoteName(left), " and ", quoteName(right));
  }
  return Status::success();
}

Status Verifier::checkScores() {
  bool isUnigram = model.algorithm == TokenizerModel::Algorithm::Unigram;
  if (model.scores.size() != (isUnigram ? model.pieces.size() : 0))
    return fail("the vocabulary has ", model.pieces.size(), " tokens and ",
                model.scores.size(), " scores");
  for (double score : model.scores)
    if (std::isnan(score) || score == INFINITY)
      return fail("a score is no number");
  return Status::success();
}

Status Verifier::checkIds() {
  if (model.unknown != -1 && !isToken(model.unknown))
    return fail("the unknown token is ", model.unknown,
                ", the vocabulary ends at ", model.pieces.size() - 1);
  for (const std::vector<int32_t> *affix :
       {&model.prefix, &model.suffix, &model.middle}) {
    if (affix->size() > maxAffix)
      return fail(affix->size(), " tokens go around a text, at most ", maxAffix,
                  " are allowed");
    for (int32_t id : *affix)
      if (!isToken(id))
        return fail("the special token ", id,
                    " is out of range, the vocabulary ends at ",
                    model.pieces.size() - 1);
  }
  if (model.maxCharsPerWord == 0)
    return fail("a word may have 0 characters");
  if (model.continuingPrefix.size() > maxContent)
    return fail("the prefix of continuing pieces has ",
                model.continuingPrefix.size(), " bytes");
  return Status::success();
}

Status Verifier::checkAddedTokens() {
  uint64_t bytes = 0;
  for (const AddedToken &token : model.added) {
    bytes += token.content.size();
    if (bytes > maxAddedBytes)
      return fail("the added tokens have more than ", maxAddedBytes, " bytes");
    if (!isToken(token.id))
      return fail("the added token ", quoteName(token.content), " has the id ",
                  token.id, ", the vocabulary ends at ",
                  model.pieces.size() - 1);
    if (token.content.empty())
      return fail("the added token ", token.id, " is empty");
  }
  return Status::success();
}

Status Verifier::checkSteps() {
  if (model.normalizer.size() > maxSteps ||
      model.preTokenizer.size() > maxSteps || model.decoder.size() > maxSteps)
    return fail("more than ", maxSteps,
                " steps in the normalizer, the pre-tokenizer or the decoder");
  auto tooLong = [&](std::string_view content) {
    return fail("a step inserts ", content.size(), " bytes, at most ",
                maxContent, " are allowed");
  };
  // How much longer a text may become; CJK blanks and normalization forms are
  // bounded by small factors of their own.
  uint64_t growth = 1;
  for (const NormalizerStep &step : model.normalizer) {
    if (step.kind > NormalizerStep::Kind::SpellBytes)
      return fail("an unknown normalizer step");
    if (step.content.size() > maxContent)
      return tooLong(step.content);
    if ((step.kind == NormalizerStep::Kind::CharsMap ||
         step.kind == NormalizerStep::Kind::GraphemeCharsMap) &&
        !CharsMap::isWellFormed(step.pattern))
      return fail("the normalizer's compiled rules are damaged");
    if (step.kind == NormalizerStep::Kind::Replace && step.pattern.empty())
      return fail("the normalizer replaces an empty text");
    if (step.kind == NormalizerStep::Kind::Replace)
      growth *= 1 + step.content.size() / step.pattern.size();
    if (step.kind == NormalizerStep::Kind::ReplaceRegex)
      growth *= 1 + step.content.size();
    if (growth > maxGrowth)
      return fail("the normalizer's replacements may make a text more than ",
                  maxGrowth, " times longer");
  }
  for (const PreTokenizerStep &step : model.preTokenizer) {
    if (step.kind > PreTokenizerStep::Kind::FixedLength ||
        step.behavior > PreTokenizerStep::Behavior::Contiguous ||
        step.prepend > PreTokenizerStep::Prepend::Never)
      return fail("an unknown pre-tokenizer step");
    if (step.content.size() > maxContent)
      return tooLong(step.content);
    if (step.kind == PreTokenizerStep::Kind::FixedLength && step.length == 0)
      return fail("the pre-tokenizer makes pieces of no length");
    if (step.kind == PreTokenizerStep::Kind::Metaspace && step.content.empty())
      return fail("the pre-tokenizer replaces blanks by nothing");
  }
  growth = 1;
  for (const DecoderStep &step : model.decoder) {
    if (step.kind == DecoderStep::Kind::Replace && !step.pattern.empty())
      growth *= 1 + step.content.size() / step.pattern.size();
    if (growth > maxDecoderGrowth)
      return fail("the decoder's replacements may make a token more than ",
                  maxDecoderGrowth, " times longer");
    if (step.kind > DecoderStep::Kind::Ctc)
      return fail("an unknown decoder step");
    if (step.content.size() > maxContent)
      return tooLong(step.content);
    bool needsPattern = step.kind == DecoderStep::Kind::Replace ||
                        step.kind == DecoderStep::Kind::Metaspace ||
                        step.kind == DecoderStep::Kind::ReplaceRegex ||
                        step.kind == DecoderStep::Kind::EndOfWord;
    if (needsPattern && step.pattern.empty())
      return fail("the decoder replaces an empty text");
    if (step.kind == DecoderStep::Kind::Strip && step.content.empty())
      return fail("the decoder strips an empty text");
  }
  return Status::success();
}

Status TokenizerModel::verify(std::string_view place) const {
  return Verifier(*this, place).run();
}
