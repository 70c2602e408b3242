//===- Bind.h - hyperparameters and weights of a concrete model -*- C++ -*-===//
//
// A family becomes a model: bindModel reads the hyperparameters from a
// configuration and verifies every number that a shape or an operation depends
// on; resolveWeights finds the weights among the tensors of a checkpoint.
//
//   BoundModel bound = *bindModel(model, config, diagnostics);
//   resolveWeights(bound, &catalog, diagnostics);   // or null: no checkpoint
//   importModel(context, bound, …);                 // lib/Import
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LANGUAGE_BIND_H
#define TENON_LANGUAGE_BIND_H

#include "tenon/Language/AST.h"
#include "tenon/Language/Diagnostic.h"
#include "tenon/Language/LayerLoops.h"
#include "tenon/Language/Rope.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <variant>

namespace tenon::lang {

/// An int, float, bool or string.
using Scalar = std::variant<int64_t, double, bool, std::string>;

/// The value of a list; copies share the elements.
struct List {
  std::shared_ptr<const std::vector<Scalar>> elements;
  bool operator==(const List &other) const {
    return *elements == *other.elements;
  }
};

/// What is known when the compiler runs: a scalar, a list of them, or a rope.
using Value = std::variant<int64_t, double, bool, std::string, List,
                           std::shared_ptr<const Rope>>;

inline Value toValue(const Scalar &scalar) {
  return std::visit([](const auto &value) { return Value(value); }, scalar);
}

/// "64", "1e-05", "true", "\"gelu\"", "[1, 2]"
std::string formatValue(const Value &value);

/// Limits that no Transformer comes near; they bound what a hostile
/// configuration can make the compiler do.
constexpr int64_t kMaxLayers = 4096;
constexpr int64_t kMaxLayerBodies = 16;
constexpr int64_t kMaxListElements = int64_t(1) << 16;
constexpr int64_t kMaxWeightElements = int64_t(1) << 40;

/// Where hyperparameters come from: an object such as config.json holds.
struct Configuration {
  const nlohmann::json &json;
  /// A path, for messages.
  std::string name;
  /// The text that `json` was parsed from, if at hand: messages then point
  /// to the line of the key.
  std::string_view text = {};
};

/// "config.json:3:5", the place of the key that a dotted path leads to; the
/// name alone where it isn't known.
std::string placeOf(const Configuration &config, std::string_view path);

/// A weight with numbers for dimensions. In a layer it is a stack of tensors of
/// one shape; where shapes or sources differ between repetitions, one
/// declaration makes several.
struct BoundWeight {
  const WeightDecl *decl = nullptr;
  /// "embed", "block.wq" in a layer, "block.expert.gate" in one inside of it;
  /// "block.wq_5" for a further stack of the same declaration, which begins
  /// with repetition 5.
  std::string symbol;
  /// Of one layer, and one of the layers inside of it.
  std::vector<int64_t> shape;
  /// The number of tensors stacked; 0 for a weight outside layers.
  int64_t layers = 0;
  /// How many layers there are inside of each, with a weight each; 0 for a
  /// weight that isn't in a layer inside of a layer.
  int64_t experts = 0;
  /// The repetitions of the layer that it is stacked over, ascending.
  std::vector<int64_t> numbers;
  /// The names it may have in a checkpoint, with expressions in braces and
  /// "{e}" for the layer inside of a layer; best first.
  std::vector<std::string> candidates;
  /// The same in GGUF, where the description says them; relative to a layer's
  /// prefix, if the description has none there.
  std::vector<std::string> ggufCandidates;
  /// What braces in the candidates hold, for each tensor of the stack.
  struct Hole {
    std::string text; ///< between the braces
    std::vector<int64_t> values;
  };
  std::vector<Hole> holes;
  /// The candidate that resolveWeights settled on.
  std::string nameTemplate;
  /// Of a GGUF file: what Hugging Face's checkpoints call it; else empty.
  std::string nameInDirectories;
  /// False: its condition doesn't hold, or it is optional and missing.
  bool present = true;

  /// The tensor's name in the checkpoint, of a place below `layers` (0 for a
  /// weight outside layers) and an expert below `experts` (likewise).
  std::string tensorName(int64_t place, int64_t expert = 0) const {
    return expand(nameTemplate, place, expert);
  }
  std::string expand(std::string_view candidate, int64_t place,
                     int64_t expert = 0) const;
  /// Whether one tensor holds all experts of a layer, as its first dimension.
  bool isFused() const;
  /// How many tensors a layer has: of a fused weight one.
  int64_t tensorsPerLayer() const;
  /// Of one tensor.
  std::vector<int64_t> tensorShape() const;
  /// All tensors, layer by layer.
  std::vector<std::string> tensorNames() const;
};

/// What "{e}" stands for in a tensor's name: the layer inside of a layer.
inline constexpr std::string_view kExpertIndex = "{e}";

/// A checked model with values for its hyperparameters.
class BoundModel {
public:
  explicit BoundModel(const Model &model) : source(&model) {}

  const Model &model() const { return *source; }

  /// Hyperparameters by name, for metadata.
  const std::map<std::string, Value> &values() const { return byName; }

  /// The value of a scalar expression outside or inside a def. What bindModel
  /// verified has one; else nullopt and, if wanted, why and where.
  struct EvaluationError {
    SourceRange range;
    std::string message;
  };
  std::optional<Value> evaluate(const Expr *expr,
                                EvaluationError *error = nullptr) const;
  /// The same for expressions that bindModel has verified.
  bool evaluateBool(const Expr *expr) const;
  int64_t evaluateInt(const Expr *expr) const;
  double evaluateFloat(const Expr *expr) const;
  /// A rope, or a number that is the theta of one.
  Rope evaluateRope(const Expr *expr) const;

