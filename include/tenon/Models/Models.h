//===- Models.h - the built-in model families -------------------*- C++ -*-===//
//
// Families are data: the .tenon files of lib/Models are embedded as text, and
// what a family is called and which architectures it covers is read from there.
// So are the parts that they include, those of lib/Models/Parts.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_MODELS_MODELS_H
#define TENON_MODELS_MODELS_H

#include "tenon/Language/AST.h"
#include "tenon/Language/Diagnostic.h"
#include "tenon/Language/Parser.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

/// The source of a family; lives as long as the program.
struct BuiltinModel {
  std::string_view name;     ///< "llama"
  std::string_view fileName; ///< "llama.tenon", in messages and locations
  std::string_view text;
};

/// Files of items that several families include.
std::span<const lang::BuiltinPart> listParts();

/// All families, ordered by name.
std::span<const BuiltinModel> listModels();

/// A family by its name; null if there is none.
const BuiltinModel *findModel(std::string_view name);

/// The family whose `architectures` has the name that config.json gives
/// ("LlamaForCausalLM"); null if there is none.
const BuiltinModel *findByArchitecture(std::string_view architecture);

/// The family that covers a `model_type`; null if there is none.
const BuiltinModel *findByModelType(std::string_view type);

/// The architectures that a family covers, in its order.
std::vector<std::string> architecturesOf(const BuiltinModel &model);

/// The architectures of all families, ordered, for the message about an
/// unknown one.
std::vector<std::string> knownArchitectures();

/// Parses and checks a family. Never null for the families built in (a test
/// says so).
std::unique_ptr<lang::Model> loadModel(const BuiltinModel &model,
                                       lang::Diagnostics &diagnostics);

/// What `tenonc --list-models` prints: for each family its name,
/// what the comment at its head says, and its architectures below.
std::string formatModelList();

} // namespace tenon

#endif // TENON_MODELS_MODELS_H
