//===- Gguf.cpp - GGML's model files --------------------------------------===//

#include "tenon/Checkpoint/Gguf.h"
#include "TensorOrder.h"

#include "tenon/Support/ByteReader.h"
#include "tenon/Support/CheckedMath.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <bit>
#include <cstring>

using namespace tenon;
using Type = GgufValue::Type;

// What a file may hold; nothing that exists comes near.
static constexpr uint64_t kMaxNameBytes = 65535;
static constexpr unsigned kMaxNesting = 8;
static constexpr unsigned kMaxDimensions = 4;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

// Bytes of a value; 0 for those of varying length.
static unsigned widthOf(Type type) {
  switch (type) {
  case Type::U8:
  case Type::I8:
  case Type::Bool:
    return 1;
  case Type::U16:
  case Type::I16:
    return 2;
  case Type::U32:
  case Type::I32:
  case Type::F32:
    return 4;
  case Type::U64:
  case Type::I64:
  case Type::F64:
    return 8;
  default:
    return 0;
  }
}

static bool isKnown(uint32_t type) {
  return type <= static_cast<uint32_t>(Type::F64);
}

static const char *nameOf(Type type) {
  static constexpr const char *names[] = {
      "u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
      "bool", "string", "array", "u64", "i64", "f64"};
  return names[static_cast<uint32_t>(type)];
}

// enum ggml_type. Numbers that are missing have been withdrawn.
static constexpr struct {
  uint32_t id;
  const char *name;
  std::optional<DType> type;
} tensorTypes[] = {
    {0, "F32", DType::F32},
    {1, "F16", DType::F16},
    {2, "Q4_0", DType::Q4_0},
    {3, "Q4_1", DType::Q4_1},
    {6, "Q5_0", DType::Q5_0},
    {7, "Q5_1", DType::Q5_1},
    {8, "Q8_0", DType::Q8_0},
    {9, "Q8_1", {}},
    {10, "Q2_K", DType::Q2_K},
    {11, "Q3_K", DType::Q3_K},
    {12, "Q4_K", DType::Q4_K},
    {13, "Q5_K", DType::Q5_K},
    {14, "Q6_K", DType::Q6_K},
    {15, "Q8_K", {}},
    {16, "IQ2_XXS", {}},
    {17, "IQ2_XS", {}},
    {18, "IQ3_XXS", {}},
    {19, "IQ1_S", {}},
    {20, "IQ4_NL", DType::IQ4_NL},
    {21, "IQ3_S", {}},
    {22, "IQ2_S", {}},
    {23, "IQ4_XS", DType::IQ4_XS},
    {24, "I8", DType::I8},
    {25, "I16", DType::I16},
    {26, "I32", DType::I32},
    {27, "I64", DType::I64},
    {28, "F64", DType::F64},
    {29, "IQ1_M", {}},
    {30, "BF16", DType::BF16},
    {34, "TQ1_0", DType::TQ1_0},
    {35, "TQ2_0", DType::TQ2_0},
    {39, "MXFP4", DType::MXFP4},
};

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

