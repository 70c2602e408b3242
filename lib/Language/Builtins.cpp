//===- Builtins.cpp - the table of builtins -------------------------------===//

#include "BuiltinShapes.h"

#include <algorithm>
#include <array>

using namespace tenon::lang;

using Kind = BuiltinParam::Kind;
using Range = BuiltinParam::Range;

// Ordered by name. BuiltinShapes.cpp has the rules, Reference.md the formulas.
static const std::vector<Builtin> &table() {
  static const std::vector<Builtin> kTable = {
      {"activation",
       BuiltinId::Activation,
       {{"x", Kind::Tensor}, {"name", Kind::String}},
       shape::same},
      {"alibi",
       BuiltinId::Alibi,
       {{"x", Kind::Tensor},
        {"max_bias", Kind::Float, false, "8.0", Range::Positive},
        {"bfloat16", Kind::Bool, false, "false"}},
       shape::squareScores},
      {"band_mask",
       BuiltinId::BandMask,
       {{"x", Kind::Tensor},
        {"width", Kind::Int, true, nullptr, Range::NonNegative}},
       shape::squareScores},
      {"causal_mask",
       BuiltinId::CausalMask,
       {{"x", Kind::Tensor},
        {"window", Kind::Int, false, "0", Range::NonNegative}},
       shape::squareScores},
      {"concat",
       BuiltinId::Concat,
       {{"a", Kind::Tensor}, {"b", Kind::Tensor}},
       shape::concat},
      {"embedding",
       BuiltinId::Embedding,
       {{"ids", Kind::Input}, {"table", Kind::Tensor}},
       shape::embedding},
      {"gelu", BuiltinId::Gelu, {{"x", Kind::Tensor}}, shape::same},
      {"gelu_tanh", BuiltinId::GeluTanh, {{"x", Kind::Tensor}}, shape::same},
      {"heads",
       BuiltinId::Heads,
       {{"x", Kind::Tensor}, {"n", Kind::Int, true, nullptr, Range::Positive}},
       shape::heads},
      {"int", BuiltinId::Int, {{"value", Kind::Float}}, shape::integer},
      {"layer_norm",
       BuiltinId::LayerNorm,
       {{"x", Kind::Tensor},
        {"w", Kind::Tensor},
        {"b", Kind::OptionalWeight},
        {"eps", Kind::Float, true, nullptr, Range::Positive}},
       shape::norm},
      {"len", BuiltinId::Len, {{"list", Kind::List}}, shape::integer},
      {"linear",
       BuiltinId::Linear,
       {{"x", Kind::Tensor},
        {"w", Kind::Tensor},
        {"b", Kind::OptionalWeight, false}},
       shape::linear},
      {"matmul",
       BuiltinId::Matmul,
       {{"a", Kind::Tensor}, {"b", Kind::Tensor}},
       shape::matmul},
      {"merge_heads",
       BuiltinId::MergeHeads,
       {{"x", Kind::Tensor}},
       shape::mergeHeads},
      {"padding_mask",
       BuiltinId::PaddingMask,
       {{"x", Kind::Tensor}, {"valid", Kind::Input}},
       shape::paddingMask},
      {"positions",
       BuiltinId::Positions,
       {{"ids", Kind::Input}},
       shape::positions},
      {"relative_bias",
       BuiltinId::RelativeBias,
       {{"x", Kind::Tensor},
        {"table", Kind::Tensor},
        {"max_distance", Kind::Int, false, "128", Range::Positive},
        {"past", Kind::Bool, false, "false"}},
       shape::relativeBias},
      {"relative_gather",
       BuiltinId::RelativeGather,
       {{"x", Kind::Tensor},
        {"max_distance", Kind::Int, false, "0", Range::NonNegative},
        {"ahead", Kind::Bool, false, "false"}},
       shape::relativeGather},
      {"relu", BuiltinId::Relu, {{"x", Kind::Tensor}}, shape::same},
      {"rms_norm",
       BuiltinId::RmsNorm,
       {{"x", Kind::Tensor},
        {"w", Kind::Tensor},
        {"eps", Kind::Float, true, nullptr, Range::Positive},
        {"offset", Kind::Int, false, "0", Range::NonNegative}},
       shape::norm},
      {"rope",
       BuiltinId::Rope,
       {{"x", Kind::Tensor},
        {"theta", Kind::RotaryOrFloat, true, nullptr, Range::Positive}},
       shape::rope},
      {"rotary",
       BuiltinId::Rotary,
       {{"dim", Kind::Int, true, nullptr, Range::Positive},
        {"theta", Kind::Float, true, nullptr, Range::Positive},
        {"scaling", Kind::String, false, "\"default\""},
        {"factor", Kind::Float, false, "1.0", Range::Positive},
        {"low_freq_factor", Kind::Float, false, "1.0", Range::Positive},
        {"high_freq_factor", Kind::Float, false, "4.0", Range::Positive},
        {"original_context", Kind::Int, false, "8192", Range::Positive},
        {"divisors", Kind::OptionalWeight, false}},
       shape::rotary},
      {"row",
       BuiltinId::Row,
       {{"x", Kind::Tensor},
        {"i", Kind::Int, true, nullptr, Range::NonNegative}},
       shape::row},
      {"sigmoid", BuiltinId::Sigmoid, {{"x", Kind::Tensor}}, shape::same},
      {"silu", BuiltinId::Silu, {{"x", Kind::Tensor}}, shape::same},
      {"softmax",
       BuiltinId::Softmax,
       {{"x", Kind::Tensor}, {"sink", Kind::OptionalWeight, false}},
       shape::softmax},
      {"split",
       BuiltinId::Split,
       {{"x", Kind::Tensor},
        {"sizes", Kind::Ints, true, nullptr, Range::Positive}},
       shape::split},
      {"sqrt",
       BuiltinId::Sqrt,
       {{"value", Kind::Float, true, nullptr, Range::NonNegative}},
       shape::sqrt},
      {"tanh", BuiltinId::Tanh, {{"x", Kind::Tensor}}, shape::same},
      {"top_k",
       BuiltinId::TopK,
       {{"x", Kind::Tensor},
        {"k", Kind::Int, true, nullptr, Range::Positive},
        {"by", Kind::Tensor, false, "x"},
        {"groups", Kind::Int, false, "1", Range::Positive},
        {"keep", Kind::Int, false, "groups", Range::Positive},
        {"best", Kind::Int, false, "1", Range::Positive}},
       shape::topK},
      {"transpose",
       BuiltinId::Transpose,
       {{"x", Kind::Tensor}},
       shape::transpose},
  };
  return kTable;
}

