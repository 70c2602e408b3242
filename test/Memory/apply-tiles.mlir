// RUN: tenon-opt %s --tenon-apply-tiles --cse --split-input-file | FileCheck %s

// Panels of a weight are tasks; the bias, the residual and the output are cut
// by the panel's columns, in place stays in place.

// CHECK-LABEL: func.func @panels
// CHECK-SAME: %[[X:[^:]*]]: memref<?x64xf32>, %[[W:[^:]*]]: memref<4x64x32x1xf32>, %[[B:[^:]*]]: memref<128xf32>, %[[Y:[^:]*]]: memref<?x128xf32>
func.func @panels(%x: memref<?x64xf32>, %w: memref<4x64x32x1xf32>, %b: memref<128xf32>, %y: memref<?x128xf32>, %t: index) {
  // CHECK: tenon.dispatch %[[T:.*]] of %c4 grain 1 label "linear block.w" {
  // CHECK: %[[N:.*]] = arith.muli %[[T]], %c32
  // CHECK: %[[WT:.*]] = memref.subview %[[W]][%[[T]], 0, 0, 0] [1, 64, 32, 1]
  // CHECK: %[[BT:.*]] = memref.subview %[[B]][%[[N]]] [32]
  // CHECK: %[[YT:.*]] = memref.subview %[[Y]][0, %[[N]]] [%{{.*}}, 32]
  // CHECK: tenon.linear %[[X]], %[[WT]] bias(%[[BT]]) residual(%[[YT]]) into %[[YT]] {activation = #tenon.activation_kind<gelu>, tile = #tenon.tile<rows = 8, columns = 32>}
  // CHECK-SAME: (memref<?x64xf32>, memref<1x64x32x1xf32, {{.*}}>, memref<32xf32, {{.*}}>, memref<?x32xf32, {{.*}}>, memref<?x32xf32, {{.*}}>) -> ()
  tenon.linear %x, %w bias(%b) residual(%y) into %y {activation = #tenon.activation_kind<gelu>, tenon.label = "linear block.w", tile = #tenon.tile<rows = 8, columns = 32>}
    : (memref<?x64xf32>, memref<4x64x32x1xf32>, memref<128xf32>, memref<?x128xf32>, memref<?x128xf32>) -> ()
  return
}

// -----

// Three groups of 64 columns, each of its third of the input: panels of a task
// are those of one group, so that 4 at once become 2.

// CHECK-LABEL: func.func @grouped
func.func @grouped(%x: memref<?x96xf32>, %w: memref<6x32x32x1xf32>, %y: memref<?x192xf32>) {
  // CHECK: tenon.dispatch %[[T:.*]] of %c3
  // CHECK: %[[G:.*]] = arith.divui %[[T]], %c1
  // CHECK: %[[FROM:.*]] = arith.muli %[[G]], %c32
  // CHECK: %[[XT:.*]] = memref.subview %{{.*}}[0, %[[FROM]]] [%{{.*}}, 32]
  // CHECK: memref.subview %{{.*}}[%{{.*}}, 0, 0, 0] [2, 32, 32, 1]
  // CHECK: tenon.linear %[[XT]], {{.*}} {tile = #tenon.tile<rows = 6, columns = 32, group = 4>} :
  tenon.linear %x, %w into %y {groups = 3 : i64, tile = #tenon.tile<rows = 6, columns = 32, group = 4>}
    : (memref<?x96xf32>, memref<6x32x32x1xf32>, memref<?x192xf32>) -> ()
  return
}

// -----

// 5 panels in groups of 2 for 75 gated columns: the last task has one panel
// and 11 columns. Few bytes: one chunk.

// CHECK-LABEL: func.func @tail
func.func @tail(%x: memref<1x64xf32>, %w: memref<5x64x32x1xf32>, %y: memref<1x75xf32>) {
  // CHECK: tenon.dispatch %[[T:.*]] of %c3 grain 3 label "linear" {
  // CHECK: %[[LAST:.*]] = arith.cmpi eq, %[[T]], %c2
  // CHECK: scf.if %[[LAST]] {
  // CHECK: memref.subview %{{.*}}[4, 0, 0, 0] [1, 64, 32, 1]
  // CHECK: memref.subview %{{.*}}[0, 64] [1, 11]
  // CHECK: tenon.linear
  // CHECK: } else {
  // CHECK: %[[P:.*]] = arith.muli %[[T]], %c2
  // CHECK: %[[N:.*]] = arith.muli %[[T]], %c32
  // CHECK: memref.subview %{{.*}}[%[[P]], 0, 0, 0] [2, 64, 32, 1]
  // CHECK: memref.subview %{{.*}}[0, %[[N]]] [1, 32]
  // CHECK: tenon.linear
  tenon.linear %x, %w into %y {gated, tile = #tenon.tile<columns = 32, group = 2>} : (memref<1x64xf32>, memref<5x64x32x1xf32>, memref<1x75xf32>) -> ()
  return
}

// -----

// One task: no views at all.

// CHECK-LABEL: func.func @whole
func.func @whole(%x: memref<1x64xf32>, %w: memref<4x64x32x1xf32>, %g: memref<64xf32>, %y: memref<1x128xf32>) {
  // CHECK: tenon.dispatch %{{.*}} of %c1 grain 1 label "rms_norm" {
  // CHECK-NEXT: tenon.rms_norm %arg0, %arg2 into %arg0
  tenon.rms_norm %x, %g into %x {eps = 1.0e-5 : f32, tile = #tenon.tile<>} : (memref<1x64xf32>, memref<64xf32>, memref<1x64xf32>) -> ()
  // CHECK: tenon.dispatch %{{.*}} of %c1 grain 1 label "linear" {
  // CHECK-NEXT: tenon.linear %arg0, %arg1 into %arg3
  tenon.linear %x, %w into %y {tile = #tenon.tile<columns = 32, group = 4>} : (memref<1x64xf32>, memref<4x64x32x1xf32>, memref<1x128xf32>) -> ()
  return
}

// -----

// Rows: what is a row in one operand may be whole in another, and positions
// move with the tile. Head tensors are cut by tokens.

// CHECK-LABEL: func.func @rows
// CHECK-SAME: %[[T:[^:]*]]: index, %[[POS:[^:]*]]: index
func.func @rows(%a: memref<65536xi8>, %x: memref<48x10xf32>, %g: memref<10xf32>, %table: memref<64x4xf32>, %t: index, %pos: index) {
  %c0 = arith.constant 0 : index
  %q = memref.view %a[%c0][%t] : memref<65536xi8> to memref<?x2x4xf32>
  %h = memref.transpose %q (d0, d1, d2) -> (d1, d0, d2) : memref<?x2x4xf32> to memref<2x?x4xf32, strided<[4, 8, 1]>>
  // T is the argument, not a field of a descriptor.
  // CHECK: %[[COUNT:.*]] = arith.ceildivui %[[T]], %c16
  // CHECK: tenon.dispatch %[[I:.*]] of %[[COUNT]] grain 1 label "rope" {
  // CHECK: %[[FIRST:.*]] = arith.muli %[[I]], %c16
  // CHECK: %[[LEFT:.*]] = arith.subi %[[T]], %[[FIRST]]
  // CHECK: %[[SIZE:.*]] = arith.minui %[[LEFT]], %c16
  // CHECK: %[[PART:.*]] = memref.subview %{{.*}}[0, %[[FIRST]], 0] [2, %[[SIZE]], 4]
  // CHECK: %[[AT:.*]] = arith.addi %[[POS]], %[[FIRST]]
  // CHECK: tenon.rope %[[PART]], %arg3 at %[[AT]] into %[[PART]]
  tenon.rope %h, %table at %pos into %h {tile = #tenon.tile<group = 16>} : (memref<2x?x4xf32, strided<[4, 8, 1]>>, memref<64x4xf32>, index, memref<2x?x4xf32, strided<[4, 8, 1]>>) -> ()
  // CHECK: tenon.dispatch %[[I:.*]] of %[[COUNT]] grain 1 label "rope" {
  // CHECK: tenon.rope %{{.*}}, %arg3 at %[[FIRST:.*]] into
  tenon.rope %h, %table into %h {tile = #tenon.tile<group = 16>} : (memref<2x?x4xf32, strided<[4, 8, 1]>>, memref<64x4xf32>, memref<2x?x4xf32, strided<[4, 8, 1]>>) -> ()
  // A static count that divides evenly needs no minimum.
  // CHECK: tenon.dispatch %[[J:.*]] of %c3 grain 1 label "add" {
  // CHECK-NOT: arith.minui
  // CHECK: %[[ROW:.*]] = memref.subview %arg1[%{{.*}}, 0] [16, 10]
  // CHECK: tenon.add %[[ROW]], %arg2 into %[[ROW]]
  tenon.add %x, %g into %x {tile = #tenon.tile<group = 16>} : (memref<48x10xf32>, memref<10xf32>, memref<48x10xf32>) -> ()
  return
}

// -----

// A causal mask depends on the token's place: cut by heads.

// CHECK-LABEL: func.func @mask
func.func @mask(%s: memref<3x40x40xf32>) {
  // CHECK: tenon.dispatch %[[H:.*]] of %c3 grain 1 label "causal_mask" {
  // CHECK: memref.subview %arg0[%[[H]], 0, 0] [1, 40, 40]
  tenon.causal_mask %s into %s : (memref<3x40x40xf32>, memref<3x40x40xf32>) -> ()
  return
}

// -----

// Prefill: key heads times tiles of queries; the two query heads of a key head
// are one task.

// CHECK-LABEL: func.func @prefill
func.func @prefill(%q: memref<4x?x8xf32, strided<[8, 32, 1]>>, %k: memref<2x16x8x16xf32>, %v: memref<2x256x8xf32>, %o: memref<4x?x8xf32, strided<[8, 32, 1]>>, %pos: index, %len: index) {
  // CHECK: %[[T:.*]] = memref.dim %arg0, %c1
  // CHECK: %[[TILES:.*]] = arith.ceildivui %[[T]], %c32
  // CHECK: %[[COUNT:.*]] = arith.muli %[[TILES]], %c2
  // CHECK: tenon.dispatch %[[I:.*]] of %[[COUNT]] grain 1 label "attention" {
  // CHECK: %[[GROUP:.*]] = arith.divui %[[I]], %[[TILES]]
  // CHECK: %[[TILE:.*]] = arith.remui %[[I]], %[[TILES]]
  // CHECK: %[[FIRST:.*]] = arith.muli %[[TILE]], %c32
  // CHECK: %[[SIZE:.*]] = arith.minui
  // CHECK: %[[HEAD:.*]] = arith.muli %[[GROUP]], %c2
  // CHECK: %[[AT:.*]] = arith.addi %arg4, %[[FIRST]]
  // CHECK: %[[Q:.*]] = memref.subview %arg0[%[[HEAD]], %[[FIRST]], 0] [2, %[[SIZE]], 8]
  // CHECK: %[[K:.*]] = memref.subview %arg1[%[[GROUP]], 0, 0, 0] [1, 16, 8, 16]
  // CHECK: %[[V:.*]] = memref.subview %arg2[%[[GROUP]], 0, 0] [1, 256, 8]
  // CHECK: %[[O:.*]] = memref.subview %arg3[%[[HEAD]], %[[FIRST]], 0] [2, %[[SIZE]], 8]
  // CHECK: tenon.block_attention %[[Q]], %[[K]], %[[V]] at %[[AT]] length %arg5 into %[[O]] {causal
  tenon.block_attention %q, %k, %v at %pos length %len into %o {causal, scale = 0.5 : f32, tenon.label = "attention", tile = #tenon.tile<rows = 32, columns = 128>}
    : memref<4x?x8xf32, strided<[8, 32, 1]>>, memref<2x16x8x16xf32>, memref<2x256x8xf32>, memref<4x?x8xf32, strided<[8, 32, 1]>>
  return
}

// -----

// Decode: key heads, each with all its query heads. One token's keys are
// written whole, those of many by heads.

// CHECK-LABEL: func.func @decode
func.func @decode(%q: memref<4x1x8xf32, strided<[8, 32, 1]>>, %k: memref<2x16x8x16xf32>, %v: memref<2x256x8xf32>, %o: memref<4x1x8xf32, strided<[8, 32, 1]>>, %pos: index, %new: memref<2x1x8xf32>, %many: memref<2x?x8xf32>) {
  // CHECK: tenon.dispatch %[[I:.*]] of %c2 grain 2 label "block_attention" {
  // CHECK: %[[HEAD:.*]] = arith.muli %[[I]], %c2
  // CHECK: memref.subview %arg0[%[[HEAD]], 0, 0] [2, 1, 8]
  // CHECK: memref.subview %arg1[%[[I]], 0, 0, 0] [1, 16, 8, 16]
  // CHECK: tenon.block_attention %{{.*}} at %arg4 length %arg4
  tenon.block_attention %q, %k, %v at %pos length %pos into %o {causal, scale = 0.5 : f32, tile = #tenon.tile<columns = 128>}
    : memref<4x1x8xf32, strided<[8, 32, 1]>>, memref<2x16x8x16xf32>, memref<2x256x8xf32>, memref<4x1x8xf32, strided<[8, 32, 1]>>
  // CHECK: tenon.dispatch %{{.*}} of %c1 grain 1 label "append_kv" {
  // CHECK-NEXT: tenon.append_kv %arg5, %arg5, %arg1, %arg2 at %arg4
  tenon.append_kv %new, %new, %k, %v at %pos : memref<2x1x8xf32>, memref<2x1x8xf32>, memref<2x16x8x16xf32>, memref<2x256x8xf32>
  // CHECK: tenon.dispatch %[[G:.*]] of %c2 grain 1 label "append_kv" {
  // CHECK: memref.subview %arg6[%[[G]], 0, 0] [1, %{{.*}}, 8]
  tenon.append_kv %many, %many, %k, %v at %pos : memref<2x?x8xf32>, memref<2x?x8xf32>, memref<2x16x8x16xf32>, memref<2x256x8xf32>
  return
}
