//===- Parser.cpp - items of a description --------------------------------===//
//
// Recursive descent with one token of lookahead. Functions return false (or
// null) after an error, which has been reported then; nothing is recovered.
//
//===----------------------------------------------------------------------===//

#include "Include.h"
#include "ParserImpl.h"

#include <algorithm>

using namespace tenon::lang;

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

void Parser::advance() {
  previousEnd = token.range.end;
  token = lexer.next();
}

bool Parser::consumeIf(std::string_view spelling) {
  if (!token.is(spelling))
    return false;
  advance();
  return true;
}

bool Parser::fail(std::string message) {
  if (token.kind != Token::Kind::Error)
    diagnostics.error(model.source, token.range, std::move(message));
  return false;
}

bool Parser::failExpected(std::string_view what, std::string_view where) {
  std::string message = "expected " + std::string(what);
  if (!where.empty())
    message += " " + std::string(where);
  if (token.kind == Token::Kind::End)
    message += ", found the end of the file";
  else if (token.text.size() <= 40)
    message += ", found '" + std::string(token.text) + "'";
  return fail(std::move(message));
}

bool Parser::expect(std::string_view spelling, std::string_view where) {
  if (consumeIf(spelling))
    return true;
  return failExpected("'" + std::string(spelling) + "'", where);
}

bool Parser::parseName(std::string_view &name, SourceRange &range,
                       std::string_view what) {
  if (token.kind != Token::Kind::Word)
    return failExpected(what);
  if (isReservedWord(token.text))
    return fail("'" + std::string(token.text) +
                "' is a reserved word; expected " + std::string(what));
  if (token.text.size() > 256)
    return fail("a name of more than 256 characters");
  name = token.text;
  range = token.range;
  advance();
  return true;
}

StringExpr *Parser::parseString(std::string_view what) {
  if (token.kind != Token::Kind::String) {
    failExpected(what);
    return nullptr;
  }
  auto *string = model.make<StringExpr>(token.range);
  std::string_view inner = token.text.substr(1, token.text.size() - 2);
  for (size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] == '\\')
      ++i;
    string->value += inner[i];
  }
  advance();
  return string;
}

bool Parser::parseStrings(std::vector<const StringExpr *> &strings,
                          std::string_view separator, std::string_view what) {
  do {
    const StringExpr *string = parseString(what);
    if (!string)
      return false;
    strings.push_back(string);
  } while (consumeIf(separator));
  return true;
}

// The expressions in braces of a tensor's name, "layers.{2 * i + 1}": tokens
// like any others. What is no expression is left to the checker.
bool Parser::parseHoles(StringExpr &string) {
  const Token next = token;
  const size_t position = lexer.position();
  const uint32_t end = previousEnd;
  std::string_view text = model.source.text().substr(
      string.range.begin, string.range.end - string.range.begin);
  for (size_t open = 0; (open = text.find('{', open)) != text.npos; ++open) {
    size_t close = text.find('}', open);
    if (close == text.npos)
      break;
    std::string inner(text.substr(open + 1, close - open - 1));
    bool isKnown =
        std::any_of(string.holes.begin(), string.holes.end(),
                    [&](const NameHole &hole) { return hole.text == inner; });
    if (isKnown || inner.empty() || inner.find('|') != inner.npos)
      continue;
    lexer.seek(string.range.begin + open + 1);
    advance();
    ++brackets;
    Expr *expr = parseExpr();
    --brackets;
    if (!expr)
      return false;
    if (!token.is("}"))
      return failExpected("'}'", "after the expression in the name");
    string.holes.push_back({std::move(inner), expr});
  }
  lexer.seek(position);
  token = next;
  previousEnd = end;
  return true;
}

// Names of tensors, or prefixes of such, separated by '|'.
bool Parser::parseTensorNames(std::vector<const StringExpr *> &names,
                              std::string_view what) {
  do {
    StringExpr *name = parseString(what);
    if (!name || !parseHoles(*name))
      return false;
    names.push_back(name);
  } while (consumeIf("|"));
  return true;
}

