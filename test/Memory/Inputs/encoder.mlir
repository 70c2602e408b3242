// A BERT-like encoder of two layers as tenon-pack-weights makes it: learned
// positions, post-norm, biases, bidirectional attention with a padding mask.
#t = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"]>
!wqkv = tensor<96x32xf32, #tenon.panel<n = 32, k = 1>>
!wo = tensor<32x32xf32, #tenon.panel<n = 32, k = 1>>
!wu = tensor<80x32xf32, #tenon.panel<n = 32, k = 1>>
!wd = tensor<32x80xf32, #tenon.panel<n = 32, k = 1>>
module @encoder attributes {tenon.kind = "encoder", tenon.context = 96 : i64, tenon.max_chunk = 96 : i64, tenon.target = #t} {
  tenon.weight @words : tensor<200x32xf32> from [#tenon.source<"words", tensor<200x32xf32>>]
  tenon.weight @places : tensor<96x32xf32> from [#tenon.source<"places", tensor<96x32xf32>>]
  tenon.weight @norm : tensor<32xf32> from [#tenon.source<"norm", tensor<32xf32>>]
  tenon.weight @norm_bias : tensor<32xf32> from [#tenon.source<"norm_bias", tensor<32xf32>>]
  tenon.weight @pool : !wo from [#tenon.source<"pool", tensor<32x32xf32>>]
  tenon.weight @layer.wqkv : tensor<2x96x32xf32, #tenon.panel<n = 32, k = 1>> from [#tenon.source<"{i}.qkv", tensor<96x32xf32>>] stacked
  tenon.weight @layer.bqkv : tensor<2x96xf32> from [#tenon.source<"{i}.bqkv", tensor<96xf32>>] stacked
  tenon.weight @layer.wo : tensor<2x32x32xf32, #tenon.panel<n = 32, k = 1>> from [#tenon.source<"{i}.o", tensor<32x32xf32>>] stacked
  tenon.weight @layer.bo : tensor<2x32xf32> from [#tenon.source<"{i}.bo", tensor<32xf32>>] stacked
  tenon.weight @layer.norm1 : tensor<2x32xf32> from [#tenon.source<"{i}.norm1", tensor<32xf32>>] stacked
  tenon.weight @layer.norm1_bias : tensor<2x32xf32> from [#tenon.source<"{i}.norm1_bias", tensor<32xf32>>] stacked
  tenon.weight @layer.wu : tensor<2x80x32xf32, #tenon.panel<n = 32, k = 1>> from [#tenon.source<"{i}.u", tensor<80x32xf32>>] stacked
  tenon.weight @layer.bu : tensor<2x80xf32> from [#tenon.source<"{i}.bu", tensor<80xf32>>] stacked
  tenon.weight @layer.wd : tensor<2x32x80xf32, #tenon.panel<n = 32, k = 1>> from [#tenon.source<"{i}.d", tensor<32x80xf32>>] stacked
  tenon.weight @layer.bd : tensor<2x32xf32> from [#tenon.source<"{i}.bd", tensor<32xf32>>] stacked
  tenon.weight @layer.norm2 : tensor<2x32xf32> from [#tenon.source<"{i}.norm2", tensor<32xf32>>] stacked
  tenon.weight @layer.norm2_bias : tensor<2x32xf32> from [#tenon.source<"{i}.norm2_bias", tensor<32xf32>>] stacked

  func.func @forward(%tokens: tensor<?xi32>, %valid: tensor<?xi32>) -> tensor<?x32xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %words = tenon.weight_ref @words : tensor<200x32xf32>
    %places = tenon.weight_ref @places : tensor<96x32xf32>
    %norm = tenon.weight_ref @norm : tensor<32xf32>
    %norm_bias = tenon.weight_ref @norm_bias : tensor<32xf32>
    %e = tenon.embedding %tokens, %words : (tensor<?xi32>, tensor<200x32xf32>) -> tensor<?x32xf32>
    %p = tenon.positions %tokens : (tensor<?xi32>) -> tensor<?xi32>
    %f = tenon.embedding %p, %places : (tensor<?xi32>, tensor<96x32xf32>) -> tensor<?x32xf32>
    %s = tenon.add %e, %f : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
    %x0 = tenon.layer_norm %s, %norm bias(%norm_bias) {eps = 1.0e-12 : f32} : (tensor<?x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
    %x = scf.for %i = %c0 to %c2 step %c1 iter_args(%x = %x0) -> (tensor<?x32xf32>) {
      %wqkv = tenon.weight_ref @layer.wqkv[%i] : !wqkv
      %bqkv = tenon.weight_ref @layer.bqkv[%i] : tensor<96xf32>
      %wo = tenon.weight_ref @layer.wo[%i] : !wo
      %bo = tenon.weight_ref @layer.bo[%i] : tensor<32xf32>
      %wu = tenon.weight_ref @layer.wu[%i] : !wu
      %bu = tenon.weight_ref @layer.bu[%i] : tensor<80xf32>
      %wd = tenon.weight_ref @layer.wd[%i] : !wd
      %bd = tenon.weight_ref @layer.bd[%i] : tensor<32xf32>
      %n1 = tenon.weight_ref @layer.norm1[%i] : tensor<32xf32>
      %n1b = tenon.weight_ref @layer.norm1_bias[%i] : tensor<32xf32>
      %n2 = tenon.weight_ref @layer.norm2[%i] : tensor<32xf32>
      %n2b = tenon.weight_ref @layer.norm2_bias[%i] : tensor<32xf32>
      %qkv = tenon.linear %x, %wqkv bias(%bqkv) : (tensor<?x32xf32>, !wqkv, tensor<96xf32>) -> tensor<?x96xf32>
      %q0 = tenon.slice %qkv {offset = 0 : i64} : tensor<?x96xf32> -> tensor<?x32xf32>
      %k0 = tenon.slice %qkv {offset = 32 : i64} : tensor<?x96xf32> -> tensor<?x32xf32>
      %v0 = tenon.slice %qkv {offset = 64 : i64} : tensor<?x96xf32> -> tensor<?x32xf32>
      %q = tenon.split_heads %q0 {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
      %k = tenon.split_heads %k0 {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
      %v = tenon.split_heads %v0 {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
      %o = tenon.attention %q, %k, %v valid(%valid) {scale = 0.353553391 : f32} : (tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<?xi32>) -> tensor<4x?x8xf32>
      %m = tenon.merge_heads %o : tensor<4x?x8xf32> -> tensor<?x32xf32>
      %a = tenon.linear %m, %wo bias(%bo) residual(%x) : (tensor<?x32xf32>, !wo, tensor<32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
      %x1 = tenon.layer_norm %a, %n1 bias(%n1b) {eps = 1.0e-12 : f32} : (tensor<?x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
      %u = tenon.linear %x1, %wu bias(%bu) {activation = #tenon.activation_kind<gelu>} : (tensor<?x32xf32>, !wu, tensor<80xf32>) -> tensor<?x80xf32>
      %d = tenon.linear %u, %wd bias(%bd) residual(%x1) : (tensor<?x80xf32>, !wd, tensor<32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
      %x2 = tenon.layer_norm %d, %n2 bias(%n2b) {eps = 1.0e-12 : f32} : (tensor<?x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
      scf.yield %x2 : tensor<?x32xf32>
    }
    return %x : tensor<?x32xf32>
  }

  func.func @pooled(%tokens: tensor<?xi32>, %valid: tensor<?xi32>) -> tensor<1x32xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %words = tenon.weight_ref @words : tensor<200x32xf32>
    %places = tenon.weight_ref @places : tensor<96x32xf32>
    %norm = tenon.weight_ref @norm : tensor<32xf32>
    %norm_bias = tenon.weight_ref @norm_bias : tensor<32xf32>
    %e = tenon.embedding %tokens, %words : (tensor<?xi32>, tensor<200x32xf32>) -> tensor<?x32xf32>
    %p = tenon.positions %tokens : (tensor<?xi32>) -> tensor<?xi32>
    %f = tenon.embedding %p, %places : (tensor<?xi32>, tensor<96x32xf32>) -> tensor<?x32xf32>
    %s = tenon.add %e, %f : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
    %x0 = tenon.layer_norm %s, %norm bias(%norm_bias) {eps = 1.0e-12 : f32} : (tensor<?x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
    %x = scf.for %i = %c0 to %c2 step %c1 iter_args(%x = %x0) -> (tensor<?x32xf32>) {
      %wqkv = tenon.weight_ref @layer.wqkv[%i] : !wqkv
      %bqkv = tenon.weight_ref @layer.bqkv[%i] : tensor<96xf32>
      %wo = tenon.weight_ref @layer.wo[%i] : !wo
      %bo = tenon.weight_ref @layer.bo[%i] : tensor<32xf32>
      %wu = tenon.weight_ref @layer.wu[%i] : !wu
      %bu = tenon.weight_ref @layer.bu[%i] : tensor<80xf32>
      %wd = tenon.weight_ref @layer.wd[%i] : !wd
      %bd = tenon.weight_ref @layer.bd[%i] : tensor<32xf32>
      %n1 = tenon.weight_ref @layer.norm1[%i] : tensor<32xf32>
      %n1b = tenon.weight_ref @layer.norm1_bias[%i] : tensor<32xf32>
      %n2 = tenon.weight_ref @layer.norm2[%i] : tensor<32xf32>
      %n2b = tenon.weight_ref @layer.norm2_bias[%i] : tensor<32xf32>
      %qkv = tenon.linear %x, %wqkv bias(%bqkv) : (tensor<?x32xf32>, !wqkv, tensor<96xf32>) -> tensor<?x96xf32>
      %q0 = tenon.slice %qkv {offset = 0 : i64} : tensor<?x96xf32> -> tensor<?x32xf32>
      %k0 = tenon.slice %qkv {offset = 32 : i64} : tensor<?x96xf32> -> tensor<?x32xf32>
      %v0 = tenon.slice %qkv {offset = 64 : i64} : tensor<?x96xf32> -> tensor<?x32xf32>
      %q = tenon.split_heads %q0 {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
      %k = tenon.split_heads %k0 {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
      %v = tenon.split_heads %v0 {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
      %o = tenon.attention %q, %k, %v valid(%valid) {scale = 0.353553391 : f32} : (tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<?xi32>) -> tensor<4x?x8xf32>
      %m = tenon.merge_heads %o : tensor<4x?x8xf32> -> tensor<?x32xf32>
      %a = tenon.linear %m, %wo bias(%bo) residual(%x) : (tensor<?x32xf32>, !wo, tensor<32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
      %x1 = tenon.layer_norm %a, %n1 bias(%n1b) {eps = 1.0e-12 : f32} : (tensor<?x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
      %u = tenon.linear %x1, %wu bias(%bu) {activation = #tenon.activation_kind<gelu>} : (tensor<?x32xf32>, !wu, tensor<80xf32>) -> tensor<?x80xf32>
      %d = tenon.linear %u, %wd bias(%bd) residual(%x1) : (tensor<?x80xf32>, !wd, tensor<32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
      %x2 = tenon.layer_norm %d, %n2 bias(%n2b) {eps = 1.0e-12 : f32} : (tensor<?x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
      scf.yield %x2 : tensor<?x32xf32>
    }
    %wp = tenon.weight_ref @pool : !wo
    %first = tenon.rows %x {offset = 0 : i64} : tensor<?x32xf32> -> tensor<1x32xf32>
    %l = tenon.linear %first, %wp : (tensor<1x32xf32>, !wo) -> tensor<1x32xf32>
    %t = tenon.activation %l {kind = #tenon.activation_kind<tanh>} : (tensor<1x32xf32>) -> tensor<1x32xf32>
    return %t : tensor<1x32xf32>
  }
}
