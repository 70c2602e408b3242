//===- KernelBuilder.h - what kernel emitters share -------------*- C++ -*-===//
//
// A builder of vector kernels in the `vector`, `scf`, `arith` and `memref`
// dialects, parameterised by the target: rows in vectors with masked tails,
// conversions on load and store, fused multiply-adds, elementary functions, and
// reductions of a fixed order.
//
// Everything computed is f32; other element types are converted at loads and
// stores.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_CONVERSION_KERNELBUILDER_H
#define TENON_CONVERSION_KERNELBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon {

class KernelBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using Value = mlir::Value;
  using ValueRange = mlir::ValueRange;
  using Values = llvm::SmallVector<mlir::Value>;
  /// A static extent or a value of index type.
  using Extent = mlir::OpFoldResult;

  /// Inserts before `op`, for the target of the module around it (a portable
  /// one of 128-bit vectors if it has none).
  explicit KernelBuilder(mlir::Operation *op);

  TargetAttr getTarget() const { return target; }
  /// f32 elements in a vector register.
  int64_t lanes() const { return numLanes; }
  mlir::VectorType vectorType(mlir::Type element) const;
  mlir::VectorType f32VectorType() { return vectorType(getF32Type()); }

  //===--------------------------------------------------------------------===//
  // Scalars, indices, constants
  //===--------------------------------------------------------------------===//

  Value index(int64_t value);
  Value f32(double value);
  /// A register of f32 with this constant in every lane.
  Value splat(double value);
  /// A register with these 32 bits in every lane.
  Value splatI32(int64_t value);
  /// A register with an f32 scalar in every lane.
  Value splat(Value scalar);
  Value addIndex(Value a, Value b);
  Value addIndex(Value a, int64_t b);
  Value mulIndex(Value a, int64_t b);
  /// The extent of a memref's dimension: static where the type knows it.
  Extent dim(Value memref, int64_t dimension);
  /// An extent as a value.
  Value materialize(Extent extent);
  /// `a / b` and `a % b` of indices that are not negative.
  std::pair<Value, Value> divideIndex(Value a, int64_t b);

  //===--------------------------------------------------------------------===//
  // Loops
  //===--------------------------------------------------------------------===//

  /// `for (i = lb; i < ub; i += step)`, carrying values; the body returns the
  /// next ones. Returns the last ones.
  Values loop(Value lb, Value ub, int64_t step, ValueRange inits,
              llvm::function_ref<Values(Value, ValueRange)> body);
  void loop(Value lb, Value ub, int64_t step,
            llvm::function_ref<void(Value)> body);
  /// A nest of loops from 0 over these extents.
  void loopNest(llvm::ArrayRef<Extent> extents,
                llvm::function_ref<void(ValueRange)> body);
  /// Covers `[0, length)` by vectors: full ones with a null mask, then a tail
  /// with a mask of i1 lanes. With a dynamic length every vector is masked.
  Values forEachVector(
      Extent length, ValueRange inits,
      llvm::function_ref<Values(Value column, Value mask, ValueRange)> body);
  void forEachVector(Extent length,
                     llvm::function_ref<void(Value column, Value mask)> body);

  /// A loop over [0, count) whose trips `tenon-unroll` writes out. One trip is
  /// written as it is.
  Values unrolled(int64_t count, ValueRange inits,
                  llvm::function_ref<Values(Value, ValueRange)> body);
  void unrolled(int64_t count, llvm::function_ref<void(Value)> body);
  /// One that passes an array of registers on.
  Value unrolled(int64_t count, Value array,
                 llvm::function_ref<Value(Value, Value)> body);

  //===--------------------------------------------------------------------===//
  // Arrays of registers: vectors whose last dimension is a register
  //===--------------------------------------------------------------------===//

  /// An array that holds nothing yet, of registers of this element type.
  Value array(llvm::ArrayRef<int64_t> shape, mlir::Type element);
  /// An array with this register everywhere.
  Value filledArray(llvm::ArrayRef<int64_t> shape, Value filling);
  /// An array of these registers, in order.
  Value arrayOf(llvm::ArrayRef<int64_t> shape, ValueRange registers);
  /// The registers of an array, in order.
  Values registersOf(Value array);
  /// The register at a place.
  Value get(Value array, ValueRange place);
  /// The array with another register at a place.
  Value set(Value array, ValueRange place, Value next);
  /// The place of register `number`, in order, in an array of this shape.
  Values placeInArray(llvm::ArrayRef<int64_t> shape, int64_t number);

  //===--------------------------------------------------------------------===//
  // Memory: last dimension contiguous
  //===--------------------------------------------------------------------===//

  /// Lanes [0, count) set.
  Value maskOf(int64_t count);
  /// A register from memref[indices ...], converted to f32 (i32 stays); lanes
  /// outside the mask are 0.
  Value load(Value memref, ValueRange indices, Value mask = {});
  /// Stores a register of f32 (or i32), converted to the memref's element type
  /// with rounding to nearest even.
  void store(Value vector, Value memref, ValueRange indices, Value mask = {});
  /// Memory of the task that the kernel is part of, on the worker's stack,
  /// aligned to 64 bytes. Holds nothing at first; the next kernel of the task
  /// that asks for the same type gets the same.
  Value scratch(llvm::ArrayRef<int64_t> shape, mlir::Type element,
                llvm::StringRef purpose);
  /// Asks for the line of an element for the first- or the second-level cache
  /// (1 or 2). May be past the memref's end.
  void prefetch(Value memref, ValueRange indices, int cache);
  /// One element as f32 (integers as they are).
  Value loadScalar(Value memref, ValueRange indices);
  void storeScalar(Value scalar, Value memref, ValueRange indices);
  /// f32 from f16/bf16/f32 and back, scalars or vectors.
  Value toF32(Value value);
  Value fromF32(Value value, mlir::Type element);

  //===--------------------------------------------------------------------===//
  // Arithmetic on f32 scalars or vectors
  //===--------------------------------------------------------------------===//

  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value div(Value a, Value b);
  Value max(Value a, Value b);
  Value min(Value a, Value b);
  /// a * b + c: fused if the target has FMA, else two operations.
  Value fma(Value a, Value b, Value c);
  /// Pairs of bf16 for a register of f32, of targets with dot products of them.
  mlir::VectorType pairsType();
  /// The pair at memref[indices ...] and the element after it, in every lane.
  Value loadPair(Value memref, ValueRange indices);
  /// A pair, vector<2xbf16>, in every lane.
  Value splatPair(Value pair);
  /// sum + a[1] b[1] + a[0] b[0] of the pairs in each lane (micro.dot2_bf16).
  Value dotPairs(Value a, Value b, Value sum);
  /// The nearest integer, ties to even, of |x| < 2^22, on any target: i32.
  Value roundToInteger(Value x);
  /// The constant in the shape of `like`.
  Value constantLike(double value, Value like);
  /// Sum of the lanes as a balanced tree of halves.
  Value reduceAdd(Value vector);
  Value reduceMax(Value vector);
  /// Transposes a square of registers: as many as a register has lanes.
  Values transpose(ValueRange rows);
  /// Reduces each of as many registers as one has lanes: lane i of the result
  /// is the combination of all lanes of rows[i], in the order of a tree.
  Value reduceRows(ValueRange rows,
                   llvm::function_ref<Value(Value, Value)> combine);

  /// 2^x within 3 ulp for x below 127, exactly 1 at 0, 0 from -151 down (also
  /// for minus infinity).
  Value exp2(Value x);
  /// Of numbers that are not above 0; exactly 0 below 2^-125, which is nothing
  /// beside the 1 of the largest.
  Value exp2OfNegative(Value x);
  /// e^x within 3 ulp, 0 from -104 down, infinity above 88.73.
  Value exp(Value x);
  /// The natural logarithm within 3 ulp; minus infinity of 0, no number below.
  Value log(Value x);
  Value tanh(Value x);
  Value sigmoid(Value x);
  /// The standard normal distribution up to x: 0 from -12 down, 1 from 6 on.
  Value normalCdf(Value x);
  Value activation(ActivationKind kind, Value x);

  /// Evaluates c[0] x^n + ... + c[n] by Horner's rule.
  Value polynomial(Value x, llvm::ArrayRef<double> coefficients);

private:
  Value scaleByPowerOfTwo(Value x, Value integral, bool isNormal = false);
  Value exp2Of(Value x, bool isNormal);

  TargetAttr target;
  int64_t numLanes;
};

} // namespace tenon

#endif // TENON_CONVERSION_KERNELBUILDER_H
