//===- Json.h - strict JSON --------------------------------------*- C++
//-*-===//
//
// JSON from untrusted files: RFC 8259 without leniency, parsed in linear time
// and without recursion. nlohmann::json's own accessors abort or throw on a
// wrong type; code of the project looks values up with the functions below.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SUPPORT_JSON_H
#define TENON_SUPPORT_JSON_H

#include "tenon/Support/Error.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tenon {

struct JsonOptions {
  /// Objects and arrays inside of each other.
  unsigned maxDepth = 256;
  /// Elements of one array.
  uint64_t maxArraySize = UINT64_MAX;
  /// `NaN`, `Infinity` and `-Infinity` are numbers, as Python writes them.
  bool nonFinite = false;
  /// Set for JSON inside of a binary file, where it begins: errors then read
  /// "FILE:+0xOFFSET:" instead of "FILE:LINE:COLUMN:".
  std::optional<uint64_t> binaryOffset;
};

/// Parses a whole text. Errors: syntax, duplicate keys, too deep, a number
/// beyond a double's range, lone surrogates, invalid UTF-8, anything after the
/// value.
Expected<nlohmann::json> parseJson(std::string_view text,
                                   std::string_view filename,
                                   const JsonOptions &options = {});

/// Reads and parses a file.
Expected<nlohmann::json> parseJsonFile(const std::string &path,
                                       const JsonOptions &options = {});

/// The member `key` of an object; null when `value` is no object, lacks the
/// key, or has null there.
const nlohmann::json *findMember(const nlohmann::json &value,
                                 std::string_view key);

/// The same for a dotted path, "rope_scaling.factor".
const nlohmann::json *findPath(const nlohmann::json &value,
                               std::string_view path);

/// Whether the path leads to a member that is null: unlike one that is missing.
bool isNullAt(const nlohmann::json &value, std::string_view path);

/// The value as a type, or nullopt when it is of another (1.0 is an integer
/// too; an integer is a number too; beyond int64 is no integer).
std::optional<int64_t> asInteger(const nlohmann::json &value);
std::optional<double> asNumber(const nlohmann::json &value);
std::optional<bool> asBool(const nlohmann::json &value);
/// Null unless the value is a string.
const std::string *asString(const nlohmann::json &value);

/// What the value is, for messages: "a string", "an array".
const char *kindName(const nlohmann::json &value);

} // namespace tenon

#endif // TENON_SUPPORT_JSON_H
