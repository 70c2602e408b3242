//===- LabelNames.h - what labels are called --------------------*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_LABELNAMES_H
#define TENON_LIB_RUNTIME_COMMANDS_LABELNAMES_H

#include "Program.h"

#include "tenon/Runtime/TrainingInfo.h"

namespace tenon::runtime {

/// The names of the classes that data may say instead of numbers.
struct LabelNames {
  std::vector<std::string> names; ///< by class; empty: there are none
  /// They are those that Transformers gives where nobody did (LABEL_0, ...):
  /// data to learn from may bring others.
  bool areOpen = false;

  /// The class of a name, or an error that says which names there are.
  Expected<int32_t> find(const std::string &name) const;
  /// Takes these names, no more than there are classes; the classes that are
  /// left keep those of Transformers.
  void choose(std::vector<std::string> found, int64_t classes);
};

/// Those of the program, or of the checkpoint in `directory` if it is not
/// empty. Errors: that one has other classes.
Expected<LabelNames> readLabelNames(const TrainingInfo &info,
                                    const std::string &directory);

/// A configuration with these names of labels (id2label, label2id).
std::string withLabelNames(const std::string &config,
                           const std::vector<std::string> &names);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_LABELNAMES_H
