//===- PassRecorder.h - what each pass did to a module ----------*- C++ -*-===//
#ifndef TENON_REPORT_PASSRECORDER_H
#define TENON_REPORT_PASSRECORDER_H

#include "mlir/Pass/PassInstrumentation.h"
#include "tenon/Report/MemoryPlan.h"
#include "tenon/Report/ModuleText.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tenon {

/// One run of one pass.
struct PassRecord {
  std::string stage;       ///< that it leads to: "fused"
  std::string variant;     ///< the CPU, empty before variants part
  std::string name;        ///< "tenon-fuse-linear"
  std::string description; ///< in a sentence
  double milliseconds = 0; ///< of the pass alone
  bool changed = false;
  /// The module afterwards: an index into `RecordedPasses::texts`; that of the
  /// pass before if nothing changed.
  size_t text = 0;
};

/// All passes of a compilation, in order. The first is "import", which made
/// the module.
struct RecordedPasses {
  std::vector<PassRecord> passes;
  std::vector<ModuleText> texts;
  /// What the numbers of texts' places stand for: lines of the description.
  std::vector<std::vector<unsigned>> places;
  /// Of the module at import and after the last pass of each stage on tensors.
  std::vector<std::pair<std::string, std::vector<FunctionGraph>>> graphs;
  MemoryPlan memory; ///< without entries if it was not planned
};

/// Watches pass managers. Passes that run on functions count as one run of
/// the module.
class PassRecorder {
public:
  /// `source`: the description's files in locations. Without texts what is
  /// recorded are counts.
  PassRecorder(SourceLines source, bool withTexts)
      : table(std::move(source)), withTexts(withTexts) {}

  /// The module as it was imported.
  void start(mlir::ModuleOp module);
  /// What passes run from now on lead to. Each variant goes on from the module
  /// at which the first one parted.
  void enter(llvm::StringRef stage, llvm::StringRef variant);
  /// A stage ends with this module.
  void leave(mlir::ModuleOp module);

  /// To be added to a pass manager. It must not outlive this.
  std::unique_ptr<mlir::PassInstrumentation> createInstrumentation();

  /// At the end.
  RecordedPasses take();

private:
  friend class Recording;
  void before(mlir::Pass *pass, mlir::Operation *op);
  void after(mlir::Pass *pass, mlir::Operation *op);
  void record(mlir::ModuleOp module, ModuleText &&summary);

  PlaceTable table;
  bool withTexts;
  std::string stage, variant;
  RecordedPasses recorded;
  bool hasMemory = false;           ///< of this variant
  size_t current = 0;               ///< text of the module as it is
  std::optional<size_t> whereSplit; ///< text at which variants part
  std::chrono::steady_clock::time_point began;
  /// Of the module before the pass at hand: a pass that leaves it alone needs
  /// no text of it.
  uint64_t fingerprint = 0;
  /// The module that has this fingerprint, after the last pass; null where the
  /// next pass finds it changed by others.
  mlir::Operation *fingerprinted = nullptr;
};

} // namespace tenon

#endif // TENON_REPORT_PASSRECORDER_H