std::span<const Builtin> tenon::lang::allBuiltins() { return table(); }

const Builtin *tenon::lang::findBuiltin(std::string_view name) {
  auto found =
      std::lower_bound(table().begin(), table().end(), name,
                       [](const Builtin &builtin, std::string_view name) {
                         return builtin.name < name;
                       });
  return found != table().end() && found->name == name ? &*found : nullptr;
}

std::string Builtin::signature() const {
  std::string text = std::string(name) + "(";
  for (const BuiltinParam &param : params) {
    if (&param != &params.front())
      text += ", ";
    text += param.name;
    if (param.kind == Kind::Ints)
      text += "…";
    if (!param.required)
      text += param.defaultText ? std::string(" = ") + param.defaultText
                                : std::string("?");
  }
  return text + ")";
}

// transformers/activations.py (ACT2FN).
static constexpr std::array<std::pair<std::string_view, BuiltinId>, 9>
    kActivations = {{
        {"gelu", BuiltinId::Gelu},
        {"gelu_new", BuiltinId::GeluTanh},
        {"gelu_pytorch_tanh", BuiltinId::GeluTanh},
        {"gelu_tanh", BuiltinId::GeluTanh},
        {"relu", BuiltinId::Relu},
        {"sigmoid", BuiltinId::Sigmoid},
        {"silu", BuiltinId::Silu},
        {"swish", BuiltinId::Silu},
        {"tanh", BuiltinId::Tanh},
    }};

std::optional<BuiltinId> tenon::lang::activationByName(std::string_view name) {
  for (auto &[known, id] : kActivations)
    if (known == name)
      return id;
  return std::nullopt;
}

std::vector<std::string_view> tenon::lang::activationNames() {
  std::vector<std::string_view> names;
  for (auto &[known, id] : kActivations)
    names.push_back(known);
  return names;
}
