//===- Importance.cpp - how much columns of weights matter ----------------===//

#include "Importance.h"
#include "tenon/Checkpoint/Safetensors.h"
#include "tenon/Support/AtomicFile.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <nlohmann/json.hpp>

using namespace tenon;

std::string Importance::key(const std::string &weight, int64_t layer,
                            bool isStacked) {
  return isStacked ? strCat(weight, ".", layer) : weight;
}

std::span<const float> Importance::find(const std::string &weight,
                                        int64_t layer) const {
  // A weight has layers or none, so one of the two is there.
  for (bool isStacked : {true, false})
    if (auto found = vectors.find(key(weight, layer, isStacked));
        found != vectors.end())
      return found->second;
  return {};
}

void Importance::set(const std::string &weight, int64_t layer, bool isStacked,
                     std::vector<float> columns) {
  vectors[key(weight, layer, isStacked)] = std::move(columns);
}

Expected<Importance> Importance::read(const std::string &path) {
  Expected<std::unique_ptr<Checkpoint>> file = openSafetensors(path);
  if (!file)
    return file.takeError();
  Importance importance;
  for (const TensorInfo &info : (*file)->tensors()) {
    auto bad = [&](const std::string &what) {
      return errorAtOffset(
          path, info.offset,
          strCat("tensor ", quoteName(info.name), " ", what,
                 "; a vector of f32 of at least 0 is expected, "
                 "as tenonc --save-importance writes it"));
    };
    if (info.dtype != DType::F32 || info.shape.size() != 1)
      return bad(strCat("is ", name(info.dtype), " ", shapeText(info.shape)));
    std::vector<float> columns(info.numElements());
    std::memcpy(columns.data(), (*file)->bytes(info).data(), info.size);
    for (float value : columns)
      if (!std::isfinite(value) || value < 0)
        return bad(strCat("holds ", value));
    importance.vectors[info.name] = std::move(columns);
  }
  return importance;
}

Status Importance::write(const std::string &path) const {
  nlohmann::json header = nlohmann::json::object();
  uint64_t offset = 0;
  for (auto &[name, columns] : vectors) {
    uint64_t end = offset + columns.size() * sizeof(float);
    header[name] = {{"dtype", "F32"},
                    {"shape", {columns.size()}},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  uint64_t size = text.size();
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (Status status = file->write(std::as_bytes(std::span(&size, 1))); !status)
    return status;
  if (Status status = file->write(text); !status)
    return status;
  // By name, as in the header.
  for (auto &[name, columns] : vectors)
    if (Status status = file->write(std::as_bytes(std::span(columns))); !status)
      return status;
  return file->commit();
}

Status Importance::check(std::span<const PlannedWeight> plan,
                         const std::string &path) const {
  for (const PlannedWeight &weight : plan) {
    if (!weight.isQuantizedHere())
      continue;
    size_t columns = weight.layerType.getShape().back();
    for (int64_t layer = 0; layer < weight.layers; ++layer) {
      std::string name = key(weight.name, layer, weight.stacked);
      auto found = vectors.find(name);
      if (found != vectors.end() && found->second.size() == columns)
        continue;
      std::string what =
          found == vectors.end()
              ? strCat("no importance of ", quoteName(name))
              : strCat("the importance of ", quoteName(name), " is of ",
                       found->second.size(), " columns");
      return withNote(
          errorInFile(path, strCat(what, ", but the weight has ", columns,
                                   " columns in the model")),
          "the file is of another model; --calibrate TEXT makes one");
    }
  }
  return Status::success();
}
