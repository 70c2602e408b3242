//===- Tune.cpp - a search for faster plans on this machine ---------------===//

#include "tenon/Tune/Tune.h"
#include "KernelRun.h"
#include "Space.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"
#include "tenon/Driver/Registration.h"
#include "tenon/Support/Strings.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <set>

using namespace tenon;
using namespace tenon::tune;

namespace {

/// More weights than these are in no cache.
constexpr int64_t kMostFootprint = int64_t(1) << 28;
/// CPU time of a sample.
constexpr double kSampleSeconds = 0.002;
/// What a plan must be faster by to be worth an entry, and may be slower by
/// for other numbers of rows.
constexpr double kWorth = 0.98, kTolerated = 1.01;
/// A first comparison that ends a plan's trial.
constexpr double kHopeless = 1.1;
/// Part of the time that is left for comparing winners with what was chosen.
constexpr double kForWinners = 0.1;

/// A kernel of the model and what is known of its plans.
struct Kernel {
  KernelModule module;
  /// By entry point: how often it is called there.
  std::map<std::string, int64_t> calls;

  KernelMemory memory;
  std::unique_ptr<KernelRun> chosen, best;
  KernelPlan bestPlan;
  std::vector<std::vector<std::byte>> results; ///< of each number of rows
  std::vector<int64_t> callsOfSample;
  double chosenSeconds = 0, bestSeconds = 0;
  unsigned nextField = 0, unchanged = 0;
  /// What the database has for it was tried: a faster plan takes its place,
  /// and it goes if it isn't faster. Otherwise it stays.
  bool isDatabaseTried = false;

  bool isMeasured() const { return chosen != nullptr; }
  bool isDone() const { return unchanged >= countFields(module); }
  double share() const {
    int64_t count = 0;
    for (auto &[entry, number] : calls)
      count += number;
    return chosenSeconds * count;
  }
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// How often the operation runs in a call of its entry point: loops over layers
/// have constant bounds.
int64_t countCalls(mlir::Operation *op) {
  int64_t count = 1;
  for (auto loop = op->getParentOfType<mlir::scf::ForOp>(); loop;
       loop = loop->getParentOfType<mlir::scf::ForOp>()) {
    llvm::APInt lower, upper, step;
    if (mlir::matchPattern(loop.getLowerBound(), mlir::m_ConstantInt(&lower)) &&
        mlir::matchPattern(loop.getUpperBound(), mlir::m_ConstantInt(&upper)) &&
        mlir::matchPattern(loop.getStep(), mlir::m_ConstantInt(&step)))
      count *= llvm::divideCeil((upper - lower).getSExtValue(),
                                std::max<int64_t>(step.getSExtValue(), 1));
  }
  return count;
}

class Search {
public:
  Search(Database &database, const TuneOptions &options)
      : database(database), options(options) {}

  Status run(mlir::ModuleOp module);

private:
  using Clock = std::chrono::steady_clock;
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }
  bool isOver(double part) const {
    return seconds() >= part * options.seconds ||
           (options.isInterrupted && options.isInterrupted());
  }
  void show() const {
    if (options.progress)
      options.progress(seconds());
  }

  Status findKernels(mlir::ModuleOp module);
  Status measureChosen(Kernel &kernel);
  /// Whether the plan is faster than the best one, which it then is.
  Status tryPlan(Kernel &kernel, const KernelPlan &plan);
  Status searchField(Kernel &kernel);
  bool hasSameBits(Kernel &kernel, KernelRun &run, const KernelPlan &plan);
  /// Median over pairs of the time of `run` by that of `other`.
  double compare(Kernel &kernel, KernelRun &run, KernelRun &other, size_t rows,
                 int pairs, double *runSeconds = nullptr,
                 double *otherSeconds = nullptr);
  bool isFaster(Kernel &kernel, KernelRun &run, KernelRun &other, int pairs);
  void keepWinners();
  void sayGains();

  Database &database;
  const TuneOptions &options;
  Clock::time_point start = Clock::now();
  std::string cpu;
  std::unique_ptr<mlir::MLIRContext> context;
  std::vector<std::unique_ptr<Kernel>> kernels;
  std::vector<std::string> alone; ///< keys of what is not measured
  int64_t numPlans = 0;
  std::vector<std::string> gains;
};

} // namespace

