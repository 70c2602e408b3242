// RUN: tenon-opt %s --tenon-bufferize --cse --split-input-file --verify-diagnostics | FileCheck %s

// A linear whose layers differ in precision is an scf.if: both branches write
// the buffer that an operation in its place would, the residual's if it can.

!a = tensor<8x8xf32, #tenon.panel<n = 8, k = 1>>
!b = tensor<8x8xf16, #tenon.panel<n = 8, k = 1>>

// CHECK-LABEL: func.func @residual
module attributes {tenon.max_chunk = 8 : i64} {
  tenon.weight @a : !a from [#tenon.source<"a", tensor<8x8xf32>>]
  tenon.weight @b : !b from [#tenon.source<"b", tensor<8x8xf16>>]
  func.func @residual(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    // CHECK: tenon.scale %{{.*}} into %[[R:alloc[_0-9]*]] {
    %s = tenon.scale %x {factor = 2.0 : f32} : (tensor<?x8xf32>) -> tensor<?x8xf32>
    // CHECK: scf.for
    %y = scf.for %i = %c0 to %c4 step %c1 iter_args(%r = %s) -> (tensor<?x8xf32>) {
      // CHECK: tenon.scale %[[R]] into %[[H:alloc[_0-9]*]] {
      %h = tenon.scale %r {factor = 3.0 : f32} : (tensor<?x8xf32>) -> tensor<?x8xf32>
      %c = arith.cmpi eq, %i, %c1 : index
      // CHECK-NOT: memref.alloc
      // CHECK: scf.if
      // CHECK: tenon.linear %[[H]], %{{.*}} residual(%[[R]]) into %[[R]] {
      // CHECK: else
      // CHECK: tenon.linear %[[H]], %{{.*}} residual(%[[R]]) into %[[R]] {
      // CHECK-NOT: tenon.copy
      %n = scf.if %c -> (tensor<?x8xf32>) {
        %w = tenon.weight_ref @a : !a
        %0 = tenon.linear %h, %w residual(%r) : (tensor<?x8xf32>, !a, tensor<?x8xf32>) -> tensor<?x8xf32>
        scf.yield %0 : tensor<?x8xf32>
      } else {
        %w = tenon.weight_ref @b : !b
        %0 = tenon.linear %h, %w residual(%r) : (tensor<?x8xf32>, !b, tensor<?x8xf32>) -> tensor<?x8xf32>
        scf.yield %0 : tensor<?x8xf32>
      }
      scf.yield %n : tensor<?x8xf32>
    }
    // The loop's result.
    // CHECK: tenon.copy %[[R]] into
    return %y : tensor<?x8xf32>
  }
}

// -----

// The residual is read again, or it is the input as well: another buffer, one
// for both branches.

!a = tensor<8x8xf32, #tenon.panel<n = 8, k = 1>>
!b = tensor<8x8xf16, #tenon.panel<n = 8, k = 1>>

// CHECK-LABEL: func.func @kept
module attributes {tenon.max_chunk = 8 : i64} {
  tenon.weight @a : !a from [#tenon.source<"a", tensor<8x8xf32>>]
  tenon.weight @b : !b from [#tenon.source<"b", tensor<8x8xf16>>]
  func.func @kept(%x: tensor<?x8xf32>, %i: index) -> tensor<?x8xf32> {
    %c0 = arith.constant 0 : index
    %c = arith.cmpi eq, %i, %c0 : index
    // CHECK: tenon.scale %{{.*}} into %[[R:alloc[_0-9]*]] {
    %r = tenon.scale %x {factor = 2.0 : f32} : (tensor<?x8xf32>) -> tensor<?x8xf32>
    // CHECK: %[[Y:.*]] = memref.alloc
    // CHECK: scf.if
    // CHECK: tenon.linear %[[R]], %{{.*}} residual(%[[R]]) into %[[Y]] {
    // CHECK: else
    // CHECK: tenon.linear %[[R]], %{{.*}} residual(%[[R]]) into %[[Y]] {
    %y = scf.if %c -> (tensor<?x8xf32>) {
      %w = tenon.weight_ref @a : !a
      %0 = tenon.linear %r, %w residual(%r) : (tensor<?x8xf32>, !a, tensor<?x8xf32>) -> tensor<?x8xf32>
      scf.yield %0 : tensor<?x8xf32>
    } else {
      %w = tenon.weight_ref @b : !b
      %0 = tenon.linear %r, %w residual(%r) : (tensor<?x8xf32>, !b, tensor<?x8xf32>) -> tensor<?x8xf32>
      scf.yield %0 : tensor<?x8xf32>
    }
    // CHECK: scf.if
    // CHECK: tenon.linear %[[R]], %{{.*}} residual(%[[Y]]) into %[[Z:[a-z]+[_0-9]*]] {
    // CHECK: else
    // CHECK: tenon.linear %[[R]], %{{.*}} residual(%[[Y]]) into %[[Z]] {
    %z = scf.if %c -> (tensor<?x8xf32>) {
      %w = tenon.weight_ref @a : !a
      %0 = tenon.linear %r, %w residual(%y) : (tensor<?x8xf32>, !a, tensor<?x8xf32>) -> tensor<?x8xf32>
      scf.yield %0 : tensor<?x8xf32>
    } else {
      %w = tenon.weight_ref @b : !b
      %0 = tenon.linear %r, %w residual(%y) : (tensor<?x8xf32>, !b, tensor<?x8xf32>) -> tensor<?x8xf32>
      scf.yield %0 : tensor<?x8xf32>
    }
    // CHECK: tenon.add %[[Z]], %[[Y]] into
    %s = tenon.add %z, %y : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    return %s : tensor<?x8xf32>
  }
}

// -----

// Only one branch may write in place: the other reads the residual in an
// operation before its last. No branch does.

!a = tensor<8x8xf32, #tenon.panel<n = 8, k = 1>>

// CHECK-LABEL: func.func @read_before
module attributes {tenon.max_chunk = 8 : i64} {
  tenon.weight @a : !a from [#tenon.source<"a", tensor<8x8xf32>>]
  func.func @read_before(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    // CHECK: tenon.scale %{{.*}} into %[[R:alloc[_0-9]*]] {
    %s = tenon.scale %x {factor = 2.0 : f32} : (tensor<?x8xf32>) -> tensor<?x8xf32>
    // CHECK: scf.for
    %y = scf.for %i = %c0 to %c4 step %c1 iter_args(%r = %s) -> (tensor<?x8xf32>) {
      // CHECK: tenon.scale %[[R]] into %[[H:alloc[_0-9]*]] {
      %h = tenon.scale %r {factor = 3.0 : f32} : (tensor<?x8xf32>) -> tensor<?x8xf32>
      %c = arith.cmpi eq, %i, %c1 : index
      // CHECK: %[[Y:alloc[_0-9]*]] = memref.alloc
      // CHECK: scf.if
      // CHECK: tenon.linear %[[H]], %{{.*}} residual(%[[R]]) into %[[Y]] {
      // CHECK: else
      // CHECK: tenon.scale %[[R]] into %[[T:alloc[_0-9]*]] {
      // CHECK: tenon.linear %[[T]], %{{.*}} residual(%[[R]]) into %[[Y]] {
      // CHECK: }
      // CHECK: tenon.copy %[[Y]] into %[[R]]
      %n = scf.if %c -> (tensor<?x8xf32>) {
        %w = tenon.weight_ref @a : !a
        %0 = tenon.linear %h, %w residual(%r) : (tensor<?x8xf32>, !a, tensor<?x8xf32>) -> tensor<?x8xf32>
        scf.yield %0 : tensor<?x8xf32>
      } else {
        %w = tenon.weight_ref @a : !a
        %0 = tenon.scale %r {factor = 5.0 : f32} : (tensor<?x8xf32>) -> tensor<?x8xf32>
        %1 = tenon.linear %0, %w residual(%r) : (tensor<?x8xf32>, !a, tensor<?x8xf32>) -> tensor<?x8xf32>
        scf.yield %1 : tensor<?x8xf32>
      }
      scf.yield %n : tensor<?x8xf32>
    }
    return %y : tensor<?x8xf32>
  }
}

// -----

// A branch that gives a value from outside copies it.

// CHECK-LABEL: func.func @outside
module attributes {tenon.max_chunk = 8 : i64} {
  func.func @outside(%x: tensor<2x8xf32>, %i: index) -> tensor<2x8xf32> {
    %c0 = arith.constant 0 : index
    %c = arith.cmpi eq, %i, %c0 : index
    // CHECK: tenon.scale %{{.*}} into %[[A:alloc[_0-9]*]] {
    %a = tenon.scale %x {factor = 2.0 : f32} : (tensor<2x8xf32>) -> tensor<2x8xf32>
    // CHECK: scf.if
    // CHECK: tenon.scale %{{.*}} into %[[Y:[a-z]+[_0-9]*]] {
    // CHECK: else
    // CHECK: tenon.copy %[[A]] into %[[Y]]
    %y = scf.if %c -> (tensor<2x8xf32>) {
      %0 = tenon.scale %x {factor = 3.0 : f32} : (tensor<2x8xf32>) -> tensor<2x8xf32>
      scf.yield %0 : tensor<2x8xf32>
    } else {
      scf.yield %a : tensor<2x8xf32>
    }
    // CHECK: tenon.add %[[Y]], %[[A]]
    %z = tenon.add %y, %a : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
    return %z : tensor<2x8xf32>
  }
}

// -----

module attributes {tenon.max_chunk = 8 : i64} {
  func.func @two(%x: tensor<2x8xf32>, %i: index) -> tensor<2x8xf32> {
    %c0 = arith.constant 0 : index
    %c = arith.cmpi eq, %i, %c0 : index
    // expected-error @+1 {{must give one tensor to have a form in memory}}
    %y:2 = scf.if %c -> (tensor<2x8xf32>, tensor<2x8xf32>) {
      scf.yield %x, %x : tensor<2x8xf32>, tensor<2x8xf32>
    } else {
      scf.yield %x, %x : tensor<2x8xf32>, tensor<2x8xf32>
    }
    %z = tenon.add %y#0, %y#1 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
    return %z : tensor<2x8xf32>
  }
}
