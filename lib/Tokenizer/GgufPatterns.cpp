//===- GgufPatterns.cpp - the pre-tokenizers that GGUF names --------------===//
//
// The patterns are those of the models' tokenizer.json; which name stands for
// which is llama.cpp's choice (convert_hf_to_gguf.py).
//
//===----------------------------------------------------------------------===//

#include "GgufPatterns.h"

#include "tenon/Support/Strings.h"

using namespace tenon;
using std::string_view;

#define TENON_CONTRACTIONS                                                     \
  R"((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]))"
#define TENON_REST R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"
#define TENON_WORDS R"([^\r\n\p{L}\p{N}]?\p{L}+)"
#define TENON_UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define TENON_LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define TENON_GPT2                                                             \
  R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"

static constexpr string_view gpt2[] = {TENON_GPT2};
// "default" of files that don't name one.
static constexpr string_view plain[] = {R"([\p{P}\$\+<=>\^~\|]+)", TENON_GPT2,
                                        R"(\p{N}+)", "[0-9][0-9][0-9]"};
static constexpr string_view llama3[] = {
    TENON_CONTRACTIONS "|" TENON_WORDS R"(|\p{N}{1,3}|)" TENON_REST};
static constexpr string_view qwen2[] = {
    TENON_CONTRACTIONS "|" TENON_WORDS R"(|\p{N}|)" TENON_REST};
static constexpr string_view digits[] = {R"(\p{N})", TENON_GPT2};
static constexpr string_view falcon[] = {R"([\p{P}\$\+<=>\^~\|`]+)", TENON_GPT2,
                                         "[0-9][0-9][0-9]"};
// The letters of DeepSeek's first pattern, spelled out there, are those with
// case.
static constexpr string_view deepseekLlm[] = {
    R"([\r\n])",
    R"(\s?[\p{Lu}\p{Ll}\p{Lt}]+)",
    R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)",
    R"(\s+$)",
    R"([一-龥ࠀ-一가-퟿]+)",
    R"(\p{N}+)"};
static constexpr string_view deepseekCoder[] = {
    R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", R"([一-龥ࠀ-一가-퟿]+)",
    R"(\p{N})"};
static constexpr string_view deepseekV3[] = {
    R"(\p{N}{1,3})", R"([一-龥぀-ゟ゠-ヿ]+)",
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
static constexpr string_view gpt4o[] = {
    R"([^\r\n\p{L}\p{N}]?)" TENON_UPPER "*" TENON_LOWER "+" TENON_CONTRACTIONS
    R"(?|[^\r\n\p{L}\p{N}]?)" TENON_UPPER "+" TENON_LOWER "*" TENON_CONTRACTIONS
    R"(?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
static constexpr string_view tekken[] = {
    R"([^\r\n\p{L}\p{N}]?)" TENON_UPPER "*" TENON_LOWER
    R"(+|[^\r\n\p{L}\p{N}]?)" TENON_UPPER "+" TENON_LOWER
    R"(*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};

static constexpr GgufPreTokenizer kKnown[] = {
    {"default", plain, false, false},
    {"llama-bpe", llama3, true, true},
    {"llama3", llama3, true, true},
    {"llama-v3", llama3, true, true},
    {"falcon3", llama3, true, true},
    {"dbrx", llama3, false, false},
    {"smaug-bpe", llama3, false, false},
    {"qwen2", qwen2, false, false},
    {"deepseek-r1-qwen", qwen2, false, false},
    {"stablelm2", qwen2, false, false},
    {"gpt-2", gpt2, false, false},
    {"phi-2", gpt2, false, false},
    {"olmo", gpt2, false, false},
    {"mpt", gpt2, false, false},
    {"jais", gpt2, false, false},
    {"smollm", digits, false, false},
    {"starcoder", digits, false, false},
    {"refact", digits, false, false},
    {"command-r", digits, false, false},
    {"codeshell", digits, false, false},
    {"exaone", digits, false, false},
    {"falcon", falcon, false, false},
    {"deepseek-llm", deepseekLlm, false, false},
    {"deepseek-coder", deepseekCoder, false, false},
    {"deepseek-v3", deepseekV3, false, false},
    {"gpt-4o", gpt4o, false, false},
    {"tekken", tekken, true, true},
};

const GgufPreTokenizer *tenon::findGgufPreTokenizer(string_view name) {
  if (name.empty())
    name = "default";
  for (const GgufPreTokenizer &known : kKnown)
    if (known.name == name)
      return &known;
  return nullptr;
}

std::string tenon::knownGgufPreTokenizers() {
  std::string names;
  for (const GgufPreTokenizer &known : kKnown)
    names += strCat(names.empty() ? "" : ", ", known.name);
  return names;
}
