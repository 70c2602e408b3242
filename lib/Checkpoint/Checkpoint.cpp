//===- Checkpoint.cpp - named tensors in files ---------------------------===//

#include "tenon/Checkpoint/Checkpoint.h"
#include "TensorOrder.h"

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

const TensorInfo *tenon::sortByName(std::vector<TensorInfo> &tensors) {
  std::sort(
      tensors.begin(), tensors.end(),
      [](const TensorInfo &a, const TensorInfo &b) { return a.name < b.name; });
  auto pair = std::adjacent_find(tensors.begin(), tensors.end(),
                                 [](const TensorInfo &a, const TensorInfo &b) {
                                   return a.name == b.name;
                                 });
  return pair == tensors.end() ? nullptr : &pair[1];
}
