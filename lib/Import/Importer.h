//===- Importer.h - the importer's class ------------------------*- C++ -*-===//
//
// Import.cpp has the module and its functions, ImportLayers.cpp the loops over
// layers, ImportMixture.cpp mixtures of experts, ImportWeights.cpp the weights,
// ImportExpr.cpp the operations, ImportScores.cpp those on scores.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_IMPORT_IMPORTER_H
#define TENON_LIB_IMPORT_IMPORTER_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "tenon/Import/Import.h"
#include "tenon/Language/Builtins.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
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
  bool markSources(const lang::DefDecl &def, mlir::func::FuncOp function);
  mlir::Value importBody(const lang::DefDecl &def, mlir::ValueRange inputs);
  mlir::Value importLayers(const lang::LayerLoopExpr &loop);
  mlir::Value importLoops(const lang::LayerLoopExpr &loop,
                          llvm::ArrayRef<lang::LayerLoop> parts, int64_t first,
                          Values inputs);
  mlir::Value importLoop(const lang::LayerLoopExpr &loop,
                         const lang::LayerLoop &part, int64_t first,
                         Values inputs);
  mlir::Value importRepetition(const lang::LayerLoopExpr &loop, int64_t first,
                               unsigned kind, Values inputs);
  mlir::Value stackIndex(const lang::BoundWeight &weight, mlir::Location loc);
  mlir::Value importMixture(const lang::LayerLoopExpr &loop);
  mlir::Value importTopK(const lang::CallExpr *call, mlir::Value input,
                         mlir::Location loc);
  mlir::Location location(lang::SourceRange range, std::string_view name = {});
  mlir::RankedTensorType tensorType(const lang::Type &type);

  // Weights.
  bool declareWeights();
  bool sourceName(const lang::BoundWeight &weight, std::string &name,
                  mlir::DenseI64ArrayAttr &layers);
  mlir::Type checkpointElement(const lang::BoundWeight &weight);
  mlir::Type elementType(DType type);
  mlir::Value weightRef(const lang::BoundWeight &weight, mlir::Location loc);
  mlir::Value importRope(const lang::CallExpr *call, mlir::Value input,
                         mlir::RankedTensorType type, mlir::Location loc);
  const lang::Expr *rotaryValue(const lang::Expr *expr,
                                std::string_view &name) const;
  mlir::Value sinusoidTable(const lang::CallExpr *call,
                            mlir::RankedTensorType type, mlir::Location loc);
  /// A reference to the computed weight of this content, which is declared
  /// under `symbol`, or a name close to it, if it isn't there yet.
  mlir::Value computedWeight(mlir::Attribute table, mlir::RankedTensorType type,
                             std::string symbol, mlir::Location declared,
                             mlir::Location used);
  bool readDivisors(const lang::Expr *expr, std::vector<double> &divisors);
  mlir::Value reference(llvm::StringRef symbol, mlir::RankedTensorType type,
                        mlir::Value layer, mlir::Location loc);
  /// The same weight as a matrix [N, A * B ...] of its shape [N, A, B, ...].
  mlir::Value flatten(WeightRefOp reference, mlir::Location loc);
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
  // Scores.
  mlir::Value importScores(const lang::CallExpr *call,
                           mlir::RankedTensorType type, mlir::Value input,
                           mlir::Location loc);
  mlir::Value relativeBias(const lang::CallExpr *call, int64_t heads,
                           mlir::Location loc);
  mlir::Value computedBias(mlir::Attribute source, mlir::RankedTensorType type,
                           const lang::BoundWeight *of, llvm::StringRef name,
                           mlir::Location loc);

  mlir::Value importWithNumber(const lang::BinaryExpr *expr,
                               mlir::Location loc);
  mlir::Value reduce(const lang::CallExpr *call, mlir::Value input,
                     Reduction kind, mlir::Location loc);
  bool checkPositions(const lang::CallExpr *call, mlir::Value ids);
  bool markEnding(const lang::CallExpr *call, mlir::Value ids);
  const lang::Expr *choose(const lang::Expr *expr) const;

  lang::BoundModel bound; ///< a copy: its layers are entered in turn
  const lang::Model &model;
  const Checkpoint *checkpoint;
  const ImportOptions &options;
  lang::Diagnostics &diagnostics;

  mlir::OpBuilder builder;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  int64_t context = 0;
  std::map<const lang::Decl *, mlir::Value> values; // inputs and lets
  // One reference for each weight in the function or layer at hand.
  llvm::StringMap<mlir::Value> references;
  // The layer at hand: the loops around it, from outside in, and the first
  // repetition that its body stands for.
  struct Loop {
    mlir::Value iteration;
    int64_t lower; ///< where `iteration` begins
    int64_t first; ///< the first repetition in it
    int64_t layersPerTrip;
  };
  llvm::SmallVector<Loop> loops;
  int64_t repetition = 0;
  // The place of the layer in stacks of these repetitions.
  std::map<std::vector<int64_t>, mlir::Value> stackIndices;
  mlir::Value expertIndex; // null outside a mixture
};

} // namespace tenon

#endif // TENON_LIB_IMPORT_IMPORTER_H
