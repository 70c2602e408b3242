// RUN: tenon-opt %s --tenon-bufferize --cse --split-input-file | FileCheck %s

// Places of weights: 64-byte aligned, layers by a stride; packed ones take
// their padding. What nobody reads takes nothing.

// CHECK-LABEL: module @places
// CHECK-SAME: tenon.cache_bytes = 0 : i64
// CHECK-SAME: tenon.weights_bytes = 27136 : i64
module @places attributes {tenon.max_chunk = 8 : i64} {
  // CHECK: tenon.weight @norm : {{.*}} {offset = 0 : i64}
  tenon.weight @norm : tensor<5xf32> from [#tenon.source<"norm", tensor<5xf32>>]
  // CHECK-NOT: @unused
  tenon.weight @unused : tensor<5xf32> from [#tenon.source<"unused", tensor<5xf32>>]
  // CHECK: tenon.weight @layer.g : {{.*}} {offset = 64 : i64, stride = 64 : i64}
  tenon.weight @layer.g : tensor<3x5xf32> from [#tenon.source<"{i}.g", tensor<5xf32>>] stacked
  // 40 rows are two panels of 32.
  // CHECK: tenon.weight @layer.w : {{.*}} {offset = 256 : i64, stride = 8960 : i64}
  tenon.weight @layer.w : tensor<3x40x69xbf16, #tenon.panel<n = 32, k = 2>> from [#tenon.source<"{i}.w", tensor<40x69xbf16>>] stacked

  // CHECK-LABEL: func.func @forward
  // CHECK-SAME: (%[[W:.*]]: memref<27136xi8>, %[[A:.*]]: memref<?xi8>, %[[C:.*]]: memref<0xi8>,
  // CHECK-SAME: %[[X:[^:]*]]: memref<8x5xf32> {tenon.name = "x"}, %{{.*}}: memref<8x69xbf16>, %[[OUT:[^:]*]]: memref<8x5xf32>,
  // CHECK-SAME: %[[T:[^:]*]]: index, %[[POS:[^:]*]]: index, %[[ROWS:[^:]*]]: index, %{{[^:]*}}: index) attributes {tenon.entry}
  func.func @forward(%x: tensor<?x5xf32> {tenon.name = "x"}, %k: tensor<?x69xbf16>, %i: index) -> tensor<?x5xf32> {
    // CHECK: %[[IN:.*]] = memref.subview %[[X]][0, 0] [%[[T]], 5] [1, 1]
    // CHECK: %[[NORM:.*]] = memref.view %[[W]][%c0][] : memref<27136xi8> to memref<5xf32>
    %norm = tenon.weight_ref @norm : tensor<5xf32>
    %dead = tenon.weight_ref @unused : tensor<5xf32>
    // CHECK: %[[LAYER:.*]] = arith.muli %[[POS]], %c64
    // CHECK: %[[PLACE:.*]] = arith.addi %[[LAYER]], %c64
    // CHECK: %[[G:.*]] = memref.view %[[W]][%[[PLACE]]][] : memref<27136xi8> to memref<5xf32>
    %g = tenon.weight_ref @layer.g[%i] : tensor<5xf32>
    // CHECK: memref.view %[[W]][%{{.*}}][] : memref<27136xi8> to memref<2x35x32x2xbf16>
    %w = tenon.weight_ref @layer.w[%i] : tensor<40x69xbf16, #tenon.panel<n = 32, k = 2>>
    // CHECK: %[[BUF:.*]] = memref.alloc(%[[T]]) : memref<?x5xf32>
    // CHECK: tenon.rms_norm %[[IN]], %[[NORM]] into %[[BUF]] {eps = {{.*}}, tenon.label = "rms_norm norm"}
    %0 = tenon.rms_norm %x, %norm {eps = 1.0e-5 : f32} : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
    // The returned value is written to the output.
    // CHECK: %[[RESULT:.*]] = memref.subview %[[OUT]][0, 0] [%[[T]], 5] [1, 1]
    // CHECK: tenon.rms_norm %[[BUF]], %[[G]] into %[[RESULT]] {{{.*}}tenon.label = "rms_norm layer.g"}
    // CHECK-NOT: tenon.copy
    // CHECK: return
    %keep = tenon.linear %k, %w : (tensor<?x69xbf16>, tensor<40x69xbf16, #tenon.panel<n = 32, k = 2>>) -> tensor<?x40xf32>
    %1 = tenon.rms_norm %0, %g {eps = 1.0e-5 : f32} : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
    return %1 : tensor<?x5xf32>
  }
}

// -----

// A loop's value is one buffer: residuals are added in place, and the start
// gives its buffer to the loop.

// CHECK-LABEL: func.func @loop
!w = tensor<8x8xf32, #tenon.panel<n = 8, k = 1>>
module attributes {tenon.max_chunk = 8 : i64} {
  tenon.weight @w : !w from [#tenon.source<"w", tensor<8x8xf32>>]
  func.func @loop(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %w = tenon.weight_ref @w : !w
    // CHECK: %[[X:.*]] = memref.alloc(%{{.*}}) : memref<?x8xf32>
    // CHECK: tenon.scale %{{.*}} into %[[X]]
    %0 = tenon.scale %x {factor = 2.0 : f32} : (tensor<?x8xf32>) -> tensor<?x8xf32>
    // CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %{{.*}} {
    %1 = scf.for %i = %c0 to %c4 step %c1 iter_args(%y = %0) -> (tensor<?x8xf32>) {
      // CHECK: %[[H:.*]] = memref.alloc
      // CHECK: tenon.linear %[[X]], %{{.*}} into %[[H]]
      %2 = tenon.linear %y, %w : (tensor<?x8xf32>, !w) -> tensor<?x8xf32>
      // CHECK: tenon.linear %[[H]], %{{.*}} residual(%[[X]]) into %[[X]]
      %3 = tenon.linear %2, %w residual(%y) : (tensor<?x8xf32>, !w, tensor<?x8xf32>) -> tensor<?x8xf32>
      // Overwrites what nobody reads again.
      // CHECK: tenon.scale %[[X]] into %[[X]]
      %4 = tenon.scale %3 {factor = 2.0 : f32} : (tensor<?x8xf32>) -> tensor<?x8xf32>
      // CHECK-NOT: tenon.copy
      scf.yield %4 : tensor<?x8xf32>
    }
    // A loop's result reaches the output by a copy.
    // CHECK: %[[OUT:.*]] = memref.subview
    // CHECK: tenon.copy %[[X]] into %[[OUT]]
    return %1 : tensor<?x8xf32>
  }
}

// -----

// A loop in a loop takes over its memory; what the inner one gives is in it
// until it is read for the last time.

// CHECK-LABEL: func.func @nested
module attributes {tenon.max_chunk = 8 : i64} {
  func.func @nested(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    // CHECK: tenon.scale %{{.*}} into %[[X:alloc[_0-9]*]] {
    %0 = tenon.scale %x {factor = 2.0 : f32} : (tensor<?x8xf32>) -> tensor<?x8xf32>
    // CHECK: scf.for
    %1 = scf.for %i = %c0 to %c4 step %c1 iter_args(%a = %0) -> (tensor<?x8xf32>) {
      // CHECK: scf.for
      %2 = scf.for %j = %c0 to %c4 step %c1 iter_args(%b = %a) -> (tensor<?x8xf32>) {
        // CHECK: tenon.scale %[[X]] into %[[X]]
        %3 = tenon.scale %b {factor = 3.0 : f32} : (tensor<?x8xf32>) -> tensor<?x8xf32>
        scf.yield %3 : tensor<?x8xf32>
      }
      // Not into %[[X]], which the sum reads.
      // CHECK: tenon.scale %[[X]] into %[[Y:alloc[_0-9]*]] {
      %4 = tenon.scale %2 {factor = 5.0 : f32} : (tensor<?x8xf32>) -> tensor<?x8xf32>
      // CHECK: tenon.add %[[X]], %[[Y]] into %[[X]]
      %5 = tenon.add %2, %4 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
      scf.yield %5 : tensor<?x8xf32>
    }
    return %1 : tensor<?x8xf32>
  }
}

// -----

// What is read later is not overwritten; a linear does not write over its
// input, and a start that is needed again is copied.

// CHECK-LABEL: func.func @declined
!w = tensor<8x8xf32, #tenon.panel<n = 8, k = 1>>
module attributes {tenon.max_chunk = 8 : i64} {
  tenon.weight @w : !w from [#tenon.source<"w", tensor<8x8xf32>>]
  func.func @declined(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %w = tenon.weight_ref @w : !w
    // CHECK: tenon.scale %{{.*}} into %[[START:alloc[_0-9]*]] {
    %0 = tenon.scale %x {factor = 2.0 : f32} : (tensor<2x8xf32>) -> tensor<2x8xf32>
    // CHECK: tenon.copy %[[START]] into %[[LOOP:alloc[_0-9]*]] {
    // CHECK: scf.for
    %1 = scf.for %i = %c0 to %c1 step %c1 iter_args(%y = %0) -> (tensor<2x8xf32>) {
      // The input is no residual: another buffer, then a copy at the end.
      // CHECK: tenon.linear %[[LOOP]], %{{.*}} residual(%[[LOOP]]) into %[[NEW:alloc[_0-9]*]] {
      %2 = tenon.linear %y, %w residual(%y) : (tensor<2x8xf32>, !w, tensor<2x8xf32>) -> tensor<2x8xf32>
      // CHECK: tenon.copy %[[NEW]] into %[[LOOP]]
      scf.yield %2 : tensor<2x8xf32>
    }
    // CHECK: tenon.add %[[LOOP]], %[[START]] into %arg4
    %3 = tenon.add %1, %0 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
    return %3 : tensor<2x8xf32>
  }
}

// -----

// Two carried values that change places are saved before either is written.

// CHECK-LABEL: func.func @swap
module attributes {tenon.max_chunk = 8 : i64} {
  func.func @swap(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %0 = tenon.scale %x {factor = 2.0 : f32} : (tensor<2x8xf32>) -> tensor<2x8xf32>
    %1 = tenon.scale %x {factor = 3.0 : f32} : (tensor<2x8xf32>) -> tensor<2x8xf32>
    // CHECK: scf.for
    // CHECK: tenon.copy %[[A:.*]] into %[[SAVED_A:.*]] {
    // CHECK: tenon.copy %[[B:.*]] into %[[SAVED_B:.*]] {
    // CHECK: tenon.copy %[[SAVED_A]] into %[[B]] {
    // CHECK: tenon.copy %[[SAVED_B]] into %[[A]] {
    %2:2 = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %0, %b = %1) -> (tensor<2x8xf32>, tensor<2x8xf32>) {
      scf.yield %b, %a : tensor<2x8xf32>, tensor<2x8xf32>
    }
    %3 = tenon.sub %2#0, %2#1 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
    return %3 : tensor<2x8xf32>
  }
}

// -----

// Heads are views that lie token by token; the cache is %cache at the layer's
// place, the second cache after the first.

// CHECK-LABEL: func.func @cached
!small = !tenon.kv_cache<layers = 2, heads = 1, capacity = 128, head_dim = 4, element = f32>
!cache = !tenon.kv_cache<layers = 3, heads = 2, capacity = 128, head_dim = 4, element = f32>
module attributes {tenon.max_chunk = 8 : i64} {
  // CHECK-SAME: %[[CACHE:[^:]*]]: memref<32768xi8>,
  // CHECK-SAME: %[[T:[^:]*]]: index, %[[POS:[^:]*]]: index, %[[ROWS:[^:]*]]: index, %{{[^:]*}}: index)
  func.func @cached(%qkv: tensor<?x32xf32>, %rows: index, %pos: index, %other: !small, %cache: !cache) -> tensor<?x16xf32> {
    %i = arith.constant 2 : index
    // CHECK: memref.expand_shape %{{.*}} {{\[\[}}0], [1, 2]] output_shape [%[[T]], 4, 4]
    // CHECK: %[[Q:.*]] = memref.transpose %{{.*}} : memref<?x4x4xf32, strided<[32, 4, 1]>> to memref<4x?x4xf32, strided<[4, 32, 1]>>
    %q0 = tenon.slice %qkv {offset = 0 : i64} : tensor<?x32xf32> -> tensor<?x16xf32>
    %k0 = tenon.slice %qkv {offset = 16 : i64} : tensor<?x32xf32> -> tensor<?x8xf32>
    %v0 = tenon.slice %qkv {offset = 24 : i64} : tensor<?x32xf32> -> tensor<?x8xf32>
    %q = tenon.split_heads %q0 {heads = 4 : i64} : tensor<?x16xf32> -> tensor<4x?x4xf32>
    %k = tenon.split_heads %k0 {heads = 2 : i64} : tensor<?x8xf32> -> tensor<2x?x4xf32>
    %v = tenon.split_heads %v0 {heads = 2 : i64} : tensor<?x8xf32> -> tensor<2x?x4xf32>
    // CHECK: %[[LAYER:.*]] = arith.muli %c2, %c8192
    // CHECK: %[[K:.*]] = arith.addi %[[LAYER]], %c8192
    // CHECK: %[[KEYS:.*]] = memref.view %[[CACHE]][%[[K]]][] : memref<32768xi8> to memref<2x8x4x16xf32>
    // CHECK: %[[V:.*]] = arith.addi %[[LAYER]], %c12288
    // CHECK: %[[VALUES:.*]] = memref.view %[[CACHE]][%[[V]]][] : memref<32768xi8> to memref<2x128x4xf32>
    // CHECK: tenon.append_kv %{{.*}}, %{{.*}}, %[[KEYS]], %[[VALUES]] at %[[POS]] {tenon.label = "append_kv"}
    tenon.cache_append %k, %v, %cache[%i] at %pos : tensor<2x?x4xf32>, tensor<2x?x4xf32>, !cache
    // CHECK: %[[LENGTH:.*]] = arith.addi %[[POS]], %[[T]]
    // CHECK: tenon.block_attention %[[Q]], %[[KEYS]], %[[VALUES]] at %[[POS]] length %[[LENGTH]] into %[[O:.*]] {causal, scale = {{.*}}, tenon.label = "attention o", tile = #tenon.tile<rows = 4, columns = 128>, window = 64 : i64}
    %o = tenon.cached_attention %q, %cache[%i] at %pos {causal, scale = 0.5 : f32, tile = #tenon.tile<rows = 4, columns = 128>, window = 64 : i64} : (tensor<4x?x4xf32>, !cache) -> tensor<4x?x4xf32> loc("o")
    // CHECK: %[[TOKENS:.*]] = memref.transpose %[[O]]
    // CHECK: %[[M:.*]] = memref.collapse_shape %[[TOKENS]] {{\[\[}}0], [1, 2]]
    %m = tenon.merge_heads %o : tensor<4x?x4xf32> -> tensor<?x16xf32>
    // CHECK: %[[FIRST:.*]] = arith.subi %[[T]], %[[ROWS]]
    // CHECK: %[[LAST:.*]] = memref.subview %[[M]][%[[FIRST]], 0] [%[[ROWS]], 16]
    %l = tenon.last_rows %m, %rows : tensor<?x16xf32> -> tensor<?x16xf32>
    // CHECK: %[[OUT:.*]] = memref.subview %{{.*}}[0, 0] [%[[ROWS]], 16]
    // CHECK: tenon.scale %[[LAST]] into %[[OUT]]
    %y = tenon.scale %l {factor = 2.0 : f32} : (tensor<?x16xf32>) -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// The source's keys are all there: their number is an argument of its own. What
// returns nothing has an output of no elements.

// CHECK-LABEL: func.func @cross
!self = !tenon.kv_cache<layers = 2, heads = 1, capacity = 128, head_dim = 4, element = f32, sequences = 2>
!source = !tenon.kv_cache<layers = 3, heads = 2, capacity = 128, head_dim = 4, element = f32, sequences = 2>
!one = !tenon.kv_cache<layers = 3, heads = 2, capacity = 128, head_dim = 4, element = f32>
module attributes {tenon.max_chunk = 8 : i64} {
  // CHECK-SAME: %[[CACHE:[^:]*]]: memref<24576xi8>,
  // CHECK-SAME: %[[T:[^:]*]]: index, %[[POS:[^:]*]]: index, %[[ROWS:[^:]*]]: index, %[[SOURCE:[^:]*]]: index)
  func.func @cross(%x: tensor<?x8xf32>, %cache: !one, %length: index {tenon.name = "source_length"}) -> tensor<?x8xf32> {
    %i = arith.constant 2 : index
    %q = tenon.split_heads %x {heads = 2 : i64} : tensor<?x8xf32> -> tensor<2x?x4xf32>
    // CHECK: tenon.block_attention %{{.*}}, %{{.*}}, %{{.*}} at %{{c0[_0-9]*}} length %[[SOURCE]] into
    %o = tenon.cached_attention %q, %cache[%i] at %length {scale = 0.5 : f32} : (tensor<2x?x4xf32>, !one) -> tensor<2x?x4xf32>
    %m = tenon.merge_heads %o : tensor<2x?x4xf32> -> tensor<?x8xf32>
    return %m : tensor<?x8xf32>
  }

  // A sequence has its caches side by side: 8192 bytes, then 24576.
  // CHECK-LABEL: func.func @batch
  // CHECK-SAME: memref<65536xi8>
  func.func @batch(%x: tensor<2x8xf32>, %self: !self, %cache: !source, %lengths: tensor<2xi32>) -> tensor<2x8xf32> {
    %i = arith.constant 2 : index
    %q = tenon.split_heads %x {heads = 2 : i64} : tensor<2x8xf32> -> tensor<2x2x4xf32>
    // CHECK: scf.forall (%[[ROW:.*]]) in (2)
    // CHECK: %[[LENGTH:.*]] = arith.index_cast %{{.*}} : i32 to index
    // CHECK: %[[SEQUENCE:.*]] = arith.muli %[[ROW]], %{{c32768[_0-9]*}}
    // CHECK: %[[LAYER:.*]] = arith.addi %[[SEQUENCE]], %{{.*}}
    // CHECK: arith.addi %[[LAYER]], %{{c8192[_0-9]*}}
    // CHECK: tenon.block_attention {{.*}} at %{{c0[_0-9]*}} length %[[LENGTH]] into
    %o = tenon.cached_attention %q, %cache[%i] at rows(%lengths : tensor<2xi32>) {scale = 0.5 : f32} : (tensor<2x2x4xf32>, !source) -> tensor<2x2x4xf32>
    %m = tenon.merge_heads %o : tensor<2x2x4xf32> -> tensor<2x8xf32>
    return %m : tensor<2x8xf32>
  }

  // CHECK-LABEL: func.func @encode
  // CHECK-SAME: memref<24576xi8>, %{{[^:]*}}: memref<8x8xf32>, %{{[^:]*}}: memref<0xf32>
  func.func @encode(%x: tensor<?x8xf32>, %cache: !one) {
    %i = arith.constant 2 : index
    %c0 = arith.constant 0 : index
    %k = tenon.split_heads %x {heads = 2 : i64} : tensor<?x8xf32> -> tensor<2x?x4xf32>
    // CHECK: tenon.append_kv
    tenon.cache_append %k, %k, %cache[%i] at %c0 : tensor<2x?x4xf32>, tensor<2x?x4xf32>, !one
    // CHECK: return
    return
  }
}

// -----

// Without a cache, keys and values go to scratch blocks first.

// CHECK-LABEL: func.func @encoder
module attributes {tenon.max_chunk = 130 : i64} {
  // CHECK-SAME: %[[T:[^:]*]]: index, %[[POS:[^:]*]]: index, %[[ROWS:[^:]*]]: index, %{{[^:]*}}: index)
  func.func @encoder(%x: tensor<?x8xf32>, %valid: tensor<?xi32>) -> tensor<?x8xf32> {
    %q = tenon.split_heads %x {heads = 2 : i64} : tensor<?x8xf32> -> tensor<2x?x4xf32>
    // CHECK: %[[KEYS:.*]] = memref.alloc() : memref<2x16x4x16xf32>
    // CHECK: %[[VALUES:.*]] = memref.alloc() : memref<2x256x4xf32>
    // CHECK: tenon.append_kv %[[Q:.*]], %[[Q]], %[[KEYS]], %[[VALUES]] at %c0
    // CHECK: tenon.block_attention %[[Q]], %[[KEYS]], %[[VALUES]] at %c0 length %[[T]] valid(%{{.*}} : memref<?xi32, strided<[1]>>) into
    %o = tenon.attention %q, %q, %q valid(%valid) {scale = 0.5 : f32} : (tensor<2x?x4xf32>, tensor<2x?x4xf32>, tensor<2x?x4xf32>, tensor<?xi32>) -> tensor<2x?x4xf32>
    %m = tenon.merge_heads %o : tensor<2x?x4xf32> -> tensor<?x8xf32>
    // CHECK: tenon.copy
    return %m : tensor<?x8xf32>
  }
}
