// RUN: tenon-opt %s --tenon-outline-dispatches | FileCheck %s

// A task's scratch memory is its kernel's, once for all tasks that a call runs:
// in a loop over tasks it would grow the stack.

// CHECK-LABEL: func.func private @kernel_prefill_linear_tasks(
// CHECK: memref.alloca() {alignment = 64 : i64{{.*}}} : memref<64xf32>
// CHECK: scf.for
// CHECK-NOT: memref.alloca
// CHECK: scf.if
// CHECK-NOT: memref.alloca
// CHECK: return
// CHECK-LABEL: func.func @prefill
// CHECK-NOT: memref.alloca
module attributes {tenon.max_chunk = 8 : i64} {
  func.func @prefill(%weights: memref<1024xi8>, %out: memref<8x64xf32>, %t: index) attributes {tenon.entry} {
    tenon.dispatch %task of %t grain 1 label "linear" {
      %c0 = arith.constant 0 : index
      %c3 = arith.constant 3 : index
      %odd = arith.cmpi eq, %task, %c3 : index
      scf.if %odd {
        %scratch = memref.alloca() {alignment = 64 : i64, tenon.scratch = "scales"} : memref<64xf32>
        %v = vector.load %out[%task, %c0] : memref<8x64xf32>, vector<8xf32>
        vector.store %v, %scratch[%c0] : memref<64xf32>, vector<8xf32>
        %w = vector.load %scratch[%c0] : memref<64xf32>, vector<8xf32>
        vector.store %w, %out[%task, %c0] : memref<8x64xf32>, vector<8xf32>
      }
    }
    return
  }
}
