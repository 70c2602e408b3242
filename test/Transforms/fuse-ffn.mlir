// RUN: tenon-opt %s --tenon-fuse-ffn --split-input-file | FileCheck %s
// RUN: tenon-opt %s --tenon-fuse-ffn --split-input-file --tenon-statistics -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=STATS

// STATS: tenon-fuse-ffn: 1 declined-activation
// STATS: tenon-fuse-ffn: 1 declined-bias
// STATS: tenon-fuse-ffn: 3 declined-uses
// STATS: tenon-fuse-ffn: 2 gated
// STATS: tenon-fuse-ffn: 1 plain

// CHECK-LABEL: func @plain
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xf32>, %[[U:.*]]: tensor<256x64xf32>, %[[BU:.*]]: tensor<256xf32>, %[[D:.*]]: tensor<64x256xf32>, %[[BD:.*]]: tensor<64xf32>)
func.func @plain(%x: tensor<?x64xf32>, %u: tensor<256x64xf32>, %bu: tensor<256xf32>, %d: tensor<64x256xf32>, %bd: tensor<64xf32>) -> tensor<?x64xf32> {
  // CHECK-NEXT: %[[Y:.*]] = tenon.ffn %[[X]], %[[U]], %[[D]] up_bias(%[[BU]]) down_bias(%[[BD]]) residual(%[[X]]) {activation = #tenon.activation_kind<gelu>}
  // CHECK-NEXT: return %[[Y]]
  %0 = tenon.linear %x, %u bias(%bu) {activation = #tenon.activation_kind<gelu>} : (tensor<?x64xf32>, tensor<256x64xf32>, tensor<256xf32>) -> tensor<?x256xf32>
  %1 = tenon.linear %0, %d bias(%bd) residual(%x) : (tensor<?x256xf32>, tensor<64x256xf32>, tensor<64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  return %1 : tensor<?x64xf32>
}

// CHECK-LABEL: func @gated
// CHECK-SAME: (%[[X:[^:]*]]: tensor<?x64xf32>, %[[G:[^:]*]]: tensor<172x64xf32>, %[[U:[^:]*]]: tensor<172x64xf32>, %[[D:[^:]*]]: tensor<64x172xf32>)
func.func @gated(%x: tensor<?x64xf32>, %g: tensor<172x64xf32>, %u: tensor<172x64xf32>, %d: tensor<64x172xf32>) -> tensor<?x64xf32> {
  // CHECK-NEXT: %[[Y:.*]] = tenon.ffn %[[X]], %[[U]], %[[D]] gate(%[[G]]) {activation = #tenon.activation_kind<silu>}
  // CHECK-NEXT: return %[[Y]]
  %0 = tenon.linear %x, %g {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<172x64xf32>) -> tensor<?x172xf32>
  %1 = tenon.linear %x, %u : (tensor<?x64xf32>, tensor<172x64xf32>) -> tensor<?x172xf32>
  %2 = tenon.mul %0, %1 : (tensor<?x172xf32>, tensor<?x172xf32>) -> tensor<?x172xf32>
  %3 = tenon.linear %2, %d : (tensor<?x172xf32>, tensor<64x172xf32>) -> tensor<?x64xf32>
  return %3 : tensor<?x64xf32>
}

// The gate is the second factor; both have a bias.
// CHECK-LABEL: func @gated_commuted
func.func @gated_commuted(%x: tensor<?x64xf32>, %g: tensor<172x64xf32>, %u: tensor<172x64xf32>, %d: tensor<64x172xf32>, %bg: tensor<172xf32>, %bu: tensor<172xf32>) -> tensor<?x64xf32> {
  // CHECK-NEXT: tenon.ffn %arg0, %arg2, %arg3 gate(%arg1) up_bias(%arg5) gate_bias(%arg4) {activation = #tenon.activation_kind<gelu_tanh>}
  %0 = tenon.linear %x, %g bias(%bg) {activation = #tenon.activation_kind<gelu_tanh>} : (tensor<?x64xf32>, tensor<172x64xf32>, tensor<172xf32>) -> tensor<?x172xf32>
  %1 = tenon.linear %x, %u bias(%bu) : (tensor<?x64xf32>, tensor<172x64xf32>, tensor<172xf32>) -> tensor<?x172xf32>
  %2 = tenon.mul %1, %0 : (tensor<?x172xf32>, tensor<?x172xf32>) -> tensor<?x172xf32>
  %3 = tenon.linear %2, %d : (tensor<?x172xf32>, tensor<64x172xf32>) -> tensor<?x64xf32>
  return %3 : tensor<?x64xf32>
}

// -----

// What is no network: two linears without an activation between them; gate and
// up of different inputs; two activations.

// CHECK-LABEL: func @no_network
// CHECK-NOT: tenon.ffn
func.func @no_network(%x: tensor<?x64xf32>, %z: tensor<?x64xf32>, %w: tensor<64x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
  %0 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %1 = tenon.linear %0, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %2 = tenon.linear %x, %w {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %3 = tenon.linear %z, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %4 = tenon.mul %2, %3 : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %5 = tenon.linear %4, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %6 = tenon.linear %x, %w {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %7 = tenon.linear %x, %w {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %8 = tenon.mul %6, %7 : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %9 = tenon.linear %8, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  return %1, %5, %9 : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
}

// Networks, but: the hidden value, the product, or the up value is a result as
// well; the last linear has an activation; only the gate has a bias.
// CHECK-LABEL: func @declined
// CHECK-NOT: tenon.ffn
func.func @declined(%x: tensor<?x64xf32>, %w: tensor<64x64xf32>, %b: tensor<64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
  %0 = tenon.linear %x, %w {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %1 = tenon.linear %0, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %2 = tenon.linear %x, %w {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %3 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %4 = tenon.mul %2, %3 : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %5 = tenon.linear %4, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %6 = tenon.linear %x, %w {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %7 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %8 = tenon.mul %6, %7 : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %9 = tenon.linear %8, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %10 = tenon.linear %x, %w {activation = #tenon.activation_kind<gelu>} : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %11 = tenon.linear %10, %w {activation = #tenon.activation_kind<tanh>} : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %12 = tenon.linear %x, %w bias(%b) {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<64x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %13 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %14 = tenon.mul %12, %13 : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %15 = tenon.linear %14, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  return %1, %0, %5, %4, %9, %7, %11, %15 : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
}
