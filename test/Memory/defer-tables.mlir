// RUN: tenon-opt %s --split-input-file --tenon-defer-tables | FileCheck %s
// RUN: tenon-opt %s --split-input-file --tenon-defer-tables --tenon-statistics 2>&1 >/dev/null | FileCheck %s --check-prefix=COUNT

// COUNT-DAG: tenon-defer-tables: 2 deferred
// COUNT-DAG: tenon-defer-tables: 2 declined

// A table that is the head, too: its rows are saved. Those of another table (%p) stay: nothing adds to it before.
// CHECK: module attributes {tenon.max_chunk = 64 : i64, tenon.row_numbers = 80 : i64}
module attributes {tenon.max_chunk = 64 : i64} {
  tenon.weight @e : tensor<40x72xf32> from [#tenon.source<"e", tensor<40x72xf32>>]
  tenon.weight @p : tensor<64x72xf32> from [#tenon.source<"p", tensor<64x72xf32>>]
  // CHECK-LABEL: func.func @gradient
  func.func @gradient(%t: tensor<?xi32> {tenon.name = "tokens"}, %x: tensor<?x72xf32>, %y: tensor<?x40xf32>) {
    // CHECK: tenon.weight_gradient
    // CHECK: tenon.embedding_gradient {{.*}} memref<64x72xf32>
    // CHECK: tenon.save_rows %{{.*}} at 0 : tensor<?x72xf32>
    // CHECK-NOT: embedding_gradient
    // CHECK: return
    %g = tenon.gradient @e : memref<40x72xf32>
    %gp = tenon.gradient @p : memref<64x72xf32>
    tenon.weight_gradient %y, %x into %g : tensor<?x40xf32>, tensor<?x72xf32>, memref<40x72xf32>
    tenon.embedding_gradient %t, %x into %gp : tensor<?xi32>, tensor<?x72xf32>, memref<64x72xf32>
    tenon.embedding_gradient %t, %x into %g {frozen = 3 : i64} : tensor<?xi32>, tensor<?x72xf32>, memref<40x72xf32>
    return
  }
  // CHECK-LABEL: func.func @row_gradients
  // CHECK-SAME: (%[[T:.*]]: tensor<?xi32> {tenon.name = "tokens"}, %{{.*}}: tensor<?x72xf32>, %{{.*}}: tensor<?x40xf32>) attributes {tenon.entry}
  // CHECK-NEXT: %[[D:.*]] = tenon.saved_rows 0 like %[[T]]
  // CHECK-NEXT: %[[G:.*]] = tenon.gradient @e
  // CHECK-NEXT: tenon.embedding_gradient %[[T]], %[[D]] into %[[G]] {frozen = 3 : i64}
  // CHECK-NEXT: return
}

// -----

// The source's and the decoder's tokens look in one table.
module attributes {tenon.max_chunk = 64 : i64} {
  tenon.weight @e : tensor<40x8xf32> from [#tenon.source<"e", tensor<40x8xf32>>]
  // CHECK-LABEL: func.func @gradient
  // CHECK: tenon.embedding_gradient
  // CHECK: tenon.save_rows
  // CHECK-LABEL: func.func @row_gradients
  // CHECK: tenon.saved_rows 0 like %arg1
  func.func @gradient(%t: tensor<?xi32>, %s: tensor<?xi32>, %x: tensor<?x8xf32>, %y: tensor<?x8xf32>) {
    %g = tenon.gradient @e : memref<40x8xf32>
    tenon.embedding_gradient %t, %x into %g : tensor<?xi32>, tensor<?x8xf32>, memref<40x8xf32>
    tenon.embedding_gradient %s, %y into %g : tensor<?xi32>, tensor<?x8xf32>, memref<40x8xf32>
    return
  }
}

// -----

// Ids that a weight holds, and a use in a loop: added in place, as nothing else could be there before.
module attributes {tenon.max_chunk = 64 : i64} {
  tenon.weight @e : tensor<40x8xf32> from [#tenon.source<"e", tensor<40x8xf32>>]
  tenon.weight @ids : tensor<9xi32> from [#tenon.source<"ids", tensor<9xi32>>]
  // CHECK-LABEL: func.func @gradient
  // CHECK-COUNT-3: tenon.embedding_gradient
  // CHECK-NOT: @row_gradients
  func.func @gradient(%t: tensor<?xi32>, %x: tensor<?x8xf32>, %z: tensor<9x8xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %g = tenon.gradient @e : memref<40x8xf32>
    %ids = tenon.weight_ref @ids : tensor<9xi32>
    tenon.embedding_gradient %t, %x into %g : tensor<?xi32>, tensor<?x8xf32>, memref<40x8xf32>
    tenon.embedding_gradient %ids, %z into %g : tensor<9xi32>, tensor<9x8xf32>, memref<40x8xf32>
    scf.for %i = %c0 to %c1 step %c1 {
      tenon.embedding_gradient %t, %x into %g : tensor<?xi32>, tensor<?x8xf32>, memref<40x8xf32>
    }
    return
  }
}
