// RUN: tenon-opt %s --tenon-fuse-dispatches --split-input-file | FileCheck %s
// RUN: tenon-opt %s --tenon-fuse-dispatches --split-input-file --tenon-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATISTICS

// STATISTICS: tenon-fuse-dispatches: 7 left -
// STATISTICS: tenon-fuse-dispatches: 5 merged -
// STATISTICS: tenon-fuse-dispatches: 2 norms -

// A norm is a step before the linear that reads it; views between them stay.

// CHECK-LABEL: func @norm
// CHECK-NEXT: %[[C0:.*]] = arith.constant 0
// CHECK-NOT: tenon.dispatch
// CHECK: memref.view
// CHECK: tenon.dispatch %{{.*}} of %c4 grain 2 label "linear w" prologue {
// CHECK-NEXT: tenon.step "rms_norm g" {
// CHECK-NEXT: tenon.rms_norm
// CHECK-NEXT: {{^ *[}] *$}}
// CHECK-NEXT: {{^ *[}] [{] *$}}
// CHECK-NEXT: tenon.scale
// CHECK-NEXT: {{^ *[}] *$}}
// CHECK-NEXT: return
func.func @norm(%x: memref<1x64xf32>, %g: memref<64xf32>, %h: memref<1x64xf32>, %weights: memref<4096xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  tenon.dispatch %t of %c1 grain 1 label "rms_norm g" {
    tenon.rms_norm %x, %g into %h {eps = 1.0e-5 : f32} : (memref<1x64xf32>, memref<64xf32>, memref<1x64xf32>) -> ()
  }
  %place = arith.addi %c1, %c4 : index
  %w = memref.view %weights[%place][] : memref<4096xi8> to memref<1x64xf32>
  tenon.dispatch %t of %c4 grain 2 label "linear w" {
    tenon.scale %h into %w {factor = 2.0 : f32} : (memref<1x64xf32>, memref<1x64xf32>) -> ()
  }
  return
}

// -----

// Several become steps in their order, before those that are there; the task's index is 0.

// CHECK-LABEL: func @chain
// CHECK: tenon.dispatch %{{.*}} of %{{.*}} grain 1 label "main" prologue {
// CHECK-NEXT: tenon.step "first"
// CHECK-NEXT: memref.subview %{{.*}}[%c0{{.*}}, 0]
// CHECK: tenon.step "own"
// CHECK: tenon.step "second"
// CHECK: tenon.step "mains"
// CHECK-NOT: tenon.step
// CHECK: return
func.func @chain(%x: memref<4x64xf32>, %n: index) {
  %c1 = arith.constant 1 : index
  tenon.dispatch %t of %c1 grain 1 label "first" {
    %row = memref.subview %x[%t, 0] [1, 64] [1, 1] : memref<4x64xf32> to memref<1x64xf32, strided<[64, 1], offset: ?>>
    tenon.scale %row into %row {factor = 2.0 : f32} : (memref<1x64xf32, strided<[64, 1], offset: ?>>, memref<1x64xf32, strided<[64, 1], offset: ?>>) -> ()
  }
  tenon.dispatch %t of %c1 grain 1 label "second" prologue {
    tenon.step "own" {
      tenon.copy %x into %x : memref<4x64xf32>, memref<4x64xf32>
    }
  } {
    tenon.copy %x into %x : memref<4x64xf32>, memref<4x64xf32>
  }
  tenon.dispatch %t of %n grain 1 label "main" prologue {
    tenon.step "mains" {
      tenon.copy %x into %x : memref<4x64xf32>, memref<4x64xf32>
    }
  } {
    tenon.copy %x into %x : memref<4x64xf32>, memref<4x64xf32>
  }
  return
}

// -----

// A product of matrices stays a dispatch, though it is one task; it takes a prologue.

