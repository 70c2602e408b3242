//===- EntriesTest.cpp - what an executable can be asked for --------------===//

#include "LanguageTestSupport.h"

using namespace tenon::lang;

namespace {

const std::string kModel = R"(
  architectures "Base", "Scorer" -> classify, "Reader" -> answer
  param vocab, width : int
  param is_causal : bool = true
  kind decoder if is_causal else encoder
  weight embed : [vocab, width] = "embed"
  optional weight w : [2, width] = "w"
  def forward(tokens : [T] of token) -> [T, width] { embedding(tokens, embed) }
  def classify(tokens : [T] of token) -> [1, 2] if architecture != "Base" {
    linear(row(forward(tokens), 0), w)
  }
  def answer(tokens : [T] of token) -> [T, 2] of span { linear(forward(tokens), w) }
  def twice(tokens : [T] of token) -> [1, 2] { classify(tokens) * 2.0 }
)";

std::string config(const std::string &architecture,
                   const std::string &more = "") {
  return R"({"vocab": 8, "width": 4, "architectures": [")" + architecture +
         "\"]" + more + "}";
}

struct Resolved : Bound {
  explicit Resolved(Bound bound, bool hasHead = true)
      : Bound(std::move(bound)) {
    if (!this->bound)
      return;
    class Catalog : public TensorCatalog {
    public:
      explicit Catalog(bool hasHead) : hasHead(hasHead) {}
      const std::vector<int64_t> *shape(std::string_view name) const override {
        static const std::vector<int64_t> embed = {8, 4}, head = {2, 4};
        return name == "embed"          ? &embed
               : name == "w" && hasHead ? &head
                                        : nullptr;
      }
      std::string description() const override { return "file"; }
      bool hasHead;
    };
    Catalog catalog(hasHead);
    Diagnostics diagnostics;
    resolved = resolveWeights(*this->bound, &catalog, diagnostics);
    messages = diagnostics.str();
    for (const DefDecl *def : this->bound->entries())
      entries.emplace_back(def->name);
  }
  bool resolved = false;
  std::vector<std::string> entries;
};

using Names = std::vector<std::string>;

TEST(EntriesTest, TheClassChoosesTheEntry) {
  for (auto [architecture, entry] :
       {std::pair("Base", "forward"), std::pair("Scorer", "classify"),
        std::pair("Reader", "answer"), std::pair("Unheard", "forward")}) {
    Resolved model(bindItems(kModel, config(architecture)));
    ASSERT_TRUE(model.resolved) << model.messages;
    EXPECT_EQ(model.bound->defaultEntry()->name, entry);
  }
}

TEST(EntriesTest, ConditionsLeaveEntriesOutAndThoseThatCallThem) {
  EXPECT_EQ(Resolved(bindItems(kModel, config("Scorer"))).entries,
            (Names{"forward", "classify", "answer", "twice"}));
  EXPECT_EQ(Resolved(bindItems(kModel, config("Base"))).entries,
            (Names{"forward", "answer"}));
  EXPECT_EQ(Resolved(bindItems(kModel, config("Base")), false).entries,
            Names{"forward"});
}

TEST(EntriesTest, TheEntryOfTheClassMustBeThere) {
  Resolved model(bindItems(kModel, config("Reader")), false);
  EXPECT_FALSE(model.resolved);
  EXPECT_CONTAINS(model.messages,
                  "'answer' needs the weight 'w', which is absent");
  Bound left = bindItems("architectures \"A\" -> f\n"
                         "weight e : [2, 3] = \"e\"\n"
                         "def f(t : [T] of token) -> [T, 3] "
                         "if architecture == \"B\" { embedding(t, e) }",
                         R"({"architectures": ["A"]})");
  EXPECT_FALSE(left.bound);
  EXPECT_CONTAINS(left.messages, "'f' is what the class \"A\" runs, but it is "
                                 "left out");
  EXPECT_CONTAINS(left.messages, "this condition doesn't hold");
}

TEST(EntriesTest, KindByCondition) {
  Bound causal = bindItems(kModel, config("Base"));
  ASSERT_TRUE(causal.bound) << causal.messages;
  EXPECT_EQ(causal.bound->kind(), ModelKind::Decoder);
  Bound both = bindItems(kModel, config("Base", ", \"is_causal\": false"));
  ASSERT_TRUE(both.bound) << both.messages;
  EXPECT_EQ(both.bound->kind(), ModelKind::Encoder);
  // By what the class runs.
  for (auto [name, kind] :
       {std::pair("A", ModelKind::Decoder), std::pair("B", ModelKind::Encoder),
        std::pair("Unheard", ModelKind::Decoder)}) {
    Bound model = bindItems(
        "architectures \"A\", \"B\" -> f\n"
        "kind decoder if entry == \"forward\" else encoder\n"
        "weight e : [2, 3] = \"e\"\n"
        "def forward(t : [T] of token) -> [T, 3] { embedding(t, e) }\n"
        "def f(t : [T] of token) -> [T, 3] if entry == \"f\" { forward(t) }",
        std::string(R"({"architectures": [")") + name + "\"]}");
    ASSERT_TRUE(model.bound) << model.messages;
    EXPECT_EQ(model.bound->kind(), kind);
  }
  EXPECT_CONTAINS(checkItems("kind decoder if 1 else encoder"),
                  "the condition must be of type bool, found int");
  EXPECT_CONTAINS(checkItems("kind decoder if true else decoder"),
                  "both kinds are the same");
  EXPECT_CONTAINS(checkItems("kind decoder if true"), "expected 'else'");
  EXPECT_CONTAINS(checkItems("kind reader"),
                  "expected 'decoder' or 'encoder', found 'reader'");
}

