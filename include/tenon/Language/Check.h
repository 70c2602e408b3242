//===- Check.h - names, types and symbolic shapes ---------------*- C++ -*-===//

#ifndef TENON_LANGUAGE_CHECK_H
#define TENON_LANGUAGE_CHECK_H

#include "tenon/Language/AST.h"
#include "tenon/Language/Diagnostic.h"

namespace tenon::lang {

/// Resolves names, checks arity, types and shapes with symbolic dimensions and
/// fills the fields of the tree marked "checked". False when something is
/// wrong; the tree must not be used further then. Independent of any
/// configuration: what holds here holds for every model of the family, apart
/// from Model::constraints.
bool checkModel(Model &model, Diagnostics &diagnostics);

} // namespace tenon::lang

#endif // TENON_LANGUAGE_CHECK_H
