// RUN: tenon-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func @scales
func.func @scales(%x: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK-NEXT: %[[A:.*]] = tenon.scale %arg0 {factor = 6.000000e+00 : f32}
  // CHECK-NEXT: return %[[A]], %arg0
  %0 = tenon.scale %x {factor = 2.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = tenon.scale %0 {factor = 3.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %2 = tenon.scale %x {factor = 1.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  return %1, %2 : tensor<?x64xf32>, tensor<?x64xf32>
}

// Products with one number are scales; quotients by one whose inverse is exact.
// CHECK-LABEL: func @constants
func.func @constants(%x: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
  %c3 = arith.constant dense<3.0> : tensor<64xf32>
  %c4 = arith.constant dense<4.0> : tensor<1xf32>
  %c = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %mixed = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  // CHECK-DAG: %[[C3:.*]] = arith.constant dense<3.000000e+00> : tensor<64xf32>
  // CHECK-DAG: %[[A:.*]] = tenon.scale %arg0 {factor = 3.000000e+00 : f32}
  %0 = tenon.mul %x, %c3 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  // CHECK-DAG: %[[B:.*]] = tenon.scale %arg0 {factor = 4.000000e+00 : f32}
  %1 = tenon.mul %c4, %x : (tensor<1xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK-DAG: %[[C:.*]] = tenon.scale %arg0 {factor = 2.500000e-01 : f32}
  %2 = tenon.div %x, %c4 : (tensor<?x64xf32>, tensor<1xf32>) -> tensor<?x64xf32>
  // CHECK-DAG: %[[D:.*]] = tenon.div %arg0, %[[C3]]
  %3 = tenon.div %x, %c3 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  // CHECK-DAG: %[[E:.*]] = tenon.div %[[C3]], %arg0
  %4 = tenon.div %c3, %x : (tensor<64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: return %[[A]], %[[B]], %[[C]], %[[D]], %[[E]]
  return %0, %1, %2, %3, %4 : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
}

// A broadcast of the scaled operand is no scale; nor is a vector of numbers.
// CHECK-LABEL: func @no_scales
// CHECK-COUNT-2: tenon.mul
func.func @no_scales(%v: tensor<64xf32>, %x: tensor<?x2xf32>) -> (tensor<2x64xf32>, tensor<?x2xf32>) {
  %c = arith.constant dense<3.0> : tensor<2x64xf32>
  %mixed = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = tenon.mul %v, %c : (tensor<64xf32>, tensor<2x64xf32>) -> tensor<2x64xf32>
  %1 = tenon.mul %x, %mixed : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %0, %1 : tensor<2x64xf32>, tensor<?x2xf32>
}

// CHECK-LABEL: func @casts
func.func @casts(%x: tensor<?x64xf32>, %b: tensor<?x64xbf16>) -> (tensor<?x64xf32>, tensor<?x64xbf16>, tensor<?x64xf32>) {
  // Rounding must stay.
  // CHECK-NEXT: %[[R:.*]] = tenon.cast %arg0
  // CHECK-NEXT: %[[W:.*]] = tenon.cast %[[R]]
  // CHECK-NEXT: return %arg0, %arg1, %[[W]]
  %0 = tenon.cast %x : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = tenon.cast %b : (tensor<?x64xbf16>) -> tensor<?x64xf32>
  %2 = tenon.cast %1 : (tensor<?x64xf32>) -> tensor<?x64xbf16>
  %3 = tenon.cast %x : (tensor<?x64xf32>) -> tensor<?x64xbf16>
  %4 = tenon.cast %3 : (tensor<?x64xbf16>) -> tensor<?x64xf32>
  return %0, %2, %4 : tensor<?x64xf32>, tensor<?x64xbf16>, tensor<?x64xf32>
}

// CHECK-LABEL: func @views
func.func @views(%x: tensor<?x64xf32>, %h: tensor<8x?x8xf32>, %n: index, %m: index) -> (tensor<?x64xf32>, tensor<8x?x8xf32>, tensor<?x64xf32>, tensor<?x8xf32>, tensor<?x64xf32>, tensor<8x?x8xf32>) {
  // CHECK-NEXT: %[[S:.*]] = tenon.slice %arg0 {offset = 24 : i64} : tensor<?x64xf32> -> tensor<?x8xf32>
  // CHECK-NEXT: %[[A:.*]] = tenon.last_rows %arg0, %arg2
  // CHECK-NEXT: %[[B:.*]] = tenon.last_rows %[[A]], %arg3
  // CHECK-NEXT: return %arg0, %arg1, %arg0, %[[S]], %[[B]], %arg1
  %0 = tenon.split_heads %x {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
  %1 = tenon.merge_heads %0 : tensor<8x?x8xf32> -> tensor<?x64xf32>
  %2 = tenon.merge_heads %h : tensor<8x?x8xf32> -> tensor<?x64xf32>
  %3 = tenon.split_heads %2 {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
  %4 = tenon.slice %x {offset = 0 : i64} : tensor<?x64xf32> -> tensor<?x64xf32>
  %5 = tenon.slice %x {offset = 16 : i64} : tensor<?x64xf32> -> tensor<?x32xf32>
  %6 = tenon.slice %5 {offset = 8 : i64} : tensor<?x32xf32> -> tensor<?x8xf32>
  %7 = tenon.last_rows %x, %n : tensor<?x64xf32> -> tensor<?x64xf32>
  %8 = tenon.last_rows %7, %n : tensor<?x64xf32> -> tensor<?x64xf32>
  %9 = tenon.last_rows %8, %m : tensor<?x64xf32> -> tensor<?x64xf32>
  %10 = tenon.transpose %h : tensor<8x?x8xf32> -> tensor<8x8x?xf32>
  %11 = tenon.transpose %10 : tensor<8x8x?xf32> -> tensor<8x?x8xf32>
  return %1, %3, %4, %6, %9, %11 : tensor<?x64xf32>, tensor<8x?x8xf32>, tensor<?x64xf32>, tensor<?x8xf32>, tensor<?x64xf32>, tensor<8x?x8xf32>
}

// CHECK-LABEL: func @masks
func.func @masks(%s: tensor<8x?x?xf32>, %x: tensor<?x64xf32>) -> (tensor<8x?x?xf32>, tensor<8x?x?xf32>, tensor<?x64xf32>) {
  // CHECK-NEXT: %[[A:.*]] = tenon.causal_mask %arg0 {window = 4 : i64}
  // CHECK-NEXT: %[[B:.*]] = tenon.causal_mask %arg0 :
  // CHECK-NEXT: return %[[A]], %[[B]], %arg1
  %0 = tenon.causal_mask %s {window = 8 : i64} : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
  %1 = tenon.causal_mask %0 : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
  %2 = tenon.causal_mask %1 {window = 4 : i64} : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
  %3 = tenon.causal_mask %s : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
  %4 = tenon.causal_mask %3 : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
  %5 = tenon.activation %x {kind = #tenon.activation_kind<identity>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  return %2, %4, %5 : tensor<8x?x?xf32>, tensor<8x?x?xf32>, tensor<?x64xf32>
}