template <class T> static T load(const std::byte *at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

static std::optional<int64_t> loadInteger(Type type, const std::byte *at) {
  switch (type) {
  case Type::U8:
    return load<uint8_t>(at);
  case Type::I8:
    return load<int8_t>(at);
  case Type::U16:
    return load<uint16_t>(at);
  case Type::I16:
    return load<int16_t>(at);
  case Type::U32:
    return load<uint32_t>(at);
  case Type::I32:
    return load<int32_t>(at);
  case Type::I64:
    return load<int64_t>(at);
  case Type::U64:
    if (load<uint64_t>(at) <= INT64_MAX)
      return load<int64_t>(at);
    return std::nullopt;
  default:
    return std::nullopt;
  }
}

std::optional<int64_t> GgufValue::asInteger() const {
  return loadInteger(type, data.data());
}

std::optional<double> GgufValue::asNumber() const {
  if (type == Type::F32)
    return load<float>(data.data());
  if (type == Type::F64)
    return load<double>(data.data());
  if (std::optional<int64_t> integer = asInteger())
    return static_cast<double>(*integer);
  return std::nullopt;
}

std::optional<bool> GgufValue::asBool() const {
  if (type != Type::Bool)
    return std::nullopt;
  return load<uint8_t>(data.data()) != 0;
}

static std::string_view textOf(std::span<const std::byte> data) {
  return {reinterpret_cast<const char *>(data.data()), data.size()};
}

std::optional<std::string_view> GgufValue::asString() const {
  if (type != Type::String)
    return std::nullopt;
  return textOf(data);
}

std::optional<std::vector<int64_t>> GgufValue::asIntegers() const {
  unsigned width = widthOf(elementType);
  if (type != Type::Array || width == 0)
    return std::nullopt;
  std::vector<int64_t> values;
  values.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    std::optional<int64_t> value =
        loadInteger(elementType, data.data() + i * width);
    if (!value)
      return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

std::optional<std::vector<float>> GgufValue::asFloats() const {
  if (!isArrayOf(Type::F32))
    return std::nullopt;
  std::vector<float> values(count);
  if (count)
    std::memcpy(values.data(), data.data(), data.size());
  return values;
}

std::optional<std::vector<std::string_view>> GgufValue::asStrings() const {
  if (!isArrayOf(Type::String))
    return std::nullopt;
  std::vector<std::string_view> values;
  values.reserve(count);
  ByteReader reader(data); // lengths have been checked
  for (uint64_t i = 0; i < count; ++i)
    values.push_back(textOf(reader.take(reader.read<uint64_t>())));
  return values;
}

std::string GgufValue::kindName() const {
  if (type == Type::Array)
    return strCat("an array of ", nameOf(elementType));
  const char *name = nameOf(type);
  bool vowel = name[0] == 'i' || name[0] == 'f'; // "an i8", "an f32"
  return strCat(vowel ? "an " : "a ", name);
}

const GgufValue *GgufCheckpoint::value(std::string_view key) const {
  auto found = metadata.find(key);
  if (found == metadata.end())
    return nullptr;
  read.emplace(key);
  return &found->second;
}

void GgufCheckpoint::setRowOrders(
    const std::function<int64_t(std::string_view, int64_t)> &order) {
  for (TensorInfo &info : infos)
    info.rowsPerHead = order(info.name, info.shape.front());
}

void GgufCheckpoint::restoreRows(std::string_view suffix) {
  for (TensorInfo &info : infos)
    if (info.shape.size() == 1 && info.name.ends_with(suffix))
      info.shape.insert(info.shape.begin(), 1);
}

Error GgufCheckpoint::errorAt(std::string_view key,
                              std::string_view message) const {
  const GgufValue *found = value(key);
  return errorAtOffset(path(), found ? found->offset : 0, message);
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace tenon {

class GgufReader {
public:
  explicit GgufReader(GgufCheckpoint &checkpoint)
      : checkpoint(checkpoint), path(checkpoint.path()),
        bytes(checkpoint.file->bytes()), reader(bytes) {}

  Status read();

private:
  Status readHeader();
  Status readMetadata();
  Status readValue(std::string_view key, GgufValue &value);
  Status readArray(std::string_view key, GgufValue &value);
  Status readAlignment();
  Status readTensors();
  Status readTensor(TensorInfo &info);
  Status readName(const char *what, std::string_view &name);
  Status placeTensors();

  Error fail(uint64_t offset, std::string_view message) const {
    return errorAtOffset(path, offset, message);
  }
  Error failShort(std::string_view what) const {
    return fail(reader.offset(),
                strCat("the file ends inside of ", what, ": ",
                       reader.remaining(), " bytes are left of ", bytes.size(),
                       "; is the download complete?"));
  }

  GgufCheckpoint &checkpoint;
  const std::string &path;
  std::span<const std::byte> bytes;
  ByteReader reader;
  uint64_t numTensors = 0, numValues = 0, alignment = 32;
  std::vector<uint64_t> places; // of each tensor's description, by its index
  std::vector<TensorInfo> infos;
};

} // namespace tenon

Status GgufReader::read() {
  for (Status (GgufReader::*step)() :
       {&GgufReader::readHeader, &GgufReader::readMetadata,
        &GgufReader::readAlignment, &GgufReader::readTensors,
        &GgufReader::placeTensors})
    if (Status status = (this->*step)(); !status)
      return status;
  return Status::success();
}

Status GgufReader::readHeader() {
  if (bytes.empty())
    return fail(0, "the file is empty; expected a GGUF file");
  if (bytes.size() < 4)
    return fail(0, strCat("the file has only ", bytes.size(),
                          " bytes; expected a GGUF file"));
  if (textOf(reader.take(4)) != "GGUF")
    return fail(0, strCat("expected a GGUF file, which begins with 'GGUF', "
                          "found ",
                          quoteName(textOf(bytes.first(4)))));
  uint64_t at = reader.offset();
  uint32_t version = reader.read<uint32_t>();
  if (!reader.ok())
    return failShort("the header");
  if (version != 2 && version != 3) {
    uint32_t swapped = __builtin_bswap32(version);
    if (swapped >= 1 && swapped <= 3)
      return withNote(
          fail(at, strCat("a big-endian GGUF file (version ", swapped,
                          "); expected a little-endian one")),
          "gguf_convert_endian.py of llama.cpp converts it");
    if (version == 1)
      return withNote(fail(at, "GGUF version 1 is not supported; expected 2 "
                               "or 3"),
                      "llama-quantize of an older llama.cpp writes the file "
                      "again in a newer version");
    return fail(
        at, strCat("GGUF version ", version, " is not known; expected 2 or 3"));
  }
  numTensors = reader.read<uint64_t>();
  numValues = reader.read<uint64_t>();
  if (!reader.ok())
    return failShort("the header");
  // The least that a tensor's description and a key with its value take.
  constexpr uint64_t kLeastTensor = 8 + 1 + 4 + 8 + 4 + 8;
  constexpr uint64_t kLeastValue = 8 + 1 + 4 + 1;
  if (numTensors > reader.remaining() / kLeastTensor)
    return fail(8, strCat("the header counts ", numTensors,
                          " tensors, more than the file can hold"));
  if (numValues > reader.remaining() / kLeastValue)
    return fail(16, strCat("the header counts ", numValues,
                           " metadata entries, more than the file can hold"));
  return Status::success();
}

Status GgufReader::readName(const char *what, std::string_view &name) {
  uint64_t at = reader.offset();
  uint64_t length = reader.read<uint64_t>();
  if (!reader.ok())
    return failShort(strCat("the length of ", what));
  if (length == 0)
    return fail(at, strCat(what, " is empty"));
  if (length > kMaxNameBytes)
    return fail(at, strCat(what, " has ", length, " bytes; at most ",
                           kMaxNameBytes, " are accepted"));
  name = textOf(reader.take(length));
  if (!reader.ok())
    return failShort(what);
  return Status::success();
}

Status GgufReader::readMetadata() {
  for (uint64_t i = 0; i < numValues; ++i) {
    uint64_t at = reader.offset();
    std::string_view key;
    if (Status status = readName("a metadata key", key); !status)
      return status;
    auto [place, isNew] = checkpoint.metadata.try_emplace(std::string(key));
    if (!isNew)
      return fail(at, strCat("the key ", quoteName(key), " is there twice"));
    if (Status status = readValue(key, place->second); !status)
      return status;
  }
  return Status::success();
}

Status GgufReader::readValue(std::string_view key, GgufValue &value) {
  uint64_t at = reader.offset();
  uint32_t type = reader.read<uint32_t>();
  if (!reader.ok())
    return failShort(strCat("the type of the key ", quoteName(key)));
  if (!isKnown(type))
    return fail(
        at, strCat("the key ", quoteName(key), " has the unknown type ", type));
  value.type = static_cast<Type>(type);
  if (value.type == Type::Array)
    return readArray(key, value);
  uint64_t size = widthOf(value.type);
  if (value.type == Type::String)
    size = reader.read<uint64_t>();
  value.offset = reader.offset();
  value.data = reader.take(size);
  if (!reader.ok())
    return failShort(strCat("the value of the key ", quoteName(key)));
  if (value.type == Type::Bool && load<uint8_t>(value.data.data()) > 1)
    return fail(value.offset,
                strCat("the key ", quoteName(key), " is a bool of value ",
                       load<uint8_t>(value.data.data())));
  return Status::success();
}

// Walks the elements once. Arrays in arrays are stepped over with a stack of
// how many elements are left at each depth.
Status GgufReader::readArray(std::string_view key, GgufValue &value) {
  std::vector<std::pair<Type, uint64_t>> open;
  auto enter = [&]() -> Status {
    uint64_t at = reader.offset();
    uint32_t type = reader.read<uint32_t>();
    uint64_t count = reader.read<uint64_t>();
    if (!reader.ok())
      return failShort(strCat("the array ", quoteName(key)));
    if (!isKnown(type))
      return fail(at, strCat("the array ", quoteName(key),
                             " has elements of the unknown type ", type));
    if (open.size() == kMaxNesting)
      return fail(at, strCat("the array ", quoteName(key),
                             " is nested deeper than ", kMaxNesting));
    // A string takes 8 bytes at least, an array 12.
    Type element = static_cast<Type>(type);
    uint64_t least = element == Type::Array    ? 12
                     : element == Type::String ? 8
                                               : widthOf(element);
    if (count > reader.remaining() / least)
      return fail(at, strCat("the array ", quoteName(key), " has ", count,
                             " elements, more than the file can hold"));
    open.emplace_back(element, count);
    return Status::success();
  };

  if (Status status = enter(); !status)
    return status;
  value.elementType = open.front().first;
  value.count = open.front().second;
  value.offset = reader.offset();
  while (!open.empty()) {
    auto &[type, left] = open.back();
    if (left == 0) {
      open.pop_back();
    } else if (type == Type::Array) {
      --left;
      if (Status status = enter(); !status)
        return status;
    } else if (type == Type::String) {
      --left;
      reader.take(reader.read<uint64_t>());
    } else {
      reader.take(left * widthOf(type));
      left = 0;
    }
    if (!reader.ok())
      return failShort(strCat("the array ", quoteName(key)));
  }
  value.data = bytes.subspan(value.offset, reader.offset() - value.offset);
  return Status::success();
}

Status GgufReader::readAlignment() {
  constexpr std::string_view key = "general.alignment";
  if (const GgufValue *value = checkpoint.value(key)) {
    if (value->type != Type::U32)
      return fail(value->offset, strCat("'", key, "' is ", value->kindName(),
                                        "; expected a u32"));
    alignment = load<uint32_t>(value->data.data());
    if (!std::has_single_bit(alignment))
      return fail(value->offset, strCat("'", key, "' is ", alignment,
                                        "; expected a power of two"));
  }
  return Status::success();
}

Status GgufReader::readTensors() {
  for (uint64_t i = 0; i < numTensors; ++i) {
    places.push_back(reader.offset());
    if (Status status = readTensor(infos.emplace_back()); !status)
      return status;
  }
  return Status::success();
}

Status GgufReader::readTensor(TensorInfo &info) {
  uint64_t at = reader.offset();
  std::string_view name;
  if (Status status = readName("a tensor's name", name); !status)
    return status;
  info.name = name;
  info.file = checkpoint.file.get();
  auto failFor = [&](std::string_view message) {
    return fail(at, strCat("tensor ", quoteName(name), ": ", message));
  };

  uint32_t rank = reader.read<uint32_t>();
  if (!reader.ok())
    return failShort(strCat("tensor ", quoteName(name)));
  if (rank == 0 || rank > kMaxDimensions)
    return failFor(
        strCat("it has ", rank, " dimensions; expected 1 to ", kMaxDimensions));
  for (uint32_t i = 0; i < rank; ++i) {
    uint64_t extent = reader.read<uint64_t>();
    if (reader.ok() && (extent == 0 || extent > INT64_MAX))
      return failFor(strCat("dimension ", i, " is ",
                            static_cast<int64_t>(extent),
                            "; expected at least 1"));
    info.shape.insert(info.shape.begin(), static_cast<int64_t>(extent));
  }
  uint32_t id = reader.read<uint32_t>();
  info.offset = reader.read<uint64_t>(); // from the start of the data, so far
  if (!reader.ok())
    return failShort(strCat("tensor ", quoteName(name)));

  const auto *known =
      std::find_if(std::begin(tensorTypes), std::end(tensorTypes),
                   [&](const auto &row) { return row.id == id; });
  if (known == std::end(tensorTypes))
    return failFor(strCat("its type ", id, " is not known"));
  if (!known->type)
    return failFor(strCat("its type ", known->name, " is not supported"));
  info.dtype = *known->type;

  std::optional<uint64_t> count = checkedProduct(info.shape);
  int64_t block = blockElements(info.dtype);
  if (info.shape.back() % block != 0)
    return failFor(strCat("rows of ", info.shape.back(),
                          " elements are no whole blocks of ", block, " (",
                          known->name, ")"));
  std::optional<uint64_t> size = tensorBytes(info.dtype, info.shape);
  if (!count || !size)
    return failFor(strCat("the size of shape ", shapeText(info.shape),
                          " is beyond 64 bits"));
  info.size = *size;
  if (info.offset % alignment != 0)
    return failFor(strCat("its data at offset ", info.offset,
                          " is not aligned to ", alignment, " bytes"));
  return Status::success();
}

// Offsets become those in the file; ranges and names are compared.
Status GgufReader::placeTensors() {
  // Both are far below 2^63.
  uint64_t start = *checkedAlign(reader.offset(), alignment);
  std::vector<size_t> order(infos.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  auto failFor = [&](size_t index, std::string_view message) {
    return fail(places[index],
                strCat("tensor ", quoteName(infos[index].name), ": ", message));
  };
  for (size_t i = 0; i < infos.size(); ++i) {
    TensorInfo &info = infos[i];
    std::optional<uint64_t> begin = checkedAdd(start, info.offset);
    if (!begin || !rangeWithin(*begin, info.size, bytes.size()))
      return failFor(
          i, strCat("its ", info.size, " bytes of data at offset ", info.offset,
                    " leave the file, which has ",
                    bytes.size() - std::min<uint64_t>(start, bytes.size()),
                    " bytes of data; is the download complete?"));
    info.offset = *begin;
  }

  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair(infos[a].offset, a) < std::pair(infos[b].offset, b);
  });
  for (size_t i = 1; i < order.size(); ++i) {
    const TensorInfo &before = infos[order[i - 1]];
    if (before.offset + before.size > infos[order[i]].offset)
      return failFor(order[i], strCat("its data overlaps that of ",
                                      quoteName(before.name)));
  }
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair<std::string_view, size_t>(infos[a].name, a) <
           std::pair<std::string_view, size_t>(infos[b].name, b);
  });
  for (size_t i = 1; i < order.size(); ++i)
    if (infos[order[i]].name == infos[order[i - 1]].name)
      return failFor(order[i], "its name is there twice");
  for (size_t index : order)
    checkpoint.infos.push_back(std::move(infos[index]));
  return Status::success();
}

