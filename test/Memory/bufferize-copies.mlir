// RUN: tenon-opt %s --tenon-bufferize --split-input-file | FileCheck %s

// What kernels can't read in place is copied: heads of a slice don't lie side by side, and transposed values have no
// rows that vectors could be read from.

module attributes {tenon.max_chunk = 8 : i64} {
  // CHECK-LABEL: func.func @merge
  // CHECK: %[[PART:.*]] = memref.subview %{{.*}} to memref<2x?x2xf32
  // CHECK: %[[WHOLE:.*]] = memref.alloc(%{{.*}}) : memref<?x2x2xf32>
  // CHECK: %[[HEADS:.*]] = memref.transpose %[[WHOLE]]
  // CHECK: tenon.copy %[[PART]] into %[[HEADS]]
  // CHECK: memref.collapse_shape
  func.func @merge(%x: tensor<?x8xf32>) -> tensor<?x4xf32> {
    %h = tenon.split_heads %x {heads = 2 : i64} : tensor<?x8xf32> -> tensor<2x?x4xf32>
    %s = tenon.slice %h {offset = 0 : i64} : tensor<2x?x4xf32> -> tensor<2x?x2xf32>
    %m = tenon.merge_heads %s : tensor<2x?x2xf32> -> tensor<?x4xf32>
    return %m : tensor<?x4xf32>
  }
}

// -----

module attributes {tenon.max_chunk = 8 : i64} {
  // CHECK-LABEL: func.func @transposed
  // CHECK: %[[T:.*]] = memref.transpose %{{.*}} (d0, d1) -> (d1, d0)
  // CHECK: %[[ROWS:.*]] = memref.alloc() : memref<4x8xf32>
  // CHECK: tenon.copy %[[T]] into %[[ROWS]]
  // CHECK: tenon.softmax %[[ROWS]]
  func.func @transposed(%x: tensor<8x4xf32>) -> tensor<4x8xf32> {
    %t = tenon.transpose %x : tensor<8x4xf32> -> tensor<4x8xf32>
    %y = tenon.softmax %t : (tensor<4x8xf32>) -> tensor<4x8xf32>
    return %y : tensor<4x8xf32>
  }
}
