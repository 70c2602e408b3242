//===- Options.h - what a compilation is asked for --------------*- C++ -*-===//
#ifndef TENON_DRIVER_OPTIONS_H
#define TENON_DRIVER_OPTIONS_H

#include "tenon/Driver/Stages.h"
#include "tenon/Report/RemarkLog.h"
#include "tenon/Support/DType.h"
#include "tenon/Target/TargetDescription.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mlir {
class PassManager;
} // namespace mlir

namespace tenon {

/// The longest context that is compiled for unless asked: a cache of it is
/// within most machines' memory for every family.
inline constexpr int64_t kDefaultContext = 4096;
/// Tokens that one call takes unless asked.
inline constexpr int64_t kDefaultMaxChunk = 512;
/// More sequences than this cannot be decoded together.
inline constexpr int64_t kMostSequences = 64;

/// Adapters of low rank that learn beside a frozen model (LoRA).
struct AdapterOptions {
  int64_t rank = 8;
  double alpha = 16;
  std::vector<std::string> targets; ///< names of weights
};

/// A new head for labels on a model that has another one, or none.
struct HeadOptions {
  std::vector<std::string> labels; ///< two or more
  bool ofTokens = false;           ///< a label of each token, not of the text
  bool frozenBody = false;         ///< the head alone learns
  uint64_t seed = 0;               ///< that its matrices are drawn from
};

struct CompileOptions {
  /// A model directory (Hugging Face layout), or a description (.tenon).
  std::string input;
  /// The directory that `input`, a description, is compiled for.
  std::string checkpoint;
  /// "-": stdout, for stages before the executable. Empty: none, for a report
  /// alone.
  std::string output;

  Stage stage = Stage::Executable;
  TargetOptions target; ///< of one CPU, or a list for describeTargets
  std::string sysroot;  ///< as in LinkOptions
  /// The executable learns: it has the loss, its gradient and an optimizer
  /// instead of what generates.
  bool train = false;
  /// Of a model that learns: only these adapters do.
  std::optional<AdapterOptions> adapters;
  /// Of a model that learns: it becomes one for labels first.
  std::optional<HeadOptions> head;
  /// Directories with adapters in PEFT's layout, a line each: DIRECTORY, which
  /// are added to the weights, or NAME=DIRECTORY, which are kept; empty: none.
  std::string adapter;
  /// Weights drawn at random from this seed instead of the checkpoint's.
  std::optional<uint64_t> randomSeed;
  /// No tokenizer goes into the executable, whatever the model comes with.
  bool noTokenizer = false;
  /// Element type for matrices instead of the checkpoint's.
  std::optional<DType> weightType;
  /// int8, int8-channel, int7-channel, int4 or bf16: the precision of the
  /// matrices that linears read; empty: as they are.
  std::string quantize;
  /// int8 or int16: the precision of what linears of weights in blocks read;
  /// empty: int8, and int16 for logits.
  std::string activations;
  /// f32, f16 or int8: the precision of a decoder's keys and values; empty: f16
  /// beside weights in blocks, f32 beside others.
  std::string kvCache;
  /// "on", "off" or "auto": a cache of latent components.
  std::string latentCache = "auto";
  /// A text file from which the importance of weights' columns for quantizing
  /// is found; or a file that has it. At most one of them, empty: none.
  std::string calibrationText, importance;
  /// Where the importance is written; empty: nowhere.
  std::string saveImportance;
  /// Tokens; default: the model's own limit, at most kDefaultContext.
  std::optional<int64_t> context;
  /// Tokens; default: kDefaultMaxChunk, at most the context.
  std::optional<int64_t> maxChunk;
  /// The most sequences that are decoded together, each with a cache; more
  /// than one needs an entry point more.
  int64_t maxSequences = 1;

  /// Plans are searched for so many seconds on this machine before kernels are
  /// made.
  std::optional<double> tuneSeconds;
  /// Where plans that were measured are read, and kept after a search; empty:
  /// nowhere. Default: tune::Database::defaultPath().
  std::optional<std::string> tuningDatabase;

  /// Every pass on tensors is held to what it declares about the numbers of the
  /// model; a table of errors goes to stderr.
  bool verifyPasses = false;
  /// For the test of that: the pass after which a mistake is made.
  std::string verifyPassesFault;

  /// NaN and infinity in weights are errors.
  bool strict = false;
  /// What the description doesn't read of a model is a warning, no error.
  bool lenient = false;
  /// No progress on stderr, only warnings and errors.
  bool quiet = false;
  /// Say on stderr what is done.
  bool verbose = false;
  /// Say on stderr how long it took.
  bool time = false;
  /// Remarks of passes to print on stderr.
  RemarkKinds remarks;
  /// Where remarks are written as YAML; empty: nowhere.
  std::string remarksOutput;
  /// Where the report's page is written; "-": the report as text on stdout;
  /// a name that ends in .json: its data; empty: nowhere.
  std::string report;
  /// What `PROGRAM bench --profile --json` printed, for the report; or empty.
  std::string reportProfile;
  /// Keep line tables in the object.
  bool debugLines = false;
  /// Kernels compare every access with the sizes of its memory, and stop.
  bool checkBounds = false;
  /// LLVM's optimization level.
  unsigned optLevel = 2;

  /// Applied to every pass manager (printing, statistics, timing).
  std::function<bool(mlir::PassManager &)> configurePasses;
};

} // namespace tenon

#endif // TENON_DRIVER_OPTIONS_H
