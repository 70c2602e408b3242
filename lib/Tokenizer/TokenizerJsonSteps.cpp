//===- TokenizerJsonSteps.cpp - the pipeline in tokenizer.json -----------===//
//
// Each member is one step or a "Sequence" of steps. Steps that are special
// cases of others become those: pre-tokenizers that cut at classes of
// characters are regular expressions, BERT's normalizer is five small steps.
//
//===----------------------------------------------------------------------===//

#include "TokenizerJson.h"

#include "CharsMap.h"
#include "MessageText.h"
#include "Regex.h"

#include "tenon/Support/Strings.h"

using namespace tenon;
using nlohmann::json;

// GPT-2's pattern, from its encoder.py.
static constexpr std::string_view gpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
// ASCII symbols count as punctuation too, as in BERT's _is_punctuation.
static constexpr std::string_view punctuationPattern =
    R"([\p{P}!-/:-@\[-`{-~])";

// \w+|[^\w\s]+ of Rust's regex crate, which has joiners and no fractions.
static constexpr std::string_view whitespacePattern =
    R"([\w\p{Join_Control}]+|[^\w\p{Join_Control}\s]+)";

// Calls `read(step)` for a step or for each step of a sequence. Sequences may
// hold sequences; parseJson bounds how deep.
template <class Read>
static Status forEachStep(const json *value, std::string_view what,
                          const char *sequenceKey, const JsonPlace &place,
                          Read read) {
  if (!value)
    return Status::success();
  std::string type = stringMember(*value, "type");
  if (type != "Sequence")
    return read(*value, type);
  const json *steps = findMember(*value, sequenceKey);
  if (!steps || !steps->is_array())
    return place.errorAt(strCat("expected an array \"", sequenceKey,
                                "\" in the ", what, " 'Sequence'"),
                         *value);
  for (const json &step : *steps)
    if (Status status = forEachStep(&step, what, sequenceKey, place, read);
        !status)
      return status;
  return Status::success();
}

static Error unsupported(const JsonPlace &place, std::string_view what,
                         const json &step, const std::string &type) {
  if (type.empty())
    return place.errorAt(strCat("a ", what, " has no \"type\""), step);
  return place.errorAt(
      strCat("the ", what, ' ', quoteName(type), " is not supported"), step);
}

static std::optional<uint32_t>
smallCount(const json &step, std::string_view key, int64_t fallback = 0) {
  const json *member = findMember(step, key);
  std::optional<int64_t> count = member ? asInteger(*member) : fallback;
  if (!count || *count < 0 || *count > UINT32_MAX)
    return std::nullopt;
  return static_cast<uint32_t>(*count);
}

