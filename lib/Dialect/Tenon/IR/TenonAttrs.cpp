//===- TenonAttrs.cpp - attributes and types of the tenon dialect ---------===//

#include "mlir/IR/DialectImplementation.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace mlir;
using namespace tenon;

//===----------------------------------------------------------------------===//
// PanelAttr
//===----------------------------------------------------------------------===//

LogicalResult PanelAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                int64_t n, int64_t k, int64_t interleave) {
  if (n <= 0 || k <= 0)
    return emitError() << "panel sizes must be positive, found n = " << n
                       << ", k = " << k;
  if (interleave != 1 && interleave != 2)
    return emitError() << "interleave must be 1 or 2, found " << interleave;
  if (n % interleave)
    return emitError() << "n = " << n
                       << " is not divisible by interleave = " << interleave;
  return success();
}

LogicalResult
PanelAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                          function_ref<InFlightDiagnostic()> emitError) const {
  if (shape.size() < 2 || shape.size() > 3)
    return emitError() << "a packed weight has rank 2, or 3 if stacked; found "
                       << shape.size();
  if (ShapedType::isDynamicShape(shape))
    return emitError() << "a packed weight has a static shape";
  if (shape[shape.size() - 2] % getInterleave())
    return emitError() << shape[shape.size() - 2]
                       << " rows cannot be interleaved in halves";
  if (auto block = dyn_cast<BlockType>(elementType)) {
    if (getN() % Superblock::kLanes)
      return emitError() << "superblocks have " << Superblock::kLanes
                         << " columns: n = " << getN() << " is no multiple";
    if (getK() != block.getSuperblock().columns())
      return emitError() << "superblocks of " << elementType
                         << " have k = " << block.getSuperblock().columns()
                         << ", found " << getK();
  }
  return success();
}

SmallVector<int64_t> PanelAttr::getPackedShape(ArrayRef<int64_t> logicalShape,
                                               Type element) const {
  SmallVector<int64_t> packed(logicalShape.drop_back(2));
  int64_t rows = logicalShape[logicalShape.size() - 2];
  int64_t columns = logicalShape.back();
  // Halves are padded each, so that a panel never mixes their remainders.
  int64_t perPanel = getN() / getInterleave();
  packed.push_back(llvm::divideCeil(rows / getInterleave(), perPanel));
  packed.push_back(llvm::divideCeil(columns, getK()));
  if (!isa<BlockType>(element))
    packed.append({getN(), getK()});
  return packed;
}

Type PanelAttr::getPackedElement(Type element) const {
  if (auto block = dyn_cast<BlockType>(element))
    return SuperblockType::get(getContext(), block.getScheme(), getN());
  return element;
}

PanelAttr tenon::getPanel(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return dyn_cast_or_null<PanelAttr>(tensor.getEncoding());
  return {};
}

int64_t tenon::getStorageBytes(RankedTensorType type) {
  SmallVector<int64_t> shape(type.getShape());
  Type element = type.getElementType();
  if (PanelAttr panel = getPanel(type)) {
    shape = panel.getPackedShape(shape, element);
    element = panel.getPackedElement(element);
  }
  return ShapedType::getNumElements(shape) * getElementBytes(element);
}