//===----------------------------------------------------------------------===//
// Model and its items
//===----------------------------------------------------------------------===//

bool Parser::parse() {
  advance();
  model.isPart = consumeIf("part");
  if ((!model.isPart && !expect("model", "at the start of a description")) ||
      !parseName(model.name, model.nameRange, "the model's name") ||
      !expect("{", "after the model's name"))
    return false;
  while (!token.is("}"))
    if (!parseItem())
      return false;
  model.bodyEnd = token.range;
  advance();
  if (token.kind != Token::Kind::End)
    return fail("one file holds one model; expected the end of the file");
  return true;
}

bool Parser::parseInclude(Item &item) {
  item.kind = Item::Kind::Include;
  advance();
  const StringExpr *name = parseString("the name of a part's file in quotes");
  if (!name)
    return false;
  item.strings.push_back(name);
  return true;
}

// The items of a part, as if they stood behind the `include` that names it: in
// a layer, or outside of all. Its comments are no concern of the tree's.
bool Parser::parsePart(const Item &include, LayerDecl *layer) {
  const SourceFile::File *file =
      model.source.includedBy(include.strings.front()->range.begin);
  if (!file)
    return true;
  const Token next = token;
  const size_t position = lexer.position();
  const uint32_t end = previousEnd;
  const size_t comments = model.comments.size();
  lexer.seek(file->range.begin);
  advance();
  std::string_view name;
  SourceRange range;
  if (token.is("model"))
    return fail("what is included begins with 'part', not with 'model'");
  if (!expect("part", "at the start of a file that is included") ||
      !parseName(name, range, "the part's name") ||
      !expect("{", "after the part's name"))
    return false;
  while (!token.is("}"))
    if (!(layer ? parseLayerItem(*layer) : parseItem()))
      return false;
  advance();
  if (token.kind != Token::Kind::End)
    return fail("one file holds one part; expected the end of the file");
  model.comments.resize(comments);
  lexer.seek(position);
  token = next;
  previousEnd = end;
  return true;
}

bool Parser::beginsWeight() const {
  return token.is("weight") || token.is("optional") || token.is("frozen");
}

bool Parser::parseItem() {
  Item item;
  item.range.begin = token.range.begin;
  bool ok;
  if (token.is("param"))
    ok = parseParam(item);
  else if (beginsWeight())
    ok = parseWeight(item, model.weights);
  else if (token.is("let"))
    ok = parseConstant(item, &model.constants);
  else if (token.is("require"))
    ok = parseRequire(item);
  else if (token.is("layer"))
    ok = parseLayer(item, /*outer=*/nullptr);
  else if (token.is("def"))
    ok = parseDef(item);
  else if (token.is("architectures"))
    ok = parseArchitectures(item);
  else if (token.is("model_type"))
    ok = parseModelTypes(item);
  else if (token.is("kind"))
    ok = parseKind(item);
  else if (token.is("context"))
    ok = parseContext(item);
  else if (token.is("ignore"))
    ok = parsePatterns(item, Item::Kind::Ignore, "a key's name in quotes");
  else if (token.is("unused"))
    ok = parsePatterns(item, Item::Kind::Unused, "a tensor's name in quotes");
  else if (token.is("include"))
    ok = parseInclude(item);
  else
    return failExpected("a declaration (param, let, require, weight, layer, "
                        "def, architectures, model_type, kind, context, "
                        "ignore, unused, include) or '}'");
  if (!ok)
    return false;
  item.range.end = previousEnd;
  model.items.push_back(item);
  return item.kind != Item::Kind::Include || parsePart(item, nullptr);
}

