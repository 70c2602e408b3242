//===- Parser.cpp - statements of a template ------------------------------===//

#include "Parser.h"
#include "Names.h"

#include <algorithm>

using namespace tenon::templates;

Parser::Parser(std::string_view source, std::vector<Token> tokens)
    : source(source), tokens(std::move(tokens)) {
  lineStarts.push_back(0);
  for (size_t i = 0; i < source.size(); ++i)
    if (source[i] == '\n')
      lineStarts.push_back(i + 1);
}

Parser::Nesting::Nesting(Parser &parser) : parser(parser) {
  constexpr unsigned kMaxDepth = 200;
  if (++parser.depth > kMaxDepth)
    parser.fail("statements and expressions are nested too deep");
}

//===----------------------------------------------------------------------===//
// Tokens and nodes
//===----------------------------------------------------------------------===//

void Parser::fail(std::string message) const {
  throw SyntaxError{token().offset, std::move(message)};
}

static std::string shown(const Token &token) {
  switch (token.kind) {
  case Token::Kind::End:
    return "the end of the template";
  case Token::Kind::Text:
    return "text";
  case Token::Kind::BlockBegin:
    return "'{%'";
  case Token::Kind::BlockEnd:
    return "'%}'";
  case Token::Kind::WriteBegin:
    return "'{{'";
  case Token::Kind::WriteEnd:
    return "'}}'";
  case Token::Kind::String:
    return "a string";
  default:
    return "'" + token.text.substr(0, 40) + "'";
  }
}

bool Parser::isOperator(std::string_view text) const {
  return token().kind == Token::Kind::Operator && token().text == text;
}

bool Parser::isName(std::string_view text) const {
  return token().kind == Token::Kind::Name && token().text == text;
}

bool Parser::skipOperator(std::string_view text) {
  if (!isOperator(text))
    return false;
  ++next;
  return true;
}

bool Parser::skipName(std::string_view text) {
  if (!isName(text))
    return false;
  ++next;
  return true;
}

void Parser::expectOperator(std::string_view text) {
  if (!skipOperator(text))
    fail("expected '" + std::string(text) + "', found " + shown(token()));
}

std::string Parser::expectName(const char *what) {
  if (token().kind != Token::Kind::Name)
    fail("expected " + std::string(what) + ", found " + shown(token()));
  return tokens[next++].text;
}

void Parser::expectBlockEnd() {
  if (token().kind != Token::Kind::BlockEnd)
    fail("expected '%}', found " + shown(token()));
  ++next;
}