Expected<std::unique_ptr<GgufCheckpoint>>
GgufCheckpoint::openOne(std::string path) {
  Expected<MappedFile> file = MappedFile::open(std::move(path));
  if (!file)
    return file.takeError();
  auto checkpoint = std::make_unique<GgufCheckpoint>();
  checkpoint->file = std::make_unique<MappedFile>(*std::move(file));
  if (Status status = GgufReader(*checkpoint).read(); !status)
    return status.takeError();
  return checkpoint;
}

// "model-00002-of-00005.gguf": the files of a split model are numbered from 1
// in their names, from 0 in `split.no`.
static std::string partName(std::string_view stem, int64_t part,
                            int64_t count) {
  auto digits = [](int64_t number) {
    std::string text = std::to_string(number);
    return std::string(text.size() < 5 ? 5 - text.size() : 0, '0') + text;
  };
  return strCat(stem, "-", digits(part + 1), "-of-", digits(count), ".gguf");
}

Status GgufCheckpoint::addParts(int64_t count) {
  constexpr int64_t kMostParts = 10000;
  const GgufValue *number = value("split.no");
  std::optional<int64_t> own = number ? number->asInteger() : std::nullopt;
  if (count > kMostParts || !own || *own < 0 || *own >= count)
    return errorAt("split.count", "'split.no' and 'split.count' don't fit");
  std::string suffix = partName("", *own, count);
  if (!path().ends_with(suffix))
    return errorAt("split.count",
                   strCat("this is one of the ", count,
                          " files of a split model; its name should end in ",
                          quoteName(suffix)));
  std::string stem = path().substr(0, path().size() - suffix.size());
  if (*own != 0)
    return withNote(errorAt("split.no", "this is not the first of the files of "
                                        "a split model"),
                    strCat("the first is ", partName(stem, 0, count)));
  for (int64_t part = 1; part < count; ++part) {
    Expected<std::unique_ptr<GgufCheckpoint>> opened =
        openOne(partName(stem, part, count));
    if (!opened)
      return opened.takeError();
    const GgufCheckpoint &other = **opened;
    const GgufValue *place = other.value("split.no");
    const GgufValue *total = other.value("split.count");
    if (!place || place->asInteger() != part || !total ||
        total->asInteger() != count)
      return other.errorAt("split.no",
                           strCat("the file says that it is another part than ",
                                  part + 1, " of ", count));
    infos.insert(infos.end(), other.infos.begin(), other.infos.end());
    parts.push_back(*std::move(opened));
  }
  if (const TensorInfo *again = sortByName(infos))
    return errorInFile(again->file->path(),
                       strCat("tensor ", quoteName(again->name),
                              " is in another file of the model, too"));
  const GgufValue *tensors = value("split.tensors.count");
  std::optional<int64_t> expected =
      tensors ? tensors->asInteger() : std::nullopt;
  if (expected && *expected != static_cast<int64_t>(infos.size()))
    return errorAt(
        "split.tensors.count",
        strCat("the files have ", infos.size(), " tensors, not ", *expected));
  return Status::success();
}

Expected<std::unique_ptr<GgufCheckpoint>>
GgufCheckpoint::open(std::string path) {
  Expected<std::unique_ptr<GgufCheckpoint>> opened = openOne(std::move(path));
  if (!opened)
    return opened;
  const GgufValue *split = (*opened)->value("split.count");
  std::optional<int64_t> count = split ? split->asInteger() : std::nullopt;
  if (count && *count > 1)
    if (Status status = (*opened)->addParts(*count); !status)
      return status.takeError();
  return opened;
}
