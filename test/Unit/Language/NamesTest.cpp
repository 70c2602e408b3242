//===- NamesTest.cpp - names of several weights, and of GGUF --------------===//

#include "LanguageTestSupport.h"

#include "tenon/Language/Format.h"

using namespace tenon::lang;

namespace {

const char *const kItems = R"(
  param n : int = 2
  weight embed : [8, 4] = "embed.weight" : gguf "token_embd.weight"
  weight norm_w, norm_b : [4] = "[model.]norm.{weight|bias}"
  layer block[i < n] = "l.{i}" : gguf "blk.{i}" {
    weight wq, wk, wv : [4, 4] = ".{q|k|v}_proj.weight" : gguf ".attn_{q|k|v}.weight"
    weight up : [4, 1, 4] = ".up.weight"
    def (x : [T, 4]) -> [T, 4] { linear(linear(linear(x, wq), wk), wv) }
  }
  def forward(t : [T] of token) -> [T, 4] {
    layer_norm(block*(embedding(t, embed)), norm_w, norm_b, 1e-5)
  }
)";

struct Catalog : TensorCatalog {
  std::map<std::string, std::vector<int64_t>, std::less<>> tensors;
  bool isGguf = false;
  const std::vector<int64_t> *shape(std::string_view name) const override {
    auto found = tensors.find(name);
    return found == tensors.end() ? nullptr : &found->second;
  }
  std::optional<std::string> ggufName(std::string_view name) const override {
    if (!isGguf)
      return std::nullopt;
    if (name == "l.{i}")
      return "blk.{i}";
    if (name == "l.{i}.up.weight")
      return "blk.{i}.ffn_up.weight";
    if (name.ends_with("norm.weight"))
      return "output_norm.weight";
    return name.ends_with("norm.bias") ? "output_norm.bias" : "";
  }
  std::string description() const override { return "checkpoint"; }
};

std::vector<std::string> resolve(Catalog &catalog, std::string &messages) {
  Bound bound = bindItems(kItems, "{}");
  messages = bound.messages;
  std::vector<std::string> names;
  if (!bound.bound)
    return names;
  Diagnostics diagnostics;
  resolveWeights(*bound.bound, &catalog, diagnostics);
  messages = diagnostics.str();
  for (const BoundWeight &weight : bound.bound->weights())
    names.push_back(weight.tensorName(1));
  return names;
}

TEST(NamesTest, EachWeightHasItsPart) {
  Catalog catalog;
  catalog.tensors = {{"embed.weight", {8, 4}},
                     {"model.norm.weight", {4}},
                     {"model.norm.bias", {4}}};
  for (const char *layer : {"l.0", "l.1"}) {
    for (const char *part : {".q", ".k", ".v"})
      catalog.tensors[std::string(layer) + part + "_proj.weight"] = {4, 4};
    // The file has no dimension of 1.
    catalog.tensors[std::string(layer) + ".up.weight"] = {4, 4};
  }
  std::string messages;
  EXPECT_EQ(resolve(catalog, messages),
            (std::vector<std::string>{"embed.weight", "model.norm.weight",
                                      "model.norm.bias", "l.1.q_proj.weight",
                                      "l.1.k_proj.weight", "l.1.v_proj.weight",
                                      "l.1.up.weight"}));
  EXPECT_EQ(messages, "");
  catalog.tensors["l.1.up.weight"] = {4, 5};
  resolve(catalog, messages);
  EXPECT_CONTAINS(messages, "'l.1.up.weight' is [4, 5]: expected [4, 1, 4]");
}

TEST(NamesTest, GgufHasNamesOfItsOwn) {
  Catalog catalog;
  catalog.isGguf = true;
  std::string messages;
  EXPECT_EQ(resolve(catalog, messages),
            (std::vector<std::string>{
                "token_embd.weight", "output_norm.weight", "output_norm.bias",
                "blk.1.attn_q.weight", "blk.1.attn_k.weight",
                "blk.1.attn_v.weight", "blk.1.ffn_up.weight"}));
  EXPECT_CONTAINS(messages, "'token_embd.weight' is missing");
  EXPECT_FALSE(contains(messages, "l.0")) << messages;
}

TEST(NamesTest, PartsFitTheWeights) {
  EXPECT_CONTAINS(checkItems("weight a, b : [1] = \"{q|k|v}\""),
                  "the braces have 3 parts for the names of 2 weights");
  EXPECT_CONTAINS(checkItems("weight a, b : [1] = \"w\""),
                  "each of the weights needs a name of its own, as in");
  EXPECT_CONTAINS(checkItems("weight a : [1] = \"{q|k}\""),
                  "a choice for one is [a|b]");
  EXPECT_CONTAINS(
      checkItems("weight w : [1] = \"w\"\nweight a, b : [1] = \"{q|k}\" if "
                 "true else w"),
      "several weights can't all stand for another one");
  EXPECT_CONTAINS(checkItems("weight a : [1] = \"w\" : ggml \"x\""),
                  "expected 'gguf'");
}

TEST(NamesTest, Formatted) {
  Diagnostics diagnostics;
  std::unique_ptr<Model> model = parseItems(kItems, diagnostics);
  ASSERT_TRUE(model) << diagnostics.str();
  std::string text = formatModel(*model);
  EXPECT_CONTAINS(text, "weight norm_w, norm_b : [4]    = "
                        "\"[model.]norm.{weight|bias}\"\n");
  EXPECT_CONTAINS(text, "layer block[i < n] = \"l.{i}\" : gguf \"blk.{i}\" {");
  EXPECT_CONTAINS(text, "\".{q|k|v}_proj.weight\" : gguf "
                        "\".attn_{q|k|v}.weight\"");
}

} // namespace
