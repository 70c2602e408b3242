//===- AST.h - syntax tree of a model description ---------------*- C++ -*-===//
//
// The parser builds the tree, the checker fills the fields marked "checked":
// types, declarations that names refer to, arguments by parameter. All nodes
// belong to their Model; pointers and string_views are valid as long as it.
//
// The tree's depth is bounded by the parser (kMaxDepth), so that recursive
// walks are safe.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LANGUAGE_AST_H
#define TENON_LANGUAGE_AST_H

#include "tenon/Language/Source.h"
#include "tenon/Language/Type.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::lang {

struct Builtin;
struct Decl;
struct DefDecl;
struct IndexDecl;
struct LayerDecl;
class Model;

/// The greatest depth of an expression.
constexpr unsigned kMaxDepth = 200;

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

struct Expr {
  enum class Kind {
    Integer,
    Float,
    String,
    Bool,
    Name,
    Unary,
    Binary,
    Conditional,
    Call,
    LayerLoop,
    Index,
    List,
    Comprehension,
  };
  const Kind kind;
  SourceRange range;
  unsigned depth = 1; ///< of the tree below, itself included
  Type type;          ///< checked
  virtual ~Expr() = default;

protected:
  Expr(Kind kind, SourceRange range) : kind(kind), range(range) {}
};

struct IntegerExpr : Expr {
  static constexpr Kind kKind = Kind::Integer;
  explicit IntegerExpr(SourceRange range) : Expr(kKind, range) {}
  int64_t value = 0;
};

struct FloatExpr : Expr {
  static constexpr Kind kKind = Kind::Float;
  explicit FloatExpr(SourceRange range) : Expr(kKind, range) {}
  double value = 0;
};

/// `{text}` in the name of a tensor: an int, of a layer's index for one.
struct NameHole {
  std::string text; ///< between the braces, as written
  Expr *expr = nullptr;
};

struct StringExpr : Expr {
  static constexpr Kind kKind = Kind::String;
  explicit StringExpr(SourceRange range) : Expr(kKind, range) {}
  std::string value;
  std::vector<NameHole> holes; ///< of a tensor's name; each text once
};

struct BoolExpr : Expr {
  static constexpr Kind kKind = Kind::Bool;
  explicit BoolExpr(SourceRange range) : Expr(kKind, range) {}
  bool value = false;
};

struct NameExpr : Expr {
  static constexpr Kind kKind = Kind::Name;
  explicit NameExpr(SourceRange range) : Expr(kKind, range) {}
  std::string_view name;
  const Decl *decl = nullptr; ///< checked; null for lengths
};

enum class UnaryOp { Neg, Not };

struct UnaryExpr : Expr {
  static constexpr Kind kKind = Kind::Unary;
  explicit UnaryExpr(SourceRange range) : Expr(kKind, range) {}
  UnaryOp op = UnaryOp::Neg;
  Expr *operand = nullptr;
};

enum class BinaryOp {
  Add,
  Sub,
  Mul,
  Div,
  Rem,
  In, ///< a list holds a value
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,
  And,
  Or
};

/// "+", "and", …
const char *spelling(BinaryOp op);

struct BinaryExpr : Expr {
  static constexpr Kind kKind = Kind::Binary;
  explicit BinaryExpr(SourceRange range) : Expr(kKind, range) {}
  BinaryOp op = BinaryOp::Add;
  SourceRange opRange;
  Expr *lhs = nullptr;
  Expr *rhs = nullptr;
};

/// `thenValue if condition else elseValue`
struct ConditionalExpr : Expr {
  static constexpr Kind kKind = Kind::Conditional;
  explicit ConditionalExpr(SourceRange range) : Expr(kKind, range) {}
  Expr *condition = nullptr;
  Expr *thenValue = nullptr;
  Expr *elseValue = nullptr;
};

struct Argument {
  std::string_view name; ///< empty: positional
  SourceRange nameRange;
  Expr *value = nullptr;
};

