//===- TenonAttrs.cpp - attributes and types of the tenon dialect ---------===//

#include "mlir/IR/DialectImplementation.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

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
  return success();
}

SmallVector<int64_t>
PanelAttr::getPackedShape(ArrayRef<int64_t> logicalShape) const {
  SmallVector<int64_t> packed(logicalShape.drop_back(2));
  int64_t rows = logicalShape[logicalShape.size() - 2];
  int64_t columns = logicalShape.back();
  // Halves are padded each, so that a panel never mixes their remainders.
  int64_t perPanel = getN() / getInterleave();
  packed.push_back(llvm::divideCeil(rows / getInterleave(), perPanel));
  packed.push_back(llvm::divideCeil(columns, getK()));
  packed.push_back(getN());
  packed.push_back(getK());
  return packed;
}

PanelAttr tenon::getPanel(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return dyn_cast_or_null<PanelAttr>(tensor.getEncoding());
  return {};
}

int64_t tenon::getStorageBytes(RankedTensorType type) {
  SmallVector<int64_t> shape(type.getShape());
  if (PanelAttr panel = getPanel(type))
    shape = panel.getPackedShape(shape);
  return ShapedType::getNumElements(shape) *
         llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

//===----------------------------------------------------------------------===//
// SourceAttr: <"name", type [, transposed]>
//===----------------------------------------------------------------------===//

Attribute SourceAttr::parse(AsmParser &parser, Type) {
  std::string name;
  RankedTensorType type;
  bool transposed = false;
  if (parser.parseLess() || parser.parseString(&name) || parser.parseComma() ||
      parser.parseType(type))
    return {};
  if (succeeded(parser.parseOptionalComma())) {
    if (parser.parseKeyword("transposed"))
      return {};
    transposed = true;
  }
  if (parser.parseGreater())
    return {};
  return get(parser.getContext(), name, type, transposed);
}

void SourceAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printer.printString(getName());
  printer << ", " << getType();
  if (getTransposed())
    printer << ", transposed";
  printer << ">";
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
// TargetAttr and TileAttr
//===----------------------------------------------------------------------===//

LogicalResult TargetAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringRef cpu, StringRef features,
                                 int64_t vectorBits, int64_t registers,
                                 bool fma, bool avx512, bool bf16Dot,
                                 int64_t l1, int64_t l2, int64_t l3) {
  if (vectorBits != 128 && vectorBits != 256 && vectorBits != 512)
    return emitError() << "vector_bits must be 128, 256 or 512, found "
                       << vectorBits;
  if (registers <= 0 || l1 <= 0 || l2 <= 0 || l3 <= 0)
    return emitError() << "registers and sizes of caches must be positive";
  return success();
}

LogicalResult TileAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t rows, int64_t columns, int64_t group) {
  if (rows <= 0 || columns <= 0 || group <= 0)
    return emitError() << "tile sizes must be positive, found rows = " << rows
                       << ", columns = " << columns << ", group = " << group;
  return success();
}

//===----------------------------------------------------------------------===//
// KVCacheType
//===----------------------------------------------------------------------===//

LogicalResult KVCacheType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t layers, int64_t heads,
                                  int64_t capacity, int64_t headDim,
                                  Type element) {
  if (layers <= 0 || heads <= 0 || headDim <= 0)
    return emitError() << "sizes of a cache must be positive";
  if (capacity <= 0 || capacity % 128)
    return emitError() << "capacity must be a positive multiple of 128, found "
                       << capacity;
  if (!isa<FloatType, IntegerType>(element))
    return emitError() << "element type must be a float or integer, found "
                       << element;
  return success();
}

SmallVector<int64_t> KVCacheType::getKeyShape() const {
  return {getHeads(), getCapacity() / kBlock, getHeadDim(), kBlock};
}

SmallVector<int64_t> KVCacheType::getValueShape() const {
  return {getHeads(), getCapacity(), getHeadDim()};
}

int64_t KVCacheType::getHalfLayerBytes() const {
  return getHeads() * getCapacity() * getHeadDim() *
         (getElement().getIntOrFloatBitWidth() / 8);
}
