// RUN: tenon-opt %s --tenon-check-bounds | FileCheck %s
// RUN: tenon-opt %s --tenon-check-bounds --tenon-statistics 2>&1 >/dev/null | FileCheck %s --check-prefix=COUNT
// COUNT-DAG: 7 checked
// COUNT-DAG: 4 proved

// CHECK: llvm.mlir.global internal constant @[[STORE:.*]]("model.tenon:9:1: error: the kernel of 'norm' leaves its memory: vector.store vector<8xf32> memref<100xf32>\00")
// CHECK: func.func private @tenon_out_of_bounds(!llvm.ptr)
// CHECK: llvm.mlir.global internal constant @[[LOAD:.*]]("model.tenon:7:3: error: the code of 'element' leaves its memory: memref.load memref<4x?xf32> -> f32\00")

// Both ends, in every dimension.
// CHECK-LABEL: func.func @element(
// CHECK-SAME: %[[M:.*]]: memref<4x?xf32>, %[[I:.*]]: index, %[[J:.*]]: index)
func.func @element(%m: memref<4x?xf32>, %i: index, %j: index) -> f32 {
  // CHECK-DAG: %[[END:.*]] = arith.addi %[[I]], %{{.*}}
  // CHECK-DAG: arith.cmpi sgt, %[[END]], %c4
  // CHECK-DAG: arith.cmpi slt, %[[I]], %c0
  // CHECK-DAG: %[[SIZE:.*]] = memref.dim %[[M]], %c1
  // CHECK-DAG: %[[END2:.*]] = arith.addi %[[J]], %{{.*}}
  // CHECK-DAG: arith.cmpi sgt, %[[END2]], %[[SIZE]]
  // CHECK: scf.if
  // CHECK-NEXT: %[[TEXT:.*]] = llvm.mlir.addressof @[[LOAD]]
  // CHECK-NEXT: func.call @tenon_out_of_bounds(%[[TEXT]])
  // CHECK: memref.load
  %x = memref.load %m[%i, %j] : memref<4x?xf32> loc("model.tenon":7:3)
  return %x : f32
}

// All of a vector, in a kernel.
// CHECK-LABEL: func.func @kernel(
func.func @kernel(%m: memref<100xf32>, %v: vector<8xf32>, %n: index) {
  // CHECK: tenon.dispatch %[[T:.*]] of
  // CHECK: %[[END:.*]] = arith.addi %[[T]], %{{.*}}
  // CHECK: arith.cmpi sgt, %[[END]], %c100
  // CHECK: llvm.mlir.addressof @[[STORE]]
  tenon.dispatch %t of %n grain 1 label "norm" {
    vector.store %v, %m[%t] : memref<100xf32>, vector<8xf32> loc("model.tenon":9:1)
  }
  return
}

// Lanes that the mask lets through.
// CHECK-LABEL: func.func @masked(
// CHECK-SAME: %[[MASK:[a-z0-9]*]]: vector<8xi1>
func.func @masked(%m: memref<100xf32>, %mask: vector<8xi1>, %v: vector<8xf32>, %i: index) -> vector<8xf32> {
  // CHECK: %[[OUTSIDE:.*]] = arith.cmpi uge, %{{.*}}, %{{.*}} : vector<8xi64>
  // CHECK: %[[SEEN:.*]] = arith.andi %[[OUTSIDE]], %[[MASK]]
  // CHECK: vector.reduction <or>, %[[SEEN]]
  // CHECK: vector.maskedload
  %r = vector.maskedload %m[%i], %mask, %v : memref<100xf32>, vector<8xi1>, vector<8xf32> into vector<8xf32>
  // CHECK: vector.reduction <or>
  // CHECK: vector.maskedstore
  vector.maskedstore %m[%i], %mask, %v : memref<100xf32>, vector<8xi1>, vector<8xf32>
  return %r : vector<8xf32>
}

// Parts and views of dynamic sizes.
// CHECK-LABEL: func.func @parts(
func.func @parts(%bytes: memref<?xi8>, %n: index, %i: index) -> memref<?x4xf32, strided<[4, 1], offset: ?>> {
  %c64 = arith.constant 64 : index
  // CHECK: %[[ROWS:.*]] = arith.muli %c4{{.*}}, %arg1
  // CHECK: %[[ALL:.*]] = arith.muli %[[ROWS]], %c4
  // CHECK: %[[END:.*]] = arith.addi %c64{{.*}}, %[[ALL]]
  // CHECK: arith.cmpi sgt, %[[END]], %{{.*}}
  // CHECK: memref.view
  %view = memref.view %bytes[%c64][%n] : memref<?xi8> to memref<?x4xf32>
  // CHECK: arith.cmpi sgt
  // CHECK: memref.subview
  %part = memref.subview %view[%i, 0] [%n, 4] [1, 1] : memref<?x4xf32> to memref<?x4xf32, strided<[4, 1], offset: ?>>
  return %part : memref<?x4xf32, strided<[4, 1], offset: ?>>
}

// Constants prove these.
// CHECK-LABEL: func.func @proved(
// CHECK-NOT: scf.if
// CHECK: return
func.func @proved(%m: memref<4x16xf32>, %bytes: memref<256xi8>) -> (f32, vector<16xf32>) {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %c8 = arith.constant 8 : index
  %x = memref.load %m[%c3, %c0] : memref<4x16xf32>
  %v = vector.load %m[%c0, %c8] : memref<4x16xf32>, vector<16xf32>
  %part = memref.subview %m[2, 0] [2, 16] [1, 1] : memref<4x16xf32> to memref<2x16xf32, strided<[16, 1], offset: 32>>
  %view = memref.view %bytes[%c0][] : memref<256xi8> to memref<64xf32>
  return %x, %v : f32, vector<16xf32>
}

// One element more than the last row has, which constants show as well; behind
// another row its successor follows.
// CHECK-LABEL: func.func @beyond(
// CHECK: scf.if
func.func @beyond(%m: memref<4x16xf32>) -> vector<8xf32> {
  %c3 = arith.constant 3 : index
  %c9 = arith.constant 9 : index
  %v = vector.load %m[%c3, %c9] : memref<4x16xf32>, vector<8xf32>
  return %v : vector<8xf32>
}
