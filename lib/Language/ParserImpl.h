//===- ParserImpl.h - the parser's class ------------------------*- C++ -*-===//
//
// Parser.cpp has the declarations, ParseExpr.cpp the expressions.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_LANGUAGE_PARSERIMPL_H
#define TENON_LIB_LANGUAGE_PARSERIMPL_H

#include "Lexer.h"
#include "tenon/Language/Parser.h"

namespace tenon::lang {

class Parser {
public:
  Parser(Model &model, Diagnostics &diagnostics)
      : model(model), diagnostics(diagnostics),
        lexer(model.source, diagnostics, model.comments) {}
  /// To begin at an offset; comments go to a list of their own.
  Parser(Model &model, Diagnostics &diagnostics, size_t offset,
         std::vector<Comment> &comments)
      : model(model), diagnostics(diagnostics),
        lexer(model.source, diagnostics, comments, offset) {}

  bool parse();
  DefDecl *parseDefAgain();

private:
  // Tokens.
  void advance();
  bool consumeIf(std::string_view spelling);
  bool fail(std::string message);
  bool failExpected(std::string_view what, std::string_view where = {});
  bool expect(std::string_view spelling, std::string_view where);
  bool parseName(std::string_view &name, SourceRange &range,
                 std::string_view what);
  StringExpr *parseString(std::string_view what);
  bool parseHoles(StringExpr &string);
  bool parseTensorNames(std::vector<const StringExpr *> &names,
                        std::string_view what);
  bool parseStrings(std::vector<const StringExpr *> &strings,
                    std::string_view separator, std::string_view what);

  // Declarations.
  bool parseItem();
  bool parseInclude(Item &item);
  bool parsePart(const Item &include, LayerDecl *layer);
  bool parseArchitectures(Item &item);
  bool parseModelTypes(Item &item);
  bool parsePatterns(Item &item, Item::Kind kind, std::string_view what);
  bool parseKind(Item &item);
  bool parseKindName(ModelKind &kind);
  bool parseContext(Item &item);
  bool parseParam(Item &item);
  bool parseConstant(Item &item, std::vector<ConstantDecl *> *constants);
  bool parseRequire(Item &item);
  bool parseGgufNames(std::vector<const StringExpr *> &names);
  bool beginsWeight() const;
  bool parseWeight(Item &item, std::vector<WeightDecl *> &weights);
  bool parseLayer(Item &item, LayerDecl *outer);
  bool parseLayerItem(LayerDecl &layer);
  bool parseDef(Item &item);
  bool parseDefRest(DefDecl &def, uint32_t begin);
  bool parseLet(DefDecl &def);
  bool parseShape(std::vector<Expr *> &shape, SourceRange &range,
                  bool *hasLeading = nullptr);
  bool parseType(TypeSyntax &type);

  // Expressions; null after an error.
  Expr *parseExpr();
  Expr *parseBinary(int minPrecedence);
  Expr *parseUnary();
  Expr *parsePrimary();
  Expr *parseSubscripts(Expr *expr, uint32_t begin);
  Expr *parseList();
  Expr *parseNumber();
  Expr *parseCall(std::string_view name, SourceRange nameRange);
  bool parseArguments(std::vector<Argument> &arguments, unsigned &depth);
  bool continues() const;
  Expr *finish(Expr *expr, uint32_t begin, unsigned depth);

  Model &model;
  Diagnostics &diagnostics;
  Lexer lexer;
  Token token;
  uint32_t previousEnd = 0;
  unsigned nesting = 0;  // of parseExpr and parseUnary, bounds the recursion
  unsigned brackets = 0; // open ( and [: line breaks mean nothing in them
};

} // namespace tenon::lang

#endif // TENON_LIB_LANGUAGE_PARSERIMPL_H
