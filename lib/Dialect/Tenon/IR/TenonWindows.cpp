//===- TenonWindows.cpp - windows of signals and images -------------------===//

#include "tenon/Dialect/Tenon/IR/TenonWindows.h"
#include "VerifyShapes.h"

using namespace mlir;
using namespace tenon;
using tenon::detail::compatible;

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonWindowOps.cpp.inc"

/// Beyond it a size, stride or padding is nonsense, and sums of it are safe.
static constexpr int64_t kMostOfWindow = int64_t(1) << 31;

std::optional<int64_t> UnfoldOp::countWindows(int64_t extent, int64_t size,
                                              int64_t stride, int64_t padding) {
  if (size < 1 || stride < 1 || padding < 0 || size > kMostOfWindow ||
      stride > kMostOfWindow || padding > kMostOfWindow || extent < 0 ||
      extent > (int64_t(1) << 40) || extent + 2 * padding < size)
    return std::nullopt;
  return (extent + 2 * padding - size) / stride + 1;
}

LogicalResult UnfoldOp::verify() {
  auto input = cast<ShapedType>(getInput().getType());
  auto compute = cast<ComputeOpInterface>(getOperation());
  ShapedType output = compute.getOutputType();
  int64_t size = getSize(), stride = getStride(), padding = getPadding();
  int64_t rank = input.getRank();
  if ((rank != 2 && rank != 3) || input.isDynamicDim(0) ||
      (rank == 3 && !input.hasStaticShape()))
    return emitOpError() << "of " << input
                         << ": a signal is [C, S], an image [C, V, H] of a "
                            "known size";
  if (input.getElementType() != output.getElementType())
    return emitOpError() << "of " << input << " cannot be " << output;
  int64_t rows = 1, columns = input.getDimSize(0);
  for (int64_t extent : input.getShape().drop_front()) {
    bool isSame =
        size >= 1 && stride == 1 && padding == (size - 1) / 2 && size % 2 == 1;
    if (ShapedType::isDynamic(extent) && !isSame)
      return emitOpError("of a signal of any length gives as many windows: "
                         "stride 1, an odd size and half of it as padding");
    std::optional<int64_t> windows =
        ShapedType::isDynamic(extent)
            ? extent
            : countWindows(extent, size, stride, padding);
    if (!windows)
      return emitOpError() << "of size " << size << ", stride " << stride
                           << " and padding " << padding << " has no window in "
                           << extent;
    int64_t width = 0;
    if (llvm::MulOverflow(columns, size, width) ||
        (*windows != ShapedType::kDynamic &&
         llvm::MulOverflow(rows, *windows, rows)))
      return emitOpError() << "of " << input << " has too many windows";
    columns = width;
    if (ShapedType::isDynamic(*windows))
      rows = ShapedType::kDynamic;
  }
  // A tile has some of the rows.
  bool fitsRows =
      output.getRank() == 2 &&
      (compute.isBufferForm() || compatible(output.getDimSize(0), rows));
  if (!fitsRows || output.getDimSize(1) != columns)
    return emitOpError() << "of " << input << " has "
                         << (ShapedType::isDynamic(rows) ? std::string("?")
                                                         : std::to_string(rows))
                         << " windows of " << columns << ", the result is "
                         << output;
  return success();
}

LogicalResult ConcatRowsOp::verify() {
  RankedTensorType output = getResult().getType();
  int64_t rows = 0;
  for (Value part : {getLhs(), getRhs()}) {
    auto type = cast<RankedTensorType>(part.getType());
    if (type.getRank() != 2 || output.getRank() != 2 ||
        !type.hasStaticShape() || type.getDimSize(1) != output.getDimSize(1) ||
        !isa<FloatType>(type.getElementType()))
      return emitOpError() << "part " << type << " does not fit the result "
                           << output;
    rows += type.getDimSize(0);
  }
  if (output.getDimSize(0) != rows)
    return emitOpError() << "gives " << rows << " rows, the result is "
                         << output;
  return success();
}
