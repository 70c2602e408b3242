// RUN: tenon-opt %s --tenon-plan-arena --split-input-file -verify-diagnostics | FileCheck %s
// RUN: tenon-opt %s --tenon-plan-arena=reuse=false --split-input-file -verify-diagnostics | FileCheck %s --check-prefix=APART

// APART: module @reuse attributes {tenon.arena_bytes = 1088 : i64

// Buffers whose lifetimes meet lie beside each other, others on each other;
// T counts as max_chunk, places are 64-byte aligned.

// CHECK-LABEL: module @reuse
// CHECK-SAME: tenon.arena_bytes = 768 : i64
module @reuse attributes {tenon.max_chunk = 8 : i64} {
  // CHECK: func.func @forward(%{{.*}}: memref<0xi8>, %[[ARENA:.*]]: memref<768xi8>, %{{.*}}: memref<0xi8>, %{{.*}}: memref<8x10xf32>
  func.func @forward(%w: memref<0xi8>, %arena: memref<?xi8>, %c: memref<0xi8>, %x: memref<8x10xf32>, %y: memref<8x10xf32>, %t: index, %p: index, %r: index) attributes {tenon.entry} {
    // 320 bytes each.
    // CHECK: %[[A:.*]] = memref.view %[[ARENA]][%c0{{.*}}][%[[T:.*]]] : memref<768xi8> to memref<?x10xf32>
    // CHECK: %[[B:.*]] = memref.view %[[ARENA]][%c320{{.*}}][%[[T]]] : memref<768xi8> to memref<?x10xf32>
    // C takes A's place.
    // CHECK: %[[C:.*]] = memref.view %[[ARENA]][%c0{{.*}}][%[[T]]] : memref<768xi8> to memref<?x10xf32>
    // CHECK: %[[SMALL:.*]] = memref.view %[[ARENA]][%c640{{.*}}][] : memref<768xi8> to memref<20xf32>
    %a = memref.alloc(%t) : memref<?x10xf32>
    %b = memref.alloc(%t) : memref<?x10xf32>
    %d = memref.alloc(%t) : memref<?x10xf32>
    %s = memref.alloc() : memref<20xf32>
    tenon.copy %x into %a : memref<8x10xf32>, memref<?x10xf32>
    // CHECK: tenon.scale %[[A]] into %[[B]]
    tenon.scale %a into %b {factor = 2.0 : f32} : (memref<?x10xf32>, memref<?x10xf32>) -> ()
    // CHECK: tenon.scale %[[B]] into %[[C]]
    tenon.scale %b into %d {factor = 2.0 : f32} : (memref<?x10xf32>, memref<?x10xf32>) -> ()
    // B is alive through its view.
    %v = memref.subview %b[0, 0] [%t, 4] [1, 1] : memref<?x10xf32> to memref<?x4xf32, strided<[10, 1]>>
    tenon.copy %s into %s : memref<20xf32>, memref<20xf32>
    tenon.copy %v into %v : memref<?x4xf32, strided<[10, 1]>>, memref<?x4xf32, strided<[10, 1]>>
    tenon.copy %d into %y : memref<?x10xf32>, memref<8x10xf32>
    return
  }
}

// -----

// A buffer from outside a loop that the loop reads lives through all of it, so
// one that is made later in the loop cannot take its place. The arena is as
// large as the largest entry point needs.

// CHECK-LABEL: module @loop
// CHECK-SAME: tenon.arena_bytes = 512 : i64
module @loop attributes {tenon.max_chunk = 8 : i64} {
  // CHECK: func.func @forward(%{{.*}}, %[[ARENA:.*]]: memref<512xi8>
  func.func @forward(%w: memref<0xi8>, %arena: memref<?xi8>, %c: memref<0xi8>, %x: memref<8x8xf32>, %y: memref<8x8xf32>, %t: index, %p: index, %r: index) attributes {tenon.entry} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    // CHECK-DAG: memref.view %[[ARENA]][%c0{{.*}}]
    // CHECK-DAG: memref.view %[[ARENA]][%c256{{.*}}]
    %a = memref.alloc(%t) : memref<?x8xf32>
    tenon.copy %x into %a : memref<8x8xf32>, memref<?x8xf32>
    scf.for %i = %c0 to %t step %c1 {
      tenon.copy %a into %y : memref<?x8xf32>, memref<8x8xf32>
      %b = memref.alloc(%t) : memref<?x8xf32>
      tenon.copy %x into %b : memref<8x8xf32>, memref<?x8xf32>
    }
    return
  }
  // CHECK: func.func @pooled(%{{.*}}, %{{.*}}: memref<512xi8>
  func.func @pooled(%w: memref<0xi8>, %arena: memref<?xi8>, %c: memref<0xi8>, %x: memref<8x8xf32>, %y: memref<8x8xf32>, %t: index, %p: index, %r: index) attributes {tenon.entry} {
    return
  }
}

// -----

module attributes {tenon.max_chunk = 1073741824 : i64} {
  func.func @forward(%w: memref<0xi8>, %arena: memref<?xi8>, %c: memref<0xi8>, %x: memref<8x8xf32>, %y: memref<8x8xf32>, %t: index, %p: index, %r: index) attributes {tenon.entry} {
    // expected-error @+1 {{has no size: it passes 2^62 bytes, or 'tenon.max_chunk' is missing}}
    %a = memref.alloc(%t) : memref<?x2147483648x4xf32>
    return
  }
}
