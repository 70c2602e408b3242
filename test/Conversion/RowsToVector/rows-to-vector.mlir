// RUN: tenon-opt %s --tenon-rows-to-vector | FileCheck %s

// Row-wise operations in buffer form become loops over rows, full vectors, then one masked tail.

module attributes {tenon.target = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16"]>} {

// CHECK-LABEL: func.func @scale
// CHECK-DAG: %[[FACTOR:.*]] = arith.constant dense<2.000000e+00> : vector<16xf32>
// CHECK: scf.for %[[T:.*]] =
// CHECK: %[[X:.*]] = vector.load %{{.*}}[%[[T]], %{{.*}}] : memref<?x20xf32>, vector<16xf32>
// CHECK: %[[Y:.*]] = arith.mulf %[[X]], %[[FACTOR]] : vector<16xf32>
// CHECK: vector.store %[[Y]], %{{.*}}[%[[T]], %{{.*}}] : memref<?x20xf32>, vector<16xf32>
// CHECK: %[[MASK:.*]] = vector.constant_mask [4] : vector<16xi1>
// CHECK: vector.maskedload %{{.*}}, %[[MASK]]
// CHECK: vector.maskedstore %{{.*}}, %[[MASK]]
// CHECK-NOT: tenon.scale
func.func @scale(%x: memref<?x20xf32>, %y: memref<?x20xf32>) {
  tenon.scale %x into %y {factor = 2.0 : f32} : (memref<?x20xf32>, memref<?x20xf32>) -> ()
  return
}

// One row needs no loop over rows; bf16 is converted when stored.
// CHECK-LABEL: func.func @rms_norm
// CHECK: vector.fma
// CHECK: math.sqrt
// CHECK: arith.truncf %{{.*}} : vector<16xf32> to vector<16xbf16>
// CHECK: vector.store %{{.*}} : memref<1x64xbf16>, vector<16xbf16>
func.func @rms_norm(%x: memref<1x64xf32>, %w: memref<64xf32>, %y: memref<1x64xbf16>) {
  tenon.rms_norm %x, %w into %y {eps = 1.0e-5 : f32} : (memref<1x64xf32>, memref<64xf32>, memref<1x64xbf16>) -> ()
  return
}

// A packed table is read at panel id / n, lane id % n.
// CHECK-LABEL: func.func @embedding_packed
// CHECK: %[[ID:.*]] = arith.index_cast
// CHECK-DAG: %[[PANEL:.*]] = arith.divui %[[ID]]
// CHECK-DAG: %[[LANE:.*]] = arith.remui %[[ID]]
// CHECK: memref.load %{{.*}}[%[[PANEL]], %{{.*}}, %[[LANE]], %{{.*}}] : memref<16x32x32x2xbf16>
func.func @embedding_packed(%ids: memref<?xi32>, %table: memref<16x32x32x2xbf16>, %y: memref<?x64xf32>) {
  tenon.embedding %ids, %table into %y : (memref<?xi32>, memref<16x32x32x2xbf16>, memref<?x64xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @positions
// CHECK: arith.addi %arg1
// CHECK: memref.store %{{.*}} : memref<?xi32>
func.func @positions(%ids: memref<?xi32>, %pos: index, %y: memref<?xi32>) {
  tenon.positions %ids at %pos into %y : (memref<?xi32>, index, memref<?xi32>) -> ()
  return
}

// CHECK-LABEL: func.func @rope
// CHECK: vector.constant_mask [4]
// CHECK: vector.maskedload
func.func @rope(%x: memref<2x?x8xf32, strided<[8, 16, 1]>>, %table: memref<512x8xf32>, %pos: index, %y: memref<2x?x8xf32, strided<[8, 16, 1]>>) {
  tenon.rope %x, %table at %pos into %y : (memref<2x?x8xf32, strided<[8, 16, 1]>>, memref<512x8xf32>, index, memref<2x?x8xf32, strided<[8, 16, 1]>>) -> ()
  return
}

// A dynamic last dimension is masked throughout.
// CHECK-LABEL: func.func @softmax
// CHECK: vector.create_mask
func.func @softmax(%x: memref<2x?x?xf32>, %y: memref<2x?x?xf32>) {
  tenon.softmax %x into %y : (memref<2x?x?xf32>, memref<2x?x?xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @add_broadcast
// CHECK: vector.load %arg1[%{{.*}}] : memref<16xf32>
func.func @add_broadcast(%x: memref<?x16xf32>, %b: memref<16xf32>, %y: memref<?x16xf32>) {
  tenon.add %x, %b into %y : (memref<?x16xf32>, memref<16xf32>, memref<?x16xf32>) -> ()
  return
}

// The depth is in the lanes where it lies side by side.
// CHECK-LABEL: func.func @matmul_transposed
// CHECK: %[[ROWS:.*]] = memref.transpose %arg1 (d0, d1, d2) -> (d0, d2, d1)
// CHECK: vector.maskedload %[[ROWS]]
// CHECK: vector.maskedload %arg0
// CHECK: vector.fma
// CHECK: memref.store
func.func @matmul_transposed(%a: memref<4x?x8xf32>, %b: memref<2x8x?xf32, strided<[64, 1, 8]>>, %c: memref<4x?x?xf32>) {
  tenon.matmul %a, %b into %c : (memref<4x?x8xf32>, memref<2x8x?xf32, strided<[64, 1, 8]>>, memref<4x?x?xf32>) -> ()
  return
}

// As many rows and columns together as the tile says.
// CHECK-LABEL: func.func @matmul_tile
// CHECK: scf.for {{.*}} step %c3
// CHECK: scf.for {{.*}} step %c2
// CHECK-COUNT-6: vector.fma
func.func @matmul_tile(%a: memref<4x?x8xf32>, %b: memref<2x8x?xf32, strided<[64, 1, 8]>>, %c: memref<4x?x?xf32>) {
  tenon.matmul %a, %b into %c {tile = #tenon.tile<rows = 2, columns = 3>} : (memref<4x?x8xf32>, memref<2x8x?xf32, strided<[64, 1, 8]>>, memref<4x?x?xf32>) -> ()
  return
}

// Nothing lies side by side.
// CHECK-LABEL: func.func @matmul_apart
// CHECK-NOT: vector
// CHECK: math.fma {{.*}} : f32
func.func @matmul_apart(%a: memref<4x?x8xf32>, %b: memref<2x8x?xf32, strided<[64, 16, 2]>>, %c: memref<4x?x?xf32>) {
  tenon.matmul %a, %b into %c : (memref<4x?x8xf32>, memref<2x8x?xf32, strided<[64, 16, 2]>>, memref<4x?x?xf32>) -> ()
  return
}

// Tensors are left alone.
// CHECK-LABEL: func.func @on_tensors
// CHECK: tenon.scale
func.func @on_tensors(%x: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %y = tenon.scale %x {factor = 2.0 : f32} : (tensor<?x20xf32>) -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}
}
