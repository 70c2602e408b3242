// A Llama-like decoder of two layers as tenon-pack-weights makes it: grouped
// query attention (4 heads on 2), gated feed-forward, tied head. The numbers
// are small and uneven so that every kind of tail occurs.
#t = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"]>
!cache = !tenon.kv_cache<layers = 2, heads = 2, capacity = 256, head_dim = 8, element = f32>
!wqkv = tensor<64x32xf32, #tenon.panel<n = 32, k = 1>>
!wo = tensor<32x32xf32, #tenon.panel<n = 32, k = 1>>
!wgu = tensor<176x32xf32, #tenon.panel<n = 32, k = 1, interleave = 2>>
!wd = tensor<32x88xf32, #tenon.panel<n = 32, k = 1>>
!head = tensor<200x32xf32, #tenon.panel<n = 32, k = 1>>
module @decoder attributes {tenon.kind = "decoder", tenon.context = 200 : i64, tenon.max_chunk = 64 : i64, tenon.target = #t} {
  tenon.weight @embed : !head from [#tenon.source<"embed", tensor<200x32xf32>>]
  tenon.weight @norm : tensor<32xf32> from [#tenon.source<"norm", tensor<32xf32>>]
  tenon.weight @block.norm1 : tensor<2x32xf32> from [#tenon.source<"{i}.norm1", tensor<32xf32>>] stacked
  tenon.weight @block.norm2 : tensor<2x32xf32> from [#tenon.source<"{i}.norm2", tensor<32xf32>>] stacked
  tenon.weight @block.wqkv : tensor<2x64x32xf32, #tenon.panel<n = 32, k = 1>> from [#tenon.source<"{i}.q", tensor<32x32xf32>>, #tenon.source<"{i}.k", tensor<16x32xf32>>, #tenon.source<"{i}.v", tensor<16x32xf32>>] stacked
  tenon.weight @block.wo : tensor<2x32x32xf32, #tenon.panel<n = 32, k = 1>> from [#tenon.source<"{i}.o", tensor<32x32xf32>>] stacked
  tenon.weight @block.w_gate_up : tensor<2x176x32xf32, #tenon.panel<n = 32, k = 1, interleave = 2>> from [#tenon.source<"{i}.gate", tensor<88x32xf32>>, #tenon.source<"{i}.up", tensor<88x32xf32>>] stacked
  tenon.weight @block.w_down : tensor<2x32x88xf32, #tenon.panel<n = 32, k = 1>> from [#tenon.source<"{i}.down", tensor<32x88xf32>>] stacked
  tenon.weight @rope : tensor<200x8xf32> from [#tenon.rope_table<frequencies = [1.0, 0.1, 0.01, 0.001], scale = 1.0>]

  func.func @prefill(%tokens: tensor<?xi32>, %position: index, %num_rows: index, %cache: !cache) -> tensor<?x200xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %embed = tenon.weight_ref @embed : !head
    %table = tenon.weight_ref @rope : tensor<200x8xf32>
    %x0 = tenon.embedding %tokens, %embed : (tensor<?xi32>, !head) -> tensor<?x32xf32>
    %x = scf.for %i = %c0 to %c2 step %c1 iter_args(%x = %x0) -> (tensor<?x32xf32>) {
      %norm1 = tenon.weight_ref @block.norm1[%i] : tensor<32xf32>
      %norm2 = tenon.weight_ref @block.norm2[%i] : tensor<32xf32>
      %wqkv = tenon.weight_ref @block.wqkv[%i] : !wqkv
      %wo = tenon.weight_ref @block.wo[%i] : !wo
      %wgu = tenon.weight_ref @block.w_gate_up[%i] : !wgu
      %wd = tenon.weight_ref @block.w_down[%i] : !wd
      %h = tenon.rms_norm %x, %norm1 {eps = 1.0e-5 : f32} : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
      %qkv = tenon.linear %h, %wqkv : (tensor<?x32xf32>, !wqkv) -> tensor<?x64xf32>
      %q0 = tenon.slice %qkv {offset = 0 : i64} : tensor<?x64xf32> -> tensor<?x32xf32>
      %k0 = tenon.slice %qkv {offset = 32 : i64} : tensor<?x64xf32> -> tensor<?x16xf32>
      %v0 = tenon.slice %qkv {offset = 48 : i64} : tensor<?x64xf32> -> tensor<?x16xf32>
      %q1 = tenon.split_heads %q0 {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
      %k1 = tenon.split_heads %k0 {heads = 2 : i64} : tensor<?x16xf32> -> tensor<2x?x8xf32>
      %v = tenon.split_heads %v0 {heads = 2 : i64} : tensor<?x16xf32> -> tensor<2x?x8xf32>
      %q = tenon.rope %q1, %table at %position : (tensor<4x?x8xf32>, tensor<200x8xf32>, index) -> tensor<4x?x8xf32> loc("q")
      %k = tenon.rope %k1, %table at %position : (tensor<2x?x8xf32>, tensor<200x8xf32>, index) -> tensor<2x?x8xf32> loc("k")
      tenon.cache_append %k, %v, %cache[%i] at %position : tensor<2x?x8xf32>, tensor<2x?x8xf32>, !cache
      %o = tenon.cached_attention %q, %cache[%i] at %position {causal, scale = 0.353553391 : f32} : (tensor<4x?x8xf32>, !cache) -> tensor<4x?x8xf32>
      %m = tenon.merge_heads %o : tensor<4x?x8xf32> -> tensor<?x32xf32>
      %x1 = tenon.linear %m, %wo residual(%x) : (tensor<?x32xf32>, !wo, tensor<?x32xf32>) -> tensor<?x32xf32>
      %h2 = tenon.rms_norm %x1, %norm2 {eps = 1.0e-5 : f32} : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
      %g = tenon.linear %h2, %wgu {gated, activation = #tenon.activation_kind<silu>} : (tensor<?x32xf32>, !wgu) -> tensor<?x88xf32>
      %x2 = tenon.linear %g, %wd residual(%x1) : (tensor<?x88xf32>, !wd, tensor<?x32xf32>) -> tensor<?x32xf32>
      scf.yield %x2 : tensor<?x32xf32>
    }
    %last = tenon.last_rows %x, %num_rows : tensor<?x32xf32> -> tensor<?x32xf32>
    %norm = tenon.weight_ref @norm : tensor<32xf32>
    %n = tenon.rms_norm %last, %norm {eps = 1.0e-5 : f32} : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
    %logits = tenon.linear %n, %embed : (tensor<?x32xf32>, !head) -> tensor<?x200xf32>
    return %logits : tensor<?x200xf32>
  }

  func.func @decode(%tokens: tensor<1xi32>, %position: index, %cache: !cache) -> tensor<1x200xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %embed = tenon.weight_ref @embed : !head
    %table = tenon.weight_ref @rope : tensor<200x8xf32>
    %x0 = tenon.embedding %tokens, %embed : (tensor<1xi32>, !head) -> tensor<1x32xf32>
    %x = scf.for %i = %c0 to %c2 step %c1 iter_args(%x = %x0) -> (tensor<1x32xf32>) {
      %norm1 = tenon.weight_ref @block.norm1[%i] : tensor<32xf32>
      %norm2 = tenon.weight_ref @block.norm2[%i] : tensor<32xf32>
      %wqkv = tenon.weight_ref @block.wqkv[%i] : !wqkv
      %wo = tenon.weight_ref @block.wo[%i] : !wo
      %wgu = tenon.weight_ref @block.w_gate_up[%i] : !wgu
      %wd = tenon.weight_ref @block.w_down[%i] : !wd
      %h = tenon.rms_norm %x, %norm1 {eps = 1.0e-5 : f32} : (tensor<1x32xf32>, tensor<32xf32>) -> tensor<1x32xf32>
      %qkv = tenon.linear %h, %wqkv : (tensor<1x32xf32>, !wqkv) -> tensor<1x64xf32>
      %q0 = tenon.slice %qkv {offset = 0 : i64} : tensor<1x64xf32> -> tensor<1x32xf32>
      %k0 = tenon.slice %qkv {offset = 32 : i64} : tensor<1x64xf32> -> tensor<1x16xf32>
      %v0 = tenon.slice %qkv {offset = 48 : i64} : tensor<1x64xf32> -> tensor<1x16xf32>
      %q1 = tenon.split_heads %q0 {heads = 4 : i64} : tensor<1x32xf32> -> tensor<4x1x8xf32>
      %k1 = tenon.split_heads %k0 {heads = 2 : i64} : tensor<1x16xf32> -> tensor<2x1x8xf32>
      %v = tenon.split_heads %v0 {heads = 2 : i64} : tensor<1x16xf32> -> tensor<2x1x8xf32>
      %q = tenon.rope %q1, %table at %position : (tensor<4x1x8xf32>, tensor<200x8xf32>, index) -> tensor<4x1x8xf32> loc("q")
      %k = tenon.rope %k1, %table at %position : (tensor<2x1x8xf32>, tensor<200x8xf32>, index) -> tensor<2x1x8xf32> loc("k")
      tenon.cache_append %k, %v, %cache[%i] at %position : tensor<2x1x8xf32>, tensor<2x1x8xf32>, !cache
      %o = tenon.cached_attention %q, %cache[%i] at %position {causal, scale = 0.353553391 : f32} : (tensor<4x1x8xf32>, !cache) -> tensor<4x1x8xf32>
      %m = tenon.merge_heads %o : tensor<4x1x8xf32> -> tensor<1x32xf32>
      %x1 = tenon.linear %m, %wo residual(%x) : (tensor<1x32xf32>, !wo, tensor<1x32xf32>) -> tensor<1x32xf32>
      %h2 = tenon.rms_norm %x1, %norm2 {eps = 1.0e-5 : f32} : (tensor<1x32xf32>, tensor<32xf32>) -> tensor<1x32xf32>
      %g = tenon.linear %h2, %wgu {gated, activation = #tenon.activation_kind<silu>} : (tensor<1x32xf32>, !wgu) -> tensor<1x88xf32>
      %x2 = tenon.linear %g, %wd residual(%x1) : (tensor<1x88xf32>, !wd, tensor<1x32xf32>) -> tensor<1x32xf32>
      scf.yield %x2 : tensor<1x32xf32>
    }
    %norm = tenon.weight_ref @norm : tensor<32xf32>
    %n = tenon.rms_norm %x, %norm {eps = 1.0e-5 : f32} : (tensor<1x32xf32>, tensor<32xf32>) -> tensor<1x32xf32>
    %logits = tenon.linear %n, %embed : (tensor<1x32xf32>, !head) -> tensor<1x200xf32>
    return %logits : tensor<1x200xf32>
  }
}
