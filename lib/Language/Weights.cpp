//===- Weights.cpp - weights found among the tensors of a checkpoint ------===//

#include "tenon/Language/Bind.h"
#include "tenon/Support/CheckedMath.h"

#include <algorithm>
#include <utility>

using namespace tenon::lang;

TensorCatalog::~TensorCatalog() = default;

// Whether a name is that of one tensor for all experts.
static bool isFusedName(const BoundWeight &weight, std::string_view pattern) {
  return weight.experts && pattern.find(kExpertIndex) == std::string_view::npos;
}

bool BoundWeight::isFused() const { return isFusedName(*this, nameTemplate); }

int64_t BoundWeight::tensorsPerLayer() const {
  return experts && !isFused() ? experts : 1;
}

std::vector<int64_t> BoundWeight::tensorShape() const {
  std::vector<int64_t> result = shape;
  if (isFused())
    result.insert(result.begin(), experts);
  return result;
}

std::vector<std::string> BoundWeight::tensorNames() const {
  std::vector<std::string> names;
  for (int64_t place = 0; place < std::max<int64_t>(layers, 1); ++place)
    for (int64_t expert = 0; expert < tensorsPerLayer(); ++expert)
      names.push_back(tensorName(place, expert));
  return names;
}

std::string BoundWeight::expand(std::string_view candidate, int64_t place,
                                int64_t expert) const {
  std::string out;
  for (size_t at = 0; at < candidate.size();) {
    size_t open = candidate.find('{', at);
    out += candidate.substr(at, open - at);
    if (open == std::string_view::npos)
      break;
    size_t close = candidate.find('}', open);
    std::string_view text = candidate.substr(open + 1, close - open - 1);
    if (experts && candidate.substr(open, close + 1 - open) == kExpertIndex)
      out += std::to_string(expert);
    for (const Hole &hole : holes)
      if (hole.text == text)
        out += std::to_string(hole.values.at(place));
    at = close + 1;
  }
  return out;
}

namespace tenon::lang {

class WeightResolver {
public:
  WeightResolver(BoundModel &bound, const TensorCatalog *catalog,
                 Diagnostics &diagnostics)
      : bound(bound), model(bound.model()), catalog(catalog),
        diagnostics(diagnostics) {}

  bool resolve();

private:
  void chooseNamespace(BoundWeight &weight) const;
  void resolveWeight(BoundWeight &weight);
  void addProblem(const BoundWeight &weight, std::string text);
  bool reportProblems();
  const NameExpr *absentWeight(const DefDecl *def);
  bool isLeftOut(const DefDecl *def);
  bool dropEntries();
  std::string expected(const BoundWeight &weight) const;

  BoundModel &bound;
  const Model &model;
  const TensorCatalog *catalog;
  Diagnostics &diagnostics;

  static constexpr size_t kMaxListed = 20;
  std::vector<std::string> problems; // the first kMaxListed
  size_t problemCount = 0;
  const BoundWeight *firstProblem = nullptr;
  std::map<const DefDecl *, const NameExpr *> absent; // null: needs none
  std::map<const DefDecl *, bool> callsLeftOut;
};

} // namespace tenon::lang

bool tenon::lang::resolveWeights(BoundModel &model,
                                 const TensorCatalog *catalog,
                                 Diagnostics &diagnostics) {
  return WeightResolver(model, catalog, diagnostics).resolve();
}

// "[num_attention_heads * head_dim, hidden_size] = [64, 64]"
std::string WeightResolver::expected(const BoundWeight &weight) const {
  std::vector<Dim> dims = weight.decl->type.shape;
  if (weight.isFused())
    dims.insert(dims.begin(), weight.decl->layer->count->type.value);
  std::string symbolic = formatShape(dims);
  std::string numbers = formatShape(weight.tensorShape());
  return symbolic == numbers ? numbers : symbolic + " = " + numbers;
}

void WeightResolver::addProblem(const BoundWeight &weight, std::string text) {
  if (problemCount++ < kMaxListed)
    problems.push_back(std::move(text));
  if (!firstProblem)
    firstProblem = &weight;
}

