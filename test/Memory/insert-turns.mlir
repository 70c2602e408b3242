// RUN: tenon-opt %s --split-input-file --tenon-insert-turns | FileCheck %s
// RUN: tenon-opt %s --split-input-file --tenon-insert-turns --tenon-bufferize | FileCheck %s --check-prefix=MEMORY
// RUN: tenon-opt %s --split-input-file --tenon-insert-turns --tenon-statistics 2>&1 >/dev/null | FileCheck %s --check-prefix=COUNT

// COUNT-DAG: tenon-insert-turns: 8 sections
// COUNT-DAG: tenon-insert-turns: 3 long

// A layer of a weight is a section; so is a weight outside of loops, from the first to the last that adds to it.
// MEMORY-DAG: func.func private @tenon_await_turn(index)
// MEMORY-DAG: func.func private @tenon_pass_turn(index)
module attributes {tenon.max_chunk = 64 : i64} {
  tenon.weight @e : tensor<40x8xf32> from [#tenon.source<"e", tensor<40x8xf32>>]
  tenon.weight @w : tensor<3x8x8xf32> from [#tenon.source<"{i}.w", tensor<8x8xf32>>] stacked
  tenon.weight @all : tensor<8x8xf32> from [#tenon.source<"all", tensor<8x8xf32>>]
  // CHECK-LABEL: func.func @gradient
  // MEMORY-LABEL: func.func @gradient
  func.func @gradient(%t: tensor<?xi32>, %x: tensor<?x8xf32>, %y: tensor<?x40xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    // CHECK: tenon.gradient @e
    // CHECK-NEXT: tenon.await_turn 0{{$}}
    // CHECK-NEXT: tenon.weight_gradient
    // CHECK-NEXT: scf.for %[[I:.*]] =
    // MEMORY: %[[ZERO:.*]] = arith.constant 0 : index
    // MEMORY: call @tenon_await_turn(%{{.*}}) : (index) -> ()
    // MEMORY: tenon.weight_gradient
    %g = tenon.gradient @e : memref<40x8xf32>
    tenon.weight_gradient %y, %x into %g : tensor<?x40xf32>, tensor<?x8xf32>, memref<40x8xf32>
    scf.for %i = %c0 to %c3 step %c1 {
      %layer = arith.subi %c2, %i : index
      // CHECK: tenon.gradient @w
      // CHECK-NEXT: tenon.await_turn 1[%[[I]]]
      // CHECK-NEXT: tenon.weight_gradient
      // CHECK-NEXT: tenon.pass_turn 1[%[[I]]]
      // MEMORY: %[[PLACE:.*]] = arith.addi %c1{{(_[0-9]+)?}}, %{{.*}} : index
      // MEMORY-NEXT: call @tenon_await_turn(%[[PLACE]])
      // MEMORY: tenon.weight_gradient
      // MEMORY: call @tenon_pass_turn(%
      %gw = tenon.gradient @w[%layer] : memref<8x8xf32>
      tenon.weight_gradient %x, %x into %gw : tensor<?x8xf32>, tensor<?x8xf32>, memref<8x8xf32>
      // One that all layers share is passed after the loop.
      // CHECK: tenon.gradient @all
      // CHECK-NEXT: tenon.await_turn 4{{$}}
      // CHECK-NEXT: tenon.weight_gradient
      // CHECK-NEXT: }
      // CHECK-NEXT: tenon.pass_turn 4{{$}}
      %ga = tenon.gradient @all : memref<8x8xf32>
      tenon.weight_gradient %x, %x into %ga : tensor<?x8xf32>, tensor<?x8xf32>, memref<8x8xf32>
    }
    // CHECK: tenon.embedding_gradient
    // CHECK-NEXT: tenon.pass_turn 0{{$}}
    tenon.embedding_gradient %t, %x into %g : tensor<?xi32>, tensor<?x8xf32>, memref<40x8xf32>
    return
  }
}

// -----

// Layers that some trips share, and of a loop that does not count from 0: one section.
module attributes {tenon.max_chunk = 64 : i64} {
  tenon.weight @w : tensor<3x8x8xf32> from [#tenon.source<"{i}.w", tensor<8x8xf32>>] stacked
  tenon.weight @v : tensor<3x8x8xf32> from [#tenon.source<"{i}.v", tensor<8x8xf32>>] stacked
  // CHECK-LABEL: func.func @gradient
  func.func @gradient(%x: tensor<?x8xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    scf.for %i = %c0 to %c2 step %c1 {
      // CHECK: tenon.await_turn 0{{$}}
      // CHECK: tenon.weight_gradient
      %g = tenon.gradient @w[%i] : memref<8x8xf32>
      tenon.weight_gradient %x, %x into %g : tensor<?x8xf32>, tensor<?x8xf32>, memref<8x8xf32>
      // CHECK-NOT: tenon.await_turn
      // CHECK: tenon.weight_gradient
      %next = arith.addi %i, %c1 : index
      %h = tenon.gradient @w[%next] : memref<8x8xf32>
      tenon.weight_gradient %x, %x into %h : tensor<?x8xf32>, tensor<?x8xf32>, memref<8x8xf32>
    }
    // CHECK: tenon.pass_turn 0{{$}}
    scf.for %i = %c1 to %c3 step %c1 {
      // CHECK: tenon.await_turn 1{{$}}
      %g = tenon.gradient @v[%i] : memref<8x8xf32>
      tenon.weight_gradient %x, %x into %g : tensor<?x8xf32>, tensor<?x8xf32>, memref<8x8xf32>
    }
    // CHECK: tenon.pass_turn 1{{$}}
    return
  }
}

// -----

// Head and loss await their turn where they add.
module attributes {tenon.max_chunk = 64 : i64} {
  tenon.weight @e : tensor<97x64xf32> from [#tenon.source<"e", tensor<97x64xf32>>]
  // CHECK-LABEL: func.func @gradient
  // MEMORY-LABEL: func.func @gradient
  func.func @gradient(%x: tensor<?x64xf32>, %t: tensor<?xi32>) {
    %w = tenon.weight_ref @e : tensor<97x64xf32>
    %g = tenon.gradient @e : memref<97x64xf32>
    // CHECK-NOT: await_turn
    // CHECK: tenon.head_loss {{.*}} {rows = 128 : i64, tenon.turn = 0 : i64}
    // CHECK-NEXT: tenon.pass_turn 0
    // MEMORY: scf.for
    // MEMORY: tenon.weight_product {{.*}}flipped
    // MEMORY: call @tenon_await_turn
    // MEMORY-NEXT: tenon.weight_gradient
    // MEMORY: }
    // MEMORY: call @tenon_pass_turn
    %l, %dx = tenon.head_loss %x, %w, %t into %g {rows = 128 : i64}
      : (tensor<?x64xf32>, tensor<97x64xf32>, tensor<?xi32>, memref<97x64xf32>) -> (tensor<?x1xf32>, tensor<?x64xf32>)
    return
  }
}
