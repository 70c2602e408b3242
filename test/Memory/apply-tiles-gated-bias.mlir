// RUN: tenon-opt %s --tenon-apply-tiles | FileCheck %s

// The bias of a gated linear holds the gate's half, then the up half: a task
// takes its columns of both, as two rows.

// CHECK-LABEL: func.func @gated_bias
// CHECK: tenon.dispatch %[[T:.*]] of %{{.*}} grain
// CHECK: %[[HALVES:.*]] = memref.expand_shape %{{.*}} {{\[}}[0, 1]] output_shape [2, 64] : memref<128xf32> into memref<2x64xf32>
// CHECK: %[[BIAS:.*]] = memref.subview %[[HALVES]][0, %{{.*}}] [2, 16] [1, 1]
// CHECK: tenon.linear %{{.*}} bias(%[[BIAS]]) into
func.func @gated_bias(%x: memref<?x64xf32>, %w: memref<4x64x32x1xf32>, %b: memref<128xf32>, %y: memref<?x64xf32>) {
  tenon.linear %x, %w bias(%b) into %y {gated} : (memref<?x64xf32>, memref<4x64x32x1xf32>, memref<128xf32>, memref<?x64xf32>) -> ()
  return
}
