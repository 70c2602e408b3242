//===- Include.h - the parts of a description -------------------*- C++ -*-===//
#ifndef TENON_LIB_LANGUAGE_INCLUDE_H
#define TENON_LIB_LANGUAGE_INCLUDE_H

#include "tenon/Language/Diagnostic.h"
#include "tenon/Language/Parser.h"

#include <functional>
#include <optional>
#include <string>

namespace tenon::lang {

/// The most files that a description includes, each time counted.
constexpr size_t kMaxParts = 64;

/// Reads the files that a description includes, and those that they include,
/// and adds their texts to it; false after an error.
bool includeParts(SourceFile &source, const PartSources &parts,
                  Diagnostics &diagnostics);

/// The text of a file, of at most SourceFile::kMaxSize bytes; nothing after an
/// error, which is reported by `fail`, but for a file that isn't there if
/// `mayBeMissing`.
std::optional<std::string>
readDescription(const std::string &path, bool mayBeMissing,
                const std::function<void(std::string)> &fail);

/// The folder of a file, with the slash at its end; "" for the current one.
std::string folderOf(std::string_view path);

} // namespace tenon::lang

#endif // TENON_LIB_LANGUAGE_INCLUDE_H
