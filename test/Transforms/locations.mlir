// RUN: tenon-opt %s --tenon-fuse-pipeline --tenon-cache-pipeline --tenon-pack-pipeline --mlir-print-debuginfo --mlir-print-local-scope \
// RUN:   | FileCheck %s

// What was fused knows all the places in the description that it comes from, so
// that diagnostics and profiles of later stages can name them.

// CHECK: tenon.weight @wk.wv : {{.*}} loc(fused["m.tenon":1:1, "m.tenon":2:1])
// CHECK-LABEL: func.func @prefill
// CHECK: tenon.linear {{.*}} -> tensor<?x128xf32> loc(fused["m.tenon":10:1, "m.tenon":11:1])
// CHECK: tenon.slice {{.*}} loc("m.tenon":10:1)
// CHECK: tenon.cached_attention {{.*}} loc(fused["m.tenon":12:1, "m.tenon":13:1, "m.tenon":14:1, "m.tenon":15:1, "m.tenon":16:1])
// CHECK: tenon.linear {{.*}} bias({{.*}} residual({{.*}} loc(fused["m.tenon":20:1, "m.tenon":21:1, "m.tenon":22:1])
// CHECK: tenon.linear {{.*}} {activation = #tenon.activation_kind<gelu>} {{.*}} loc(fused["m.tenon":30:1, "m.tenon":31:1, "m.tenon":32:1])
// CHECK: tenon.linear {{.*}} loc(fused["m.tenon":30:1, "m.tenon":31:1, "m.tenon":32:1])
#f32 = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>
module attributes {tenon.kind = "decoder", tenon.context = 128 : i64, tenon.max_chunk = 128 : i64, tenon.target = #f32} {
  tenon.weight @e : tensor<128x64xf32> from [#tenon.source<"e", tensor<128x64xf32>>]
  tenon.weight @wk : tensor<64x64xf32> from [#tenon.source<"k", tensor<64x64xf32>>] loc("m.tenon":1:1)
  tenon.weight @wv : tensor<64x64xf32> from [#tenon.source<"v", tensor<64x64xf32>>] loc("m.tenon":2:1)
  tenon.weight @wo : tensor<64x64xf32> from [#tenon.source<"o", tensor<64x64xf32>>]
  tenon.weight @wu : tensor<64x64xf32> from [#tenon.source<"u", tensor<64x64xf32>>]
  tenon.weight @wd : tensor<64x64xf32> from [#tenon.source<"d", tensor<64x64xf32>>]
  tenon.weight @b : tensor<64xf32> from [#tenon.source<"b", tensor<64xf32>>]
  func.func @forward(%tokens: tensor<?xi32>) -> tensor<?x64xf32> {
    %e = tenon.weight_ref @e : tensor<128x64xf32>
    %wk = tenon.weight_ref @wk : tensor<64x64xf32>
    %wv = tenon.weight_ref @wv : tensor<64x64xf32>
    %wo = tenon.weight_ref @wo : tensor<64x64xf32>
    %wu = tenon.weight_ref @wu : tensor<64x64xf32>
    %wd = tenon.weight_ref @wd : tensor<64x64xf32>
    %b = tenon.weight_ref @b : tensor<64xf32>
    %x = tenon.embedding %tokens, %e : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
    %k0 = tenon.linear %x, %wk : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32> loc("m.tenon":10:1)
    %v0 = tenon.linear %x, %wv : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32> loc("m.tenon":11:1)
    %k = tenon.split_heads %k0 {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    %v = tenon.split_heads %v0 {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>
    %kt = tenon.transpose %k : tensor<8x?x8xf32> -> tensor<8x8x?xf32> loc("m.tenon":12:1)
    %s = tenon.matmul %k, %kt : (tensor<8x?x8xf32>, tensor<8x8x?xf32>) -> tensor<8x?x?xf32> loc("m.tenon":13:1)
    %m = tenon.causal_mask %s : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32> loc("m.tenon":14:1)
    %p = tenon.softmax %m : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32> loc("m.tenon":15:1)
    %o = tenon.matmul %p, %v : (tensor<8x?x?xf32>, tensor<8x?x8xf32>) -> tensor<8x?x8xf32> loc("m.tenon":16:1)
    %om = tenon.merge_heads %o : tensor<8x?x8xf32> -> tensor<?x64xf32>
    %a = tenon.linear %om, %wo : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32> loc("m.tenon":20:1)
    %ab = tenon.add %a, %b : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32> loc("m.tenon":21:1)
    %y = tenon.add %x, %ab : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32> loc("m.tenon":22:1)
    %u = tenon.linear %y, %wu : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32> loc("m.tenon":30:1)
    %g = tenon.activation %u {kind = #tenon.activation_kind<gelu>} : (tensor<?x64xf32>) -> tensor<?x64xf32> loc("m.tenon":31:1)
    %d = tenon.linear %g, %wd : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32> loc("m.tenon":32:1)
    return %d : tensor<?x64xf32>
  }
}
