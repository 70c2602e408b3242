//===- Program.h - what commands share: model, tokenizer, workers ---------===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_PROGRAM_H
#define TENON_LIB_RUNTIME_COMMANDS_PROGRAM_H

#include "Profile.h"
#include "tenon/Runtime/Executor.h"
#include "tenon/Runtime/Model.h"
#include "tenon/Runtime/Payload.h"
#include "tenon/Runtime/Trainer.h"
#include "tenon/Runtime/Variant.h"
#include "tenon/Tokenizer/Tokenizer.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tenon::runtime {

/// Options that every command has.
struct GlobalOptions {
  std::optional<unsigned> threads; ///< default: physical cores
  bool profile = false;
  std::string trace; ///< a file, or empty
  bool verify = false;
  std::string weightsMemory; ///< "map", "huge", or empty: chosen by size
  std::string kernels;       ///< variants compiled for this CPU only
  /// Of a model that learns: the training whose weights to take instead of
  /// those that it was compiled with (--from); of one that keeps adapters: the
  /// name of that which is added to the weights (--adapter).
  std::string from;
};

struct TextInput;

/// The tokens of a text, or of two that belong together.
struct EncodedText {
  std::vector<int32_t> tokens;
  std::vector<int32_t> segments;         ///< of each token; none: all 0
  size_t secondBegin = 0, secondEnd = 0; ///< the second text's tokens
};

/// The running program. Parts are made when first asked for, so that `info`
/// doesn't need a CPU that can run the model.
class Program {
public:
  Program(Payload payload, std::span<const TenonVariant> variants)
      : payload(std::move(payload)), variants(variants) {}
  ~Program() { Executor::install(nullptr); }

  GlobalOptions options;
  /// Arguments that are no options.
  std::vector<std::string> texts;

  const Payload payload;
  const std::span<const TenonVariant> variants;
  const Metadata &metadata() const { return payload.metadata(); }

  Expected<const Tokenizer *> tokenizer();
  Expected<const TenonVariant *> variant();
  /// What the profile of a variant of the table counts.
  Expected<std::span<const OperationInfo>>
  operations(const TenonVariant &variant) const;
  /// The model, and the executor that its kernels run on.
  Expected<Model *> model();
  /// The same of a model that learns.
  Expected<Trainer *> trainer();
  /// Only after model() or trainer().
  Executor &executor() { return *workers; }
  unsigned threads();
  /// Leaves the other processes of so many that work on this machine together
  /// their CPUs: executor() is another one then, of a part of the threads
  /// unless --threads says how many.
  void takePart(int rank, int size);
  WeightMemory weightMemory() const;

  /// The function of a def of the description, also by the name that its
  /// command has; BadUsage if there is none.
  Expected<const EntryInfo *> findEntry(std::string_view name) const;

  /// Tokens of a text, with what the model expects around it; an empty text is
  /// the beginning-of-text token alone.
  Expected<std::vector<int32_t>>
  encode(std::string_view text, SpecialInText special = SpecialInText::Tokens);
  /// The same of what a command was given.
  Expected<EncodedText> encode(const TextInput &input);

  /// The texts given, joined by blanks.
  std::string joinedTexts() const;

  /// Time per operation, as a table on standard error, if asked for.
  /// `seconds`: the wall clock of all that was profiled.
  void printProfile(double seconds);
  /// What is counted for --profile and --trace; null: nothing.
  Profile *profile() { return counted.get(); }
  /// Writes the file of --trace, if asked for.
  Status writeTrace() const;

private:
  const Topology &cpus();
  Expected<Region> trainedWeights() const;
  /// Makes the executor of a variant's kernels.
  Status startWorkers(const TenonVariant &variant);

  std::optional<Topology> topology;
  std::unique_ptr<Tokenizer> loadedTokenizer;
  std::unique_ptr<Executor> workers;
  std::unique_ptr<Profile> counted;
  std::unique_ptr<Model> loadedModel;
  std::unique_ptr<Trainer> loadedTrainer;
};

/// The bytes of a file, of standard input for "-".
Expected<std::string> readInput(const std::string &path);

/// Standard error, for notes beside the output.
void printNote(std::string_view text);

/// "fill_mask" as a command: "fill-mask".
std::string commandName(std::string_view def);

/// Seconds since some fixed point.
double now();

/// printf into a string.
[[gnu::format(printf, 1, 2)]] std::string format(const char *text, ...);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_PROGRAM_H
