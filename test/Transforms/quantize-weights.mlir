// RUN: tenon-opt %s --tenon-quantize-weights=scheme=int8 | FileCheck %s --check-prefixes=CHECK,INT8
// RUN: tenon-opt %s --tenon-quantize-weights=scheme=int4 | FileCheck %s --check-prefixes=CHECK,INT4
// RUN: tenon-opt %s --tenon-quantize-weights=scheme=int8-channel | FileCheck %s --check-prefixes=CHECK,CHANNEL
// RUN: tenon-opt %s --tenon-quantize-weights=scheme=int7-channel | sed s/q7_/q8_/ | FileCheck %s --check-prefixes=CHECK,CHANNEL
// RUN: tenon-opt %s --tenon-quantize-weights=scheme=int7-channel | FileCheck %s --check-prefix=SEVEN
// SEVEN: tenon.weight @w : tensor<4x128x64x!tenon.block<q7_channel>>
// RUN: tenon-opt %s --tenon-quantize-weights=scheme=bf16 | FileCheck %s --check-prefixes=CHECK,BF16
// RUN: tenon-opt %s --tenon-quantize-weights | FileCheck %s --check-prefix=NONE
// The module's attribute says what the option doesn't; the option comes first.
// RUN: sed 's/module @m {/module @m attributes {tenon.quantize = "int4"} {/' %s > %t.mlir
// RUN: tenon-opt %t.mlir --tenon-quantize-weights | FileCheck %s --check-prefixes=CHECK,INT4
// RUN: tenon-opt %t.mlir --tenon-quantize-weights=scheme=int8 | FileCheck %s --check-prefixes=CHECK,INT8
// RUN: tenon-opt %s --tenon-quantize-weights=scheme=int4 --tenon-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATS
// RUN: not tenon-opt %s --tenon-quantize-weights=scheme=int3 -o /dev/null 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// STATS: tenon-quantize-weights: 3 kept
// STATS: tenon-quantize-weights: 7 quantized
// UNKNOWN: error: weights are quantized to int8, int8-channel, int7-channel, int4 or bf16, not to 'int3'

// NONE-NOT: tenon.block<q{{[48]}}_0>
// NONE: tenon.weight @w : tensor<4x128x64xf32>
// NONE-NOT: tenon.block<q{{[48]}}_0>

