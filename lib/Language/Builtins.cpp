//===- Builtins.cpp - the table of builtins -------------------------------===//

#include "BuiltinShapes.h"

#include <algorithm>
#include <array>

using namespace tenon::lang;

using Kind = BuiltinParam::Kind;
using Range = BuiltinParam::Range;

static std::vector<BuiltinParam> reductionParams() {
  return {{"x", Kind::Tensor}, {"over", Kind::Dimension, false}};
}

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
      {"clamp",
       BuiltinId::Clamp,
       {{"x", Kind::Tensor},
        {"low", Kind::Float, false},
        {"high", Kind::Float, false}},
       shape::clamp},
      {"concat",
       BuiltinId::Concat,
       {{"a", Kind::Tensor}, {"b", Kind::Tensor}},
       shape::concat},
      {"concat_rows",
       BuiltinId::ConcatRows,
       {{"a", Kind::Tensor}, {"b", Kind::Tensor}},
       shape::concatRows},
      {"embedding",
       BuiltinId::Embedding,
       {{"ids", Kind::Input},
        {"table", Kind::Tensor},
        {"padding", Kind::Int, false, "none", Range::NonNegative}},
       shape::embedding},
      {"ending",
       BuiltinId::Ending,
       {{"ids", Kind::Input}, {"id", Kind::Int, true, nullptr, Range::NonNegative}},
       shape::ending},
      {"exp",
       BuiltinId::Exp,
       {{"x", Kind::TensorOrFloat}},
       shape::scalarOrSame},
      {"flatten", BuiltinId::Flatten, {{"w", Kind::Tensor}}, shape::flatten},
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
        {"w", Kind::OptionalWeight, false},
        {"b", Kind::OptionalWeight, false},
        {"eps", Kind::Float, true, nullptr, Range::Positive}},
       shape::norm},
      {"len", BuiltinId::Len, {{"list", Kind::List}}, shape::integer},
      {"linear",
       BuiltinId::Linear,
       {{"x", Kind::Tensor},
        {"w", Kind::Tensor},
        {"b", Kind::OptionalWeight, false}},
       shape::linear},
      {"log",
       BuiltinId::Log,
       {{"x", Kind::TensorOrFloat, true, nullptr, Range::Positive}},
       shape::scalarOrSame},
      {"matmul",
       BuiltinId::Matmul,
       {{"a", Kind::Tensor}, {"b", Kind::Tensor}},
       shape::matmul},
      {"max", BuiltinId::Max, reductionParams(), shape::reduce},
      {"mean", BuiltinId::Mean, reductionParams(), shape::reduce},
      {"merge_heads",
       BuiltinId::MergeHeads,
       {{"x", Kind::Tensor}},
       shape::mergeHeads},
      {"mish", BuiltinId::Mish, {{"x", Kind::Tensor}}, shape::same},
      {"padding_mask",
       BuiltinId::PaddingMask,
       {{"x", Kind::Tensor}, {"valid", Kind::Input}},
       shape::paddingMask},
      {"positions",
       BuiltinId::Positions,
       {{"ids", Kind::Input},
        {"offset", Kind::Int, false, "0", Range::NonNegative}},
       shape::positions},
      {"quick_gelu", BuiltinId::QuickGelu, {{"x", Kind::Tensor}}, shape::same},
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
        {"w", Kind::OptionalWeight, false},
        {"eps", Kind::Float, true, nullptr, Range::Positive},
        {"offset", Kind::Int, false, "0", Range::NonNegative}},
       shape::norm},
      {"rope",
       BuiltinId::Rope,
       {{"x", Kind::Tensor},
        {"rope", Kind::RotaryOrFloat, true, nullptr, Range::Positive}},
       shape::rope},
      {"rotary",
       BuiltinId::Rotary,
       {{"dim", Kind::Int, true, nullptr, Range::Positive},
        {"rope", Kind::RopeOrFloat, true, nullptr, Range::Positive},
        {"interleaved", Kind::Bool, false, "false"},
        {"divisors", Kind::OptionalWeight, false}},
       shape::rotary},
      {"row",
       BuiltinId::Row,
       {{"x", Kind::Tensor}, {"i", Kind::Int, true}},
       shape::row},
      {"sigmoid", BuiltinId::Sigmoid, {{"x", Kind::Tensor}}, shape::same},
      {"silu", BuiltinId::Silu, {{"x", Kind::Tensor}}, shape::same},
      {"sinusoidal",
       BuiltinId::Sinusoidal,
       {{"n", Kind::Int, true, nullptr, Range::Positive},
        {"dim", Kind::Int, true, nullptr, Range::Positive},
        {"base", Kind::Float, false, "10000.0", Range::Positive},
        {"interleaved", Kind::Bool, false, "false"},
        {"closed", Kind::Bool, false, "false"}},
       shape::sinusoidal},
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
       {{"x", Kind::TensorOrFloat, true, nullptr, Range::NonNegative}},
       shape::scalarOrSame},
      {"sum", BuiltinId::Sum, reductionParams(), shape::reduce},
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
      {"unfold",
       BuiltinId::Unfold,
       {{"x", Kind::Tensor},
        {"size", Kind::Int, true, nullptr, Range::Positive},
        {"stride", Kind::Int, false, "1", Range::Positive},
        {"padding", Kind::Int, false, "0", Range::NonNegative}},
       shape::unfold},
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
static constexpr std::array<std::pair<std::string_view, BuiltinId>, 16>
    kActivations = {{
        {"gelu", BuiltinId::Gelu},
        {"gelu_accurate", BuiltinId::GeluTanh},
        {"gelu_fast", BuiltinId::GeluTanh},
        {"gelu_new", BuiltinId::GeluTanh},
        {"gelu_python", BuiltinId::Gelu},
        {"gelu_python_tanh", BuiltinId::GeluTanh},
        {"gelu_pytorch_tanh", BuiltinId::GeluTanh},
        {"gelu_tanh", BuiltinId::GeluTanh},
        {"mish", BuiltinId::Mish},
        {"quick_gelu", BuiltinId::QuickGelu},
        {"relu", BuiltinId::Relu},
        {"relu2", BuiltinId::ReluSquared},
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
