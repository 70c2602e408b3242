// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// The operations of mixtures of experts, through the printer and the parser.

// CHECK: tenon.weight @w : tensor<24x64x64xf32> from [#tenon.source<"{i}.{e}.w", tensor<64x64xf32>>] stacked {tenon.experts = 8 : i64}
tenon.weight @w : tensor<24x64x64xf32> from [#tenon.source<"{i}.{e}.w", tensor<64x64xf32>>] stacked {tenon.experts = 8 : i64}

// CHECK-LABEL: func @top
func.func @top(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>, %m: memref<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: tenon.top_k %{{.*}} {k = 2 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %0 = tenon.top_k %x {k = 2 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  // CHECK: tenon.top_k %{{.*}} by(%{{.*}}) {best = 2 : i64, groups = 4 : i64, k = 3 : i64, keep = 2 : i64} : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = tenon.top_k %x by(%y) {k = 3 : i64, groups = 4 : i64, keep = 2 : i64, best = 2 : i64} : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  // CHECK: tenon.top_k %{{.*}} into %{{.*}} {k = 1 : i64, tile = #tenon.tile<group = 8>} : (memref<?x8xf32>, memref<?x8xf32>) -> ()
  tenon.top_k %m into %m {k = 1 : i64, tile = #tenon.tile<group = 8>} : (memref<?x8xf32>, memref<?x8xf32>) -> ()
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: func @mixture
func.func @mixture(%x: tensor<?x64xf32>, %g: tensor<?x8xf32>, %i: index) -> tensor<?x64xf32> {
  // CHECK: %[[Y:.*]] = tenon.mixture %{{.*}} gates(%{{.*}}) top 2 of 8 {
  // CHECK: ^bb0(%[[X:.*]]: tensor<?x64xf32>, %[[E:.*]]: index):
  // CHECK:   tenon.mixture_yield %{{.*}} : tensor<?x64xf32>
  // CHECK: } : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x64xf32>
  %c8 = arith.constant 8 : index
  %y = tenon.mixture %x gates(%g) top 2 of 8 {
  ^bb0(%rows: tensor<?x64xf32>, %e: index):
    %first = arith.muli %i, %c8 : index
    %n = arith.addi %first, %e : index
    %w = tenon.weight_ref @w[%n] : tensor<64x64xf32>
    %o = tenon.linear %rows, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    tenon.mixture_yield %o : tensor<?x64xf32>
  } : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: func @memory
func.func @memory(%g: memref<?x8xf32>, %n: memref<64xi32>, %w: memref<64xf32>, %o: memref<9xindex>,
                  %x: memref<4x64xf32>, %r: memref<4xi32>, %v: memref<4xf32>, %y: memref<?x64xf32>) {
  // CHECK: tenon.route %{{.*}} into %{{.*}}, %{{.*}}, %{{.*}} top 2 : memref<?x8xf32>, memref<64xi32>, memref<64xf32>, memref<9xindex>
  tenon.route %g into %n, %w, %o top 2 : memref<?x8xf32>, memref<64xi32>, memref<64xf32>, memref<9xindex>
  // CHECK: tenon.scatter_add %{{.*}} at %{{.*}}, %{{.*}} into %{{.*}} : memref<4x64xf32>, memref<4xi32>, memref<4xf32>, memref<?x64xf32>
  tenon.scatter_add %x at %r, %v into %y : memref<4x64xf32>, memref<4xi32>, memref<4xf32>, memref<?x64xf32>
  // CHECK: tenon.scatter_add %{{.*}} at %{{.*}} into %{{.*}} : memref<4x64xf32>, memref<4xi32>, memref<?x64xf32>
  tenon.scatter_add %x at %r into %y : memref<4x64xf32>, memref<4xi32>, memref<?x64xf32>
  // CHECK: tenon.clear %{{.*}} : memref<?x64xf32>
  tenon.clear %y : memref<?x64xf32>
  return
}
