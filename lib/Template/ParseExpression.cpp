//===- ParseExpression.cpp - expressions of a template --------------------===//

#include "Names.h"
#include "Parser.h"

#include <algorithm>

using namespace tenon::templates;

Parser::Id Parser::parseExpression(bool withConditional) {
  Nesting nesting(*this);
  return withConditional ? parseConditional() : parseOr();
}

bool Parser::endsTuple(std::initializer_list<const char *> ends) const {
  Token::Kind kind = token().kind;
  return kind == Token::Kind::WriteEnd || kind == Token::Kind::BlockEnd ||
         isOperator(")") ||
         std::any_of(ends.begin(), ends.end(),
                     [&](auto end) { return isName(end); });
}

// One expression, or several with commas, which are a tuple.
Parser::Id Parser::parseTuple(bool withConditional,
                              std::initializer_list<const char *> ends) {
  size_t offset = here();
  std::vector<Id> elements{parseExpression(withConditional)};
  if (!isOperator(","))
    return elements.front();
  while (skipOperator(",") && !endsTuple(ends))
    elements.push_back(parseExpression(withConditional));
  return make(Op::Tuple, offset, std::move(elements));
}

Parser::Id Parser::parseConditional() {
  size_t offset = here();
  Id value = parseOr();
  while (skipName("if")) {
    Id condition = parseOr();
    Id otherwise = kNoNode;
    if (skipName("else")) {
      Nesting nesting(*this);
      otherwise = parseConditional();
    }
    value = make(Op::Conditional, offset, {condition, value, otherwise});
  }
  return value;
}

Parser::Id Parser::parseOr() {
  size_t offset = here();
  Id left = parseAnd();
  while (skipName("or"))
    left = make(Op::Or, offset, {left, parseAnd()});
  return left;
}

Parser::Id Parser::parseAnd() {
  size_t offset = here();
  Id left = parseNot();
  while (skipName("and"))
    left = make(Op::And, offset, {left, parseNot()});
  return left;
}

Parser::Id Parser::parseNot() {
  size_t offset = here();
  if (!skipName("not"))
    return parseCompare();
  Nesting nesting(*this);
  return make(Op::Not, offset, {parseNot()});
}

Parser::Id Parser::parseCompare() {
  size_t offset = here();
  std::vector<Id> operands{parseSum()};
  std::vector<std::string> names;
  while (true) {
    bool isOrder = false;
    if (token().kind == Token::Kind::Operator)
      for (const char *known : {"==", "!=", "<", "<=", ">", ">="})
        isOrder |= token().text == known;
    if (isOrder) {
      names.push_back(tokens[next++].text);
    } else if (skipName("in")) {
      names.push_back("in");
    } else if (isName("not") && tokens[next + 1].kind == Token::Kind::Name &&
               tokens[next + 1].text == "in") {
      next += 2;
      names.push_back("not in");
    } else {
      break;
    }
    operands.push_back(parseSum());
  }
  if (names.empty())
    return operands.front();
  Id node = make(Op::Compare, offset, std::move(operands));
  nodes[node].names = std::move(names);
  return node;
}

Parser::Id Parser::parseSum() {
  size_t offset = here();
  Id left = parseConcatenation();
  while (isOperator("+") || isOperator("-")) {
    Op op = isOperator("+") ? Op::Add : Op::Subtract;
    ++next;
    left = make(op, offset, {left, parseConcatenation()});
  }
  return left;
}

Parser::Id Parser::parseConcatenation() {
  size_t offset = here();
  std::vector<Id> parts{parseProduct()};
  while (skipOperator("~"))
    parts.push_back(parseProduct());
  return parts.size() == 1 ? parts.front()
                           : make(Op::Concatenate, offset, std::move(parts));
}

Parser::Id Parser::parseProduct() {
  size_t offset = here();
  Id left = parsePower();
  while (true) {
    Op op;
    if (isOperator("*"))
      op = Op::Multiply;
    else if (isOperator("/"))
      op = Op::Divide;
    else if (isOperator("//"))
      op = Op::FloorDivide;
    else if (isOperator("%"))
      op = Op::Modulo;
    else
      return left;
    ++next;
    left = make(op, offset, {left, parsePower()});
  }
}

Parser::Id Parser::parsePower() {
  size_t offset = here();
  Id left = parseUnary();
  while (skipOperator("**"))
    left = make(Op::Power, offset, {left, parseUnary()});
  return left;
}

Parser::Id Parser::parseUnary(bool withFilter) {
  size_t offset = here();
  Nesting nesting(*this);
  Id node;
  if (isOperator("-") || isOperator("+")) {
    Op op = isOperator("-") ? Op::Negate : Op::Plus;
    ++next;
    node = make(op, offset, {parseUnary(false)});
  } else {
    node = parsePrimary();
  }
  node = parsePostfix(node);
  return withFilter ? parseFilters(node) : node;
}

Parser::Id Parser::parsePrimary() {
  size_t offset = here();
  const Token &first = token();
  switch (first.kind) {
  case Token::Kind::Name: {
    std::string name = first.text;
    ++next;
    if (name == "true" || name == "True")
      return make(Op::True, offset);
    if (name == "false" || name == "False")
      return make(Op::False, offset);
    if (name == "none" || name == "None")
      return make(Op::None, offset);
    return make(Op::Name, offset, {}, std::move(name));
  }
  case Token::Kind::String: {
    // Strings that follow one another are one.
    std::string text;
    while (token().kind == Token::Kind::String)
      text += tokens[next++].text;
    return make(Op::String, offset, {}, std::move(text));
  }
  case Token::Kind::Integer: {
    Id node = make(Op::Integer, offset);
    nodes[node].integer = first.integer;
    ++next;
    return node;
  }
  case Token::Kind::Float: {
    Id node = make(Op::Float, offset);
    nodes[node].number = first.number;
    ++next;
    return node;
  }
  default:
    break;
  }
  if (skipOperator("(")) {
    if (skipOperator(")"))
      return make(Op::Tuple, offset);
    Id node = parseTuple();
    expectOperator(")");
    return node;
  }
  if (isOperator("["))
    return parseList();
  if (isOperator("{"))
    return parseDict();
  fail("expected an expression");
}

