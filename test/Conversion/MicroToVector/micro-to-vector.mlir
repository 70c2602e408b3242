// RUN: tenon-opt %s --tenon-micro-to-vector | FileCheck %s

// What each micro-operation means; no target is asked for.

// Unsigned times signed, in 32 bits; the first of every four, the second, ...
// CHECK-LABEL: func @dot4
// CHECK: arith.extui %{{.*}} : vector<16xi8> to vector<16xi32>
// CHECK: arith.extsi %{{.*}} : vector<16xi8> to vector<16xi32>
// CHECK: arith.muli
// CHECK: vector.shuffle %{{.*}} [0, 4, 8, 12]
// CHECK: arith.addi
// CHECK: vector.shuffle %{{.*}} [1, 5, 9, 13]
// CHECK: arith.addi
// CHECK: vector.shuffle %{{.*}} [2, 6, 10, 14]
// CHECK: arith.addi
// CHECK: vector.shuffle %{{.*}} [3, 7, 11, 15]
// CHECK: arith.addi
func.func @dot4(%s: vector<4xi32>, %w: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> {
  %0 = micro.dot4_i8 %s, %w, %x : vector<4xi32>, vector<16xi8>
  return %0 : vector<4xi32>
}

// Signed times signed.
// CHECK-LABEL: func @signed
// CHECK-COUNT-2: arith.extsi %{{.*}} : vector<16xi8> to vector<16xi32>
// CHECK: arith.muli
// CHECK-COUNT-4: vector.shuffle
func.func @signed(%s: vector<4xi32>, %w: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> {
  %0 = micro.dot4_s8 %s, %w, %x : vector<4xi32>, vector<16xi8>
  return %0 : vector<4xi32>
}

// CHECK-LABEL: func @dot2
// CHECK: arith.extui %{{.*}} : vector<16xi8> to vector<16xi16>
// CHECK: arith.muli
// CHECK: arith.addi %{{.*}} : vector<8xi16>
// CHECK: arith.extsi %{{.*}} : vector<8xi16> to vector<8xi32>
// CHECK: arith.addi %{{.*}} : vector<4xi32>
// CHECK: arith.addi %{{.*}} : vector<4xi32>
func.func @dot2(%s: vector<4xi32>, %w: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> {
  %0 = micro.dot2_i8 %w, %x : vector<16xi8> -> vector<8xi16>
  %1 = micro.dot2_i16 %s, %0, %0 : vector<4xi32>, vector<8xi16>
  return %1 : vector<4xi32>
}

// The second numbers first: those in the upper halves, then those in the lower.
// CHECK-LABEL: func @bf16
// CHECK: arith.andi
// CHECK: arith.andi
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: arith.shli
// CHECK: arith.shli
// CHECK: arith.mulf
// CHECK: arith.addf
func.func @bf16(%s: vector<4xf32>, %a: vector<8xbf16>, %b: vector<8xbf16>) -> vector<4xf32> {
  %0 = micro.dot2_bf16 %s, %a, %b : vector<4xf32>, vector<8xbf16>
  return %0 : vector<4xf32>
}

// CHECK-LABEL: func @lookup
// CHECK-COUNT-15: arith.select
// CHECK-NOT: arith.select
func.func @lookup(%i: vector<16xi8>) -> vector<16xi8> {
  %0 = micro.lookup %i in [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] : vector<16xi8>
  return %0 : vector<16xi8>
}

// CHECK-LABEL: func @numbers
// CHECK: arith.addf
// CHECK: arith.subf
// CHECK: arith.fptosi %{{.*}} : f32 to i32
// CHECK: arith.fptosi %{{.*}} : vector<4xf32> to vector<4xi32>
// CHECK: arith.shrsi
// CHECK: arith.mulf
// CHECK: arith.mulf
// Normal numbers: the exponent's bits are added.
// CHECK: arith.fptosi
// CHECK-NEXT: arith.bitcast
// CHECK: arith.shli
// CHECK-NEXT: arith.addi
// CHECK-NEXT: arith.bitcast
// CHECK-NOT: micro.
func.func @numbers(%x: f32, %y: vector<4xf32>) -> (i32, vector<4xf32>, vector<4xf32>) {
  %0 = micro.round %x : f32 -> i32
  %1 = micro.scale %y, %y : vector<4xf32>
  %2 = micro.scale %y, %y {normal} : vector<4xf32>
  return %0, %1, %2 : i32, vector<4xf32>, vector<4xf32>
}
