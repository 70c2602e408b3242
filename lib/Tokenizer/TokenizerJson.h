//===- TokenizerJson.h - parts of tokenizer.json ----------------*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_TOKENIZERJSON_H
#define TENON_LIB_TOKENIZER_TOKENIZERJSON_H

#include "tenon/Support/Json.h"
#include "tenon/Tokenizer/TokenizerModel.h"

#include <string_view>

namespace tenon {

/// Makes errors of a tokenizer.json.
struct JsonPlace {
  std::string_view text, filename;
  /// What the text was parsed to.
  const nlohmann::json *whole = nullptr;

  /// Points to where `needle` is spelled as a JSON string, if it is.
  Error error(std::string_view message, std::string_view needle) const;
  /// Points to a part of `whole`.
  Error errorAt(std::string_view message, const nlohmann::json &part) const;
};

/// Fills a model from a parsed tokenizer.json; `place` has its text.
Status readTokenizerJson(const nlohmann::json &file, const JsonPlace &place,
                         TokenizerModel &model);

/// Look-ups with defaults for members that are missing, null or of another
/// type.
bool boolMember(const nlohmann::json &value, std::string_view key,
                bool fallback);
std::string stringMember(const nlohmann::json &value, std::string_view key,
                         std::string_view fallback = {});

/// Fill a model's steps from the file's members (null: not there). What isn't
/// supported is an error that names it.
Status readNormalizer(const nlohmann::json *json, const JsonPlace &place,
                      TokenizerModel &model);
Status readPreTokenizer(const nlohmann::json *json, const JsonPlace &place,
                        TokenizerModel &model);
Status readDecoder(const nlohmann::json *json, const JsonPlace &place,
                   TokenizerModel &model);
/// Fills prefix and suffix.
Status readPostProcessor(const nlohmann::json *json, const JsonPlace &place,
                         TokenizerModel &model);

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_TOKENIZERJSON_H