/// A call of a builtin or of a def.
struct CallExpr : Expr {
  static constexpr Kind kKind = Kind::Call;
  explicit CallExpr(SourceRange range) : Expr(kKind, range) {}
  std::string_view callee;
  SourceRange calleeRange;
  std::vector<Argument> arguments;
  const Builtin *builtin = nullptr; ///< checked; null when a def is called
  const DefDecl *def = nullptr;     ///< checked; may be an instance
  /// Checked: the value of each parameter; null where the default holds. The
  /// values of a variadic last parameter follow one another.
  std::vector<Expr *> slots;
};

/// `block*(x, …)`: x through all layers in turn. `expert+(x, …, gates)`: the
/// sum of what all layers make of x, weighted by the columns of the gates.
struct LayerLoopExpr : Expr {
  static constexpr Kind kKind = Kind::LayerLoop;
  enum class Fold { Compose, Sum };
  explicit LayerLoopExpr(SourceRange range) : Expr(kKind, range) {}
  Fold fold = Fold::Compose;
  std::string_view layerName;
  SourceRange nameRange;
  /// Compose: the carried value, then invariant ones. Sum: what each layer
  /// sees, then the gates.
  std::vector<Argument> arguments;
  const LayerDecl *layer = nullptr; ///< checked
};

/// `xs[i]`: an element of a list, from 0.
struct IndexExpr : Expr {
  static constexpr Kind kKind = Kind::Index;
  explicit IndexExpr(SourceRange range) : Expr(kKind, range) {}
  Expr *list = nullptr;
  Expr *index = nullptr;
};

/// `[a, b, …]`
struct ListExpr : Expr {
  static constexpr Kind kKind = Kind::List;
  explicit ListExpr(SourceRange range) : Expr(kKind, range) {}
  std::vector<Expr *> elements;
};

/// `[element for i < count]`
struct ComprehensionExpr : Expr {
  static constexpr Kind kKind = Kind::Comprehension;
  explicit ComprehensionExpr(SourceRange range) : Expr(kKind, range) {}
  Expr *element = nullptr;
  IndexDecl *index = nullptr;
  Expr *count = nullptr;
};

/// The expression as it is written.
std::string_view sourceText(const Model &model, const Expr *expr);

/// The expression as it is written, in quotes, for messages; "the expression"
/// if that is long.
std::string quoteExpr(const Model &model, const Expr *expr);

