// RUN: tenon-opt %s --tenon-fuse-qkv --split-input-file | FileCheck %s --implicit-check-not=tenon.slice

// Linears that look as if they could be one: nothing here is fused. No weight is
// read elsewhere, which would be a reason of its own.

// Different inputs, though one is a function of the other.
!x = tensor<?x64xf32>
!w = tensor<64x64xf32>

tenon.weight @a : !w from [#tenon.source<"a", !w>]
tenon.weight @b : !w from [#tenon.source<"b", !w>]
// CHECK-LABEL: func @inputs
func.func @inputs(%x: !x) -> (!x, !x) {
  %y = tenon.scale %x {factor = 2.0 : f32} : (!x) -> !x
  %a = tenon.weight_ref @a : !w
  %b = tenon.weight_ref @b : !w
  %0 = tenon.linear %x, %a : (!x, !w) -> !x
  %1 = tenon.linear %y, %b : (!x, !w) -> !x
  return %0, %1 : !x, !x
}

// -----

// One after the other.
!x = tensor<?x64xf32>
!w = tensor<64x64xf32>

tenon.weight @a : !w from [#tenon.source<"a", !w>]
tenon.weight @b : !w from [#tenon.source<"b", !w>]
// CHECK-LABEL: func @chained
func.func @chained(%x: !x) -> !x {
  %a = tenon.weight_ref @a : !w
  %b = tenon.weight_ref @b : !w
  %0 = tenon.linear %x, %a : (!x, !w) -> !x
  %1 = tenon.linear %0, %b : (!x, !w) -> !x
  return %1 : !x
}

// -----

// Different layers.
!x = tensor<?x64xf32>
!w = tensor<64x64xf32>

tenon.weight @a : tensor<3x64x64xf32> from [#tenon.source<"{i}.a", !w>] stacked
tenon.weight @b : tensor<3x64x64xf32> from [#tenon.source<"{i}.b", !w>] stacked
// CHECK-LABEL: func @layers
func.func @layers(%x: !x, %i: index, %j: index) -> (!x, !x) {
  %a = tenon.weight_ref @a[%i] : !w
  %b = tenon.weight_ref @b[%j] : !w
  %0 = tenon.linear %x, %a : (!x, !w) -> !x
  %1 = tenon.linear %x, %b : (!x, !w) -> !x
  return %0, %1 : !x, !x
}

// -----

// Weights of three layers and of four.
!x = tensor<?x64xf32>
!w = tensor<64x64xf32>

tenon.weight @a : tensor<3x64x64xf32> from [#tenon.source<"{i}.a", !w>] stacked
tenon.weight @b : tensor<4x64x64xf32> from [#tenon.source<"{i}.b", !w>] stacked
// CHECK-LABEL: func @layer_counts
func.func @layer_counts(%x: !x, %i: index, %j: index) -> (!x, !x) {
  %a = tenon.weight_ref @a[%i] : !w
  %b = tenon.weight_ref @b[%i] : !w
  %0 = tenon.linear %x, %a : (!x, !w) -> !x
  %1 = tenon.linear %x, %b : (!x, !w) -> !x
  return %0, %1 : !x, !x
}

// -----

// A stacked weight beside one that isn't.
!x = tensor<?x64xf32>
!w = tensor<64x64xf32>

tenon.weight @a : tensor<3x64x64xf32> from [#tenon.source<"{i}.a", !w>] stacked
tenon.weight @b : !w from [#tenon.source<"b", !w>]
// CHECK-LABEL: func @one_stacked
func.func @one_stacked(%x: !x, %i: index, %j: index) -> (!x, !x) {
  %a = tenon.weight_ref @a[%i] : !w
  %b = tenon.weight_ref @b : !w
  %0 = tenon.linear %x, %a : (!x, !w) -> !x
  %1 = tenon.linear %x, %b : (!x, !w) -> !x
  return %0, %1 : !x, !x
}

// -----

// A residual, a gate, an activation: each belongs to one of them.
!x = tensor<?x64xf32>
!w = tensor<64x64xf32>

tenon.weight @a : !w from [#tenon.source<"a", !w>]
tenon.weight @b : !w from [#tenon.source<"b", !w>]
tenon.weight @c : !w from [#tenon.source<"c", !w>]
// CHECK-LABEL: func @epilogues
func.func @epilogues(%x: !x) -> (!x, !x, tensor<?x32xf32>) {
  %a = tenon.weight_ref @a : !w
  %b = tenon.weight_ref @b : !w
  %c = tenon.weight_ref @c : !w
  %0 = tenon.linear %x, %a residual(%x) : (!x, !w, !x) -> !x
  %1 = tenon.linear %x, %b {activation = #tenon.activation_kind<relu>} : (!x, !w) -> !x
  %2 = tenon.linear %x, %c {gated} : (!x, !w) -> tensor<?x32xf32>
  return %0, %1, %2 : !x, !x, tensor<?x32xf32>
}

// -----

// A bias that is no weight.
!x = tensor<?x64xf32>
!w = tensor<64x64xf32>

tenon.weight @a : !w from [#tenon.source<"a", !w>]
tenon.weight @b : !w from [#tenon.source<"b", !w>]
tenon.weight @va : tensor<64xf32> from [#tenon.source<"va", tensor<64xf32>>]
// CHECK-LABEL: func @computed_bias
func.func @computed_bias(%x: !x, %v: tensor<64xf32>) -> (!x, !x) {
  %a = tenon.weight_ref @a : !w
  %b = tenon.weight_ref @b : !w
  %va = tenon.weight_ref @va : tensor<64xf32>
  %0 = tenon.linear %x, %a bias(%va) : (!x, !w, tensor<64xf32>) -> !x
  %1 = tenon.linear %x, %b bias(%v) : (!x, !w, tensor<64xf32>) -> !x
  return %0, %1 : !x, !x
}

// -----

// One of them in the loop, the other before it.
!x = tensor<?x64xf32>
!w = tensor<64x64xf32>

tenon.weight @a : !w from [#tenon.source<"a", !w>]
tenon.weight @b : !w from [#tenon.source<"b", !w>]
// CHECK-LABEL: func @blocks
func.func @blocks(%x: !x, %n: index) -> (!x, !x) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %a = tenon.weight_ref @a : !w
  %b = tenon.weight_ref @b : !w
  %0 = tenon.linear %x, %a : (!x, !w) -> !x
  %1 = scf.for %i = %zero to %n step %one iter_args(%y = %0) -> (!x) {
    %2 = tenon.linear %x, %b : (!x, !w) -> !x
    %3 = tenon.add %y, %2 : (!x, !x) -> !x
    scf.yield %3 : !x
  }
  return %0, %1 : !x, !x
}
