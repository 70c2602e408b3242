//===- Format.cpp - the canonical form of a description -------------------===//
//
// Prints the tree and puts the comments back: those on a line of their own
// before what followed them, those at the end of a line behind what they
// followed. A comment in the middle of an item moves before it.
//
//===----------------------------------------------------------------------===//

#include "tenon/Language/Format.h"

#include "FormatExpr.h"

#include <algorithm>

using namespace tenon::lang;

namespace {

constexpr size_t kWidth = 100;

class Formatter {
public:
  explicit Formatter(const Model &model) : model(model) {}
  std::string format();

private:
  // A line in three columns: `param name` | `: int` | `= default`.
  struct Row {
    std::string left;
    BreakableText middle, right;
    std::string comment;
  };

  std::vector<Item> ownItems(const std::vector<Item> &items) const;
  void formatItems(const std::vector<Item> &items);
  size_t formatGroup(const std::vector<Item> &items, size_t begin);
  bool isRow(const Item &item) const;
  Row makeRow(const Item &item);
  void formatItem(const Item &item);
  void formatLayer(const LayerDecl &layer);
  void formatDef(const DefDecl &def);
  void printType(BreakableText &out, const TypeSyntax &type);

  // Lines and comments.
  void line(const BreakableText &text, std::string first = {});
  void startAt(uint32_t begin);
  void commentsBefore(uint32_t offset);
  std::string trailingComment(uint32_t end);
  void finishAt(uint32_t end);
  bool blankBefore(uint32_t begin) const;
  void closeBlock(SourceRange brace);
  std::string_view text(SourceRange range) const {
    return model.source.text().substr(range.begin, range.end - range.begin);
  }

  const Model &model;
  std::string out;
  size_t indent = 0;
  size_t nextComment = 0;
  uint32_t lastEnd = 0;   // in the source, of what was printed last
  bool blockStart = true; // no empty line at the start of a block
};

} // namespace

std::string tenon::lang::formatModel(const Model &model) {
  return Formatter(model).format();
}

//===----------------------------------------------------------------------===//
// Lines and comments
//===----------------------------------------------------------------------===//

bool Formatter::blankBefore(uint32_t begin) const {
  if (begin <= lastEnd)
    return false;
  std::string_view between = text({lastEnd, begin});
  return std::count(between.begin(), between.end(), '\n') >= 2;
}

// Keeps an empty line of the source before what begins there.
void Formatter::startAt(uint32_t begin) {
  if (!blockStart && blankBefore(begin))
    out += "\n";
  blockStart = false;
}

void Formatter::commentsBefore(uint32_t offset) {
  while (nextComment < model.comments.size() &&
         model.comments[nextComment].range.begin < offset) {
    const Comment &comment = model.comments[nextComment++];
    startAt(comment.range.begin);
    out += std::string(indent, ' ') + std::string(text(comment.range)) + "\n";
    lastEnd = std::max(lastEnd, comment.range.end);
  }
}

// The comment that follows `end` on its line, taken.
std::string Formatter::trailingComment(uint32_t end) {
  lastEnd = end;
  if (nextComment >= model.comments.size())
    return {};
  const Comment &comment = model.comments[nextComment];
  if (comment.startsLine || comment.range.begin < end ||
      text({end, comment.range.begin}).find('\n') != std::string_view::npos)
    return {};
  ++nextComment;
  lastEnd = comment.range.end;
  return "  " + std::string(text(comment.range));
}

void Formatter::finishAt(uint32_t end) { out += trailingComment(end) + "\n"; }

void Formatter::line(const BreakableText &text, std::string first) {
  out += text.wrap(std::string(indent, ' ') + first, indent + 4, kWidth);
}

void Formatter::closeBlock(SourceRange brace) {
  commentsBefore(brace.begin);
  indent -= 2;
  out += std::string(indent, ' ') + "}";
  finishAt(brace.end);
  blockStart = false;
}

//===----------------------------------------------------------------------===//
// Items
//===----------------------------------------------------------------------===//

std::string Formatter::format() {
  commentsBefore(model.nameRange.begin);
  // The comment at the head of a file stands apart only if it did before.
  startAt(model.nameRange.begin);
  out += (model.isPart ? "part " : "model ") + std::string(model.name) + " {\n";
  lastEnd = model.nameRange.end;
  indent = 2;
  blockStart = true;
  formatItems(ownItems(model.items));
  closeBlock(model.bodyEnd);
  commentsBefore(UINT32_MAX);
  return std::move(out);
}

// Without those of parts, which have files of their own.
std::vector<Item> Formatter::ownItems(const std::vector<Item> &items) const {
  std::vector<Item> own;
  std::ranges::copy_if(items, std::back_inserter(own), [&](const Item &item) {
    return model.source.isOwn(item.range.begin);
  });
  return own;
}

