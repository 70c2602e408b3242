//===- SourceIndex.h - what the names in a description stand for *- C++ -*-===//
//
// For editors: which declaration a name in the text refers to, where else it
// occurs, what its type is, and what names may stand at a place.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LANGUAGE_SOURCEINDEX_H
#define TENON_LANGUAGE_SOURCEINDEX_H

#include "tenon/Language/AST.h"

#include <span>

namespace tenon::lang {

/// A name in the text.
struct Occurrence {
  SourceRange range;
  const Decl *decl = nullptr;       ///< what it stands for, or null
  const Builtin *builtin = nullptr; ///< the same for an operation
  Type type;                        ///< of the value there, if it is known
  bool isDeclaration = false;
};

class SourceIndex {
public:
  /// Of a model that was parsed, and of which checkModel has filled in as much
  /// as it could; names that it did not get to stand for nothing. The model
  /// must live longer. Time is that of sorting the names.
  explicit SourceIndex(const Model &model);

  /// All names, in the order of the text.
  std::span<const Occurrence> all() const { return occurrences; }
  /// The name at an offset or ending there; null: none.
  const Occurrence *at(uint32_t offset) const;
  /// Where a declaration's name stands, itself included.
  std::vector<SourceRange> occurrencesOf(const Decl &decl) const;
  /// Declarations whose names mean something at an offset: those of the model,
  /// of the layer and of the def around it.
  std::vector<const Decl *> visibleAt(uint32_t offset) const;

  /// One line: "weight wq : [n_q, hidden_size]", or an operation's signature
  /// and the type of its result.
  std::string describe(const Occurrence &occurrence) const;
  /// The same of a declaration.
  std::string describe(const Decl &decl) const;

private:
  class Builder;

  const Model &model;
  std::vector<Occurrence> occurrences;
  /// Places of the text and what is declared for them.
  struct Scope {
    SourceRange range;
    std::vector<const Decl *> decls;
  };
  std::vector<Scope> scopes; ///< the model's first
};

} // namespace tenon::lang

#endif // TENON_LANGUAGE_SOURCEINDEX_H
