// RUN: tenon-opt %s --tenon-pack-weights --split-input-file | FileCheck %s
// RUN: tenon-opt %s --tenon-pack-weights --split-input-file --tenon-statistics 2>&1 -o /dev/null | FileCheck %s --check-prefix=STATS

// Weights whose layers differ in precision: one for each, and an scf.if on the
// layer's bit.

// STATS: tenon-pack-weights: 4 split

#target = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// CHECK-LABEL: module @two
module @two attributes {tenon.target = #target} {
  // CHECK-NOT: tenon.weight @w :
  // CHECK: tenon.weight @w.q6_k : tensor<3x64x256x!tenon.block<q6_k>, #tenon.panel<n = 32, k = 256>> from [#tenon.source<"w.{i}", {{.*}}>] stacked {layers = array<i64: 0, 1, 5>}
  // CHECK: tenon.weight @w.q4_k : tensor<3x64x256x!tenon.block<q4_k>, #tenon.panel<n = 32, k = 256>> from [{{.*}}] stacked {layers = array<i64: 2, 3, 4>}
  // CHECK-NOT: tenon.weight @w :
  tenon.weight @w : tensor<6x64x256x!tenon.mixed<q6_k * 2, q4_k * 3, q6_k>> from [#tenon.source<"w.{i}", tensor<64x256xf32>>] stacked
  // CHECK-LABEL: func @f
  // CHECK-SAME: %[[X:.*]]: tensor<?x256xf32>, %[[R:.*]]: tensor<?x64xf32>, %[[I:.*]]: index
  func.func @f(%x: tensor<?x256xf32>, %r: tensor<?x64xf32>, %i: index) -> tensor<?x64xf32> {
    // Bits 0, 1 and 5; how many of them are below bit i.
    // CHECK: %[[Q:.*]] = tenon.quantize %[[X]]
    // CHECK: %[[BITS:.*]] = arith.constant -29 : i6
    // CHECK: %[[N:.*]] = arith.index_cast %[[I]] : index to i6
    // CHECK: %[[SHIFTED:.*]] = arith.shrui %[[BITS]], %[[N]] : i6
    // CHECK: %[[IS:.*]] = arith.trunci %[[SHIFTED]] : i6 to i1
    // CHECK: %[[BELOW:.*]] = math.ctpop
    // CHECK: %[[PLACE:.*]] = arith.index_castui %[[BELOW]] : i6 to index
    // CHECK: %[[Y:.*]] = scf.if %[[IS]] -> (tensor<?x64xf32>) {
    // CHECK:   %[[W6:.*]] = tenon.weight_ref @w.q6_k[%[[PLACE]]]
    // CHECK:   %[[Y6:.*]] = tenon.linear %[[Q]], %[[W6]] residual(%[[R]])
    // CHECK:   scf.yield %[[Y6]]
    // CHECK: } else {
    // CHECK:   arith.constant 28 : i6
    // CHECK:   %[[OTHER:.*]] = arith.index_castui
    // CHECK:   %[[W4:.*]] = tenon.weight_ref @w.q4_k[%[[OTHER]]]
    // CHECK:   %[[Y4:.*]] = tenon.linear %[[Q]], %[[W4]] residual(%[[R]])
    // CHECK:   scf.yield %[[Y4]]
    // CHECK: }
    // CHECK: return %[[Y]]
    %w = tenon.weight_ref @w[%i] : tensor<64x256x!tenon.mixed<q6_k * 2, q4_k * 3, q6_k>>
    %0 = tenon.linear %x, %w residual(%r) : (tensor<?x256xf32>, tensor<64x256x!tenon.mixed<q6_k * 2, q4_k * 3, q6_k>>, tensor<?x64xf32>) -> tensor<?x64xf32>
    return %0 : tensor<?x64xf32>
  }
}

// -----

#target = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// Three precisions, one of them plain: a branch in a branch, whose input is
// quantized where blocks read it, and not for f16. Two linears share the parts.

// CHECK-LABEL: module @three
module @three attributes {tenon.target = #target} {
  // CHECK-DAG: tenon.weight @w.q8_0 : tensor<1x64x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>> {{.*}} {layers = array<i64: 0>}
  // CHECK-DAG: tenon.weight @w.f16 : tensor<2x64x64xf16, #tenon.panel<n = 32, k = 1>> {{.*}} {layers = array<i64: 1, 3>}
  // CHECK-DAG: tenon.weight @w.q4_0 : tensor<1x64x64x!tenon.block<q4_0>, #tenon.panel<n = 32, k = 64>> {{.*}} {layers = array<i64: 2>}
  tenon.weight @w : tensor<4x64x64x!tenon.mixed<q8_0, f16, q4_0, f16>> from [#tenon.source<"w.{i}", tensor<64x64xf32>>] stacked
  // CHECK-LABEL: func @f
  // CHECK-SAME: %[[X:[^:]*]]: tensor<?x64xf32>
  func.func @f(%x: tensor<?x64xf32>, %i: index) -> tensor<?x64xf32> {
    // CHECK: %[[Q:.*]] = tenon.quantize %[[X]]
    // CHECK: scf.if
    // CHECK:   tenon.linear %[[Q]], {{.*}}!tenon.block<q8_0>
    // CHECK: else
    // CHECK:   scf.if
    // CHECK:     tenon.linear %[[X]], {{.*}}f16
    // CHECK:   else
    // CHECK:     tenon.linear %[[Q]], {{.*}}!tenon.block<q4_0>
    // CHECK: scf.if
    // CHECK-NOT: tenon.mixed
    %w = tenon.weight_ref @w[%i] : tensor<64x64x!tenon.mixed<q8_0, f16, q4_0, f16>>
    %0 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64x!tenon.mixed<q8_0, f16, q4_0, f16>>) -> tensor<?x64xf32>
    %1 = tenon.linear %0, %w : (tensor<?x64xf32>, tensor<64x64x!tenon.mixed<q8_0, f16, q4_0, f16>>) -> tensor<?x64xf32>
    return %1 : tensor<?x64xf32>
  }
}

// -----

#target = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// More layers than a word has bits; a feed-forward network's last matrix, whose
// gate and up are of one precision; and a norm that both branches read.

// CHECK-LABEL: module @deep
module @deep attributes {tenon.target = #target} {
  // CHECK-DAG: tenon.weight @d.q6_k : tensor<2x64x256x!tenon.block<q6_k>, {{.*}}> {{.*}} {layers = array<i64: 0, 69>}
  // CHECK-DAG: tenon.weight @d.q4_k : tensor<68x64x256x!tenon.block<q4_k>, {{.*}}>
  // CHECK-DAG: tenon.weight @g.u : tensor<70x512x64x!tenon.block<q5_0>, #tenon.panel<n = 32, k = 64, interleave = 2>>
  tenon.weight @d : tensor<70x64x256x!tenon.mixed<q6_k, q4_k * 68, q6_k>> from [#tenon.source<"d.{i}", tensor<64x256xf32>>] stacked
  tenon.weight @g : tensor<70x256x64x!tenon.block<q5_0>> from [#tenon.source<"g.{i}", tensor<256x64x!tenon.block<q5_0>>>] stacked
  tenon.weight @u : tensor<70x256x64x!tenon.block<q5_0>> from [#tenon.source<"u.{i}", tensor<256x64x!tenon.block<q5_0>>>] stacked
  // CHECK-LABEL: func @f
  func.func @f(%x: tensor<?x64xf32>, %i: index) -> tensor<?x64xf32> {
    // CHECK: tenon.linear {{.*}}gated
    // CHECK: %[[Q:.*]] = tenon.quantize %{{.*}} : (tensor<?x256xf32>) -> tensor<?x8x!tenon.int8_group>
    // CHECK: %[[BITS:.*]] = arith.constant -590295810358705651711 : i70
    // CHECK: arith.trunci %{{.*}} : i70 to i1
    // CHECK: scf.if
    // CHECK:   tenon.linear %[[Q]]
    // CHECK: else
    // CHECK:   tenon.linear %[[Q]]
    %g = tenon.weight_ref @g[%i] : tensor<256x64x!tenon.block<q5_0>>
    %u = tenon.weight_ref @u[%i] : tensor<256x64x!tenon.block<q5_0>>
    %d = tenon.weight_ref @d[%i] : tensor<64x256x!tenon.mixed<q6_k, q4_k * 68, q6_k>>
    %0 = tenon.ffn %x, %u, %d gate(%g) {activation = #tenon.activation_kind<silu>}
      : (tensor<?x64xf32>, tensor<256x64x!tenon.block<q5_0>>, tensor<64x256x!tenon.mixed<q6_k, q4_k * 68, q6_k>>, tensor<256x64x!tenon.block<q5_0>>) -> tensor<?x64xf32>
    return %0 : tensor<?x64xf32>
  }
}
