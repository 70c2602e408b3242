// RUN: tenon-opt %s --tenon-fuse-attention --split-input-file | FileCheck %s
// RUN: tenon-opt %s --tenon-fuse-attention --split-input-file --tenon-statistics -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=STATS

// The chain between product and softmax: scale, cap, bias, masks, sink.

// STATS: tenon-fuse-attention: 3 biases
// STATS: tenon-fuse-attention: 3 caps
// STATS: tenon-fuse-attention: 4 declined-order
// STATS: tenon-fuse-attention: 1 declined-scale
// STATS: tenon-fuse-attention: 1 declined-scores
// STATS: tenon-fuse-attention: 6 fused
// STATS: tenon-fuse-attention: 1 sinks

!qkv = tensor<4x?x8xf32>
!keys = tensor<4x8x?xf32>
!scores = tensor<4x?x?xf32>
!bias = tensor<4x577xf32>

// All of it. The scale after the bias is the bias's too.
// CHECK-LABEL: func @all
// CHECK-NEXT: tenon.attention %arg0, %arg1, %arg2 bias(%arg3) sink(%arg4) {bias_scale = 5.000000e-01 : f32, cap = 2.500000e+01 : f32, causal, scale = 5.000000e-01 : f32, window = 64 : i64}
// CHECK-NEXT: return
func.func @all(%q: !qkv, %k: !qkv, %v: !qkv, %b: !bias, %w: tensor<4xf32>) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.scale %0 {factor = 0.02 : f32} : (!scores) -> !scores
  %2 = tenon.activation %1 {kind = #tenon.activation_kind<tanh>} : (!scores) -> !scores
  %3 = tenon.scale %2 {factor = 50.0 : f32} : (!scores) -> !scores
  %4 = tenon.score_bias %3, %b : (!scores, !bias) -> !scores
  %5 = tenon.scale %4 {factor = 0.5 : f32} : (!scores) -> !scores
  %6 = tenon.causal_mask %5 {window = 64 : i64} : (!scores) -> !scores
  %7 = tenon.softmax %6 sink(%w) : (!scores, tensor<4xf32>) -> !scores
  %8 = tenon.matmul %7, %v : (!scores, !qkv) -> !qkv
  return %8 : !qkv
}

// -----

!qkv = tensor<4x?x8xf32>
!keys = tensor<4x8x?xf32>
!scores = tensor<4x?x?xf32>