Parser::Id Parser::make(Op op, size_t offset, std::vector<Id> operands,
                        std::string text) {
  Node node;
  node.op = op;
  node.text = std::move(text);
  node.operands = std::move(operands);
  auto line =
      std::upper_bound(lineStarts.begin(), lineStarts.end(), offset) - 1;
  node.line = static_cast<uint32_t>(line - lineStarts.begin() + 1);
  node.column = static_cast<uint32_t>(offset - *line + 1);
  nodes.push_back(std::move(node));
  return static_cast<Id>(nodes.size() - 1);
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

std::vector<Node> Parser::run() {
  parseBody({});
  if (token().kind != Token::Kind::End)
    fail("expected a tag or text");
  return std::move(nodes);
}

// Until one of the tags in `ends`, whose name is not consumed but "{%" is; or
// to the end of the template.
Parser::Id Parser::parseBody(std::initializer_list<const char *> ends) {
  Nesting nesting(*this);
  size_t offset = here();
  std::vector<Id> body;
  while (true) {
    switch (token().kind) {
    case Token::Kind::Text:
      body.push_back(make(Op::Literal, here(), {}, token().text));
      ++next;
      break;
    case Token::Kind::WriteBegin: {
      size_t begin = here();
      ++next;
      Id value = parseTuple();
      if (token().kind != Token::Kind::WriteEnd)
        fail("expected '}}', found " + shown(token()));
      ++next;
      body.push_back(make(Op::Write, begin, {value}));
      break;
    }
    case Token::Kind::BlockBegin:
      ++next;
      for (const char *end : ends)
        if (isName(end))
          return make(Op::Sequence, offset, std::move(body));
      body.push_back(parseStatement());
      break;
    default:
      if (ends.size())
        fail("expected '{% " + std::string(*(ends.end() - 1)) + " %}', found " +
             shown(token()));
      return make(Op::Sequence, offset, std::move(body));
    }
  }
}

Parser::Id Parser::parseStatement() {
  size_t offset = here();
  std::string name =
      token().kind == Token::Kind::Name ? token().text : std::string();
  auto skip = [&] { ++next; };
  if (name == "if") {
    skip();
    return parseIf();
  }
  if (name == "for") {
    skip();
    return parseFor();
  }
  if (name == "set") {
    skip();
    return parseSet();
  }
  if (name == "macro") {
    skip();
    return parseMacro();
  }
  if (name == "call") {
    skip();
    return parseCallBlock();
  }
  if (name == "filter") {
    skip();
    return parseFilterBlock();
  }
  if (name == "with") {
    skip();
    return parseWith();
  }
  if (name == "break" || name == "continue") {
    if (!loops)
      fail("'" + name + "' outside of a loop");
    skip();
    expectBlockEnd();
    return make(name == "break" ? Op::Break : Op::Continue, offset);
  }
  // Transformers marks what the assistant said; the text is the same.
  if (name == "generation") {
    skip();
    expectBlockEnd();
    Id body = parseBody({"endgeneration"});
    skip();
    expectBlockEnd();
    return body;
  }
  for (const char *known : {"include", "import", "from", "extends", "block"})
    if (name == known)
      fail("'" + name +
           "' needs other templates, which a chat template can't "
           "have");
  fail(name.empty() ? "expected a statement, found " + shown(token())
                    : "unknown statement '" + name.substr(0, 40) + "'");
}

Parser::Id Parser::parseIf() {
  size_t offset = here();
  Nesting nesting(*this);
  Id condition = parseTuple(/*withConditional=*/false);
  expectBlockEnd();
  Id body = parseBody({"elif", "else", "endif"});
  Id otherwise = kNoNode;
  if (skipName("elif")) {
    otherwise = parseIf();
    return make(Op::If, offset, {condition, body, otherwise});
  }
  if (skipName("else")) {
    expectBlockEnd();
    otherwise = parseBody({"endif"});
  }
  ++next; // endif
  expectBlockEnd();
  return make(Op::If, offset, {condition, body, otherwise});
}

Parser::Id Parser::parseFor() {
  size_t offset = here();
  Id target = parseTarget(/*mayBeField=*/false, /*mayBeTuple=*/true);
  if (!skipName("in"))
    fail("expected 'in', found " + shown(token()));
  Id iterable = parseTuple(/*withConditional=*/false, {"recursive"});
  Id condition = skipName("if") ? parseExpression() : kNoNode;
  bool recursive = skipName("recursive");
  expectBlockEnd();
  ++loops;
  Id body = parseBody({"else", "endfor"});
  --loops;
  Id otherwise = kNoNode;
  if (skipName("else")) {
    expectBlockEnd();
    otherwise = parseBody({"endfor"});
  }
  ++next; // endfor
  expectBlockEnd();
  Id node =
      make(Op::For, offset, {target, iterable, condition, body, otherwise});
  nodes[node].flag = recursive;
  return node;
}

Parser::Id Parser::parseSet() {
  size_t offset = here();
  Id target = parseTarget(/*mayBeField=*/true, /*mayBeTuple=*/true);
  if (skipOperator("=")) {
    Id value = parseTuple();
    expectBlockEnd();
    return make(Op::Set, offset, {target, value});
  }
  Id value = parseFilters(make(Op::Captured, offset));
  expectBlockEnd();
  Id body = parseBody({"endset"});
  ++next;
  expectBlockEnd();
  return make(Op::SetBlock, offset, {target, value, body});
}

// A macro's operands are the defaults of its last parameters, then the body.
Parser::Id Parser::parseParameters(std::vector<Id> &operands, Node &macro,
                                   size_t offset) {
  expectOperator("(");
  while (!isOperator(")")) {
    if (!macro.names.empty())
      expectOperator(",");
    macro.names.push_back(expectName("a parameter's name"));
    if (skipOperator("="))
      operands.push_back(parseExpression());
    else if (!operands.empty())
      fail("a parameter without a default after one with a default");
  }
  ++next;
  return 0;
}

Parser::Id Parser::parseMacro() {
  size_t offset = here();
  std::string name = expectName("the macro's name");
  std::vector<Id> operands;
  Node macro;
  parseParameters(operands, macro, offset);
  expectBlockEnd();
  unsigned outer = std::exchange(loops, 0);
  operands.push_back(parseBody({"endmacro"}));
  loops = outer;
  ++next;
  expectBlockEnd();
  Id node = make(Op::Macro, offset, std::move(operands), std::move(name));
  nodes[node].names = std::move(macro.names);
  return node;
}

Parser::Id Parser::parseCallBlock() {
  size_t offset = here();
  std::vector<Id> operands;
  Node macro;
  if (isOperator("("))
    parseParameters(operands, macro, offset);
  Id call = parseExpression();
  if (nodes[call].op != Op::Call)
    fail("expected a call of a macro");
  expectBlockEnd();
  unsigned outer = std::exchange(loops, 0);
  operands.push_back(parseBody({"endcall"}));
  loops = outer;
  ++next;
  expectBlockEnd();
  Id caller = make(Op::Macro, offset, std::move(operands), "caller");
  nodes[caller].names = std::move(macro.names);
  return make(Op::CallBlock, offset, {call, caller});
}

Parser::Id Parser::parseFilterBlock() {
  size_t offset = here();
  // The first filter stands without its "|".
  Id value = parseFilters(parseFilter(make(Op::Captured, offset)));
  expectBlockEnd();
  Id body = parseBody({"endfilter"});
  ++next;
  expectBlockEnd();
  return make(Op::Filtered, offset, {value, body});
}

Parser::Id Parser::parseWith() {
  size_t offset = here();
  std::vector<Id> operands;
  while (token().kind != Token::Kind::BlockEnd) {
    if (!operands.empty())
      expectOperator(",");
    operands.push_back(parseTarget(false, false));
    expectOperator("=");
    operands.push_back(parseExpression());
  }
  expectBlockEnd();
  operands.push_back(parseBody({"endwith"}));
  ++next;
  expectBlockEnd();
  return make(Op::With, offset, std::move(operands));
}

Parser::Id Parser::parseTarget(bool mayBeField, bool mayBeTuple) {
  size_t offset = here();
  bool parenthesis = mayBeTuple && skipOperator("(");
  std::vector<Id> targets;
  bool isTuple = false;
  do {
    if (isTuple && token().kind != Token::Kind::Name)
      break; // a comma at the end
    size_t begin = here();
    std::string name = expectName("a name");
    for (const char *word : {"true", "false", "none", "True", "False", "None"})
      if (name == word)
        fail("'" + name + "' can't be assigned to");
    if (mayBeField && skipOperator(".")) {
      Id field = make(Op::NamespaceField, begin, {}, std::move(name));
      nodes[field].names.push_back(expectName("a field's name"));
      targets.push_back(field);
    } else {
      targets.push_back(make(Op::Name, begin, {}, std::move(name)));
    }
  } while (mayBeTuple && skipOperator(",") && (isTuple = true));
  if (parenthesis)
    expectOperator(")");
  return isTuple ? make(Op::Tuple, offset, std::move(targets))
                 : targets.front();
}

//===----------------------------------------------------------------------===//
// Entry point
//===----------------------------------------------------------------------===//

// Jinja makes one kind of line break of all and drops the last.
static std::string normalizeBreaks(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      out += '\n';
      i += i + 1 < text.size() && text[i + 1] == '\n';
    } else {
      out += text[i];
    }
  }
  if (out.ends_with('\n'))
    out.pop_back();
  return out;
}

tenon::Expected<Program>
tenon::templates::compileTemplate(std::string_view text,
                                  std::string_view name) {
  std::string source = normalizeBreaks(text);
  try {
    Program program;
    program.name = name;
    program.nodes = Parser(source, tokenize(source)).run();
    return program;
  } catch (const SyntaxError &error) {
    return errorInText(name, source, error.offset, error.message);
  }
}
