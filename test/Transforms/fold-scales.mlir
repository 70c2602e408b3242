// RUN: tenon-opt %s --tenon-fold-scales --split-input-file | FileCheck %s
// RUN: tenon-opt %s --tenon-fold-scales --split-input-file --tenon-statistics -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=STATS

// STATS: tenon-fold-scales: 4 attention
// STATS: tenon-fold-scales: 4 declined-inexact
// STATS: tenon-fold-scales: 2 declined-uses
// STATS: tenon-fold-scales: 2 norms

// Scales of queries and keys, before heads are split and rotated.

// CHECK-LABEL: func @through_steps
// CHECK-SAME: (%[[X:[^:]*]]: tensor<?x64xf32>, %[[K:[^:]*]]: tensor<4x?x8xf32>,
func.func @through_steps(%x: tensor<?x64xf32>, %k: tensor<4x?x8xf32>, %v: tensor<4x?x8xf32>, %table: tensor<512x8xf32>) -> tensor<4x?x8xf32> {
  // CHECK-NOT: tenon.scale
  // CHECK: %[[S:.*]] = tenon.slice %[[X]]
  // CHECK: %[[H:.*]] = tenon.split_heads %[[S]]
  // CHECK: %[[Q:.*]] = tenon.rope %[[H]]
  // CHECK: tenon.attention %[[Q]], %[[K]], %{{.*}} {causal, scale = 3.000000e+00 : f32}
  %0 = tenon.scale %x {factor = 0.5 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = tenon.scale %0 {factor = 3.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %2 = tenon.slice %1 {offset = 0 : i64} : tensor<?x64xf32> -> tensor<?x32xf32>
  %3 = tenon.split_heads %2 {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
  %q = tenon.rope %3, %table : (tensor<4x?x8xf32>, tensor<512x8xf32>) -> tensor<4x?x8xf32>
  %ks = tenon.scale %k {factor = 4.0 : f32} : (tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  %o = tenon.attention %q, %ks, %v {causal, scale = 0.5 : f32} : (tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  return %o : tensor<4x?x8xf32>
}

// -----

// A step that someone else reads needs its scale; a scale that someone else
// reads can stay, since only its place above the attention is given up.

// CHECK-LABEL: func @read_elsewhere
func.func @read_elsewhere(%x: tensor<?x32xf32>, %k: tensor<4x?x8xf32>, %v: tensor<4x?x8xf32>) -> (tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) {
  // CHECK: %[[X:.*]] = tenon.scale %arg0
  // CHECK: %[[Q:.*]] = tenon.split_heads %[[X]]
  // CHECK: %[[K:.*]] = tenon.scale %arg1
  // CHECK: %[[O:.*]] = tenon.attention %[[Q]], %arg1, %{{.*}} {scale = 2.000000e+00 : f32}
  // CHECK: return %[[O]], %[[Q]], %[[K]]
  %0 = tenon.scale %x {factor = 0.5 : f32} : (tensor<?x32xf32>) -> tensor<?x32xf32>
  %q = tenon.split_heads %0 {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
  %ks = tenon.scale %k {factor = 2.0 : f32} : (tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  %o = tenon.attention %q, %ks, %v {scale = 1.0 : f32} : (tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  return %o, %q, %ks : tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>
}

// -----

// CHECK-LABEL: func @norms
func.func @norms(%x: tensor<?x64xf32>, %w: tensor<64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK-NEXT: %[[A:.*]] = tenon.rms_norm %arg0, %arg1 {eps = 6.250000e-02 : f32}
  // CHECK-NEXT: %[[B:.*]] = tenon.layer_norm %arg0, %arg1 {eps = 1.600000e+01 : f32}
  // CHECK-NEXT: return %[[A]], %[[B]]
  %0 = tenon.scale %x {factor = 4.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = tenon.rms_norm %0, %w {eps = 1.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %2 = tenon.scale %x {factor = 0.25 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %3 = tenon.layer_norm %2, %w {eps = 1.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  return %1, %3 : tensor<?x64xf32>, tensor<?x64xf32>
}

// No power of two; negative; eps gone from the normal numbers; eps gone to
// infinity; another reader.
// CHECK-LABEL: func @norms_declined
func.func @norms_declined(%x: tensor<?x64xf32>, %w: tensor<64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK-COUNT-5: tenon.scale
  // CHECK-NOT: tenon.scale
  %0 = tenon.scale %x {factor = 3.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = tenon.rms_norm %0, %w {eps = 1.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %2 = tenon.scale %x {factor = -2.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %3 = tenon.rms_norm %2, %w {eps = 1.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %4 = tenon.scale %x {factor = 0x6F000000 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %5 = tenon.rms_norm %4, %w {eps = 1.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %6 = tenon.scale %x {factor = 0x0F000000 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %7 = tenon.rms_norm %6, %w {eps = 1.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %8 = tenon.scale %x {factor = 2.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %9 = tenon.rms_norm %8, %w {eps = 1.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  return %1, %3, %5, %7, %8, %9 : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
}
