// RUN: tenon-opt %s --tenon-pack-weights --split-input-file --verify-diagnostics | FileCheck %s
// RUN: tenon-opt %s --tenon-pack-weights --split-input-file --verify-diagnostics --tenon-statistics 2>&1 -o /dev/null \
// RUN:   | FileCheck %s --check-prefix=STATS

// STATS: tenon-pack-weights: 1 casts -
// STATS: tenon-pack-weights: 5 casts-folded
// STATS: tenon-pack-weights: 3 copied
// STATS: tenon-pack-weights: 2 declined
// STATS: tenon-pack-weights: 8 erased
// STATS: tenon-pack-weights: 2 gated
// STATS: tenon-pack-weights: 14 packed
// STATS: tenon-pack-weights: 4 pairs
// STATS: tenon-pack-weights: 1 shared

#f32 = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// Without bf16 products: single columns, inputs stay f32, whatever the weight.

// CHECK-LABEL: module @single
module @single attributes {tenon.target = #f32} {
  // CHECK: tenon.weight @a : tensor<5x128x64xf32, #tenon.panel<n = 32, k = 1>> from [{{.*}}] stacked
  // CHECK: tenon.weight @b : tensor<128x64xbf16, #tenon.panel<n = 32, k = 1>>
  // CHECK: tenon.weight @c : tensor<128x64xf16, #tenon.panel<n = 32, k = 1>>
  // CHECK-NOT: tenon.weight @unused
  // CHECK: tenon.weight @table : tensor<512x64xbf16> from
  // CHECK: tenon.weight @norm : tensor<128xf32> from [#tenon.source<"n", tensor<128xbf16>>]
  tenon.weight @a : tensor<5x128x64xf32> from [#tenon.source<"{i}.a", tensor<128x64xf32>>] stacked
  tenon.weight @b : tensor<128x64xbf16> from [#tenon.source<"b", tensor<128x64xbf16>>]
  tenon.weight @c : tensor<128x64xf16> from [#tenon.source<"c", tensor<128x64xf16>>]
  tenon.weight @unused : tensor<128x64xf16> from [#tenon.source<"u", tensor<128x64xf16>>]
  tenon.weight @table : tensor<512x64xbf16> from [#tenon.source<"t", tensor<512x64xbf16>>]
  tenon.weight @norm : tensor<128xbf16> from [#tenon.source<"n", tensor<128xbf16>>]
  // CHECK-LABEL: func @f
  func.func @f(%ids: tensor<?xi32>, %i: index) -> (tensor<?x128xf32>, tensor<?x128xf32>, tensor<?x128xf32>) {
    // CHECK: %[[A:.*]] = tenon.weight_ref @a[%{{.*}}] : tensor<128x64xf32, #tenon.panel<n = 32, k = 1>>
    // CHECK: tenon.linear %{{.*}}, %[[A]] : (tensor<?x64xf32>, tensor<128x64xf32, #tenon.panel<n = 32, k = 1>>) -> tensor<?x128xf32>
    // CHECK: tenon.linear %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<128x64xbf16, #tenon.panel<n = 32, k = 1>>) -> tensor<?x128xf32>
    // CHECK: tenon.rms_norm {{.*}} : (tensor<?x128xf32>, tensor<128xf32>) -> tensor<?x128xf32>
    // CHECK-NOT: tenon.cast
    %t = tenon.weight_ref @table : tensor<512x64xbf16>
    %n = tenon.weight_ref @norm : tensor<128xbf16>
    %x = tenon.embedding %ids, %t : (tensor<?xi32>, tensor<512x64xbf16>) -> tensor<?x64xf32>
    %a = tenon.weight_ref @a[%i] : tensor<128x64xf32>
    %b = tenon.weight_ref @b : tensor<128x64xbf16>
    %c = tenon.weight_ref @c : tensor<128x64xf16>
    %0 = tenon.linear %x, %a : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
    %1 = tenon.linear %x, %b : (tensor<?x64xf32>, tensor<128x64xbf16>) -> tensor<?x128xf32>
    %2 = tenon.linear %x, %c : (tensor<?x64xf32>, tensor<128x64xf16>) -> tensor<?x128xf32>
    %3 = tenon.rms_norm %2, %n {eps = 1.0e-5 : f32} : (tensor<?x128xf32>, tensor<128xbf16>) -> tensor<?x128xf32>
    return %0, %1, %3 : tensor<?x128xf32>, tensor<?x128xf32>, tensor<?x128xf32>
  }
}

// -----

#bf16 = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16"]>

// bf14 pairs; the norm, the attention behind merge_heads and the gated linear
// round their results themselves; the embedding has another reader and is cast.

// CHECK-LABEL: module @pairs
module @pairs attributes {tenon.target = #bf16} {
  // CHECK-DAG: tenon.weight @embed : tensor<512x64xbf16, #tenon.panel<n = 32, k = 2>>
  // CHECK-DAG: tenon.weight @g.u : tensor<344x64xbf16, #tenon.panel<n = 32, k = 2, interleave = 2>> from [#tenon.source<"g", tensor<172x64xbf16>>, #tenon.source<"u", tensor<172x64xbf16>>]
  // CHECK-DAG: tenon.weight @d : tensor<64x172xbf16, #tenon.panel<n = 32, k = 2>>
  // CHECK-DAG: tenon.weight @odd : tensor<64x63xbf16, #tenon.panel<n = 32, k = 1>>
  tenon.weight @embed : tensor<512x64xbf16> from [#tenon.source<"e", tensor<512x64xbf16>>]
  tenon.weight @wo : tensor<64x64xbf16> from [#tenon.source<"o", tensor<64x64xbf16>>]
  tenon.weight @g : tensor<172x64xbf16> from [#tenon.source<"g", tensor<172x64xbf16>>]
  tenon.weight @u : tensor<172x64xbf16> from [#tenon.source<"u", tensor<172x64xbf16>>]
  tenon.weight @d : tensor<64x172xbf16> from [#tenon.source<"d", tensor<64x172xbf16>>]
  tenon.weight @norm : tensor<64xf32> from [#tenon.source<"n", tensor<64xbf16>>]
  tenon.weight @odd : tensor<64x63xbf16> from [#tenon.source<"odd", tensor<64x63xbf16>>]
  // CHECK-LABEL: func @f
  func.func @f(%ids: tensor<?xi32>) -> (tensor<?x512xf32>, tensor<?x64xf32>) {
    // CHECK: %[[X:.*]] = tenon.embedding %{{.*}}, %{{.*}} : (tensor<?xi32>, tensor<512x64xbf16, #tenon.panel<n = 32, k = 2>>) -> tensor<?x64xf32>
    // CHECK: %[[XB:.*]] = tenon.cast %[[X]] : (tensor<?x64xf32>) -> tensor<?x64xbf16>
    // CHECK: %[[Q:.*]] = tenon.linear %[[XB]], {{.*}} -> tensor<?x64xbf16>
    // CHECK: %[[H:.*]] = tenon.split_heads %[[Q]] {{.*}} -> tensor<8x?x8xbf16>
    // CHECK: %[[O:.*]] = tenon.attention {{.*}} -> tensor<8x?x8xbf16>
    // CHECK: %[[M:.*]] = tenon.merge_heads %[[O]] : tensor<8x?x8xbf16> -> tensor<?x64xbf16>
    // CHECK: %[[R:.*]] = tenon.linear %[[M]], %{{.*}} residual(%[[X]]) : (tensor<?x64xbf16>, {{.*}}) -> tensor<?x64xf32>
    // CHECK: %[[N:.*]] = tenon.rms_norm %[[R]], {{.*}} -> tensor<?x64xbf16>
    // CHECK: %[[GU:.*]] = tenon.weight_ref @g.u : tensor<344x64xbf16, #tenon.panel<n = 32, k = 2, interleave = 2>>
    // CHECK: %[[HID:.*]] = tenon.linear %[[N]], %[[GU]] {activation = #tenon.activation_kind<silu>, gated} : (tensor<?x64xbf16>, {{.*}}) -> tensor<?x172xbf16>
    // CHECK: %[[Y:.*]] = tenon.linear %[[HID]], %{{.*}} residual(%[[R]]) {{.*}} -> tensor<?x64xf32>
    // CHECK: %[[L:.*]] = tenon.layer_norm %[[Y]], {{.*}} -> tensor<?x64xbf16>
    // CHECK: tenon.linear %[[L]], {{.*}} -> tensor<?x512xf32>
    // CHECK: tenon.linear %{{.*}}, %{{.*}} : (tensor<?x63xf32>, tensor<64x63xbf16, #tenon.panel<n = 32, k = 1>>) -> tensor<?x64xf32>
    %e = tenon.weight_ref @embed : tensor<512x64xbf16>
    %wo = tenon.weight_ref @wo : tensor<64x64xbf16>
    %g = tenon.weight_ref @g : tensor<172x64xbf16>
    %u = tenon.weight_ref @u : tensor<172x64xbf16>
    %d = tenon.weight_ref @d : tensor<64x172xbf16>
    %n = tenon.weight_ref @norm : tensor<64xf32>
    %odd = tenon.weight_ref @odd : tensor<64x63xbf16>
    %x = tenon.embedding %ids, %e : (tensor<?xi32>, tensor<512x64xbf16>) -> tensor<?x64xf32>
    %q0 = tenon.linear %x, %wo : (tensor<?x64xf32>, tensor<64x64xbf16>) -> tensor<?x64xf32>
    %q = tenon.split_heads %q0 {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    %o = tenon.attention %q, %q, %q {scale = 0.35 : f32} : (tensor<8x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32>
    %m = tenon.merge_heads %o : tensor<8x?x8xf32> -> tensor<?x64xf32>
    %r = tenon.linear %m, %wo residual(%x) : (tensor<?x64xf32>, tensor<64x64xbf16>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %h = tenon.rms_norm %r, %n {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %y = tenon.ffn %h, %u, %d gate(%g) residual(%r) {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<172x64xbf16>, tensor<64x172xbf16>, tensor<172x64xbf16>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %l = tenon.layer_norm %y, %n {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %logits = tenon.linear %l, %e : (tensor<?x64xf32>, tensor<512x64xbf16>) -> tensor<?x512xf32>
    %s = tenon.slice %y {offset = 0 : i64} : tensor<?x64xf32> -> tensor<?x63xf32>
    %z = tenon.linear %s, %odd : (tensor<?x63xf32>, tensor<64x63xbf16>) -> tensor<?x64xf32>
    return %logits, %z : tensor<?x512xf32>, tensor<?x64xf32>
  }
}

// -----

#f32 = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// A plain network with biases; a gated one whose gate is no weight.

// CHECK-LABEL: module @networks
module @networks attributes {tenon.target = #f32} {
  tenon.weight @u : tensor<2x96x64xf32> from [#tenon.source<"{i}.u", tensor<96x64xf32>>] stacked
  tenon.weight @d : tensor<2x64x96xf32> from [#tenon.source<"{i}.d", tensor<96x64xf32>, transposed>] stacked
  // CHECK-LABEL: func @plain
  func.func @plain(%x: tensor<?x64xf32>, %bu: tensor<96xf32>, %bd: tensor<64xf32>, %i: index) -> tensor<?x64xf32> {
    // CHECK: %[[H:.*]] = tenon.linear %arg0, %{{.*}} bias(%arg1) {activation = #tenon.activation_kind<gelu_tanh>} : {{.*}} -> tensor<?x96xf32>
    // CHECK: tenon.linear %[[H]], %{{.*}} bias(%arg2) residual(%arg0) : {{.*}} -> tensor<?x64xf32>
    %u = tenon.weight_ref @u[%i] : tensor<96x64xf32>
    %d = tenon.weight_ref @d[%i] : tensor<64x96xf32>
    %y = tenon.ffn %x, %u, %d up_bias(%bu) down_bias(%bd) residual(%x) {activation = #tenon.activation_kind<gelu_tanh>} : (tensor<?x64xf32>, tensor<96x64xf32>, tensor<64x96xf32>, tensor<96xf32>, tensor<64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
  // CHECK-LABEL: func @gate_is_no_weight
  func.func @gate_is_no_weight(%x: tensor<?x64xf32>, %g: tensor<96x64xf32>, %i: index) -> tensor<?x64xf32> {
    // CHECK: %[[G:.*]] = tenon.linear %arg0, %arg1 {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<96x64xf32>)
    // CHECK: %[[U:.*]] = tenon.linear %arg0
    // CHECK: %[[M:.*]] = tenon.mul %[[G]], %[[U]]
    // CHECK: tenon.linear %[[M]]
    %u = tenon.weight_ref @u[%i] : tensor<96x64xf32>
    %d = tenon.weight_ref @d[%i] : tensor<64x96xf32>
    %y = tenon.ffn %x, %u, %d gate(%g) {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<96x64xf32>, tensor<64x96xf32>, tensor<96x64xf32>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
}

// -----

#f32 = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// Weights that are also needed as they are, or packed in two ways, are stored
// more than once; biases of gate and up are one vector; f64 is not packed.

// CHECK-LABEL: module @copies
module @copies attributes {tenon.target = #f32} {
  // CHECK: tenon.weight @w : tensor<64x64xf32> from
  // CHECK-NEXT: tenon.weight @w.packed : tensor<64x64xf32, #tenon.panel<n = 32, k = 1>> from [#tenon.source<"w", tensor<64x64xf32>>]
  // CHECK-NEXT: tenon.weight @v.{{interleaved|packed}} : tensor<64x64xf32, #tenon.panel<{{.*}}>>
  // CHECK-NEXT: tenon.weight @v.{{interleaved|packed}} : tensor<64x64xf32, #tenon.panel<{{.*}}>>
  // CHECK-NEXT: tenon.weight @double : tensor<64x64xf64> from
  // CHECK-NEXT: func.func
  tenon.weight @w : tensor<64x64xf32> from [#tenon.source<"w", tensor<64x64xf32>>]
  tenon.weight @v : tensor<64x64xf32> from [#tenon.source<"v", tensor<64x64xf32>>]
  tenon.weight @double : tensor<64x64xf64> from [#tenon.source<"x", tensor<64x64xf64>>]
  func.func @f(%x: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<64x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x64xf32>) {
    %w = tenon.weight_ref @w : tensor<64x64xf32>
    %v = tenon.weight_ref @v : tensor<64x64xf32>
    %d = tenon.weight_ref @double : tensor<64x64xf64>
    // CHECK: tenon.linear %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<64x64xf32, #tenon.panel<n = 32, k = 1>>)
    %0 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    // CHECK: tenon.transpose %{{.*}} : tensor<64x64xf32>
    %1 = tenon.transpose %w : tensor<64x64xf32> -> tensor<64x64xf32>
    // CHECK: tenon.linear %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<64x64xf32, #tenon.panel<n = 32, k = 1>>)
    %2 = tenon.linear %x, %v : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    // CHECK: tenon.linear {{.*}} {gated} : (tensor<?x64xf32>, tensor<64x64xf32, #tenon.panel<n = 32, k = 1, interleave = 2>>)
    %3 = tenon.linear %x, %v {gated} : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x32xf32>
    // CHECK: tenon.linear {{.*}} : (tensor<?x64xf32>, tensor<64x64xf64>)
    %4 = tenon.linear %x, %d : (tensor<?x64xf32>, tensor<64x64xf64>) -> tensor<?x64xf32>
    return %0, %1, %2, %3, %4 : tensor<?x64xf32>, tensor<64x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x64xf32>
  }
}

// -----

#f32 = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// CHECK-LABEL: module @gated_biases
module @gated_biases attributes {tenon.target = #f32} {
  tenon.weight @g : tensor<96x64xf32> from [#tenon.source<"g", tensor<96x64xf32>>]
  tenon.weight @u : tensor<96x64xf32> from [#tenon.source<"u", tensor<96x64xf32>>]
  tenon.weight @d : tensor<64x96xf32> from [#tenon.source<"d", tensor<64x96xf32>>]
  tenon.weight @bg : tensor<96xf32> from [#tenon.source<"bg", tensor<96xf32>>]
  tenon.weight @bu : tensor<96xf32> from [#tenon.source<"bu", tensor<96xf32>>]
  // CHECK: tenon.weight @bg.bu : tensor<192xf32> from [#tenon.source<"bg", tensor<96xf32>>, #tenon.source<"bu", tensor<96xf32>>]
  // CHECK: func.func @f
  func.func @f(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
    // CHECK: tenon.linear %arg0, %{{.*}} bias(%{{.*}}) {activation = #tenon.activation_kind<silu>, gated} : (tensor<?x64xf32>, tensor<192x64xf32, #tenon.panel<n = 32, k = 1, interleave = 2>>, tensor<192xf32>) -> tensor<?x96xf32>
    %g = tenon.weight_ref @g : tensor<96x64xf32>
    %u = tenon.weight_ref @u : tensor<96x64xf32>
    %d = tenon.weight_ref @d : tensor<64x96xf32>
    %bg = tenon.weight_ref @bg : tensor<96xf32>
    %bu = tenon.weight_ref @bu : tensor<96xf32>
    %y = tenon.ffn %x, %u, %d gate(%g) up_bias(%bu) gate_bias(%bg) {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<96x64xf32>, tensor<64x96xf32>, tensor<96x64xf32>, tensor<96xf32>, tensor<96xf32>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
}

// -----

// expected-error @+1 {{weights are packed for a target: the module has no attribute tenon.target}}
module @no_target {
}
