//===- EntryWrapper.cpp - what the runtime calls --------------------------===//

#include "EntryWrapper.h"
#include "mlir/IR/Builders.h"
#include "tenon/Conversion/LoweringPasses.h"

using namespace mlir;
using namespace tenon;

LLVM::LLVMFuncOp tenon::createEntryWrapper(LLVM::LLVMFuncOp entry) {
  Location loc = entry.getLoc();
  MLIRContext *context = entry.getContext();
  OpBuilder builder(context);
  builder.setInsertionPointAfter(entry);
  Type pointer = LLVM::LLVMPointerType::get(context);
  Type i64 = builder.getI64Type();
  // struct TenonFrame { weights, arena, cache, buffers; T, position, rows, S }
  Type frame = LLVM::LLVMStructType::getLiteral(
      context, {pointer, pointer, pointer, pointer, i64, i64, i64, i64});
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), {pointer});
  auto wrapper = LLVM::LLVMFuncOp::create(
      builder, loc, (kEntryPrefix + entry.getName()).str(), type);
  Block *body = wrapper.addEntryBlock(builder);
  builder.setInsertionPointToStart(body);

  auto field = [&](int32_t index, Type fieldType) -> Value {
    Value place =
        LLVM::GEPOp::create(builder, loc, pointer, frame, body->getArgument(0),
                            ArrayRef<LLVM::GEPArg>{0, index});
    return LLVM::LoadOp::create(builder, loc, fieldType, place);
  };
  SmallVector<Value> operands;
  for (int32_t memory : {0, 1, 2})
    operands.push_back(field(memory, pointer));
  Value buffers = field(3, pointer);
  // The numbers at the end: T, position and rows, and S where there is a source.
  constexpr int32_t kScalars[] = {4, 5, 6, 7};
  unsigned numArguments = entry.getNumArguments(), numScalars = 0;
  while (numScalars < std::size(kScalars) && numScalars < numArguments &&
         entry.getArgument(numArguments - 1 - numScalars).getType() == i64)
    ++numScalars;
  unsigned numBuffers = numArguments - 3 - numScalars;
  for (unsigned i = 0; i < numBuffers; ++i) {
    Value place = LLVM::GEPOp::create(builder, loc, pointer, pointer, buffers,
                                      ArrayRef<LLVM::GEPArg>{int32_t(i)});
    operands.push_back(LLVM::LoadOp::create(builder, loc, pointer, place));
  }
  for (int32_t scalar : ArrayRef(kScalars).take_front(numScalars))
    operands.push_back(field(scalar, i64));
  LLVM::CallOp::create(builder, loc, entry, operands);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
  return wrapper;
}
