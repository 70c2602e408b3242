// RUN: tenon-opt %s --tenon-insert-adapters="rank=2 alpha=6 targets=wq,v_proj" --split-input-file --verify-diagnostics | FileCheck %s

// Beside the weights that the targets name, by the description's names or the checkpoint's; all others are frozen. What
// is new comes after all that was there.

// CHECK-LABEL: module @two
module @two attributes {tenon.kind = "decoder"} {
  // CHECK: tenon.weight @block.wq : tensor<3x8x4xf32> {{.*}} stacked {tenon.frozen}
  tenon.weight @block.wq : tensor<3x8x4xf32> from [#tenon.source<"model.layers.{i}.self_attn.q_proj.weight", tensor<8x4xf32>>] stacked
  // CHECK: tenon.weight @block.wk : tensor<3x8x4xf32> {{.*}} stacked {tenon.frozen}
  tenon.weight @block.wk : tensor<3x8x4xf32> from [#tenon.source<"model.layers.{i}.self_attn.k_proj.weight", tensor<8x4xf32>>] stacked
  // CHECK: tenon.weight @wv : tensor<4x8xbf16> {{.*}} {tenon.frozen}
  tenon.weight @wv : tensor<4x8xbf16> from [#tenon.source<"v_proj.weight", tensor<4x8xbf16>>]
  // CHECK-NEXT: tenon.weight @block.wq.lora_a : tensor<3x2x4xf32> from [#tenon.source<"base_model.model.model.layers.{i}.self_attn.q_proj.lora_A.weight", tensor<2x4xf32>>] stacked {tenon.initial = "normal"}
  // CHECK-NEXT: tenon.weight @block.wq.lora_b : tensor<3x8x2xf32> from [#tenon.source<"base_model.model.model.layers.{i}.self_attn.q_proj.lora_B.weight", tensor<8x2xf32>>] stacked {tenon.initial = "zeros"}
  // CHECK-NEXT: tenon.weight @wv.lora_a : tensor<2x8xf32> from [#tenon.source<"base_model.model.v_proj.lora_A.weight", tensor<2x8xf32>>] {tenon.initial = "normal"}
  // CHECK-NEXT: tenon.weight @wv.lora_b
  // CHECK: func.func @forward
  func.func @forward(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
    %c0 = arith.constant 0 : index
    %q = tenon.weight_ref @block.wq[%c0] : tensor<8x4xf32>
    // CHECK: %[[Y:.*]] = tenon.linear %arg0, %{{.*}} : (tensor<?x4xf32>, tensor<8x4xf32>)
    // CHECK: %[[A:.*]] = tenon.weight_ref @block.wq.lora_a[%c0] : tensor<2x4xf32>
    // CHECK: %[[H:.*]] = tenon.linear %arg0, %[[A]] : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
    // CHECK: %[[B:.*]] = tenon.weight_ref @block.wq.lora_b[%c0] : tensor<8x2xf32>
    // CHECK: %[[D:.*]] = tenon.linear %[[H]], %[[B]] : (tensor<?x2xf32>, tensor<8x2xf32>) -> tensor<?x8xf32>
    // CHECK: %[[S:.*]] = tenon.scale %[[D]] {factor = 3.000000e+00 : f32}
    // CHECK: %[[Z:.*]] = tenon.add %[[Y]], %[[S]]
    %y = tenon.linear %x, %q : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    // Near miss: a linear that no target names.
    %k = tenon.weight_ref @block.wk[%c0] : tensor<8x4xf32>
    // CHECK: %[[K:.*]] = tenon.linear %arg0, %{{.*}} : (tensor<?x4xf32>, tensor<8x4xf32>)
    // CHECK-NEXT: tenon.add %[[Z]], %[[K]]
    %l = tenon.linear %x, %k : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    %s = tenon.add %y, %l : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    %v = tenon.weight_ref @wv : tensor<4x8xbf16>
    // CHECK: tenon.weight_ref @wv.lora_a : tensor<2x8xf32>
    %z = tenon.linear %s, %v : (tensor<?x8xf32>, tensor<4x8xbf16>) -> tensor<?x4xf32>
    return %z : tensor<?x4xf32>
  }
}

// -----

// expected-error @below {{no linear reads a weight 'wq' that adapters could go beside}}
// expected-note @below {{linears read wk}}
module @missing attributes {tenon.kind = "decoder"} {
  tenon.weight @wk : tensor<4x4xf32> from [#tenon.source<"k_proj.weight", tensor<4x4xf32>>]
  tenon.weight @wq : tensor<8x4xf32> from [#tenon.source<"q_proj.weight", tensor<8x4xf32>>]
  func.func @forward(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
    %k = tenon.weight_ref @wk : tensor<4x4xf32>
    %y = tenon.linear %x, %k : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    return %y : tensor<?x4xf32>
  }
}

// -----

module @epilogue attributes {tenon.kind = "decoder"} {
  tenon.weight @wq : tensor<4x4xf32> from [#tenon.source<"q_proj.weight", tensor<4x4xf32>>]
  func.func @forward(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
    %q = tenon.weight_ref @wq : tensor<4x4xf32>
    // expected-error @below {{with an epilogue takes no adapter: tenon-insert-adapters comes before fusion}}
    %y = tenon.linear %x, %q residual(%x) : (tensor<?x4xf32>, tensor<4x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    return %y : tensor<?x4xf32>
  }
}

// -----

module @joined attributes {tenon.kind = "decoder"} {
  tenon.weight @wq : tensor<4x4xf32> from [#tenon.source<"a.weight", tensor<2x4xf32>>, #tenon.source<"b.weight", tensor<2x4xf32>>]
  func.func @forward(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
    %q = tenon.weight_ref @wq : tensor<4x4xf32>
    // expected-error @below {{takes no adapter: @wq is no tensor of the checkpoint}}
    %y = tenon.linear %x, %q : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    return %y : tensor<?x4xf32>
  }
}
