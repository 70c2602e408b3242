//===- ImportMixture.cpp - layers inside of layers ------------------------===//
//
// `expert+(x, g)` becomes a tenon.mixture, whose body is the expert's def.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"

using namespace tenon;
using namespace mlir;

Value Importer::importMixture(const lang::LayerLoopExpr &loop) {
  const lang::DefDecl &body = *loop.layer->body;
  SmallVector<Value> operands;
  for (const lang::Argument &argument : loop.arguments) {
    Value value = importExpr(argument.value);
    if (!value)
      return {};
    operands.push_back(value);
  }
  Value gates = operands.pop_back_val();
  Location loc = location(loop.range, loop.layerName);
  int64_t experts = bound.layerCount(loop.layer);
  auto mixture =
      MixtureOp::create(builder, loc, tensorType(body.type), operands, gates,
                        getMostNonzero(gates), experts);
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&mixture.getBody());
  SmallVector<Value> rows;
  for (const lang::InputDecl *input : body.inputs)
    rows.push_back(block->addArgument(tensorType(input->type),
                                      location(input->nameRange, input->name)));
  block->addArgument(builder.getIndexType(), loc);

  // References of the body, and what they compute, stand in the body.
  auto outerReferences = std::move(references);
  auto outerIndices = stackIndices;
  references.clear();
  expertIndex = mixture.getExpert();
  Value result = importBody(body, rows);
  expertIndex = {};
  references = std::move(outerReferences);
  stackIndices = std::move(outerIndices);
  if (!result)
    return {};
  MixtureYieldOp::create(builder, location(body.result->range), result);
  return mixture.getResult();
}

Value Importer::importTopK(const lang::CallExpr *call, Value input,
                           Location loc) {
  Value by;
  if (call->slots[2] && !(by = importExpr(call->slots[2])))
    return {};
  auto number = [&](unsigned slot, int64_t otherwise) {
    return call->slots[slot] ? bound.evaluateInt(call->slots[slot]) : otherwise;
  };
  int64_t groups = number(3, 1);
  return TopKOp::create(builder, loc, tensorType(call->type), input, by,
                        /*out=*/Value(), bound.evaluateInt(call->slots[1]),
                        groups, number(4, groups), number(5, 1), TileAttr())
      .getResult();
}
