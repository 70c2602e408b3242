// An encoder's attention computes on pairs of bf16 if the linears that it reads round their own inputs anyway.
// RUN: split-file %s %t
// RUN: sed 's/WEIGHT/bf16/; s/DOT/, "avx512bf16"/' %t/model.mlir | tenon-opt --tenon-pack-weights | FileCheck %s --check-prefix=PAIRS
// RUN: sed 's/WEIGHT/!tenon.block<q8_0>/; s/DOT/, "avx512bf16"/' %t/model.mlir | tenon-opt --tenon-pack-weights | FileCheck %s --check-prefix=PAIRS
// RUN: sed 's/WEIGHT/f32/; s/DOT/, "avx512bf16"/' %t/model.mlir | tenon-opt --tenon-pack-weights | FileCheck %s --check-prefix=SINGLE
// RUN: sed 's/WEIGHT/bf16/; s/DOT//' %t/model.mlir | tenon-opt --tenon-pack-weights | FileCheck %s --check-prefix=SINGLE

// The linear writes bf16 for all three.
// PAIRS: %[[QKV:.*]] = tenon.linear {{.*}} -> tensor<?x192xbf16>
// PAIRS-NOT: tenon.cast {{.*}}xf32> -> tensor<2x?x32xbf16>
// PAIRS: tenon.attention {{.*}} : (tensor<2x?x32xbf16>, tensor<2x?x32xbf16>, tensor<2x?x32xbf16>) -> tensor<2x?x32xf32>
// SINGLE: tenon.attention {{.*}} : (tensor<2x?x32xf32>, tensor<2x?x32xf32>, tensor<2x?x32xf32>) -> tensor<2x?x32xf32>

//--- model.mlir
module attributes {tenon.target = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni"DOT]>} {
  tenon.weight @w : tensor<192x64xWEIGHT> from [#tenon.source<"w", tensor<192x64xf32>>]
  func.func @forward(%x: tensor<?x64xf32>) -> tensor<2x?x32xf32> {
    %w = tenon.weight_ref @w : tensor<192x64xWEIGHT>
    %0 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<192x64xWEIGHT>) -> tensor<?x192xf32>
    %1 = tenon.slice %0 {offset = 0 : i64} : tensor<?x192xf32> -> tensor<?x64xf32>
    %2 = tenon.slice %0 {offset = 64 : i64} : tensor<?x192xf32> -> tensor<?x64xf32>
    %3 = tenon.slice %0 {offset = 128 : i64} : tensor<?x192xf32> -> tensor<?x64xf32>
    %q = tenon.split_heads %1 {heads = 2 : i64} : tensor<?x64xf32> -> tensor<2x?x32xf32>
    %k = tenon.split_heads %2 {heads = 2 : i64} : tensor<?x64xf32> -> tensor<2x?x32xf32>
    %v = tenon.split_heads %3 {heads = 2 : i64} : tensor<?x64xf32> -> tensor<2x?x32xf32>
    %a = tenon.attention %q, %k, %v {scale = 0.25 : f32} : (tensor<2x?x32xf32>, tensor<2x?x32xf32>, tensor<2x?x32xf32>) -> tensor<2x?x32xf32>
    return %a : tensor<2x?x32xf32>
  }
}
