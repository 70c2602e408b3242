//===- Glob.h - names with wildcards ----------------------------*- C++ -*-===//

#ifndef TENON_SUPPORT_GLOB_H
#define TENON_SUPPORT_GLOB_H

#include <string_view>

namespace tenon {

/// Whether `text` is `pattern`, in which each `*` stands for any characters,
/// also none: "*.inv_freq". At most O(|pattern| |text|).
bool matchesGlob(std::string_view pattern, std::string_view text);

} // namespace tenon

#endif // TENON_SUPPORT_GLOB_H