int64_t tenon::getElementBytes(Type element) {
  if (auto superblock = dyn_cast<SuperblockType>(element))
    return superblock.getBytes();
  if (auto group = dyn_cast<Int8GroupType>(element))
    return group.getBytes();
  if (auto tokens = dyn_cast<Int8TokensType>(element))
    return tokens.getBytes();
  // Blocks that are not packed yet have no place in memory of their own.
  if (isa<BlockType, MixedType>(element))
    return 1;
  if (element.isIndex())
    return sizeof(int64_t);
  return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

Type tenon::getWeightElement(MLIRContext *context, DType type) {
  switch (type) {
  case DType::F32:
    return Float32Type::get(context);
  case DType::F16:
    return Float16Type::get(context);
  case DType::BF16:
    return BFloat16Type::get(context);
  default:
    return isBlock(type) ? BlockType::get(context, type) : Type();
  }
}

int64_t tenon::getInt8Groups(RankedTensorType weight) {
  Superblock superblock =
      cast<BlockType>(weight.getElementType()).getSuperblock();
  return llvm::divideCeil(weight.getShape().back(), superblock.columns()) *
         superblock.groups;
}

//===----------------------------------------------------------------------===//
// SourceAttr: <"name", type [, heads = H, first = R, count = N] [, transposed]>
//===----------------------------------------------------------------------===//

Attribute SourceAttr::parse(AsmParser &parser, Type) {
  std::string name;
  RankedTensorType type;
  bool transposed = false;
  if (parser.parseLess() || parser.parseString(&name) || parser.parseComma() ||
      parser.parseType(type))
    return {};
  int64_t heads = 0, first = 0, count = 0;
  auto parseNumber = [&](StringRef keyword, int64_t &number) {
    return parser.parseKeyword(keyword) || parser.parseEqual() ||
           parser.parseInteger(number);
  };
  llvm::SMLoc place = parser.getCurrentLocation();
  while (succeeded(parser.parseOptionalComma())) {
    if (succeeded(parser.parseOptionalKeyword("transposed"))) {
      transposed = true;
      break;
    }
    if (heads != 0 || failed(parser.parseOptionalKeyword("heads"))) {
      parser.emitError(parser.getCurrentLocation(), "expected 'transposed'")
          << (heads != 0 ? "" : " or 'heads'");
      return {};
    }
    if (parser.parseEqual() || parser.parseInteger(heads) ||
        parser.parseComma() || parseNumber("first", first) ||
        parser.parseComma() || parseNumber("count", count))
      return {};
  }
  if (parser.parseGreater())
    return {};
  return getChecked([&] { return parser.emitError(place); },
                    parser.getContext(), StringRef(name), type, transposed,
                    heads, first, count);
}

void SourceAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printer.printString(getName());
  printer << ", " << getType();
  if (isOfHeads())
    printer << ", heads = " << getHeads() << ", first = " << getFirst()
            << ", count = " << getCount();
  if (getTransposed())
    printer << ", transposed";
  printer << ">";
}

LogicalResult SourceAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringRef, RankedTensorType type, bool,
                                 int64_t heads, int64_t first, int64_t count) {
  if (heads == 0 && first == 0 && count == 0)
    return success();
  if (heads <= 0 || type.getRank() != 2 || !type.hasStaticShape() ||
      type.getDimSize(0) % heads != 0)
    return emitError() << "rows of " << type << " are not those of " << heads
                       << " heads";
  int64_t rows = type.getDimSize(0) / heads;
  if (first < 0 || count <= 0 || first >= rows || count > rows - first)
    return emitError() << "a head of " << rows << " rows has no " << count
                       << " from " << first << " on";
  return success();
}

SmallVector<int64_t> SourceAttr::getWeightShape() const {
  SmallVector<int64_t> shape(getType().getShape());
  if (isOfHeads())
    shape = {getHeads() * getCount(), getType().getDimSize(1)};
  if (isOfHeads() && getTransposed())
    shape = {getHeads() * getType().getDimSize(1), getCount()};
  else if (getTransposed())
    std::reverse(shape.begin(), shape.end());
  return shape;
}

//===----------------------------------------------------------------------===//
// RopeTableAttr: <frequencies = [..], scale = 1.0>
//===----------------------------------------------------------------------===//

Attribute RopeTableAttr::parse(AsmParser &parser, Type) {
  SmallVector<double> frequencies;
  double scale = 1.0;
  auto parseElement = [&]() {
    return parser.parseFloat(frequencies.emplace_back());
  };
  if (parser.parseLess() || parser.parseKeyword("frequencies") ||
      parser.parseEqual() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                     parseElement) ||
      parser.parseComma() || parser.parseKeyword("scale") ||
      parser.parseEqual() || parser.parseFloat(scale) || parser.parseGreater())
    return {};
  return get(parser.getContext(),
             DenseF64ArrayAttr::get(parser.getContext(), frequencies),
             parser.getBuilder().getF64FloatAttr(scale));
}

void RopeTableAttr::print(AsmPrinter &printer) const {
  printer << "<frequencies = [";
  llvm::interleaveComma(getFrequencies().asArrayRef(), printer,
                        [&](double f) { printer.printFloat(APFloat(f)); });
  printer << "], scale = ";
  printer.printFloat(getScale().getValue());
  printer << ">";
}

