//===- Matmul.cpp - kernel of products that no fusion took ----------------===//
//
// Two ways, by what lies side by side in memory. Where neighbours in a row of
// the right operand do, columns are in the lanes, and each output is a chain of
// multiply-adds over k in order. Where neighbours in one of its columns do, as
// in a transposed view, k is in the lanes: each output is a register of chains,
// whose lanes are added by halves. In neither way does the order depend on how
// many rows or columns are computed together (I5).
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

/// True if neighbours in this dimension, counted from the last one, are
/// neighbours in memory.
static bool isContiguous(Value memref, int64_t fromLast) {
  auto [strides, offset] =
      cast<MemRefType>(memref.getType()).getStridesAndOffset();
  return strides[strides.size() - 1 - fromLast] == 1;
}

/// Covers [0, extent) by `size` places at a time, then one by one.
static void
forEachTile(KernelBuilder &b, OpFoldResult extent, int64_t size,
            llvm::function_ref<void(Value first, int64_t count)> body) {
  std::optional<int64_t> known = getConstantIntValue(extent);
  Value end = b.materialize(extent);
  Value whole =
      known ? b.index(*known / size * size)
            : b.mulIndex(arith::DivUIOp::create(b, end, b.index(size)), size);
  if (!known || *known >= size)
    b.loop(b.index(0), whole, size, [&](Value first) { body(first, size); });
  if (!known || *known % size)
    b.loop(whole, end, 1, [&](Value first) { body(first, 1); });
}

namespace {

/// A product at one head (or without heads), and where its operands lie.
struct Product {
  KernelBuilder &b;
  Value lhs, rhs, output;
  KernelBuilder::Values head, rhsHead;
  /// That are computed together.
  int64_t rows, columns;

  KernelBuilder::Values at(KernelBuilder::Values place, Value row,
                           Value column) const {
    place.append({row, column});
    return place;
  }
  OpFoldResult extentOf(Value memref, int64_t fromLast) const {
    auto rank = cast<MemRefType>(memref.getType()).getRank();
    return b.dim(memref, rank - 1 - fromLast);
  }

  void columnsInLanes() const;
  void depthInLanes() const;
  void oneByOne() const;
};

} // namespace

void Product::columnsInLanes() const {
  Value depth = b.materialize(extentOf(lhs, 0));
  forEachTile(b, extentOf(output, 1), rows, [&](Value first, int64_t height) {
    b.forEachVector(extentOf(output, 0), [&](Value column, Value mask) {
      KernelBuilder::Values sums = b.loop(
          b.index(0), depth, 1, KernelBuilder::Values(height, b.splat(0.0)),
          [&](Value k, ValueRange args) {
            Value y = b.load(rhs, at(rhsHead, k, column), mask);
            KernelBuilder::Values next;
            for (int64_t i = 0; i < height; ++i) {
              Value x =
                  b.splat(b.loadScalar(lhs, at(head, b.addIndex(first, i), k)));
              next.push_back(b.fma(x, y, args[i]));
            }
            return next;
          });
      for (int64_t i = 0; i < height; ++i)
        b.store(sums[i], output, at(head, b.addIndex(first, i), column), mask);
    });
  });
}

/// `rhs` is [..., N, K] here: the columns of the right operand as rows.
void Product::depthInLanes() const {
  OpFoldResult depth = extentOf(lhs, 0);
  auto emitTile = [&](Value row, int64_t height, Value column, int64_t width) {
    KernelBuilder::Values sums = b.forEachVector(
        depth, KernelBuilder::Values(height * width, b.splat(0.0)),
        [&](Value k, Value mask, ValueRange args) {
          KernelBuilder::Values ys, next;
          for (int64_t j = 0; j < width; ++j)
            ys.push_back(
                b.load(rhs, at(rhsHead, b.addIndex(column, j), k), mask));
          for (int64_t i = 0; i < height; ++i) {
            Value x = b.load(lhs, at(head, b.addIndex(row, i), k), mask);
            for (int64_t j = 0; j < width; ++j)
              next.push_back(b.fma(x, ys[j], args[i * width + j]));
          }
          return next;
        });
    for (int64_t i = 0; i < height; ++i)
      for (int64_t j = 0; j < width; ++j)
        b.storeScalar(b.reduceAdd(sums[i * width + j]), output,
                      at(head, b.addIndex(row, i), b.addIndex(column, j)));
  };
  // Columns outside: theirs is the larger operand, which passes once.
  forEachTile(b, extentOf(output, 0), columns,
              [&](Value column, int64_t width) {
                forEachTile(b, extentOf(output, 1), rows,
                            [&](Value row, int64_t height) {
                              emitTile(row, height, column, width);
                            });
              });
}

void Product::oneByOne() const {
  Value depth = b.materialize(extentOf(lhs, 0));
  b.loopNest({extentOf(output, 1), extentOf(output, 0)}, [&](ValueRange place) {
    Value sum =
        b.loop(b.index(0), depth, 1, b.f32(0.0), [&](Value k, ValueRange args) {
          Value x = b.loadScalar(lhs, at(head, place[0], k));
          Value y = b.loadScalar(rhs, at(rhsHead, k, place[1]));
          return KernelBuilder::Values{b.fma(x, y, args[0])};
        })[0];
    b.storeScalar(sum, output, at(head, place[0], place[1]));
  });
}

/// The columns of a matrix, or of each head's, as rows.
static Value transposed(KernelBuilder &b, Value memref) {
  unsigned rank = cast<MemRefType>(memref.getType()).getRank();
  SmallVector<unsigned> order = llvm::to_vector(llvm::seq(0u, rank));
  std::swap(order[rank - 1], order[rank - 2]);
  return memref::TransposeOp::create(
      b, memref,
      AffineMapAttr::get(AffineMap::getPermutationMap(order, b.getContext())));
}

void rows::emit(KernelBuilder &b, MatmulOp op) {
  Value lhs = op.getLhs(), rhs = op.getRhs(), output = op.getOut();
  auto lhsType = cast<MemRefType>(lhs.getType());
  bool columns = isContiguous(rhs, 0) && isContiguous(output, 0);
  bool depth = !columns && isContiguous(lhs, 0) && isContiguous(rhs, 1);
  if (depth)
    rhs = transposed(b, rhs);
  auto emitHead = [&](KernelBuilder::Values head,
                      KernelBuilder::Values rhsHead) {
    TileAttr tile = op.getTileAttr();
    Product product = {b,
                       lhs,
                       rhs,
                       output,
                       head,
                       rhsHead,
                       /*rows=*/tile ? tile.getRows() : 1,
                       /*columns=*/tile ? tile.getColumns() : 1};
    columns ? product.columnsInLanes()
    : depth ? product.depthInLanes()
            : product.oneByOne();
  };
  if (lhsType.getRank() == 2)
    return emitHead({}, {});
  int64_t group = lhsType.getDimSize(0) /
                  cast<MemRefType>(op.getRhs().getType()).getDimSize(0);
  b.loopNest({b.dim(output, 0)}, [&](ValueRange heads) {
    Value shared = arith::DivUIOp::create(b, heads[0], b.index(group));
    emitHead({heads[0]}, {shared});
  });
}