// RFC 4648, with or without padding; nullopt when the text is something else.
static std::optional<std::string> decodeBase64(std::string_view text) {
  std::string out;
  uint32_t bits = 0, count = 0;
  while (text.ends_with('='))
    text.remove_suffix(1);
  for (char c : text) {
    uint32_t value;
    if (c >= 'A' && c <= 'Z')
      value = static_cast<uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      value = static_cast<uint32_t>(c - 'a') + 26;
    else if (c >= '0' && c <= '9')
      value = static_cast<uint32_t>(c - '0') + 52;
    else if (c == '+' || c == '/')
      value = c == '+' ? 62 : 63;
    else
      return std::nullopt;
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  return out;
}

/// {"String": "x"} or {"Regex": "x"}.
struct Pattern {
  std::string text;
  bool isRegex;
};

/// The pattern of a step, which `what` names: "the decoder 'Replace'".
static Expected<Pattern> readPattern(const json &step, std::string_view what,
                                     const JsonPlace &place) {
  const json *pattern = findMember(step, "pattern");
  if (!pattern)
    return place.errorAt(strCat(what, " has no pattern"), step);
  if (const json *text = findMember(*pattern, "Regex");
      text && asString(*text)) {
    // It is compiled again where it is used, from whatever file.
    if (Expected<Regex> regex = Regex::compile(*asString(*text)); !regex)
      return place.errorAt(withoutHead(regex.error().message), *text);
    return Pattern{*asString(*text), true};
  }
  if (const json *text = findMember(*pattern, "String");
      text && asString(*text))
    return Pattern{*asString(*text), false};
  return place.errorAt(strCat(what, " has no pattern"), *pattern);
}

//===----------------------------------------------------------------------===//
// Normalizers
//===----------------------------------------------------------------------===//

static void addBertNormalizer(const json &step, TokenizerModel &model) {
  using Kind = NormalizerStep::Kind;
  auto add = [&](Kind kind) { model.normalizer.push_back({kind, {}, {}}); };
  bool lowercase = boolMember(step, "lowercase", true);
  if (boolMember(step, "clean_text", true))
    add(Kind::CleanText);
  if (boolMember(step, "handle_chinese_chars", true))
    add(Kind::SpaceChineseChars);
  // null: as lowercase says.
  if (boolMember(step, "strip_accents", lowercase)) {
    add(Kind::NFD);
    add(Kind::StripAccents);
  }
  if (lowercase)
    add(Kind::Lowercase);
}

Status tenon::readNormalizer(const json *value, const JsonPlace &place,
                             TokenizerModel &model) {
  using Kind = NormalizerStep::Kind;
  auto read = [&](const json &step, const std::string &type) -> Status {
    auto add = [&](Kind kind, std::string pattern = {},
                   std::string content = {}) {
      model.normalizer.push_back(
          {kind, std::move(pattern), std::move(content)});
      return Status::success();
    };
    if (type == "Prepend")
      return add(Kind::Prepend, {}, stringMember(step, "prepend"));
    if (type == "Append")
      return add(Kind::Append, {}, stringMember(step, "append"));
    if (type == "Replace") {
      Expected<Pattern> pattern =
          readPattern(step, "the normalizer 'Replace'", place);
      if (!pattern)
        return pattern.takeError();
      return add(pattern->isRegex ? Kind::ReplaceRegex : Kind::Replace,
                 pattern->text, stringMember(step, "content"));
    }
    if (type == "BertNormalizer") {
      addBertNormalizer(step, model);
      return Status::success();
    }
    if (type == "Strip") {
      if (boolMember(step, "strip_left", true))
        model.normalizer.push_back({Kind::StripLeft, {}, {}});
      if (boolMember(step, "strip_right", true))
        model.normalizer.push_back({Kind::StripRight, {}, {}});
      return Status::success();
    }
    if (type == "Precompiled") {
      std::optional<std::string> rules =
          decodeBase64(stringMember(step, "precompiled_charsmap"));
      if (!rules || !CharsMap::isWellFormed(*rules))
        return place.errorAt(
            "the normalizer 'Precompiled' has no compiled rules "
            "in base64",
            step);
      return add(Kind::GraphemeCharsMap, *std::move(rules));
    }
    for (auto [name, kind] :
         {std::pair("Nmt", Kind::Nmt), std::pair("ByteLevel", Kind::SpellBytes),
          std::pair("Lowercase", Kind::Lowercase),
          std::pair("StripAccents", Kind::StripMarks),
          std::pair("NFC", Kind::NFC), std::pair("NFD", Kind::NFD),
          std::pair("NFKC", Kind::NFKC), std::pair("NFKD", Kind::NFKD)})
      if (type == name)
        return add(kind);
    return unsupported(place, "normalizer", step, type);
  };
  return forEachStep(value, "normalizer", "normalizers", place, read);
}

//===----------------------------------------------------------------------===//
// Pre-tokenizers
//===----------------------------------------------------------------------===//

using Behavior = PreTokenizerStep::Behavior;

static std::optional<Behavior> parseBehavior(std::string_view name) {
  for (auto [spelling, behavior] :
       {std::pair("Isolated", Behavior::Isolated),
        std::pair("Removed", Behavior::Removed),
        std::pair("MergedWithPrevious", Behavior::MergedWithPrevious),
        std::pair("MergedWithNext", Behavior::MergedWithNext),
        std::pair("Contiguous", Behavior::Contiguous)})
    if (name == spelling)
      return behavior;
  return std::nullopt;
}

static void addSplit(TokenizerModel &model, std::string_view pattern,
                     Behavior behavior, bool invert = false) {
  PreTokenizerStep step;
  step.kind = PreTokenizerStep::Kind::Split;
  step.pattern = pattern;
  step.behavior = behavior;
  step.invert = invert;
  model.preTokenizer.push_back(std::move(step));
}

static Status addSplitStep(const json &step, const JsonPlace &place,
                           TokenizerModel &model) {
  Expected<Pattern> pattern =
      readPattern(step, "the pre-tokenizer 'Split'", place);
  std::string name = stringMember(step, "behavior");
  std::optional<Behavior> behavior = parseBehavior(name);
  if (!pattern)
    return pattern.takeError();
  if (!behavior)
    return place.errorAt(strCat("unknown behavior ", quoteName(name),
                                " of the pre-tokenizer 'Split'"),
                         step);
  addSplit(model,
           pattern->isRegex ? pattern->text : Regex::escape(pattern->text),
           *behavior, boolMember(step, "invert", false));
  return Status::success();
}

static Status addMetaspace(const json &step, const JsonPlace &place,
                           TokenizerModel &model) {
  PreTokenizerStep metaspace;
  metaspace.kind = PreTokenizerStep::Kind::Metaspace;
  metaspace.content = stringMember(step, "replacement", "▁");
  metaspace.cut = boolMember(step, "split", true);
  // Old files have add_prefix_space instead.
  std::string scheme = stringMember(
      step, "prepend_scheme",
      boolMember(step, "add_prefix_space", true) ? "always" : "never");
  using Prepend = PreTokenizerStep::Prepend;
  if (scheme == "always")
    metaspace.prepend = Prepend::Always;
  else if (scheme == "first")
    metaspace.prepend = Prepend::First;
  else if (scheme == "never")
    metaspace.prepend = Prepend::Never;
  else
    return place.errorAt(strCat("unknown prepend_scheme ", quoteName(scheme)),
                         step);
  model.preTokenizer.push_back(std::move(metaspace));
  return Status::success();
}

static void addByteLevel(const json &step, TokenizerModel &model) {
  PreTokenizerStep part;
  if (boolMember(step, "add_prefix_space", true)) {
    part.kind = PreTokenizerStep::Kind::PrefixSpace;
    model.preTokenizer.push_back(part);
  }
  if (boolMember(step, "use_regex", true))
    addSplit(model, gpt2Pattern, Behavior::Isolated);
  part.kind = PreTokenizerStep::Kind::ByteLevel;
  model.preTokenizer.push_back(part);
  model.byteLevel = true;
}

Status tenon::readPreTokenizer(const json *value, const JsonPlace &place,
                               TokenizerModel &model) {
  auto read = [&](const json &step, const std::string &type) -> Status {
    if (type == "Split")
      return addSplitStep(step, place, model);
    if (type == "Metaspace")
      return addMetaspace(step, place, model);
    if (type == "ByteLevel") {
      addByteLevel(step, model);
    } else if (type == "BertPreTokenizer") {
      addSplit(model, R"(\s+)", Behavior::Removed);
      addSplit(model, punctuationPattern, Behavior::Isolated);
    } else if (type == "Whitespace") {
      addSplit(model, whitespacePattern, Behavior::Removed, /*invert=*/true);
    } else if (type == "WhitespaceSplit") {
      addSplit(model, R"(\s+)", Behavior::Removed);
    } else if (type == "Digits") {
      addSplit(model, R"(\p{N})",
               boolMember(step, "individual_digits", false)
                   ? Behavior::Isolated
                   : Behavior::Contiguous);
    } else if (type == "Punctuation") {
      addSplit(model, punctuationPattern,
               parseBehavior(stringMember(step, "behavior", "Isolated"))
                   .value_or(Behavior::Isolated));
    } else if (type == "UnicodeScripts") {
      model.preTokenizer.emplace_back().kind = PreTokenizerStep::Kind::Scripts;
    } else if (type == "FixedLength") {
      PreTokenizerStep part;
      part.kind = PreTokenizerStep::Kind::FixedLength;
      part.length = smallCount(step, "length", 5).value_or(0);
      if (part.length == 0)
        return place.errorAt("the pre-tokenizer 'FixedLength' has a bad length",
                             step);
      model.preTokenizer.push_back(part);
    } else if (type == "CharDelimiterSplit") {
      addSplit(model, Regex::escape(stringMember(step, "delimiter", " ")),
               Behavior::Removed);
    } else {
      return unsupported(place, "pre-tokenizer", step, type);
    }
    return Status::success();
  };
  return forEachStep(value, "pre-tokenizer", "pretokenizers", place, read);
}

//===----------------------------------------------------------------------===//
// Decoders
//===----------------------------------------------------------------------===//

Status tenon::readDecoder(const json *value, const JsonPlace &place,
                          TokenizerModel &model) {
  using Kind = DecoderStep::Kind;
  auto read = [&](const json &step, const std::string &type) -> Status {
    DecoderStep result;
    if (type == "Replace") {
      Expected<Pattern> pattern =
          readPattern(step, "the decoder 'Replace'", place);
      if (!pattern)
        return pattern.takeError();
      result.kind = pattern->isRegex ? Kind::ReplaceRegex : Kind::Replace;
      result.pattern = pattern->text;
      result.content = stringMember(step, "content");
    } else if (type == "ByteFallback") {
      result.kind = Kind::ByteFallback;
    } else if (type == "Fuse") {
      result.kind = Kind::Fuse;
    } else if (type == "Strip") {
      std::optional<uint32_t> start = smallCount(step, "start");
      std::optional<uint32_t> stop = smallCount(step, "stop");
      if (!start || !stop)
        return place.errorAt("the decoder 'Strip' has a bad count", step);
      result.kind = Kind::Strip;
      result.content = stringMember(step, "content", " ");
      result.start = *start;
      result.stop = *stop;
    } else if (type == "ByteLevel") {
      result.kind = Kind::ByteLevel;
    } else if (type == "WordPiece") {
      result.kind = Kind::WordPiece;
      result.pattern = stringMember(step, "prefix", "##");
      result.cleanup = boolMember(step, "cleanup", true);
    } else if (type == "BPEDecoder") {
      result.kind = Kind::EndOfWord;
      result.pattern = stringMember(step, "suffix", "</w>");
    } else if (type == "CTC") {
      result.kind = Kind::Ctc;
      result.pattern = stringMember(step, "pad_token", "<pad>");
      result.content = stringMember(step, "word_delimiter_token", "|");
      result.cleanup = boolMember(step, "cleanup", true);
    } else if (type == "Metaspace") {
      result.kind = Kind::Metaspace;
      result.pattern = stringMember(step, "replacement", "▁");
      result.dropFirst = stringMember(step, "prepend_scheme",
                                      boolMember(step, "add_prefix_space", true)
                                          ? "always"
                                          : "never") != "never";
    } else {
      return unsupported(place, "decoder", step, type);
    }
    model.decoder.push_back(std::move(result));
    return Status::success();
  };
  return forEachStep(value, "decoder", "decoders", place, read);
}

//===----------------------------------------------------------------------===//
// Post-processors
//===----------------------------------------------------------------------===//

// ["[SEP]", 102]
static Expected<int32_t> readNamedToken(const json &step, std::string_view key,
                                        const JsonPlace &place) {
  const json *pair = findMember(step, key);
  std::optional<int64_t> id;
  if (pair && pair->is_array() && pair->size() == 2)
    id = asInteger((*pair)[1]);
  if (!id || *id < 0 || *id > INT32_MAX)
    return place.errorAt(strCat("the post-processor's \"", key,
                                "\" is no token such as [\"[SEP]\", 102]"),
                         pair ? *pair : step);
  return static_cast<int32_t>(*id);
}

// One special token of a template stands for one or more ids.
static Status appendTemplateToken(const json &step, const json &item,
                                  const JsonPlace &place,
                                  std::vector<int32_t> &out) {
  std::string name = stringMember(item, "id");
  const json *tokens = findMember(step, "special_tokens");
  const json *token = tokens ? findMember(*tokens, name) : nullptr;
  const json *ids = token ? findMember(*token, "ids") : nullptr;
  if (!ids || !ids->is_array())
    return place.errorAt(strCat("the special token ", quoteName(name),
                                " of the post-processor has no ids"),
                         item);
  for (const json &value : *ids) {
    std::optional<int64_t> id = asInteger(value);
    if (!id || *id < 0 || *id > INT32_MAX)
      return place.errorAt(strCat("the special token ", quoteName(name),
                                  " of the post-processor has a bad id"),
                           value);
    out.push_back(static_cast<int32_t>(*id));
  }
  return Status::success();
}

// What stands between two texts. A template of another form than prefix, A,
// middle, B, suffix leaves the tokenizer without pairs.
static Status readPairTemplate(const json &step, const JsonPlace &place,
                               TokenizerModel &model) {
  const json *pair = findMember(step, "pair");
  std::vector<int32_t> around[3];
  unsigned texts = 0;
  bool second = false;
  for (const json &item : pair && pair->is_array() ? *pair : json::array()) {
    if (const json *text = findMember(item, "Sequence")) {
      if (++texts > 2 || stringMember(*text, "id") != (texts == 1 ? "A" : "B"))
        return Status::success();
      const json *type = findMember(*text, "type_id");
      second = type && asInteger(*type) == 1;
      continue;
    }
    const json *special = findMember(item, "SpecialToken");
    if (!special)
      return Status::success();
    if (Status status =
            appendTemplateToken(step, *special, place, around[texts]);
        !status)
      return status;
  }
  if (texts != 2 || around[0] != model.prefix || around[2] != model.suffix)
    return Status::success();
  model.middle = std::move(around[1]);
  model.secondSegment = second;
  return Status::success();
}

static Status readTemplate(const json &step, const JsonPlace &place,
                           TokenizerModel &model) {
  const json *single = findMember(step, "single");
  if (!single || !single->is_array())
    return place.errorAt("the post-processor has no template \"single\"", step);
  std::vector<int32_t> around[2];
  unsigned texts = 0;
  for (const json &item : *single) {
    if (findMember(item, "Sequence")) {
      ++texts;
      continue;
    }
    const json *special = findMember(item, "SpecialToken");
    if (!special)
      return place.errorAt(
          "an item of the post-processor's template is neither "
          "\"Sequence\" nor \"SpecialToken\"",
          item);
    if (Status status =
            appendTemplateToken(step, *special, place, around[texts ? 1 : 0]);
        !status)
      return status;
  }
  if (texts != 1)
    return place.errorAt("the post-processor's template must hold the text "
                         "once",
                         *single);
  model.prefix.insert(model.prefix.begin(), around[0].begin(), around[0].end());
  model.suffix.insert(model.suffix.end(), around[1].begin(), around[1].end());
  return readPairTemplate(step, place, model);
}

Status tenon::readPostProcessor(const json *value, const JsonPlace &place,
                                TokenizerModel &model) {
  auto read = [&](const json &step, const std::string &type) -> Status {
    if (type == "ByteLevel") // moves offsets only
      return Status::success();
    if (type == "TemplateProcessing")
      return readTemplate(step, place, model);
    if (type != "BertProcessing" && type != "RobertaProcessing")
      return unsupported(place, "post-processor", step, type);
    Expected<int32_t> cls = readNamedToken(step, "cls", place);
    if (!cls)
      return cls.takeError();
    Expected<int32_t> sep = readNamedToken(step, "sep", place);
    if (!sep)
      return sep.takeError();
    model.prefix.insert(model.prefix.begin(), *cls);
    model.suffix.push_back(*sep);
    model.middle = {*sep};
    model.secondSegment = type == "BertProcessing";
    if (type == "RobertaProcessing")
      model.middle.push_back(*sep);
    return Status::success();
  };
  return forEachStep(value, "post-processor", "processors", place, read);
}
