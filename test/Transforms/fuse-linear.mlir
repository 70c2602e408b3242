// RUN: tenon-opt %s --tenon-fuse-linear --split-input-file | FileCheck %s
// RUN: tenon-opt %s --tenon-fuse-linear --split-input-file --tenon-statistics -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=STATS

// STATS: tenon-fuse-linear: 1 activations
// STATS: tenon-fuse-linear: 2 biases
// STATS: tenon-fuse-linear: 2 declined-order
// STATS: tenon-fuse-linear: 2 declined-products
// STATS: tenon-fuse-linear: 2 declined-uses
// STATS: tenon-fuse-linear: 3 linears
// STATS: tenon-fuse-linear: 3 residuals
// STATS: tenon-fuse-linear: 2 transposed-weights

// A product with a transposed weight; bias, activation and residual in order.

// CHECK-LABEL: module @all
module @all {
  // CHECK: tenon.weight @w.transposed : tensor<64x128xf32> from [#tenon.source<"w", tensor<128x64xf32>, transposed>]
  // CHECK-NOT: tenon.weight @w :
  tenon.weight @w : tensor<128x64xf32> from [#tenon.source<"w", tensor<128x64xf32>>]
  tenon.weight @b : tensor<64xf32> from [#tenon.source<"b", tensor<64xf32>>]
  // CHECK-LABEL: func @conv1d
  // CHECK-SAME: (%[[X:.*]]: tensor<?x128xf32>, %[[R:.*]]: tensor<?x64xf32>)
  func.func @conv1d(%x: tensor<?x128xf32>, %r: tensor<?x64xf32>) -> tensor<?x64xf32> {
    // CHECK-DAG: %[[W:.*]] = tenon.weight_ref @w.transposed : tensor<64x128xf32>
    // CHECK-DAG: %[[B:.*]] = tenon.weight_ref @b : tensor<64xf32>
    %w = tenon.weight_ref @w : tensor<128x64xf32>
    %b = tenon.weight_ref @b : tensor<64xf32>
    // CHECK: %[[Y:.*]] = tenon.linear %[[X]], %[[W]] bias(%[[B]]) residual(%[[R]]) {activation = #tenon.activation_kind<gelu_tanh>}
    // CHECK-SAME: (tensor<?x128xf32>, tensor<64x128xf32>, tensor<64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    // CHECK-NEXT: return %[[Y]]
    %0 = tenon.matmul %x, %w : (tensor<?x128xf32>, tensor<128x64xf32>) -> tensor<?x64xf32>
    %1 = tenon.add %0, %b : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %2 = tenon.activation %1 {kind = #tenon.activation_kind<gelu_tanh>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %3 = tenon.add %r, %2 : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    return %3 : tensor<?x64xf32>
  }
}

// -----

// CHECK-LABEL: module @transposed_value
module @transposed_value {
  // CHECK: tenon.weight @w : tensor<2x64x128xf32>
  tenon.weight @w : tensor<2x64x128xf32> from [#tenon.source<"{i}.w", tensor<64x128xf32>>] stacked
  // CHECK-LABEL: func @plain
  func.func @plain(%x: tensor<?x128xf32>, %i: index) -> tensor<?x64xf32> {
    // CHECK: %[[W:.*]] = tenon.weight_ref @w[%{{.*}}] : tensor<64x128xf32>
    // CHECK-NOT: tenon.transpose
    // CHECK: tenon.linear %{{.*}}, %[[W]] :
    %w = tenon.weight_ref @w[%i] : tensor<64x128xf32>
    %t = tenon.transpose %w : tensor<64x128xf32> -> tensor<128x64xf32>
    %y = tenon.matmul %x, %t : (tensor<?x128xf32>, tensor<128x64xf32>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
  // The bias is on the other side of the sum.
  // CHECK-LABEL: func @commuted
  func.func @commuted(%x: tensor<?x128xf32>, %b: tensor<64xf32>, %i: index) -> tensor<?x64xf32> {
    // CHECK: tenon.linear %{{.*}}, %{{.*}} bias(%{{.*}}) :
    %w = tenon.weight_ref @w[%i] : tensor<64x128xf32>
    %t = tenon.transpose %w : tensor<64x128xf32> -> tensor<128x64xf32>
    %y = tenon.matmul %x, %t : (tensor<?x128xf32>, tensor<128x64xf32>) -> tensor<?x64xf32>
    %z = tenon.add %b, %y : (tensor<64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    return %z : tensor<?x64xf32>
  }
}

// -----

// linear(x, transpose(w)), as a description of Conv1D may write it; the source
// was transposed already and is now read as it lies.

// CHECK-LABEL: module @linear_of_transposed
module @linear_of_transposed {
  // CHECK: tenon.weight @w.transposed : tensor<3x64x128xf32> from [#tenon.source<"{i}.w", tensor<64x128xf32>>] stacked
  tenon.weight @w : tensor<3x128x64xf32> from [#tenon.source<"{i}.w", tensor<64x128xf32>, transposed>] stacked
  func.func @f(%x: tensor<?x128xf32>, %i: index) -> tensor<?x64xf32> {
    // CHECK: %[[W:.*]] = tenon.weight_ref @w.transposed[%{{.*}}] : tensor<64x128xf32>
    // CHECK: tenon.linear %{{.*}}, %[[W]]
    %w = tenon.weight_ref @w[%i] : tensor<128x64xf32>
    %t = tenon.transpose %w : tensor<128x64xf32> -> tensor<64x128xf32>
    %y = tenon.linear %x, %t : (tensor<?x128xf32>, tensor<64x128xf32>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
}

// -----

// Values that are read elsewhere keep their epilogues outside.

// CHECK-LABEL: module @declined_uses
module @declined_uses {
  tenon.weight @w : tensor<64x64xf32> from [#tenon.source<"w", tensor<64x64xf32>>]
  // CHECK-LABEL: func @two_readers
  func.func @two_readers(%x: tensor<?x64xf32>, %b: tensor<64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
    // CHECK: tenon.linear %{{[^ ]*}}, %{{[^ ]*}} :
    // CHECK: tenon.add
    // CHECK: tenon.activation
    %w = tenon.weight_ref @w : tensor<64x64xf32>
    %0 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %1 = tenon.add %0, %b : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %2 = tenon.activation %0 {kind = #tenon.activation_kind<relu>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    return %1, %2 : tensor<?x64xf32>, tensor<?x64xf32>
  }
  // The residual is added before the activation.
  // CHECK-LABEL: func @order
  func.func @order(%x: tensor<?x64xf32>, %r: tensor<?x64xf32>) -> tensor<?x64xf32> {
    // CHECK: tenon.linear {{.*}} residual
    // CHECK: tenon.activation
    %w = tenon.weight_ref @w : tensor<64x64xf32>
    %0 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %1 = tenon.add %0, %r : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %2 = tenon.activation %1 {kind = #tenon.activation_kind<relu>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    return %2 : tensor<?x64xf32>
  }
}

// -----

// Products of activations, and with rows of several sources, stay products.

// CHECK-LABEL: module @declined_products
module @declined_products {
  tenon.weight @w : tensor<64x64xf32> from [#tenon.source<"a", tensor<32x64xf32>>, #tenon.source<"b", tensor<32x64xf32>>]
  // CHECK-LABEL: func @products
  func.func @products(%x: tensor<?x64xf32>, %y: tensor<64x64xf32>) -> tensor<?x64xf32> {
    // CHECK: tenon.matmul
    // CHECK: tenon.matmul
    %w = tenon.weight_ref @w : tensor<64x64xf32>
    %0 = tenon.matmul %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %1 = tenon.matmul %0, %y : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    return %1 : tensor<?x64xf32>
  }
}

// -----

// Two residuals: one rides along, the other stays a sum. Locations fuse.

// CHECK-LABEL: module @locations
module @locations {
  tenon.weight @w : tensor<64x64xf32> from [#tenon.source<"w", tensor<64x64xf32>>]
  func.func @f(%x: tensor<?x64xf32>, %r: tensor<?x64xf32>, %s: tensor<?x64xf32>) -> tensor<?x64xf32> {
    // CHECK: %[[Y:.*]] = tenon.linear {{.*}} residual
    // CHECK: tenon.add %[[Y]], %{{.*}}
    %w = tenon.weight_ref @w : tensor<64x64xf32>
    %0 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %1 = tenon.add %0, %r : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %2 = tenon.add %1, %s : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    return %2 : tensor<?x64xf32>
  }
}
