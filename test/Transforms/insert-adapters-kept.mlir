// RUN: tenon-opt %s --tenon-insert-adapters="rank=2 targets=block.wq kept" | FileCheck %s
// RUN: tenon-opt %s --tenon-insert-adapters="rank=2 targets=block.wq kept" --tenon-fuse-qkv --tenon-quantize-weights=scheme=int8 | FileCheck %s --check-prefix=APART

// Places for an adapter of a program that computes: zeros, no scale, and nothing is frozen.

// CHECK-LABEL: module
module attributes {tenon.kind = "decoder"} {
  // CHECK: tenon.weight @block.wq : tensor<3x8x4xf32> from {{.*}} stacked{{$}}
  tenon.weight @block.wq : tensor<3x8x4xf32> from [#tenon.source<"{i}.q_proj.weight", tensor<8x4xf32>>] stacked
  // CHECK: tenon.weight @block.wk : tensor<3x2x4xf32> from {{.*}} stacked{{$}}
  tenon.weight @block.wk : tensor<3x2x4xf32> from [#tenon.source<"{i}.k_proj.weight", tensor<2x4xf32>>] stacked
  // CHECK: tenon.weight @block.wq.lora_a : tensor<3x2x4xf32> {{.*}} {tenon.initial = "zeros"}
  // CHECK: tenon.weight @block.wq.lora_b : tensor<3x8x2xf32> {{.*}} {tenon.initial = "zeros"}
  // They are neither joined with the model's linears of the same input, nor quantized.
  // APART: tenon.weight @block.wq.wk : tensor<3x10x4x!tenon.block<q8_0>>
  // APART: tenon.weight @block.wq.lora_a : tensor<3x2x4xf32>
  // APART: tenon.weight @block.wq.lora_b : tensor<3x8x2xf32>
  func.func @forward(%x: tensor<?x4xf32>, %i: index) -> (tensor<?x8xf32>, tensor<?x2xf32>) {
    // CHECK: %[[Y:.*]] = tenon.linear %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<8x4xf32>)
    // CHECK: %[[A:.*]] = tenon.weight_ref @block.wq.lora_a
    // CHECK: %[[H:.*]] = tenon.linear %{{.*}}, %[[A]]
    // CHECK: %[[B:.*]] = tenon.weight_ref @block.wq.lora_b
    // CHECK: %[[D:.*]] = tenon.linear %[[H]], %[[B]]
    // CHECK: tenon.add %[[Y]], %[[D]]
    %wq = tenon.weight_ref @block.wq[%i] : tensor<8x4xf32>
    %q = tenon.linear %x, %wq : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    %wk = tenon.weight_ref @block.wk[%i] : tensor<2x4xf32>
    %k = tenon.linear %x, %wk : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
    return %q, %k : tensor<?x8xf32>, tensor<?x2xf32>
  }
}