/// `cast<NameExpr>(e)`, or null when `e` is of another kind (or null).
template <class T> T *exprAs(Expr *expr) {
  return expr && expr->kind == T::kKind ? static_cast<T *>(expr) : nullptr;
}
template <class T> const T *exprAs(const Expr *expr) {
  return expr && expr->kind == T::kKind ? static_cast<const T *>(expr)
                                        : nullptr;
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

/// Anything that has a name.
struct Decl {
  enum class Kind { Param, Constant, Weight, Layer, Def, Input, Local, Index };
  const Kind kind;
  std::string_view name;
  SourceRange nameRange;
  Type type; ///< checked
  virtual ~Decl() = default;

protected:
  explicit Decl(Kind kind) : kind(kind) {}
};

template <class T> const T *declAs(const Decl *decl) {
  return decl && decl->kind == T::kKind ? static_cast<const T *>(decl)
                                        : nullptr;
}

/// A name that counts from 0: a layer's index, or that of a comprehension.
struct IndexDecl : Decl {
  static constexpr Kind kKind = Kind::Index;
  IndexDecl() : Decl(kKind) {}
  const LayerDecl *layer = nullptr; ///< null: of a comprehension
};

/// A hyperparameter.
struct ParamDecl : Decl {
  static constexpr Kind kKind = Kind::Param;
  ParamDecl() : Decl(kKind) {}
  Type::Kind valueKind = Type::Kind::Int; ///< of a list: of its elements
  bool isList = false;
  Expr *defaultValue = nullptr; ///< null: must be in the configuration
  /// What `null` means there; null: the same as nothing.
  Expr *nullValue = nullptr;
  /// Dotted paths in config.json, the first that is there counts; empty: name.
  std::vector<const StringExpr *> paths;
  /// The strings that are allowed; empty: all.
  std::vector<const StringExpr *> choices;
  const Symbol *symbol = nullptr; ///< checked, for int
};

/// `let` of a scalar outside every def. In a layer it has a value for each
/// repetition.
struct ConstantDecl : Decl {
  static constexpr Kind kKind = Kind::Constant;
  ConstantDecl() : Decl(kKind) {}
  Expr *value = nullptr;
  const LayerDecl *layer = nullptr; ///< checked: null outside layers
};

/// One `… if condition` of a weight's source.
struct WeightSource {
  std::vector<const StringExpr *> names; ///< alternatives, best first
  /// The same in GGUF; empty: those that names of Hugging Face have there.
  std::vector<const StringExpr *> ggufNames;
  NameExpr *alias = nullptr; ///< instead of names: another weight
  Expr *condition = nullptr; ///< null: always
};

struct WeightDecl : Decl {
  static constexpr Kind kKind = Kind::Weight;
  WeightDecl() : Decl(kKind) {}
  std::vector<Expr *> shape;
  SourceRange shapeRange;
  bool optional = false; ///< may be missing in the checkpoint
  bool frozen = false;   ///< learning leaves it as it is
  /// Of `weight q, k, v`: which of how many names this is. "{q|k|v}" in a
  /// tensor's name is its own part.
  unsigned place = 0, places = 1;
  /// Tried in order; when no condition holds the weight is absent.
  std::vector<WeightSource> sources;
  const LayerDecl *layer = nullptr; ///< checked: null outside layers
};

struct TypeSyntax {
  std::vector<Expr *> shape;
  Element element = Element::Float;
  /// Element::Labels: the list of strings that names the columns.
  NameExpr *labels = nullptr;
  SourceRange range;
  /// `[..., C]`: any dimensions before those of `shape`.
  bool hasLeading = false;
};

/// A parameter of a def.
struct InputDecl : Decl {
  static constexpr Kind kKind = Kind::Input;
  InputDecl() : Decl(kKind) {}
  TypeSyntax syntax;
};

/// One name that a `let` in a def binds.
struct LocalDecl : Decl {
  static constexpr Kind kKind = Kind::Local;
  LocalDecl() : Decl(kKind) {}
  unsigned index = 0;          ///< among the names of the same let
  const Expr *value = nullptr; ///< of the whole let
};

struct LetStmt {
  std::vector<LocalDecl *> names;
  Expr *value = nullptr;
  SourceRange range;
};

struct DefDecl : Decl {
  static constexpr Kind kKind = Kind::Def;
  DefDecl() : Decl(kKind) {}
  std::vector<InputDecl *> inputs;
  TypeSyntax resultSyntax;
  Expr *condition = nullptr; ///< null: always; else an entry only if it holds
  std::vector<LetStmt> lets;
  Expr *result = nullptr;
  SourceRange range;
  SourceRange bodyEnd;              ///< the closing brace
  const LayerDecl *layer = nullptr; ///< the layer that it is the body of

  /// Checked: a def whose inputs are tokens and the like is an entry point of
  /// the executable, a command of the def's name; others are helpers, expanded
  /// where they are called.
  bool isEntry = false;
  /// Checked: some type has leading dimensions, so that the body has a meaning
  /// for the types of a call only.
  bool hasLeading = false;
  /// Checked: the helper that this is, for the types of some call.
  const DefDecl *instanceOf = nullptr;
};

/// One line among the items of a model or layer, in source order; several
/// declarations for `param a, b : int`.
struct Item {
  enum class Kind {
    Architectures,
    ModelTypes,
    Ignore,
    Unused,
    ModelKind,
    Context,
    Include, ///< the items of the part follow it
    Param,
    Constant,
    Require,
    Weight,
    Layer,
    Def,
  };
  Kind kind = Kind::Param;
  SourceRange range;
  std::vector<Decl *> decls; ///< declarations made here
  /// Architectures, ModelTypes, Ignore, Unused; Require: message; Include: the
  /// name of the file
  std::vector<const StringExpr *> strings;
  /// Require, Context; ModelKind: condition; Ignore, Unused: may be null
  Expr *expr = nullptr;
  /// Architectures: the entry that each runs by default; null: forward.
  std::vector<NameExpr *> entries;
};

struct LayerDecl : Decl {
  static constexpr Kind kKind = Kind::Layer;
  LayerDecl() : Decl(kKind) {}
  IndexDecl *index = nullptr; ///< counts the repetitions
  Expr *count = nullptr;
  std::vector<const StringExpr *>
      prefixes; ///< before names that begin with "."
  std::vector<const StringExpr *> ggufPrefixes; ///< the same in GGUF
  std::vector<Item> items;
  std::vector<WeightDecl *> weights;
  std::vector<LayerDecl *> layers; ///< inside of this one
  DefDecl *body = nullptr;
  LayerDecl *outer = nullptr; ///< the layer around it, if any
  SourceRange bodyEnd;        ///< the closing brace
  /// Checked: something besides tensors' names depends on the index, so that
  /// repetitions may differ.
  bool varies = false;

  const LayerDecl *outermost() const {
    return outer ? outer->outermost() : this;
  }
};

/// A comment, for the formatter.
struct Comment {
  SourceRange range;
  bool startsLine = false; ///< nothing but blanks before it
};

enum class ModelKind { Decoder, Encoder };

/// "decoder" or "encoder"
const char *kindName(ModelKind kind);

/// A parsed description and the owner of its nodes and text.
class Model {
public:
  explicit Model(SourceFile source) : source(std::move(source)) {}
  Model(const Model &) = delete;
  Model &operator=(const Model &) = delete;

  const SourceFile source;
  std::string_view name;
  SourceRange nameRange;
  SourceRange bodyEnd; ///< the closing brace
  /// Items for models to include, and no model: it can be printed, not checked.
  bool isPart = false;
  std::vector<Comment> comments; ///< of the file itself

  /// Everything, in source order; what is included stands in its place.
  std::vector<Item> items;
  ModelKind kind = ModelKind::Decoder;
  Expr *kindCondition = nullptr; ///< null: always; else the other kind without
  std::vector<std::string> architectures;
  /// Of each architecture, the entry that it runs by default; null: forward.
  std::vector<NameExpr *> architectureEntries;
  /// Checked: `architecture`, the class that the configuration names.
  ParamDecl *architecture = nullptr;
  /// Checked: `entry`, the name of the entry that this class runs.
  ParamDecl *entry = nullptr;
  std::vector<std::string> modelTypes; ///< as declared; see coversModelType
  Expr *context = nullptr; ///< the greatest number of positions; may be null
  std::vector<ParamDecl *> params;
  std::vector<ConstantDecl *> constants;
  std::vector<WeightDecl *> weights; ///< outside layers
  std::vector<LayerDecl *> layers;
  std::vector<DefDecl *> defs; ///< outside layers
  /// Checked: helpers whose letters are no lengths in some call, parsed again
  /// for the types of that call.
  std::vector<DefDecl *> instances;

  /// Checked. Conditions on numbers that shapes imply (a divides b); they are
  /// verified when the hyperparameters are bound.
  struct Constraint {
    enum class Kind { Divides, AtLeast } kind;
    Dim a, b;         ///< Divides: b is a multiple of a; AtLeast: a >= b
    const Expr *call; ///< holds only where this is evaluated
    std::string message;
  };
  std::vector<Constraint> constraints;

  /// Whether `model_type` of a configuration is this family's: one of those
  /// declared, or else the model's name; "-" and "_" are the same.
  bool coversModelType(std::string_view type) const;

  /// Creates a node (Expr or Decl) that lives as long as the model.
  template <class T, class... Args> T *make(Args &&...args) {
    auto node = std::make_unique<T>(std::forward<Args>(args)...);
    T *raw = node.get();
    if constexpr (std::is_base_of_v<Expr, T>)
      exprs.push_back(std::move(node));
    else
      decls.push_back(std::move(node));
    return raw;
  }
  Symbol *makeSymbol(std::string name, const Expr *definition = nullptr,
                     bool varies = false);
  /// The length that a capital letter stands for: a dimension that is known
  /// only when the model runs. Defs share the symbols of their letters; what
  /// the callee's are is substituted at a call.
  const Symbol *length(char letter);

private:
  std::vector<std::unique_ptr<Expr>> exprs;
  std::vector<std::unique_ptr<Decl>> decls;
  std::vector<std::unique_ptr<Symbol>> symbols;
  std::map<char, const Symbol *> lengths;
};

} // namespace tenon::lang

#endif // TENON_LANGUAGE_AST_H
