// RUN: tenon-opt %s --tenon-outline-dispatches --split-input-file | FileCheck %s

// Captures are pointers to roots and indices; views and arithmetic move in.
// Each view is an argument of the tasks function, without aliases.

// CHECK: tenon.operations = [{entry = "decode", id = 0 : i32, kind = "scale", location = "{{.*}}outline-dispatches.mlir:[[@LINE+33]]:5", name = "scale x.y"}]
// CHECK: func.func private @tenon_dispatch(i32, (!llvm.ptr, i64, i64) -> (), !llvm.ptr, i64, i64)

// CHECK: func.func private @kernel_decode_scale_x_y_tasks(
// CHECK-SAME: %[[A:[^:]*]]: memref<320xi8> {llvm.noalias}, %[[W:[^:]*]]: memref<40xi8> {llvm.noalias},
// CHECK-SAME: %[[OUT:[^:]*]]: memref<8x10xf32> {llvm.noalias}, %[[T:[^:]*]]: index, %[[I:[^:]*]]: index, %[[BEGIN:[^:]*]]: index, %[[END:[^:]*]]: index)
// CHECK-DAG: memref.view %[[A]][%c0{{.*}}][%[[T]]] : memref<320xi8> to memref<?x10xf32>
// CHECK-DAG: memref.view %[[W]][%c0{{.*}}][] : memref<40xi8> to memref<10xf32>
// CHECK: scf.for %[[TASK:.*]] = %[[BEGIN]] to %[[END]]
// CHECK: tenon.scale

// CHECK: func.func private @kernel_decode_scale_x_y(%[[CTX:.*]]: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64)
// CHECK: llvm.getelementptr %[[CTX]][0, 0] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<(ptr, ptr, ptr, i64, i64)>
// CHECK: builtin.unrealized_conversion_cast %{{.*}} : !llvm.ptr to memref<4096xi8>
// CHECK: %[[LAYER:.*]] = arith.muli %{{.*}}, %c64
// CHECK: memref.view %{{.*}}[%[[LAYER]]][] : memref<1024xi8> to memref<40xi8>
// CHECK: call @kernel_decode_scale_x_y_tasks

// CHECK: func.func @decode
// CHECK: llvm.alloca %{{.*}} x !llvm.struct<(ptr, ptr, ptr, i64, i64)>
// CHECK-NOT: memref.view
// CHECK: scf.for
// CHECK: %[[FN:.*]] = {{(func\.)?}}constant @kernel_decode_scale_x_y : (!llvm.ptr, i64, i64) -> ()
// CHECK: call @tenon_dispatch(%{{.*}}, %[[FN]], %{{.*}}, %{{.*}}, %{{.*}})
module attributes {tenon.max_chunk = 8 : i64} {
func.func @decode(%weights: memref<1024xi8>, %arena: memref<4096xi8>, %out: memref<8x10xf32>, %t: index, %layers: index) attributes {tenon.entry} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %a = memref.view %arena[%c64][%t] : memref<4096xi8> to memref<?x10xf32>
  scf.for %i = %c0 to %layers step %c1 {
    %place = arith.muli %i, %c64 : index
    %w = memref.view %weights[%place][] : memref<1024xi8> to memref<10xf32>
    tenon.dispatch %task of %t grain 4 label "scale x.y" {
      tenon.add %a, %w into %a : (memref<?x10xf32>, memref<10xf32>, memref<?x10xf32>) -> ()
      %n = arith.addi %i, %task : index
      %o = memref.subview %out[%n, 0] [1, 10] [1, 1] : memref<8x10xf32> to memref<1x10xf32, strided<[10, 1], offset: ?>>
      tenon.scale %o into %o {factor = 2.0 : f32} : (memref<1x10xf32, strided<[10, 1], offset: ?>>, memref<1x10xf32, strided<[10, 1], offset: ?>>) -> ()
    }
  }
  return
}
}

// -----

// Equal bodies are one kernel, each with its own number.

// CHECK: tenon.operations = [{{.*}}id = 0 : i32{{.*}}name = "first"}, {{.*}}id = 1 : i32{{.*}}name = "second"}]
// CHECK-COUNT-1: func.func private @kernel_prefill_first_tasks
// CHECK-NOT: func.func private @kernel_{{[a-z]*}}_second
// CHECK: func.func @prefill
// CHECK: constant @kernel_prefill_first :
// CHECK: constant @kernel_prefill_first :
module attributes {tenon.max_chunk = 8 : i64} {
func.func @prefill(%arena: memref<4096xi8>, %t: index) attributes {tenon.entry} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.view %arena[%c0][%t] : memref<4096xi8> to memref<?x10xf32>
  tenon.dispatch %task of %c1 grain 1 label "first" {
    tenon.scale %a into %a {factor = 2.0 : f32} : (memref<?x10xf32>, memref<?x10xf32>) -> ()
  }
  tenon.dispatch %task of %c1 grain 1 label "second" {
    tenon.scale %a into %a {factor = 2.0 : f32} : (memref<?x10xf32>, memref<?x10xf32>) -> ()
  }
  return
}
}

