//===- Type.h - types of expressions in a description -----------*- C++ -*-===//
//
// Scalars are known when the compiler runs (hyperparameters and what is
// computed from them); tensors exist when the model runs.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LANGUAGE_TYPE_H
#define TENON_LANGUAGE_TYPE_H

#include "tenon/Language/Dim.h"

namespace tenon::lang {

/// What the elements of a tensor are.
enum class Element {
  Float,     ///< activations and weights
  Token,     ///< ids below the vocabulary's size, or their scores in a result
  TokenType, ///< segment ids (BERT); an input
  Position,  ///< what positions(…) gives
  Bool,      ///< which positions hold a token (padding masks); an input
  // What the numbers of an entry's input or result mean; inside they are Float.
  Pixel,   ///< an image's; an input
  Feature, ///< of speech and the like; an input
  Labels,  ///< scores of names; a result
  Span,    ///< scores of an answer's start and end; a result
};

struct Type {
  enum class Kind {
    Invalid,
    Int,
    Float,
    Bool,
    String,
    Rope,   ///< frequencies of rotary positions
    Rotary, ///< a rope for so many components
    List,
    Tensor,
    Tuple,
  };

  Kind kind = Kind::Invalid;
  /// Kind::Int: the value as a symbolic dimension. Kind::Rotary: how many
  /// components are rotated.
  Dim value;
  /// Kind::Tensor.
  Element element = Element::Float;
  std::vector<Dim> shape;
  /// Kind::List: of its elements; Invalid for `[]`, which fits every list.
  Kind listOf = Kind::Invalid;
  /// Kind::Tuple (the result of split): the parts.
  std::vector<Type> members;

  static Type scalar(Kind kind) {
    Type type;
    type.kind = kind;
    return type;
  }
  static Type integer(Dim value) {
    Type type = scalar(Kind::Int);
    type.value = std::move(value);
    return type;
  }
  static Type list(Kind element) {
    Type type = scalar(Kind::List);
    type.listOf = element;
    return type;
  }
  static Type tensor(std::vector<Dim> shape, Element element = Element::Float) {
    Type type = scalar(Kind::Tensor);
    type.shape = std::move(shape);
    type.element = element;
    return type;
  }

  bool isInvalid() const { return kind == Kind::Invalid; }
  bool isList() const { return kind == Kind::List; }
  /// A value that a configuration can hold: a number, bool or string.
  bool isScalar() const {
    return kind == Kind::Int || kind == Kind::Float || kind == Kind::Bool ||
           kind == Kind::String;
  }
  bool isTensor() const { return kind == Kind::Tensor; }
  /// A tensor of numbers that arithmetic works on.
  bool isFloatTensor() const { return isTensor() && element == Element::Float; }
  bool isNumber() const { return kind == Kind::Int || kind == Kind::Float; }

  /// Equal as types: integers need not have the same value.
  bool matches(const Type &other) const;

  /// "int", "[T, hidden_size]", "[T] of token"
  std::string str() const;
};

/// "token", "token_type", …; empty for Element::Float, which is unmarked.
const char *elementName(Element element);

/// Whether a tensor of these is one of numbers for arithmetic.
bool isFloat(Element element);

} // namespace tenon::lang

#endif // TENON_LANGUAGE_TYPE_H
