//===- Catalog.cpp - a checkpoint as a catalog of shapes ------------------===//

#include "tenon/Checkpoint/Gguf.h"
#include "tenon/Import/Import.h"

using namespace tenon;

namespace {
class CheckpointCatalog : public lang::TensorCatalog {
public:
  CheckpointCatalog(const Checkpoint &checkpoint, std::string name)
      : checkpoint(checkpoint), name(std::move(name)) {}

  const std::vector<int64_t> *shape(std::string_view tensor) const override {
    const TensorInfo *info = checkpoint.find(tensor);
    return info ? &info->shape : nullptr;
  }
  std::optional<std::string> ggufName(std::string_view name) const override {
    if (!checkpoint.hasGgufNames())
      return std::nullopt;
    return ggufTensorName(name);
  }
  std::vector<std::string_view> names() const override {
    std::vector<std::string_view> all;
    for (const TensorInfo &info : checkpoint.tensors())
      all.push_back(info.name);
    return all;
  }
  std::string description() const override { return name; }

private:
  const Checkpoint &checkpoint;
  std::string name;
};
} // namespace

std::unique_ptr<lang::TensorCatalog>
tenon::makeTensorCatalog(const Checkpoint &checkpoint, std::string name) {
  return std::make_unique<CheckpointCatalog>(checkpoint, std::move(name));
}
