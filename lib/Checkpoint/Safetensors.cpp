//===- Safetensors.cpp - Hugging Face's tensor files ---------------------===//
//
// One file is read by SafetensorsFile; a checkpoint is one or more of them.
//
//===----------------------------------------------------------------------===//

#include "tenon/Checkpoint/Safetensors.h"
#include "TensorOrder.h"

#include "tenon/Support/CheckedMath.h"
#include "tenon/Support/Json.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>

using namespace tenon;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr uint64_t lengthField = 8;
// The limit of the reference implementation.
constexpr uint64_t maxHeader = 100'000'000;
constexpr uint64_t maxRank = 64;

/// Reads the header of one file.
class HeaderReader {
public:
  explicit HeaderReader(const MappedFile &file) : file(file) {}

  Expected<std::vector<TensorInfo>> read();

private:
  Status readText();
  Expected<TensorInfo> readTensor(const std::string &name, const json &entry);
  Status checkCoverage(const std::vector<TensorInfo> &tensors);

  Error errorFor(const std::string &name, std::string_view message) const {
    // Points to the tensor's entry in the header, if its name is spelled there
    // without escapes.
    size_t at = header.find(strCat('"', name, '"'));
    return errorAtOffset(file.path(),
                         lengthField + (at == header.npos ? 0 : at),
                         strCat("tensor ", quoteName(name), ": ", message));
  }

  const MappedFile &file;
  std::string_view header;
  uint64_t dataStart = 0; // from the file's start
  uint64_t dataSize = 0;
};

} // namespace

Status HeaderReader::readText() {
  std::span<const std::byte> bytes = file.bytes();
  if (bytes.size() < lengthField)
    return errorAtOffset(
        file.path(), 0,
        strCat("expected the 8-byte length of a safetensors header, the file "
               "has ",
               bytes.size(), " bytes"));
  uint64_t length = 0;
  for (unsigned i = 0; i < lengthField; ++i)
    length |= static_cast<uint64_t>(bytes[i]) << (8 * i);
  if (length == 0)
    return errorAtOffset(file.path(), 0, "the safetensors header has length 0");
  if (length > maxHeader)
    return errorAtOffset(file.path(), 0,
                         strCat("a safetensors header of ", length,
                                " bytes; at most ", maxHeader,
                                " are allowed (is this a safetensors file?)"));
  if (length > bytes.size() - lengthField)
    return errorAtOffset(file.path(), 0,
                         strCat("a safetensors header of ", length,
                                " bytes, but only ", bytes.size() - lengthField,
                                " follow: the file is cut short"));
  header = file.text().substr(lengthField, length);
  if (header.front() != '{')
    return errorAtOffset(file.path(), lengthField,
                         strCat("expected '{' at the start of the safetensors "
                                "header, found ",
                                quoteName(header.substr(0, 1))));
  dataStart = lengthField + length;
  dataSize = bytes.size() - dataStart;
  return Status::success();
}

Expected<std::vector<TensorInfo>> HeaderReader::read() {
  if (Status status = readText(); !status)
    return status.takeError();
  // {tensor: {"shape": [..]}} is the deepest that there is.
  JsonOptions options;
  options.maxDepth = 3;
  options.maxArraySize = maxRank;
  options.binaryOffset = lengthField;
  Expected<json> parsed = parseJson(header, file.path(), options);
  if (!parsed)
    return parsed.takeError();

  std::vector<TensorInfo> tensors;
  tensors.reserve(parsed->size());
  for (const auto &[name, entry] : *parsed->get_ptr<json::object_t *>()) {
    if (name == "__metadata__")
      continue;
    Expected<TensorInfo> tensor = readTensor(name, entry);
    if (!tensor)
      return tensor.takeError();
    tensors.push_back(*std::move(tensor));
  }
  if (Status status = checkCoverage(tensors); !status)
    return status.takeError();
  return tensors;
}