//===----------------------------------------------------------------------===//
// RelativeBucketsAttr, AlibiAttr: <max_bias = 8.0 [, bfloat16]>
//===----------------------------------------------------------------------===//

LogicalResult
RelativeBucketsAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                            SourceAttr source, int64_t maxDistance, bool past) {
  RankedTensorType type = source.getType();
  if (type.getRank() != 2 || !type.hasStaticShape() || source.getTransposed() ||
      source.isOfHeads() || !isa<FloatType>(type.getElementType()))
    return emitError() << "the source of biases must be a table of numbers "
                          "[buckets, heads], found "
                       << type;
  // Half of a side's buckets are of single distances.
  int64_t single = type.getDimSize(0) / (past ? 2 : 4);
  if (single < 1)
    return emitError() << "needs " << (past ? 2 : 4) << " buckets, found "
                       << type.getDimSize(0);
  if (maxDistance <= single)
    return emitError() << "max_distance must exceed the " << single
                       << " distances that have a bucket each, found "
                       << maxDistance;
  return success();
}

LogicalResult
DistanceIndexAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                          int64_t span, int64_t maxDistance, bool) {
  if (span < 1 || maxDistance < 0)
    return emitError() << "span must be positive, max_distance at least 0";
  if (maxDistance > 0 && (span < 2 || maxDistance - 1 <= span / 2))
    return emitError() << "max_distance must exceed the " << span / 2
                       << " distances that have a column each by two, found "
                       << maxDistance;
  return success();
}

LogicalResult AlibiAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                FloatAttr maxBias, bool) {
  double value = maxBias.getValueAsDouble();
  if (!(value > 0) || !std::isfinite(value))
    return emitError() << "max_bias must be positive, found " << value;
  return success();
}

Attribute AlibiAttr::parse(AsmParser &parser, Type) {
  double maxBias;
  bool bfloat16 = false;
  SMLoc place = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeyword("max_bias") ||
      parser.parseEqual() || parser.parseFloat(maxBias))
    return {};
  if (succeeded(parser.parseOptionalComma())) {
    if (parser.parseKeyword("bfloat16"))
      return {};
    bfloat16 = true;
  }
  if (parser.parseGreater())
    return {};
  return getChecked([&] { return parser.emitError(place); },
                    parser.getContext(),
                    parser.getBuilder().getF64FloatAttr(maxBias), bfloat16);
}

void AlibiAttr::print(AsmPrinter &printer) const {
  printer << "<max_bias = ";
  printer.printFloat(getMaxBias().getValue());
  printer << (getBfloat16() ? ", bfloat16>" : ">");
}

//===----------------------------------------------------------------------===//
// SinusoidTableAttr: <frequencies = [..], interleaved = false>
//===----------------------------------------------------------------------===//

Attribute SinusoidTableAttr::parse(AsmParser &parser, Type) {
  SmallVector<double> frequencies;
  bool interleaved = false;
  auto parseElement = [&]() {
    return parser.parseFloat(frequencies.emplace_back());
  };
  if (parser.parseLess() || parser.parseKeyword("frequencies") ||
      parser.parseEqual() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                     parseElement) ||
      parser.parseComma() || parser.parseKeyword("interleaved") ||
      parser.parseEqual())
    return {};
  if (succeeded(parser.parseOptionalKeyword("true")))
    interleaved = true;
  else if (parser.parseKeyword("false"))
    return {};
  if (parser.parseGreater())
    return {};
  return get(parser.getContext(),
             DenseF64ArrayAttr::get(parser.getContext(), frequencies),
             interleaved);
}

void SinusoidTableAttr::print(AsmPrinter &printer) const {
  printer << "<frequencies = [";
  llvm::interleaveComma(getFrequencies().asArrayRef(), printer,
                        [&](double f) { printer.printFloat(APFloat(f)); });
  printer << "], interleaved = " << (getInterleaved() ? "true" : "false")
          << ">";
}

//===----------------------------------------------------------------------===//
// Types of quantized numbers
//===----------------------------------------------------------------------===//

/// A block format by its name, in lower case.
static FailureOr<DType> parseScheme(AsmParser &parser) {
  StringRef name;
  SMLoc place = parser.getCurrentLocation();
  if (parser.parseKeyword(&name))
    return failure();
  std::optional<DType> scheme = parseDType(name);
  if (!scheme || !isBlock(*scheme)) {
    parser.emitError(place)
        << "expected a block format, such as q4_0, found '" << name << "'";
    return failure();
  }
  return *scheme;
}

