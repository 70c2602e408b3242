//===- Document.cpp - a description that is being edited ------------------===//

#include "Document.h"

#include "tenon/Language/Builtins.h"
#include "tenon/Language/Check.h"
#include "tenon/Language/Format.h"
#include "tenon/Language/Parser.h"
#include "tenon/Models/Models.h"
#include "llvm/Support/Path.h"

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
  // Parts as they are on the disk.
  llvm::StringRef folder = llvm::sys::path::parent_path(name);
  lang::PartSources parts{folder.empty() ? std::string() : folder.str() + "/",
                          listParts()};
  std::unique_ptr<lang::Model> parsed =
      lang::parseModel(lang::SourceFile(name, content), found, &parts);
  if (!parsed)
    return;
  // What a part's names are is known where it is included.
  if (!parsed->isPart)
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

static lsp::Position position(const lang::SourceFile &source, uint32_t offset) {
  lang::LineColumn at = source.lineColumn(offset);
  int units = 0;
  for (char c : source.lineAt(offset).substr(0, at.column - 1))
    units += static_cast<int>(unitsOf(c));
  return lsp::Position(static_cast<int>(at.line) - 1, units);
}

lsp::Position Document::position(uint32_t offset) const {
  return ::position(*lines, offset);
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

/// Whether a remark is about this text, not about that of a part.
bool Document::isOwn(const lang::Remark &remark) const {
  return !remark.range || lines->isOwn(remark.range->begin);
}

std::vector<lsp::Diagnostic> Document::diagnostics() const {
  std::vector<lsp::Diagnostic> all;
  for (const lang::Diagnostic &from : found.all()) {
    lsp::Diagnostic &to = all.emplace_back();
    // What is wrong in a part shows where it is included.
    const lang::Remark *head = &from.head;
    for (const lang::Remark &note : from.notes)
      if (!isOwn(*head))
        head = &note;
    to.range =
        range(head->range && isOwn(*head) ? *head->range : lang::SourceRange());
    bool isError = from.severity == lang::Diagnostic::Severity::Error;
    to.severity = isError ? lsp::DiagnosticSeverity::Error
                          : lsp::DiagnosticSeverity::Warning;
    to.source = "tenon";
    to.message =
        (isOwn(from.head) ? "" : from.head.place + ": ") + from.head.message;
    std::vector<lsp::DiagnosticRelatedInformation> related;
    for (const lang::Remark &note : from.notes)
      if (note.range && isOwn(note))
        related.emplace_back(lsp::Location(file, range(*note.range)),
                             note.message);
      else
        to.message +=
            "\n" + (isOwn(note) ? "" : note.place + ": ") + note.message;
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
  lang::SourceRange at = name->decl->nameRange;
  if (lines->isOwn(at.begin))
    return {lsp::Location(file, range(at))};
  // In a part, if that is a file; one that is built in is nowhere to be shown.
  const std::string &path = model->source.fileAt(at.begin).name;
  if (!llvm::sys::path::is_absolute(path))
    return {};
  llvm::Expected<lsp::URIForFile> uri = lsp::URIForFile::fromFile(path);
  if (!uri) {
    llvm::consumeError(uri.takeError());
    return {};
  }
  return {lsp::Location(*uri, lsp::Range(::position(model->source, at.begin),
                                         ::position(model->source, at.end)))};
}

std::vector<lsp::Location> Document::references(lsp::Position position,
                                                bool withDeclaration) const {
  std::vector<lsp::Location> all;
  const lang::Occurrence *name = nameAt(position);
  if (!name || !name->decl)
    return all;
  for (lang::SourceRange at : index->occurrencesOf(*name->decl))
    if (lines->isOwn(at.begin) &&
        (withDeclaration || at.begin != name->decl->nameRange.begin))
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
      // The def of a layer, and what parts declare.
      if (decl->name.empty() || !lines->isOwn(decl->nameRange.begin))
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