// A tanh alone is a cap of 1; a negative factor changes sides.
// CHECK-LABEL: func @caps
// CHECK-NEXT: tenon.attention %arg0, %arg1, %arg2 {cap = 1.000000e+00 : f32, scale = 1.000000e+00 : f32}
// CHECK-NEXT: tenon.attention %arg0, %arg1, %{{.*}} {cap = 2.000000e+00 : f32, scale = -1.000000e+00 : f32}
// CHECK-NEXT: return
func.func @caps(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.activation %0 {kind = #tenon.activation_kind<tanh>} : (!scores) -> !scores
  %2 = tenon.softmax %1 : (!scores) -> !scores
  %3 = tenon.matmul %2, %v : (!scores, !qkv) -> !qkv
  %4 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %5 = tenon.scale %4 {factor = 0.5 : f32} : (!scores) -> !scores
  %6 = tenon.activation %5 {kind = #tenon.activation_kind<tanh>} : (!scores) -> !scores
  %7 = tenon.scale %6 {factor = -2.0 : f32} : (!scores) -> !scores
  %8 = tenon.softmax %7 : (!scores) -> !scores
  %9 = tenon.matmul %8, %3 : (!scores, !qkv) -> !qkv
  return %9 : !qkv
}

// -----

!qkv = tensor<4x?x8xf32>
!keys = tensor<4x8x?xf32>
!scores = tensor<4x?x?xf32>
!bias = tensor<4x256xf32>

// Masks and biases change places; beside a causal mask a band is a window.
// CHECK-LABEL: func @masks
// CHECK-NEXT: tenon.attention %arg0, %arg1, %arg2 bias(%arg3) {bias_by_key, causal, scale = 1.000000e+00 : f32, window = 9 : i64}
// CHECK-NEXT: tenon.attention %{{.*}}, %arg1, %arg2 {band = 4 : i64, scale = 1.000000e+00 : f32}
// CHECK-NEXT: tenon.attention %{{.*}}, %arg1, %arg2 bias(%arg3) {bias_by_key, scale = 1.000000e+00 : f32}
// CHECK-NEXT: return
func.func @masks(%q: !qkv, %k: !qkv, %v: !qkv, %b: !bias) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.band_mask %0 {width = 8 : i64} : (!scores) -> !scores
  %2 = tenon.score_bias %1, %b {by_key} : (!scores, !bias) -> !scores
  %3 = tenon.causal_mask %2 : (!scores) -> !scores
  %4 = tenon.softmax %3 : (!scores) -> !scores
  %5 = tenon.matmul %4, %v : (!scores, !qkv) -> !qkv
  %6 = tenon.matmul %5, %kt : (!qkv, !keys) -> !scores
  %7 = tenon.band_mask %6 {width = 8 : i64} : (!scores) -> !scores
  %8 = tenon.band_mask %7 {width = 4 : i64} : (!scores) -> !scores
  %9 = tenon.softmax %8 : (!scores) -> !scores
  %10 = tenon.matmul %9, %v : (!scores, !qkv) -> !qkv
  %11 = tenon.matmul %10, %kt : (!qkv, !keys) -> !scores
  %12 = tenon.score_bias %11, %b {by_key} : (!scores, !bias) -> !scores
  %13 = tenon.softmax %12 : (!scores) -> !scores
  %14 = tenon.matmul %13, %v : (!scores, !qkv) -> !qkv
  return %14 : !qkv
}

// -----

!qkv = tensor<4x?x8xf32>
!keys = tensor<4x8x?xf32>
!scores = tensor<4x?x?xf32>
!bias = tensor<4x577xf32>

// What attention can't take in: the reason stays at the product, with the place.

// CHECK: #[[PLACE:.*]] = loc("{{.*}}fuse-attention-chain.mlir":[[# @LINE + 7]]:8)
// CHECK-LABEL: func @mask_before_cap
// CHECK-NOT: tenon.attention
// CHECK: tenon.matmul {{.*}} {tenon.declined = "the mask of 'tenon.causal_mask' comes before the cap, which would undo it; masks come last", tenon.declined_at = #[[PLACE]]}
func.func @mask_before_cap(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.causal_mask %0 : (!scores) -> !scores
  %2 = tenon.activation %1 {kind = #tenon.activation_kind<tanh>} : (!scores) -> !scores
  %3 = tenon.softmax %2 : (!scores) -> !scores
  %4 = tenon.matmul %3, %v : (!scores, !qkv) -> !qkv
  return %4 : !qkv
}

// CHECK-LABEL: func @bias_before_cap
// CHECK-NOT: tenon.attention
// CHECK: tenon.declined = "the bias comes before the cap; attention takes it after"
func.func @bias_before_cap(%q: !qkv, %k: !qkv, %v: !qkv, %b: !bias) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.score_bias %0, %b : (!scores, !bias) -> !scores
  %2 = tenon.activation %1 {kind = #tenon.activation_kind<tanh>} : (!scores) -> !scores
  %3 = tenon.softmax %2 : (!scores) -> !scores
  %4 = tenon.matmul %3, %v : (!scores, !qkv) -> !qkv
  return %4 : !qkv
}

// CHECK-LABEL: func @two_biases
// CHECK-NOT: tenon.attention
// CHECK: tenon.declined = "these scores get a second bias; attention takes one"
func.func @two_biases(%q: !qkv, %k: !qkv, %v: !qkv, %b: !bias) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.score_bias %0, %b : (!scores, !bias) -> !scores
  %2 = tenon.score_bias %1, %b : (!scores, !bias) -> !scores
  %3 = tenon.softmax %2 : (!scores) -> !scores
  %4 = tenon.matmul %3, %v : (!scores, !qkv) -> !qkv
  return %4 : !qkv
}

// CHECK-LABEL: func @two_caps
// CHECK-NOT: tenon.attention
// CHECK: tenon.declined = "these scores pass through 'tanh' twice; attention takes one cap"
func.func @two_caps(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.activation %0 {kind = #tenon.activation_kind<tanh>} : (!scores) -> !scores
  %2 = tenon.activation %1 {kind = #tenon.activation_kind<tanh>} : (!scores) -> !scores
  %3 = tenon.softmax %2 : (!scores) -> !scores
  %4 = tenon.matmul %3, %v : (!scores, !qkv) -> !qkv
  return %4 : !qkv
}

// CHECK-LABEL: func @no_cap
// CHECK-NOT: tenon.attention
// CHECK: tenon.declined = "the cap of these scores is 0"
func.func @no_cap(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.activation %0 {kind = #tenon.activation_kind<tanh>} : (!scores) -> !scores
  %2 = tenon.scale %1 {factor = 0.0 : f32} : (!scores) -> !scores
  %3 = tenon.softmax %2 : (!scores) -> !scores
  %4 = tenon.matmul %3, %v : (!scores, !qkv) -> !qkv
  return %4 : !qkv
}

// CHECK-LABEL: func @gelu
// CHECK-NOT: tenon.attention
// CHECK: tenon.declined = "these scores pass through 'gelu', which attention can't take in"
func.func @gelu(%q: !qkv, %k: !qkv, %v: !qkv) -> !qkv {
  %kt = tenon.transpose %k : !qkv -> !keys
  %0 = tenon.matmul %q, %kt : (!qkv, !keys) -> !scores
  %1 = tenon.activation %0 {kind = #tenon.activation_kind<gelu>} : (!scores) -> !scores
  %2 = tenon.softmax %1 : (!scores) -> !scores
  %3 = tenon.matmul %2, %v : (!scores, !qkv) -> !qkv
  return %3 : !qkv
}