static LogicalResult verifyScheme(function_ref<InFlightDiagnostic()> emitError,
                                  DType scheme) {
  if (!isBlock(scheme))
    return emitError() << tenon::name(scheme) << " is no block format";
  return success();
}

LogicalResult BlockType::verify(function_ref<InFlightDiagnostic()> emitError,
                                DType scheme) {
  return verifyScheme(emitError, scheme);
}

Type BlockType::parse(AsmParser &parser) {
  if (parser.parseLess())
    return {};
  FailureOr<DType> scheme = parseScheme(parser);
  if (failed(scheme) || parser.parseGreater())
    return {};
  return get(parser.getContext(), *scheme);
}

void BlockType::print(AsmPrinter &printer) const {
  printer << "<" << tenon::name(getScheme()) << ">";
}

LogicalResult MixedType::verify(function_ref<InFlightDiagnostic()> emitError,
                                ArrayRef<DType> layers) {
  if (llvm::all_equal(layers))
    return emitError() << "layers of one precision need no mixed type";
  for (DType type : layers)
    if (!isBlock(type) && type != DType::F32 && type != DType::F16 &&
        type != DType::BF16)
      return emitError() << tenon::name(type) << " is no precision of weights";
  return success();
}

Type MixedType::parse(AsmParser &parser) {
  SmallVector<DType> layers;
  constexpr int64_t kMostLayers = 1 << 16;
  SMLoc place = parser.getCurrentLocation();
  auto parseLayers = [&]() -> ParseResult {
    StringRef name;
    SMLoc here = parser.getCurrentLocation();
    int64_t count = 1;
    if (parser.parseKeyword(&name) ||
        (succeeded(parser.parseOptionalStar()) && parser.parseInteger(count)))
      return failure();
    std::optional<DType> type = parseDType(name);
    if (!type)
      return parser.emitError(here) << "unknown precision '" << name << "'";
    if (count < 1 || count > kMostLayers)
      return parser.emitError(here) << "a count of layers is positive";
    layers.append(count, *type);
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater,
                                     parseLayers))
    return {};
  return getChecked([&] { return parser.emitError(place); },
                    parser.getContext(), ArrayRef<DType>(layers));
}

void MixedType::print(AsmPrinter &printer) const {
  printer << "<";
  ArrayRef<DType> rest = getLayers();
  while (!rest.empty()) {
    size_t count = 1;
    while (count < rest.size() && rest[count] == rest[0])
      ++count;
    printer << tenon::name(rest[0]);
    if (count > 1)
      printer << " * " << count;
    rest = rest.drop_front(count);
    if (!rest.empty())
      printer << ", ";
  }
  printer << ">";
}

LogicalResult
SuperblockType::verify(function_ref<InFlightDiagnostic()> emitError,
                       DType scheme, int64_t columns) {
  if (columns <= 0 || columns % Superblock::kLanes)
    return emitError() << "columns must be a positive multiple of "
                       << Superblock::kLanes << ", found " << columns;
  return verifyScheme(emitError, scheme);
}

Type SuperblockType::parse(AsmParser &parser) {
  int64_t columns;
  if (parser.parseLess())
    return {};
  FailureOr<DType> scheme = parseScheme(parser);
  SMLoc place = parser.getCurrentLocation();
  if (failed(scheme) || parser.parseComma() || parser.parseInteger(columns) ||
      parser.parseGreater())
    return {};
  return getChecked([&] { return parser.emitError(place); },
                    parser.getContext(), *scheme, columns);
}

void SuperblockType::print(AsmPrinter &printer) const {
  printer << "<" << tenon::name(getScheme()) << ", " << getColumns() << ">";
}

//===----------------------------------------------------------------------===//
// TargetAttr and TileAttr
//===----------------------------------------------------------------------===//

static bool hasExtension(ArrayAttr extensions, StringRef extension) {
  return extensions &&
         llvm::any_of(extensions.getAsRange<StringAttr>(),
                      [&](StringAttr name) { return name == extension; });
}