Parser::Id Parser::parseList() {
  size_t offset = here();
  ++next;
  std::vector<Id> elements;
  while (!isOperator("]")) {
    if (!elements.empty())
      expectOperator(",");
    if (isOperator("]"))
      break;
    elements.push_back(parseExpression());
  }
  ++next;
  return make(Op::List, offset, std::move(elements));
}

Parser::Id Parser::parseDict() {
  size_t offset = here();
  ++next;
  std::vector<Id> elements;
  while (!isOperator("}")) {
    if (!elements.empty())
      expectOperator(",");
    if (isOperator("}"))
      break;
    elements.push_back(parseExpression());
    expectOperator(":");
    elements.push_back(parseExpression());
  }
  ++next;
  return make(Op::Dict, offset, std::move(elements));
}

Parser::Id Parser::parsePostfix(Id node) {
  while (true) {
    size_t offset = here();
    if (skipOperator(".")) {
      if (token().kind == Token::Kind::Integer) {
        Id index = make(Op::Integer, offset);
        nodes[index].integer = token().integer;
        ++next;
        node = make(Op::Item, offset, {node, index});
      } else {
        node = make(Op::Attribute, offset, {node},
                    expectName("an attribute's name"));
      }
    } else if (isOperator("[")) {
      node = parseSubscript(node);
    } else if (isOperator("(")) {
      node = parseCall(node);
    } else {
      return node;
    }
  }
}

Parser::Id Parser::parseSubscript(Id object) {
  size_t offset = here();
  ++next;
  Id parts[3] = {kNoNode, kNoNode, kNoNode};
  size_t part = 0;
  while (!isOperator("]")) {
    if (skipOperator(":")) {
      if (++part > 2)
        fail("a slice has at most three parts");
      continue;
    }
    if (parts[part] != kNoNode)
      fail("expected ']' or ':'");
    parts[part] = parseExpression();
  }
  ++next;
  if (part > 0)
    return make(Op::Slice, offset, {object, parts[0], parts[1], parts[2]});
  if (parts[0] == kNoNode)
    fail("expected an index");
  return make(Op::Item, offset, {object, parts[0]});
}

Parser::Id Parser::parseFilters(Id node) {
  while (true) {
    if (skipOperator("|"))
      node = parseFilter(node);
    else if (skipName("is"))
      node = parseTest(node);
    else if (isOperator("("))
      node = parseCall(node);
    else
      return node;
  }
}

Parser::Id Parser::parseFilter(Id node) {
  size_t offset = here();
  std::string name = expectName("a filter's name");
  if (!isFilterName(name)) {
    --next;
    fail("unknown filter '" + name.substr(0, 40) + "'");
  }
  std::vector<Id> operands{node};
  std::vector<std::string> names;
  if (isOperator("("))
    parseArguments(operands, names);
  Id filter = make(Op::Filter, offset, std::move(operands), std::move(name));
  nodes[filter].names = std::move(names);
  return filter;
}

Parser::Id Parser::parseTest(Id node) {
  size_t offset = here();
  bool negated = skipName("not");
  size_t nameAt = here();
  std::string name = expectName("a test's name");
  if (!isTestName(name)) {
    --next;
    fail("unknown test '" + name.substr(0, 40) + "'");
  }
  std::vector<Id> operands{node};
  std::vector<std::string> names;
  Token::Kind kind = token().kind;
  if (isOperator("(")) {
    parseArguments(operands, names);
  } else if ((kind == Token::Kind::Name && !isName("else") && !isName("or") &&
              !isName("and")) ||
             kind == Token::Kind::String || kind == Token::Kind::Integer ||
             kind == Token::Kind::Float || isOperator("[") || isOperator("{")) {
    if (isName("is"))
      fail("tests can't be chained with 'is'");
    operands.push_back(parsePostfix(parsePrimary()));
  }
  Id test = make(Op::Test, nameAt, std::move(operands), std::move(name));
  nodes[test].names = std::move(names);
  return negated ? make(Op::Not, offset, {test}) : test;
}

Parser::Id Parser::parseCall(Id callee) {
  size_t offset = here();
  std::vector<Id> operands{callee};
  std::vector<std::string> names;
  parseArguments(operands, names);
  Id call = make(Op::Call, offset, std::move(operands));
  nodes[call].names = std::move(names);
  return call;
}

void Parser::parseArguments(std::vector<Id> &operands,
                            std::vector<std::string> &names) {
  Nesting nesting(*this);
  expectOperator("(");
  bool first = true;
  while (!isOperator(")")) {
    if (!std::exchange(first, false))
      expectOperator(",");
    if (isOperator(")"))
      break;
    if (isOperator("*") || isOperator("**"))
      fail("arguments by '*' are not supported");
    if (token().kind == Token::Kind::Name &&
        tokens[next + 1].kind == Token::Kind::Operator &&
        tokens[next + 1].text == "=") {
      names.push_back(token().text);
      next += 2;
    } else if (!names.empty()) {
      fail("an argument without a name after one with a name");
    }
    operands.push_back(parseExpression());
  }
  ++next;
}
