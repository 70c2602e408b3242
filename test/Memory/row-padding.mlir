// RUN: tenon-opt %s --tenon-bufferize --cse --split-input-file | FileCheck %s

// Rows a multiple of 4096 bytes apart would share the sets of a first-level cache: a line is left between them.

// CHECK-LABEL: func.func @apart
module attributes {tenon.max_chunk = 8 : i64} {
  tenon.weight @g : tensor<1024xf32> from [#tenon.source<"g", tensor<1024xf32>>]
  // CHECK-SAME: %[[T:[^:]*]]: index, %{{[^:]*}}: index, %{{[^:]*}}: index, %{{[^:]*}}: index)
  func.func @apart(%x: tensor<?x1024xf32>) -> tensor<?x1024xf32> {
    %g = tenon.weight_ref @g : tensor<1024xf32>
    // CHECK: %[[ROWS:.*]] = memref.alloc(%[[T]]) : memref<?x1040xf32>
    // CHECK: %[[IN:.*]] = memref.subview %[[ROWS]][0, 0] [%[[T]], 1024] [1, 1] : memref<?x1040xf32> to memref<?x1024xf32, strided<[1040, 1]>>
    // CHECK: tenon.rms_norm %{{.*}} into %[[IN]]
    %0 = tenon.rms_norm %x, %g {eps = 1.0e-5 : f32} : (tensor<?x1024xf32>, tensor<1024xf32>) -> tensor<?x1024xf32>
    // Of heads, too: rows are those of tokens.
    // CHECK: %[[HEADS:.*]] = memref.alloc(%[[T]]) : memref<?x1040xf32>
    // CHECK: memref.expand_shape %{{.*}} {{\[\[}}0], [1, 2]] output_shape [%[[T]], 16, 64] : memref<?x1024xf32, strided<[1040, 1]>> into memref<?x16x64xf32, strided<[1040, 64, 1]>>
    %1 = tenon.split_heads %0 {heads = 16 : i64} : tensor<?x1024xf32> -> tensor<16x?x64xf32>
    %2 = tenon.scale %1 {factor = 2.0 : f32} : (tensor<16x?x64xf32>) -> tensor<16x?x64xf32>
    %3 = tenon.merge_heads %2 : tensor<16x?x64xf32> -> tensor<?x1024xf32>
    %4 = tenon.rms_norm %3, %g {eps = 1.0e-5 : f32} : (tensor<?x1024xf32>, tensor<1024xf32>) -> tensor<?x1024xf32>
    return %4 : tensor<?x1024xf32>
  }
}

// -----

// A group of int8 is 64 bytes: 64 groups are 4096.

// CHECK-LABEL: func.func @groups
module attributes {tenon.max_chunk = 8 : i64} {
  tenon.weight @w : tensor<32x2048x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>> from [#tenon.source<"w", tensor<32x2048xf32>>]
  func.func @groups(%x: tensor<?x2048xf32>) -> tensor<?x32xf32> {
    %w = tenon.weight_ref @w : tensor<32x2048x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>>
    // CHECK: memref.alloc(%{{.*}}) : memref<?x65x!tenon.int8_group>
    %0 = tenon.quantize %x : (tensor<?x2048xf32>) -> tensor<?x64x!tenon.int8_group>
    %1 = tenon.linear %0, %w : (tensor<?x64x!tenon.int8_group>, tensor<32x2048x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>>) -> tensor<?x32xf32>
    return %1 : tensor<?x32xf32>
  }
}

// -----

// Other rows, and one alone, lie as they did.

// CHECK-LABEL: func.func @beside
module attributes {tenon.max_chunk = 8 : i64} {
  tenon.weight @g : tensor<1020xf32> from [#tenon.source<"g", tensor<1020xf32>>]
  tenon.weight @h : tensor<1024xf32> from [#tenon.source<"h", tensor<1024xf32>>]
  func.func @beside(%x: tensor<?x1020xf32>, %y: tensor<1x1024xf32>) -> tensor<1x1024xf32> {
    %g = tenon.weight_ref @g : tensor<1020xf32>
    %h = tenon.weight_ref @h : tensor<1024xf32>
    // CHECK: memref.alloc(%{{.*}}) : memref<?x1020xf32>
    // CHECK: memref.alloc() : memref<1x1024xf32>
    // CHECK-NOT: memref.alloc
    %0 = tenon.rms_norm %x, %g {eps = 1.0e-5 : f32} : (tensor<?x1020xf32>, tensor<1020xf32>) -> tensor<?x1020xf32>
    %1 = tenon.rms_norm %y, %h {eps = 1.0e-5 : f32} : (tensor<1x1024xf32>, tensor<1024xf32>) -> tensor<1x1024xf32>
    %2 = tenon.rms_norm %1, %h {eps = 1.0e-5 : f32} : (tensor<1x1024xf32>, tensor<1024xf32>) -> tensor<1x1024xf32>
    return %2 : tensor<1x1024xf32>
  }
}