module @m {
  // Layers: 4 bits. The sources stay as the checkpoint has them.
  // INT8: tenon.weight @w : tensor<4x128x64x!tenon.block<q8_0>> from [#tenon.source<"w.{i}", tensor<128x64xf32>>] stacked
  // INT4: tenon.weight @w : tensor<4x128x64x!tenon.block<q4_0>> from [#tenon.source<"w.{i}", tensor<128x64xf32>>] stacked
  // CHANNEL: tenon.weight @w : tensor<4x128x64x!tenon.block<q8_channel>>
  // BF16: tenon.weight @w : tensor<4x128x64xbf16> from [#tenon.source<"w.{i}", tensor<128x64xf32>>] stacked
  tenon.weight @w : tensor<4x128x64xf32> from [#tenon.source<"w.{i}", tensor<128x64xf32>>] stacked
  // Rows that are no whole groups.
  // INT4: tenon.weight @odd : tensor<4x64x33x!tenon.block<q4_0>>
  tenon.weight @odd : tensor<4x64x33xf16> from [#tenon.source<"odd.{i}", tensor<64x33xf16>>] stacked
  // Gate, up and down of a feed-forward network; not its bias.
  // INT4: tenon.weight @gate : tensor<4x96x64x!tenon.block<q4_0>>
  // INT4: tenon.weight @up : tensor<4x96x64x!tenon.block<q4_0>>
  // INT4: tenon.weight @down : tensor<4x64x96x!tenon.block<q4_0>>
  // CHECK: tenon.weight @bias : tensor<4x64xf32>
  tenon.weight @gate : tensor<4x96x64xbf16> from [#tenon.source<"g.{i}", tensor<96x64xbf16>>] stacked
  tenon.weight @up : tensor<4x96x64xbf16> from [#tenon.source<"u.{i}", tensor<96x64xbf16>>] stacked
  tenon.weight @down : tensor<4x64x96xf32> from [#tenon.source<"d.{i}", tensor<64x96xf32>>] stacked
  tenon.weight @bias : tensor<4x64xf32> from [#tenon.source<"b.{i}", tensor<64xf32>>] stacked
  // A head, and a table that is embedding and head: 8 bits in either scheme.
  // INT8: tenon.weight @head : tensor<512x64x!tenon.block<q8_0>>
  // CHANNEL: tenon.weight @head : tensor<512x64x!tenon.block<q8_0>>
  // INT4: tenon.weight @head : tensor<512x64x!tenon.block<q8_0>>
  // BF16: tenon.weight @head : tensor<512x64xbf16>
  // INT4: tenon.weight @tied : tensor<512x64x!tenon.block<q8_0>>
  tenon.weight @head : tensor<512x64xf32> from [#tenon.source<"head", tensor<512x64xf32>>]
  tenon.weight @tied : tensor<512x64xf32> from [#tenon.source<"tied", tensor<512x64xf32>>]
  // Only embedded; a norm: as they were.
  // CHECK: tenon.weight @table : tensor<512x64xf16>
  // CHECK: tenon.weight @norm : tensor<64xf32>
  tenon.weight @table : tensor<512x64xf16> from [#tenon.source<"table", tensor<512x64xf16>>]
  tenon.weight @norm : tensor<64xf32> from [#tenon.source<"norm", tensor<64xf32>>]
  // In blocks, or of mixed precision, already.
  // CHECK: tenon.weight @blocks : tensor<64x64x!tenon.block<q5_1>>
  // CHECK: tenon.weight @mixed : tensor<4x64x256x!tenon.mixed<q6_k, q4_k * 3>>
  tenon.weight @blocks : tensor<64x64x!tenon.block<q5_1>> from [#tenon.source<"blocks", tensor<64x64x!tenon.block<q5_1>>>]
  tenon.weight @mixed : tensor<4x64x256x!tenon.mixed<q6_k, q4_k * 3>> from [#tenon.source<"mixed.{i}", tensor<64x256xf32>>] stacked
  // Also read by an operation that wants numbers.
  // CHECK: tenon.weight @read : tensor<64x64xf32>
  tenon.weight @read : tensor<64x64xf32> from [#tenon.source<"read", tensor<64x64xf32>>]

  // CHECK-LABEL: func.func @f
  func.func @f(%ids: tensor<?xi32>, %wide: tensor<?x256xf32>, %thin: tensor<?x33xf32>, %i: index) -> (tensor<?x64xf32>, tensor<?x512xf32>) {
    %t = tenon.weight_ref @table : tensor<512x64xf16>
    %e = tenon.weight_ref @tied : tensor<512x64xf32>
    %x0 = tenon.embedding %ids, %t : (tensor<?xi32>, tensor<512x64xf16>) -> tensor<?x64xf32>
    // INT4: tenon.embedding {{.*}} : (tensor<?xi32>, tensor<512x64x!tenon.block<q8_0>>) -> tensor<?x64xf32>
    %x1 = tenon.embedding %ids, %e : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %x = tenon.add %x0, %x1 : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %n = tenon.weight_ref @norm : tensor<64xf32>
    %h = tenon.rms_norm %x, %n {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    // INT8: tenon.weight_ref @w[%{{.*}}] : tensor<128x64x!tenon.block<q8_0>>
    // INT4: tenon.weight_ref @w[%{{.*}}] : tensor<128x64x!tenon.block<q4_0>>
    %w = tenon.weight_ref @w[%i] : tensor<128x64xf32>
    // INT4: tenon.linear {{.*}} : (tensor<?x64xf32>, tensor<128x64x!tenon.block<q4_0>>) -> tensor<?x128xf32>
    %0 = tenon.linear %h, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
    %odd = tenon.weight_ref @odd[%i] : tensor<64x33xf16>
    %1 = tenon.linear %thin, %odd : (tensor<?x33xf32>, tensor<64x33xf16>) -> tensor<?x64xf32>
    %gate = tenon.weight_ref @gate[%i] : tensor<96x64xbf16>
    %up = tenon.weight_ref @up[%i] : tensor<96x64xbf16>
    %down = tenon.weight_ref @down[%i] : tensor<64x96xf32>
    %bias = tenon.weight_ref @bias[%i] : tensor<64xf32>
    %2 = tenon.ffn %h, %up, %down gate(%gate) down_bias(%bias) {activation = #tenon.activation_kind<silu>}
      : (tensor<?x64xf32>, tensor<96x64xbf16>, tensor<64x96xf32>, tensor<96x64xbf16>, tensor<64xf32>) -> tensor<?x64xf32>
    %blocks = tenon.weight_ref @blocks : tensor<64x64x!tenon.block<q5_1>>
    %3 = tenon.linear %2, %blocks : (tensor<?x64xf32>, tensor<64x64x!tenon.block<q5_1>>) -> tensor<?x64xf32>
    %mixed = tenon.weight_ref @mixed[%i] : tensor<64x256x!tenon.mixed<q6_k, q4_k * 3>>
    %4 = tenon.linear %wide, %mixed : (tensor<?x256xf32>, tensor<64x256x!tenon.mixed<q6_k, q4_k * 3>>) -> tensor<?x64xf32>
    %read = tenon.weight_ref @read : tensor<64x64xf32>
    %5 = tenon.linear %3, %read : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %6 = tenon.matmul %5, %read : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %7 = tenon.add %6, %4 : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %head = tenon.weight_ref @head : tensor<512x64xf32>
    %8 = tenon.linear %7, %head : (tensor<?x64xf32>, tensor<512x64xf32>) -> tensor<?x512xf32>
    %9 = tenon.linear %7, %e residual(%8) : (tensor<?x64xf32>, tensor<512x64xf32>, tensor<?x512xf32>) -> tensor<?x512xf32>
    return %7, %9 : tensor<?x64xf32>, tensor<?x512xf32>
  }
}
