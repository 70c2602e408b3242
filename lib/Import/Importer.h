//===- Importer.h - the importer's class ------------------------*- C++ -*-===//
//
// Import.cpp has the module and its functions, ImportWeights.cpp the weights,
// ImportExpr.cpp the operations.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_IMPORT_IMPORTER_H
#define TENON_LIB_IMPORT_IMPORTER_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "tenon/Import/Import.h"
#include "tenon/Language/Builtins.h"

#include "mlir/IR/Builders.h"

namespace tenon {

class Importer {
public:
  Importer(mlir::MLIRContext &context, const lang::BoundModel &bound,
           const Checkpoint *checkpoint, const ImportOptions &options,
           lang::Diagnostics &diagnostics);

  mlir::OwningOpRef<mlir::ModuleOp> import();

private:
  using Values = llvm::SmallVector<mlir::Value, 4>;

  // Functions.
  bool importEntry(const lang::DefDecl &def);
  mlir::Value importBody(const lang::DefDecl &def, mlir::ValueRange inputs);
  mlir::Value importLayers(const lang::LayerLoopExpr &loop);
  mlir::Location location(lang::SourceRange range, std::string_view name = {});
  mlir::RankedTensorType tensorType(const lang::Type &type);

  // Weights.
  bool declareWeights();
  void declareWeight(const lang::BoundWeight &weight);
  mlir::Type checkpointElement(const lang::BoundWeight &weight);
  mlir::Type elementType(DType type);
  mlir::Value weightRef(const lang::BoundWeight &weight, mlir::Location loc);
  mlir::Value rotaryTable(const lang::Expr *expr, int64_t dim,
                          std::string_view name, mlir::Location loc);
  bool readDivisors(const lang::Expr *expr, std::vector<double> &divisors);
  mlir::Value reference(llvm::StringRef symbol, mlir::RankedTensorType type,
                        mlir::Value layer, mlir::Location loc);
  void finishWeights();

  // Expressions. A null value: an error has been reported. `name` is that of
  // the `let` around the expression.
  mlir::Value importExpr(const lang::Expr *expr, std::string_view name = {});
  mlir::Value importName(const lang::NameExpr *expr, mlir::Location loc);
  mlir::Value importBinary(const lang::BinaryExpr *expr, std::string_view name);
  mlir::Value importCall(const lang::CallExpr *call, std::string_view name);
  mlir::Value importBuiltin(const lang::CallExpr *call, mlir::Location loc);
  Values importSplit(const lang::CallExpr *call, std::string_view name);
  /// A weight, or null when it is absent: a bias that isn't there.
  mlir::Value importOptional(const lang::Expr *expr);
  mlir::Value activation(mlir::Location loc, mlir::Value input,
                         lang::BuiltinId id);
  mlir::Value scale(mlir::Location loc, mlir::Value input, double factor);
  bool checkPositions(const lang::CallExpr *call);
  const lang::Expr *choose(const lang::Expr *expr) const;

  const lang::BoundModel &bound;
  const lang::Model &model;
  const Checkpoint *checkpoint;
  const ImportOptions &options;
  lang::Diagnostics &diagnostics;

  mlir::OpBuilder builder;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  int64_t context = 0;
  std::map<const lang::Decl *, mlir::Value> values; // inputs and lets
  // One reference for each weight in the function or loop at hand.
  llvm::StringMap<mlir::Value> references;
  mlir::Value layerIndex; // null outside a loop
};

} // namespace tenon

#endif // TENON_LIB_IMPORT_IMPORTER_H
