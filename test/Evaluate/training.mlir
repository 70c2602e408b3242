// Gradients, values that are kept, and the step of AdamW, by hand.
// RUN: tenon-run %s --input 'x=[[1, 2], [3, 4]]' --input 'dy=[[1], [10]]' --input 'ids=[1, 1]' \
// RUN:   --input 'numbers=[2, 0, 0.9, 0.9, 0.1, 0.99, 0.01, 0.1, 0.5, 0]' | FileCheck %s

module {
  // All ones: a vector that is called weight.
  tenon.weight @scale : tensor<2xf32> from [#tenon.source<"norm.weight", tensor<2xf32>>]
  tenon.weight @table : tensor<2x2xf32> from [#tenon.source<"table", tensor<2x2xf32>>]
  tenon.weight @w : tensor<1x2xf32> from [#tenon.source<"w", tensor<1x2xf32>>]

  // 1 * 0.9, less 0.1 m / (sqrt(v) / 0.5), m = 0.1 g and sqrt(v) = 0.1 |g|.
  // The norm is 2 sqrt(9 + 16).
  // CHECK: @a_update 1x1
  // CHECK-NEXT: {{^}}10{{$}}
  func.func @a_update(%numbers: tensor<10xf32> {tenon.name = "numbers"}, %x: tensor<2x2xf32> {tenon.name = "x"}) -> (tensor<1x1xf32>) {
    %r = tenon.rows %x {offset = 1 : i64} : tensor<2x2xf32> -> tensor<1x2xf32>
    %v = tenon.squeeze %r : tensor<1x2xf32> -> tensor<2xf32>
    %g = tenon.gradient @scale : memref<2xf32>
    tenon.add_gradient %v into %g : tensor<2xf32>, memref<2xf32>
    %n = tenon.gradient_norm %numbers : tensor<10xf32> -> tensor<1x1xf32>
    tenon.update @scale by %numbers norm %n {decay} : tensor<10xf32>, tensor<1x1xf32>
    return %n : tensor<1x1xf32>
  }
  // CHECK: @b_updated 1x2
  // CHECK-NEXT: {{^}}0.85 0.85
  func.func @b_updated(%x: tensor<2x2xf32> {tenon.name = "x"}) -> tensor<1x2xf32> {
    %w = tenon.weight_ref @scale : tensor<2xf32>
    %zero = tenon.scale %x {factor = 0.0 : f32} : (tensor<2x2xf32>) -> tensor<2x2xf32>
    %y = tenon.add %zero, %w : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
    %r = tenon.rows %y {offset = 0 : i64} : tensor<2x2xf32> -> tensor<1x2xf32>
    return %r : tensor<1x2xf32>
  }
  // dyᵀ x = 1 * [1, 2] + 10 * [3, 4], and as much again; the norm is 2 * 2 sqrt(31² + 42²).
  // CHECK: @c_weight 1x1
  // CHECK-NEXT: {{^}}208.8061
  func.func @c_weight(%numbers: tensor<10xf32> {tenon.name = "numbers"}, %x: tensor<2x2xf32> {tenon.name = "x"},
                      %dy: tensor<2x1xf32> {tenon.name = "dy"}) -> tensor<1x1xf32> {
    %g = tenon.gradient @w : memref<1x2xf32>
    tenon.weight_gradient %dy, %x into %g : tensor<2x1xf32>, tensor<2x2xf32>, memref<1x2xf32>
    tenon.weight_gradient %dy, %x into %g : tensor<2x1xf32>, tensor<2x2xf32>, memref<1x2xf32>
    %n = tenon.gradient_norm %numbers : tensor<10xf32> -> tensor<1x1xf32>
    tenon.update @w by %numbers norm %n : tensor<10xf32>, tensor<1x1xf32>
    return %n : tensor<1x1xf32>
  }
  // Row 1 gets [1, 2] + [3, 4].
  // CHECK: @d_table 1x1
  // CHECK-NEXT: {{^}}14.42221
  func.func @d_table(%numbers: tensor<10xf32> {tenon.name = "numbers"}, %x: tensor<2x2xf32> {tenon.name = "x"},
                     %ids: tensor<2xi32> {tenon.name = "ids"}) -> tensor<1x1xf32> {
    %g = tenon.gradient @table : memref<2x2xf32>
    tenon.embedding_gradient %ids, %x into %g : tensor<2xi32>, tensor<2x2xf32>, memref<2x2xf32>
    %n = tenon.gradient_norm %numbers : tensor<10xf32> -> tensor<1x1xf32>
    return %n : tensor<1x1xf32>
  }
  // What the second of three trips was given: 2 x.
  // CHECK: @e_stash 2x2
  // CHECK-NEXT: {{^}}2 4
  // CHECK-NEXT: {{^}}6 8
  func.func @e_stash(%x: tensor<2x2xf32> {tenon.name = "x"}) -> tensor<2x2xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %s = tenon.stash %x : tensor<2x2xf32> -> memref<3x2x2xf32>
    %last = scf.for %i = %c0 to %c3 step %c1 iter_args(%y = %x) -> (tensor<2x2xf32>) {
      tenon.keep %y in %s[%i] : tensor<2x2xf32>, memref<3x2x2xf32>
      %z = tenon.scale %y {factor = 2.0 : f32} : (tensor<2x2xf32>) -> tensor<2x2xf32>
      scf.yield %z : tensor<2x2xf32>
    }
    %y = tenon.kept %s[%c1] : memref<3x2x2xf32> -> tensor<2x2xf32>
    return %y : tensor<2x2xf32>
  }
}