Expected<TensorInfo> HeaderReader::readTensor(const std::string &name,
                                              const json &entry) {
  TensorInfo info;
  info.name = name;
  info.file = &file;

  const json *dtype = findMember(entry, "dtype");
  const json *shape = findMember(entry, "shape");
  const json *range = findMember(entry, "data_offsets");
  if (!dtype || !asString(*dtype) || !shape || !shape->is_array() || !range ||
      !range->is_array() || range->size() != 2)
    return errorFor(name, "expected {\"dtype\": string, \"shape\": array, "
                          "\"data_offsets\": [begin, end]}");

  std::optional<DType> type = parseDType(*asString(*dtype));
  if (!type || isBlock(*type)) // blocks are GGUF's
    return errorFor(name,
                    strCat("unknown dtype ", quoteName(*asString(*dtype))));
  info.dtype = *type;

  for (const json &dim : *shape) {
    std::optional<int64_t> extent = asInteger(dim);
    if (!extent || *extent < 0)
      return errorFor(name,
                      strCat("a dimension is ",
                             dim.is_number() ? dim.dump() : kindName(dim)));
    info.shape.push_back(*extent);
  }
  std::optional<int64_t> begin = asInteger((*range)[0]);
  std::optional<int64_t> end = asInteger((*range)[1]);
  if (!begin || !end || *begin < 0 || *end < 0)
    return errorFor(name, "data_offsets are no non-negative integers");
  if (*end < *begin)
    return errorFor(name, strCat("data_offsets end (", *end,
                                 ") before they begin (", *begin, ")"));
  if (static_cast<uint64_t>(*end) > dataSize)
    return errorFor(name, strCat("data_offsets [", *begin, ", ", *end,
                                 "] leave the file, which has ", dataSize,
                                 " bytes of data: it is cut short"));

  std::optional<uint64_t> count = checkedProduct(info.shape);
  std::optional<uint64_t> size =
      count ? checkedMul(*count, byteWidth(info.dtype)) : std::nullopt;
  if (!size)
    return errorFor(name, strCat("the size of shape ", shapeText(info.shape),
                                 " is beyond 64 bits"));
  if (*size != static_cast<uint64_t>(*end - *begin))
    return errorFor(name, strCat("shape ", shapeText(info.shape), " of ",
                                 ::tenon::name(info.dtype), " needs ", *size,
                                 " bytes, data_offsets [", *begin, ", ", *end,
                                 "] hold ", *end - *begin));
  info.offset = dataStart + static_cast<uint64_t>(*begin);
  info.size = *size;
  return info;
}

// The ranges must cover the data exactly, so that nothing hides between them.
Status HeaderReader::checkCoverage(const std::vector<TensorInfo> &tensors) {
  std::vector<const TensorInfo *> order;
  order.reserve(tensors.size());
  for (const TensorInfo &info : tensors)
    order.push_back(&info);
  std::sort(
      order.begin(), order.end(), [](const TensorInfo *a, const TensorInfo *b) {
        return std::pair(a->offset, a->size) < std::pair(b->offset, b->size);
      });
  uint64_t at = dataStart;
  const TensorInfo *previous = nullptr;
  for (const TensorInfo *info : order) {
    if (info->offset < at)
      return errorFor(info->name,
                      strCat("overlaps tensor ", quoteName(previous->name)));
    if (info->offset > at)
      return errorAtOffset(file.path(), at,
                           strCat("a hole of ", info->offset - at,
                                  " bytes before tensor ",
                                  quoteName(info->name)));
    at += info->size;
    previous = info;
  }
  if (at != dataStart + dataSize)
    return errorAtOffset(
        file.path(), at,
        strCat(dataStart + dataSize - at, " bytes after the last tensor"));
  return Status::success();
}

namespace {

class SafetensorsCheckpoint : public Checkpoint {
public:
  /// Maps one more file; its tensors are returned, not added.
  Expected<std::vector<TensorInfo>> addFile(const std::string &path) {
    Expected<MappedFile> file = MappedFile::open(path);
    if (!file)
      return file.takeError();
    files.push_back(std::make_unique<MappedFile>(*std::move(file)));
    return HeaderReader(*files.back()).read();
  }

  Status openSingle(const std::string &path);
  Status openIndex(const std::string &path);

  /// Where a name has `*`, all tensors with a number there, from 0 on.
  const TensorInfo *find(std::string_view name) const override;

private:
  const TensorInfo *stack(std::string_view name, size_t star) const;

  void setTensors(std::vector<TensorInfo> tensors) {
    infos = std::move(tensors);
    sortByName(infos);
  }

  std::vector<std::unique_ptr<MappedFile>> files;
  /// Made by find(), each under its name.
  mutable std::map<std::string, TensorInfo, std::less<>> stacks;
  mutable std::mutex stacksMutex;
};

} // namespace

const TensorInfo *SafetensorsCheckpoint::find(std::string_view name) const {
  size_t star = name.find('*');
  return star == name.npos ? Checkpoint::find(name) : stack(name, star);
}

// Tensors of one type and shape as one, with a dimension before the others that
// counts them; null if there is none, or they differ.
const TensorInfo *SafetensorsCheckpoint::stack(std::string_view name,
                                               size_t star) const {
  std::lock_guard lock(stacksMutex);
  if (auto known = stacks.find(name); known != stacks.end())
    return &known->second;
  std::vector<TensorInfo> parts;
  while (const TensorInfo *part = Checkpoint::find(
             strCat(name.substr(0, star), parts.size(), name.substr(star + 1))))
    parts.push_back(*part);
  if (parts.empty() ||
      std::any_of(parts.begin(), parts.end(), [&](const TensorInfo &part) {
        return part.dtype != parts[0].dtype || part.shape != parts[0].shape;
      }))
    return nullptr;
  TensorInfo whole = parts[0];
  whole.name = name;
  whole.shape.insert(whole.shape.begin(), static_cast<int64_t>(parts.size()));
  // All of them are in files, so that this is no overflow.
  whole.size *= parts.size();
  whole.join = [parts = std::move(parts)](uint64_t begin, uint64_t count) {
    std::vector<std::byte> bytes;
    for (const TensorInfo &part : parts) {
      auto from = part.file->bytes().subspan(part.offset, part.size);
      bytes.insert(bytes.end(), from.begin(), from.end());
    }
    bytes.erase(bytes.begin(),
                bytes.begin() + static_cast<std::ptrdiff_t>(begin));
    bytes.resize(count);
    return bytes;
  };
  return &stacks.emplace(std::string(name), std::move(whole)).first->second;
}

