//===- SentenceModules.h - sentence-embedding directories -------*- C++ -*-===//

#ifndef TENON_LIB_CHECKPOINT_SENTENCEMODULES_H
#define TENON_LIB_CHECKPOINT_SENTENCEMODULES_H

#include "tenon/Checkpoint/ModelDirectory.h"

#include <filesystem>

namespace tenon {

/// The folder of the Transformer that modules.json in `directory` names, or
/// `directory` itself where that is the one or there is no modules.json.
Expected<std::filesystem::path>
transformerFolder(const std::filesystem::path &directory);

/// Reads what sentence-transformers adds to a model in `directory`:
/// modules.json and the folders it names (Pooling, Dense, Normalize), and
/// sentence_bert_config.json. It becomes the member `sentence` of
/// `model.config`:
///
///   pooling           "cls", "mean", "max", "mean_sqrt_len", "weightedmean" or
///                     "lasttoken"; several joined by "+", in this order
///   normalize         bool
///   dense             int, the width that a linear layer gives; 0: none
///   dense_activation  "identity", "tanh", "gelu", "relu", "sigmoid" or "silu"
///
/// and `max_seq_length` becomes `model.maxSequenceLength`.
/// The linear layer's tensors become "sentence.dense.weight" and
/// "sentence.dense.bias" of `model.checkpoint`. Without modules.json nothing
/// happens. Errors: a module that isn't one of these, or in another order.
Status readSentenceModules(const std::filesystem::path &directory,
                           ModelDirectory &model);

} // namespace tenon

#endif // TENON_LIB_CHECKPOINT_SENTENCEMODULES_H
