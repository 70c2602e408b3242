// RUN: tenon-opt %s --tenon-fuse-pipeline --split-input-file | FileCheck %s --check-prefix=FUSED
// RUN: tenon-opt %s --tenon-fuse-pipeline --tenon-cache-pipeline --split-input-file | FileCheck %s --check-prefix=CACHED
// RUN: tenon-opt %s --tenon-fuse-pipeline --tenon-cache-pipeline --tenon-quantize-pipeline --tenon-pack-pipeline --split-input-file \
// RUN:   | FileCheck %s --check-prefix=PACKED

// What passes on tensors do inside of a mixture: an expert's network is fused; a
// decoder's mixture needs no cache; the experts' weights are quantized and
// packed, those that choose experts are not quantized.

#target = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

module attributes {tenon.kind = "decoder", tenon.context = 256 : i64, tenon.max_chunk = 128 : i64, tenon.max_sequences = 3 : i64,
                   tenon.quantize = "int8", tenon.target = #target} {
  tenon.weight @embed : tensor<32x64xf32> from [#tenon.source<"e", tensor<32x64xf32>>]
  // PACKED-DAG: tenon.weight @router : tensor<3x8x64xf32, #tenon.panel<n = 32, k = 1>>
  tenon.weight @router : tensor<3x8x64xf32> from [#tenon.source<"{i}.r", tensor<8x64xf32>>] stacked
  // PACKED-DAG: tenon.weight @block.gate.up : tensor<24x192x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64, interleave = 2>> from [#tenon.source<"{i}.{e}.g", {{.*}}>, #tenon.source<"{i}.{e}.u", {{.*}}>] stacked {tenon.experts = 8 : i64}
  tenon.weight @block.gate : tensor<24x96x64xf32> from [#tenon.source<"{i}.{e}.g", tensor<96x64xf32>>] stacked {tenon.experts = 8 : i64}
  tenon.weight @block.up : tensor<24x96x64xf32> from [#tenon.source<"{i}.{e}.u", tensor<96x64xf32>>] stacked {tenon.experts = 8 : i64}
  // PACKED-DAG: tenon.weight @block.down : tensor<24x64x96x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>> from {{.*}} stacked {tenon.experts = 8 : i64}
  tenon.weight @block.down : tensor<24x64x96xf32> from [#tenon.source<"{i}.d", tensor<64x96xf32>>] stacked {tenon.experts = 8 : i64}

  // FUSED-LABEL: func.func @forward
  // FUSED: scf.for %[[I:[a-z0-9]+]] =
  // FUSED: %[[G:.*]] = tenon.top_k
  // FUSED: tenon.mixture %{{.*}} gates(%[[G]]) top 2 of 8 {
  // FUSED: ^bb0(%[[ROWS:.*]]: tensor<?x64xf32>, %[[E:.*]]: index):
  // FUSED:   %[[FIRST:.*]] = arith.muli %[[I]], %c8
  // FUSED:   %[[N:.*]] = arith.addi %[[FIRST]], %[[E]]
  // FUSED:   %[[Y:.*]] = tenon.ffn %[[ROWS]], %{{.*}}, %{{.*}} gate(%{{.*}}) {activation = #tenon.activation_kind<silu>}
  // FUSED:   tenon.mixture_yield %[[Y]] : tensor<?x64xf32>

  // CACHED-LABEL: func.func @prefill
  // CACHED-NOT: kv_cache
  // CACHED: ^bb0(%{{.*}}: tensor<?x64xf32>, %{{.*}}: index):
  // CACHED-LABEL: func.func @decode
  // CACHED: ^bb0(%{{.*}}: tensor<1x64xf32>, %{{.*}}: index):
  // CACHED: } : (tensor<1x64xf32>, tensor<1x8xf32>) -> tensor<1x64xf32>
  // An expert sees some of the three sequences.
  // CACHED-LABEL: func.func @decode_batch
  // CACHED: ^bb0(%{{.*}}: tensor<?x64xf32>, %{{.*}}: index):
  // CACHED: } : (tensor<3x64xf32>, tensor<3x8xf32>) -> tensor<3x64xf32>

  // PACKED-LABEL: func.func @decode
  // PACKED: ^bb0(%[[ROWS:.*]]: tensor<1x64xf32>, %{{.*}}: index):
  // PACKED: tenon.quantize %[[ROWS]]
  // PACKED: tenon.linear %{{.*}} {activation = #tenon.activation_kind<silu>, gated}
  func.func @forward(%tokens: tensor<?xi32>) -> tensor<?x64xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %c8 = arith.constant 8 : index
    %e = tenon.weight_ref @embed : tensor<32x64xf32>
    %x = tenon.embedding %tokens, %e : (tensor<?xi32>, tensor<32x64xf32>) -> tensor<?x64xf32>
    %y = scf.for %i = %c0 to %c3 step %c1 iter_args(%h = %x) -> (tensor<?x64xf32>) {
      %r = tenon.weight_ref @router[%i] : tensor<8x64xf32>
      %s = tenon.linear %h, %r : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
      %p = tenon.softmax %s : (tensor<?x8xf32>) -> tensor<?x8xf32>
      %g = tenon.top_k %p {k = 2 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
      %m = tenon.mixture %h gates(%g) top 2 of 8 {
      ^bb0(%rows: tensor<?x64xf32>, %expert: index):
        %first = arith.muli %i, %c8 : index
        %n = arith.addi %first, %expert : index
        %wg = tenon.weight_ref @block.gate[%n] : tensor<96x64xf32>
        %wu = tenon.weight_ref @block.up[%n] : tensor<96x64xf32>
        %wd = tenon.weight_ref @block.down[%n] : tensor<64x96xf32>
        %0 = tenon.linear %rows, %wg : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
        %1 = tenon.activation %0 {kind = #tenon.activation_kind<silu>} : (tensor<?x96xf32>) -> tensor<?x96xf32>
        %2 = tenon.linear %rows, %wu : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
        %3 = tenon.mul %1, %2 : (tensor<?x96xf32>, tensor<?x96xf32>) -> tensor<?x96xf32>
        %4 = tenon.linear %3, %wd : (tensor<?x96xf32>, tensor<64x96xf32>) -> tensor<?x64xf32>
        tenon.mixture_yield %4 : tensor<?x64xf32>
      } : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x64xf32>
      scf.yield %m : tensor<?x64xf32>
    }
    return %y : tensor<?x64xf32>
  }
}

// -----

#target = #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 262144, l3 = 8388608, extensions = ["ssse3", "avx", "avx2", "fma"]>

// Layers whose experts differ in precision from those of other layers: one
// weight for each precision, and a branch on the layer.

module attributes {tenon.target = #target} {
  // PACKED-DAG: tenon.weight @w.q6_k : tensor<4x64x256x!tenon.block<q6_k>, {{.*}}> from {{.*}} stacked {layers = array<i64: 0, 2>, tenon.experts = 2 : i64}
  // PACKED-DAG: tenon.weight @w.q4_k : tensor<2x64x256x!tenon.block<q4_k>, {{.*}}> from {{.*}} stacked {layers = array<i64: 1>, tenon.experts = 2 : i64}
  tenon.weight @w : tensor<6x64x256x!tenon.mixed<q6_k * 2, q4_k * 2, q6_k * 2>> from [#tenon.source<"w.{i}", tensor<64x256xf32>>] stacked {tenon.experts = 2 : i64}
  // PACKED-LABEL: func @f
  // PACKED-SAME: %[[N:[a-z0-9]*]]: index
  // PACKED-DAG: %[[E:.*]] = arith.remui %[[N]], %c2
  // PACKED-DAG: %[[I:.*]] = arith.divui %[[N]], %c2
  // PACKED-DAG: arith.index_cast %[[I]] : index to i3
  // PACKED: scf.if
  // PACKED: %[[FIRST:.*]] = arith.muli %{{.*}}, %c2
  // PACKED: %[[PLACE:.*]] = arith.addi %[[FIRST]], %[[E]]
  // PACKED: tenon.weight_ref @w.q6_k[%[[PLACE]]]
  func.func @f(%x: tensor<?x256xf32>, %n: index) -> tensor<?x64xf32> {
    %w = tenon.weight_ref @w[%n] : tensor<64x256x!tenon.mixed<q6_k * 2, q4_k * 2, q6_k * 2>>
    %0 = tenon.linear %x, %w : (tensor<?x256xf32>, tensor<64x256x!tenon.mixed<q6_k * 2, q4_k * 2, q6_k * 2>>) -> tensor<?x64xf32>
    return %0 : tensor<?x64xf32>
  }
}
