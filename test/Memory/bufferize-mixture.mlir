// RUN: tenon-opt %s --tenon-bufferize --split-input-file --verify-diagnostics | FileCheck %s

// Rows are gathered for each expert that has any; what it computes is added in
// the order of experts. A single row needs no gathering.

// CHECK-LABEL: func.func @several
// CHECK-SAME: %[[X:[a-z0-9]*]]: memref<8x64xf32>, %[[G:[a-z0-9]*]]: memref<8x4xf32>
module attributes {tenon.max_chunk = 8 : i64} {
  func.func @several(%x: tensor<?x64xf32>, %g: tensor<?x4xf32>) -> tensor<?x64xf32> {
    // CHECK: %[[XS:.*]] = memref.subview
    // CHECK: %[[GS:.*]] = memref.subview
    // CHECK: tenon.clear %[[Y:[a-z_0-9]*]] {
    // CHECK: %[[ROWS:.*]] = memref.alloc() : memref<16xi32>
    // CHECK: %[[WEIGHTS:.*]] = memref.alloc() : memref<16xf32>
    // CHECK: %[[OFFSETS:.*]] = memref.alloc() : memref<5xindex>
    // CHECK: tenon.route %[[GS]] into %[[ROWS]], %[[WEIGHTS]], %[[OFFSETS]] top 2
    // CHECK: scf.for %[[E:.*]] = %c0{{[_0-9]*}} to %c4{{[_0-9]*}} step
    // CHECK:   %[[BEGIN:.*]] = memref.load %[[OFFSETS]][%[[E]]]
    // CHECK:   %[[END:.*]] = memref.load %[[OFFSETS]][%{{.*}}]
    // CHECK:   %[[ANY:.*]] = arith.cmpi ult, %[[BEGIN]], %[[END]]
    // CHECK:   scf.if %[[ANY]] {
    // CHECK:     %[[N:.*]] = arith.subi %[[END]], %[[BEGIN]]
    // CHECK:     %[[R:.*]] = memref.subview %[[ROWS]][%[[BEGIN]]] [%[[N]]] [1]
    // CHECK:     %[[W:.*]] = memref.subview %[[WEIGHTS]][%[[BEGIN]]] [%[[N]]] [1]
    // CHECK:     %[[XE:.*]] = memref.alloc(%[[N]]) : memref<?x64xf32>
    // CHECK:     tenon.embedding %[[R]], %[[XS]] into %[[XE]] {
    // An expert may write over its own rows.
    // CHECK:     tenon.scale %[[XE]] into %[[XE]] {
    // CHECK:     tenon.scatter_add %[[XE]] at %[[R]], %[[W]] into %[[Y]]
    %y = tenon.mixture %x gates(%g) top 2 of 4 {
    ^bb0(%rows: tensor<?x64xf32>, %e: index):
      %0 = tenon.scale %rows {factor = 2.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
      tenon.mixture_yield %0 : tensor<?x64xf32>
    } : (tensor<?x64xf32>, tensor<?x4xf32>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
}

// -----

// CHECK-LABEL: func.func @one
// CHECK-SAME: %[[X:[a-z0-9]*]]: memref<1x64xf32>
module attributes {tenon.max_chunk = 8 : i64} {
  func.func @one(%x: tensor<1x64xf32>, %g: tensor<1x4xf32>) -> tensor<1x64xf32> {
    // CHECK: memref.alloc() : memref<2xi32>
    // CHECK: scf.if
    // CHECK-NOT: tenon.embedding
    // CHECK:   tenon.scale %[[X]] into %[[Z:.*]] {
    // CHECK:   tenon.scatter_add %[[Z]] at
    %y = tenon.mixture %x gates(%g) top 2 of 4 {
    ^bb0(%rows: tensor<1x64xf32>, %e: index):
      %0 = tenon.scale %rows {factor = 2.0 : f32} : (tensor<1x64xf32>) -> tensor<1x64xf32>
      tenon.mixture_yield %0 : tensor<1x64xf32>
    } : (tensor<1x64xf32>, tensor<1x4xf32>) -> tensor<1x64xf32>
    return %y : tensor<1x64xf32>
  }
}

// -----

module attributes {tenon.max_chunk = 8 : i64} {
  func.func @rows_of_others(%x: tensor<?x64xf32>, %g: tensor<?x4xf32>) -> tensor<?x64xf32> {
    %y = tenon.mixture %x gates(%g) top 2 of 4 {
    ^bb0(%rows: tensor<?x64xf32>, %e: index):
      // expected-error @+1 {{in a mixture: an expert sees some rows only, and this needs all of them}}
      %0 = tenon.transpose %rows : tensor<?x64xf32> -> tensor<64x?xf32>
      %1 = tenon.transpose %0 : tensor<64x?xf32> -> tensor<?x64xf32>
      tenon.mixture_yield %1 : tensor<?x64xf32>
    } : (tensor<?x64xf32>, tensor<?x4xf32>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
}

// -----

// The gradient of a mixture: rows of inputs and of the gradient are gathered, what comes back to them is added up, and
// to the gates it goes by columns.

// CHECK-LABEL: func.func @gradient
// CHECK-SAME: %[[X:[a-z0-9]*]]: memref<8x64xf32>, %[[G:[a-z0-9]*]]: memref<8x4xf32>
module attributes {tenon.max_chunk = 8 : i64} {
  func.func @gradient(%x: tensor<?x64xf32>, %g: tensor<?x4xf32>, %dy: tensor<?x64xf32>) -> tensor<?x64xf32> {
    // CHECK: tenon.clear %[[DX:[a-z_0-9]*]] {
    // CHECK: tenon.clear %[[DG:[a-z_0-9]*]] {{.*}} : memref<?x4xf32>
    // CHECK: tenon.route %{{.*}} into %[[ROWS:.*]], %[[WEIGHTS:.*]], %{{.*}} top 2
    // CHECK: scf.for %[[E:.*]] = %c0{{[_0-9]*}} to %c4
    // CHECK:   %[[R:.*]] = memref.subview %[[ROWS]]
    // CHECK:   %[[W:.*]] = memref.subview %[[WEIGHTS]]
    // CHECK:   tenon.embedding %[[R]], %{{.*}} into %[[XE:[a-z_0-9]*]] {
    // CHECK:   tenon.embedding %[[R]], %{{.*}} into %[[DE:[a-z_0-9]*]] {
    // CHECK:   %[[GATE:.*]] = memref.expand_shape %[[W]]
    // CHECK:   tenon.mul %[[DE]], %[[GATE]] into %[[Y:[a-z_0-9]*]] {
    // CHECK:   tenon.scatter_add %[[Y]] at %[[R]] into %[[DX]]
    // CHECK:   %[[COLUMN:.*]] = memref.subview %[[DG]][0, %[[E]]] [%{{.*}}, 1] [1, 1]
    // CHECK:   tenon.scatter_add %{{.*}} at %[[R]] into %[[COLUMN]]
    %dx, %dg = tenon.mixture_gradient %x gates(%g) gradient(%dy) top 2 of 4 {
    ^bb0(%rows: tensor<?x64xf32>, %gate: tensor<?x1xf32>, %d: tensor<?x64xf32>, %e: index):
      %0 = tenon.mul %d, %gate : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
      %1 = tenon.reduce %rows {kind = #tenon.reduction<sum>, dim = 1 : i64} : (tensor<?x64xf32>) -> tensor<?x1xf32>
      tenon.mixture_gradient_yield %0, %1 : tensor<?x64xf32>, tensor<?x1xf32>
    } : (tensor<?x64xf32>, tensor<?x4xf32>, tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x4xf32>)
    return %dx : tensor<?x64xf32>
  }
}
