//===- WeightsWriter.cpp - from checkpoint to payload ---------------------===//

#include "tenon/Driver/WeightsWriter.h"
#include "Adapters.h"
#include "tenon/Checkpoint/NonFinite.h"
#include "tenon/Dialect/Tenon/IR/Adapters.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "tenon/Driver/BiasTables.h"
#include "tenon/Support/CheckedMath.h"
#include "tenon/Support/Hash.h"
#include "tenon/Support/Strings.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace tenon;

//===----------------------------------------------------------------------===//
// The plan
//===----------------------------------------------------------------------===//

PlannedWeight tenon::describeWeight(WeightOp op) {
  PlannedWeight weight;
  weight.name = op.getSymName().str();
  weight.layerType = op.getLayerType();
  weight.sources.assign(op.getSources().begin(), op.getSources().end());
  weight.layers = op.getNumLayers();
  weight.stacked = op.getStacked();
  weight.experts = getExperts(op);
  weight.frozen = op->hasAttr(kFrozenAttrName);
  if (auto initial = op->getAttrOfType<mlir::StringAttr>(kInitialAttrName))
    weight.initial = initial.str();
  if (auto numbers = op.getLayers())
    weight.layerNumbers.assign(numbers->begin(), numbers->end());
  return weight;
}

Expected<std::vector<PlannedWeight>> tenon::planWeights(mlir::ModuleOp module) {
  std::vector<PlannedWeight> plan;
  for (auto op : module.getOps<WeightOp>()) {
    PlannedWeight weight = describeWeight(op);
    weight.layerBytes = getStorageBytes(weight.layerType);
    if (!op.getOffset())
      return plainError(strCat("weight @", weight.name, " has no offset"));
    weight.offset = *op.getOffset();
    weight.stride = op.getStride().value_or(weight.layerBytes);
    plan.push_back(std::move(weight));
  }
  llvm::sort(plan, [](const auto &a, const auto &b) {
    return std::pair(a.offset, a.totalBytes()) <
           std::pair(b.offset, b.totalBytes());
  });
  uint64_t end = 0;
  for (const PlannedWeight &weight : plan) {
    if (weight.offset < end || weight.stride < weight.layerBytes)
      return plainError(
          strCat("weight @", weight.name, " overlaps another or itself"));
    end = weight.offset + weight.totalBytes();
  }
  return plan;
}

bool PlannedWeight::isQuantizedHere() const {
  return mlir::isa<BlockType>(layerType.getElementType()) &&
         llvm::any_of(sources, [](mlir::Attribute attribute) {
           auto source = mlir::dyn_cast<SourceAttr>(attribute);
           return source &&
                  mlir::isa<mlir::FloatType>(source.getType().getElementType());
         });
}

static std::string typeName(mlir::Type type) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  type.print(stream);
  return text;
}

static std::optional<DType> getDType(mlir::Type type) {
  if (type.isF32())
    return DType::F32;
  if (type.isF16())
    return DType::F16;
  if (type.isBF16())
    return DType::BF16;
  if (auto block = mlir::dyn_cast<BlockType>(type))
    return block.getScheme();
  return std::nullopt;
}

/// "q4_0", "bf16": what a weight's elements are stored as.
static std::string storedTypeName(mlir::Type element) {
  std::optional<DType> dtype = getDType(element);
  return dtype ? tenon::name(*dtype) : typeName(element);
}