LogicalResult TargetAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringRef cpu, StringRef features,
                                 int64_t vectorBits, int64_t registers,
                                 int64_t l1, int64_t l2, int64_t l3, TuningAttr,
                                 StringRef triple, ArrayAttr extensions) {
  if (vectorBits != 128 && vectorBits != 256 && vectorBits != 512)
    return emitError() << "vector_bits must be 128, 256 or 512, found "
                       << vectorBits;
  if (registers <= 0 || l1 <= 0 || l2 <= 0 || l3 <= 0)
    return emitError() << "registers and sizes of caches must be positive";
  if (!triple.starts_with("x86_64-") && !triple.starts_with("aarch64-"))
    return emitError() << "triple must begin with x86_64- or aarch64-, found \""
                       << triple << "\"";
  if (extensions && !llvm::all_of(extensions, llvm::IsaPred<StringAttr>))
    return emitError() << "extensions must be strings, found " << extensions;
  if (!triple.starts_with("x86_64-"))
    return success();
  StringRef needed = vectorBits == 512   ? "avx512f,avx512bw,avx512dq,avx512vl"
                     : vectorBits == 256 ? "avx2"
                                         : "";
  for (StringRef name : llvm::split(needed, ','))
    if (!name.empty() && !hasExtension(extensions, name))
      return emitError() << "vector_bits = " << vectorBits
                         << " needs the extension \"" << name << '"';
  return success();
}

bool TargetAttr::has(StringRef extension) const {
  return hasExtension(getExtensions(), extension);
}

bool TargetAttr::hasAll(StringRef extensions) const {
  return llvm::all_of(llvm::split(extensions, ','), [&](StringRef name) {
    return name.empty() || has(name);
  });
}

bool TargetAttr::hasByteDot() const {
  if (getVectorBits() == 512)
    return has("avx512vnni");
  return getVectorBits() == 256 &&
         (has("avxvnni") || hasAll("avx512vnni,avx512vl"));
}

LogicalResult TileAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t rows, int64_t columns, int64_t group) {
  if (rows <= 0 || columns <= 0 || group <= 0)
    return emitError() << "tile sizes must be positive, found rows = " << rows
                       << ", columns = " << columns << ", group = " << group;
  return success();
}

//===----------------------------------------------------------------------===//
// Keys and values
//===----------------------------------------------------------------------===//

LogicalResult
Int8TokensType::verify(function_ref<InFlightDiagnostic()> emitError,
                       int64_t headDim, bool) {
  constexpr int64_t kLargest = 1 << 20; // Bytes of a block fit any integer.
  if (headDim <= 0 || headDim > kLargest)
    return emitError() << "head size must be between 1 and " << kLargest
                       << ", found " << headDim;
  return success();
}

Type Int8GroupType::parse(AsmParser &parser) {
  if (failed(parser.parseOptionalLess()))
    return get(parser.getContext(), false, false, 8);
  bool perToken = succeeded(parser.parseOptionalKeyword("per_token"));
  if (!perToken && parser.parseKeyword("residual", ", or per_token"))
    return {};
  int64_t bits = 8;
  if (perToken && succeeded(parser.parseOptionalComma())) {
    SMLoc place = parser.getCurrentLocation();
    if (parser.parseInteger(bits))
      return {};
    if (bits != 7) {
      parser.emitError(place) << "tokens have 7 bits, or 8 if nothing says so, "
                                 "not "
                              << bits;
      return {};
    }
  }
  if (parser.parseGreater())
    return {};
  return get(parser.getContext(), perToken, !perToken, bits);
}

void Int8GroupType::print(AsmPrinter &printer) const {
  if (getPerToken())
    printer << (getBits() == 7 ? "<per_token, 7>" : "<per_token>");
  if (getResidual())
    printer << "<residual>";
}

Type Int8TokensType::parse(AsmParser &parser) {
  int64_t headDim;
  bool transposed = false;
  SMLoc place = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseInteger(headDim))
    return {};
  if (succeeded(parser.parseOptionalComma())) {
    if (parser.parseKeyword("transposed"))
      return {};
    transposed = true;
  }
  if (parser.parseGreater())
    return {};
  return getChecked([&] { return parser.emitError(place); },
                    parser.getContext(), headDim, transposed);
}

void Int8TokensType::print(AsmPrinter &printer) const {
  printer << "<" << getHeadDim() << (getTransposed() ? ", transposed>" : ">");
}