Status SafetensorsCheckpoint::openSingle(const std::string &path) {
  Expected<std::vector<TensorInfo>> tensors = addFile(path);
  if (!tensors)
    return tensors.takeError();
  setTensors(*std::move(tensors));
  return Status::success();
}

// A shard is named relative to the index and may not lead out of its directory.
// (A symbolic link may: the Hugging Face cache consists of them.)
static bool isSafeShardName(const std::string &name) {
  if (name.empty() || name.find('\0') != name.npos || name.front() == '/')
    return false;
  fs::path path(name);
  return std::none_of(path.begin(), path.end(),
                      [](const fs::path &part) { return part == ".."; });
}

Status SafetensorsCheckpoint::openIndex(const std::string &path) {
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  Expected<json> index = parseJson(file->text(), path);
  if (!index)
    return index.takeError();
  auto placeOf = [&](std::string_view text) {
    size_t at = file->text().find(strCat('"', text, '"'));
    return at == std::string_view::npos ? 0 : at;
  };

  const json *map = findMember(*index, "weight_map");
  if (!map || !map->is_object())
    return errorInFile(path, "expected an object \"weight_map\" that names the "
                             "file of each tensor");
  std::map<std::string, std::set<std::string>> shards; // file -> tensors
  for (const auto &[tensor, where] : *map->get_ptr<const json::object_t *>()) {
    const std::string *shard = asString(where);
    if (!shard)
      return errorInText(path, file->text(), placeOf(tensor),
                         strCat("tensor ", quoteName(tensor),
                                ": expected the name of a file, found ",
                                kindName(where)));
    if (!isSafeShardName(*shard))
      return errorInText(path, file->text(), placeOf(*shard),
                         strCat("the file ", quoteName(*shard), " of tensor ",
                                quoteName(tensor),
                                " lies outside of the model's directory"));
    shards[*shard].insert(tensor);
  }

  std::vector<TensorInfo> all;
  for (auto &[shard, wanted] : shards) {
    fs::path shardPath = fs::path(path).parent_path() / shard;
    std::error_code failure;
    if (!fs::exists(shardPath, failure))
      return errorInText(path, file->text(), placeOf(shard),
                         strCat("the shard ", quoteName(shard),
                                " is missing; it holds ", wanted.size(),
                                wanted.size() == 1 ? " tensor" : " tensors"));
    Expected<std::vector<TensorInfo>> tensors = addFile(shardPath.string());
    if (!tensors)
      return tensors.takeError();
    for (TensorInfo &info : *tensors)
      if (wanted.erase(info.name))
        all.push_back(std::move(info));
    if (!wanted.empty())
      return errorInFile(shardPath.string(),
                         strCat("the index puts ", wanted.size(),
                                wanted.size() == 1 ? " tensor" : " tensors",
                                " here that this file doesn't hold, such as ",
                                quoteName(*wanted.begin())));
  }
  setTensors(std::move(all));
  return Status::success();
}

// The file that stands for a directory's weights; empty when there is none.
static Expected<std::string> findWeights(const fs::path &directory) {
  std::error_code failure;
  for (const char *name : {"model.safetensors", "model.safetensors.index.json"})
    if (fs::exists(directory / name, failure))
      return (directory / name).string();
  std::vector<std::string> others;
  fs::directory_iterator entries(directory, failure), end;
  for (; !failure && entries != end; entries.increment(failure))
    if (entries->path().extension() == ".safetensors")
      others.push_back(entries->path().string());
  if (failure)
    return errorInFile(directory.string(),
                       strCat("cannot list it: ", failure.message()));
  if (others.size() == 1)
    return others.front();
  Error error = errorInFile(
      directory.string(),
      others.empty()
          ? "expected model.safetensors or model.safetensors.index.json here"
          : strCat("expected model.safetensors.index.json beside ",
                   others.size(), " .safetensors files"));
  if (others.empty() &&
      (fs::exists(directory / "pytorch_model.bin", failure) ||
       fs::exists(directory / "pytorch_model.bin.index.json", failure)))
    error = withNote(std::move(error),
                     "PyTorch's pickled weights run code when they are read; "
                     "save the model again with safe_serialization=True");
  return error;
}

Expected<std::unique_ptr<Checkpoint>>
tenon::openSafetensors(const std::string &path) {
  std::string file = path;
  std::error_code failure;
  if (fs::is_directory(path, failure)) {
    Expected<std::string> found = findWeights(path);
    if (!found)
      return found.takeError();
    file = *found;
  }
  auto checkpoint = std::make_unique<SafetensorsCheckpoint>();
  Status status = fs::path(file).extension() == ".json"
                      ? checkpoint->openIndex(file)
                      : checkpoint->openSingle(file);
  if (!status)
    return status.takeError();
  return std::unique_ptr<Checkpoint>(std::move(checkpoint));
}
