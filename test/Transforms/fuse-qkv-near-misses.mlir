// RUN: tenon-opt %s --tenon-fuse-qkv | FileCheck %s --implicit-check-not=tenon.slice

// Linears that look as if they could be one: nothing here is fused.

!x = tensor<?x64xf32>
!w = tensor<64x64xf32>

tenon.weight @a : !w from [#tenon.source<"a", !w>]
tenon.weight @b : !w from [#tenon.source<"b", !w>]
tenon.weight @c : !w from [#tenon.source<"c", !w>]
tenon.weight @narrow : tensor<64x32xf32> from [#tenon.source<"n", tensor<64x32xf32>>]
tenon.weight @va : tensor<64xf32> from [#tenon.source<"va", tensor<64xf32>>]
tenon.weight @vb : tensor<64xf32> from [#tenon.source<"vb", tensor<64xf32>>]
tenon.weight @sa : tensor<3x64x64xf32> from [#tenon.source<"{i}.a", !w>] stacked
tenon.weight @sb : tensor<3x64x64xf32> from [#tenon.source<"{i}.b", !w>] stacked
tenon.weight @sc : tensor<4x64x64xf32> from [#tenon.source<"{i}.c", !w>] stacked

// Different inputs, though one is a function of the other.
// CHECK-LABEL: func @inputs
func.func @inputs(%x: !x) -> (!x, !x) {
  %y = tenon.scale %x {factor = 2.0 : f32} : (!x) -> !x
  %a = tenon.weight_ref @a : !w
  %b = tenon.weight_ref @b : !w
  %0 = tenon.linear %x, %a : (!x, !w) -> !x
  %1 = tenon.linear %y, %b : (!x, !w) -> !x
  return %0, %1 : !x, !x
}

// One after the other.
// CHECK-LABEL: func @chained
func.func @chained(%x: !x) -> !x {
  %c = tenon.weight_ref @c : !w
  %0 = tenon.linear %x, %c : (!x, !w) -> !x
  %1 = tenon.linear %0, %c : (!x, !w) -> !x
  return %1 : !x
}

// Different layers of stacked weights; numbers of layers that differ; a stacked
// weight beside one that isn't.
// CHECK-LABEL: func @layers
func.func @layers(%x: !x, %y: !x, %z: !x, %i: index, %j: index) -> (!x, !x, !x, !x, !x, !x) {
  %a = tenon.weight_ref @sa[%i] : !w
  %b = tenon.weight_ref @sb[%j] : !w
  %c = tenon.weight_ref @sc[%i] : !w
  %d = tenon.weight_ref @b : !w
  %0 = tenon.linear %x, %a : (!x, !w) -> !x
  %1 = tenon.linear %x, %b : (!x, !w) -> !x
  %2 = tenon.linear %y, %a : (!x, !w) -> !x
  %3 = tenon.linear %y, %c : (!x, !w) -> !x
  %4 = tenon.linear %z, %a : (!x, !w) -> !x
  %5 = tenon.linear %z, %d : (!x, !w) -> !x
  return %0, %1, %2, %3, %4, %5 : !x, !x, !x, !x, !x, !x
}

// A residual, a gate, an activation: each belongs to one of them.
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

// A bias that is no weight.
// CHECK-LABEL: func @computed_bias
func.func @computed_bias(%x: !x, %v: tensor<64xf32>) -> (!x, !x) {
  %a = tenon.weight_ref @a : !w
  %b = tenon.weight_ref @b : !w
  %va = tenon.weight_ref @va : tensor<64xf32>
  %0 = tenon.linear %x, %a bias(%va) : (!x, !w, tensor<64xf32>) -> !x
  %1 = tenon.linear %x, %b bias(%v) : (!x, !w, tensor<64xf32>) -> !x
  return %0, %1 : !x, !x
}

// One of them in the loop, the other before it.
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