Status Search::findKernels(mlir::ModuleOp module) {
  // Choices are made in a copy, by the pass that makes them.
  mlir::OwningOpRef<mlir::ModuleOp> copy(module.clone());
  (*copy)->removeAttr(kTunedAttrName);
  mlir::PassManager manager(module.getContext());
  manager.addPass(createTenonSelectTiles());
  if (failed(manager.run(*copy)))
    return plainError("no plans could be chosen for the model's kernels");

  int64_t weightBytes = 0;
  for (WeightOp weight : copy->getOps<WeightOp>())
    weightBytes += getStorageBytes(weight.getTensorType());
  std::map<std::string, Kernel *> byKey;
  copy->walk([&](mlir::Operation *op) {
    std::string key = getKernelKey(op);
    auto function = op->getParentOfType<mlir::func::FuncOp>();
    if (key.empty() || !function)
      return;
    auto [found, isNew] = byKey.try_emplace(key, nullptr);
    if (isNew) {
      int64_t footprint = weightBytes;
      if (auto cached = mlir::dyn_cast<CachedAttentionOp>(op))
        footprint = mlir::cast<KVCacheType>(cached.getCache().getType())
                        .getSequenceBytes();
      auto extracted = extractKernel(op, std::min(footprint, kMostFootprint));
      if (extracted) {
        kernels.push_back(std::make_unique<Kernel>());
        kernels.back()->module = std::move(*extracted);
        found->second = kernels.back().get();
      } else {
        alone.push_back(key);
      }
    }
    if (Kernel *kernel = found->second)
      kernel->calls[function.getName().str()] += countCalls(op);
  });
  return Status::success();
}

double Search::compare(Kernel &kernel, KernelRun &run, KernelRun &other,
                       size_t rows, int pairs, double *runSeconds,
                       double *otherSeconds) {
  std::vector<double> ratios, times, others;
  int64_t count = kernel.module.rows[rows];
  int64_t calls = kernel.callsOfSample[rows];
  for (int i = 0; i < pairs; ++i) {
    others.push_back(other.time(count, calls));
    times.push_back(run.time(count, calls));
    ratios.push_back(times.back() / std::max(others.back(), 1e-12));
  }
  if (runSeconds)
    *runSeconds = median(times);
  if (otherSeconds)
    *otherSeconds = median(others);
  return median(ratios);
}

Status Search::measureChosen(Kernel &kernel) {
  auto run = KernelRun::create(kernel.module, *kernel.module.chosen, *context,
                               kernel.memory);
  if (!run)
    return run.takeError();
  kernel.chosen = std::move(*run);
  kernel.bestPlan = *kernel.module.chosen;
  for (int64_t rows : kernel.module.rows) {
    std::span<const std::byte> result = kernel.chosen->compute(rows);
    kernel.results.emplace_back(result.begin(), result.end());
    double once = std::max(kernel.chosen->time(rows, 1), 1e-8);
    kernel.callsOfSample.push_back(
        std::clamp<int64_t>(int64_t(kSampleSeconds / once), 1, 1 << 20));
  }
  kernel.chosenSeconds = kernel.bestSeconds =
      kernel.chosen->time(kernel.module.rows[0], kernel.callsOfSample[0]);
  return Status::success();
}

bool Search::hasSameBits(Kernel &kernel, KernelRun &run,
                         const KernelPlan &plan) {
  for (auto [i, rows] : llvm::enumerate(kernel.module.rows)) {
    std::span<const std::byte> result = run.compute(rows);
    const std::vector<std::byte> &expected = kernel.results[i];
    if (result.size() == expected.size() &&
        std::memcmp(result.data(), expected.data(), expected.size()) == 0)
      continue;
    options.say(strCat(
        "warning: a plan that computes other bits is left out, which is an "
        "error in the compiler: ",
        kernel.module.key, " of ", rows, " rows, ",
        describeChange(*kernel.module.chosen, plan)));
    return false;
  }
  return true;
}

bool Search::isFaster(Kernel &kernel, KernelRun &run, KernelRun &other,
                      int pairs) {
  if (compare(kernel, run, other, 0, pairs) > kWorth)
    return false;
  for (size_t i = 1; i < kernel.module.rows.size(); ++i)
    if (compare(kernel, run, other, i, pairs) > kTolerated)
      return false;
  return true;
}

Status Search::tryPlan(Kernel &kernel, const KernelPlan &plan) {
  auto run = KernelRun::create(kernel.module, plan, *context, kernel.memory);
  if (!run)
    return run.takeError();
  ++numPlans;
  if (!hasSameBits(kernel, **run, plan))
    return Status::success();
  KernelRun &best = kernel.best ? *kernel.best : *kernel.chosen;
  if (compare(kernel, **run, best, 0, 1) > kHopeless ||
      !isFaster(kernel, **run, best, 3) || !isFaster(kernel, **run, best, 9))
    return Status::success();
  kernel.best = std::move(*run);
  kernel.bestPlan = plan;
  return Status::success();
}

Status Search::searchField(Kernel &kernel) {
  KernelPlan before = kernel.bestPlan;
  unsigned field = kernel.nextField++ % countFields(kernel.module);
  for (const KernelPlan &plan :
       alternatives(kernel.module, kernel.bestPlan, field)) {
    if (isOver(1 - kForWinners))
      return Status::success();
    if (Status status = tryPlan(kernel, plan); !status)
      return status;
    show();
  }
  // A field is looked at again after all others, if one of them changed.
  kernel.unchanged = kernel.bestPlan == before ? kernel.unchanged + 1 : 0;
  return Status::success();
}