  /// The number a dimension has; nullopt for lengths.
  std::optional<int64_t> extent(const Dim &dim) const;

  int64_t layerCount(const LayerDecl *layer) const;

  /// The kinds of a layer's repetitions: two are of one kind if their bodies
  /// evaluate the same numbers and read the same stacks of weights.
  struct LayerKinds {
    std::vector<unsigned> kindOf;        ///< of each repetition
    std::vector<int64_t> representative; ///< the first repetition of each kind
    std::vector<LayerLoop> loops;
  };
  const LayerKinds &layerKinds(const LayerDecl *layer) const;

  /// From now on the layer's index, and the scalars, dimensions and weights
  /// that depend on it, have their values in this repetition.
  void enterLayer(const LayerDecl *layer, int64_t repetition);
  /// The same for the scalars that a def names: a helper may be called with
  /// dimensions that depend on the layer.
  void enterDef(const DefDecl &def);

  /// The value of a param, constant or index; null if it has none.
  const Value *scalar(const Decl *decl) const;

  /// The weight that a declaration stands for, through aliases, in the
  /// repetition entered last; null when it is absent.
  const BoundWeight *weight(const WeightDecl *decl) const;
  /// All weights that are no aliases, in declaration order.
  const std::vector<BoundWeight> &weights() const { return boundWeights; }
  /// The places in weights() of those that computing an entry reads, in what it
  /// calls as well; also of those that it can do without.
  std::set<size_t> weightsRead(const DefDecl &entry) const;
  /// Names under which a checkpoint may hold a second copy of a weight that
  /// another one stands for (tied embeddings).
  const std::set<std::string> &copyNames() const { return copies; }

  ModelKind kind() const { return boundKind; }
  /// The entry points that remain: `forward` first.
  const std::vector<const DefDecl *> &entries() const { return entryDefs; }
  /// The one that the configuration's class runs; always among the entries.
  const DefDecl *defaultEntry() const { return mainEntry; }
  /// The names of the columns of an entry `of` a list of strings; else empty.
  std::vector<std::string> labels(const DefDecl &entry) const;
  /// The greatest number of positions, if the description says it.
  std::optional<int64_t> maxContext() const { return contextLimit; }

private:
  friend class Binder;
  friend class BodyBinder;
  friend class EntryBinder;
  friend class WeightResolver;
  friend class Evaluator;

  /// The place of a declaration's weight in `boundWeights`; nullopt: absent.
  std::optional<size_t> weightPlace(const WeightDecl *decl) const;
  void setScalar(const Decl *decl, const Expr *value);

  const Model *source;
  std::map<const Decl *, Value> scalars;
  std::map<const Symbol *, const ParamDecl *> params;
  std::map<std::string, Value> byName;
  std::map<const LayerDecl *, int64_t> layerCounts;
  std::vector<BoundWeight> boundWeights;
  // For each repetition of a layer that varies, else one; nullopt: absent.
  std::map<const WeightDecl *, std::vector<std::optional<size_t>>> weightPlaces;
  std::map<const LayerDecl *, LayerKinds> kinds;
  mutable int64_t listElements = 0; // made by comprehensions, to bound them
  std::set<std::string> copies;
  // What evaluating a def needs, conditionals decided: weights that must be
  // there, and the defs and layers that it expands.
  struct WeightUse {
    const NameExpr *name;
    std::optional<size_t> place;
    bool operator==(const WeightUse &) const = default;
  };
  struct Uses {
    std::vector<WeightUse> weights;
    std::set<size_t> dispensable; ///< places of those that may be absent
    std::vector<const DefDecl *> callees;
  };
  std::map<const DefDecl *, Uses> uses;
  std::set<const DefDecl *> leftOut; // their conditions don't hold
  ModelKind boundKind = ModelKind::Decoder;
  const DefDecl *mainEntry = nullptr;
  std::vector<const DefDecl *> entryDefs;
  std::optional<int64_t> contextLimit;
};

/// Binds hyperparameters, verifies `require`s, dimensions, layer counts and the
/// scalar arguments of operations. nullopt on error. `model` must be checked
/// and outlive the result.
std::optional<BoundModel> bindModel(const Model &model,
                                    const Configuration &config,
                                    Diagnostics &diagnostics);

/// Where a hyperparameter is looked for in the configuration: dotted paths, the
/// first that is there counts.
std::vector<std::string> configurationPaths(const ParamDecl &param);

/// The tensors of a checkpoint, by name.
class TensorCatalog {
public:
  virtual ~TensorCatalog();
  /// The shape of a tensor, or null when there is none of that name. Valid as
  /// long as the catalog.
  virtual const std::vector<int64_t> *shape(std::string_view name) const = 0;
  /// GGUF's name for a tensor that has this one (with "{i}" for the layer) in
  /// Hugging Face's checkpoints, "" if it has none there. nullopt: the
  /// catalog isn't of a GGUF file.
  virtual std::optional<std::string> ggufName(std::string_view /*name*/) const {
    return std::nullopt;
  }
  /// All names, ordered, valid as long as the catalog; none if the catalog
  /// can't list them.
  virtual std::vector<std::string_view> names() const { return {}; }
  /// Some path, for messages.
  virtual std::string description() const = 0;
};

/// Finds each weight in `catalog`. All missing tensors and all wrong shapes are
/// one error that lists the first twenty. Absent optional weights drop the
/// entry points that need them; the default one must not. Without a catalog
/// (random weights) every optional weight is taken to be there under its first
/// name. False on error.
bool resolveWeights(BoundModel &model, const TensorCatalog *catalog,
                    Diagnostics &diagnostics);

} // namespace tenon::lang

#endif // TENON_LANGUAGE_BIND_H