bool Parser::parseArchitectures(Item &item) {
  item.kind = Item::Kind::Architectures;
  advance();
  do {
    const StringExpr *name = parseString("an architecture's name in quotes");
    if (!name)
      return false;
    item.strings.push_back(name);
    model.architectures.push_back(name->value);
    NameExpr *entry = nullptr;
    if (consumeIf("->")) {
      entry = model.make<NameExpr>(token.range);
      if (!parseName(entry->name, entry->range,
                     "the def that the architecture runs"))
        return false;
    }
    item.entries.push_back(entry);
    model.architectureEntries.push_back(entry);
  } while (consumeIf(","));
  return true;
}

bool Parser::parseModelTypes(Item &item) {
  item.kind = Item::Kind::ModelTypes;
  advance();
  if (!parseStrings(item.strings, ",", "a model type in quotes"))
    return false;
  for (const StringExpr *name : item.strings)
    model.modelTypes.push_back(name->value);
  return true;
}

bool Parser::parsePatterns(Item &item, Item::Kind kind, std::string_view what) {
  item.kind = kind;
  advance();
  if (!parseStrings(item.strings, ",", what))
    return false;
  return !consumeIf("if") || (item.expr = parseBinary(0)) != nullptr;
}

bool Parser::parseKindName(ModelKind &kind) {
  for (ModelKind each : {ModelKind::Decoder, ModelKind::Encoder})
    if (consumeIf(kindName(each))) {
      kind = each;
      return true;
    }
  return failExpected("'decoder' or 'encoder'");
}

bool Parser::parseKind(Item &item) {
  item.kind = Item::Kind::ModelKind;
  advance();
  if (!parseKindName(model.kind))
    return false;
  if (!consumeIf("if"))
    return true;
  item.expr = model.kindCondition = parseBinary(0);
  ModelKind other = model.kind;
  if (!item.expr || !expect("else", "and the other kind") ||
      !parseKindName(other))
    return false;
  return other != model.kind || fail("both kinds are the same");
}

bool Parser::parseContext(Item &item) {
  item.kind = Item::Kind::Context;
  if (model.context)
    return fail("the context is declared twice");
  advance();
  item.expr = model.context = parseExpr();
  return item.expr != nullptr;
}

bool Parser::parseParam(Item &item) {
  item.kind = Item::Kind::Param;
  advance();
  std::vector<ParamDecl *> params;
  do {
    auto *param = model.make<ParamDecl>();
    if (!parseName(param->name, param->nameRange, "a hyperparameter's name"))
      return false;
    params.push_back(param);
    item.decls.push_back(param);
    model.params.push_back(param);
  } while (consumeIf(","));

  if (!expect(":", "and the hyperparameter's type"))
    return false;
  Type::Kind kind;
  bool isList = consumeIf("[");
  if (token.is("int"))
    kind = Type::Kind::Int;
  else if (token.is("float"))
    kind = Type::Kind::Float;
  else if (token.is("bool"))
    kind = Type::Kind::Bool;
  else if (token.is("string"))
    kind = Type::Kind::String;
  else if (token.is("rope"))
    kind = Type::Kind::Rope;
  else
    return failExpected("a type: int, float, bool, string or rope, or a list, "
                        "as in [int]");
  if (isList && kind == Type::Kind::Rope)
    return fail("there are no lists of ropes");
  advance();
  if (isList && !expect("]", "after the type of the elements"))
    return false;

  std::vector<const StringExpr *> choices, paths;
  Expr *defaultValue = nullptr, *nullValue = nullptr;
  if (token.is("in")) {
    if (kind != Type::Kind::String)
      return fail("only a string has a list of choices");
    advance();
    if (!expect("{", "before the choices") ||
        !parseStrings(choices, ",", "a choice in quotes") ||
        !expect("}", "after the choices"))
      return false;
  }
  if (consumeIf("="))
    if (!(defaultValue = parseExpr()))
      return false;
  while (consumeIf(",")) {
    if (nullValue)
      return fail("what null means is said twice");
    if (!token.is("null"))
      return failExpected("'null = ' and what null means");
    advance();
    if (!expect("=", "and what null means") || !(nullValue = parseExpr()))
      return false;
  }
  if (token.is("from")) {
    if (params.size() > 1)
      return fail("several hyperparameters can't share a 'from'; declare them "
                  "one by one");
    advance();
    if (!parseStrings(paths, "|", "a path in the configuration in quotes"))
      return false;
  }
  for (ParamDecl *param : params) {
    param->valueKind = kind;
    param->isList = isList;
    param->choices = choices;
    param->defaultValue = defaultValue;
    param->nullValue = nullValue;
    param->paths = paths;
  }
  return true;
}

