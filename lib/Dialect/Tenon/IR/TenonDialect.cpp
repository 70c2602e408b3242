//===- TenonDialect.cpp - the tenon dialect -------------------------------===//

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "mlir/IR/DialectImplementation.h"
#include "tenon/Dialect/Tenon/IR/Plan.h"
#include "tenon/Dialect/Tenon/IR/TenonFrozen.h"
#include "tenon/Dialect/Tenon/IR/TenonLearning.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "tenon/Dialect/Tenon/IR/TenonOptimizer.h"
#include "tenon/Dialect/Tenon/IR/TenonTexts.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"
#include "tenon/Dialect/Tenon/IR/TenonTurns.h"
#include "tenon/Dialect/Tenon/IR/TenonWindows.h"
#include "tenon/Dialect/Tenon/IR/Tuning.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon;

#include "tenon/Dialect/Tenon/IR/TenonDialect.cpp.inc"
#include "tenon/Dialect/Tenon/IR/TenonEnums.cpp.inc"
#include "tenon/Dialect/Tenon/IR/TenonInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonTypes.cpp.inc"

//===----------------------------------------------------------------------===//
// custom<Position>: %position, or rows(%positions : type)
//===----------------------------------------------------------------------===//

static ParseResult parsePosition(OpAsmParser &parser,
                                 OpAsmParser::UnresolvedOperand &position,
                                 Type &type) {
  if (failed(parser.parseOptionalKeyword("rows"))) {
    type = parser.getBuilder().getIndexType();
    return parser.parseOperand(position);
  }
  return failure(parser.parseLParen() || parser.parseOperand(position) ||
                 parser.parseColonType(type) || parser.parseRParen());
}

static void printPosition(OpAsmPrinter &printer, Operation *, Value position,
                          Type type) {
  if (isa<IndexType>(type))
    printer << position;
  else
    printer << "rows(" << position << " : " << type << ")";
}

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonOps.cpp.inc"

void TenonDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "tenon/Dialect/Tenon/IR/TenonAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "tenon/Dialect/Tenon/IR/TenonTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/Tenon/IR/TenonOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/Tenon/IR/TenonMixtureOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/Tenon/IR/TenonTrainingOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/Tenon/IR/TenonLearningOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/Tenon/IR/TenonFrozenOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/Tenon/IR/TenonOptimizerOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/Tenon/IR/TenonWindowOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/Tenon/IR/TenonTextOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/Tenon/IR/TenonTurnOps.cpp.inc"
      >();
}

TargetAttr tenon::getTarget(Operation *op) {
  for (; op; op = op->getParentOp())
    if (auto target = op->getAttrOfType<TargetAttr>(kTargetAttrName))
      return target;
  return {};
}
