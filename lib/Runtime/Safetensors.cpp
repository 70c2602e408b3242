//===- Safetensors.cpp - checkpoints as the runtime writes them -----------===//
#include "tenon/Runtime/Safetensors.h"

#include "tenon/Support/AtomicFile.h"
#include "tenon/Support/CheckedMath.h"
#include "tenon/Support/Json.h"
#include "tenon/Support/MappedFile.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <bit>
#include <cstring>

using namespace tenon;
using namespace tenon::runtime;
using json = nlohmann::json;

static_assert(std::endian::native == std::endian::little);

/// Elements that are exchanged at a time, so that a matrix takes no second
/// memory of its size.
static constexpr int64_t kPiece = 1 << 16;

namespace {

/// The file's rows [first, first + count) of a matrix that memory has the other
/// way round: `rows` of the file are columns there.
void gather(const float *memory, int64_t rows, int64_t columns, int64_t first,
            int64_t count, float *to) {
  for (int64_t r = 0; r < count; ++r)
    for (int64_t c = 0; c < columns; ++c)
      to[r * columns + c] = memory[c * rows + first + r];
}

void scatter(const float *from, int64_t rows, int64_t columns, float *memory) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      memory[c * rows + r] = from[r * columns + c];
}

std::span<std::byte> bytesOf(const TrainedTensor &tensor,
                             const TensorGroup &group, uint64_t part) {
  return group.memory.subspan(tensor.offset + part * tensor.stride,
                              tensor.partElements() * sizeof(float));
}

/// Rows and columns of a matrix, or of each part, as the file has them.
std::pair<int64_t, int64_t> matrixOf(const TrainedTensor &tensor) {
  return {tensor.shape[tensor.shape.size() - 2], tensor.shape.back()};
}

Status writePart(AtomicFile &file, const TrainedTensor &tensor,
                 std::span<const std::byte> bytes) {
  if (!tensor.transposed)
    return file.write(bytes);
  auto [rows, columns] = matrixOf(tensor);
  int64_t most = std::max<int64_t>(1, kPiece / std::max<int64_t>(1, columns));
  std::vector<float> piece;
  for (int64_t first = 0; first < rows; first += most) {
    int64_t count = std::min(most, rows - first);
    piece.resize(count * columns);
    gather(reinterpret_cast<const float *>(bytes.data()), rows, columns, first,
           count, piece.data());
    if (Status status = file.write(std::as_bytes(std::span(piece))); !status)
      return status;
  }
  return {};
}

} // namespace

Status tenon::runtime::writeSafetensors(const std::string &path,
                                        std::span<const TrainedTensor> tensors,
                                        std::span<const TensorGroup> groups,
                                        const FileNotes &notes) {
  json header = {{"__metadata__", notes}};
  uint64_t offset = 0;
  for (const TensorGroup &group : groups)
    for (const TrainedTensor &tensor : tensors) {
      uint64_t end = offset + tensor.elements * sizeof(float);
      header[tensor.name + group.suffix] = {{"dtype", "F32"},
                                            {"shape", tensor.shape},
                                            {"data_offsets", {offset, end}}};
      offset = end;
    }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  auto file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  uint64_t length = text.size();
  if (Status status =
          file->write(std::as_bytes(std::span<const uint64_t>(&length, 1)));
      !status)
    return status;
  if (Status status = file->write(text); !status)
    return status;
  for (const TensorGroup &group : groups)
    for (const TrainedTensor &tensor : tensors)
      for (uint64_t part = 0; part < tensor.parts; ++part)
        if (Status status =
                writePart(*file, tensor, bytesOf(tensor, group, part));
            !status)
          return status;
  return file->commit();
}

namespace {

/// The bytes that the header says a tensor has; empty if it says none that fit.
std::span<const std::byte> findTensor(const json &header,
                                      std::span<const std::byte> data,
                                      const std::string &name,
                                      const TrainedTensor &tensor) {
  const json *entry = findMember(header, name);
  if (!entry || entry->value("dtype", "") != "F32" ||
      entry->at("shape").get<std::vector<int64_t>>() != tensor.shape)
    return {};
  auto offsets = entry->at("data_offsets").get<std::vector<uint64_t>>();
  uint64_t size = tensor.elements * sizeof(float);
  if (offsets.size() != 2 || offsets[1] - offsets[0] != size ||
      !rangeWithin(offsets[0], size, data.size()))
    return {};
  return data.subspan(offsets[0], size);
}

void readPart(const TrainedTensor &tensor, std::span<const std::byte> whole,
              uint64_t part, std::span<std::byte> to) {
  std::span<const std::byte> from = whole.subspan(part * to.size(), to.size());
  if (!tensor.transposed) {
    std::memcpy(to.data(), from.data(), from.size());
    return;
  }
  auto [rows, columns] = matrixOf(tensor);
  scatter(reinterpret_cast<const float *>(from.data()), rows, columns,
          reinterpret_cast<float *>(to.data()));
}

} // namespace

Expected<FileNotes>
tenon::runtime::readSafetensors(const std::string &path,
                                std::span<const TrainedTensor> tensors,
                                std::span<const TensorGroup> groups) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  std::span<const std::byte> bytes = file->bytes();
  uint64_t length = 0;
  if (bytes.size() >= sizeof length)
    std::memcpy(&length, bytes.data(), sizeof length);
  if (bytes.size() < sizeof length ||
      !rangeWithin(sizeof length, length, bytes.size()))
    return errorInFile(path, "the file is damaged: its header passes its end");
  JsonOptions options;
  options.binaryOffset = sizeof length;
  auto header =
      parseJson(file->text().substr(sizeof length, length), path, options);
  if (!header)
    return header.takeError();
  std::span<const std::byte> data = bytes.subspan(sizeof length + length);
  try {
    for (const TensorGroup &group : groups)
      for (const TrainedTensor &tensor : tensors) {
        std::string name = tensor.name + group.suffix;
        auto from = findTensor(*header, data, name, tensor);
        if (from.size() != tensor.elements * sizeof(float))
          return withNote(
              errorInFile(path, strCat("tensor ", quoteName(name),
                                       " is missing or of another shape")),
              "the file belongs to another model, or is damaged");
        for (uint64_t part = 0; part < tensor.parts; ++part)
          readPart(tensor, from, part, bytesOf(tensor, group, part));
      }
    return header->at("__metadata__").get<FileNotes>();
  } catch (const json::exception &exception) {
    return errorInFile(path, strCat("the file is damaged: ", exception.what()));
  }
}