// In a GGUF file, names are those of its own namespace.
void WeightResolver::chooseNamespace(BoundWeight &weight) const {
  if (!catalog->ggufName(""))
    return;
  weight.nameInDirectories = weight.candidates.front();
  std::vector<std::string> names;
  auto add = [&](std::string name) {
    if (!name.empty() &&
        std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  };
  for (const std::string &name : weight.ggufCandidates) {
    if (!name.starts_with(".")) {
      add(name);
      continue;
    }
    const LayerDecl *layer = weight.decl->layer;
    while (layer->outer)
      layer = layer->outer;
    for (const StringExpr *prefix : layer->prefixes)
      add(*catalog->ggufName(prefix->value) + name);
  }
  if (names.empty())
    for (const std::string &name : weight.candidates)
      add(*catalog->ggufName(name));
  if (names.empty() && !weight.decl->optional)
    return; // missing under the names that there are
  weight.candidates = std::move(names);
  if (!weight.candidates.empty())
    weight.nameTemplate = weight.candidates.front();
}

void WeightResolver::resolveWeight(BoundWeight &weight) {
  chooseNamespace(weight);
  auto found =
      std::find_if(weight.candidates.begin(), weight.candidates.end(),
                   [&](const std::string &candidate) {
                     return catalog->shape(weight.expand(candidate, 0));
                   });
  if (found != weight.candidates.end()) {
    weight.nameTemplate = *found;
  } else if (weight.decl->optional) {
    weight.present = false;
    return;
  }
  std::string others;
  if (found == weight.candidates.end())
    for (size_t i = 1; i < weight.candidates.size() && i < 4; ++i)
      others +=
          (i == 1 ? " (or '" : "', '") + weight.expand(weight.candidates[i], 0);
  if (!others.empty())
    others += "')";

  std::vector<int64_t> wanted = weight.tensorShape();
  for (const std::string &name : weight.tensorNames()) {
    const std::vector<int64_t> *shape = catalog->shape(name);
    if (!shape)
      addProblem(weight, "'" + name + "'" + std::exchange(others, "") +
                             " is missing: expected " + expected(weight));
    else if (!fitsShape(wanted, *shape))
      addProblem(weight, "'" + name + "' is " + formatShape(*shape) +
                             ": expected " + expected(weight));
  }
}

bool WeightResolver::reportProblems() {
  if (problemCount == 0)
    return true;
  // The first is the message; the others follow as notes.
  std::string message = problems.front();
  if (problemCount > 1)
    message += " (the first of " + std::to_string(problemCount) +
               " tensors that don't fit)";
  Diagnostic &diagnostic =
      diagnostics.error(model.source, firstProblem->decl->nameRange,
                        "in '" + catalog->description() + "', " + message);
  for (size_t i = 1; i < problems.size(); ++i)
    diagnostic.note(std::move(problems[i]));
  if (problemCount > problems.size())
    diagnostic.note("… and " + std::to_string(problemCount - problems.size()) +
                    " more");
  return false;
}

// The first weight that a def can't do without and that is absent. Defs don't
// recurse (the checker says so), so this ends; each def is visited once.
const NameExpr *WeightResolver::absentWeight(const DefDecl *def) {
  auto [at, isNew] = absent.emplace(def, nullptr);
  if (!isNew)
    return at->second;
  const BoundModel::Uses &uses = bound.uses[def];
  const NameExpr *result = nullptr;
  for (const BoundModel::WeightUse &use : uses.weights)
    if (!use.place || !bound.boundWeights[*use.place].present) {
      result = use.name;
      break;
    }
  for (size_t i = 0; !result && i < uses.callees.size(); ++i)
    result = absentWeight(uses.callees[i]);
  absent[def] = result;
  return result;
}

std::set<size_t> BoundModel::weightsRead(const DefDecl &entry) const {
  std::set<size_t> places;
  std::set<const DefDecl *> seen = {&entry};
  for (std::vector<const DefDecl *> pending = {&entry}; !pending.empty();) {
    auto found = uses.find(pending.back());
    pending.pop_back();
    if (found == uses.end())
      continue;
    for (const WeightUse &use : found->second.weights)
      if (use.place)
        places.insert(*use.place);
    places.insert(found->second.dispensable.begin(),
                  found->second.dispensable.end());
    for (const DefDecl *callee : found->second.callees)
      if (seen.insert(callee).second)
        pending.push_back(callee);
  }
  return places;
}

// Why a def can't be there: a weight is absent, or the condition of one that it
// calls doesn't hold.
bool WeightResolver::isLeftOut(const DefDecl *def) {
  if (bound.leftOut.count(def))
    return true;
  auto [at, isNew] = callsLeftOut.emplace(def, false);
  if (!isNew)
    return at->second;
  bool result = false;
  for (const DefDecl *callee : bound.uses[def].callees)
    result = result || isLeftOut(callee);
  return callsLeftOut[def] = result;
}

bool WeightResolver::dropEntries() {
  bool ok = true;
  std::erase_if(bound.entryDefs, [&](const DefDecl *def) {
    const NameExpr *name = absentWeight(def);
    bool leftOut = isLeftOut(def);
    if (def != bound.mainEntry || (!name && !leftOut))
      return name || leftOut;
    ok = false;
    std::string entry = "'" + std::string(def->name) + "'";
    if (!name) {
      diagnostics.error(model.source, def->nameRange,
                        entry + " calls a def that is left out");
      return false;
    }
    auto *decl = declAs<WeightDecl>(name->decl);
    diagnostics
        .error(model.source, name->range,
               entry + " needs the weight '" + std::string(name->name) +
                   "', which is absent")
        .note(model.source, decl->nameRange,
              decl->optional && catalog
                  ? "it is not in '" + catalog->description() + "'"
                  : "none of its conditions holds");
    return false;
  });
  return ok;
}

bool WeightResolver::resolve() {
  if (catalog)
    for (BoundWeight &weight : bound.boundWeights)
      resolveWeight(weight);
  if (!reportProblems())
    return false;
  return dropEntries();
}
