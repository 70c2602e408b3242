//===- Parser.h - from tokens to a program ----------------------*- C++ -*-===//

#ifndef TENON_LIB_TEMPLATE_PARSER_H
#define TENON_LIB_TEMPLATE_PARSER_H

#include "Lexer.h"

#include "tenon/Template/Program.h"

#include <initializer_list>

namespace tenon::templates {

/// Recursive descent after jinja2/parser.py (3.1). Throws SyntaxError.
class Parser {
public:
  Parser(std::string_view source, std::vector<Token> tokens);
  std::vector<Node> run();

private:
  using Id = uint32_t;

  // Tokens.
  const Token &token() const { return tokens[next]; }
  bool isOperator(std::string_view text) const;
  bool isName(std::string_view text) const;
  bool skipOperator(std::string_view text);
  bool skipName(std::string_view text);
  void expectOperator(std::string_view text);
  std::string expectName(const char *what);
  void expectBlockEnd();
  [[noreturn]] void fail(std::string message) const;

  // Nodes.
  Id make(Op op, size_t offset, std::vector<Id> operands = {},
          std::string text = {});
  size_t here() const { return token().offset; }

  // Statements.
  Id parseBody(std::initializer_list<const char *> ends);
  Id parseStatement();
  Id parseIf();
  Id parseFor();
  Id parseSet();
  Id parseMacro();
  Id parseParameters(std::vector<Id> &operands, Node &macro, size_t offset);
  Id parseCallBlock();
  Id parseFilterBlock();
  Id parseWith();
  Id parseTarget(bool mayBeField, bool mayBeTuple);

  // Expressions.
  Id parseExpression(bool withConditional = true);
  Id parseTuple(bool withConditional = true,
                std::initializer_list<const char *> ends = {});
  Id parseConditional();
  Id parseOr();
  Id parseAnd();
  Id parseNot();
  Id parseCompare();
  Id parseSum();
  Id parseConcatenation();
  Id parseProduct();
  Id parsePower();
  Id parseUnary(bool withFilter = true);
  Id parsePrimary();
  Id parsePostfix(Id node);
  Id parseSubscript(Id node);
  Id parseFilters(Id node);
  Id parseFilter(Id node);
  Id parseTest(Id node);
  Id parseCall(Id callee);
  Id parseList();
  Id parseDict();
  void parseArguments(std::vector<Id> &operands,
                      std::vector<std::string> &names);
  bool endsTuple(std::initializer_list<const char *> ends) const;

  /// Counts one level of nesting.
  class Nesting {
  public:
    explicit Nesting(Parser &parser);
    ~Nesting() { --parser.depth; }

  private:
    Parser &parser;
  };

  std::string_view source;
  std::vector<Token> tokens;
  size_t next = 0;
  std::vector<Node> nodes;
  std::vector<size_t> lineStarts;
  unsigned depth = 0;
  unsigned loops = 0;
};

} // namespace tenon::templates

#endif // TENON_LIB_TEMPLATE_PARSER_H