WeightsSummary tenon::summarizeWeights(std::span<const PlannedWeight> plan) {
  WeightsSummary summary;
  for (const PlannedWeight &weight : plan) {
    summary.bytesByType[storedTypeName(weight.layerType.getElementType())] +=
        weight.layerBytes * weight.layers;
    if (llvm::all_of(weight.sources, llvm::IsaPred<SourceAttr>))
      summary.parameters += weight.layerType.getNumElements() * weight.layers;
    summary.weights.push_back({weight.name, weight.offset, weight.totalBytes(),
                               std::nullopt, typeName(weight.layerType)});
  }
  return summary;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

namespace {

/// SplitMix64's finalizer (public domain).
uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// A tensor that rows are read from; null where weights are random.
struct OpenedTensor {
  const TensorInfo *info = nullptr;
  uint64_t begin = 0;      ///< of the expert, bytes from the tensor's start
  std::vector<float> made; ///< what is read instead of the file
  std::vector<std::byte> joined; ///< likewise, of a tensor in parts
};

class Writer {
public:
  Writer(const WeightsOptions &options, const ByteSink &sink)
      : options(options), sink(sink) {}

  Status write(const PlannedWeight &weight, runtime::WeightInfo &info);
  Status writeLayer(const PlannedWeight &weight, int64_t layer);

private:
  Status emit(std::span<const std::byte> bytes) {
    hash.update(bytes);
    position += bytes.size();
    return sink(bytes);
  }
  Status padTo(uint64_t offset);
  /// A weight that is computed, of another tensor or of nothing.
  Status writeComputed(const PlannedWeight &weight, mlir::Attribute source,
                       int64_t layer);
  Expected<RowSource> open(const PlannedWeight &weight, SourceAttr source,
                           int64_t layer, int64_t columns,
                           OpenedTensor &opened);
  bool isPermuted(const PlannedWeight &weight, int64_t layer) const;
  /// The importance of columns, of whole blocks, in `importance`.
  void setImportance(const PlannedWeight &weight, int64_t layer,
                     PackRequest &request);
  Status report(const NonFiniteElement &bad, const PlannedWeight &weight,
                const std::vector<OpenedTensor> &tensors);

  const WeightsOptions &options;
  const ByteSink &sink;
  StreamingHash hash;
  /// Of the weight that is being written.
  QuantizationErrors errors;
  std::vector<float> importance;
  uint64_t position = 0;
};

} // namespace

Status Writer::padTo(uint64_t offset) {
  static const std::byte zeros[4096] = {};
  while (position < offset) {
    size_t count = std::min<uint64_t>(sizeof(zeros), offset - position);
    if (Status status = emit({zeros, count}); !status)
      return status;
  }
  return Status::success();
}

/// The name of the tensor for a number of the stack.
static std::string tensorName(const PlannedWeight &weight, SourceAttr source,
                              int64_t number) {
  std::string text = source.getName().str();
  if (!weight.stacked)
    return text;
  auto substitute = [&](llvm::StringRef index, int64_t value) {
    for (size_t at; (at = text.find(index)) != std::string::npos;)
      text.replace(at, index.size(), std::to_string(value));
  };
  substitute("{i}", number / weight.experts);
  substitute("{e}", number % weight.experts);
  return text;
}

// What the layer is called: the stack may hold some of the model's only.
static int64_t numberOf(const PlannedWeight &weight, int64_t place) {
  if (weight.layerNumbers.empty())
    return place;
  return weight.layerNumbers[place / weight.experts] * weight.experts +
         place % weight.experts;
}

std::string tenon::getTensorName(const PlannedWeight &weight, SourceAttr source,
                                 int64_t place) {
  return tensorName(weight, source, numberOf(weight, place));
}

bool tenon::isFused(const PlannedWeight &weight, SourceAttr source) {
  return weight.experts > 1 && !source.getName().contains("{e}");
}

Expected<RowSource> Writer::open(const PlannedWeight &weight, SourceAttr source,
                                 int64_t layer, int64_t columns,
                                 OpenedTensor &opened) {
  std::string name = tensorName(weight, source, layer);
  mlir::RankedTensorType type = source.getType();
  int64_t elements = type.getNumElements();
  if (columns == 0 || elements % columns)
    return plainError(strCat("weight @", weight.name, ": tensor ",
                             quoteName(name), " of type ", typeName(type),
                             " does not fit ", typeName(weight.layerType)));
  RowSource rows;
  rows.columns = columns;
  rows.rows = elements / columns;
  rows.transposed = source.getTransposed();
  if (source.isOfHeads()) {
    rows.rows = source.getWeightShape()[0];
    rows.heads = source.getHeads();
    rows.headRows = type.getDimSize(0) / rows.heads;
    rows.firstRow = source.getFirst();
    rows.partRows = source.getCount();
    rows.fileColumns = type.getDimSize(1);
  }

  auto take = [&](std::vector<float> values) {
    opened.made = std::move(values);
    rows.dtype = DType::F32;
    rows.data = reinterpret_cast<const std::byte *>(opened.made.data());
  };
  uint64_t seed =
      mix(options.seed ^ xxh3(std::as_bytes(std::span(std::as_const(name)))));
  if (!weight.initial.empty() && options.adapter && options.adapter->isKept()) {
    Expected<std::vector<float>> values =
        options.adapter->place(name, type.getShape());
    if (!values)
      return values.takeError();
    take(std::move(*values));
    return rows;
  }
  if (!weight.initial.empty()) {
    std::vector<float> values(elements);
    std::optional<double> deviation;
    llvm::StringRef initial = weight.initial;
    if (initial == kInitialNormal)
      deviation = 1 / std::sqrt(3.0 * static_cast<double>(columns));
    else if (double given = 0; initial.consume_front(kInitialDeviation) &&
                               !initial.getAsDouble(given))
      deviation = given;
    else if (initial == kInitialOnes)
      std::fill(values.begin(), values.end(), 1.0f);
    if (deviation) {
      constexpr double kDrawn = 0.02; // the deviation of fillNormal
      fillNormal(seed, 0, values.data(), values.size());
      for (float &value : values)
        value = static_cast<float>(value * (*deviation / kDrawn));
    }
    take(std::move(values));
    return rows;
  }
  bool fused = isFused(weight, source);
  if (!options.checkpoint) {
    // A vector called weight scales a norm; anything else is drawn.
    bool scale =
        type.getRank() == 1 && llvm::StringRef(name).ends_with("weight");
    rows.fill = scale ? RowSource::Fill::Ones : RowSource::Fill::Normal;
    rows.transposed &= source.isOfHeads(); // or they would not fit together
    rows.seed = seed;
    if (fused)
      rows.seed = mix(rows.seed + layer % weight.experts);
    return rows;
  }

  const TensorInfo *info = options.checkpoint->find(name);
  opened.info = info;
  if (!info)
    return plainError(
        strCat("tensor ", quoteName(name), " is missing in the checkpoint"));
  llvm::SmallVector<int64_t> shape(type.getShape());
  // A single expert may have the dimension, too.
  if (fused || (weight.experts == 1 && info->shape.size() > shape.size()))
    shape.insert(shape.begin(), weight.experts);
  // Layers may differ in their types; the IR says the widest.
  bool readable = info->dtype == DType::F32 || info->dtype == DType::F16 ||
                  info->dtype == DType::BF16 || isBlock(info->dtype);
  if (!readable || !fitsShape({shape.data(), shape.size()}, info->shape))
    return errorInFile(
        info->file->path(),
        strCat("tensor ", quoteName(name), " is ", tenon::name(info->dtype),
               " ", shapeText(info->shape), ", but f32, f16 or bf16 ",
               shapeText({shape.data(), shape.size()}), " is expected"));
  rows.dtype = info->dtype;
  rows.rowsPerHead = info->rowsPerHead;
  // Readers guarantee that the bytes are those of the shape.
  if (fused)
    opened.begin = info->size / weight.experts * (layer % weight.experts);
  if (info->join) {
    opened.joined = info->join(opened.begin, fused ? info->size / weight.experts
                                                   : info->size);
    rows.data = opened.joined.data();
  } else {
    rows.data = options.checkpoint->bytes(*info).data() + opened.begin;
  }
  if (!options.adapter || !options.adapter->changes(name))
    return rows;
  if (fused || isBlock(info->dtype) || info->rowsPerHead || info->join)
    return errorInFile(
        info->file->path(),
        strCat("tensor ", quoteName(name),
               ", of experts, in blocks or in another order: an adapter cannot "
               "be added to it"));
  std::vector<float> values(elements);
  convertElements(info->dtype, rows.data, DType::F32,
                  reinterpret_cast<std::byte *>(values.data()), values.size());
  if (Status status =
          options.adapter->add(name, type.getShape(), rows.transposed, values);
      !status)
    return status.takeError();
  take(std::move(values));
  return rows;
}

// Whether the file has the elements of a vector in another order.
bool Writer::isPermuted(const PlannedWeight &weight, int64_t layer) const {
  auto source = mlir::dyn_cast<SourceAttr>(weight.sources.front());
  if (!options.checkpoint || !source)
    return false;
  const TensorInfo *info =
      options.checkpoint->find(tensorName(weight, source, layer));
  return info && info->rowsPerHead != 0;
}

Status Writer::report(const NonFiniteElement &bad, const PlannedWeight &weight,
                      const std::vector<OpenedTensor> &tensors) {
  const TensorInfo *info = tensors[bad.source].info;
  if (!info)
    return Status::success();
  std::string text;
  std::vector<std::byte> joined;
  if (info->join)
    joined = info->join(0, info->size);
  std::span<const std::byte> bytes =
      info->join ? joined : options.checkpoint->bytes(*info);
  if (std::optional<NonFinite> found = scanForNonFinite(*info, bytes))
    text = found->message();
  else
    text = strCat(quoteName(info->name), ": an element at row ", bad.row,
                  ", column ", bad.column, " is too large for ",
                  typeName(weight.layerType.getElementType()));
  if (options.strict)
    return errorInFile(info->file->path(), text);
  if (options.warn)
    options.warn(strCat(info->file->path(), ": warning: ", text));
  return Status::success();
}

void Writer::setImportance(const PlannedWeight &weight, int64_t layer,
                           PackRequest &request) {
  if (!options.importance || !weight.isQuantizedHere())
    return;
  std::span<const float> columns = options.importance(weight.name, layer);
  if (columns.size() != static_cast<size_t>(request.columns))
    return;
  double sum = 0;
  for (float column : columns)
    sum += column;
  // A text says only so much: what it never used keeps a small part.
  constexpr double kLeast = 0.01;
  auto least = static_cast<float>(kLeast * sum / request.columns);
  if (!(least > 0))
    return;
  int64_t block = blockElements(request.dtype);
  importance.assign(llvm::alignTo(request.columns, block), 0);
  for (auto [to, from] : llvm::zip(importance, columns))
    to = std::max(from, least);
  request.importance = importance;
}

Status Writer::writeComputed(const PlannedWeight &weight,
                             mlir::Attribute source, int64_t layer) {
  auto emitter = [&](std::span<const std::byte> bytes) { return emit(bytes); };
  mlir::RankedTensorType type = weight.layerType;
  if (auto table = mlir::dyn_cast<RopeTableAttr>(source))
    return writeRopeTable(table.getFrequencies().asArrayRef(),
                          table.getScaleValue(), type.getDimSize(0), emitter);
  if (auto table = mlir::dyn_cast<SinusoidTableAttr>(source))
    return writeSinusoidTable(table.getFrequencies().asArrayRef(),
                              table.getInterleaved(), type.getDimSize(0),
                              emitter);
  if (auto alibi = mlir::dyn_cast<AlibiAttr>(source)) {
    if (alibi.getBfloat16())
      return writeAlibiOfKeys(type.getDimSize(0), alibi.getMaxBiasValue(),
                              type.getDimSize(1), emitter);
    return writeAlibi(type.getDimSize(0), alibi.getMaxBiasValue(),
                      type.getDimSize(1) / 2, emitter);
  }
  if (auto index = mlir::dyn_cast<DistanceIndexAttr>(source))
    return writeDistanceIndex(index.getSpan(), index.getMaxDistance(),
                              index.getAhead(), type.getDimSize(0) / 2,
                              emitter);
  auto buckets = mlir::dyn_cast<RelativeBucketsAttr>(source);
  if (!buckets)
    return plainError(
        strCat("weight @", weight.name, " has a source that cannot be read"));
  if (type.getElementType().isInteger(32))
    return writeBuckets(buckets.getSource().getType().getDimSize(0),
                        buckets.getMaxDistance(), buckets.getPast(),
                        type.getDimSize(0) / 2, emitter);
  // The table is small: a few dozen rows.
  PackRequest request;
  request.columns = type.getDimSize(0);
  std::vector<OpenedTensor> tensors;
  Expected<RowSource> opened = open(weight, buckets.getSource(), layer,
                                    request.columns, tensors.emplace_back());
  if (!opened)
    return opened.takeError();
  request.sources.push_back(*opened);
  std::vector<float> table;
  auto collect = [&](std::span<const std::byte> bytes) {
    size_t before = table.size();
    table.resize(before + bytes.size() / sizeof(float));
    std::memcpy(table.data() + before, bytes.data(), bytes.size());
    return Status::success();
  };
  std::optional<NonFiniteElement> bad;
  if (Status status = packWeight(request, collect, &bad); !status)
    return status;
  if (bad)
    if (Status status = report(*bad, weight, tensors); !status)
      return status;
  return writeRelativeBuckets(table, request.columns, buckets.getMaxDistance(),
                              buckets.getPast(), type.getDimSize(1) / 2,
                              emitter);
}

Status Writer::writeLayer(const PlannedWeight &weight, int64_t layer) {
  auto emitter = [&](std::span<const std::byte> bytes) { return emit(bytes); };
  mlir::RankedTensorType type = weight.layerType;
  if (!mlir::isa<SourceAttr>(weight.sources[0]))
    return writeComputed(weight, weight.sources[0], layer);

  PackRequest request;
  request.columns = type.getShape().back();
  std::optional<DType> dtype = getDType(type.getElementType());
  if (!dtype)
    return plainError(strCat("weight @", weight.name, " has elements of type ",
                             typeName(type.getElementType()),
                             ", which cannot be written"));
  request.dtype = *dtype;
  if ((options.report || options.measured) && isBlock(*dtype))
    request.errors = &errors;
  setImportance(weight, layer, request);
  if (PanelAttr panel = getPanel(type))
    request.panel =
        PanelLayout{panel.getN(), panel.getK(), panel.getInterleave()};
  int64_t number = numberOf(weight, layer);
  // Biases that are concatenated, or not in order, are rows of one element
  // each.
  if (type.getRank() == 1 &&
      (weight.sources.size() > 1 || isPermuted(weight, number)))
    request.columns = 1;

  std::vector<OpenedTensor> tensors;
  int64_t rows = 0;
  for (mlir::Attribute attribute : weight.sources) {
    auto source = mlir::dyn_cast<SourceAttr>(attribute);
    if (!source)
      return plainError(
          strCat("weight @", weight.name, " has a source that cannot be read"));
    Expected<RowSource> opened =
        open(weight, source, number, request.columns, tensors.emplace_back());
    if (!opened)
      return opened.takeError();
    rows += opened->rows;
    request.sources.push_back(*opened);
  }
  if (rows * request.columns != type.getNumElements())
    return plainError(strCat("weight @", weight.name, ": its sources have ",
                             rows * request.columns, " elements, the type ",
                             typeName(type), " has ", type.getNumElements()));
  request.released = [&](size_t index, int64_t begin, int64_t end) {
    if (!tensors[index].made.empty() || !tensors[index].joined.empty())
      return;
    const TensorInfo &info = *tensors[index].info;
    uint64_t width =
        request.columns / blockElements(info.dtype) * blockBytes(info.dtype);
    info.file->release(info.offset + tensors[index].begin + begin * width,
                       (end - begin) * width);
  };
  std::optional<NonFiniteElement> bad;
  if (Status status = packWeight(request, emitter, &bad); !status)
    return status;
  if (bad)
    return report(*bad, weight, tensors);
  return Status::success();
}

Status Writer::write(const PlannedWeight &weight, runtime::WeightInfo &info) {
  if (Status status = padTo(weight.offset); !status)
    return status;
  hash = StreamingHash();
  errors = {};
  for (int64_t layer = 0; layer < weight.layers; ++layer) {
    uint64_t start = weight.offset + layer * weight.stride;
    if (Status status = padTo(start); !status)
      return status;
    if (Status status = writeLayer(weight, layer); !status)
      return status;
    if (position != start + weight.layerBytes)
      return plainError(strCat("weight @", weight.name, " took ",
                               position - start, " bytes of ",
                               weight.layerBytes));
  }
  info.xxh3 = hash.digest();
  // Blocks that the checkpoint holds are kept as they are.
  if (errors.elements > 0 && errors.squares > 0 && options.measured)
    options.measured(weight.name,
                     std::sqrt(errors.squaredErrors / errors.squares));
  if (errors.elements > 0 && errors.squares > 0 && options.report) {
    std::string text = llvm::formatv(
        "{0}: {1}, {2:f1} M weights, error {3:f2} % (root mean square)",
        weight.name, storedTypeName(weight.layerType.getElementType()),
        errors.elements / 1e6,
        100 * std::sqrt(errors.squaredErrors / errors.squares));
    if (errors.weightedSquares > 0)
      text += llvm::formatv(
          ", by importance {0:f2} %, without it {1:f2} %",
          100 * std::sqrt(errors.weightedErrors / errors.weightedSquares),
          100 * std::sqrt(errors.plainWeightedErrors / errors.weightedSquares));
    options.report(text);
  }
  return Status::success();
}

Expected<WeightsSummary>
tenon::writeWeights(std::span<const PlannedWeight> plan,
                    const WeightsOptions &options, const ByteSink &sink) {
  WeightsSummary summary = summarizeWeights(plan);
  Writer writer(options, sink);
  for (auto [weight, info] : llvm::zip_equal(plan, summary.weights))
    if (Status status = writer.write(weight, info); !status)
      return status.takeError();
  return summary;
}

Status tenon::writeWeightLayer(const PlannedWeight &weight, int64_t place,
                               const WeightsOptions &options,
                               const ByteSink &sink) {
  return Writer(options, sink).writeLayer(weight, place);
}