bool Parser::parseConstant(Item &item, std::vector<ConstantDecl *> *constants) {
  item.kind = Item::Kind::Constant;
  advance();
  auto *constant = model.make<ConstantDecl>();
  if (!parseName(constant->name, constant->nameRange, "a name after 'let'") ||
      !expect("=", "after the name"))
    return false;
  item.decls.push_back(constant);
  if (constants)
    constants->push_back(constant);
  return (constant->value = parseExpr()) != nullptr;
}

bool Parser::parseRequire(Item &item) {
  item.kind = Item::Kind::Require;
  advance();
  if (!(item.expr = parseExpr()) ||
      !expect(",", "and a message after the condition"))
    return false;
  const StringExpr *message = parseString("a message in quotes");
  if (!message)
    return false;
  item.strings.push_back(message);
  return true;
}

bool Parser::parseShape(std::vector<Expr *> &shape, SourceRange &range,
                        bool *hasLeading) {
  range.begin = token.range.begin;
  if (!expect("[", "before the dimensions"))
    return false;
  if (hasLeading && consumeIf("...")) {
    *hasLeading = true;
    if (!expect(",", "and a dimension after '...'"))
      return false;
  }
  ++brackets;
  do {
    Expr *dim = parseExpr();
    if (!dim)
      return false;
    shape.push_back(dim);
    if (shape.size() > 8)
      return fail("a tensor has 8 dimensions at most");
  } while (consumeIf(","));
  --brackets;
  if (!expect("]", "after the dimensions"))
    return false;
  range.end = previousEnd;
  return true;
}

bool Parser::parseType(TypeSyntax &type) {
  if (!parseShape(type.shape, type.range, &type.hasLeading))
    return false;
  if (!consumeIf("of"))
    return true;
  for (Element element : {Element::Token, Element::TokenType, Element::Bool,
                          Element::Pixel, Element::Feature, Element::Span})
    if (token.is(elementName(element))) {
      type.element = element;
      type.range.end = token.range.end;
      advance();
      return true;
    }
  // The name of a list: those of the columns.
  type.element = Element::Labels;
  type.labels = model.make<NameExpr>(token.range);
  if (!parseName(type.labels->name, type.labels->range,
                 "an element type: token, token_type, bool, pixel, feature, "
                 "span, or the list that names the columns"))
    return false;
  type.range.end = previousEnd;
  return true;
}

/// `: gguf "name" | …` behind a tensor's names or a prefix.
bool Parser::parseGgufNames(std::vector<const StringExpr *> &names) {
  if (!consumeIf(":"))
    return true;
  if (!token.is("gguf"))
    return failExpected("'gguf'", "and the names that the tensor has there");
  advance();
  return parseTensorNames(names, "a name in GGUF in quotes");
}

