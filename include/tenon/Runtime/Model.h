//===- Model.h - calls the compiled entry points
//---------------------------===//
//
// Owns the memory that a model runs in and keeps count of its position. All
// arithmetic on tensors happens behind the entry points (invariant I1).
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_MODEL_H
#define TENON_RUNTIME_MODEL_H

#include "tenon/Runtime/Abi.h"
#include "tenon/Runtime/Memory.h"
#include "tenon/Runtime/Metadata.h"
#include "tenon/Runtime/Npy.h"
#include "tenon/Runtime/Payload.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::runtime {

/// Rows of float32, row-major; valid until the model's next call.
struct Rows {
  std::span<const float> values;
  int64_t rows = 0;
  int64_t cols = 0;

  std::span<const float> row(int64_t i) const {
    return values.subspan(i * cols, cols);
  }
};

/// Where a model's weights are.
enum class WeightMemory {
  Mapped,    ///< the executable's own pages: at once, shared by processes
  HugePages, ///< a copy in anonymous memory
};

/// "map" or "huge", as --weights-memory has it.
const char *name(WeightMemory memory);

/// Where weights of `size` bytes are best, if `available` bytes can be taken
/// (see availableMemory). Measured on two cores of Zen 5 in a virtual machine,
/// alternating (test/Bench/alternate.py), huge pages over mapped file: decode
/// of 2.5 GB of bf16 1.25 times as fast with two threads, and more when other
/// processes use the cache that the page tables need; of 0.6 GB 1.10 (one
/// thread) and 1.13 times (two). The copy takes 0.15 to 0.2 s per GB.
WeightMemory chooseWeightMemory(uint64_t size,
                                std::optional<uint64_t> available);

/// A call of an entry, as a profile counts it.
struct EntryCall {
  const EntryInfo *entry = nullptr;
  int64_t tokens = 0, outputs = 0, sourceLength = 0;
  int64_t position = 0; ///< of the first token, if they follow one another
  std::vector<int32_t> positions;     ///< of each token, if they don't
  std::vector<int32_t> textEnds;      ///< of an entry that takes several texts
  int64_t start = 0, nanoseconds = 0; ///< by steady_clock
};

class Model {
public:
  /// Maps or loads the weights and allocates arena and cache. `payload` and
  /// `variant` must outlive the model only until this returns (the mapping
  /// stays) and for good, respectively. Errors: OutOfResource, with the sizes.
  /// `trained`: weights to take instead of the payload's, laid out alike.
  static Expected<std::unique_ptr<Model>>
  load(const Payload &payload, const TenonVariant &variant,
       WeightMemory weightMemory = WeightMemory::Mapped,
       std::optional<Region> trained = {});

  const Metadata &metadata() const { return meta; }
  WeightMemory weightMemory() const { return weightsIn; }

  /// Sequences that have a context, each of its own: at first as many as the
  /// model was compiled for. All but decodeTogether and copySequence is about
  /// the selected one, at first that of number 0.
  int64_t numSequences() const {
    return static_cast<int64_t>(sequences.size());
  }
  /// Makes contexts for at least so many; what they hold is forgotten. More
  /// than the model was compiled for are decoded some after the others.
  Status reserveSequences(int64_t count);
  void select(int64_t sequence) { selected = sequence; }

  /// Tokens in the context so far.
  int64_t position() const { return sequence().length; }
  /// Forgets the context.
  void reset() { sequence() = {}; }
  /// Forgets all but the first `length` tokens of it; at most that many are
  /// left. A ring holds no more than a chunk that is older than its window, so
  /// going further back forgets everything.
  void rewind(int64_t length);

  /// Reads a source, to which the tokens of the context attend: once, before
  /// them. It is of tokens or of arrays, as the model takes it. Errors: as for
  /// prefill and compute; a source that is longer than one call takes.
  Status encodeSource(std::span<const int32_t> tokens,
                      const NamedArrays &arrays = {});
  /// Gives sequence `to` the context of another.
  void copySequence(int64_t from, int64_t to);

  /// Which rows of logits a prefill computes.
  enum class Want { None, Last, All };
  /// Takes rows as chunks are done; an error ends the prefill.
  using RowConsumer = std::function<Status(const Rows &)>;

  /// Appends tokens to the context, at most `chunk` in one call (0: the most
  /// that the model was compiled for). With Want::Last, logits() is then the
  /// row of the last token; with Want::All, `consume` gets all of them in
  /// order. Errors: no tokens, ids outside of the vocabulary, a context that is
  /// full (both counts stated), an interruption.
  Status prefill(std::span<const int32_t> tokens, int64_t chunk, Want want,
                 const RowConsumer &consume = {});

