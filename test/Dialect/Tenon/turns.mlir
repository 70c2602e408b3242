// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// Turns, and rows of tables that outlive a call.

// CHECK-LABEL: func @turns
func.func @turns(%i: index) {
  // CHECK: tenon.await_turn 5[%{{.*}}]
  tenon.await_turn 5[%i]
  // CHECK: tenon.await_turn 0{{$}}
  tenon.await_turn 0
  // CHECK: tenon.pass_turn 5[%{{.*}}]
  tenon.pass_turn 5[%i]
  // CHECK: tenon.pass_turn 0{{$}}
  tenon.pass_turn 0
  return
}

// CHECK-LABEL: func @rows
func.func @rows(%t: tensor<?xi32>, %d: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: tenon.save_rows %{{.*}} at 16 : tensor<?x64xf32>
  tenon.save_rows %d at 16 : tensor<?x64xf32>
  // CHECK: tenon.saved_rows 16 like %{{.*}} : tensor<?xi32> -> tensor<?x64xf32>
  %0 = tenon.saved_rows 16 like %t : tensor<?xi32> -> tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}
