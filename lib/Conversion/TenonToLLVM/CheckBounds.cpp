//===- CheckBounds.cpp - accesses that stay within their memory -----------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/SymbolTable.h"
#include "tenon/Conversion/LoweringPasses.h"
#include "tenon/Conversion/PrintPlace.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "llvm/ADT/TypeSwitch.h"

#include <map>

namespace tenon {
#define GEN_PASS_DEF_TENONCHECKBOUNDS
#include "tenon/Conversion/LoweringPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

static constexpr llvm::StringLiteral kFailureFunction = "tenon_out_of_bounds";

namespace {

/// The condition under which one operation leaves a memref.
class Check {
public:
  explicit Check(Operation *op) : b(op), loc(op->getLoc()) {}

  /// [first, first + count) is outside of [0, dim). What constants prove is no
  /// condition.
  void range(OpFoldResult first, OpFoldResult count, OpFoldResult dim) {
    auto f = getConstantIntValue(first), n = getConstantIntValue(count),
         d = getConstantIntValue(dim);
    if (f && n && d && *f >= 0 && *n >= 0 && *f <= *d && *n <= *d - *f)
      return;
    Value end = arith::AddIOp::create(b, loc, value(first), value(count));
    add(compare(arith::CmpIPredicate::sgt, end, value(dim)));
    if (!f || *f < 0)
      add(compare(arith::CmpIPredicate::slt, value(first), index(0)));
  }

  void dimension(Value memref, int64_t dim, OpFoldResult first, int64_t count) {
    range(first, b.getIndexAttr(count), size(memref, dim));
  }

  /// A lane that a mask lets through, from `first` on, is outside of
  /// [0, count).
  void lanes(OpFoldResult first, OpFoldResult count, Value mask) {
    auto type = cast<VectorType>(mask.getType());
    auto lanes = VectorType::get(type.getShape(), b.getI64Type());
    SmallVector<int64_t> numbers;
    for (int64_t i = 0; i < type.getNumElements(); ++i)
      numbers.push_back(i);
    Value places = arith::ConstantOp::create(
        b, loc,
        DenseElementsAttr::get(cast<ShapedType>(lanes),
                               ArrayRef<int64_t>(numbers)));
    auto splat = [&](OpFoldResult index) -> Value {
      Value wide =
          arith::IndexCastOp::create(b, loc, b.getI64Type(), value(index));
      return vector::BroadcastOp::create(b, loc, lanes, wide);
    };
    places = arith::AddIOp::create(b, loc, places, splat(first));
    // Unsigned: what is below 0 is too large.
    Value outside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge,
                                          places, splat(count));
    outside = arith::AndIOp::create(b, loc, outside, mask);
    add(vector::ReductionOp::create(b, loc, vector::CombiningKind::OR,
                                    outside));
  }

  /// Where an element lies in its memref's memory, and how far that reaches; of
  /// the last dimension alone, if strides are not known.
  std::pair<OpFoldResult, OpFoldResult> reach(Value memref,
                                              ValueRange indices) {
    auto type = cast<MemRefType>(memref.getType());
    int64_t last = type.getRank() - 1, offset;
    SmallVector<int64_t> strides;
    if (failed(type.getStridesAndOffset(strides, offset)) ||
        llvm::any_of(strides, ShapedType::isDynamic))
      return {indices[last], size(memref, last)};
    OpFoldResult place = b.getIndexAttr(0), end = b.getIndexAttr(1);
    for (int64_t dim = 0; dim <= last; ++dim) {
      OpFoldResult stride = b.getIndexAttr(strides[dim]);
      place = plus(place, multiply(OpFoldResult(indices[dim]), stride));
      end = plus(end,
                 multiply(plus(size(memref, dim), b.getIndexAttr(-1)), stride));
    }
    return {place, end};
  }

  OpFoldResult size(Value memref, int64_t dim) {
    auto type = cast<MemRefType>(memref.getType());
    if (!type.isDynamicDim(dim))
      return b.getIndexAttr(type.getDimSize(dim));
    return memref::DimOp::create(b, loc, memref, dim).getResult();
  }

  OpFoldResult multiply(OpFoldResult x, OpFoldResult y) {
    auto a = getConstantIntValue(x), c = getConstantIntValue(y);
    if (a && c)
      return b.getIndexAttr(*a * *c);
    return arith::MulIOp::create(b, loc, value(x), value(y)).getResult();
  }

  OpFoldResult plus(OpFoldResult x, OpFoldResult y) {
    auto a = getConstantIntValue(x), c = getConstantIntValue(y);
    if (a && c)
      return b.getIndexAttr(*a + *c);
    return arith::AddIOp::create(b, loc, value(x), value(y)).getResult();
  }

