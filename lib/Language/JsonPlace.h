//===- JsonPlace.h - where a key is in a JSON text --------------*- C++ -*-===//

#ifndef TENON_LIB_LANGUAGE_JSONPLACE_H
#define TENON_LIB_LANGUAGE_JSONPLACE_H

#include "tenon/Language/Source.h"

#include <optional>

namespace tenon::lang {

/// The place of the key that a dotted path ("rope_scaling.factor") leads to, in
/// a text that has been parsed before. Keys with escapes are not found. Linear
/// in the text.
std::optional<LineColumn> findJsonKey(std::string_view text,
                                      std::string_view path);

} // namespace tenon::lang

#endif // TENON_LIB_LANGUAGE_JSONPLACE_H
