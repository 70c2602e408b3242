//===- Format.h - the canonical form of a description -----------*- C++ -*-===//

#ifndef TENON_LANGUAGE_FORMAT_H
#define TENON_LANGUAGE_FORMAT_H

#include "tenon/Language/AST.h"

namespace tenon::lang {

/// The description in canonical form: two blanks of indentation, `:` and `=`
/// of neighbouring declarations aligned, at most one empty line in a row, lines
/// of at most 100 columns where they can be broken. Comments are kept.
/// Formatting the result again changes nothing.
std::string formatModel(const Model &model);

} // namespace tenon::lang

#endif // TENON_LANGUAGE_FORMAT_H
