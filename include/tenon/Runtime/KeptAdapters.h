//===- KeptAdapters.h - adapters that a program chooses from ----*- C++ -*-===//
//
// An executable may keep adapters of low rank beside its weights, each in a
// section "adapter:NAME". For each of the model's places for an adapter, which
// are zeros in the weights: where it begins there (u64), its size (u64), and
// the bytes that belong in it.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_KEPTADAPTERS_H
#define TENON_RUNTIME_KEPTADAPTERS_H

#include "tenon/Runtime/Payload.h"

#include <string>
#include <string_view>
#include <vector>

namespace tenon::runtime {

inline constexpr std::string_view kAdapterSection = "adapter:";

inline std::string adapterSection(std::string_view name) {
  return std::string(kAdapterSection) + std::string(name);
}

/// The names of those that a program keeps, in the order of the compilation.
std::vector<std::string> adapterNames(const Metadata &metadata);

/// A copy of the weights with an adapter in its places. Errors: BadUsage, no
/// adapter of this name; a payload that is damaged; OutOfResource.
Expected<Region> weightsWithAdapter(const Payload &payload,
                                    const std::string &name);

} // namespace tenon::runtime

#endif // TENON_RUNTIME_KEPTADAPTERS_H
