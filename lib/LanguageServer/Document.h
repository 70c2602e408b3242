//===- Document.h - a description that is being edited ----------*- C++ -*-===//
#ifndef TENON_LIB_LANGUAGESERVER_DOCUMENT_H
#define TENON_LIB_LANGUAGESERVER_DOCUMENT_H

#include "tenon/Language/Diagnostic.h"
#include "tenon/Language/SourceIndex.h"
#include "llvm/Support/LSP/Protocol.h"

#include <memory>
#include <optional>
#include <vector>

namespace tenon {

/// The text that an editor holds, parsed and checked as far as that goes.
/// Positions of the protocol count lines from 0 and UTF-16 code units.
class Document {
public:
  Document(llvm::lsp::URIForFile uri, std::string text, int64_t version);

  /// Replaces the text. Where it can't be parsed, names are those of the last
  /// text that could.
  void update(std::string text, int64_t version);

  const llvm::lsp::URIForFile &uri() const { return file; }
  const std::string &text() const { return content; }
  int64_t version() const { return number; }

  std::vector<llvm::lsp::Diagnostic> diagnostics() const;
  std::optional<llvm::lsp::Hover> hover(llvm::lsp::Position position) const;
  std::vector<llvm::lsp::Location>
  definition(llvm::lsp::Position position) const;
  std::vector<llvm::lsp::Location> references(llvm::lsp::Position position,
                                              bool withDeclaration) const;
  llvm::lsp::CompletionList completion(llvm::lsp::Position position) const;
  std::vector<llvm::lsp::DocumentSymbol> symbols() const;
  /// The whole text in canonical form; nothing if it isn't well-formed or is
  /// in that form already.
  std::vector<llvm::lsp::TextEdit> format() const;

private:
  std::vector<llvm::lsp::DocumentSymbol>
  symbolsOf(const std::vector<lang::Item> &items) const;
  uint32_t offset(llvm::lsp::Position position) const;
  llvm::lsp::Position position(uint32_t offset) const;
  llvm::lsp::Range range(lang::SourceRange range) const;
  bool isOwn(const lang::Remark &remark) const;
  /// The name at a position of a text that was parsed; null: none.
  const lang::Occurrence *nameAt(llvm::lsp::Position position) const;

  llvm::lsp::URIForFile file;
  std::string content;
  int64_t number = 0;
  std::optional<lang::SourceFile> lines; ///< of the text, for positions
  lang::Diagnostics found;
  std::unique_ptr<lang::Model> model; ///< of the last text that was parsed
  std::optional<lang::SourceIndex> index;
  bool isParsed = false; ///< the text at hand
};

} // namespace tenon

#endif // TENON_LIB_LANGUAGESERVER_DOCUMENT_H
