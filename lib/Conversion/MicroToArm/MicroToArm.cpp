//===- MicroToArm.cpp - micro-operations to AArch64's instructions --------===//
//
// Instructions.def is the table; this file takes the row that fits and builds
// the calls in its form.
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
#define GEN_PASS_DEF_TENONMICROTOARM
#include "tenon/Conversion/MicroPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::micro;

namespace {

enum class Form { Plain, TableFirst, Two, PairsOf16, QuadsOf8 };

struct Instruction {
  StringRef operation;
  int64_t lanes;
  StringRef extensions;
  Form form;
  StringRef intrinsics[3];
};

const Instruction kInstructions[] = {
#define INSTRUCTION(OPERATION, LANES, EXTENSIONS, FORM, ...)                   \
  {micro::OPERATION::getOperationName(),                                       \
   LANES,                                                                      \
   EXTENSIONS,                                                                 \
   Form::FORM,                                                                 \
   {__VA_ARGS__}},
#include "Instructions.def"
#undef INSTRUCTION
};

/// Lanes of 32 bits; 0 of a scalar.
int64_t lanesOf(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? vector.getNumElements() * vector.getElementTypeBitWidth() / 32
                : 0;
}

const Instruction *findInstruction(Operation *op, TargetAttr target) {
  int64_t lanes = lanesOf(op->getResult(0).getType());
  for (const Instruction &row : kInstructions)
    if (row.operation == op->getName().getStringRef() && row.lanes == lanes &&
        target.hasAll(row.extensions))
      return &row;
  return nullptr;
}

class Lowering {
public:
  Lowering(Operation *op, const Instruction &row)
      : op(op), row(row), b(op->getLoc(), op) {}

  /// What takes the place of the result.
  Value lower() {
    Type type = op->getResult(0).getType();
    switch (row.form) {
    case Form::Plain:
      return call(0, type, op->getOperands());
    case Form::TableFirst:
      return call(0, type, {table(cast<LookupOp>(op)), op->getOperand(0)});
    case Form::Two: {
      Value sum = call(0, type, op->getOperands());
      return call(1, type, {sum, op->getOperand(1), op->getOperand(2)});
    }
    case Form::PairsOf16:
      return add(call(1, type, {multiply(0, type), multiply(1, type)}));
    case Form::QuadsOf8: {
      auto words = VectorType::get({8}, b.getI16Type());
      Value low = call(1, type, multiply(0, words));
      Value high = call(1, type, multiply(1, words));
      return add(call(2, type, {low, high}));
    }
    }
    llvm_unreachable("no such form");
  }

private:
  Value call(size_t intrinsic, Type type, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(
               b, b.getLoc(), type, b.getStringAttr(row.intrinsics[intrinsic]),
               operands)
        .getResult(0);
  }

  Value add(Value value) {
    return arith::AddIOp::create(b, op->getOperand(0), value);
  }

  /// Products of the lower (0) or the upper halves of both factors, in twice as
  /// many bits.
  Value multiply(int64_t half, Type products) {
    auto halfOf = [&](Value value) -> Value {
      int64_t size = cast<VectorType>(value.getType()).getNumElements() / 2;
      return vector::ExtractStridedSliceOp::create(
          b, value, ArrayRef<int64_t>{half * size}, ArrayRef<int64_t>{size},
          ArrayRef<int64_t>{1});
    };
    return call(0, products,
                {halfOf(op->getOperand(1)), halfOf(op->getOperand(2))});
  }

  Value table(LookupOp lookup) {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(cast<ShapedType>(lookup.getType()),
                                  lookup.getTable()));
  }

  Operation *op;
  const Instruction &row;
  ImplicitLocOpBuilder b;
};

struct MicroToArm : tenon::impl::TenonMicroToArmBase<MicroToArm> {
  void runOnOperation() override {
    TargetAttr target = tenon::getTarget(getOperation());
    if (!target || !target.isAArch64())
      return;
    getOperation().walk([&](Operation *op) {
      if (!isa_and_nonnull<MicroDialect>(op->getDialect()))
        return;
      const Instruction *row = findInstruction(op, target);
      if (!row) {
        ++numLeft;
        return;
      }
      op->getResult(0).replaceAllUsesWith(Lowering(op, *row).lower());
      op->erase();
      ++numReplaced;
    });
  }
};

} // namespace