LogicalResult KVCacheType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t layers, int64_t heads,
                                  int64_t capacity, int64_t headDim,
                                  Type element, int64_t sequences,
                                  int64_t valueSize, bool ring) {
  if (layers <= 0 || heads <= 0 || headDim <= 0 || sequences <= 0 ||
      valueSize < 0)
    return emitError() << "sizes of a cache must be positive";
  if (valueSize == headDim)
    return emitError() << "value_size is left out where it is head_dim";
  if (capacity <= 0 || capacity % 128)
    return emitError() << "capacity must be a positive multiple of 128, found "
                       << capacity;
  if (!element.isF32() && !element.isF16() && !element.isBF16() &&
      !element.isSignlessInteger(8))
    return emitError() << "element type must be f32, f16, i8 or bf16, found "
                       << element;
  return success();
}

KVCacheType KVCacheType::withSequences(int64_t count) const {
  return get(getContext(), getLayers(), getHeads(), getCapacity(), getHeadDim(),
             getElement(), count, getValueSize(), getRing());
}

static CacheBlocks blocksOf(KVCacheType cache) {
  return {cache.getHeads(), cache.getCapacity(), cache.getHeadDim(),
          cache.getValueDim(), cache.getElement()};
}

MemRefType KVCacheType::getKeysType() const {
  return blocksOf(*this).getKeysType();
}

MemRefType KVCacheType::getValuesType() const {
  return blocksOf(*this).getValuesType();
}

static int64_t bytesOf(MemRefType type) {
  return type.getNumElements() * getElementBytes(type.getElementType());
}

int64_t KVCacheType::getKeysBytes() const { return bytesOf(getKeysType()); }

int64_t KVCacheType::getLayerBytes() const {
  return getKeysBytes() + bytesOf(getValuesType());
}

MemRefType CacheBlocks::getKeysType() const {
  int64_t blocks = capacity / KVCacheType::kBlock;
  int64_t pairs = llvm::divideCeil(keyDim, 2);
  if (element.isInteger())
    return MemRefType::get({heads, blocks},
                           Int8TokensType::get(element.getContext(), keyDim,
                                               /*transposed=*/true));
  if (element.isBF16())
    return MemRefType::get({heads, blocks, pairs, KVCacheType::kBlock, 2},
                           element);
  return MemRefType::get({heads, blocks, keyDim, KVCacheType::kBlock}, element);
}

MemRefType CacheBlocks::getValuesType() const {
  if (element.isInteger())
    return MemRefType::get({heads, capacity / KVCacheType::kBlock},
                           Int8TokensType::get(element.getContext(), valueDim,
                                               /*transposed=*/false));
  if (element.isBF16())
    return MemRefType::get({heads, capacity / 2, valueDim, 2}, element);
  return MemRefType::get({heads, capacity, valueDim}, element);
}

std::optional<CacheBlocks> CacheBlocks::get(MemRefType keys,
                                            MemRefType values) {
  if (keys.getRank() < 2 || values.getRank() < 2 || !keys.hasStaticShape())
    return std::nullopt;
  CacheBlocks blocks{keys.getDimSize(0),
                     keys.getDimSize(1) * KVCacheType::kBlock, 0, 0,
                     keys.getElementType()};
  auto keyTokens = dyn_cast<Int8TokensType>(blocks.element);
  auto valueTokens = dyn_cast<Int8TokensType>(values.getElementType());
  if (keyTokens && valueTokens) {
    blocks.keyDim = keyTokens.getHeadDim();
    blocks.valueDim = valueTokens.getHeadDim();
    blocks.element = IntegerType::get(keys.getContext(), 8);
  } else if (isa<FloatType>(blocks.element) && keys.getRank() >= 4 &&
             values.getRank() >= 3) {
    blocks.keyDim = keys.getDimSize(2) * (blocks.element.isBF16() ? 2 : 1);
    blocks.valueDim = values.getDimSize(2);
  }
  auto fits = [](MemRefType type, MemRefType expected) {
    return type.getShape() == expected.getShape() &&
           type.getElementType() == expected.getElementType();
  };
  if (blocks.keyDim <= 0 || blocks.valueDim <= 0 ||
      !fits(keys, blocks.getKeysType()) ||
      !fits(values, blocks.getValuesType()))
    return std::nullopt;
  return blocks;
}