  /// What an entry of the description is computed from. Inputs that are neither
  /// tokens nor segments are arrays by name.
  struct Inputs {
    std::span<const int32_t> tokens;
    std::span<const int32_t> segments;    ///< of each token; none: all 0
    std::span<const int32_t> source = {}; ///< what a decoder attends to
    NamedArrays arrays = {};              ///< the source's, too
  };
  /// Computes `def` of the description on a whole text, whose context is
  /// forgotten then. `consume` gets the rows in order: rowsOf() of them in all.
  /// Errors: BadUsage for a def that isn't there and for inputs that are
  /// missing or too many; ids and sizes that don't fit.
  Status compute(std::string_view def, const Inputs &inputs,
                 const RowConsumer &consume, int64_t chunk = 0);
  /// Takes the rows of a text, all of them at once; an error ends everything.
  using TextConsumer = std::function<Status(size_t text, const Rows &)>;
  /// How many tokens of several texts one call of `def` takes; 0: it takes one
  /// text at a time.
  int64_t tokensTogether(std::string_view def) const;
  /// Computes `def` on a text, or on several in one call: each as `compute`
  /// would, bit by bit. `consume` gets them in order. Errors: as for compute;
  /// BadUsage for more than tokensTogether().
  Status computeTexts(std::string_view def, std::span<const Inputs> texts,
                      const TextConsumer &consume);
  /// The rows that `def`, which is there, has of these inputs.
  int64_t rowsOf(std::string_view def, const Inputs &inputs) const;

  /// Appends one token; logits() is its row.
  Status decode(int32_t token);

  /// The next token of a sequence.
  struct Step {
    int64_t sequence;
    int32_t token;
  };
  /// Appends a token to each of several sequences, with the same results as
  /// `decode` would give for each, bit by bit; they are then the logits() of
  /// each. Errors: as for decode; ExitCode::BadUsage if there are more steps
  /// than the model was compiled for.
  Status decodeTogether(std::span<const Step> steps);

  /// Keeps what calls there were, from now on, in `calls`; null: no longer.
  void recordCalls(std::vector<EntryCall> *calls) { recorded = calls; }

  /// The last row that was computed; valid until the next call.
  std::span<const float> logits() const { return sequence().last; }

private:
  Model() = default;
  struct Entry {
    TenonEntryFn fn;
    const EntryInfo *info;
  };
  /// The context of a sequence.
  struct Sequence {
    int64_t length = 0; ///< tokens
    std::span<const float> last;
    int64_t sourceLength = 0; ///< tokens
    uint64_t source = 0;      ///< which: sources are numbered from 1
  };
  /// What a call of an entry works on.
  struct Call {
    std::span<const int32_t> tokens;
    /// Of each token; empty if they follow one another from `position` on.
    std::span<const int32_t> positions = {};
    std::span<const int32_t> segments = {}; ///< empty: 0
    const NamedArrays *arrays = nullptr;
    /// Of an entry that takes no tokens: the rows of its arrays.
    int64_t length = 0;
    /// Of each sequence.
    std::span<const int32_t> sourceLengths = {};
    /// Where each text ends, of an entry that takes several.
    std::span<const int32_t> textEnds = {};
    int64_t position = 0;
    int64_t sourceLength = 0;
    int64_t rows = 0; ///< of the output
    std::byte *cache = nullptr;
  };
  Expected<Entry> find(std::string_view name) const;
  /// Checks tokens that are to follow `length` others.
  Status check(std::span<const int32_t> tokens, int64_t length) const;
  Status checkSource() const;
  uint64_t sequenceBytes() const {
    return meta.memory.cache / meta.memory.sequences;
  }
  /// A call of decode_batch for some of the steps, whose sequences are `count`
  /// neighbours from `first` on. Rows are those of the sequences.
  Expected<Rows> decodeGroup(std::span<const Step> steps, int64_t first);
  Expected<Rows> call(const Entry &entry, const Call &call);
  /// Calls an entry, and records that if asked to.
  void callFunction(const Entry &entry, const TenonFrame &frame,
                    const Call &call);
  /// Calls an entry on the next tokens of the selected sequence.
  Expected<Rows> callNext(const Entry &entry, std::span<const int32_t> tokens,
                          int64_t rows);
  /// Calls an incremental entry on a text, chunk by chunk.
  Status callInChunks(const Entry &entry, std::span<const int32_t> tokens,
                      int64_t chunk, Want want, const RowConsumer &consume);
  /// Calls an entry on texts that fit one call together.
  Status callTexts(const Entry &entry, std::span<const Inputs> texts,
                   const TextConsumer &consume);
  /// Checks the inputs of an entry that sees whole texts in one call.
  Status checkText(const EntryInfo &entry, const Inputs &inputs) const;
  Status checkInputs(const EntryInfo &entry, const Inputs &inputs) const;
  /// They are those of the entry, of the right shapes where T is `length`, and
  /// all numbers are finite.
  Status checkArrays(const EntryInfo &entry, const NamedArrays &arrays,
                     int64_t length) const;
  /// Ids are below the input's limit.
  Status checkIds(const InputInfo &input, std::span<const int32_t> ids) const;
  /// What an input's numbers are in this call; they live until the next one.
  Expected<void *> fill(const EntryInfo &entry, size_t input, const Call &call);

  Sequence &sequence() { return sequences[selected]; }
  const Sequence &sequence() const { return sequences[selected]; }

  Metadata meta;
  const TenonVariant *variant = nullptr;
  WeightMemory weightsIn = WeightMemory::Mapped;
  Region weights, arena, cache, output;
  std::vector<std::vector<int32_t>> ids; ///< of the call, by input
  std::vector<Sequence> sequences;
  int64_t selected = 0;
  uint64_t numSources = 0;
  std::vector<EntryCall> *recorded = nullptr;
  std::vector<float> lastRows; ///< of steps that took several calls
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_MODEL_H