std::string checkDef(const std::string &def) {
  return checkItems(std::string(kPrelude) +
                    "def forward(t : [T] of token) -> [T, width] "
                    "{ embedding(t, embed) }\n" +
                    def);
}

TEST(EntriesTest, ResultsAreWhatTheySay) {
  EXPECT_EQ(checkDef("def f(t : [T] of token) -> [T, width] of token "
                     "{ forward(t) }"),
            "");
  EXPECT_CONTAINS(checkDef("def f(t : [T] of token) -> [T, width] of span "
                           "{ forward(t) }"),
                  "a span has two columns");
  EXPECT_CONTAINS(checkDef("def f(t : [T] of token) -> [T, width] of pixel "
                           "{ forward(t) }"),
                  "a def computes numbers");
  EXPECT_CONTAINS(checkDef("def f(t : [T] of token) -> [T, width] of n "
                           "{ forward(t) }"),
                  "the columns are named by a list of strings, found int");
  EXPECT_CONTAINS(checkDef("def f(t : [T] of token) -> [T, width] of names "
                           "{ forward(t) }"),
                  "unknown name 'names'");
  EXPECT_CONTAINS(checkDef("def f(t : [T] of token) -> [1, T, width] "
                           "{ heads(forward(t), 1) }"),
                  "the result of an entry point has two dimensions");
  EXPECT_CONTAINS(
      checkDef("def f(x : [T, width]) -> [T, width] of token { x }"),
      "only the result of an entry point is 'of' something");
  EXPECT_CONTAINS(checkDef("def f(x : [T, width]) -> [T, width] if true { x }"),
                  "only an entry point can be left out");
  EXPECT_CONTAINS(
      checkDef("def f(t : [T] of token) -> [T, width] if n { forward(t) }"),
      "the condition must be of type bool, found int");
}

const std::string kLabelled =
    "param labels : [string] = [\"no\", \"yes\"] from \"id2label\"\n"
    "weight e : [9, 2] = \"e\"\n"
    "def forward(t : [T] of token) -> [T, 2] of labels { embedding(t, e) }";

TEST(EntriesTest, LabelsNameTheColumns) {
  Bound named = bindItems(kLabelled, R"({"id2label": {"1": "b", "0": "a"}})");
  ASSERT_TRUE(named.bound) << named.messages;
  EXPECT_EQ(named.bound->labels(*named.bound->defaultEntry()),
            (Names{"a", "b"}));
  Bound standard = bindItems(kLabelled, "{}");
  EXPECT_EQ(standard.bound->labels(*standard.bound->defaultEntry()),
            (Names{"no", "yes"}));
  Bound many = bindItems(kLabelled, R"({"id2label": ["a", "b", "c"]})");
  EXPECT_FALSE(many.bound);
  EXPECT_CONTAINS(many.messages,
                  "'forward' has 2 columns, but 'labels' has 3 names");
}

TEST(EntriesTest, ConditionalsAreAlikeWhereTheyAreBound) {
  const std::string model = R"(
    param vocab, narrow, wide : int
    weight embed : [vocab, narrow] = "e"
    weight up : [wide, narrow] = "up" if narrow != wide
    def forward(t : [T] of token) -> [T, wide] {
      let x = embedding(t, embed)
      linear(x, up) if narrow != wide or vocab == 9 else x
    }
  )";
  for (const char *sizes : {R"({"vocab": 8, "narrow": 2, "wide": 4})",
                            R"({"vocab": 8, "narrow": 4, "wide": 4})"})
    EXPECT_TRUE(bindItems(model, sizes).bound);
  std::string wrong = model;
  wrong.replace(wrong.find("narrow != wide or"), 17, "narrow == wide or");
  Bound bound = bindItems(wrong, R"({"vocab": 8, "narrow": 2, "wide": 4})");
  EXPECT_FALSE(bound.bound);
  EXPECT_CONTAINS(bound.messages, "must be alike: [T, wide] and [T, narrow]");
  EXPECT_CONTAINS(bound.messages, "wide = 4");
  // Numbers and lengths are known to differ.
  EXPECT_CONTAINS(checkDef("def f(t : [T] of token) -> [T, 2] { "
                           "linear(forward(t), embed) if true else row(forward("
                           "t), 0) }"),
                  "must be alike");
}

TEST(EntriesTest, Inputs) {
  EXPECT_EQ(checkDef("def f(image : [n, width] of pixel) -> [n, width] "
                     "{ relu(image) }"),
            "");
  EXPECT_CONTAINS(checkDef("def f(t : [T] of span) -> [T, width] "
                           "{ forward(t) }"),
                  "names and spans are results");
  EXPECT_CONTAINS(checkDef("def f(t : [T, n] of token) -> [T, width] "
                           "{ forward(t) }"),
                  "an input of this kind has one dimension");
}

TEST(EntriesTest, Architectures) {
  EXPECT_CONTAINS(checkDef("architectures \"A\" -> g"), "unknown def 'g'");
  EXPECT_CONTAINS(checkDef("architectures \"A\" -> embed"),
                  "'embed' is not a def");
  EXPECT_CONTAINS(checkDef("architectures \"A\" -> f\n"
                           "def f(x : [T, width]) -> [T, width] { x }"),
                  "'f' is no entry point");
  EXPECT_CONTAINS(checkItems("architectures \"A\""),
                  "the model has no 'def forward(tokens : [T] of token)'");
  EXPECT_CONTAINS(checkDef("param architecture : string"),
                  "'architecture' is declared already");
  EXPECT_CONTAINS(checkDef("let entry = 1"), "'entry' is declared already");
  // None needs forward.
  EXPECT_EQ(checkItems("architectures \"A\" -> f\nweight e : [2, 3] = \"e\"\n"
                       "def f(t : [T] of token) -> [T, 3] { embedding(t, e) }"),
            "");
}

} // namespace