void Search::keepWinners() {
  for (std::unique_ptr<Kernel> &kernel : kernels) {
    if (!kernel->isDatabaseTried)
      continue;
    const std::string &key = kernel->module.key;
    if (!kernel->best) {
      database.erase(cpu, key);
      continue;
    }
    double chosen = 0, tuned = 0;
    double ratio = compare(*kernel, *kernel->best, *kernel->chosen, 0, 11,
                           &tuned, &chosen);
    show();
    if (ratio > kWorth) {
      database.erase(cpu, key);
      continue;
    }
    kernel->chosenSeconds = chosen;
    kernel->bestSeconds = chosen * ratio;
    database.set(cpu, key,
                 {kernel->bestPlan, 1e6 * chosen, 1e6 * kernel->bestSeconds});
    gains.push_back(llvm::formatv(
        "  {0} ({1} rows): {2:f1} us to {3:f1} us, {4:f1} % less: {5}", key,
        kernel->module.rows[0], 1e6 * chosen, 1e6 * kernel->bestSeconds,
        100 * (1 - ratio),
        describeChange(*kernel->module.chosen, kernel->bestPlan)));
  }
}

void Search::sayGains() {
  int64_t measured = llvm::count_if(
      kernels, [](auto &kernel) { return kernel->isMeasured(); });
  options.say(llvm::formatv(
      "measured {0} of {1} kernels for {2} on one thread, and {3} "
      "other plans for them, in {4:f0} s; {5} are faster and kept",
      measured, kernels.size() + alone.size(), cpu, numPlans, seconds(),
      gains.size()));
  for (const std::string &line : gains)
    options.say(line);
  // What a call of an entry point of so many rows as are known takes in them.
  std::map<std::string, std::pair<double, double>> totals;
  std::set<std::string> incomplete;
  for (std::unique_ptr<Kernel> &kernel : kernels)
    for (auto [entry, count] : kernel->calls) {
      bool isKnown = kernel->isMeasured() && kernel->module.rows.size() == 1 &&
                     kernel->module.key.find("/m:any/") == std::string::npos;
      if (!isKnown)
        incomplete.insert(entry);
      totals[entry].first += count * kernel->chosenSeconds;
      totals[entry].second += count * kernel->bestSeconds;
    }
  for (auto &[entry, times] : totals)
    if (!incomplete.count(entry) && times.second < times.first)
      options.say(llvm::formatv(
          "  a call of @{0}: {1:f3} ms in these kernels to {2:f3} ms, {3:f1} % "
          "less",
          entry, 1e3 * times.first, 1e3 * times.second,
          100 * (1 - times.second / times.first)));
  for (const std::string &key : alone)
    options.say(strCat("  not measured, as it cannot be called alone: ", key));
}

Status Search::run(mlir::ModuleOp module) {
  TargetAttr target = getTarget(module);
  assert(target && "a module at stage packed has a target");
  cpu = cpuOf(target);
  if (Status status = findKernels(module); !status)
    return status;
  // Passes that run here say nothing of the compilation around.
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  context = std::make_unique<mlir::MLIRContext>(
      registry, mlir::MLIRContext::Threading::DISABLED);
  context->loadDialect<TenonDialect>();

  for (std::unique_ptr<Kernel> &kernel : kernels) {
    if (isOver(1 - kForWinners))
      break;
    if (Status status = measureChosen(*kernel); !status)
      return status;
    show();
  }
  llvm::sort(kernels, [](auto &a, auto &b) {
    return std::pair(-a->share(), std::string_view(a->module.key)) <
           std::pair(-b->share(), std::string_view(b->module.key));
  });
  // What an earlier search found.
  for (std::unique_ptr<Kernel> &kernel : kernels) {
    if (!kernel->isMeasured())
      continue;
    if (isOver(1 - kForWinners))
      break;
    const Entry *entry = database.find(cpu, kernel->module.key);
    if (entry && !(entry->plan == kernel->bestPlan))
      if (Status status = tryPlan(*kernel, entry->plan); !status)
        return status;
    kernel->isDatabaseTried = true;
  }
  for (bool isSearching = true; isSearching;) {
    isSearching = false;
    for (std::unique_ptr<Kernel> &kernel : kernels) {
      if (isOver(1 - kForWinners))
        break;
      if (!kernel->isMeasured() || kernel->isDone())
        continue;
      isSearching = true;
      if (Status status = searchField(*kernel); !status)
        return status;
    }
    isSearching &= !isOver(1 - kForWinners);
  }
  keepWinners();
  sayGains();
  return Status::success();
}

Status tune::tune(mlir::ModuleOp module, Database &database,
                  const TuneOptions &options) {
  return Search(database, options).run(module);
}
