//===- Parser.h - from text to syntax tree ----------------------*- C++ -*-===//

#ifndef TENON_LANGUAGE_PARSER_H
#define TENON_LANGUAGE_PARSER_H

#include "tenon/Language/AST.h"
#include "tenon/Language/Diagnostic.h"

#include <span>

namespace tenon::lang {

/// Parses a whole description. Time and memory are linear in the text. The
/// first syntax error ends it: null is returned and `diagnostics` says why.
/// lib/Language/Reference.md has the grammar.
std::unique_ptr<Model> parseModel(SourceFile source, Diagnostics &diagnostics);

/// Reads and parses a file. A file that can't be read or that is larger than
/// SourceFile::kMaxSize is an error like any other.
std::unique_ptr<Model> parseModelFile(const std::string &path,
                                      Diagnostics &diagnostics);

/// The words that can't be names, in alphabetical order.
std::span<const std::string_view> reservedWords();

/// Parses a def of the model once more, from its own text: nodes of their own
/// with the same places. The def is not one of model.defs. Null on error, which
/// there is none of unless the model is of another text.
DefDecl *parseDefAgain(Model &model, const DefDecl &def,
                       Diagnostics &diagnostics);

} // namespace tenon::lang

#endif // TENON_LANGUAGE_PARSER_H
