//===- Builtins.h - the operations of the language --------------*- C++ -*-===//
//
// Each builtin has a name, parameters, and a rule for the shape of its result.
// Builtins.cpp has the table; lib/Import maps each to one dialect operation.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LANGUAGE_BUILTINS_H
#define TENON_LANGUAGE_BUILTINS_H

#include "tenon/Language/AST.h"
#include "tenon/Language/Diagnostic.h"

#include <span>

namespace tenon::lang {

enum class BuiltinId {
  Activation,
  Alibi,
  BandMask,
  CausalMask,
  Clamp,
  Concat,
  ConcatRows,
  Embedding,
  Ending, ///< of ids
  Exp,     ///< of a number or a tensor
  Flatten, ///< of a weight
  Gelu,
  GeluTanh,
  Heads,
  Int, ///< of a number
  LayerNorm,
  Len, ///< of a list
  Linear,
  Log, ///< of a number or a tensor
  Matmul,
  Max,
  Mean,
  MergeHeads,
  Mish,
  PaddingMask,
  Positions,
  QuickGelu,
  RelativeBias,
  RelativeGather,
  Relu,
  ReluSquared, ///< by its name alone
  RmsNorm,
  Rope,
  Rotary,
  Row,
  Sigmoid,
  Silu,
  Sinusoidal,
  Softmax,
  Split,
  Sqrt, ///< of a number or a tensor
  Sum,
  Tanh,
  TopK,
  Transpose,
  Unfold,
};

/// A parameter of a builtin.
struct BuiltinParam {
  enum class Kind {
    Tensor,         ///< activations or a weight
    TensorOrFloat,  ///< computed by the model, or a number
    OptionalWeight, ///< a weight that may be absent, or left out
    Input,          ///< token ids and the like
    Int,
    Float, ///< an integer is accepted too
    Bool,
    String,
    Dimension,     ///< one of those of the first argument, by its formula
    RopeOrFloat,   ///< a rope, or its theta alone
    RotaryOrFloat, ///< the value of rotary(…), or a rope, or a theta
    Ints,          ///< variadic: one or more integers
    List,
  };
  const char *name;
  Kind kind;
  bool required = true;
  /// How the default is spelled in messages and documentation.
  const char *defaultText = nullptr;
  /// What a scalar must satisfy when bound.
  enum class Range { Any, Positive, NonNegative } range = Range::Any;
};

class CallShape;

struct Builtin {
  const char *name;
  BuiltinId id;
  std::vector<BuiltinParam> params;
  /// Computes the result's type, or reports what is wrong.
  Type (*shape)(CallShape &call);

  /// "rms_norm(x, w, eps, offset = 0.0)"
  std::string signature() const;
};

std::span<const Builtin> allBuiltins();
const Builtin *findBuiltin(std::string_view name);

/// The functions that activation(x, name) knows under the names that
/// Hugging Face gives them ("gelu_new", …).
std::optional<BuiltinId> activationByName(std::string_view name);
std::vector<std::string_view> activationNames();

/// What a shape rule sees of a call whose arguments are in their slots.
class CallShape {
public:
  CallShape(Model &model, CallExpr &call, Diagnostics &diagnostics)
      : model(model), call(call), diagnostics(diagnostics) {}

  Model &model;
  CallExpr &call;
  Diagnostics &diagnostics;

  const Expr *arg(unsigned i) const;
  const std::vector<Dim> &shape(unsigned i) const { return arg(i)->type.shape; }
  const BuiltinParam &param(unsigned i) const;

  /// The argument has this rank (or at least this rank), or an error.
  bool rank(unsigned i, size_t rank);
  bool rankAtLeast(unsigned i, size_t rank);
  /// Dimensions of two arguments (counted from the end when negative) are
  /// equal, or an error that spells both shapes and notes declarations.
  bool equal(unsigned i, int dimI, unsigned j, int dimJ);
  /// An error at the call with both arguments' shapes in notes.
  Type fail(std::string message, std::initializer_list<unsigned> args);
};

/// The dimension of its first argument that a reduction is over: the last, or
/// the one that equals `over`. None when no dimension or more than one does.
std::optional<unsigned> reducedDimension(const CallExpr &call);

/// Notes where the name in `expr` is declared, with its type: "wq is declared
/// here: [n, hidden_size]". Other expressions are noted in place.
void noteShape(Diagnostic &diagnostic, const Model &model, const Expr *expr,
               std::string_view role = {});

} // namespace tenon::lang

#endif // TENON_LANGUAGE_BUILTINS_H
