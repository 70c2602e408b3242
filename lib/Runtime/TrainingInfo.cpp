//===- TrainingInfo.cpp - what a checkpoint of a trainer is made of -------===//
#include "tenon/Runtime/TrainingInfo.h"

#include "tenon/Runtime/Payload.h"
#include "tenon/Runtime/Safetensors.h"
#include "tenon/Support/CheckedMath.h"
#include "tenon/Support/Json.h"

#include <cstring>

using namespace tenon;
using namespace tenon::runtime;
using json = nlohmann::json;

std::string TrainingInfo::serialize() const {
  json root = {{"objective", objective},   {"classes", classes},
               {"labels", labels},         {"tensors", json::array()},
               {"files", json::array()},   {"weights_file", weightsFile},
               {"row_numbers", rowNumbers}};
  for (const TrainedTensor &tensor : tensors)
    root["tensors"].push_back({{"name", tensor.name},
                               {"shape", tensor.shape},
                               {"offset", tensor.offset},
                               {"elements", tensor.elements},
                               {"transposed", tensor.transposed},
                               {"parts", tensor.parts},
                               {"stride", tensor.stride}});
  for (const CheckpointFile &file : files)
    root["files"].push_back({{"name", file.name}, {"size", file.bytes.size()}});
  std::string text = root.dump(-1, ' ', false, json::error_handler_t::replace);
  uint64_t length = text.size();
  std::string section(sizeof length, '\0');
  std::memcpy(section.data(), &length, sizeof length);
  section += text;
  for (const CheckpointFile &file : files)
    section += file.bytes;
  return section;
}

namespace {

/// A tensor's numbers agree with each other, and with the weights.
bool fits(const TrainedTensor &tensor, uint64_t weightBytes) {
  if (checkedProduct(tensor.shape) != tensor.elements || tensor.parts == 0 ||
      tensor.elements % tensor.parts || tensor.offset % sizeof(float) ||
      tensor.stride % sizeof(float))
    return false;
  auto before = checkedMul(tensor.parts - 1, tensor.stride);
  auto bytes = checkedMul(tensor.partElements(), sizeof(float));
  auto size = before && bytes ? checkedAdd(*before, *bytes) : std::nullopt;
  return size && rangeWithin(tensor.offset, *size, weightBytes) &&
         (!tensor.transposed ||
          (tensor.shape.size() >= 2 &&
           checkedProduct(std::span(tensor.shape).last(2)) ==
               tensor.partElements()));
}

TrainedTensor parseTensor(const json &from) {
  TrainedTensor tensor;
  tensor.name = from.at("name").get<std::string>();
  tensor.shape = from.at("shape").get<std::vector<int64_t>>();
  tensor.offset = from.at("offset").get<uint64_t>();
  tensor.elements = from.at("elements").get<uint64_t>();
  tensor.transposed = from.at("transposed").get<bool>();
  tensor.parts = from.at("parts").get<uint64_t>();
  tensor.stride = from.at("stride").get<uint64_t>();
  return tensor;
}

} // namespace

Expected<TrainingInfo> TrainingInfo::parse(std::span<const std::byte> section,
                                           uint64_t weightBytes,
                                           const std::string &filename) {
  auto corrupt = [&](const std::string &what) {
    return errorInFile(filename, "section 'training': " + what,
                       ExitCode::CorruptPayload);
  };
  uint64_t length = 0;
  if (section.size() < sizeof length)
    return corrupt("it is too short");
  std::memcpy(&length, section.data(), sizeof length);
  if (!rangeWithin(sizeof length, length, section.size()))
    return corrupt("its description passes its end");
  std::string_view bytes(reinterpret_cast<const char *>(section.data()),
                         section.size());
  auto root = parseJson(bytes.substr(sizeof length, length), filename);
  if (!root)
    return corrupt(root.error().message);
  TrainingInfo info;
  uint64_t at = sizeof length + length;
  try {
    root->at("objective").get_to(info.objective);
    root->at("classes").get_to(info.classes);
    root->at("labels").get_to(info.labels);
    root->at("row_numbers").get_to(info.rowNumbers);
    if (info.rowNumbers < 0)
      return corrupt("rows of tables are negative");
    for (const json &from : root->at("tensors")) {
      info.tensors.push_back(parseTensor(from));
      if (!fits(info.tensors.back(), weightBytes))
        return corrupt("tensor '" + info.tensors.back().name +
                       "' is not within the weights");
    }
    info.weightsFile = root->at("weights_file").get<std::string>();
    if (info.weightsFile.find('/') != std::string::npos)
      return corrupt("the weights' file has a path");
    for (const json &from : root->at("files")) {
      auto size = from.at("size").get<uint64_t>();
      auto name = from.at("name").get<std::string>();
      if (!rangeWithin(at, size, bytes.size()) ||
          name.find('/') != std::string::npos)
        return corrupt("file '" + name + "' is not within it");
      info.files.push_back({name, std::string(bytes.substr(at, size))});
      at += size;
    }
  } catch (const json::exception &exception) {
    return corrupt(exception.what());
  }
  return info;
}

Expected<TrainingInfo> TrainingInfo::load(const Payload &payload) {
  if (Status status = payload.verify("training"); !status)
    return status.takeError();
  const SectionInfo *section = payload.metadata().section("weights");
  auto bytes = payload.map("training");
  if (!bytes)
    return bytes.takeError();
  return parse(bytes->span(), section ? section->size : 0, payload.name());
}

Status TrainingInfo::readWeights(const std::string &directory,
                                 std::span<std::byte> weights) const {
  TensorGroup groups[] = {{"", weights}};
  auto notes = readSafetensors(directory + "/" + weightsFile, tensors, groups);
  return notes ? Status() : Status(notes.takeError());
}
