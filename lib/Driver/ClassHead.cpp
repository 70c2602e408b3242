//===- ClassHead.cpp - a new head for labels on a model -------------------===//

#include "ClassHead.h"
#include "Messages.h"
#include "tenon/Dialect/Tenon/IR/Adapters.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "tenon/Import/Import.h"
#include "tenon/Support/Json.h"
#include "tenon/Support/Strings.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace tenon;

/// More labels than any data set has.
static constexpr int64_t kMostClasses = int64_t(1) << 20;

Expected<HeadOptions> tenon::parseHeadOptions(llvm::StringRef given) {
  auto fail = [&](const std::string &what) {
    return withNote(
        plainError(strCat("--train=", given.str(), ": ", what),
                   ExitCode::BadUsage),
        "--train=head:classes=3 or --train=head:labels=a|b|c gives "
        "the model a new head; of=tokens labels tokens, body=frozen "
        "leaves the rest as it is, seed=N draws the head");
  };
  llvm::StringRef text = given;
  text.consume_front("head");
  HeadOptions options;
  llvm::SmallVector<llvm::StringRef> parts;
  if (text.consume_front(":"))
    text.split(parts, ',');
  else if (!text.empty())
    return fail("expected ':' after head");
  int64_t classes = 0;
  for (llvm::StringRef part : parts) {
    auto [key, value] = part.split('=');
    if (key == "classes") {
      if (value.getAsInteger(10, classes) || classes < 2 ||
          classes > kMostClasses)
        return fail(strCat("classes is a number from 2 to ", kMostClasses));
    } else if (key == "labels") {
      llvm::SmallVector<llvm::StringRef> names;
      value.split(names, '|');
      for (llvm::StringRef name : names) {
        if (name.empty() || llvm::is_contained(options.labels, name))
          return fail("labels are names, each once, with '|' between them");
        options.labels.push_back(name.str());
      }
    } else if (key == "of") {
      if (value != "texts" && value != "tokens")
        return fail("of is texts or tokens");
      options.ofTokens = value == "tokens";
    } else if (key == "body") {
      if (value != "learns" && value != "frozen")
        return fail("body is learns or frozen");
      options.frozenBody = value == "frozen";
    } else if (key == "seed") {
      if (value.getAsInteger(10, options.seed))
        return fail("seed is a number from 0 on");
    } else {
      return fail(strCat("unknown key ", quoteName(key.str())));
    }
  }
  auto named = static_cast<int64_t>(options.labels.size());
  if (classes == 0 && named == 0)
    return fail("classes says how many labels there are");
  if (named == 1 || (classes && named && classes != named))
    return fail("there are as many labels as classes, two or more");
  // Transformers' names where there are no others.
  for (int64_t i = 0; named == 0 && i < classes; ++i)
    options.labels.push_back(strCat("LABEL_", i));
  return options;
}

/// The class of a family that has such a head: the one that is called as the
/// model's class is, up to the head's part ("Bert", of BertForMaskedLM).
static Expected<std::string> findClass(const HeadOptions &options,
                                       const LoadedModel &loaded) {
  llvm::StringRef suffix =
      options.ofTokens ? "ForTokenClassification" : "ForSequenceClassification";
  std::vector<std::string> classes = loaded.directory.classNames();
  llvm::StringRef own;
  if (!classes.empty())
    own = classes.front();
  llvm::StringRef best;
  for (const std::string &name : loaded.description->architectures) {
    llvm::StringRef stem = name;
    if (stem.consume_back(suffix) && own.starts_with(stem) &&
        name.size() > best.size())
      best = name;
  }
  if (!best.empty())
    return best.str();
  return withNote(
      errorInFile(loaded.directory.configPath,
                  strCat("the description of ",
                         quoteName(std::string(loaded.description->name)),
                         " names no class '...", suffix.str(), "' beside ",
                         quoteName(own.str())),
                  ExitCode::BadUsage),
      strCat("it names ", llvm::join(loaded.description->architectures, ", "),
             ": a copy of it (--print-model) can describe another"));
}

namespace {

/// A checkpoint with tensors under other names, and some that no file has.
class HeadedCheckpoint : public Checkpoint {
public:
  explicit HeadedCheckpoint(std::unique_ptr<Checkpoint> from)
      : base(std::move(from)) {
    infos.assign(base->tensors().begin(), base->tensors().end());
  }

  const TensorInfo *find(std::string_view name) const override {
    const TensorInfo *found = Checkpoint::find(name);
    return found || name.find('*') == name.npos ? found : base->find(name);
  }

  /// Takes names of now to others, and adds tensors.
  void change(const std::map<std::string, std::string> &names,
              llvm::ArrayRef<TensorInfo> added) {
    for (TensorInfo &info : infos)
      if (auto found = names.find(info.name); found != names.end())
        info.name = found->second;
    llvm::append_range(infos, added);
    llvm::sort(infos, [](const TensorInfo &a, const TensorInfo &b) {
      return a.name < b.name;
    });
  }

private:
  std::unique_ptr<Checkpoint> base; ///< owns the files
};

/// Finds what the new class's entry reads, and which of it is new.
class HeadBuilder {
public:
  HeadBuilder(LoadedModel &loaded, const lang::BoundModel &bound)
      : loaded(loaded), bound(bound), checkpoint(loaded.checkpoint()) {}

  Status run();
  std::map<std::string, std::string> names; ///< of now, to those of the class
  std::vector<TensorInfo> added;

private:
  Status add(const lang::BoundWeight &weight);
  void rename(const lang::BoundWeight &weight, const std::string &from);
  /// The name in the file that the weight has, or null.
  const std::string *findName(const lang::BoundWeight &weight) const;