void Formatter::formatItems(const std::vector<Item> &items) {
  for (size_t i = 0; i < items.size();) {
    if (isRow(items[i])) {
      i = formatGroup(items, i);
      continue;
    }
    bool isBlock =
        items[i].kind == Item::Kind::Layer || items[i].kind == Item::Kind::Def;
    commentsBefore(isBlock ? items[i].range.begin : items[i].range.end);
    startAt(items[i].range.begin);
    formatItem(items[i++]);
  }
}

bool Formatter::isRow(const Item &item) const {
  return item.kind == Item::Kind::Weight ||
         (item.kind == Item::Kind::Param && item.decls.size() == 1);
}

// Neighbouring rows of a kind, with nothing between them, are aligned.
size_t Formatter::formatGroup(const std::vector<Item> &items, size_t begin) {
  commentsBefore(items[begin].range.end);
  startAt(items[begin].range.begin);
  std::vector<Row> rows;
  size_t i = begin;
  do {
    rows.push_back(makeRow(items[i]));
    rows.back().comment = trailingComment(items[i].range.end);
    ++i;
  } while (i < items.size() && isRow(items[i]) &&
           items[i].kind == items[begin].kind &&
           !blankBefore(items[i].range.begin) &&
           (nextComment >= model.comments.size() ||
            model.comments[nextComment].range.begin >= items[i].range.end));

  size_t leftWidth = 0, middleWidth = 0;
  for (const Row &row : rows) {
    leftWidth = std::max(leftWidth, row.left.size());
    if (!row.right.empty())
      middleWidth = std::max(middleWidth, row.middle.flat().size());
  }
  // `=` is not aligned when that makes a row too long.
  for (const Row &row : rows) {
    size_t rest = indent + leftWidth + 4 + row.right.flat().size();
    if (rest + row.middle.flat().size() <= kWidth &&
        rest + middleWidth > kWidth)
      middleWidth = 0;
  }
  for (Row &row : rows) {
    std::string head =
        row.left + std::string(leftWidth - row.left.size(), ' ') + " : ";
    if (row.right.empty()) {
      line(row.middle, std::move(head));
    } else {
      std::string middle = row.middle.flat();
      middle.resize(std::max(middle.size(), middleWidth), ' ');
      head += middle + " ";
      line(row.right, std::move(head));
    }
    out += row.comment + "\n";
  }
  return i;
}

// "int", "[int]"
static std::string typeOf(const ParamDecl &param) {
  return (param.isList ? Type::list(param.valueKind)
                       : Type::scalar(param.valueKind))
      .str();
}

Formatter::Row Formatter::makeRow(const Item &item) {
  Row row;
  const Decl *decl = item.decls.front();
  ExprPrinter right(model, row.right);
  if (auto *param = declAs<ParamDecl>(decl)) {
    row.left = "param " + std::string(param->name);
    row.middle << typeOf(*param);
    // Before each part but the first comes a blank.
    auto begin = [&](std::string_view text) {
      if (!row.right.empty())
        row.right.space();
      row.right << text;
    };
    if (!param->choices.empty()) {
      begin("in {");
      right.printStrings(param->choices, ",");
      row.right << "}";
    }
    if (param->defaultValue) {
      begin("= ");
      right.print(param->defaultValue);
    }
    if (param->nullValue) {
      (row.right.empty() ? row.middle : row.right) << ",";
      begin("null = ");
      right.print(param->nullValue);
    }
    if (!param->paths.empty()) {
      begin("from ");
      right.printStrings(param->paths, " |");
    }
    return row;
  }
  auto *weight = declAs<WeightDecl>(decl);
  row.left = weight->optional ? "optional " : "";
  row.left += weight->frozen ? "frozen weight " : "weight ";
  for (const Decl *named : item.decls)
    row.left += (named == decl ? "" : ", ") + std::string(named->name);
  ExprPrinter(model, row.middle).printShape(weight->shape);
  row.right << "= ";
  for (const WeightSource &source : weight->sources) {
    if (&source != &weight->sources.front())
      row.right << " else ";
    if (source.alias)
      right.print(source.alias);
    else
      right.printStrings(source.names, " |");
    if (!source.ggufNames.empty()) {
      row.right << " : gguf ";
      right.printStrings(source.ggufNames, " |");
    }
    if (source.condition) {
      row.right.space();
      row.right << "if ";
      right.printCondition(source.condition);
    }
  }
  return row;
}

