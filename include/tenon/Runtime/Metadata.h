//===- Metadata.h - what an executable knows about its model
//---------------===//
//
// The JSON at the end of every compiled executable, as a structure: the driver
// fills and serializes it, the runtime parses it. Offsets and sizes are bytes.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_METADATA_H
#define TENON_RUNTIME_METADATA_H

#include "tenon/Support/Error.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::runtime {

struct SectionInfo {
  std::string name;
  uint64_t offset = 0; ///< from the start of the file, multiple of 4096
  uint64_t size = 0;
  uint64_t xxh3 = 0;
};

struct WeightInfo {
  std::string name;
  uint64_t offset = 0; ///< from the start of the "weights" section
  uint64_t size = 0;
  std::optional<uint64_t> xxh3; ///< lets --verify name the damaged weight
  std::string type;
};

/// An input of an entry. The runtime fills it by its element; the name is what
/// the description calls it, for messages and `run --input`.
struct InputInfo {
  std::string name;
  /// As the description has it: token, token_type, bool, pixel, feature; and
  /// "position", of each of several sequences, and "text_ends".
  std::string element;
  std::string dtype; ///< i32 or f32
  /// kTokens: as many as there are tokens in the call.
  std::vector<int64_t> shape = {kTokens};
  /// Ids are below it; 0: any number.
  int64_t limit = 0;
  /// The token that a text must end in; kAny: whichever.
  int64_t last = kAny;

  static constexpr int64_t kAny = -1;

  static constexpr int64_t kTokens = -1;
  /// Numbers of an image, of speech and the like, rather than ids.
  bool isArray() const { return dtype == "f32" && element != "bool"; }
  /// An error if a text of these tokens ends in another than it must.
  Status checkLast(std::span<const int32_t> ids) const;
};

/// A function of the table. `forward` of a decoder has several: prefill, decode
/// and decode_batch.
struct EntryInfo {
  enum class Rows { Tokens, Rows, Fixed };
  std::string name;
  std::vector<InputInfo> inputs;
  int64_t outputCols = 0;
  Rows outputRows = Rows::Rows;
  int64_t fixedRows = 1; ///< Rows::Fixed: how many
  /// The def of the description that it is made from.
  std::string of;
  /// What the result is, as the description has it: token, span, labels, or
  /// empty for plain numbers.
  std::string element;
  std::vector<std::string> labels; ///< names of the columns, or none
  /// It takes the next tokens of a text and keeps their keys and values; else
  /// the whole text in one call.
  bool incremental = false;

  /// It takes several texts in one call, and where each of them ends.
  bool takesTexts() const {
    return !inputs.empty() && inputs.back().element == "text_ends";
  }
};

/// What an operation computes and reads in one call of its entry, as far as the
/// compiler knows: what a profile sets beside its time. Of operations whose
/// data stay in the CPU's caches nothing is counted.
struct WorkInfo {
  /// The rows that a linear multiplies.
  enum class Rows {
    Tokens,  ///< those of the call
    Outputs, ///< those that an output is wanted of
    Routed,  ///< `count` for each token, shared out among experts
    Fixed,   ///< `count`
  };
  /// The keys that a query sees.
  enum class Keys {
    None,
    Own,     ///< of the call's tokens
    Context, ///< of all tokens so far
    Source,
  };
  Rows rows = Rows::Tokens;
  int64_t count = 1;
  uint64_t weightBytes = 0;   ///< read by each call of the operation
  uint64_t rowOperations = 0; ///< for a row; a multiply-add is two
  Keys keys = Keys::None;
  bool causal = false;
  int64_t window = 0;          ///< most keys that a query sees; 0: all
  uint64_t pairOperations = 0; ///< for a query and a key
  uint64_t keyBytes = 0;       ///< of a key and its value, in all heads
  /// Which of the machine's products it is made of, as `tenon-bench limits`
  /// names them: fma, bf16, int8, int6, int5, int4.
  std::string products;

  bool operator==(const WorkInfo &) const = default;
};

struct OperationInfo {
  int64_t id = 0; ///< the `op` of tenon_dispatch
  std::string name;
  std::string kind;
  std::string location;       ///< file:line:col of the .tenon source
  std::string entry;          ///< the function that it is called by
  std::vector<WorkInfo> work; ///< of its parts; none: not known
};

