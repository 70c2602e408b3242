// RUN: tenon-opt %s --tenon-fuse-pipeline --split-input-file | FileCheck %s --check-prefix=FUSED
// RUN: tenon-opt %s --tenon-fuse-pipeline --tenon-cache-pipeline --split-input-file \
// RUN:   | FileCheck %s --check-prefix=CACHED
// RUN: tenon-opt %s --tenon-fuse-pipeline --tenon-cache-pipeline --tenon-pack-pipeline --split-input-file \
// RUN:   | FileCheck %s --check-prefix=PACKED

// The three families as their descriptions write them, through all stages.

#bf16 = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16"]>

// FUSED-LABEL: module @llama
// FUSED: tenon.weight @block.wq.wk.wv : tensor<5x128x64xbf16>
// FUSED-LABEL: func.func @forward
// FUSED: scf.for
// FUSED: %[[H:.*]] = tenon.rms_norm
// FUSED: %[[QKV:.*]] = tenon.linear %[[H]], %{{.*}} : (tensor<?x64xf32>, tensor<128x64xbf16>) -> tensor<?x128xf32>
// FUSED-COUNT-3: tenon.slice %[[QKV]]
// FUSED-NOT: tenon.softmax
// FUSED: %[[O:.*]] = tenon.attention %{{.*}} {causal, scale = 0.353553385 : f32}
// FUSED: %[[M:.*]] = tenon.merge_heads %[[O]]
// FUSED: %[[R:.*]] = tenon.linear %[[M]], %{{.*}} residual(
// FUSED: %[[N:.*]] = tenon.rms_norm %[[R]]
// FUSED: %[[Y:.*]] = tenon.ffn %[[N]], %{{.*}}, %{{.*}} gate(%{{.*}}) residual(%[[R]]) {activation = #tenon.activation_kind<silu>}
// FUSED-NEXT: scf.yield %[[Y]]

// CACHED-LABEL: module @llama
// CACHED-NOT: @forward
// CACHED-LABEL: func.func @prefill
// CACHED: tenon.cached_attention
// CACHED: tenon.last_rows
// CACHED-NEXT: tenon.weight_ref @final_norm
// CACHED-NEXT: tenon.rms_norm
// CACHED-NEXT: tenon.linear
// CACHED-NEXT: return
// CACHED-LABEL: func.func @decode
// CACHED: tenon.cached_attention {{.*}} -> tensor<8x1x8xf32>

