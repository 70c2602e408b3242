//===- NotHeld.h - models that are told by name -----------------*- C++ -*-===//

#ifndef TENON_CHECKPOINT_NOTHELD_H
#define TENON_CHECKPOINT_NOTHELD_H

#include <optional>
#include <string_view>

namespace tenon {

/// What makes a model one that descriptions can't express ("state-space
/// layers"), by its class, its model_type or GGUF's name for its architecture;
/// nullopt for all that aren't in NotHeld.def.
std::optional<std::string_view> whatIsNotHeld(std::string_view name);

} // namespace tenon

#endif // TENON_CHECKPOINT_NOTHELD_H
