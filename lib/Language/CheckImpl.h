//===- CheckImpl.h - the checker's class ------------------------*- C++ -*-===//
//
// Check.cpp has declarations and the order of things, CheckEntries.cpp the
// entry points, CheckLayer.cpp layers and tensors' names, CheckExpr.cpp the
// expressions, CheckLists.cpp those of lists, CheckCalls.cpp calls and
// recursion, CheckMixture.cpp layers inside of layers.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_LANGUAGE_CHECKIMPL_H
#define TENON_LIB_LANGUAGE_CHECKIMPL_H

#include "tenon/Language/Builtins.h"
#include "tenon/Language/Check.h"

#include <functional>
#include <unordered_map>
#include <unordered_set>

namespace tenon::lang {

/// "loop over it: block*(…)", for messages.
std::string howToFold(const LayerDecl &layer);

class Checker {
public:
  Checker(Model &model, Diagnostics &diagnostics)
      : model(model), diagnostics(diagnostics) {}

  bool check();

private:
  using Scope = std::unordered_map<std::string_view, const Decl *>;

  // Declarations.
  void collectNames();
  void declare(Scope &scope, const Decl *decl);
  void checkItem(Item &item);
  void checkParam(ParamDecl &param);
  /// The default, or what null means: `what`.
  void checkParamValue(const ParamDecl &param, Expr *value,
                       const std::string &what);
  void checkConstant(ConstantDecl &constant);
  void checkRequire(Item &item);
  void checkWeight(WeightDecl &weight);
  void checkLayer(LayerDecl &layer);
  void checkLayerItem(LayerDecl &layer, Item &item);
  void checkLayerName(const LayerDecl &layer, const StringExpr *name);
  void checkPrefix(const LayerDecl &layer, const StringExpr *prefix);
  void checkLayerBodies(LayerDecl &layer);
  void checkSignature(DefDecl &def);
  void checkLengths(const DefDecl &def);
  void checkLengthsAlone(const DefDecl &def, const Type &type,
                         const TypeSyntax &syntax);
  void checkBody(DefDecl &def);
  void checkLet(LetStmt &let);
  void checkHelpers();
  // Entry points.
  void declareArchitecture();
  void checkArchitectures(const Item &item);
  void checkKind(const Item &item);
  bool checkInputElement(const InputDecl &input);
  void checkResultElement(DefDecl &def);
  void checkEntries();

  bool checkShape(std::vector<Expr *> &syntax, std::vector<Dim> &shape,
                  bool allowLengths);
  bool checkOwnParts(const StringExpr *name, unsigned places);
  bool checkNamePattern(const StringExpr *name, const WeightDecl *weight);
  bool hasIndex(const StringExpr *name) const;

  // Expressions. An invalid type means that an error has been reported.
  const Type &checkExpr(Expr *expr);
  Type typeOf(Expr *expr);
  Type typeOfName(NameExpr &name);
  std::optional<Type> typeOfLength(NameExpr &name);
  Type typeOfUnary(UnaryExpr &unary);
  Type typeOfBinary(BinaryExpr &binary);
  Type typeOfArithmetic(BinaryExpr &binary);
  Type typeOfTensors(BinaryExpr &binary);
  Type typeOfConditional(ConditionalExpr &conditional);
  Type typeOfMembership(BinaryExpr &binary);
  Type typeOfIndex(IndexExpr &subscript);
  Type typeOfList(ListExpr &list);
  Type typeOfComprehension(ComprehensionExpr &all);
  Type invalid(SourceRange range, std::string message);
  void unknownName(SourceRange range, std::string_view name,
                   std::string_view kind);
  Dim opaque(std::string name, const Expr *definition, bool unique);
  bool varies(const Expr *expr) const;
  bool isGlobal(const Expr *expr) const;
  bool anyName(const Expr *expr,
               const std::function<bool(const NameExpr &)> &test) const;
  bool expectKind(Expr *expr, Type::Kind kind, std::string_view what);

  // Calls.
  Type typeOfCall(CallExpr &call);
  Type typeOfBuiltinCall(CallExpr &call);
  Type typeOfDefCall(CallExpr &call);
  Type typeOfLayerLoop(LayerLoopExpr &loop);
  Type typeOfSum(LayerLoopExpr &loop);
  const Decl *findCallee(std::string_view name) const;
  bool fillSlots(CallExpr &call);
  bool checkSlot(CallExpr &call, const BuiltinParam &param, const Expr *value);
  /// What the letters, and the leading dimensions, of a def stand for in a
  /// call.
  struct Lengths {
    std::unordered_map<const Symbol *, Dim> dims;
    std::unordered_map<const Symbol *, const Expr *> from; ///< the argument
    std::optional<std::vector<Dim>> leading;
    const Expr *leadingFrom = nullptr;
  };
  bool checkInputs(const DefDecl &def, std::vector<Argument> &arguments,
                   SourceRange callRange, Lengths &lengths);
  void matchLetters(const InputDecl &input, const Expr *value,
                    Lengths &lengths);
  /// A type of the callee's with the caller's dimensions.
  std::optional<Type> inCaller(const Type &type, bool hasLeading,
                               const Lengths &lengths) const;
  Type resultOf(const DefDecl &def, const Lengths &lengths, SourceRange range);
  DefDecl *instantiate(const DefDecl &def,
                       const std::vector<Argument> &arguments,
                       const Lengths &lengths, SourceRange callRange);
  void checkCallGraph();

  // Mixtures.
  void checkRowWise(const LayerDecl &layer);

  Model &model;
  Diagnostics &diagnostics;

  Scope global; // what is declared so far
  Scope layerScope;
  Scope local;
  Scope indices; // of the comprehensions around
  LayerDecl *currentLayer = nullptr;
  std::unordered_map<std::string_view, const Decl *> later; // all globals
  bool lengthsAllowed = false; // T, S, … are dimensions here
  // What letters stand for in the instance of a helper that is being checked.
  const Lengths *bindings = nullptr;
  std::vector<const DefDecl *> instantiating; // from the outermost
  bool inBody = false;                        // tensors may be computed here
  const DefDecl *currentDef = nullptr;
  std::unordered_map<const LayerDecl *, Scope> layerScopes;

  std::unordered_map<std::string, const Symbol *> opaqueSymbols;
  struct CallEdge {
    const DefDecl *callee;
    SourceRange range;
  };
  std::unordered_map<const DefDecl *, std::vector<CallEdge>> callees;
  std::unordered_map<const DefDecl *, uint64_t> bodySizes;
};

} // namespace tenon::lang

#endif // TENON_LIB_LANGUAGE_CHECKIMPL_H
