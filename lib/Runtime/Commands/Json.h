//===- Json.h - JSON output of commands -------------------------*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_JSON_H
#define TENON_LIB_RUNTIME_COMMANDS_JSON_H

#include "tenon/Runtime/TextOutput.h"
#include "tenon/Support/Utf8.h"

#include <nlohmann/json.hpp>

namespace tenon::runtime {

using OrderedJson = nlohmann::ordered_json;

/// Adds "bytes" beside a piece that JSON cannot hold: one that isn't UTF-8.
inline void addBytes(OrderedJson &object, std::string_view piece) {
  if (isValidUtf8(piece))
    return;
  OrderedJson bytes = OrderedJson::array();
  for (char c : piece)
    bytes.push_back(static_cast<uint8_t>(c));
  object["bytes"] = std::move(bytes);
}

/// Prints it, keys in the order of insertion. Pieces of tokens need not be
/// UTF-8: bytes that aren't become U+FFFD.
inline Status writeJson(const OrderedJson &value) {
  return writeOutput(
      value.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n");
}

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_JSON_H
