//===- Checkpoint.cpp - named tensors in files ---------------------------===//

#include "tenon/Checkpoint/Checkpoint.h"

#include <algorithm>

using namespace tenon;

Checkpoint::~Checkpoint() = default;

const TensorInfo *Checkpoint::find(std::string_view name) const {
  auto found =
      std::lower_bound(infos.begin(), infos.end(), name,
                       [](const TensorInfo &info, std::string_view key) {
                         return info.name < key;
                       });
  return found != infos.end() && found->name == name ? &*found : nullptr;
}