// PACKED-LABEL: module @llama
// PACKED-NOT: @block.w_gate :
// PACKED-DAG: tenon.weight @embed : tensor<512x64xbf16, #tenon.panel<n = 32, k = 2>>
// PACKED-DAG: tenon.weight @block.wq.wk.wv : tensor<5x128x64xbf16, #tenon.panel<n = 32, k = 2>>
// PACKED-DAG: tenon.weight @block.w_gate.w_up : tensor<5x344x64xbf16, #tenon.panel<n = 32, k = 2, interleave = 2>>
// PACKED-DAG: tenon.weight @block.w_down : tensor<5x64x172xbf16, #tenon.panel<n = 32, k = 2>>
// PACKED-LABEL: func.func @prefill
// PACKED-NOT: tenon.cast
// PACKED: tenon.rms_norm {{.*}} -> tensor<?x64xbf16>
// PACKED: tenon.cached_attention {{.*}} -> tensor<8x?x8xbf16>
// PACKED: tenon.linear {{.*}} {activation = #tenon.activation_kind<silu>, gated} {{.*}} -> tensor<?x172xbf16>
// PACKED-LABEL: func.func @decode
// PACKED-NOT: tenon.cast
// PACKED: tenon.rms_norm {{.*}} -> tensor<1x64xbf16>
module @llama attributes {tenon.kind = "decoder", tenon.context = 512 : i64, tenon.max_chunk = 512 : i64, tenon.target = #bf16} {
  tenon.weight @embed : tensor<512x64xbf16> from [#tenon.source<"model.embed_tokens.weight", tensor<512x64xbf16>>]
  tenon.weight @final_norm : tensor<64xf32> from [#tenon.source<"model.norm.weight", tensor<64xbf16>>]
  tenon.weight @block.norm1 : tensor<5x64xf32> from [#tenon.source<"model.layers.{i}.input_layernorm.weight", tensor<64xbf16>>] stacked
  tenon.weight @block.norm2 : tensor<5x64xf32> from [#tenon.source<"model.layers.{i}.post_attention_layernorm.weight", tensor<64xbf16>>] stacked
  tenon.weight @block.wq : tensor<5x64x64xbf16> from [#tenon.source<"model.layers.{i}.self_attn.q_proj.weight", tensor<64x64xbf16>>] stacked
  tenon.weight @block.wk : tensor<5x32x64xbf16> from [#tenon.source<"model.layers.{i}.self_attn.k_proj.weight", tensor<32x64xbf16>>] stacked
  tenon.weight @block.wv : tensor<5x32x64xbf16> from [#tenon.source<"model.layers.{i}.self_attn.v_proj.weight", tensor<32x64xbf16>>] stacked
  tenon.weight @block.wo : tensor<5x64x64xbf16> from [#tenon.source<"model.layers.{i}.self_attn.o_proj.weight", tensor<64x64xbf16>>] stacked
  tenon.weight @block.w_gate : tensor<5x172x64xbf16> from [#tenon.source<"model.layers.{i}.mlp.gate_proj.weight", tensor<172x64xbf16>>] stacked
  tenon.weight @block.w_up : tensor<5x172x64xbf16> from [#tenon.source<"model.layers.{i}.mlp.up_proj.weight", tensor<172x64xbf16>>] stacked
  tenon.weight @block.w_down : tensor<5x64x172xbf16> from [#tenon.source<"model.layers.{i}.mlp.down_proj.weight", tensor<64x172xbf16>>] stacked
  tenon.weight @rope : tensor<512x8xf32> from [#tenon.rope_table<frequencies = [1.0, 0.1, 0.01, 0.001], scale = 1.0>]
  func.func @forward(%tokens: tensor<?xi32> {tenon.name = "tokens"}) -> tensor<?x512xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c5 = arith.constant 5 : index
    %e = tenon.weight_ref @embed : tensor<512x64xbf16>
    %x0 = tenon.embedding %tokens, %e : (tensor<?xi32>, tensor<512x64xbf16>) -> tensor<?x64xf32>
    %xl = scf.for %i = %c0 to %c5 step %c1 iter_args(%x = %x0) -> (tensor<?x64xf32>) {
      %norm1 = tenon.weight_ref @block.norm1[%i] : tensor<64xf32>
      %h = tenon.rms_norm %x, %norm1 {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
      %wq = tenon.weight_ref @block.wq[%i] : tensor<64x64xbf16>
      %q0 = tenon.linear %h, %wq : (tensor<?x64xf32>, tensor<64x64xbf16>) -> tensor<?x64xf32>
      %q1 = tenon.split_heads %q0 {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
      %rq = tenon.weight_ref @rope : tensor<512x8xf32>
      %q = tenon.rope %q1, %rq : (tensor<8x?x8xf32>, tensor<512x8xf32>) -> tensor<8x?x8xf32>
      %wk = tenon.weight_ref @block.wk[%i] : tensor<32x64xbf16>
      %k0 = tenon.linear %h, %wk : (tensor<?x64xf32>, tensor<32x64xbf16>) -> tensor<?x32xf32>
      %k1 = tenon.split_heads %k0 {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
      %rk = tenon.weight_ref @rope : tensor<512x8xf32>
      %k = tenon.rope %k1, %rk : (tensor<4x?x8xf32>, tensor<512x8xf32>) -> tensor<4x?x8xf32>
      %wv = tenon.weight_ref @block.wv[%i] : tensor<32x64xbf16>
      %v0 = tenon.linear %h, %wv : (tensor<?x64xf32>, tensor<32x64xbf16>) -> tensor<?x32xf32>
      %v = tenon.split_heads %v0 {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
      %kt = tenon.transpose %k : tensor<4x?x8xf32> -> tensor<4x8x?xf32>
      %s0 = tenon.matmul %q, %kt : (tensor<8x?x8xf32>, tensor<4x8x?xf32>) -> tensor<8x?x?xf32>
      %s = tenon.scale %s0 {factor = 0.353553385 : f32} : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
      %m = tenon.causal_mask %s : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
      %p = tenon.softmax %m : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
      %o = tenon.matmul %p, %v : (tensor<8x?x?xf32>, tensor<4x?x8xf32>) -> tensor<8x?x8xf32>
      %o1 = tenon.merge_heads %o : tensor<8x?x8xf32> -> tensor<?x64xf32>
      %wo = tenon.weight_ref @block.wo[%i] : tensor<64x64xbf16>
      %a = tenon.linear %o1, %wo : (tensor<?x64xf32>, tensor<64x64xbf16>) -> tensor<?x64xf32>
      %x1 = tenon.add %x, %a : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
      %norm2 = tenon.weight_ref @block.norm2[%i] : tensor<64xf32>
      %h2 = tenon.rms_norm %x1, %norm2 {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
      %wg = tenon.weight_ref @block.w_gate[%i] : tensor<172x64xbf16>
      %g0 = tenon.linear %h2, %wg : (tensor<?x64xf32>, tensor<172x64xbf16>) -> tensor<?x172xf32>
      %g = tenon.activation %g0 {kind = #tenon.activation_kind<silu>} : (tensor<?x172xf32>) -> tensor<?x172xf32>
      %wu = tenon.weight_ref @block.w_up[%i] : tensor<172x64xbf16>
      %u = tenon.linear %h2, %wu : (tensor<?x64xf32>, tensor<172x64xbf16>) -> tensor<?x172xf32>
      %gu = tenon.mul %g, %u : (tensor<?x172xf32>, tensor<?x172xf32>) -> tensor<?x172xf32>
      %wd = tenon.weight_ref @block.w_down[%i] : tensor<64x172xbf16>
      %d = tenon.linear %gu, %wd : (tensor<?x172xf32>, tensor<64x172xbf16>) -> tensor<?x64xf32>
      %x2 = tenon.add %x1, %d : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
      scf.yield %x2 : tensor<?x64xf32>
    }
    %n = tenon.weight_ref @final_norm : tensor<64xf32>
    %xn = tenon.rms_norm %xl, %n {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %head = tenon.weight_ref @embed : tensor<512x64xbf16>
    %l = tenon.linear %xn, %head : (tensor<?x64xf32>, tensor<512x64xbf16>) -> tensor<?x512xf32>
    return %l : tensor<?x512xf32>
  }
}

// -----

#f32 = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// Conv1D weights are [in, out]; Q, K and V come from one of them.

// FUSED-LABEL: module @gpt2
// FUSED: tenon.weight @h.c_attn.transposed : tensor<2x192x64xf32> from [#tenon.source<"h.{i}.attn.c_attn.weight", tensor<64x192xf32>, transposed>] stacked
// FUSED-LABEL: func.func @forward
// FUSED: tenon.positions
// FUSED: scf.for
// FUSED: %[[QKV:.*]] = tenon.linear %{{.*}}, %{{.*}} bias(%{{.*}}) : (tensor<?x64xf32>, tensor<192x64xf32>, tensor<192xf32>) -> tensor<?x192xf32>
// FUSED: tenon.attention %{{.*}} {causal, scale = 2.500000e-01 : f32}
// FUSED: %[[R:.*]] = tenon.linear %{{.*}}, %{{.*}} bias(%{{.*}}) residual(%{{.*}})
// FUSED: tenon.layer_norm %[[R]]
// FUSED: tenon.ffn {{.*}} up_bias(%{{.*}}) down_bias(%{{.*}}) residual(%[[R]]) {activation = #tenon.activation_kind<gelu_tanh>}

// CACHED-LABEL: module @gpt2
// CACHED-LABEL: func.func @prefill
// CACHED-SAME: %[[POS:[^:]*]]: index, %{{[^:]*}}: index, %{{.*}}: !tenon.kv_cache<layers = 2, heads = 4, capacity = 128, head_dim = 16, element = f32>
// CACHED: tenon.positions %{{.*}} at %[[POS]]
// CACHED: tenon.cache_append
// CACHED-LABEL: func.func @decode

// PACKED-LABEL: module @gpt2
// PACKED-DAG: tenon.weight @wte : tensor<512x64xf32, #tenon.panel<n = 32, k = 1>>
// PACKED-DAG: tenon.weight @wpe : tensor<128x64xf32> from
// PACKED-DAG: tenon.weight @h.c_attn.transposed : tensor<2x192x64xf32, #tenon.panel<n = 32, k = 1>> from {{.*}} transposed>] stacked
// PACKED-NOT: bf16
module @gpt2 attributes {tenon.kind = "decoder", tenon.context = 128 : i64, tenon.max_chunk = 128 : i64, tenon.target = #f32} {
  tenon.weight @wte : tensor<512x64xf32> from [#tenon.source<"wte.weight", tensor<512x64xf32>>]
  tenon.weight @wpe : tensor<128x64xf32> from [#tenon.source<"wpe.weight", tensor<128x64xf32>>]
  tenon.weight @h.ln_w : tensor<2x64xf32> from [#tenon.source<"h.{i}.ln_1.weight", tensor<64xf32>>] stacked
  tenon.weight @h.ln_b : tensor<2x64xf32> from [#tenon.source<"h.{i}.ln_1.bias", tensor<64xf32>>] stacked
  tenon.weight @h.c_attn : tensor<2x64x192xf32> from [#tenon.source<"h.{i}.attn.c_attn.weight", tensor<64x192xf32>>] stacked
  tenon.weight @h.c_attn_b : tensor<2x192xf32> from [#tenon.source<"h.{i}.attn.c_attn.bias", tensor<192xf32>>] stacked
  tenon.weight @h.c_proj : tensor<2x64x64xf32> from [#tenon.source<"h.{i}.attn.c_proj.weight", tensor<64x64xf32>>] stacked
  tenon.weight @h.c_proj_b : tensor<2x64xf32> from [#tenon.source<"h.{i}.attn.c_proj.bias", tensor<64xf32>>] stacked
  tenon.weight @h.fc : tensor<2x64x256xf32> from [#tenon.source<"h.{i}.mlp.c_fc.weight", tensor<64x256xf32>>] stacked
  tenon.weight @h.fc_b : tensor<2x256xf32> from [#tenon.source<"h.{i}.mlp.c_fc.bias", tensor<256xf32>>] stacked
  tenon.weight @h.out : tensor<2x256x64xf32> from [#tenon.source<"h.{i}.mlp.c_proj.weight", tensor<256x64xf32>>] stacked
  tenon.weight @h.out_b : tensor<2x64xf32> from [#tenon.source<"h.{i}.mlp.c_proj.bias", tensor<64xf32>>] stacked
  func.func @forward(%tokens: tensor<?xi32>) -> tensor<?x512xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %e = tenon.weight_ref @wte : tensor<512x64xf32>
    %x0 = tenon.embedding %tokens, %e : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    %p = tenon.positions %tokens : (tensor<?xi32>) -> tensor<?xi32>
    %pe = tenon.weight_ref @wpe : tensor<128x64xf32>
    %x1 = tenon.embedding %p, %pe : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
    %x2 = tenon.add %x0, %x1 : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    %xl = scf.for %i = %c0 to %c2 step %c1 iter_args(%x = %x2) -> (tensor<?x64xf32>) {
      %lw = tenon.weight_ref @h.ln_w[%i] : tensor<64xf32>
      %lb = tenon.weight_ref @h.ln_b[%i] : tensor<64xf32>
      %h = tenon.layer_norm %x, %lw bias(%lb) {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
      %wa = tenon.weight_ref @h.c_attn[%i] : tensor<64x192xf32>
      %ba = tenon.weight_ref @h.c_attn_b[%i] : tensor<192xf32>
      %qkv0 = tenon.matmul %h, %wa : (tensor<?x64xf32>, tensor<64x192xf32>) -> tensor<?x192xf32>
      %qkv = tenon.add %qkv0, %ba : (tensor<?x192xf32>, tensor<192xf32>) -> tensor<?x192xf32>
      %q0 = tenon.slice %qkv {offset = 0 : i64} : tensor<?x192xf32> -> tensor<?x64xf32>
      %k0 = tenon.slice %qkv {offset = 64 : i64} : tensor<?x192xf32> -> tensor<?x64xf32>
      %v0 = tenon.slice %qkv {offset = 128 : i64} : tensor<?x192xf32> -> tensor<?x64xf32>
      %q = tenon.split_heads %q0 {heads = 4 : i64} : tensor<?x64xf32> -> tensor<4x?x16xf32>
      %k = tenon.split_heads %k0 {heads = 4 : i64} : tensor<?x64xf32> -> tensor<4x?x16xf32>
      %v = tenon.split_heads %v0 {heads = 4 : i64} : tensor<?x64xf32> -> tensor<4x?x16xf32>
      %kt = tenon.transpose %k : tensor<4x?x16xf32> -> tensor<4x16x?xf32>
      %s = tenon.matmul %q, %kt : (tensor<4x?x16xf32>, tensor<4x16x?xf32>) -> tensor<4x?x?xf32>
      %m = tenon.causal_mask %s : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
      %sc = tenon.scale %m {factor = 0.25 : f32} : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
      %pr = tenon.softmax %sc : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
      %o = tenon.matmul %pr, %v : (tensor<4x?x?xf32>, tensor<4x?x16xf32>) -> tensor<4x?x16xf32>
      %om = tenon.merge_heads %o : tensor<4x?x16xf32> -> tensor<?x64xf32>
      %wp = tenon.weight_ref @h.c_proj[%i] : tensor<64x64xf32>
      %bp = tenon.weight_ref @h.c_proj_b[%i] : tensor<64xf32>
      %a0 = tenon.matmul %om, %wp : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
      %a1 = tenon.add %a0, %bp : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
      %y = tenon.add %x, %a1 : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
      %h2 = tenon.layer_norm %y, %lw bias(%lb) {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
      %wf = tenon.weight_ref @h.fc[%i] : tensor<64x256xf32>
      %bf = tenon.weight_ref @h.fc_b[%i] : tensor<256xf32>
      %f0 = tenon.matmul %h2, %wf : (tensor<?x64xf32>, tensor<64x256xf32>) -> tensor<?x256xf32>
      %f1 = tenon.add %f0, %bf : (tensor<?x256xf32>, tensor<256xf32>) -> tensor<?x256xf32>
      %f2 = tenon.activation %f1 {kind = #tenon.activation_kind<gelu_tanh>} : (tensor<?x256xf32>) -> tensor<?x256xf32>
      %wd = tenon.weight_ref @h.out[%i] : tensor<256x64xf32>
      %bd = tenon.weight_ref @h.out_b[%i] : tensor<64xf32>
      %d0 = tenon.matmul %f2, %wd : (tensor<?x256xf32>, tensor<256x64xf32>) -> tensor<?x64xf32>
      %d1 = tenon.add %d0, %bd : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
      %z = tenon.add %y, %d1 : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
      scf.yield %z : tensor<?x64xf32>
    }
    %l = tenon.linear %xl, %e : (tensor<?x64xf32>, tensor<512x64xf32>) -> tensor<?x512xf32>
    return %l : tensor<?x512xf32>
  }
}

// -----

#bf16 = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16"]>

// Post-norm: the norm's result is the next layer's input and its residual.

// FUSED-LABEL: module @bert
// FUSED: tenon.weight @layer.wq.wk.wv : tensor<2x192x64xbf16>
// FUSED: tenon.weight @layer.bq.bk.bv : tensor<2x192xf32>
// FUSED-LABEL: func.func @forward
// FUSED: scf.for
// FUSED: tenon.linear %[[X:[^,]*]], %{{.*}} bias(
// FUSED: tenon.attention %{{.*}} valid(%arg1) {scale = 2.500000e-01 : f32}
// FUSED: tenon.linear %{{.*}} bias(%{{.*}}) residual(%[[X]])
// FUSED: %[[N:.*]] = tenon.layer_norm
// FUSED: tenon.ffn %[[N]], {{.*}} residual(%[[N]]) {activation = #tenon.activation_kind<gelu>}
// FUSED: tenon.layer_norm
// FUSED-LABEL: func.func @pooled
// FUSED: tenon.rows
// FUSED: tenon.linear {{.*}} {activation = #tenon.activation_kind<tanh>}

// CACHED-LABEL: module @bert
// CACHED: func.func @forward
// CACHED: tenon.attention
// CACHED-NOT: kv_cache

// A value that is both read in bf16 and added in f32 is cast once.
// PACKED-LABEL: module @bert
// PACKED-LABEL: func.func @forward
// PACKED: scf.for {{.*}} iter_args(%[[X:[^ ]*]] =
// PACKED: %[[XB:.*]] = tenon.cast %[[X]] : (tensor<?x64xf32>) -> tensor<?x64xbf16>
// PACKED: tenon.linear %[[XB]]
// PACKED: tenon.attention {{.*}} -> tensor<4x?x16xbf16>
// PACKED: %[[N:.*]] = tenon.layer_norm {{.*}} -> tensor<?x64xf32>
// PACKED: %[[NB:.*]] = tenon.cast %[[N]]
// PACKED: %[[U:.*]] = tenon.linear %[[NB]], {{.*}} {activation = #tenon.activation_kind<gelu>} {{.*}} -> tensor<?x256xbf16>
// PACKED: tenon.linear %[[U]], {{.*}} residual(%[[N]]) {{.*}} -> tensor<?x64xf32>
module @bert attributes {tenon.kind = "encoder", tenon.context = 128 : i64, tenon.max_chunk = 128 : i64, tenon.target = #bf16} {
  tenon.weight @word : tensor<512x64xbf16> from [#tenon.source<"embeddings.word_embeddings.weight", tensor<512x64xbf16>>]
  tenon.weight @ln_w : tensor<64xf32> from [#tenon.source<"ln.weight", tensor<64xbf16>>]
  tenon.weight @ln_b : tensor<64xf32> from [#tenon.source<"ln.bias", tensor<64xbf16>>]
  tenon.weight @pool : tensor<64x64xbf16> from [#tenon.source<"pooler.dense.weight", tensor<64x64xbf16>>]
  tenon.weight @pool_b : tensor<64xf32> from [#tenon.source<"pooler.dense.bias", tensor<64xbf16>>]
  tenon.weight @layer.wq : tensor<2x64x64xbf16> from [#tenon.source<"layer.{i}.query.weight", tensor<64x64xbf16>>] stacked
  tenon.weight @layer.wk : tensor<2x64x64xbf16> from [#tenon.source<"layer.{i}.key.weight", tensor<64x64xbf16>>] stacked
  tenon.weight @layer.wv : tensor<2x64x64xbf16> from [#tenon.source<"layer.{i}.value.weight", tensor<64x64xbf16>>] stacked
  tenon.weight @layer.bq : tensor<2x64xf32> from [#tenon.source<"layer.{i}.query.bias", tensor<64xbf16>>] stacked
  tenon.weight @layer.bk : tensor<2x64xf32> from [#tenon.source<"layer.{i}.key.bias", tensor<64xbf16>>] stacked
  tenon.weight @layer.bv : tensor<2x64xf32> from [#tenon.source<"layer.{i}.value.bias", tensor<64xbf16>>] stacked
  tenon.weight @layer.wo : tensor<2x64x64xbf16> from [#tenon.source<"layer.{i}.output.weight", tensor<64x64xbf16>>] stacked
  tenon.weight @layer.bo : tensor<2x64xf32> from [#tenon.source<"layer.{i}.output.bias", tensor<64xbf16>>] stacked
  tenon.weight @layer.wu : tensor<2x256x64xbf16> from [#tenon.source<"layer.{i}.up.weight", tensor<256x64xbf16>>] stacked
  tenon.weight @layer.bu : tensor<2x256xf32> from [#tenon.source<"layer.{i}.up.bias", tensor<256xbf16>>] stacked
  tenon.weight @layer.wd : tensor<2x64x256xbf16> from [#tenon.source<"layer.{i}.down.weight", tensor<64x256xbf16>>] stacked
  tenon.weight @layer.bd : tensor<2x64xf32> from [#tenon.source<"layer.{i}.down.bias", tensor<64xbf16>>] stacked
  func.func @forward(%tokens: tensor<?xi32>, %valid: tensor<?xi32>) -> tensor<?x64xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %e = tenon.weight_ref @word : tensor<512x64xbf16>
    %lw = tenon.weight_ref @ln_w : tensor<64xf32>
    %lb = tenon.weight_ref @ln_b : tensor<64xf32>
    %x0 = tenon.embedding %tokens, %e : (tensor<?xi32>, tensor<512x64xbf16>) -> tensor<?x64xf32>
    %x1 = tenon.layer_norm %x0, %lw bias(%lb) {eps = 1.0e-12 : f32} : (tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    %xl = scf.for %i = %c0 to %c2 step %c1 iter_args(%x = %x1) -> (tensor<?x64xf32>) {
      %wq = tenon.weight_ref @layer.wq[%i] : tensor<64x64xbf16>
      %bq = tenon.weight_ref @layer.bq[%i] : tensor<64xf32>
      %q0 = tenon.linear %x, %wq bias(%bq) : (tensor<?x64xf32>, tensor<64x64xbf16>, tensor<64xf32>) -> tensor<?x64xf32>
      %q = tenon.split_heads %q0 {heads = 4 : i64} : tensor<?x64xf32> -> tensor<4x?x16xf32>
      %wk = tenon.weight_ref @layer.wk[%i] : tensor<64x64xbf16>
      %bk = tenon.weight_ref @layer.bk[%i] : tensor<64xf32>
      %k0 = tenon.linear %x, %wk bias(%bk) : (tensor<?x64xf32>, tensor<64x64xbf16>, tensor<64xf32>) -> tensor<?x64xf32>
      %k = tenon.split_heads %k0 {heads = 4 : i64} : tensor<?x64xf32> -> tensor<4x?x16xf32>
      %wv = tenon.weight_ref @layer.wv[%i] : tensor<64x64xbf16>
      %bv = tenon.weight_ref @layer.bv[%i] : tensor<64xf32>
      %v0 = tenon.linear %x, %wv bias(%bv) : (tensor<?x64xf32>, tensor<64x64xbf16>, tensor<64xf32>) -> tensor<?x64xf32>
      %v = tenon.split_heads %v0 {heads = 4 : i64} : tensor<?x64xf32> -> tensor<4x?x16xf32>
      %kt = tenon.transpose %k : tensor<4x?x16xf32> -> tensor<4x16x?xf32>
      %s0 = tenon.matmul %q, %kt : (tensor<4x?x16xf32>, tensor<4x16x?xf32>) -> tensor<4x?x?xf32>
      %s1 = tenon.scale %s0 {factor = 0.25 : f32} : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
      %s = tenon.padding_mask %s1, %valid : (tensor<4x?x?xf32>, tensor<?xi32>) -> tensor<4x?x?xf32>
      %p = tenon.softmax %s : (tensor<4x?x?xf32>) -> tensor<4x?x?xf32>
      %o = tenon.matmul %p, %v : (tensor<4x?x?xf32>, tensor<4x?x16xf32>) -> tensor<4x?x16xf32>
      %om = tenon.merge_heads %o : tensor<4x?x16xf32> -> tensor<?x64xf32>
      %wo = tenon.weight_ref @layer.wo[%i] : tensor<64x64xbf16>
      %bo = tenon.weight_ref @layer.bo[%i] : tensor<64xf32>
      %a = tenon.linear %om, %wo bias(%bo) : (tensor<?x64xf32>, tensor<64x64xbf16>, tensor<64xf32>) -> tensor<?x64xf32>
      %y0 = tenon.add %a, %x : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
      %y = tenon.layer_norm %y0, %lw bias(%lb) {eps = 1.0e-12 : f32} : (tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
      %wu = tenon.weight_ref @layer.wu[%i] : tensor<256x64xbf16>
      %bu = tenon.weight_ref @layer.bu[%i] : tensor<256xf32>
      %u0 = tenon.linear %y, %wu bias(%bu) : (tensor<?x64xf32>, tensor<256x64xbf16>, tensor<256xf32>) -> tensor<?x256xf32>
      %u = tenon.activation %u0 {kind = #tenon.activation_kind<gelu>} : (tensor<?x256xf32>) -> tensor<?x256xf32>
      %wd = tenon.weight_ref @layer.wd[%i] : tensor<64x256xbf16>
      %bd = tenon.weight_ref @layer.bd[%i] : tensor<64xf32>
      %d = tenon.linear %u, %wd bias(%bd) : (tensor<?x256xf32>, tensor<64x256xbf16>, tensor<64xf32>) -> tensor<?x64xf32>
      %z0 = tenon.add %d, %y : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
      %z = tenon.layer_norm %z0, %lw bias(%lb) {eps = 1.0e-12 : f32} : (tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
      scf.yield %z : tensor<?x64xf32>
    }
    return %xl : tensor<?x64xf32>
  }
  func.func @pooled(%tokens: tensor<?xi32>) -> tensor<1x64xf32> {
    %e = tenon.weight_ref @word : tensor<512x64xbf16>
    %x = tenon.embedding %tokens, %e : (tensor<?xi32>, tensor<512x64xbf16>) -> tensor<?x64xf32>
    %f = tenon.rows %x {offset = 0 : i64} : tensor<?x64xf32> -> tensor<1x64xf32>
    %w = tenon.weight_ref @pool : tensor<64x64xbf16>
    %b = tenon.weight_ref @pool_b : tensor<64xf32>
    %l = tenon.linear %f, %w bias(%b) : (tensor<1x64xf32>, tensor<64x64xbf16>, tensor<64xf32>) -> tensor<1x64xf32>
    %t = tenon.activation %l {kind = #tenon.activation_kind<tanh>} : (tensor<1x64xf32>) -> tensor<1x64xf32>
    return %t : tensor<1x64xf32>
  }
}