bool Parser::parseWeight(Item &item, std::vector<WeightDecl *> &weights) {
  item.kind = Item::Kind::Weight;
  WeightDecl shared;
  shared.optional = consumeIf("optional");
  shared.frozen = consumeIf("frozen");
  if (!expect("weight", shared.frozen ? "after 'frozen'" : "after 'optional'"))
    return false;
  std::vector<WeightDecl *> decls;
  do {
    auto *weight = model.make<WeightDecl>();
    if (!parseName(weight->name, weight->nameRange, "a weight's name"))
      return false;
    decls.push_back(weight);
  } while (consumeIf(","));
  if (!expect(":", "and the weight's shape") ||
      !parseShape(shared.shape, shared.shapeRange) ||
      !expect("=", "and the tensor's name after the shape"))
    return false;
  do {
    WeightSource source;
    if (token.kind == Token::Kind::Word) {
      source.alias = model.make<NameExpr>(token.range);
      if (!parseName(source.alias->name, source.alias->range,
                     "a weight's name or a tensor's name in quotes"))
        return false;
    } else if (!parseTensorNames(source.names, "a tensor's name in quotes") ||
               !parseGgufNames(source.ggufNames)) {
      return false;
    }
    // Conditions hold no conditional of their own: 'else' is the weight's.
    if (consumeIf("if") && !(source.condition = parseBinary(0)))
      return false;
    shared.sources.push_back(std::move(source));
  } while (shared.sources.back().condition && consumeIf("else"));
  for (WeightDecl *weight : decls) {
    weight->optional = shared.optional;
    weight->frozen = shared.frozen;
    weight->shape = shared.shape;
    weight->shapeRange = shared.shapeRange;
    weight->sources = shared.sources;
    weight->place = static_cast<unsigned>(item.decls.size());
    weight->places = static_cast<unsigned>(decls.size());
    item.decls.push_back(weight);
    weights.push_back(weight);
  }
  return true;
}

bool Parser::parseLayer(Item &item, LayerDecl *outer) {
  item.kind = Item::Kind::Layer;
  advance();
  auto *layer = model.make<LayerDecl>();
  layer->outer = outer;
  layer->index = model.make<IndexDecl>();
  layer->index->layer = layer;
  if (!parseName(layer->name, layer->nameRange, "the layer's name") ||
      !expect("[", "and the number of layers, as in block[i < n]") ||
      !parseName(layer->index->name, layer->index->nameRange,
                 "the layer's index") ||
      !expect("<", "and the number of layers, as in block[i < n]"))
    return false;
  ++brackets;
  if (!(layer->count = parseExpr()))
    return false;
  --brackets;
  if (!expect("]", "after the number of layers"))
    return false;
  if (consumeIf("=") &&
      (!parseTensorNames(layer->prefixes,
                         "a prefix of tensor names in quotes") ||
       !parseGgufNames(layer->ggufPrefixes)))
    return false;
  if (!expect("{", "before the layer's weights"))
    return false;
  item.decls.push_back(layer);
  (outer ? outer->layers : model.layers).push_back(layer);

  while (!token.is("}"))
    if (!parseLayerItem(*layer))
      return false;
  if (!layer->body)
    return failExpected("the layer's def", "before the end of the layer");
  layer->bodyEnd = token.range;
  advance();
  return true;
}

bool Parser::parseLayerItem(LayerDecl &layer) {
  Item item;
  item.range.begin = token.range.begin;
  if (beginsWeight()) {
    if (!parseWeight(item, layer.weights))
      return false;
  } else if (token.is("let")) {
    if (!parseConstant(item, nullptr))
      return false;
  } else if (token.is("require")) {
    if (!parseRequire(item))
      return false;
  } else if (token.is("include")) {
    if (!parseInclude(item))
      return false;
  } else if (token.is("layer")) {
    if (layer.outer)
      return fail("a layer inside of a layer holds no third");
    if (!parseLayer(item, &layer))
      return false;
  } else if (token.is("def")) {
    if (layer.body)
      return fail("a layer has one def");
    item.kind = Item::Kind::Def;
    layer.body = model.make<DefDecl>();
    layer.body->name = layer.name;
    layer.body->layer = &layer;
    layer.body->nameRange = token.range;
    item.decls.push_back(layer.body);
    advance();
    if (!parseDefRest(*layer.body, item.range.begin))
      return false;
  } else {
    return failExpected(
        "a weight, let, require, include, a layer, the layer's def, or '}'");
  }
  item.range.end = previousEnd;
  layer.items.push_back(item);
  return item.kind != Item::Kind::Include || parsePart(item, &layer);
}

