// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// Every operation, type and attribute, through the printer and the parser.

// CHECK: module @all attributes {tenon.context = 512 : i64, tenon.kind = "decoder"
// CHECK-SAME: tenon.target = #tenon.target<cpu = "znver5", features = "+avx512f", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16"]>
module @all attributes {tenon.kind = "decoder", tenon.context = 512 : i64, tenon.target = #tenon.target<cpu = "znver5", features = "+avx512f", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16"]>} {

// CHECK: tenon.weight @plain : tensor<128x64xf32> from [#tenon.source<"w", tensor<128x64xbf16>>]
tenon.weight @plain : tensor<128x64xf32> from [#tenon.source<"w", tensor<128x64xbf16>>]
// CHECK: tenon.weight @several : tensor<5x96x64xf32> from [#tenon.source<"{i}.q", tensor<64x64xf32>>, #tenon.source<"{i}.k", tensor<64x32xf32>, transposed>] stacked
tenon.weight @several : tensor<5x96x64xf32> from [#tenon.source<"{i}.q", tensor<64x64xf32>>, #tenon.source<"{i}.k", tensor<64x32xf32>, transposed>] stacked
// CHECK: tenon.weight @packed : tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>> from [#tenon.source<"p", tensor<64x64xbf16>>] {offset = 4096 : i64, stride = 64 : i64}
tenon.weight @packed : tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>> from [#tenon.source<"p", tensor<64x64xbf16>>] {offset = 4096 : i64, stride = 64 : i64}
// CHECK: tenon.weight @interleaved : tensor<344x64xf32, #tenon.panel<n = 32, k = 1, interleave = 2>>
tenon.weight @interleaved : tensor<344x64xf32, #tenon.panel<n = 32, k = 1, interleave = 2>> from [#tenon.source<"g", tensor<172x64xf32>>, #tenon.source<"u", tensor<172x64xf32>>]
// CHECK: tenon.weight @rope : tensor<512x4xf32> from [#tenon.rope_table<frequencies = [1.000000e+00, 1.000000e-01], scale = 1.000000e+00>]
tenon.weight @rope : tensor<512x4xf32> from [#tenon.rope_table<frequencies = [1.0, 0.1], scale = 1.0>]

// CHECK-LABEL: func @weights
func.func @weights(%i: index) -> (tensor<128x64xf32>, tensor<96x64xf32>, tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>>) {
  // CHECK: tenon.weight_ref @plain : tensor<128x64xf32>
  // CHECK: tenon.weight_ref @several[%{{.*}}] : tensor<96x64xf32>
  // CHECK: tenon.weight_ref @packed : tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>>
  // CHECK: tenon.weight_ref @packed : memref<2x32x32x2xbf16>
  // CHECK: tenon.weight_ref @interleaved : memref<11x64x32x1xf32>
  %0 = tenon.weight_ref @plain : tensor<128x64xf32>
  %1 = tenon.weight_ref @several[%i] : tensor<96x64xf32>
  %2 = tenon.weight_ref @packed : tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>>
  %3 = tenon.weight_ref @packed : memref<2x32x32x2xbf16>
  %4 = tenon.weight_ref @interleaved : memref<11x64x32x1xf32>
  return %0, %1, %2 : tensor<128x64xf32>, tensor<96x64xf32>, tensor<64x64xbf16, #tenon.panel<n = 32, k = 2>>
}

// CHECK-LABEL: func @rows
func.func @rows(%ids: tensor<?xi32>, %table: tensor<512x64xf32>, %w: tensor<64xf32>, %pos: index) -> tensor<1x64xf32> {
  // CHECK: tenon.embedding %{{.*}}, %{{.*}} : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
  %0 = tenon.embedding %ids, %table : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
  // CHECK: tenon.positions %{{.*}} : (tensor<?xi32>) -> tensor<?xi32>
  %1 = tenon.positions %ids : (tensor<?xi32>) -> tensor<?xi32>
  // CHECK: tenon.positions %{{.*}} at %{{.*}} : (tensor<?xi32>, index) -> tensor<?xi32>
  %2 = tenon.positions %ids at %pos : (tensor<?xi32>, index) -> tensor<?xi32>
  // CHECK: tenon.rms_norm %{{.*}} {eps = 9.99999974E-6 : f32, unit_offset} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xbf16>
  %3 = tenon.rms_norm %0, %w {eps = 1.0e-5 : f32, unit_offset} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xbf16>
  // CHECK: tenon.layer_norm %{{.*}}, %{{.*}} bias(%{{.*}}) {eps = 0.000000e+00 : f32}
  %4 = tenon.layer_norm %0, %w bias(%w) {eps = 0.0 : f32} : (tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  // CHECK: tenon.softmax
  %5 = tenon.softmax %4 : (tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: tenon.last_rows %{{.*}}, %{{.*}} : tensor<?x64xf32> -> tensor<?x64xf32>
  %6 = tenon.last_rows %5, %pos : tensor<?x64xf32> -> tensor<?x64xf32>
  // CHECK: tenon.rows %{{.*}} {offset = 0 : i64} : tensor<?x64xf32> -> tensor<1x64xf32>
  %7 = tenon.rows %6 {offset = 0 : i64} : tensor<?x64xf32> -> tensor<1x64xf32>
  return %7 : tensor<1x64xf32>
}

// CHECK-LABEL: func @elementwise
func.func @elementwise(%a: tensor<?x64xf32>, %b: tensor<64xf32>) -> tensor<?x64xbf16> {
  // CHECK: tenon.add %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %0 = tenon.add %a, %b : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  // CHECK: tenon.sub
  %1 = tenon.sub %0, %a : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: tenon.mul
  %2 = tenon.mul %1, %a : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: tenon.div
  %3 = tenon.div %2, %a : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: tenon.scale %{{.*}} {factor = 1.250000e-01 : f32}
  %4 = tenon.scale %3 {factor = 0.125 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: tenon.activation %{{.*}} {kind = #tenon.activation_kind<silu>, tile = #tenon.tile<group = 16>}
  %5 = tenon.activation %4 {kind = #tenon.activation_kind<silu>, tile = #tenon.tile<group = 16>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: #tenon.activation_kind<gelu>
  %6 = tenon.activation %5 {kind = #tenon.activation_kind<gelu>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: #tenon.activation_kind<gelu_tanh>
  %7 = tenon.activation %6 {kind = #tenon.activation_kind<gelu_tanh>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: #tenon.activation_kind<relu>
  %8 = tenon.activation %7 {kind = #tenon.activation_kind<relu>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: #tenon.activation_kind<tanh>
  %9 = tenon.activation %8 {kind = #tenon.activation_kind<tanh>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: #tenon.activation_kind<sigmoid>
  %10 = tenon.activation %9 {kind = #tenon.activation_kind<sigmoid>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: tenon.cast %{{.*}} : (tensor<?x64xf32>) -> tensor<?x64xbf16>
  %11 = tenon.cast %10 : (tensor<?x64xf32>) -> tensor<?x64xbf16>
  return %11 : tensor<?x64xbf16>
}

// CHECK-LABEL: func @products
func.func @products(%x: tensor<?x64xf32>, %w: tensor<128x64xf32>, %b: tensor<128xf32>, %r: tensor<?x128xf32>, %q: tensor<8x?x8xf32>, %k: tensor<4x?x8xf32>) -> tensor<8x?x?xf32> {
  // CHECK: tenon.linear %{{.*}}, %{{.*}} bias(%{{.*}}) residual(%{{.*}}) {activation = #tenon.activation_kind<gelu>} : (tensor<?x64xf32>, tensor<128x64xf32>, tensor<128xf32>, tensor<?x128xf32>) -> tensor<?x128xf32>
  %0 = tenon.linear %x, %w bias(%b) residual(%r) {activation = #tenon.activation_kind<gelu>} : (tensor<?x64xf32>, tensor<128x64xf32>, tensor<128xf32>, tensor<?x128xf32>) -> tensor<?x128xf32>
  // CHECK: tenon.linear %{{.*}}, %{{.*}} {gated} : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = tenon.linear %x, %w {gated} : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  // CHECK: tenon.transpose %{{.*}} : tensor<4x?x8xf32> -> tensor<4x8x?xf32>
  %2 = tenon.transpose %k : tensor<4x?x8xf32> -> tensor<4x8x?xf32>
  // CHECK: tenon.matmul %{{.*}}, %{{.*}} : (tensor<8x?x8xf32>, tensor<4x8x?xf32>) -> tensor<8x?x?xf32>
  %3 = tenon.matmul %q, %2 : (tensor<8x?x8xf32>, tensor<4x8x?xf32>) -> tensor<8x?x?xf32>
  return %3 : tensor<8x?x?xf32>
}

// CHECK-LABEL: func @heads
func.func @heads(%x: tensor<?x64xf32>, %table: tensor<512x4xf32>, %s: tensor<8x?x?xf32>, %valid: tensor<?xi32>, %pos: index) -> tensor<?x64xf32> {
  // CHECK: tenon.split_heads %{{.*}} {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
  %0 = tenon.split_heads %x {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
  // CHECK: tenon.rope %{{.*}}, %{{.*}} at %{{.*}} : (tensor<8x?x8xf32>, tensor<512x4xf32>, index) -> tensor<8x?x8xf32>
  %1 = tenon.rope %0, %table at %pos : (tensor<8x?x8xf32>, tensor<512x4xf32>, index) -> tensor<8x?x8xf32>
  // CHECK: tenon.causal_mask %{{.*}} {window = 4 : i64}
  %2 = tenon.causal_mask %s {window = 4 : i64} : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
  // CHECK: tenon.padding_mask %{{.*}}, %{{.*}} : (tensor<8x?x?xf32>, tensor<?xi32>) -> tensor<8x?x?xf32>
  %3 = tenon.padding_mask %2, %valid : (tensor<8x?x?xf32>, tensor<?xi32>) -> tensor<8x?x?xf32>
  // CHECK: tenon.slice %{{.*}} {offset = 4 : i64} : tensor<8x?x8xf32> -> tensor<8x?x4xf32>
  %4 = tenon.slice %1 {offset = 4 : i64} : tensor<8x?x8xf32> -> tensor<8x?x4xf32>
  // CHECK: tenon.merge_heads %{{.*}} : tensor<8x?x8xf32> -> tensor<?x64xf32>
  %5 = tenon.merge_heads %1 : tensor<8x?x8xf32> -> tensor<?x64xf32>
  return %5 : tensor<?x64xf32>
}

// CHECK-LABEL: func @fused
func.func @fused(%x: tensor<?x64xf32>, %u: tensor<96x64xf32>, %d: tensor<64x96xf32>, %b: tensor<96xf32>, %bd: tensor<64xf32>, %q: tensor<8x?x8xf32>, %k: tensor<4x?x8xf32>, %valid: tensor<?xi32>, %pos: index, %cache: !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>) -> tensor<8x?x8xbf16> {
  // CHECK: tenon.ffn %{{.*}}, %{{.*}}, %{{.*}} gate(%{{.*}}) up_bias(%{{.*}}) gate_bias(%{{.*}}) down_bias(%{{.*}}) residual(%{{.*}}) {activation = #tenon.activation_kind<silu>}
  %0 = tenon.ffn %x, %u, %d gate(%u) up_bias(%b) gate_bias(%b) down_bias(%bd) residual(%x) {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, tensor<96x64xf32>, tensor<64x96xf32>, tensor<96x64xf32>, tensor<96xf32>, tensor<96xf32>, tensor<64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: tenon.attention %{{.*}}, %{{.*}}, %{{.*}} valid(%{{.*}}) {causal, scale = 5.000000e-01 : f32, window = 4 : i64}
  %1 = tenon.attention %q, %k, %k valid(%valid) {causal, scale = 0.5 : f32, window = 4 : i64} : (tensor<8x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<?xi32>) -> tensor<8x?x8xf32>
  // CHECK: tenon.cache_append %{{.*}}, %{{.*}}, %{{.*}}[%{{.*}}] at %{{.*}} : tensor<4x?x8xf32>, tensor<4x?x8xf32>, <layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>
  tenon.cache_append %k, %k, %cache[%pos] at %pos : tensor<4x?x8xf32>, tensor<4x?x8xf32>, !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>
  // CHECK: tenon.cached_attention %{{.*}}, %{{.*}}[%{{.*}}] at %{{.*}} {causal, scale = 5.000000e-01 : f32} : (tensor<8x?x8xf32>, <{{.*}}>) -> tensor<8x?x8xbf16>
  %2 = tenon.cached_attention %q, %cache[%pos] at %pos {causal, scale = 0.5 : f32} : (tensor<8x?x8xf32>, !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>) -> tensor<8x?x8xbf16>
  return %2 : tensor<8x?x8xbf16>
}

// A token of each of three sequences, with the position of each.
// CHECK-LABEL: func @sequences
// CHECK-SAME: !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32, sequences = 3>
func.func @sequences(%q: tensor<8x3x8xf32>, %k: tensor<4x3x8xf32>, %table: tensor<512x4xf32>, %positions: tensor<3xi32>, %i: index, %cache: !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32, sequences = 3>) -> tensor<8x3x8xf32> {
  // CHECK: tenon.rope %{{.*}}, %{{.*}} at %[[P:.*]] : (tensor<8x3x8xf32>, tensor<512x4xf32>, tensor<3xi32>) -> tensor<8x3x8xf32>
  %0 = tenon.rope %q, %table at %positions : (tensor<8x3x8xf32>, tensor<512x4xf32>, tensor<3xi32>) -> tensor<8x3x8xf32>
  // CHECK: tenon.cache_append %{{.*}}, %{{.*}}, %{{.*}}[%{{.*}}] at rows(%[[P]] : tensor<3xi32>) : tensor<4x3x8xf32>
  tenon.cache_append %k, %k, %cache[%i] at rows(%positions : tensor<3xi32>) : tensor<4x3x8xf32>, tensor<4x3x8xf32>, !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32, sequences = 3>
  // CHECK: tenon.cached_attention %{{.*}}, %{{.*}}[%{{.*}}] at rows(%[[P]] : tensor<3xi32>) {causal, scale = 5.000000e-01 : f32}
  %1 = tenon.cached_attention %0, %cache[%i] at rows(%positions : tensor<3xi32>) {causal, scale = 0.5 : f32} : (tensor<8x3x8xf32>, !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32, sequences = 3>) -> tensor<8x3x8xf32>
  return %1 : tensor<8x3x8xf32>
}

// CHECK-LABEL: func @rope_rows
func.func @rope_rows(%x: memref<8x3x8xf32>, %table: memref<512x4xf32>, %positions: memref<3xi32>) {
  // CHECK: tenon.rope %{{.*}}, %{{.*}} at %{{.*}} into %{{.*}} : (memref<8x3x8xf32>, memref<512x4xf32>, memref<3xi32>, memref<8x3x8xf32>) -> ()
  tenon.rope %x, %table at %positions into %x : (memref<8x3x8xf32>, memref<512x4xf32>, memref<3xi32>, memref<8x3x8xf32>) -> ()
  return
}

// Buffer form, and what exists in memory only.
// CHECK-LABEL: func @buffers
func.func @buffers(%x: memref<?x64xf32>, %w: memref<4x64x32x1xf32>, %y: memref<?x128xf32>, %q: memref<8x?x8xf32, strided<[8, 64, 1], offset: ?>>, %k: memref<4x?x8xf32, strided<[8, 32, 1], offset: ?>>, %keys: memref<4x32x8x16xf32>, %values: memref<4x512x8xf32>, %n: index) {
  // CHECK: tenon.linear %{{.*}}, %{{.*}} into %{{.*}} {tile = #tenon.tile<rows = 8, columns = 32>} : (memref<?x64xf32>, memref<4x64x32x1xf32>, memref<?x128xf32>) -> ()
  tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 8, columns = 32>} : (memref<?x64xf32>, memref<4x64x32x1xf32>, memref<?x128xf32>) -> ()
  // CHECK: tenon.scale %{{.*}} into %{{.*}} {factor = 2.000000e+00 : f32} : (memref<?x64xf32>, memref<?x64xf32>) -> ()
  tenon.scale %x into %x {factor = 2.0 : f32} : (memref<?x64xf32>, memref<?x64xf32>) -> ()
  // CHECK: tenon.append_kv %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} at %{{.*}} :
  tenon.append_kv %k, %k, %keys, %values at %n : memref<4x?x8xf32, strided<[8, 32, 1], offset: ?>>, memref<4x?x8xf32, strided<[8, 32, 1], offset: ?>>, memref<4x32x8x16xf32>, memref<4x512x8xf32>
  // CHECK: tenon.dispatch %[[T:.*]] of %{{.*}} grain 1 label "attention" {
  tenon.dispatch %t of %n grain 1 label "attention" {
    // CHECK: tenon.block_attention %{{.*}}, %{{.*}}, %{{.*}} at %{{.*}} length %{{.*}} into %{{.*}} {causal, scale = 5.000000e-01 : f32}
    tenon.block_attention %q, %keys, %values at %n length %t into %q {causal, scale = 0.5 : f32} : memref<8x?x8xf32, strided<[8, 64, 1], offset: ?>>, memref<4x32x8x16xf32>, memref<4x512x8xf32>, memref<8x?x8xf32, strided<[8, 64, 1], offset: ?>>
    // CHECK: tenon.copy %{{.*}} into %{{.*}} : memref<?x64xf32>, memref<?x64xf32>
    tenon.copy %x into %x : memref<?x64xf32>, memref<?x64xf32>
  // CHECK-NEXT: }
  }
  // CHECK: tenon.dispatch %{{.*}} of %{{.*}} grain 2 label "after" prologue {
  // CHECK-NEXT: tenon.step "first" {
  // CHECK-NEXT: tenon.copy
  // CHECK-NEXT: }
  // CHECK-NEXT: tenon.step "second" {
  // CHECK-NEXT: }
  // CHECK-NEXT: } {
  // CHECK-NEXT: }
  tenon.dispatch %t of %n grain 2 label "after" prologue {
    tenon.step "first" {
      tenon.copy %x into %x : memref<?x64xf32>, memref<?x64xf32>
    }
    tenon.step "second" {
    }
  } {
  }
  return
}

}
