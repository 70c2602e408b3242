//===- StrictTest.cpp - nothing of a model is dropped silently ------------===//

#include "tenon/Language/Strict.h"

#include "LanguageTestSupport.h"

#include <cmath>

using namespace tenon::lang;

namespace {

const char *const kModel = R"(
  param width : int = 4
  param n : int = 2 from "num_hidden_layers"
  param factor : float = 1.0 from "scaling.factor"
  param tied : bool = true
  param windowed : bool = false
  ignore "n_ctx", "vision.*"
  ignore "window" if not windowed
  unused "*.inv_freq"
  weight embed : [8, width] = "embed"
  weight head  : [8, width] = "head" if not tied else embed
  layer block[i < n] = "l.{i}" {
    weight w : [width, width] = ".w"
    def (x : [T, width]) -> [T, width] { linear(x, w) }
  }
  def forward(t : [T] of token) -> [T, 8] {
    linear(block*(embedding(t, embed)), head)
  }
)";

/// What checkConfiguration says of a configuration.
std::string keys(const std::string &config, const std::string &more = "",
                 const StrictOptions &options = {}) {
  Bound bound = bindItems(kModel + more, config);
  if (!bound.bound)
    return bound.messages;
  nlohmann::json json = nlohmann::json::parse(config);
  Diagnostics diagnostics;
  bool ok = checkConfiguration(*bound.bound, {json, "config.json", config},
                               options, diagnostics);
  EXPECT_EQ(ok, !diagnostics.hasErrors());
  return diagnostics.str();
}

/// What checkTensors says of a checkpoint with these tensors beside those that
/// are read.
std::string tensors(const std::vector<std::string> &more,
                    const StrictOptions &options = {}) {
  Bound bound = bindItems(kModel, "{}");
  FakeCatalog catalog;
  catalog.tensors["embed"] = {8, 4};
  for (const char *name : {"l.0.w", "l.1.w"})
    catalog.tensors[name] = {4, 4};
  for (const std::string &name : more)
    catalog.tensors[name] = {3};
  UsedTensors used(catalog);
  Diagnostics diagnostics;
  EXPECT_TRUE(resolveWeights(*bound.bound, &used, diagnostics));
  checkTensors(*bound.bound, used, options, diagnostics);
  return diagnostics.str();
}

TEST(Strict, KeysThatMayBeLeft) {
  EXPECT_EQ(keys(R"({"width": 4, "scaling": {"factor": 2.0}})"), "");
  EXPECT_EQ(keys(R"({"any": null, "flag": false, "none": [], "no": {},
                     "text": ""})"),
            "");
  EXPECT_EQ(keys(R"({"hidden_dropout": 0.1, "torch_dtype": "float16",
                     "eos_token_id": [1, 2], "_name": "x"})"),
            "");
  EXPECT_EQ(keys(R"({"is_causal": true, "logits_scaling": 1.0,
                     "layer_types": ["full_attention", "full_attention"]})"),
            "");
  EXPECT_EQ(keys(R"({"n_ctx": 7, "vision": {"a": 1}, "window": 3})"), "");
}

TEST(Strict, KeysThatMustBeRead) {
  std::string said = keys("{\"width\": 4,\n  \"cap\": 20.0}");
  EXPECT_EQ(said,
            "config.json:2:3: error: 'cap' is 20.0, and 'test' doesn't read "
            "it\nnote: a `param` of the description reads a key; `ignore "
            "\"cap\"` in it says that what is computed doesn't depend on it; "
            "--lenient compiles all the same\n");
  // Neutral is one value, not false.
  EXPECT_NE(keys(R"({"is_causal": false})").find("'is_causal' is false"),
            std::string::npos);
  EXPECT_NE(keys(R"({"layer_types": ["full_attention", "linear"]})")
                .find("'layer_types' is"),
            std::string::npos);
  EXPECT_NE(keys(R"({"logits_scaling": 2})").find("'logits_scaling' is 2"),
            std::string::npos);
  // Objects of which something is read.
  EXPECT_NE(keys(R"({"scaling": {"factor": 2.0, "beta": 3}})")
                .find("'scaling.beta' is 3"),
            std::string::npos);
  // A condition that doesn't hold.
  EXPECT_NE(keys(R"({"windowed": true, "window": 3})").find("'window' is 3"),
            std::string::npos);
  EXPECT_NE(keys(R"({"widths": 3})").find("note: it reads 'width'"),
            std::string::npos);
}

