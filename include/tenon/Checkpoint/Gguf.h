//===- Gguf.h - GGML's model files ------------------------------*- C++ -*-===//
//
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2
// and 3, little-endian. A header counts tensors and metadata; key-value pairs
// follow, then each tensor's name, dimensions, type and offset, then the
// aligned data.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_CHECKPOINT_GGUF_H
#define TENON_CHECKPOINT_GGUF_H

#include "tenon/Checkpoint/Checkpoint.h"
#include "tenon/Support/Json.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

/// A value of the metadata, where it lies in the file.
class GgufValue {
public:
  enum class Type : uint32_t {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    String,
    Array,
    U64,
    I64,
    F64,
  };
  Type type = Type::U8;
  Type elementType = Type::U8; ///< of an array
  uint64_t count = 0;          ///< elements of an array
  uint64_t offset = 0;         ///< in the file, of the value or first element
  /// The value, or the array's elements; of a string its text alone.
  std::span<const std::byte> data;

  bool isArrayOf(Type element) const {
    return type == Type::Array && elementType == element;
  }

  /// nullopt when the value is of another kind (or beyond int64).
  std::optional<int64_t> asInteger() const;
  std::optional<double> asNumber() const; ///< integers too
  std::optional<bool> asBool() const;
  std::optional<std::string_view> asString() const;
  /// Elements of an array; nullopt when it isn't one of such. Copies.
  std::optional<std::vector<int64_t>> asIntegers() const;
  std::optional<std::vector<float>> asFloats() const; ///< of f32
  /// In place, each valid as long as the file.
  std::optional<std::vector<std::string_view>> asStrings() const;

  /// "a string", "an array of u32", for messages.
  std::string kindName() const;
};

/// A mapped .gguf file: its tensors, and its metadata by key. Shapes are
/// row-major, the reverse of the file's.
class GgufCheckpoint : public Checkpoint {
public:
  bool hasGgufNames() const override { return true; }
  /// Errors, each with its offset and the key or tensor it is about: a bad
  /// magic or version (a big-endian file is told by name); counts, lengths and
  /// nesting beyond the file; empty or duplicate names; unknown types; a bad
  /// alignment; dimensions that are 0, too many, wrap or hold no whole blocks;
  /// data that is misaligned, overlaps or leaves the file. Of a split model
  /// ("NAME-00001-of-00003.gguf") the first file is named; others that are
  /// missing, out of place or have a tensor again are errors.
  static Expected<std::unique_ptr<GgufCheckpoint>> open(std::string path);

  const std::string &path() const { return file->path(); }

  /// The metadata of a key; null when there is none. The key counts as read.
  const GgufValue *value(std::string_view key) const;
  /// An error at the first key below `prefix` ("llama.") that was never read
  /// and that GgufKeys.def doesn't let pass, with the others as notes; nullopt
  /// when there is none.
  std::optional<Error> findUnread(std::string_view prefix) const;

  /// Sets TensorInfo::rowsPerHead of every tensor to what `order` says of its
  /// name and number of rows.
  void
  setRowOrders(const std::function<int64_t(std::string_view, int64_t)> &order);

  /// Makes matrices of one row of the vectors whose names end so: llama.cpp's
  /// converter drops dimensions of 1.
  void restoreRows(std::string_view suffix);

  /// Where a layer of latent attention has its keys' and its values' matrices
  /// apart, blk.N.attn_k_b [heads, rank, key] and blk.N.attn_v_b [heads, value,
  /// rank], they are one, as in Hugging Face's checkpoints: blk.N.attn_kv_b
  /// [heads * (key + value), rank] in f32, which is joined when it is read.
  /// Where the file has that, too, it stays.
  void joinKeysAndValues();

  /// An error at the key's value, or at the file's start without one.
  Error errorAt(std::string_view key, std::string_view message) const;

private:
  friend class GgufReader;
  static Expected<std::unique_ptr<GgufCheckpoint>> openOne(std::string path);
  /// Adds the tensors of the other files of a split model.
  Status addParts(int64_t count);

  std::unique_ptr<MappedFile> file;
  std::vector<std::unique_ptr<GgufCheckpoint>> parts; ///< the other files
  std::map<std::string, GgufValue, std::less<>> metadata;
  mutable std::set<std::string, std::less<>> read;
};

/// The metadata in the words of config.json, so that a model description reads
/// either: architectures, model_type, hidden_size, rope_theta, …; the token ids
/// bos_token_id and eos_token_id; tie_word_embeddings if there is no
/// output.weight. Also records the row order of tensors that llama.cpp's
/// converter permutes (TensorInfo::rowsPerHead).
///
/// Errors: no architecture or one that isn't known; a key that is missing, of
/// another kind, or says something that isn't supported.
Expected<nlohmann::json> configFromGguf(GgufCheckpoint &checkpoint);

/// GGUF's name for a tensor of Hugging Face's checkpoints, "{i}" standing for
/// the layer in both: "blk.{i}.attn_q.weight" for
/// "model.layers.{i}.self_attn.q_proj.weight", "blk.{i}" for a layer's prefix.
/// "" for a layer's tensor without one; other names are what they are.
std::string ggufTensorName(std::string_view name);

} // namespace tenon

#endif // TENON_CHECKPOINT_GGUF_H