  /// Null if nothing can be outside.
  Value get() const { return outside; }
  OpBuilder &builder() { return b; }

private:
  Value index(int64_t number) {
    return arith::ConstantIndexOp::create(b, loc, number);
  }
  Value value(OpFoldResult number) {
    if (auto constant = getConstantIntValue(number))
      return index(*constant);
    return cast<Value>(number);
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  void add(Value condition) {
    outside = outside
                  ? arith::OrIOp::create(b, loc, outside, condition).getResult()
                  : condition;
  }

  OpBuilder b;
  Location loc;
  Value outside;
};

struct CheckBounds : tenon::impl::TenonCheckBoundsBase<CheckBounds> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<Operation *> accesses;
    getOperation().walk([&](Operation *op) {
      if (isa<memref::LoadOp, memref::StoreOp, vector::LoadOp, vector::StoreOp,
              vector::MaskedLoadOp, vector::MaskedStoreOp, memref::SubViewOp,
              memref::ViewOp>(op))
        accesses.push_back(op);
    });
    for (Operation *op : accesses) {
      Check check(op);
      TypeSwitch<Operation *>(op)
          .Case([&](memref::LoadOp load) {
            elements(check, load.getMemRef(), load.getIndices(), {});
          })
          .Case([&](memref::StoreOp store) {
            elements(check, store.getMemRef(), store.getIndices(), {});
          })
          .Case([&](vector::LoadOp load) {
            elements(check, load.getBase(), load.getIndices(),
                     load.getVectorType());
          })
          .Case([&](vector::StoreOp store) {
            elements(check, store.getBase(), store.getIndices(),
                     store.getVectorType());
          })
          .Case([&](vector::MaskedLoadOp load) {
            masked(check, load.getBase(), load.getIndices(), load.getMask());
          })
          .Case([&](vector::MaskedStoreOp store) {
            masked(check, store.getBase(), store.getIndices(), store.getMask());
          })
          .Case([&](memref::SubViewOp view) { part(check, view); })
          .Case([&](memref::ViewOp view) { bytes(check, view); });
      if (!check.get()) {
        ++numProved;
        continue;
      }
      emitFailure(check, op, symbols);
      ++numChecked;
    }
  }

private:
  /// An index is within its dimension. What a vector has beyond the last one
  /// follows in memory: a panel's columns are read across its steps of K.
  static void elements(Check &check, Value memref, ValueRange indices,
                       VectorType vector) {
    for (auto [dim, index] : llvm::enumerate(indices))
      check.dimension(memref, dim, index, 1);
    if (!vector)
      return;
    auto [place, end] = check.reach(memref, indices);
    check.range(place, check.builder().getIndexAttr(vector.getNumElements()),
                end);
  }

  // The first lane may be one behind the end, of a vector that is masked off.
  static void masked(Check &check, Value memref, ValueRange indices,
                     Value mask) {
    for (auto [dim, index] : llvm::enumerate(indices.drop_back()))
      check.dimension(memref, dim, index, 1);
    auto [place, end] = check.reach(memref, indices);
    check.lanes(place, end, mask);
  }

  // Kernels take no steps.
  static void part(Check &check, memref::SubViewOp view) {
    for (auto [dim, offset] : llvm::enumerate(view.getMixedOffsets()))
      check.range(offset, view.getMixedSizes()[dim],
                  check.size(view.getSource(), dim));
  }

  static void bytes(Check &check, memref::ViewOp view) {
    MemRefType type = view.getType();
    OpFoldResult bytes =
        check.builder().getIndexAttr(getElementBytes(type.getElementType()));
    unsigned dynamic = 0;
    for (int64_t size : type.getShape()) {
      OpFoldResult extent = check.builder().getIndexAttr(size);
      if (ShapedType::isDynamic(size))
        extent = view.getSizes()[dynamic++];
      bytes = check.multiply(bytes, extent);
    }
    check.range(view.getByteShift(), bytes, check.size(view.getSource(), 0));
  }

  void emitFailure(Check &check, Operation *op, SymbolTable &symbols) {
    OpBuilder &b = check.builder();
    Location loc = op->getLoc();
    auto ifOp = scf::IfOp::create(b, loc, check.get());
    OpBuilder inside = ifOp.getThenBodyBuilder();
    Value text =
        LLVM::AddressOfOp::create(inside, loc, getText(describe(op), symbols));
    func::CallOp::create(inside, loc, getFunction(text.getType(), symbols),
                         text);
  }

  static std::string describe(Operation *op) {
    std::string text = printPlace(op->getLoc());
    if (!text.empty())
      text += ": ";
    llvm::raw_string_ostream stream(text);
    stream << "error: ";
    if (auto dispatch = op->getParentOfType<DispatchOp>())
      stream << "the kernel of '" << dispatch.getLabel() << "'";
    else if (auto func = op->getParentOfType<func::FuncOp>())
      stream << "the code of '" << func.getName() << "'";
    stream << " leaves its memory: " << op->getName();
    for (Type type : op->getOperandTypes())
      if (isa<VectorType, MemRefType>(type))
        stream << ' ' << type;
    for (Type type : op->getResultTypes())
      stream << " -> " << type;
    return text;
  }

  LLVM::GlobalOp getText(const std::string &text, SymbolTable &symbols) {
    LLVM::GlobalOp &global = texts[text];
    if (global)
      return global;
    OpBuilder b(&getContext());
    std::string bytes(text.c_str(), text.size() + 1);
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size());
    global = LLVM::GlobalOp::create(
        b, getOperation().getLoc(), type, /*isConstant=*/true,
        LLVM::Linkage::Internal, "out_of_bounds", b.getStringAttr(bytes));
    symbols.insert(global, getOperation().getBody()->begin());
    return global;
  }

  func::FuncOp getFunction(Type pointer, SymbolTable &symbols) {
    if (auto func = symbols.lookup<func::FuncOp>(kFailureFunction))
      return func;
    OpBuilder b(&getContext());
    auto func =
        func::FuncOp::create(b, getOperation().getLoc(), kFailureFunction,
                             b.getFunctionType(pointer, {}));
    func.setPrivate();
    symbols.insert(func, getOperation().getBody()->begin());
    return func;
  }

  std::map<std::string, LLVM::GlobalOp> texts;
};

} // namespace
