//===- JsonText.h - where the parts of JSON stand in its text --*- C++ -*-===//

#ifndef TENON_SUPPORT_JSONTEXT_H
#define TENON_SUPPORT_JSONTEXT_H

#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace tenon {

/// Where `part`, `whole` itself or a value inside of it, begins in the text
/// that `whole` was parsed of (Json.h): its byte. None if the text hasn't it.
/// Linear in the text: for messages.
std::optional<size_t> findPlace(const nlohmann::json &part,
                                const nlohmann::json &whole,
                                std::string_view text);

} // namespace tenon

#endif // TENON_SUPPORT_JSONTEXT_H
