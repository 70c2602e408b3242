//===- EntryOptimizer.cpp - steps of SGD, Lion and Muon in memory ---------===//

#include "EntryRewriter.h"
#include "WeightLayout.h"
#include "tenon/Dialect/Tenon/IR/TenonOptimizer.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

using namespace mlir;
using namespace tenon;

static WeightOp weightOf(Operation *op, FlatSymbolRefAttr name) {
  return SymbolTable::lookupNearestSymbolFrom<WeightOp>(op, name);
}

bool EntryRewriter::rewriteOptimizer(Operation *op) {
  Location loc = op->getLoc();
  Value weights = newFunc.getArgument(EntryArguments::Weights);
  auto label = [&](Operation *step, StringRef name) {
    step->setAttr(kLabelAttrName,
                  builder.getStringAttr("update " + name.str()));
  };
  if (auto update = dyn_cast<MomentumUpdateOp>(op)) {
    auto [type, offset] = wholeWeight(weightOf(op, update.getWeightAttr()));
    Value at = constant(loc, offset);
    label(MomentumOp::create(
              builder, loc, viewAt(loc, weights, type, at),
              viewAt(loc, gradients, type, at), viewAt(loc, moments, type, at),
              mapping.lookup(update.getNumbers()),
              mapping.lookup(update.getNorm()), update.getDecay()),
          update.getWeight());
    return true;
  }
  if (auto direction = dyn_cast<MuonDirectionOp>(op)) {
    WeightOp weight = weightOf(op, direction.getWeightAttr());
    MemRefType type = getWeightMemRef(weight.getLayerType());
    Value at = layerOffset(loc, weight, direction.getLayer());
    Value out = chooseOutput(op);
    label(LeanOp::create(builder, loc, viewAt(loc, gradients, type, at),
                         viewAt(loc, moments, type, at),
                         mapping.lookup(direction.getNumbers()),
                         mapping.lookup(direction.getNorm()), out),
          direction.getWeight());
    return true;
  }
  if (auto update = dyn_cast<MuonUpdateOp>(op)) {
    WeightOp weight = weightOf(op, update.getWeightAttr());
    MemRefType type = getWeightMemRef(weight.getLayerType());
    Value at = layerOffset(loc, weight, update.getLayer());
    label(StepAlongOp::create(builder, loc, viewAt(loc, weights, type, at),
                              withUnitStride(loc, update.getDirection()),
                              mapping.lookup(update.getNumbers()),
                              update.getFactorAttr()),
          update.getWeight());
    return true;
  }
  return false;
}
