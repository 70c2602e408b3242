// RUN: tenon-opt %s --split-input-file --tenon-apply-tiles --tenon-fuse-dispatches | FileCheck %s

// A long cache makes tasks of parts over the keys; the combination is a step
// before the linear that reads it, so that there is no region more.

// CHECK-LABEL: func.func @decode
func.func @decode(%q: memref<4x1x8xf32, strided<[8, 32, 1]>>, %k: memref<2x128x8x16xf16>, %v: memref<2x2048x8xf16>,
    %p: memref<4x4x32xf32>, %pos: index, %o: memref<1x32xf32>, %w: memref<4x32x32x1xf32>, %y: memref<1x128xf32>) {
  %c0 = arith.constant 0 : index
  %oh = memref.reinterpret_cast %o to offset: [0], sizes: [4, 1, 8], strides: [8, 32, 1] : memref<1x32xf32> to memref<4x1x8xf32, strided<[8, 32, 1]>>
  // CHECK: %[[LENGTH:.*]] = arith.addi %arg4, %{{.*}}
  // CHECK: %[[PARTS:.*]] = arith.ceildivui %[[LENGTH]], %c512
  // CHECK: %[[TASKS:.*]] = arith.muli %[[PARTS]], %{{.*}}
  // CHECK: tenon.dispatch %[[T:.*]] of %[[TASKS]] grain 2 label "attention" {
  // CHECK: %[[GROUP:.*]] = arith.remui %[[T]]
  // CHECK: %[[PART:.*]] = arith.divui %[[T]]
  // CHECK: %[[HEAD:.*]] = arith.muli %[[GROUP]]
  // CHECK: %[[PARTIAL:.*]] = memref.subview %arg3[%[[HEAD]], %[[PART]], 0] [2, 1, 32]
  // CHECK: tenon.partial_attention %{{.*}}, %{{.*}}, %{{.*}} at %arg4 from %[[PART]] into %[[PARTIAL]] {scale = 5.000000e-01 : f32}
  tenon.partial_attention %q, %k, %v at %pos from %c0 into %p {scale = 0.5 : f32, tenon.label = "attention"} : memref<4x1x8xf32, strided<[8, 32, 1]>>, memref<2x128x8x16xf16>, memref<2x2048x8xf16>, memref<4x4x32xf32>
  tenon.combine_attention %p at %pos into %oh {tenon.label = "combine attention"} : memref<4x4x32xf32>, memref<4x1x8xf32, strided<[8, 32, 1]>>
  // CHECK: tenon.dispatch %{{.*}} of %c2{{.*}} label "linear" prologue {
  // CHECK-NEXT: tenon.step "combine attention" {
  // CHECK-NEXT: tenon.combine_attention %arg3 at %arg4
  tenon.linear %o, %w into %y {tile = #tenon.tile<group = 2>} : (memref<1x32xf32>, memref<4x32x32x1xf32>, memref<1x128xf32>) -> ()
  return
}

// -----

// With a window, parts that no key of it is in have no task.

// CHECK-LABEL: func.func @window
func.func @window(%q: memref<4x1x8xf32>, %k: memref<2x128x8x16xf16>, %v: memref<2x2048x8xf16>, %p: memref<4x4x32xf32>, %pos: index) {
  %c0 = arith.constant 0 : index
  // CHECK: %[[OLD:.*]] = arith.addi %arg4, %c-99
  // CHECK: %[[FROM:.*]] = arith.maxsi %[[OLD]], %c0
  // CHECK: %[[FIRST:.*]] = arith.divui %[[FROM]], %c512
  // CHECK: arith.subi %{{.*}}, %[[FIRST]]
  // CHECK: tenon.dispatch
  // CHECK: %[[PART:.*]] = arith.addi %{{.*}}, %[[FIRST]]
  // CHECK: tenon.partial_attention {{.*}} from %[[PART]] into
  tenon.partial_attention %q, %k, %v at %pos from %c0 into %p {scale = 0.5 : f32, window = 100 : i64} : memref<4x1x8xf32>, memref<2x128x8x16xf16>, memref<2x2048x8xf16>, memref<4x4x32xf32>
  return
}
