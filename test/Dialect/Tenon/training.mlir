// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// The operations of learning, through the printer and the parser.

tenon.weight @w : tensor<3x64x32xf32> from [#tenon.source<"{i}.w", tensor<64x32xf32>>] stacked
tenon.weight @b : tensor<64xf32> from [#tenon.source<"b", tensor<64xf32>>]

// CHECK-LABEL: func @tensors
func.func @tensors(%x: tensor<?x32xf32>, %h: tensor<8x?x16xf32>, %t: tensor<?xi32>, %s: tensor<1x64xf32>) {
  // CHECK: tenon.zero_pad %{{.*}} {offset = 64 : i64} : (tensor<?x32xf32>) -> tensor<?x128xf32>
  %0 = tenon.zero_pad %x {offset = 64 : i64} : (tensor<?x32xf32>) -> tensor<?x128xf32>
  // CHECK: tenon.sum_heads %{{.*}} : (tensor<8x?x16xf32>) -> tensor<4x?x16xf32>
  %1 = tenon.sum_heads %h : (tensor<8x?x16xf32>) -> tensor<4x?x16xf32>
  // CHECK: tenon.activation_gradient %{{.*}}, %{{.*}} {kind = #tenon.activation_kind<silu>} : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %2 = tenon.activation_gradient %x, %x {kind = #tenon.activation_kind<silu>} : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  // CHECK: tenon.cross_entropy %{{.*}}, %{{.*}} : (tensor<?x32xf32>, tensor<?xi32>) -> tensor<?x1xf32>
  %3 = tenon.cross_entropy %x, %t : (tensor<?x32xf32>, tensor<?xi32>) -> tensor<?x1xf32>
  // CHECK: tenon.cross_entropy_gradient %{{.*}}, %{{.*}} : (tensor<?x32xf32>, tensor<?xi32>) -> tensor<?x32xf32>
  %4 = tenon.cross_entropy_gradient %x, %t : (tensor<?x32xf32>, tensor<?xi32>) -> tensor<?x32xf32>
  // CHECK: tenon.squeeze %{{.*}} : tensor<1x64xf32> -> tensor<64xf32>
  %5 = tenon.squeeze %s : tensor<1x64xf32> -> tensor<64xf32>
  // CHECK: tenon.zeros_like %{{.*}} : (tensor<?x32xf32>) -> tensor<?x32xf32>
  %6 = tenon.zeros_like %x : (tensor<?x32xf32>) -> tensor<?x32xf32>
  // CHECK: tenon.clamp_gradient %{{.*}}, %{{.*}} {high = 7.000000e+00 : f32, low = -7.000000e+00 : f32} : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %7 = tenon.clamp_gradient %x, %x {low = -7.0 : f32, high = 7.0 : f32} : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  // CHECK: tenon.pad_rows %{{.*}}, %{{.*}} {offset = 1 : i64} : (tensor<1x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %8 = tenon.zero_pad %x {offset = 0 : i64} : (tensor<?x32xf32>) -> tensor<?x64xf32>
  %9 = tenon.pad_rows %s, %8 {offset = 1 : i64} : (tensor<1x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  return
}

// CHECK-LABEL: func @scores
func.func @scores(%s: tensor<8x?x?xf32>, %i: tensor<33xi32>) {
  // CHECK: tenon.score_bias_gradient %{{.*}} : (tensor<8x?x?xf32>) -> tensor<8x33xf32>
  %0 = tenon.score_bias_gradient %s : (tensor<8x?x?xf32>) -> tensor<8x33xf32>
  // CHECK: tenon.distance_gather_gradient %{{.*}}, %{{.*}} : (tensor<8x?x?xf32>, tensor<33xi32>) -> tensor<8x?x12xf32>
  %1 = tenon.distance_gather_gradient %s, %i : (tensor<8x?x?xf32>, tensor<33xi32>) -> tensor<8x?x12xf32>
  return
}

// CHECK-LABEL: func @mixture
func.func @mixture(%x: tensor<?x64xf32>, %g: tensor<?x8xf32>, %dy: tensor<?x64xf32>) {
  // CHECK: %{{.*}}:2 = tenon.mixture_gradient %{{.*}} gates(%{{.*}}) gradient(%{{.*}}) top 2 of 8 {
  // CHECK: ^bb0(%{{.*}}: tensor<?x64xf32>, %[[GATE:.*]]: tensor<?x1xf32>, %[[D:.*]]: tensor<?x64xf32>, %{{.*}}: index):
  // CHECK: tenon.mixture_gradient_yield %[[D]], %[[GATE]] : tensor<?x64xf32>, tensor<?x1xf32>
  // CHECK: } : (tensor<?x64xf32>, tensor<?x8xf32>, tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x8xf32>)
  %dx, %dg = tenon.mixture_gradient %x gates(%g) gradient(%dy) top 2 of 8 {
  ^bb0(%rows: tensor<?x64xf32>, %gate: tensor<?x1xf32>, %d: tensor<?x64xf32>, %e: index):
    tenon.mixture_gradient_yield %d, %gate : tensor<?x64xf32>, tensor<?x1xf32>
  } : (tensor<?x64xf32>, tensor<?x8xf32>, tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x8xf32>)
  return
}

// CHECK-LABEL: func @gradients
func.func @gradients(%x: tensor<?x32xf32>, %dy: tensor<?x64xf32>, %t: tensor<?xi32>, %v: tensor<64xf32>, %i: index) {
  // CHECK: %[[W:.*]] = tenon.gradient @w[%{{.*}}] : memref<64x32xf32>
  %w = tenon.gradient @w[%i] : memref<64x32xf32>
  // CHECK: %[[B:.*]] = tenon.gradient @b : memref<64xf32>
  %b = tenon.gradient @b : memref<64xf32>
  // CHECK: tenon.weight_gradient %{{.*}}, %{{.*}} into %[[W]] : tensor<?x64xf32>, tensor<?x32xf32>, memref<64x32xf32>
  tenon.weight_gradient %dy, %x into %w : tensor<?x64xf32>, tensor<?x32xf32>, memref<64x32xf32>
  // CHECK: tenon.embedding_gradient %{{.*}}, %{{.*}} into %[[W]] : tensor<?xi32>, tensor<?x32xf32>, memref<64x32xf32>
  tenon.embedding_gradient %t, %x into %w : tensor<?xi32>, tensor<?x32xf32>, memref<64x32xf32>
  // CHECK: tenon.add_gradient %{{.*}} into %[[B]] : tensor<64xf32>, memref<64xf32>
  tenon.add_gradient %v into %b : tensor<64xf32>, memref<64xf32>
  return
}

// CHECK-LABEL: func @kept
func.func @kept(%x: tensor<?x32xf32>, %i: index) -> tensor<?x32xf32> {
  // CHECK: %[[S:.*]] = tenon.stash %{{.*}} : tensor<?x32xf32> -> memref<5x?x32xf32>
  %s = tenon.stash %x : tensor<?x32xf32> -> memref<5x?x32xf32>
  // CHECK: tenon.keep %{{.*}} in %[[S]][%{{.*}}] : tensor<?x32xf32>, memref<5x?x32xf32>
  tenon.keep %x in %s[%i] : tensor<?x32xf32>, memref<5x?x32xf32>
  // CHECK: tenon.kept %[[S]][%{{.*}}] : memref<5x?x32xf32> -> tensor<?x32xf32>
  %y = tenon.kept %s[%i] : memref<5x?x32xf32> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// CHECK-LABEL: func @step
func.func @step(%numbers: tensor<10xf32>) -> tensor<1x1xf32> {
  // CHECK: %[[N:.*]] = tenon.gradient_norm %{{.*}} : tensor<10xf32> -> tensor<1x1xf32>
  %n = tenon.gradient_norm %numbers : tensor<10xf32> -> tensor<1x1xf32>
  // CHECK: tenon.update @w by %{{.*}} norm %[[N]] {decay} : tensor<10xf32>, tensor<1x1xf32>
  tenon.update @w by %numbers norm %n {decay} : tensor<10xf32>, tensor<1x1xf32>
  return %n : tensor<1x1xf32>
}

// CHECK-LABEL: func @memory
func.func @memory(%g: memref<10000xf32>, %s: memref<3xf32>, %numbers: memref<10xf32>, %n: memref<1x1xf32>) {
  // CHECK: tenon.sum_squares %{{.*}} into %{{.*}} : memref<10000xf32>, memref<3xf32>
  tenon.sum_squares %g into %s : memref<10000xf32>, memref<3xf32>
  // CHECK: tenon.norm_of_sums %{{.*}}, %{{.*}} into %{{.*}} : memref<3xf32>, memref<10xf32>, memref<1x1xf32>
  tenon.norm_of_sums %s, %numbers into %n : memref<3xf32>, memref<10xf32>, memref<1x1xf32>
  // CHECK: tenon.adamw %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} by %{{.*}} norm %{{.*}} {decay}
  tenon.adamw %g, %g, %g, %g by %numbers norm %n {decay}
    : memref<10000xf32>, memref<10000xf32>, memref<10000xf32>, memref<10000xf32>, memref<10xf32>, memref<1x1xf32>
  return
}
