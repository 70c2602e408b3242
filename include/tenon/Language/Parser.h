//===- Parser.h - from text to syntax tree ----------------------*- C++ -*-===//

#ifndef TENON_LANGUAGE_PARSER_H
#define TENON_LANGUAGE_PARSER_H

#include "tenon/Language/AST.h"
#include "tenon/Language/Diagnostic.h"

#include <optional>
#include <span>

namespace tenon::lang {

/// A file of shared items that is built in.
struct BuiltinPart {
  std::string_view fileName; ///< as `include` names it
  std::string_view text;
};

/// Where the parts that a description includes are looked for.
struct PartSources {
  /// The description's folder, "" for the current one: files in it go first.
  /// Empty: there is none.
  std::optional<std::string> folder;
  std::span<const BuiltinPart> builtin;
};

/// Parses a whole description. Time and memory are linear in the text and in
/// those of the parts that it includes. The first syntax error ends it: null is
/// returned and `diagnostics` says why. lib/Language/Reference.md has the
/// grammar. With `parts` the items of a part stand in the tree behind the
/// `include` that names it; without, the tree has those of the file alone.
std::unique_ptr<Model> parseModel(SourceFile source, Diagnostics &diagnostics,
                                  const PartSources *parts = nullptr);

/// Reads and parses a file. A file that can't be read or that is larger than
/// SourceFile::kMaxSize is an error like any other. With `builtin`, parts are
/// read as well: from the file's folder, or those.
std::unique_ptr<Model> parseModelFile(
    const std::string &path, Diagnostics &diagnostics,
    std::optional<std::span<const BuiltinPart>> builtin = std::nullopt);

/// The words that can't be names, in alphabetical order.
std::span<const std::string_view> reservedWords();

/// Parses a def of the model once more, from its own text: nodes of their own
/// with the same places. The def is not one of model.defs. Null on error, which
/// there is none of unless the model is of another text.
DefDecl *parseDefAgain(Model &model, const DefDecl &def,
                       Diagnostics &diagnostics);

} // namespace tenon::lang

#endif // TENON_LANGUAGE_PARSER_H
