// RUN: tenon-opt %s --tenon-fuse-qkv --split-input-file | FileCheck %s
// RUN: tenon-opt %s --tenon-fuse-qkv --split-input-file --tenon-statistics -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=STATS

// STATS: tenon-fuse-qkv: 1 declined-epilogue
// STATS: tenon-fuse-qkv: 3 declined-shared
// STATS: tenon-fuse-qkv: 4 declined-weight
// STATS: tenon-fuse-qkv: 9 fused
// STATS: tenon-fuse-qkv: 4 groups

// Q, K and V of a layer, with biases.

// CHECK-LABEL: module @biases
module @biases {
  // CHECK-NOT: @l.wq :
  // CHECK: tenon.weight @l.wq.wk.wv : tensor<5x128x64xbf16> from [#tenon.source<"{i}.q", tensor<64x64xbf16>>, #tenon.source<"{i}.k", tensor<32x64xbf16>>, #tenon.source<"{i}.v", tensor<32x64xbf16>>] stacked
  // CHECK-NEXT: tenon.weight @l.bq.bk.bv : tensor<5x128xf32> from [#tenon.source<"{i}.bq", tensor<64xbf16>>, #tenon.source<"{i}.bk", tensor<32xbf16>>, #tenon.source<"{i}.bv", tensor<32xbf16>>] stacked
  tenon.weight @l.wq : tensor<5x64x64xbf16> from [#tenon.source<"{i}.q", tensor<64x64xbf16>>] stacked
  tenon.weight @l.wk : tensor<5x32x64xbf16> from [#tenon.source<"{i}.k", tensor<32x64xbf16>>] stacked
  tenon.weight @l.wv : tensor<5x32x64xbf16> from [#tenon.source<"{i}.v", tensor<32x64xbf16>>] stacked
  tenon.weight @l.bq : tensor<5x64xf32> from [#tenon.source<"{i}.bq", tensor<64xbf16>>] stacked
  tenon.weight @l.bk : tensor<5x32xf32> from [#tenon.source<"{i}.bk", tensor<32xbf16>>] stacked
  tenon.weight @l.bv : tensor<5x32xf32> from [#tenon.source<"{i}.bv", tensor<32xbf16>>] stacked
  // CHECK-LABEL: func @layer
  // CHECK-SAME: (%[[X:.*]]: tensor<?x64xf32>, %[[I:.*]]: index)
  func.func @layer(%x: tensor<?x64xf32>, %i: index) -> (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>) {
    // CHECK-NEXT: %[[W:.*]] = tenon.weight_ref @l.wq.wk.wv[%[[I]]] : tensor<128x64xbf16>
    // CHECK-NEXT: %[[B:.*]] = tenon.weight_ref @l.bq.bk.bv[%[[I]]] : tensor<128xf32>
    // CHECK-NEXT: %[[Y:.*]] = tenon.linear %[[X]], %[[W]] bias(%[[B]]) : (tensor<?x64xf32>, tensor<128x64xbf16>, tensor<128xf32>) -> tensor<?x128xf32>
    // CHECK-NEXT: %[[Q:.*]] = tenon.slice %[[Y]] {offset = 0 : i64} : tensor<?x128xf32> -> tensor<?x64xf32>
    // CHECK-NEXT: %[[K:.*]] = tenon.slice %[[Y]] {offset = 64 : i64} : tensor<?x128xf32> -> tensor<?x32xf32>
    // CHECK-NEXT: %[[V:.*]] = tenon.slice %[[Y]] {offset = 96 : i64} : tensor<?x128xf32> -> tensor<?x32xf32>
    // CHECK-NEXT: return %[[Q]], %[[K]], %[[V]]
    %wq = tenon.weight_ref @l.wq[%i] : tensor<64x64xbf16>
    %bq = tenon.weight_ref @l.bq[%i] : tensor<64xf32>
    %q = tenon.linear %x, %wq bias(%bq) : (tensor<?x64xf32>, tensor<64x64xbf16>, tensor<64xf32>) -> tensor<?x64xf32>
    %wk = tenon.weight_ref @l.wk[%i] : tensor<32x64xbf16>
    %bk = tenon.weight_ref @l.bk[%i] : tensor<32xf32>
    %k = tenon.linear %x, %wk bias(%bk) : (tensor<?x64xf32>, tensor<32x64xbf16>, tensor<32xf32>) -> tensor<?x32xf32>
    %wv = tenon.weight_ref @l.wv[%i] : tensor<32x64xbf16>
    %bv = tenon.weight_ref @l.bv[%i] : tensor<32xf32>
    %v = tenon.linear %x, %wv bias(%bv) : (tensor<?x64xf32>, tensor<32x64xbf16>, tensor<32xf32>) -> tensor<?x32xf32>
    return %q, %k, %v : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
  }
}

// -----

// Two entry points that read the same weights the same way: one fused weight.

// CHECK-LABEL: module @two_functions
module @two_functions {
  // CHECK-NEXT: tenon.weight @wq.wk : tensor<96x64xf32>
  // CHECK-NEXT: func
  tenon.weight @wq : tensor<64x64xf32> from [#tenon.source<"q", tensor<64x64xf32>>]
  tenon.weight @wk : tensor<32x64xf32> from [#tenon.source<"k", tensor<64x32xf32>, transposed>]
  // CHECK-COUNT-2: tenon.linear
  // CHECK-NOT: tenon.linear
  func.func @forward(%x: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x32xf32>) {
    %wq = tenon.weight_ref @wq : tensor<64x64xf32>
    %wk = tenon.weight_ref @wk : tensor<32x64xf32>
    %q = tenon.linear %x, %wq : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %k = tenon.linear %x, %wk : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
    return %q, %k : tensor<?x64xf32>, tensor<?x32xf32>
  }
  func.func @pooled(%x: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x32xf32>) {
    %wq = tenon.weight_ref @wq : tensor<64x64xf32>
    %wk = tenon.weight_ref @wk : tensor<32x64xf32>
    %q = tenon.linear %x, %wq : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %k = tenon.linear %x, %wk : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
    return %q, %k : tensor<?x64xf32>, tensor<?x32xf32>
  }
}

// -----

// One of the weights is a table as well; an activation; another element type;
// a bias where the others have none; a matrix that is no weight.

// CHECK-LABEL: module @declined
module @declined {
  tenon.weight @a : tensor<64x64xf32> from [#tenon.source<"a", tensor<64x64xf32>>]
  tenon.weight @b : tensor<64x64xf32> from [#tenon.source<"b", tensor<64x64xf32>>]
  tenon.weight @c : tensor<64x64xbf16> from [#tenon.source<"c", tensor<64x64xbf16>>]
  tenon.weight @d : tensor<64xf32> from [#tenon.source<"d", tensor<64xf32>>]
  // CHECK-LABEL: func @shared
  func.func @shared(%x: tensor<?x64xf32>, %ids: tensor<?xi32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
    // CHECK-NOT: tenon.slice
    %a = tenon.weight_ref @a : tensor<64x64xf32>
    %b = tenon.weight_ref @b : tensor<64x64xf32>
    %0 = tenon.embedding %ids, %a : (tensor<?xi32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %1 = tenon.linear %x, %a : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %2 = tenon.linear %x, %b : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    return %0, %1, %2 : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
  }
  // CHECK-LABEL: func @unlike
  func.func @unlike(%x: tensor<?x64xf32>, %w: tensor<64x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
    // CHECK-NOT: tenon.slice
    %b = tenon.weight_ref @b : tensor<64x64xf32>
    %c = tenon.weight_ref @c : tensor<64x64xbf16>
    %d = tenon.weight_ref @d : tensor<64xf32>
    %0 = tenon.linear %x, %b {activation = #tenon.activation_kind<relu>} : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %1 = tenon.linear %x, %b : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %2 = tenon.linear %x, %c : (tensor<?x64xf32>, tensor<64x64xbf16>) -> tensor<?x64xf32>
    %3 = tenon.linear %x, %b bias(%d) : (tensor<?x64xf32>, tensor<64x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %4 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    return %0, %1, %2, %3, %4 : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
  }
}

// -----

// The third of a group is shared: the other two still fuse.

// CHECK-LABEL: module @partly
module @partly {
  tenon.weight @a : tensor<64x64xf32> from [#tenon.source<"a", tensor<64x64xf32>>]
  tenon.weight @b : tensor<64x64xf32> from [#tenon.source<"b", tensor<64x64xf32>>]
  tenon.weight @c : tensor<64x64xf32> from [#tenon.source<"c", tensor<64x64xf32>>]
  // CHECK-LABEL: func @f
  func.func @f(%x: tensor<?x64xf32>, %y: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
    // CHECK: tenon.linear {{.*}} -> tensor<?x128xf32>
    // CHECK: tenon.slice
    // CHECK: tenon.slice
    // CHECK: tenon.linear {{.*}} -> tensor<?x64xf32>
    %a = tenon.weight_ref @a : tensor<64x64xf32>
    %b = tenon.weight_ref @b : tensor<64x64xf32>
    %c = tenon.weight_ref @c : tensor<64x64xf32>
    %1 = tenon.linear %x, %a : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %2 = tenon.linear %x, %b : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %3 = tenon.linear %x, %c : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %4 = tenon.linear %y, %c : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    return %1, %2, %3, %4 : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
  }
}
