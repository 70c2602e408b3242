//===- MicroToX86.cpp - micro-operations to x86's instructions ------------===//
//
// Instructions.def is the table; this file takes the row that fits and builds
// the call in its form.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "tenon/Conversion/MicroPasses.h"
#include "tenon/Dialect/Micro/IR/Micro.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon {
#define GEN_PASS_DEF_TENONMICROTOX86
#include "tenon/Conversion/MicroPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::micro;

namespace {

enum class Form { Plain, Accumulate, AddTo, TableFirst, Rounded, RoundedPair };

struct Instruction {
  StringRef operation;
  int64_t lanes;
  StringRef extensions;
  Form form;
  StringRef intrinsic;
};

const Instruction kInstructions[] = {
#define INSTRUCTION(OPERATION, LANES, EXTENSIONS, FORM, INTRINSIC)             \
  {micro::OPERATION::getOperationName(), LANES, EXTENSIONS, Form::FORM,        \
   INTRINSIC},
#include "Instructions.def"
#undef INSTRUCTION
};

/// Lanes of 32 bits; 0 of a scalar.
int64_t lanesOf(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? vector.getNumElements() * vector.getElementTypeBitWidth() / 32
                : 0;
}

const Instruction *findInstruction(StringRef operation, int64_t lanes,
                                   TargetAttr target) {
  for (const Instruction &row : kInstructions)
    if (row.operation == operation && row.lanes == lanes &&
        target.hasAll(row.extensions))
      return &row;
  return nullptr;
}

class Lowering {
public:
  Lowering(Operation *op, TargetAttr target)
      : op(op), target(target), b(op->getLoc(), op) {}

  /// What takes the place of the result; null if there is no instruction.
  Value lower() {
    Type type = op->getResult(0).getType();
    if (const Instruction *row = findInstruction(op->getName().getStringRef(),
                                                 lanesOf(type), target))
      return build(*row, op->getOperands());
    if (auto dot = dyn_cast<Dot4I8Op>(op))
      return lowerByPairs(dot);
    return {};
  }

private:
  Value call(StringRef intrinsic, Type type, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(b, b.getLoc(), type,
                                         b.getStringAttr(intrinsic), operands)
        .getResult(0);
  }

  Value build(const Instruction &row, ValueRange operands) {
    Type type = op->getResult(0).getType();
    auto allLanes = [&] {
      return LLVM::ConstantOp::create(b, b.getI16Type(),
                                      b.getI16IntegerAttr(-1));
    };
    // _MM_FROUND_CUR_DIRECTION, which is to the nearest.
    auto asTold = [&] {
      return LLVM::ConstantOp::create(b, b.getI32Type(),
                                      b.getI32IntegerAttr(4));
    };
    switch (row.form) {
    case Form::Plain:
    case Form::Accumulate:
      return call(row.intrinsic, type, operands);
    case Form::AddTo:
      return arith::AddIOp::create(
          b, operands[0], call(row.intrinsic, type, operands.drop_front()));
    case Form::TableFirst:
      return call(row.intrinsic, type,
                  {table(cast<LookupOp>(op)), operands[0]});
    case Form::Rounded: {
      Value none = arith::ConstantOp::create(b, b.getZeroAttr(type));
      Value lanes = allLanes(), mode = asTold();
      return call(row.intrinsic, type, {operands[0], none, lanes, mode});
    }
    case Form::RoundedPair: {
      Value lanes = allLanes(), mode = asTold();
      return call(row.intrinsic, type,
                  {operands[0], operands[1], operands[0], lanes, mode});
    }
    }
    llvm_unreachable("no such form");
  }

  /// The instruction looks up in each 128 bits for itself.
  Value table(LookupOp lookup) {
    auto type = lookup.getType();
    SmallVector<int8_t> bytes;
    for (int64_t i = 0; i < type.getNumElements(); ++i)
      bytes.push_back(lookup.getTable()[i % 16]);
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, ArrayRef<int8_t>(bytes)));
  }

  /// Bytes to 16 bits by shifts of what they are in: first the even bytes of
  /// each 32 bits, then the odd.
  Value lowerByPairs(Dot4I8Op dot) {
    auto sums = cast<VectorType>(dot.getType());
    const Instruction *pairProducts =
        findInstruction(Dot2I16Op::getOperationName(), lanesOf(sums), target);
    if (!pairProducts)
      return {};
    auto pairs = VectorType::get({2 * sums.getNumElements()}, b.getI16Type());
    auto parts = [&](Value value, bool isSigned) {
      Value wide = vector::BitCastOp::create(b, pairs, value);
      Value eight = arith::ConstantOp::create(
          b, DenseElementsAttr::get(pairs, APInt(16, 8)));
      Value up = arith::ShLIOp::create(b, wide, eight);
      if (isSigned)
        return std::pair<Value, Value>(arith::ShRSIOp::create(b, up, eight),
                                       arith::ShRSIOp::create(b, wide, eight));
      return std::pair<Value, Value>(arith::ShRUIOp::create(b, up, eight),
                                     arith::ShRUIOp::create(b, wide, eight));
    };
    auto [evenWeights, oddWeights] = parts(dot.getLhs(), /*isSigned=*/false);
    auto [even, odd] = parts(dot.getRhs(), /*isSigned=*/true);
    Value sum = dot.getSum();
    for (auto [w, a] :
         {std::pair(evenWeights, even), std::pair(oddWeights, odd)})
      sum = build(*pairProducts, {sum, w, a});
    return sum;
  }

  Operation *op;
  TargetAttr target;
  ImplicitLocOpBuilder b;
};

struct MicroToX86 : tenon::impl::TenonMicroToX86Base<MicroToX86> {
  void runOnOperation() override {
    TargetAttr target = tenon::getTarget(getOperation());
    if (target && !target.isX86())
      return;
    getOperation().walk([&](Operation *op) {
      if (!isa_and_nonnull<MicroDialect>(op->getDialect()))
        return;
      Value value = target ? Lowering(op, target).lower() : Value();
      if (!value) {
        ++numLeft;
        return;
      }
      op->getResult(0).replaceAllUsesWith(value);
      op->erase();
      ++numReplaced;
    });
  }
};

} // namespace
