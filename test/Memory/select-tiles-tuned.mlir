// RUN: tenon-opt %s --split-input-file --tenon-select-tiles --verify-diagnostics | FileCheck %s

// A plan that was measured goes before the model's choice, for the kernel of its key alone; what stands on an operation by
// hand goes before both.
#zen3 = #tenon.target<cpu = "znver3", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 524288, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma"]>
!w = tensor<128x64xf32, #tenon.panel<n = 32, k = 1>>
// CHECK-NOT: tenon.tuned
module attributes {tenon.target = #zen3, tenon.tuned = {
    "linear/m:any/n:128/k:64/type:f32/input:f32" = {group = 2 : i64, plan = #tenon.plan<stream_rows = 2, depth_block = 128>, rows = 4 : i64},
    "linear/m:1/n:128/k:64/type:f32/input:f32/residual" = {group = 1 : i64, plan = #tenon.plan<panels = 1>, rows = 1 : i64},
    "attention/m:1/heads:4/kv-heads:2/head-dim:8/type:f32/causal" = {plan = #tenon.attention_plan<heads = 2>}}} {
  // CHECK-LABEL: func.func @linears
  // CHECK: tenon.linear {{.*}} {plan = #tenon.plan<stream_rows = 2, depth_block = 128>, tile = #tenon.tile<rows = 4, columns = 16, group = 2>}
  // CHECK: tenon.linear {{.*}} {plan = #tenon.plan<chains = 3>, tile = #tenon.tile<rows = 6, columns = 16>}
  // CHECK: tenon.linear {{.*}} {activation = #tenon.activation_kind<silu>, plan = #tenon.plan<stream_rows = 4, depth_block = 256, prefetch = [#tenon.prefetch<rows = 4, distance = 8192, cache = 2>]>, tile = #tenon.tile<rows = 6, columns = 16>}
  func.func @linears(%x: tensor<?x64xf32>, %w: !w) -> (tensor<?x128xf32>, tensor<?x128xf32>, tensor<?x128xf32>) {
    %a = tenon.linear %x, %w : (tensor<?x64xf32>, !w) -> tensor<?x128xf32>
    %b = tenon.linear %x, %w {plan = #tenon.plan<chains = 3>} : (tensor<?x64xf32>, !w) -> tensor<?x128xf32>
    %c = tenon.linear %x, %w {activation = #tenon.activation_kind<silu>} : (tensor<?x64xf32>, !w) -> tensor<?x128xf32>
    return %a, %b, %c : tensor<?x128xf32>, tensor<?x128xf32>, tensor<?x128xf32>
  }
  // The keys of a block, which decide about bits, are never another number.
  // CHECK-LABEL: func.func @attention
  // CHECK: tenon.cached_attention {{.*}}plan = #tenon.attention_plan<heads = 2>, scale = 1.000000e+00 : f32, tile = #tenon.tile<columns = 128>
  func.func @attention(%q: tensor<4x1x8xf32>, %p: index, %l: index, %c: !tenon.kv_cache<layers = 1, heads = 2, capacity = 128, head_dim = 8, element = f32>) -> tensor<4x1x8xf32> {
    %o = tenon.cached_attention %q, %c[%l] at %p {causal, scale = 1.0 : f32} : (tensor<4x1x8xf32>, !tenon.kv_cache<layers = 1, heads = 2, capacity = 128, head_dim = 8, element = f32>) -> tensor<4x1x8xf32>
    return %o : tensor<4x1x8xf32>
  }
}

// -----

#zen3 = #tenon.target<cpu = "znver3", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 524288, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma"]>
!w = tensor<128x64xf32, #tenon.panel<n = 32, k = 1>>
module attributes {tenon.target = #zen3, tenon.tuned = {"linear/m:any/n:128/k:64/type:f32/input:f32" = {plan = #tenon.plan<stream_rows = 2>}}} {
  func.func @no_tile(%x: tensor<?x64xf32>, %w: !w) -> tensor<?x128xf32> {
    // expected-error @+1 {{'tenon.tuned' should hold {group = ..., plan = #tenon.plan<...>, rows = ...} for a linear or {plan = #tenon.attention_plan<...>} for attention, found {plan = #tenon.plan<stream_rows = 2>} for "linear/m:any/n:128/k:64/type:f32/input:f32"}}
    %a = tenon.linear %x, %w : (tensor<?x64xf32>, !w) -> tensor<?x128xf32>
    return %a : tensor<?x128xf32>
  }
}

// -----

#zen3 = #tenon.target<cpu = "znver3", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 524288, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma"]>
!w = tensor<128x64xf32, #tenon.panel<n = 32, k = 1>>
module attributes {tenon.target = #zen3, tenon.tuned = {"linear/m:any/n:128/k:64/type:f32/input:f32" = {group = 1 : i64, plan = #tenon.plan<unpack_from = 8>, rows = 4 : i64}}} {
  func.func @misfit(%x: tensor<?x64xf32>, %w: !w) -> tensor<?x128xf32> {
    // expected-error @+2 {{has weights of 'f32', its plan unpacks superblocks (unpack_from = 8)}}
    // expected-error @+1 {{the plan measured for "linear/m:any/n:128/k:64/type:f32/input:f32" does not fit this operation: remove that line from the tuning database, or measure again with --tune}}
    %a = tenon.linear %x, %w : (tensor<?x64xf32>, !w) -> tensor<?x128xf32>
    return %a : tensor<?x128xf32>
  }
}
