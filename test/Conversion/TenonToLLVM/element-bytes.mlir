// RUN: tenon-opt %s --tenon-to-llvm --split-input-file | FileCheck %s

// The bytes of superblocks and int8 groups: the same address; offsets and
// strides in bytes.

// CHECK-LABEL: llvm.func internal @superblock(
// CHECK-SAME: %[[W:.*]]: !llvm.ptr, %[[Y:.*]]: !llvm.ptr, %[[P:.*]]: i64, %[[S:.*]]: i64)
module {
  func.func @superblock(%w: memref<3x2x!tenon.superblock<q4_0, 32>>, %y: memref<64xi8>, %p: index, %s: index) {
    // A superblock of 32 columns has 1152 bytes, two of them 2304.
    // CHECK-DAG: llvm.mlir.constant(1152 : index) : i64
    // CHECK: llvm.mul
    // CHECK: llvm.load %{{.*}} : !llvm.ptr -> vector<64xi8>
    // CHECK-NOT: builtin.unrealized_conversion_cast
    // CHECK: llvm.store
    %c0 = arith.constant 0 : index
    %c576 = arith.constant 576 : index
    %b = tenon.element_bytes %w : memref<3x2x!tenon.superblock<q4_0, 32>> -> memref<3x2x1152xi8>
    %v = vector.load %b[%p, %s, %c576] : memref<3x2x1152xi8>, vector<64xi8>
    vector.store %v, %y[%c0] : memref<64xi8>, vector<64xi8>
    return
  }
}

// -----

// A part of an array, at an offset that is not known.

// CHECK-LABEL: llvm.func internal @part(
module {
  func.func @part(%x: memref<8x4x!tenon.int8_group>, %y: memref<64xi8>, %row: index) {
    // CHECK: llvm.mlir.constant(64 : index) : i64
    // CHECK: llvm.load %{{.*}} : !llvm.ptr -> vector<64xi8>
    // CHECK-NOT: builtin.unrealized_conversion_cast
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %r = memref.subview %x[%row, 0] [2, 4] [1, 1] : memref<8x4x!tenon.int8_group> to memref<2x4x!tenon.int8_group, strided<[4, 1], offset: ?>>
    %b = tenon.element_bytes %r : memref<2x4x!tenon.int8_group, strided<[4, 1], offset: ?>> -> memref<2x4x64xi8, strided<[256, 64, 1], offset: ?>>
    %v = vector.load %b[%c1, %c0, %c0] : memref<2x4x64xi8, strided<[256, 64, 1], offset: ?>>, vector<64xi8>
    vector.store %v, %y[%c0] : memref<64xi8>, vector<64xi8>
    return
  }
}
