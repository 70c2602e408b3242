//===- Document.cpp - a description that is being edited ------------------===//

#include "Document.h"

#include "tenon/Language/Builtins.h"
#include "tenon/Language/Check.h"
#include "tenon/Language/Format.h"
#include "tenon/Language/Parser.h"

using namespace tenon;
namespace lsp = llvm::lsp;

Document::Document(lsp::URIForFile uri, std::string text, int64_t version)
    : file(std::move(uri)) {
  update(std::move(text), version);
}

void Document::update(std::string text, int64_t version) {
  content = std::move(text);
  number = version;
  found = lang::Diagnostics();
  isParsed = false;
  std::string name = file.file().str();
  lines.emplace(name, content);
  if (content.size() > lang::SourceFile::kMaxSize) {
    found.error(*lines, {0, 0}, "a description has at most 16 MiB");
    return;
  }
  std::unique_ptr<lang::Model> parsed =
      lang::parseModel(lang::SourceFile(name, content), found);
  if (!parsed)
    return;
  lang::checkModel(*parsed, found);
  index.reset();
  model = std::move(parsed);
  index.emplace(*model);
  isParsed = true;
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

/// UTF-16 code units of a character that begins with this byte of UTF-8.
static unsigned unitsOf(unsigned char first) {
  return (first & 0xC0) == 0x80 ? 0 : first >= 0xF0 ? 2 : 1;
}

uint32_t Document::offset(lsp::Position position) const {
  std::string_view text = lines->text();
  size_t at = 0;
  for (int line = 0; line < position.line; ++line) {
    size_t end = text.find('\n', at);
    if (end == text.npos)
      return static_cast<uint32_t>(text.size());
    at = end + 1;
  }
  for (int units = 0; at < text.size() && text[at] != '\n'; ++at) {
    units += static_cast<int>(unitsOf(text[at]));
    if (units > position.character)
      break;
  }
  return static_cast<uint32_t>(at);
}

lsp::Position Document::position(uint32_t offset) const {
  lang::LineColumn at = lines->lineColumn(offset);
  std::string_view line = lines->line(at.line).substr(0, at.column - 1);
  int units = 0;
  for (char c : line)
    units += static_cast<int>(unitsOf(c));
  return lsp::Position(static_cast<int>(at.line) - 1, units);
}

lsp::Range Document::range(lang::SourceRange range) const {
  return lsp::Range(position(range.begin), position(range.end));
}

const lang::Occurrence *Document::nameAt(lsp::Position position) const {
  return isParsed ? index->at(offset(position)) : nullptr;
}

//===----------------------------------------------------------------------===//
// Answers
//===----------------------------------------------------------------------===//

std::vector<lsp::Diagnostic> Document::diagnostics() const {
  std::vector<lsp::Diagnostic> all;
  for (const lang::Diagnostic &from : found.all()) {
    lsp::Diagnostic &to = all.emplace_back();
    to.range = range(from.head.range.value_or(lang::SourceRange()));
    bool isError = from.severity == lang::Diagnostic::Severity::Error;
    to.severity = isError ? lsp::DiagnosticSeverity::Error
                          : lsp::DiagnosticSeverity::Warning;
    to.source = "tenon";
    to.message = from.head.message;
    std::vector<lsp::DiagnosticRelatedInformation> related;
    for (const lang::Remark &note : from.notes)
      if (note.range)
        related.emplace_back(lsp::Location(file, range(*note.range)),
                             note.message);
      else
        to.message += "\n" + note.message;
    if (!related.empty())
      to.relatedInformation = std::move(related);
  }
  return all;
}

std::optional<lsp::Hover> Document::hover(lsp::Position position) const {
  const lang::Occurrence *name = nameAt(position);
  std::string text = name ? index->describe(*name) : std::string();
  if (text.empty())
    return std::nullopt;
  lsp::Hover hover(range(name->range));
  hover.contents.kind = lsp::MarkupKind::Markdown;
  hover.contents.value = "```tenon\n" + text + "\n```";
  return hover;
}

std::vector<lsp::Location> Document::definition(lsp::Position position) const {
  const lang::Occurrence *name = nameAt(position);
  // `architecture` and `entry` are declared nowhere.
  if (!name || !name->decl || name->decl->nameRange.end == 0)
    return {};
  return {lsp::Location(file, range(name->decl->nameRange))};
}

std::vector<lsp::Location> Document::references(lsp::Position position,
                                                bool withDeclaration) const {
  std::vector<lsp::Location> all;
  const lang::Occurrence *name = nameAt(position);
  if (!name || !name->decl)
    return all;
  for (lang::SourceRange at : index->occurrencesOf(*name->decl))
    if (withDeclaration || at.begin != name->decl->nameRange.begin)
      all.emplace_back(file, range(at));
  return all;
}

static lsp::CompletionItemKind completionKind(const lang::Decl &decl) {
  switch (decl.kind) {
  case lang::Decl::Kind::Def:
    return lsp::CompletionItemKind::Function;
  case lang::Decl::Kind::Layer:
    return lsp::CompletionItemKind::Class;
  case lang::Decl::Kind::Weight:
    return lsp::CompletionItemKind::Field;
  case lang::Decl::Kind::Param:
  case lang::Decl::Kind::Constant:
    return lsp::CompletionItemKind::Constant;
  default:
    return lsp::CompletionItemKind::Variable;
  }
}

lsp::CompletionList Document::completion(lsp::Position position) const {
  lsp::CompletionList list;
  llvm::StringMap<size_t> places;
  auto add = [&](std::string_view name, lsp::CompletionItemKind kind,
                 std::string detail) {
    // An inner name hides an outer one, a later `let` an earlier one.
    auto [it, isNew] = places.try_emplace(name, list.items.size());
    if (isNew)
      list.items.emplace_back(llvm::StringRef(name), kind);
    lsp::CompletionItem &item = list.items[it->second];
    item.kind = kind;
    item.detail = std::move(detail);
  };
  // Of a text that can't be parsed the names before the place are where they
  // were, mostly: it is being typed.
  if (model)
    for (const lang::Decl *decl : index->visibleAt(offset(position)))
      add(decl->name, completionKind(*decl), index->describe(*decl));
  for (const lang::Builtin &builtin : lang::allBuiltins())
    add(builtin.name, lsp::CompletionItemKind::Function, builtin.signature());
  for (std::string_view word : lang::reservedWords())
    add(word, lsp::CompletionItemKind::Keyword, "");
  return list;
}

static lsp::SymbolKind symbolKind(const lang::Decl &decl) {
  switch (decl.kind) {
  case lang::Decl::Kind::Def:
    return lsp::SymbolKind::Function;
  case lang::Decl::Kind::Layer:
    return lsp::SymbolKind::Class;
  case lang::Decl::Kind::Weight:
    return lsp::SymbolKind::Field;
  default:
    return lsp::SymbolKind::Constant;
  }
}

std::vector<lsp::DocumentSymbol> Document::symbols() const {
  return isParsed ? symbolsOf(model->items)
                  : std::vector<lsp::DocumentSymbol>();
}

std::vector<lsp::DocumentSymbol>
Document::symbolsOf(const std::vector<lang::Item> &items) const {
  std::vector<lsp::DocumentSymbol> symbols;
  for (const lang::Item &item : items)
    for (const lang::Decl *decl : item.decls) {
      if (decl->name.empty()) // the def of a layer
        continue;
      lsp::DocumentSymbol symbol(llvm::StringRef(decl->name), symbolKind(*decl),
                                 range(decl->nameRange),
                                 range(decl->nameRange));
      symbol.detail = index->describe(*decl);
      if (auto *layer = lang::declAs<lang::LayerDecl>(decl)) {
        symbol.range = range({item.range.begin, layer->bodyEnd.end});
        symbol.children = symbolsOf(layer->items);
      } else if (auto *def = lang::declAs<lang::DefDecl>(decl)) {
        symbol.range = range({def->range.begin, def->bodyEnd.end});
      }
      symbols.push_back(std::move(symbol));
    }
  return symbols;
}

std::vector<lsp::TextEdit> Document::format() const {
  if (!isParsed)
    return {};
  std::string formatted = lang::formatModel(*model);
  if (formatted == content)
    return {};
  lsp::TextEdit edit;
  edit.range = range({0, static_cast<uint32_t>(content.size())});
  edit.newText = std::move(formatted);
  return {edit};
}
