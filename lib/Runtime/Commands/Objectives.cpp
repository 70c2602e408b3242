//===- Objectives.cpp - what a training can be asked to learn -------------===//
#include "Objectives.h"

#include "tenon/Runtime/Masking.h"
#include "tenon/Runtime/SpanCorruption.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cstdlib>

using namespace tenon;
using namespace tenon::runtime;

/// What an objective is, in words.
static const char *describeObjective(std::string_view name) {
  return name == "masked"    ? "to guess words that are hidden (masked[:X])"
         : name == "tags"    ? "a label of each token"
         : name == "classes" ? "a label of each text"
         : name == "sequence"
             ? "what follows another text, or hidden spans (span[:X[:L]])"
             : "to predict the next token";
}

Expected<Objective> Objective::parse(const std::string &text,
                                     const TrainingInfo &info) {
  Objective objective;
  std::string rest;
  size_t colon = text.find(':');
  objective.name = text.substr(0, colon);
  if (colon != text.npos)
    rest = text.substr(colon + 1);
  if (text.empty())
    objective.name = info.objective;
  bool hides = objective.name == "masked" || objective.name == "span";
  bool isIt = objective.name == info.objective ||
              (objective.name == "span" && info.objective == "sequence");
  bool isRead = rest.empty() == (colon == text.npos) && (hides || rest.empty());
  auto takeNumber = [&](double &to) {
    char *end = nullptr;
    to = std::strtod(rest.c_str(), &end);
    bool isLast = *end == 0;
    isRead &= end != rest.c_str() && (isLast || (*end == ':' && end[1]));
    rest = isLast ? "" : std::string(end + 1);
  };
  if (isRead && !rest.empty())
    takeNumber(objective.share);
  if (isRead && !rest.empty() && objective.name == "span")
    takeNumber(objective.meanLength);
  isRead &=
      rest.empty() && objective.share > 0 &&
      (objective.name == "span" ? objective.share < 1 : objective.share <= 1) &&
      objective.meanLength >= 1 && objective.meanLength <= 1e6;
  if (isIt && isRead)
    return objective;
  return plainError(strCat("--objective ", text, ": this program learns '",
                           info.objective, "', ",
                           describeObjective(info.objective)),
                    ExitCode::BadUsage);
}

static Expected<std::unique_ptr<Corruption>>
makeMasking(Program &program, const TrainingOptions &options,
            const Objective &objective) {
  Masking::Options masking;
  masking.share = objective.share;
  masking.seed = static_cast<uint64_t>(options.seed);
  masking.vocabulary = program.metadata().model.vocabSize;
  auto tokenizer = program.tokenizer();
  std::optional<int32_t> mask;
  if (tokenizer) {
    mask = (*tokenizer)->maskToken();
    for (int32_t id = 0; id < masking.vocabulary; ++id)
      masking.spared.push_back((*tokenizer)->isSpecial(id));
  }
  if (options.maskToken >= 0)
    mask = static_cast<int32_t>(
        std::min<int64_t>(options.maskToken, masking.vocabulary));
  if (!mask)
    return withNote(
        plainError("this program has no tokenizer with a mask token",
                   ExitCode::BadUsage),
        "--mask-token ID says which token hides a word");
  if (*mask >= masking.vocabulary)
    return plainError(strCat("--mask-token ", options.maskToken,
                             " is outside of the vocabulary (0 to ",
                             masking.vocabulary - 1, ")"),
                      ExitCode::BadUsage);
  masking.mask = *mask;
  return std::unique_ptr<Corruption>(
      std::make_unique<Masking>(std::move(masking)));
}

static Expected<std::unique_ptr<Corruption>>
makeSpans(Program &program, const TrainingOptions &options,
          const Objective &objective) {
  // As many as T5's vocabulary has.
  constexpr int64_t kMostSentinels = 100;
  const Metadata &metadata = program.metadata();
  SpanCorruption::Options spans;
  spans.share = objective.share;
  spans.meanLength = objective.meanLength;
  spans.seed = static_cast<uint64_t>(options.seed);
  spans.longest = std::min(metadata.memory.maxChunk, metadata.model.context);
  auto start = metadata.generation.decoderStart;
  if (!start)
    return plainError("the model doesn't say what a text begins with: "
                      "decoder_start_token_id of its configuration does");
  spans.start = static_cast<int32_t>(*start);
  if (!metadata.model.eos.empty())
    spans.end = metadata.model.eos.front();
  int64_t first = options.sentinel, most = metadata.model.vocabSize;
  if (first >= most)
    return plainError(strCat("--sentinel ", first,
                             " is outside of the vocabulary (0 to ", most - 1,
                             ")"),
                      ExitCode::BadUsage);
  for (int64_t i = 0; first >= 0 && i < kMostSentinels && i <= first; ++i)
    spans.sentinels.push_back(static_cast<int32_t>(first - i));
  if (auto tokenizer = program.tokenizer(); tokenizer && first < 0)
    for (int64_t i = 0; i < kMostSentinels; ++i) {
      auto id = (*tokenizer)->tokenId(strCat("<extra_id_", i, ">"));
      if (!id || *id >= most)
        break;
      spans.sentinels.push_back(*id);
    }
  if (spans.sentinels.empty())
    return withNote(
        plainError("this program has no tokenizer with '<extra_id_0>', which "
                   "stands for a hidden span",
                   ExitCode::BadUsage),
        "--sentinel ID says which token stands for the first span; those "
        "below it follow");
  return std::unique_ptr<Corruption>(
      std::make_unique<SpanCorruption>(std::move(spans)));
}

Expected<std::unique_ptr<Corruption>>
tenon::runtime::makeCorruption(Program &program, const TrainingInfo &info,
                               const TrainingOptions &options,
                               const Objective &objective) {
  if (objective.name == "masked")
    return makeMasking(program, options, objective);
  if (objective.name == "span")
    return makeSpans(program, options, objective);
  return std::unique_ptr<Corruption>();
}