void Formatter::formatItem(const Item &item) {
  BreakableText text;
  ExprPrinter printer(model, text);
  switch (item.kind) {
  case Item::Kind::Architectures:
    text << "architectures ";
    for (size_t i = 0; i < item.strings.size(); ++i) {
      if (i > 0) {
        text << ",";
        text.space();
      }
      printer.printString(item.strings[i]);
      if (item.entries[i])
        text << " -> " << item.entries[i]->name;
    }
    break;
  case Item::Kind::ModelTypes:
    text << "model_type ";
    printer.printStrings(item.strings, ",");
    break;
  case Item::Kind::Ignore:
  case Item::Kind::Unused:
    text << (item.kind == Item::Kind::Ignore ? "ignore " : "unused ");
    printer.printStrings(item.strings, ",");
    if (item.expr) {
      text.space();
      text << "if ";
      printer.printCondition(item.expr);
    }
    break;
  case Item::Kind::ModelKind:
    text << "kind " << kindName(model.kind);
    if (item.expr) {
      text << " if ";
      printer.printCondition(item.expr);
      text << " else "
           << kindName(model.kind == ModelKind::Decoder ? ModelKind::Encoder
                                                        : ModelKind::Decoder);
    }
    break;
  case Item::Kind::Include:
    text << "include ";
    printer.printString(item.strings.front());
    break;
  case Item::Kind::Context:
    text << "context ";
    printer.print(item.expr);
    break;
  case Item::Kind::Constant: {
    auto *constant = static_cast<const ConstantDecl *>(item.decls.front());
    text << "let " << constant->name << " = ";
    printer.print(constant->value);
    break;
  }
  case Item::Kind::Require:
    text << "require ";
    printer.print(item.expr);
    text << ",";
    text.space();
    printer.printString(item.strings.front());
    break;
  case Item::Kind::Param: { // of several names
    text << "param ";
    for (const Decl *decl : item.decls) {
      if (decl != item.decls.front()) {
        text << ",";
        text.space();
      }
      text << decl->name;
    }
    auto *param = static_cast<const ParamDecl *>(item.decls.front());
    text << " : " << typeOf(*param);
    if (!param->choices.empty()) {
      text << " in {";
      printer.printStrings(param->choices, ",");
      text << "}";
    }
    if (param->defaultValue) {
      text << " =";
      text.space();
      printer.print(param->defaultValue);
    }
    if (param->nullValue) {
      text << ",";
      text.space();
      text << "null = ";
      printer.print(param->nullValue);
    }
    break;
  }
  case Item::Kind::Layer:
    return formatLayer(*static_cast<const LayerDecl *>(item.decls.front()));
  case Item::Kind::Def:
    return formatDef(*static_cast<const DefDecl *>(item.decls.front()));
  case Item::Kind::Weight:
    break; // a row
  }
  line(text);
  finishAt(item.range.end);
}

void Formatter::formatLayer(const LayerDecl &layer) {
  BreakableText text;
  ExprPrinter printer(model, text);
  text << "layer " << layer.name << "[" << layer.index->name << " < ";
  printer.print(layer.count);
  text << "]";
  if (!layer.prefixes.empty()) {
    text << " =";
    text.space();
    printer.printStrings(layer.prefixes, " |");
  }
  if (!layer.ggufPrefixes.empty()) {
    text << " : gguf ";
    printer.printStrings(layer.ggufPrefixes, " |");
  }
  text << " {";
  line(text);
  out += "\n";
  lastEnd = layer.items.front().range.begin;
  indent += 2;
  blockStart = true;
  formatItems(ownItems(layer.items));
  closeBlock(layer.bodyEnd);
}

void Formatter::printType(BreakableText &out, const TypeSyntax &type) {
  ExprPrinter(model, out).printShape(type.shape, type.hasLeading);
  if (type.labels)
    out << " of " << type.labels->name;
  else if (type.element != Element::Float)
    out << " of " << elementName(type.element);
}

void Formatter::formatDef(const DefDecl &def) {
  BreakableText text;
  text << "def " << (def.layer ? std::string_view() : def.name);
  text << "(";
  text.open();
  for (const InputDecl *input : def.inputs) {
    if (input != def.inputs.front()) {
      text << ",";
      text.space();
    }
    text << input->name << " : ";
    printType(text, input->syntax);
  }
  text.close();
  text << ") ->";
  text.space();
  printType(text, def.resultSyntax);
  if (def.condition) {
    text.space();
    text << "if ";
    ExprPrinter(model, text).printCondition(def.condition);
  }
  text << " {";
  line(text);
  out += "\n";
  indent += 2;
  blockStart = true;
  for (const LetStmt &let : def.lets) {
    commentsBefore(let.range.end);
    startAt(let.range.begin);
    BreakableText statement;
    statement << "let ";
    for (const LocalDecl *name : let.names)
      statement << (name == let.names.front() ? "" : ", ") << name->name;
    statement << " = ";
    ExprPrinter(model, statement).print(let.value);
    line(statement);
    finishAt(let.range.end);
  }
  commentsBefore(def.result->range.end);
  startAt(def.result->range.begin);
  BreakableText result;
  ExprPrinter(model, result).print(def.result);
  line(result);
  finishAt(def.result->range.end);
  closeBlock(def.bodyEnd);
}
