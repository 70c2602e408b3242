// RUN: tenon-opt %s --tenon-bufferize | FileCheck %s
// RUN: tenon-opt %s --tenon-bufferize --tenon-plan-arena --tenon-apply-tiles | FileCheck %s --check-prefix=TILES

// Gradients lie where weights do, in a memory of their own; moments after one another in another. A stash is a buffer
// with a place for each trip.

// CHECK: tenon.weight @e : tensor<40x72xf32> {{.*}}offset = 0 : i64
// CHECK: tenon.weight @w : tensor<2x72x72xf32> {{.*}}offset = 11520 : i64, stride = 20736 : i64
module attributes {tenon.max_chunk = 64 : i64} {
  tenon.weight @e : tensor<40x72xf32> from [#tenon.source<"e", tensor<40x72xf32>>]
  tenon.weight @w : tensor<2x72x72xf32> from [#tenon.source<"{i}.w", tensor<72x72xf32>>] stacked

  // CHECK-LABEL: func.func @gradient(
  // CHECK-SAME: %{{.*}}: memref<52992xi8>, %{{.*}}: memref<?xi8>, %{{.*}}: memref<0xi8>, %{{.*}}: memref<64xi32>, %[[G:.*]]: memref<52992xi8> {tenon.name = "gradients"}, %[[M:.*]]: memref<105984xi8> {tenon.name = "moments"}, %[[OUT:.*]]: memref<64x72xf32>,
  func.func @gradient(%t: tensor<?xi32>) -> tensor<?x72xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %e = tenon.weight_ref @e : tensor<40x72xf32>
    // CHECK: tenon.embedding %[[T:.*]], %{{.*}} into %[[X:[a-z0-9_]*]]
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<40x72xf32>) -> tensor<?x72xf32>
    // CHECK: %[[S:.*]] = memref.alloc(%{{.*}}) : memref<2x?x72xf32>
    %s = tenon.stash %x : tensor<?x72xf32> -> memref<2x?x72xf32>
    // CHECK: scf.for %[[I:.*]] =
    %y = scf.for %i = %c0 to %c2 step %c1 iter_args(%h = %x) -> (tensor<?x72xf32>) {
      // CHECK: %[[PLACE:.*]] = memref.subview %[[S]][%[[I]], 0, 0] [1, %{{.*}}, 72] [1, 1, 1] : memref<2x?x72xf32> to memref<?x72xf32, strided<[72, 1], offset: ?>>
      // CHECK: tenon.copy %{{.*}} into %[[PLACE]]
      tenon.keep %h in %s[%i] : tensor<?x72xf32>, memref<2x?x72xf32>
      // Not over what is kept.
      // CHECK: %[[KEPT:.*]] = memref.subview %[[S]]
      // CHECK: tenon.scale %[[KEPT]] into %{{(alloc|x).*}} {
      %k = tenon.kept %s[%i] : memref<2x?x72xf32> -> tensor<?x72xf32>
      %0 = tenon.scale %k {factor = 2.0 : f32} : (tensor<?x72xf32>) -> tensor<?x72xf32>
      // CHECK: %[[GW:.*]] = memref.view %[[G]][%{{.*}}][] : memref<52992xi8> to memref<72x72xf32>
      %g = tenon.gradient @w[%i] : memref<72x72xf32>
      // Columns of the result, and what makes them: rows of the weight, columns of one that is flipped.
      // TILES: tenon.dispatch %{{.*}} of %c5{{.*}} label "weight_product
      // TILES:   tenon.weight_product {{.*}}(memref<?x72xf32>, memref<8x72xf32{{.*}}>, memref<?x8xf32
      // TILES:   tenon.weight_product {{.*}}(memref<?x72xf32>, memref<16x72xf32{{.*}}>, memref<?x16xf32
      %w = tenon.weight_ref @w[%i] : tensor<72x72xf32>
      %1 = tenon.weight_product %0, %w {tile = #tenon.tile<rows = 6, columns = 16, group = 1>} : (tensor<?x72xf32>, tensor<72x72xf32>) -> tensor<?x72xf32>
      // TILES: tenon.dispatch %{{.*}} of %c5{{.*}} label "weight_product
      // TILES:   tenon.weight_product {{.*}} {flipped{{.*}}(memref<?x72xf32>, memref<72x8xf32{{.*}}>, memref<?x8xf32
      // TILES:   tenon.weight_product {{.*}} {flipped{{.*}}(memref<?x72xf32>, memref<72x16xf32{{.*}}>, memref<?x16xf32
      %2 = tenon.weight_product %1, %w {flipped, tile = #tenon.tile<rows = 6, columns = 16, group = 1>} : (tensor<?x72xf32>, tensor<72x72xf32>) -> tensor<?x72xf32>
      // CHECK: tenon.weight_gradient %{{.*}}, %{{.*}} into %[[GW]] {tenon.label
      // TILES: tenon.dispatch %[[TASK:.*]] of %c2{{.*}} label "weight_gradient"
      // TILES: scf.if
      // TILES:   tenon.weight_gradient {{.*}} memref<?x24xf32, {{.*}}memref<24x72xf32
      // TILES: else
      // TILES:   tenon.weight_gradient {{.*}} memref<?x48xf32, {{.*}}memref<48x72xf32
      tenon.weight_gradient %2, %h into %g : tensor<?x72xf32>, tensor<?x72xf32>, memref<72x72xf32>
      scf.yield %0 : tensor<?x72xf32>
    }
    // CHECK: %[[SQUEEZED:.*]] = memref.subview %{{.*}}[0, 0] [1, 72] [1, 1] : memref<1x72xf32> to memref<72xf32{{.*}}>
    %r = tenon.reduce %y {dim = 0 : i64, kind = #tenon.reduction<sum>} : (tensor<?x72xf32>) -> tensor<1x72xf32>
    %q = tenon.squeeze %r : tensor<1x72xf32> -> tensor<72xf32>
    %z = tenon.mul %y, %q : (tensor<?x72xf32>, tensor<72xf32>) -> tensor<?x72xf32>
    // CHECK: %[[GE:.*]] = memref.view %[[G]][%c0{{.*}}][] : memref<52992xi8> to memref<40x72xf32>
    // CHECK: tenon.embedding_gradient %{{.*}}, %{{.*}} into %[[GE]]
    // Columns are what tasks share out: 64, then 8.
    // TILES: tenon.dispatch %{{.*}} of %c2{{.*}} label "embedding_gradient"
    // TILES: tenon.embedding_gradient {{.*}} memref<40x8xf32
    // TILES: tenon.embedding_gradient {{.*}} memref<40x64xf32
    %ge = tenon.gradient @e : memref<40x72xf32>
    tenon.embedding_gradient %t, %z into %ge : tensor<?xi32>, tensor<?x72xf32>, memref<40x72xf32>
    return %z : tensor<?x72xf32>
  }

  // The head: a loop over blocks of rows, whose logits lie in one place.
  // CHECK-LABEL: func.func @head(
  // CHECK: %[[LOSSES:.*]] = memref.alloc(%[[T:.*]]) : memref<?x1xf32>
  // CHECK: %[[DX:.*]] = memref.alloc(%[[T]]) : memref<?x72xf32>
  // CHECK: %[[ALL:.*]] = memref.alloc() : memref<16x40xf32>
  // CHECK: scf.for %[[FIRST:.*]] = %{{.*}} to %[[T]] step %c16
  // CHECK: %[[LEFT:.*]] = arith.subi %[[T]], %[[FIRST]]
  // CHECK: %[[COUNT:.*]] = arith.minsi %[[LEFT]], %c16
  // CHECK: %[[X:.*]] = memref.subview %{{.*}}[%[[FIRST]], 0] [%[[COUNT]], 72]
  // CHECK: %[[LOGITS:.*]] = memref.subview %[[ALL]][0, 0] [%[[COUNT]], 40]
  // CHECK: tenon.weight_product %[[X]], %[[W:.*]] into %[[LOGITS]] {
  // CHECK: tenon.cross_entropy %[[LOGITS]], %{{.*}} into %{{.*}} {
  // CHECK: tenon.cross_entropy_gradient %[[LOGITS]], %{{.*}} into %[[LOGITS]] {
  // CHECK: tenon.weight_product %[[LOGITS]], %[[W]] into %{{.*}} {flipped
  // CHECK: tenon.weight_gradient %[[LOGITS]], %[[X]] into %{{.*}}
  func.func @head(%t: tensor<?xi32>) -> tensor<?x72xf32> {
    %e = tenon.weight_ref @e : tensor<40x72xf32>
    %x = tenon.embedding %t, %e : (tensor<?xi32>, tensor<40x72xf32>) -> tensor<?x72xf32>
    %g = tenon.gradient @e : memref<40x72xf32>
    %l, %dx = tenon.head_loss %x, %e, %t into %g {rows = 16 : i64}
      : (tensor<?x72xf32>, tensor<40x72xf32>, tensor<?xi32>, memref<40x72xf32>) -> (tensor<?x1xf32>, tensor<?x72xf32>)
    %y = tenon.mul %dx, %l : (tensor<?x72xf32>, tensor<?x1xf32>) -> tensor<?x72xf32>
    return %y : tensor<?x72xf32>
  }

  // CHECK-LABEL: func.func @update(
  // CHECK-SAME: %[[WEIGHTS:[a-z0-9_]*]]: memref<52992xi8>, {{.*}}%[[NUMBERS:[a-z0-9_]*]]: memref<10xf32>, %[[G:[a-z0-9_]*]]: memref<52992xi8> {tenon.name = "gradients"}, %[[M:[a-z0-9_]*]]: memref<105984xi8> {tenon.name = "moments"}, %[[OUT:[a-z0-9_]*]]: memref<1x1xf32>
  func.func @update(%n: tensor<10xf32>) -> tensor<1x1xf32> {
    // CHECK: %[[ALL:.*]] = memref.view %[[G]][%c0{{.*}}][] : memref<52992xi8> to memref<13248xf32>
    // CHECK: %[[SUMS:.*]] = memref.alloc() : memref<4xf32>
    // CHECK: tenon.sum_squares %[[ALL]] into %[[SUMS]]
    // CHECK: tenon.norm_of_sums %[[SUMS]], %[[NUMBERS]] into %[[OUT]]
    %norm = tenon.gradient_norm %n : tensor<10xf32> -> tensor<1x1xf32>
    // All layers at once.
    // CHECK: %[[W:.*]] = memref.view %[[WEIGHTS]][%c11520{{.*}}][] : memref<52992xi8> to memref<10368xf32>
    // CHECK: %[[GW:.*]] = memref.view %[[G]][%c11520
    // CHECK: %[[FIRST:.*]] = memref.view %[[M]][%c11520
    // CHECK: %[[SECOND:.*]] = memref.view %[[M]][%c64512
    // CHECK: tenon.adamw %[[W]], %[[GW]], %[[FIRST]], %[[SECOND]] by %[[NUMBERS]] norm %[[OUT]] {decay, tenon.label = "update w"}
    tenon.update @w by %n norm %norm {decay} : tensor<10xf32>, tensor<1x1xf32>
    return %norm : tensor<1x1xf32>
  }
}