// -----

// A root that is used itself and through a view may alias it.

// CHECK: func.func private @kernel_f_x_tasks(%{{.*}}: memref<40xi8>, %{{.*}}: memref<64xi8>, %{{.*}}: index, %{{.*}}: index)
func.func @f(%root: memref<64xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.view %root[%c0][] : memref<64xi8> to memref<10xf32>
  tenon.dispatch %task of %c1 grain 1 label "x" {
    tenon.scale %a into %a {factor = 2.0 : f32} : (memref<10xf32>, memref<10xf32>) -> ()
    tenon.copy %root into %root : memref<64xi8>, memref<64xi8>
  }
  return
}

// -----

// A prologue: each step has a function of its own, whose views don't overlap; one kernel on the shared context calls them.

// CHECK: tenon.operations = [{{.*}}id = 0 : i32, kind = "scale+copy", {{.*}}name = "scale a + copy b + scale c"}, {{.*}}id = 1 : i32, kind = "scale", {{.*}}name = "scale x"}]
// CHECK: func.func private @tenon_dispatch_after(i32, (!llvm.ptr, i64, i64) -> (), (!llvm.ptr, i64, i64) -> (), !llvm.ptr, i64, i64)
// CHECK: func.func private @kernel_decode_scale_a_tasks(%{{[^:]*}}: memref<40xi8> {llvm.noalias})
// CHECK-NOT: scf.for
// CHECK: tenon.scale
// CHECK: func.func private @kernel_decode_copy_b_tasks(%{{[^:]*}}: memref<40xi8> {llvm.noalias}, %{{[^:]*}}: memref<40xi8> {llvm.noalias})
// CHECK: func.func private @kernel_decode_scale_x_prologue(%[[CTX:.*]]: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64)
// CHECK: llvm.getelementptr %[[CTX]][0, 0]
// CHECK-NOT: llvm.getelementptr
// CHECK: call @kernel_decode_scale_a_tasks
// CHECK: call @kernel_decode_copy_b_tasks
// CHECK: call @kernel_decode_scale_a_tasks
// CHECK: func.func private @kernel_decode_scale_x(%{{.*}}: !llvm.ptr
// CHECK: func.func @decode
// CHECK: call @tenon_dispatch_after(%c1_i32
module attributes {tenon.max_chunk = 8 : i64} {
func.func @decode(%arena: memref<4096xi8>, %out: memref<8x10xf32>, %n: index) attributes {tenon.entry} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %a = memref.view %arena[%c0][] : memref<4096xi8> to memref<10xf32>
  %b = memref.view %arena[%c64][] : memref<4096xi8> to memref<10xf32>
  tenon.dispatch %task of %n grain 1 label "scale x" prologue {
    tenon.step "scale a" {
      tenon.scale %a into %a {factor = 2.0 : f32} : (memref<10xf32>, memref<10xf32>) -> ()
    }
    tenon.step "copy b" {
      tenon.copy %a into %b : memref<10xf32>, memref<10xf32>
    }
    tenon.step "scale c" {
      tenon.scale %b into %b {factor = 2.0 : f32} : (memref<10xf32>, memref<10xf32>) -> ()
    }
  } {
    tenon.scale %out into %out {factor = 2.0 : f32} : (memref<8x10xf32>, memref<8x10xf32>) -> ()
  }
  return
}
}

// -----

// What learns has many kernels, of which LLVM unrolls less.

// CHECK: func.func private @kernel_gradient_scale_tasks({{.*}}) attributes {passthrough = ["tenon-unroll-sums"]}
// CHECK: func.func private @kernel_gradient_scale({{[^)]*}}) {
module attributes {tenon.max_chunk = 8 : i64} {
func.func @gradient(%arena: memref<4096xi8>, %t: index) attributes {tenon.entry} {
  %c0 = arith.constant 0 : index
  %a = memref.view %arena[%c0][%t] : memref<4096xi8> to memref<?x10xf32>
  tenon.dispatch %task of %t grain 4 label "scale" {
    %row = memref.subview %a[%task, 0] [1, 10] [1, 1] : memref<?x10xf32> to memref<1x10xf32, strided<[10, 1], offset: ?>>
    tenon.scale %row into %row {factor = 2.0 : f32} : (memref<1x10xf32, strided<[10, 1], offset: ?>>, memref<1x10xf32, strided<[10, 1], offset: ?>>) -> ()
  }
  return
}
}
