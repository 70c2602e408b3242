//===- Json.h - JSON output of commands -------------------------*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_JSON_H
#define TENON_LIB_RUNTIME_COMMANDS_JSON_H

#include "tenon/Runtime/TextOutput.h"

#include <nlohmann/json.hpp>

namespace tenon::runtime {

using OrderedJson = nlohmann::ordered_json;

/// Prints it, keys in the order of insertion. Pieces of tokens need not be
/// UTF-8: bytes that aren't become U+FFFD.
inline Status writeJson(const OrderedJson &value) {
  return writeOutput(
      value.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n");
}

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_JSON_H