TEST(Strict, WhatIsNotFiniteIsNoValue) {
  std::string config = R"({"limit": 0})";
  Bound bound = bindItems(kModel, config);
  nlohmann::json json = {{"limit", {0.0, HUGE_VAL}}, {"other", NAN}};
  Diagnostics diagnostics;
  EXPECT_TRUE(checkConfiguration(*bound.bound, {json, "config.json", {}}, {},
                                 diagnostics))
      << diagnostics.str();
}

TEST(Strict, AnEncoderIsNotCausal) {
  EXPECT_EQ(keys(R"({"is_causal": false})", "kind encoder"), "");
  EXPECT_NE(keys(R"({"is_causal": true})", "kind encoder"), "");
}

TEST(Strict, Quantization) {
  std::string config =
      R"({"quantization_config": {"quant_method": "gptq", "bits": 4}})";
  EXPECT_NE(keys(config).find("the weights are quantized by gptq in 4 bits, "
                              "which is not read"),
            std::string::npos);
  StrictOptions options;
  options.readsWeights = false;
  EXPECT_EQ(keys(config, "", options), "");
}

TEST(Strict, LenientWarns) {
  StrictOptions options;
  options.severity = Diagnostic::Severity::Warning;
  EXPECT_EQ(keys(R"({"cap": 20.0})", "", options),
            "config.json:1:2: warning: 'cap' is 20.0, and 'test' doesn't read "
            "it\n");
  EXPECT_EQ(tensors({"extra"}, options),
            "checkpoint: warning: nothing in 'test' reads the tensor 'extra' "
            "[3]\n");
}

TEST(Strict, TensorsThatMayBeLeft) {
  EXPECT_EQ(tensors({}), "");
  EXPECT_EQ(tensors({"l.0.inv_freq"}), "");
  // The copy of a tied weight.
  EXPECT_EQ(tensors({"head"}), "");
}

TEST(Strict, TensorsThatMustBeRead) {
  std::string said = tensors({"l.0.q_norm", "l.1.q_norm"});
  EXPECT_NE(said.find("checkpoint: error: nothing in 'test' reads 2 of 5 "
                      "tensors: 'l.0.q_norm' [3]\nnote: 'l.1.q_norm' [3]\n"),
            std::string::npos)
      << said;
  EXPECT_EQ(said.find("fewer layers"), std::string::npos) << said;
  EXPECT_NE(said.find("`unused \"l.0.q_norm\"`"), std::string::npos);

  std::vector<std::string> many;
  for (int i = 0; i < 30; ++i)
    many.push_back("extra." + std::to_string(100 + i));
  said = tensors(many);
  EXPECT_NE(said.find("'extra.119'"), std::string::npos) << said;
  EXPECT_EQ(said.find("'extra.120'"), std::string::npos) << said;
  EXPECT_NE(said.find("… and 10 more"), std::string::npos) << said;
}

TEST(Strict, MoreLayersThanConfigured) {
  EXPECT_NE(tensors({"l.2.w", "l.3.w"})
                .find("note: the configuration has fewer layers than the file: "
                      "'l.3.w' is number 3, and the last that is read is 1"),
            std::string::npos);
}

TEST(Strict, Conditions) {
  EXPECT_NE(checkItems("ignore \"a\" if 3").find("bool"), std::string::npos);
  EXPECT_NE(checkItems("unused 3").find("expected a tensor's name in quotes"),
            std::string::npos);
}

TEST(Strict, ModelTypes) {
  Diagnostics diagnostics;
  auto model = parseItems("model_type \"deberta-v2\", \"x\"", diagnostics);
  ASSERT_TRUE(model) << diagnostics.str();
  EXPECT_TRUE(model->coversModelType("deberta_v2"));
  EXPECT_TRUE(model->coversModelType("x"));
  EXPECT_FALSE(model->coversModelType("test"));
  model = parseItems("kind decoder", diagnostics);
  EXPECT_TRUE(model->coversModelType("test"));
  EXPECT_FALSE(model->coversModelType("tes"));
}

} // namespace
