//===- PassRecorder.cpp - what each pass did to a module ------------------===//

#include "tenon/Report/PassRecorder.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;
using namespace tenon;

/// Functions with more operations than this are not drawn.
static constexpr size_t kMostDrawn = 600;

/// A number that is another one after any change. MLIR's OperationFingerPrint
/// is SHA-1, which takes longer and is safe from attackers: there are none.
static uint64_t getFingerprint(Operation *top) {
  uint64_t hash = 0;
  auto add = [&](auto value) {
    hash = llvm::hash_combine(llvm::hash_code(hash), value);
  };
  top->walk<WalkOrder::PreOrder>([&](Operation *op) {
    add(llvm::hash_combine(op, op->getRawDictionaryAttrs(),
                           op->hashProperties(), op->getLoc()));
    for (Value operand : op->getOperands())
      add(operand.getAsOpaquePointer());
    for (Type type : op->getResultTypes())
      add(type.getAsOpaquePointer());
    for (Block *successor : op->getSuccessors())
      add(successor);
    for (Region &region : op->getRegions())
      for (Block &block : region) {
        add(&block);
        for (BlockArgument argument : block.getArguments())
          add(llvm::hash_combine(argument.getAsOpaquePointer(),
                                 argument.getType(), argument.getLoc()));
      }
  });
  return hash;
}

namespace tenon {
/// What a pass manager calls; only runs on whole modules count.
class Recording : public PassInstrumentation {
public:
  explicit Recording(PassRecorder &recorder) : recorder(recorder) {}

  void runBeforePass(Pass *pass, Operation *op) override {
    if (isa<ModuleOp>(op))
      recorder.before(pass, op);
  }
  void runAfterPass(Pass *pass, Operation *op) override {
    if (isa<ModuleOp>(op))
      recorder.after(pass, op);
  }

private:
  PassRecorder &recorder;
};
} // namespace tenon

void PassRecorder::record(ModuleOp module, ModuleText &&summary) {
  if (withTexts)
    printWithPlaces(module, table, summary);
  recorded.texts.push_back(std::move(summary));
}

void PassRecorder::start(ModuleOp module) {
  record(module, summarize(module, table));
  PassRecord record;
  record.stage = "import";
  record.name = "import";
  record.description = "the description's functions as primitive operations";
  record.changed = true;
  recorded.passes.push_back(std::move(record));
  recorded.graphs.emplace_back("import", getGraphs(module, table, kMostDrawn));
}

void PassRecorder::enter(StringRef nextStage, StringRef nextVariant) {
  if (variant != nextVariant) {
    // Each variant starts from the module that all have in common.
    if (!whereSplit)
      whereSplit = current;
    current = *whereSplit;
    hasMemory = false;
  }
  stage = nextStage.str();
  variant = nextVariant.str();
  // Between passes of different managers others may change the module.
  fingerprinted = nullptr;
}

void PassRecorder::leave(ModuleOp module) {
  std::vector<FunctionGraph> graphs = getGraphs(module, table, kMostDrawn);
  std::string name = variant.empty() ? stage : stage + " (" + variant + ")";
  if (!graphs.empty())
    recorded.graphs.emplace_back(std::move(name), std::move(graphs));
}

std::unique_ptr<PassInstrumentation> PassRecorder::createInstrumentation() {
  return std::make_unique<Recording>(*this);
}

RecordedPasses PassRecorder::take() {
  recorded.places = table.takeLists();
  return std::move(recorded);
}

void PassRecorder::before(Pass *, Operation *op) {
  if (fingerprinted != op)
    fingerprint = getFingerprint(op);
  fingerprinted = op;
  began = std::chrono::steady_clock::now();
}

void PassRecorder::after(Pass *pass, Operation *op) {
  std::chrono::duration<double, std::milli> took =
      std::chrono::steady_clock::now() - began;
  PassRecord done;
  done.stage = stage;
  done.variant = variant;
  done.name = pass->getArgument().str();
  if (done.name.empty())
    llvm::raw_string_ostream(done.name)
        << pass->getName(); // an adaptor for functions
  done.description = pass->getDescription().str();
  done.milliseconds = took.count();
  if (uint64_t now = getFingerprint(op); fingerprint != now) {
    fingerprint = now;
    // Operations may be others and say the same.
    auto module = cast<ModuleOp>(op);
    ModuleText summary = summarize(module, table);
    done.changed = summary.structure != recorded.texts[current].structure;
    if (done.changed) {
      current = recorded.texts.size();
      record(module, std::move(summary));
    }
  }
  done.text = current;
  // Later passes merge buffers of one place, whose lives are apart.
  if (auto module = cast<ModuleOp>(op); !hasMemory && hasArena(module)) {
    hasMemory = true;
    readMemoryPlan(module, variant, table, recorded.memory);
  }
  recorded.passes.push_back(std::move(done));
}