// CHECK-LABEL: func @linear
// CHECK: label "linear a" {
// CHECK: label "linear b" prologue {
// CHECK-NEXT: tenon.step "layer_norm"
// CHECK: label "matmul" {
// CHECK: label "attention" prologue {
// CHECK-NEXT: tenon.step "append_kv"
// CHECK: label "last" {
func.func @linear(%x: memref<1x64xf32>, %g: memref<64xf32>, %w: memref<2x64x32x1xf32>, %a: memref<64x64xf32>, %k: memref<1x1x8xf32>, %keys: memref<1x8x8x16xf32>, %values: memref<1x128x8xf32>, %n: index) {
  %c1 = arith.constant 1 : index
  tenon.dispatch %t of %c1 grain 1 label "linear a" {
    tenon.linear %x, %w into %x : (memref<1x64xf32>, memref<2x64x32x1xf32>, memref<1x64xf32>) -> ()
  }
  tenon.dispatch %t of %c1 grain 1 label "layer_norm" {
    tenon.layer_norm %x, %g into %x {eps = 1.0e-5 : f32} : (memref<1x64xf32>, memref<64xf32>, memref<1x64xf32>) -> ()
  }
  tenon.dispatch %t of %c1 grain 1 label "linear b" {
    tenon.linear %x, %w into %x : (memref<1x64xf32>, memref<2x64x32x1xf32>, memref<1x64xf32>) -> ()
  }
  tenon.dispatch %t of %c1 grain 1 label "matmul" {
    tenon.matmul %a, %a into %a : (memref<64x64xf32>, memref<64x64xf32>, memref<64x64xf32>) -> ()
  }
  tenon.dispatch %t of %c1 grain 1 label "append_kv" {
    tenon.append_kv %k, %k, %keys, %values at %n : memref<1x1x8xf32>, memref<1x1x8xf32>, memref<1x8x8x16xf32>, memref<1x128x8xf32>
  }
  tenon.dispatch %t of %c1 grain 1 label "attention" {
    tenon.block_attention %k, %keys, %values at %n length %n into %k {causal, scale = 0.5 : f32} : memref<1x1x8xf32>, memref<1x8x8x16xf32>, memref<1x128x8xf32>, memref<1x1x8xf32>
  }
  // Nothing follows.
  tenon.dispatch %t of %c1 grain 1 label "last" {
    tenon.copy %x into %x : memref<1x64xf32>, memref<1x64xf32>
  }
  return
}

// -----

// Many rows are many tasks.

// CHECK-LABEL: func @rows
// CHECK-NOT: prologue
// CHECK: return
func.func @rows(%x: memref<?x64xf32>, %count: index) {
  %c2 = arith.constant 2 : index
  tenon.dispatch %t of %count grain 1 label "a" {
    tenon.copy %x into %x : memref<?x64xf32>, memref<?x64xf32>
  }
  tenon.dispatch %t of %c2 grain 1 label "b" {
    tenon.copy %x into %x : memref<?x64xf32>, memref<?x64xf32>
  }
  tenon.dispatch %t of %count grain 1 label "c" {
    tenon.copy %x into %x : memref<?x64xf32>, memref<?x64xf32>
  }
  return
}

// -----

// Nothing moves past a read, a write, an allocation, a call, or a loop that has any of them, nor out of a block.

// CHECK-LABEL: func @others
// CHECK-NOT: prologue
// CHECK: return
func.func private @callee()
func.func @others(%x: memref<4xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  tenon.dispatch %t of %c1 grain 1 label "a" {
    tenon.copy %x into %x : memref<4xf32>, memref<4xf32>
  }
  %read = memref.load %x[%c0] : memref<4xf32>
  tenon.dispatch %t of %n grain 1 label "b" {
    tenon.copy %x into %x : memref<4xf32>, memref<4xf32>
  }
  tenon.dispatch %t of %c1 grain 1 label "c" {
    tenon.copy %x into %x : memref<4xf32>, memref<4xf32>
  }
  memref.store %read, %x[%c1] : memref<4xf32>
  tenon.dispatch %t of %n grain 1 label "d" {
    tenon.copy %x into %x : memref<4xf32>, memref<4xf32>
  }
  tenon.dispatch %t of %c1 grain 1 label "e" {
    tenon.copy %x into %x : memref<4xf32>, memref<4xf32>
  }
  %buffer = memref.alloc() : memref<4xf32>
  tenon.dispatch %t of %n grain 1 label "f" {
    tenon.copy %buffer into %x : memref<4xf32>, memref<4xf32>
  }
  tenon.dispatch %t of %c1 grain 1 label "g" {
    tenon.copy %x into %x : memref<4xf32>, memref<4xf32>
  }
  call @callee() : () -> ()
  tenon.dispatch %t of %n grain 1 label "h" {
    tenon.copy %x into %x : memref<4xf32>, memref<4xf32>
  }
  tenon.dispatch %t of %c1 grain 1 label "i" {
    tenon.copy %x into %x : memref<4xf32>, memref<4xf32>
  }
  scf.for %i = %c0 to %n step %c1 {
    tenon.dispatch %t of %n grain 1 label "j" {
      tenon.copy %x into %x : memref<4xf32>, memref<4xf32>
    }
    tenon.dispatch %t of %c1 grain 1 label "k" {
      tenon.copy %x into %x : memref<4xf32>, memref<4xf32>
    }
  }
  tenon.dispatch %t of %n grain 1 label "l" {
    tenon.copy %x into %x : memref<4xf32>, memref<4xf32>
  }
  return
}