/// What the metadata says of a TenonVariant.
struct VariantInfo {
  std::string cpu, features; ///< as in the table
  std::vector<OperationInfo> operations;
};

/// From generation_config.json; absent: the runtime's own default.
struct GenerationDefaults {
  std::optional<bool> doSample; ///< false: greedy
  std::optional<double> temperature, topP, minP, repetitionPenalty;
  std::optional<int64_t> topK;
  /// Beams, and lengths in tokens, as Transformers' GenerationConfig has them.
  std::optional<int64_t> beams, noRepeatNgram, minLength, maxLength;
  std::optional<double> lengthPenalty;
  std::optional<bool> earlyStopping;
  /// What a decoder with a source begins with, and says first.
  std::optional<int64_t> decoderStart, forcedBos;
  /// A target that is learned begins with its own last token instead.
  std::optional<bool> decoderStartIsLast;
  /// What follows the start before anything is said.
  std::vector<int32_t> begin;
  /// Why a decoder's beginning is not known although it has a start token: it
  /// would have to be found out of the source. Absent: it is known.
  std::optional<std::string> undecided;
  /// What is said last where the length ends a text.
  std::vector<int32_t> forcedEos;
  /// Never said; not said first.
  std::vector<int32_t> suppressed, suppressedFirst;
  std::vector<std::vector<int32_t>> badWords; ///< not said in this order
};

/// The keys and values of one kind of attention: a part of what a sequence has.
struct CacheInfo {
  /// Of the source: written by "encode", and not by what tokens come.
  bool isSource = false;
  int64_t layers = 0, heads = 0, headDim = 0;
  int64_t capacity = 0;          ///< tokens
  uint64_t offset = 0, size = 0; ///< in the part of a sequence
  uint64_t keys = 0; ///< bytes of a layer's keys; its values follow them
  /// Of a source that is always as long: so many keys; 0: one for each token.
  int64_t length = 0;
  /// Holds the last `capacity` tokens only, of attention to a window.
  bool isRing = false;
};

struct Metadata {
  std::string tenonVersion;

  struct {
    std::string family, name;
    bool isDecoder = true;
    std::string entry = "forward"; ///< the def that the class runs
    /// `problem_type` of the configuration; empty: it says none.
    std::string problem;
    int64_t parameters = 0;
    int64_t vocabSize = 0; ///< 0: it takes no tokens
    int64_t context = 0;   ///< tokens
    int64_t hiddenSize = 0;
    int64_t layers = 0;
    std::vector<int32_t> bos, eos;
    std::map<std::string, uint64_t> weightTypes; ///< "bf16" → bytes
    /// How what linears read is rounded, in words: "int8, int16 for logits";
    /// empty: not to integers.
    std::string activations;
    /// The tokens that a text is cut to, as its embedding was trained; 0: a
    /// text that is too long is an error.
    int64_t cutTo = 0;
    /// What makes a vector of a text, as the model declares it, and whether it
    /// then has length 1; empty: the model declares nothing.
    std::string pooling;
    bool normalized = false;
  } model;

  struct {
    uint64_t arena = 0, cache = 0;
    std::string cacheType; ///< of keys and values: "f16"; empty: no cache
    int64_t maxChunk = 0;  ///< most tokens of one call
    /// Sequences that the cache has a part for, all of the same size.
    int64_t sequences = 1;
    std::vector<CacheInfo> caches; ///< of a sequence, side by side
  } memory;

  std::vector<SectionInfo> sections;
  std::vector<EntryInfo> entries;
  std::vector<VariantInfo> variants; ///< in the order of tenon_variants
  GenerationDefaults generation;
  std::vector<WeightInfo> weights;

  const SectionInfo *section(std::string_view name) const;
  const EntryInfo *entry(std::string_view name) const;
  /// The function that computes all rows of a def: prefill for `forward` of a
  /// decoder. Null: there is none.
  const EntryInfo *entryOf(std::string_view def) const;
  /// Whether tokens attend to a source, which "encode" takes.
  bool hasSource() const { return entry("encode") != nullptr; }

  std::string serialize() const;
  /// Checks types and ranges; errors are CorruptPayload and name the key.
  static Expected<Metadata> parse(std::string_view json,
                                  const std::string &filename);
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_METADATA_H
