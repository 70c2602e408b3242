//===- ModelDirectory.h - a model: directory or GGUF file -------*- C++ -*-===//

#ifndef TENON_CHECKPOINT_MODELDIRECTORY_H
#define TENON_CHECKPOINT_MODELDIRECTORY_H

#include "tenon/Checkpoint/Checkpoint.h"
#include "tenon/Support/Json.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tenon {

class GgufCheckpoint;

/// What a directory with config.json holds, or a GGUF file. Only the files'
/// syntax has been checked; what the values mean is the model description's
/// business.
struct ModelDirectory {
  std::string path;

  /// An object: config.json's, with the member `sentence` for what
  /// sentence-transformers' modules.json and GGUF's pooling_type say.
  nlohmann::json config;
  std::string configPath; ///< for messages
  std::string configText; ///< what `config` was parsed from, for messages
  /// Keys of `config` that the reader of GGUF made up from the tensors.
  std::vector<std::string> derivedKeys;

  /// `max_seq_length` of sentence_bert_config.json: the tokens that texts are
  /// cut to; 0: it says none.
  int64_t maxSequenceLength = 0;

  std::optional<nlohmann::json> generationConfig; ///< generation_config.json
  std::string generationConfigPath, generationConfigText; ///< for messages
  std::optional<nlohmann::json> tokenizerConfig; ///< tokenizer_config.json

  /// Null when the directory has no weights (a description to compile with
  /// random ones).
  std::unique_ptr<Checkpoint> checkpoint;

  /// Of a GGUF file: `checkpoint` with its metadata, which `config` was made
  /// from (configText is empty) and which holds the tokenizer. Else null.
  const GgufCheckpoint *gguf = nullptr;

  /// Path of tokenizer.json or of what else holds the vocabulary
  /// (Tokenizer::fromDirectory reads it with its neighbours), or of a GGUF file
  /// with a vocabulary; empty when there is none.
  std::string tokenizerPath;
  bool hasTokenizer() const { return !tokenizerPath.empty(); }

  /// What the directory is called, its path's last component; a GGUF file's
  /// without the extension.
  std::string name() const;
  /// `architectures` of config.json ("LlamaForCausalLM"); none: empty.
  std::vector<std::string> classNames() const;
  /// `model_type` of config.json ("llama"), or empty.
  std::string modelType() const;
  /// bos_token_id, eos_token_id (a number or a list) from
  /// generation_config.json, else from config.json.
  std::vector<int32_t> tokenIds(std::string_view key) const;
};

/// Opens a directory, or the one that a config.json lies in. Errors: no
/// config.json; a file in it that isn't well formed.
Expected<ModelDirectory> openModelDirectory(const std::string &path);

/// Opens a GGUF file. Errors: those of GgufCheckpoint::open and configFromGguf.
Expected<ModelDirectory> openGgufModel(const std::string &path);

/// Whichever of the two `path` is: a file that ends in .gguf or begins with
/// "GGUF", or else a directory.
Expected<ModelDirectory> openModel(const std::string &path);

} // namespace tenon

#endif // TENON_CHECKPOINT_MODELDIRECTORY_H