bool Parser::parseDef(Item &item) {
  item.kind = Item::Kind::Def;
  uint32_t begin = token.range.begin;
  advance();
  auto *def = model.make<DefDecl>();
  if (!parseName(def->name, def->nameRange, "the def's name"))
    return false;
  item.decls.push_back(def);
  model.defs.push_back(def);
  return parseDefRest(*def, begin);
}

DefDecl *Parser::parseDefAgain() {
  advance(); // to "def"
  uint32_t begin = token.range.begin;
  advance();
  auto *def = model.make<DefDecl>();
  return parseName(def->name, def->nameRange, "the def's name") &&
                 parseDefRest(*def, begin)
             ? def
             : nullptr;
}

DefDecl *tenon::lang::parseDefAgain(Model &model, const DefDecl &def,
                                    Diagnostics &diagnostics) {
  std::vector<Comment> comments;
  return Parser(model, diagnostics, def.range.begin, comments).parseDefAgain();
}

bool Parser::parseDefRest(DefDecl &def, uint32_t begin) {
  if (!expect("(", "before the inputs"))
    return false;
  ++brackets;
  do {
    auto *input = model.make<InputDecl>();
    if (!parseName(input->name, input->nameRange, "an input's name") ||
        !expect(":", "and the input's type") || !parseType(input->syntax))
      return false;
    def.inputs.push_back(input);
  } while (consumeIf(","));
  --brackets;
  if (!expect(")", "after the inputs") ||
      !expect("->", "and the type of the result") ||
      !parseType(def.resultSyntax))
    return false;
  if (consumeIf("if") && !(def.condition = parseBinary(0)))
    return false;
  if (!expect("{", "before the def's body"))
    return false;
  while (token.is("let"))
    if (!parseLet(def))
      return false;
  if (token.is("}"))
    return failExpected("the value that the def computes");
  if (!(def.result = parseExpr()))
    return false;
  def.bodyEnd = token.range;
  if (!expect("}", "after the def's value"))
    return false;
  def.range = {begin, previousEnd};
  return true;
}

bool Parser::parseLet(DefDecl &def) {
  LetStmt let;
  let.range.begin = token.range.begin;
  advance();
  do {
    auto *local = model.make<LocalDecl>();
    local->index = static_cast<unsigned>(let.names.size());
    if (!parseName(local->name, local->nameRange, "a name after 'let'"))
      return false;
    let.names.push_back(local);
  } while (consumeIf(","));
  if (!expect("=", "after the name") || !(let.value = parseExpr()))
    return false;
  for (LocalDecl *local : let.names)
    local->value = let.value;
  let.range.end = previousEnd;
  def.lets.push_back(std::move(let));
  return true;
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

std::unique_ptr<Model> tenon::lang::parseModel(SourceFile source,
                                               Diagnostics &diagnostics,
                                               const PartSources *parts) {
  if (source.text().size() > SourceFile::kMaxSize) {
    diagnostics.error(
        source.name() + ":1:1",
        "the description has " + std::to_string(source.text().size()) +
            " bytes; at most " + std::to_string(SourceFile::kMaxSize) +
            " are accepted");
    return nullptr;
  }
  if (parts && !includeParts(source, *parts, diagnostics))
    return nullptr;
  auto model = std::make_unique<Model>(std::move(source));
  if (!Parser(*model, diagnostics).parse())
    return nullptr;
  return model;
}

std::unique_ptr<Model> tenon::lang::parseModelFile(
    const std::string &path, Diagnostics &diagnostics,
    std::optional<std::span<const BuiltinPart>> builtin) {
  std::optional<std::string> text =
      readDescription(path, /*mayBeMissing=*/false, [&](std::string message) {
        diagnostics.error(path, std::move(message));
      });
  if (!text)
    return nullptr;
  PartSources parts{folderOf(path),
                    builtin.value_or(std::span<const BuiltinPart>())};
  return parseModel(SourceFile(path, std::move(*text)), diagnostics,
                    builtin ? &parts : nullptr);
}
