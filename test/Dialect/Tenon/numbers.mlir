// RUN: tenon-opt %s --canonicalize | tenon-opt | FileCheck %s

// A tensor with a number, reductions, norms without weights, tables of sinusoids: read, written, simplified.

// CHECK: tenon.weight @sinusoids : tensor<128x4xf32> from [#tenon.sinusoid_table<frequencies = [1.000000e+00, 1.000000e-02], interleaved = true>]
tenon.weight @sinusoids : tensor<128x4xf32> from [#tenon.sinusoid_table<frequencies = [1.0, 0.01], interleaved = true>]

// CHECK-LABEL: func @numbers
func.func @numbers(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK-NEXT: tenon.shift %arg0 {amount = 1.000000e+00 : f32}
  // CHECK-NEXT: tenon.reciprocal %{{.*}} {numerator = 2.000000e+00 : f32}
  // CHECK-NEXT: tenon.clamp %{{.*}} {high = 7.000000e+00 : f32, low = -7.000000e+00 : f32}
  // CHECK-NEXT: tenon.clamp %{{.*}} {high = 7.000000e+00 : f32}
  // CHECK-NEXT: return
  %0 = tenon.shift %x {amount = 1.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = tenon.shift %0 {amount = 0.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %2 = tenon.reciprocal %1 {numerator = 2.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %3 = tenon.clamp %2 {low = -7.0 : f32, high = 7.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %4 = tenon.clamp %3 {high = 7.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  return %4 : tensor<?x64xf32>
}

// CHECK-LABEL: func @reductions
func.func @reductions(%x: tensor<?x64xf32>, %h: tensor<4x?x8xf32>) -> (tensor<?x1xf32>, tensor<1x64xf32>, tensor<1x?x8xf32>) {
  // CHECK-NEXT: tenon.reduce %arg0 {dim = 1 : i64, kind = #tenon.reduction<sum>} : (tensor<?x64xf32>) -> tensor<?x1xf32>
  // CHECK-NEXT: tenon.reduce %arg0 {dim = 0 : i64, kind = #tenon.reduction<mean>} : (tensor<?x64xf32>) -> tensor<1x64xf32>
  // CHECK-NEXT: tenon.reduce %arg1 {dim = 0 : i64, kind = #tenon.reduction<max>} : (tensor<4x?x8xf32>) -> tensor<1x?x8xf32>
  %0 = tenon.reduce %x {kind = #tenon.reduction<sum>, dim = 1 : i64} : (tensor<?x64xf32>) -> tensor<?x1xf32>
  %1 = tenon.reduce %x {kind = #tenon.reduction<mean>, dim = 0 : i64} : (tensor<?x64xf32>) -> tensor<1x64xf32>
  %2 = tenon.reduce %h {kind = #tenon.reduction<max>, dim = 0 : i64} : (tensor<4x?x8xf32>) -> tensor<1x?x8xf32>
  return %0, %1, %2 : tensor<?x1xf32>, tensor<1x64xf32>, tensor<1x?x8xf32>
}

// A weight of 1 + w is the offset of a norm; other sums stay.
// CHECK-LABEL: func @norms
func.func @norms(%x: tensor<?x64xf32>, %w: tensor<64xf32>, %b: tensor<64xf32>) -> tensor<?x64xf32> {
  // CHECK-NEXT: %[[W:.*]] = tenon.shift %arg1 {amount = 2.000000e+00 : f32}
  // CHECK-NEXT: %[[A:.*]] = tenon.rms_norm %arg0 {eps = 1.000000e+00 : f32}
  // CHECK-NEXT: %[[B:.*]] = tenon.rms_norm %[[A]], %arg1 {eps = 1.000000e+00 : f32, unit_offset}
  // CHECK-NEXT: %[[C:.*]] = tenon.layer_norm %[[B]], %arg1 bias(%arg2) {eps = 1.000000e+00 : f32, unit_offset}
  // CHECK-NEXT: %[[D:.*]] = tenon.layer_norm %[[C]], %[[W]] {eps = 1.000000e+00 : f32}
  // CHECK-NEXT: tenon.layer_norm %[[D]] {eps = 1.000000e+00 : f32}
  %one = tenon.shift %w {amount = 1.0 : f32} : (tensor<64xf32>) -> tensor<64xf32>
  %two = tenon.shift %w {amount = 2.0 : f32} : (tensor<64xf32>) -> tensor<64xf32>
  %0 = tenon.rms_norm %x {eps = 1.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = tenon.rms_norm %0, %one {eps = 1.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %2 = tenon.layer_norm %1, %one bias(%b) {eps = 1.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %3 = tenon.layer_norm %2, %two {eps = 1.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %4 = tenon.layer_norm %3 {eps = 1.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  return %4 : tensor<?x64xf32>
}

// The square of one relu is an activation; a product of two is not, nor a square of something else.
// CHECK-LABEL: func @squares
func.func @squares(%x: tensor<?x64xf32>, %y: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK-DAG: tenon.activation %arg0 {kind = #tenon.activation_kind<relu_squared>}
  // CHECK-DAG: tenon.activation %arg0 {kind = #tenon.activation_kind<relu>}
  // CHECK-COUNT-2: tenon.mul
  %0 = tenon.activation %x {kind = #tenon.activation_kind<relu>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = tenon.activation %y {kind = #tenon.activation_kind<relu>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %2 = tenon.activation %x {kind = #tenon.activation_kind<tanh>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %3 = tenon.mul %0, %0 : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %4 = tenon.mul %0, %1 : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %5 = tenon.mul %2, %2 : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  return %3, %4, %5 : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
}

// CHECK-LABEL: func @positions
func.func @positions(%ids: tensor<?xi32>, %pos: index, %each: tensor<4xi32>, %four: tensor<4xi32>, %x: tensor<8x?x8xf32>, %table: tensor<512x8xf32>) -> (tensor<?xi32>, tensor<4xi32>, tensor<8x?x8xf32>) {
  // CHECK-NEXT: tenon.positions %arg0 at %arg1 {offset = 2 : i64} : (tensor<?xi32>, index) -> tensor<?xi32>
  // CHECK-NEXT: tenon.positions %arg3 at %arg2 {offset = 2 : i64} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  // CHECK-NEXT: tenon.rope %arg4, %arg5 at %arg1 {interleaved}
  %0 = tenon.positions %ids at %pos {offset = 2 : i64} : (tensor<?xi32>, index) -> tensor<?xi32>
  %1 = tenon.positions %four at %each {offset = 2 : i64} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %2 = tenon.rope %x, %table at %pos {interleaved} : (tensor<8x?x8xf32>, tensor<512x8xf32>, index) -> tensor<8x?x8xf32>
  return %0, %1, %2 : tensor<?xi32>, tensor<4xi32>, tensor<8x?x8xf32>
}