  LoadedModel &loaded;
  const lang::BoundModel &bound;
  const Checkpoint *checkpoint; ///< null: weights are random
};

} // namespace

const std::string *
HeadBuilder::findName(const lang::BoundWeight &weight) const {
  for (const std::string &candidate : weight.candidates)
    if (checkpoint && checkpoint->find(weight.expand(candidate, 0)))
      return &candidate;
  return nullptr;
}

Status HeadBuilder::add(const lang::BoundWeight &weight) {
  if (weight.layers)
    return errorInFile(loaded.directory.configPath,
                       strCat("the head of the new class has layers, which "
                              "are not made: weight ",
                              quoteName(weight.symbol)),
                       ExitCode::BadUsage);
  TensorInfo info;
  info.name = weight.expand(weight.candidates.front(), 0);
  info.shape = weight.tensorShape();
  std::optional<uint64_t> bytes = tensorBytes(DType::F32, info.shape);
  if (!bytes)
    return plainError(strCat("weight ", quoteName(weight.symbol),
                             " of the new head is too large"));
  info.size = *bytes;
  loaded.newTensors.insert(info.name);
  added.push_back(std::move(info));
  return Status::success();
}

// Another class may name its tensors without what the new one puts in front.
void HeadBuilder::rename(const lang::BoundWeight &weight,
                         const std::string &from) {
  for (int64_t place = 0; place < std::max<int64_t>(weight.layers, 1); ++place)
    for (int64_t expert = 0; expert < weight.tensorsPerLayer(); ++expert)
      names[weight.expand(from, place, expert)] =
          weight.expand(weight.candidates.front(), place, expert);
}

Status HeadBuilder::run() {
  // A weight that the model as it is reads and lacks is a choice of that model
  // (a bias that it goes without), or missed when the weights are found.
  std::set<const lang::WeightDecl *> had;
  for (size_t place : loaded.bound->weightsRead(*loaded.bound->defaultEntry()))
    had.insert(loaded.bound->weights()[place].decl);
  std::set<size_t> read = bound.weightsRead(*bound.defaultEntry());
  for (size_t place = 0; place < bound.weights().size(); ++place) {
    const lang::BoundWeight &weight = bound.weights()[place];
    if (weight.candidates.empty())
      continue;
    const std::string *found = findName(weight);
    if (found && *found != weight.candidates.front())
      rename(weight, *found);
    if (!found && read.count(place) && !had.count(weight.decl))
      if (Status status = add(weight); !status)
        return status;
  }
  return Status::success();
}

Status tenon::addHead(const HeadOptions &options, LoadedModel &loaded) {
  Expected<std::string> name = findClass(options, loaded);
  if (!name)
    return name.takeError();
  nlohmann::json &config = loaded.directory.config;
  config["architectures"] = nlohmann::json::array({*name});
  nlohmann::json ids = nlohmann::json::object(), names = ids;
  for (const auto &[i, label] : llvm::enumerate(options.labels)) {
    ids[std::to_string(i)] = label;
    names[label] = i;
  }
  config["id2label"] = std::move(ids);
  config["label2id"] = std::move(names);
  config.erase("num_labels");
  if (options.ofTokens)
    config.erase("problem_type");
  else
    config["problem_type"] = "single_label_classification";
  lang::Diagnostics diagnostics;
  auto fail = [&] {
    return Error{llvm::StringRef(diagnostics.str()).rtrim().str(),
                 ExitCode::BadInput};
  };
  lang::Configuration configuration{config, loaded.directory.configPath};
  std::optional<lang::BoundModel> bound =
      bindModel(*loaded.description, configuration, diagnostics);
  if (!bound)
    return fail();
  HeadBuilder head(loaded, *bound);
  if (Status status = head.run(); !status)
    return status;
  std::unique_ptr<lang::TensorCatalog> catalog;
  if (loaded.checkpoint()) {
    auto checkpoint = std::make_unique<HeadedCheckpoint>(
        std::move(loaded.directory.checkpoint));
    checkpoint->change(head.names, head.added);
    loaded.directory.checkpoint = std::move(checkpoint);
    catalog = makeTensorCatalog(*loaded.checkpoint(), loaded.directory.path);
  }
  if (!resolveWeights(*bound, catalog.get(), diagnostics))
    return fail();
  loaded.bound = std::move(bound);
  loaded.hasNewHead = true;
  return Status::success();
}

void tenon::markHead(mlir::ModuleOp module, const HeadOptions &options,
                     const LoadedModel &model) {
  // What Transformers draws matrices with: a normal distribution of this
  // deviation.
  double deviation = 0.02;
  if (const nlohmann::json *range =
          findMember(model.directory.config, "initializer_range"))
    if (std::optional<double> given = asNumber(*range);
        given && std::isfinite(*given) && *given > 0)
      deviation = *given;
  mlir::Builder builder(module.getContext());
  for (auto weight : module.getOps<WeightOp>()) {
    auto source = mlir::dyn_cast<SourceAttr>(weight.getSources()[0]);
    bool isNew = source && weight.getSources().size() == 1 &&
                 model.newTensors.count(source.getName().str());
    if (!isNew) {
      if (options.frozenBody)
        weight->setAttr(kFrozenAttrName, builder.getUnitAttr());
      continue;
    }
    std::string initial = kInitialZeros.str();
    if (source.getType().getRank() > 1)
      initial = llvm::formatv("{0}{1}", kInitialDeviation, deviation).str();
    else if (source.getName().ends_with("weight"))
      initial = kInitialOnes.str();
    weight->setAttr(kInitialAttrName, builder.getStringAttr(initial));
  }
}
