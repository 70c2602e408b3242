// RUN: tenon-opt %s --tenon-select-tiles --tenon-linear-to-vector --tenon-unroll --tenon-unpack-to-vector --split-input-file | FileCheck %s

#avx512 = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16"]>
module attributes {tenon.target = #avx512} {
  // Rows by eight, then 4, 2 and 1 of what is left; two accumulators a row.
  // CHECK-LABEL: func.func @many_rows
  // CHECK: scf.for {{.*}} step %c8
  // CHECK: %{{.*}}:16 = scf.for
  // CHECK-COUNT-2: vector.load {{.*}} : memref<1x20x32x1xf32>, vector<16xf32>
  // CHECK: memref.load {{.*}} : memref<?x20xf32>
  // CHECK-COUNT-16: vector.fma
  // CHECK: scf.yield
  // CHECK-COUNT-16: vector.store {{.*}} : memref<?x32xf32>
  // CHECK: %[[REST:.*]] = arith.remui %{{.*}}, %c4
  // CHECK: scf.for {{.*}} step %c4
  // CHECK: %{{.*}}:8 = scf.for
  // CHECK: arith.andi %[[REST]]
  // CHECK: scf.if
  // CHECK: %{{.*}}:4 = scf.for
  // CHECK: scf.if
  // CHECK: %{{.*}}:2 = scf.for
  // CHECK-NOT: tenon.linear
  func.func @many_rows(%x: memref<?x20xf32>, %w: memref<1x20x32x1xf32>, %y: memref<?x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 8, columns = 32>} : (memref<?x20xf32>, memref<1x20x32x1xf32>, memref<?x32xf32>) -> ()
    return
  }

  // One row takes four panels, the last of them in part: 7 vectors, of which
  // one is masked.
  // CHECK-LABEL: func.func @one_row
  // CHECK: %{{.*}}:7 = scf.for
  // CHECK-COUNT-7: vector.load {{.*}} : memref<4x6x32x1xf32>, vector<16xf32>
  // CHECK-COUNT-7: vector.fma
  // CHECK-COUNT-6: vector.store
  // CHECK: vector.maskedstore
  // CHECK-NOT: scf.for
  func.func @one_row(%x: memref<1x6xf32>, %w: memref<4x6x32x1xf32>, %y: memref<1x109xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 1, columns = 32, group = 4>} : (memref<1x6xf32>, memref<4x6x32x1xf32>, memref<1x109xf32>) -> ()
    return
  }

  // Pairs of bf16; the last of an odd depth is filled with zero.
  // CHECK-LABEL: func.func @pairs
  // CHECK: scf.for
  // CHECK: vector.load {{.*}} : memref<1x4x32x2xbf16>, vector<32xbf16>
  // CHECK: vector.load {{.*}} : memref<1x7xbf16>, vector<2xbf16>
  // CHECK: vector.bitcast {{.*}} : vector<16xi32> to vector<32xbf16>
  // CHECK: micro.dot2_bf16
  // CHECK: scf.yield
  // CHECK: vector.from_elements {{.*}} : vector<2xbf16>
  // CHECK: micro.dot2_bf16
  func.func @pairs(%x: memref<1x7xbf16>, %w: memref<1x4x32x2xbf16>, %y: memref<1x16xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 1, columns = 32>} : (memref<1x7xbf16>, memref<1x4x32x2xbf16>, memref<1x16xf32>) -> ()
    return
  }

  // With an f32 input the two numbers of a pair are widened, and multiplied in
  // order: the same chain as with k = 1.
  // CHECK-LABEL: func.func @widened_pairs
  // CHECK: scf.for
  // CHECK: %[[PAIRS:.*]] = vector.load %{{.*}} : memref<1x4x32x2xbf16>, vector<32xbf16>
  // CHECK: %[[WORDS:.*]] = vector.bitcast %[[PAIRS]] : vector<32xbf16> to vector<16xi32>
  // CHECK: %[[EVEN:.*]] = arith.shli %[[WORDS]]
  // CHECK: %[[EVENS:.*]] = vector.bitcast %[[EVEN]] : vector<16xi32> to vector<16xf32>
  // CHECK: %[[FIRST:.*]] = vector.fma %[[EVENS]]
  // CHECK: %[[AGAIN:.*]] = vector.bitcast %{{.*}} : vector<32xbf16> to vector<16xi32>
  // CHECK: %[[ODD:.*]] = arith.andi %[[AGAIN]]
  // CHECK: %[[ODDS:.*]] = vector.bitcast %[[ODD]] : vector<16xi32> to vector<16xf32>
  // CHECK: vector.fma %[[ODDS]], %{{.*}}, %[[FIRST]]
  // Behind seven columns there is no eighth.
  // CHECK: arith.shli
  // CHECK-NOT: arith.andi
  func.func @widened_pairs(%x: memref<1x7xf32>, %w: memref<1x4x32x2xbf16>, %y: memref<1x16xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 1, columns = 32>} : (memref<1x7xf32>, memref<1x4x32x2xbf16>, memref<1x16xf32>) -> ()
    return
  }

  // The epilogue is in registers: bias, activation of the gate, product,
  // residual. The accumulators of gate and up are halves of a panel.
  // CHECK-LABEL: func.func @gated
  // CHECK: %[[SUM:.*]]:2 = scf.for
  // CHECK: vector.load %{{.*}}[%c0{{.*}}, %{{.*}}, %c0{{.*}}, %c0{{.*}}] : memref<1x8x32x1xbf16>, vector<16xbf16>
  // CHECK: arith.extf
  // CHECK: vector.load %{{.*}}[%c0{{.*}}, %{{.*}}, %c16{{.*}}, %c0{{.*}}] : memref<1x8x32x1xbf16>, vector<16xbf16>
  // CHECK: scf.yield
  // CHECK: %[[BIAS:.*]] = vector.load %{{.*}} : memref<32xf32>
  // CHECK: %[[UPBIAS:.*]] = vector.load %{{.*}} : memref<32xf32>
  // CHECK: arith.addf %[[SUM]]#0, %[[BIAS]]
  // CHECK: %[[UP:.*]] = arith.addf %[[SUM]]#1, %[[UPBIAS]]
  // CHECK: %[[PRODUCT:.*]] = arith.mulf %{{.*}}, %[[UP]]
  // CHECK: %[[RESIDUAL:.*]] = vector.load
  // CHECK: arith.addf %[[PRODUCT]], %[[RESIDUAL]]
  // CHECK: arith.truncf
  // CHECK: vector.store {{.*}} : memref<1x16xbf16>
  func.func @gated(%x: memref<1x8xf32>, %w: memref<1x8x32x1xbf16>, %b: memref<32xf32>, %r: memref<1x16xf32>, %y: memref<1x16xbf16>) {
    tenon.linear %x, %w bias(%b) residual(%r) into %y {gated, activation = #tenon.activation_kind<silu>} : (memref<1x8xf32>, memref<1x8x32x1xbf16>, memref<32xf32>, memref<1x16xf32>, memref<1x16xbf16>) -> ()
    return
  }
}

// -----

#sse = #tenon.target<cpu = "x86-64-v2", features = "", vector_bits = 128, registers = 16, l1 = 32768, l2 = 1048576, l3 = 33554432>
module attributes {tenon.target = #sse} {
  // Without fused multiply-add: two operations. Three rows are one tile.
  // CHECK-LABEL: func.func @portable
  // CHECK: scf.for
  // CHECK: %{{.*}}:6 = scf.for
  // CHECK-NOT: fma
  // CHECK: arith.mulf {{.*}} : vector<4xf32>
  // CHECK: arith.addf {{.*}} : vector<4xf32>
  // CHECK: %{{.*}}:2 = scf.for
  func.func @portable(%x: memref<4x5xf32>, %w: memref<2x5x32x1xf32>, %y: memref<4x36xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 3, columns = 8>} : (memref<4x5xf32>, memref<2x5x32x1xf32>, memref<4x36xf32>) -> ()
    return
  }

  // A plain weight has no kernel here, and pairs none without the instruction.
  // CHECK-LABEL: func.func @declined
  // CHECK: tenon.linear
  func.func @declined(%x: memref<1x4xbf16>, %w: memref<1x2x32x2xbf16>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y : (memref<1x4xbf16>, memref<1x2x32x2xbf16>, memref<1x32xf32>) -> ()
    return
  }

  // CHECK-LABEL: func.func @tensors
  // CHECK: tenon.linear
  func.func @tensors(%x: tensor<1x4xf32>, %w: tensor<32x4xf32>) -> tensor<1x32xf32> {
    %y = tenon.linear %x, %w : (tensor<1x4xf32>, tensor<32x4xf32>) -> tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }
}

// -----

#avx2 = #tenon.target<cpu = "znver3", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 524288, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma"]>
module attributes {tenon.target = #avx2} {
  // Weights of both halves are read as they lie: first the gates' registers,
  // then the products'.
  // CHECK-LABEL: func.func @gated_forward
  // CHECK: %[[SUM:.*]]:4 = scf.for
  // CHECK: vector.load %{{.*}}[%{{.*}}, %{{.*}}, %c0{{.*}}, %{{.*}}] : memref<1x8x32x1xf32>
  // CHECK: vector.load %{{.*}}[%{{.*}}, %{{.*}}, %c8{{.*}}, %{{.*}}] : memref<1x8x32x1xf32>
  // CHECK: vector.load %{{.*}}[%{{.*}}, %{{.*}}, %c16{{.*}}, %{{.*}}] : memref<1x8x32x1xf32>
  // CHECK: vector.load %{{.*}}[%{{.*}}, %{{.*}}, %c24{{.*}}, %{{.*}}] : memref<1x8x32x1xf32>
  // CHECK: arith.mulf %[[SUM]]#0, %[[SUM]]#2
  // CHECK: arith.mulf %[[SUM]]#1, %[[SUM]]#3
  func.func @gated_forward(%x: memref<1x8xf32>, %w: memref<1x8x32x1xf32>, %y: memref<1x16xf32>) {
    tenon.linear %x, %w into %y {gated, plan = #tenon.plan<panels = 1>} : (memref<1x8xf32>, memref<1x8x32x1xf32>, memref<1x16xf32>) -> ()
    return
  }
}

// -----

#words = #tenon.target<cpu = "znver3", features = "", vector_bits = 256, registers = 16, l1 = 32768, l2 = 524288, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma"]>
module attributes {tenon.target = #words} {
  // One row of activations of 16 bits meets weights of 8 in words: of a chunk
  // two products of pairs for each of the four vectors, where two terms times
  // two planes of bytes were four.
  // CHECK-LABEL: func.func @words
  // CHECK: arith.shli {{.*}} : vector<32xi16>
  // CHECK-NOT: micro.dot2_i8
  // CHECK-COUNT-128: micro.dot2_i16 {{.*}} : vector<8xi32>, vector<16xi16>
  // CHECK-NOT: micro.dot2
  // CHECK: return
  func.func @words(%x: memref<1x2x!tenon.int8_group<residual>>, %w: memref<1x1x!tenon.superblock<q8_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<panels = 1, stream_vectors = 2>} : (memref<1x2x!tenon.int8_group<residual>>, memref<1x1x!tenon.superblock<q8_0, 32>>, memref<1x32xf32>) -> ()
    return
  }

  // Several rows' words are in memory, and read at a place that LLVM doesn't know; each chunk of weights is widened once for them.
  // CHECK-LABEL: func.func @words_of_rows
  // CHECK: memref.alloca() {{.*}} : memref<1x4x8xi64>
  // CHECK: vector.store {{.*}} : memref<1x4x8xi64>, vector<8xi64>
  // CHECK-COUNT-2: arith.extui {{.*}} : vector<16xi8> to vector<16xi16>
  // CHECK-COUNT-4: vector.broadcast {{.*}} : i64 to vector<4xi64>
  // CHECK: arith.extui {{.*}} : vector<16xi8> to vector<16xi16>
  // CHECK-NOT: micro.dot2_i8
  // CHECK: return
  func.func @words_of_rows(%x: memref<4x2x!tenon.int8_group<residual>>, %w: memref<1x1x!tenon.superblock<q8_0, 32>>, %y: memref<4x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<stream_rows = 4, stream_vectors = 2, unpack_from = 9>} : (memref<4x2x!tenon.int8_group<residual>>, memref<1x1x!tenon.superblock<q8_0, 32>>, memref<4x32xf32>) -> ()
    return
  }

  // Half-bytes have chains long enough.
  // CHECK-LABEL: func.func @bytes
  // CHECK: micro.dot2_i8
  func.func @bytes(%x: memref<1x2x!tenon.int8_group<residual>>, %w: memref<1x1x!tenon.superblock<q4_0, 32>>, %y: memref<1x32xf32>) {
    tenon.linear %x, %w into %y {plan = #tenon.plan<panels = 1, stream_vectors = 2>} : (memref<1x2x!tenon.int8_group<residual>>, memref<1x1x!tenon.superblock<q4_0, 32>>, memref<1x32xf32>) -> ()
    return
  }
}

// -----

#vnni = #tenon.target<cpu = "znver4", features = "", vector_bits = 512, registers = 32, l1 = 32768, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni"]>
module attributes {tenon.target = #vnni} {
  // Integers of 2 bits are unpacked to the highest bits of their bytes, no
  // higher: their zero point of 1 becomes 64, not 128 as that of others.
  // CHECK-LABEL: func.func @two_bits
  // CHECK: arith.constant dense<-64> : vector<64xi8>
  // CHECK-NOT: dense<-128> : vector<64xi8>
  // CHECK: micro.dot4_i8
  func.func @two_bits(%x: memref<6x8x!tenon.int8_group>, %w: memref<1x1x!tenon.superblock<tq2_0, 32>>, %y: memref<6x32xf32>) {
    tenon.linear %x, %w into %y {tile = #tenon.tile<rows = 6, columns = 32>, plan = #tenon.plan<stream_rows = 4, unpack_from = 1>} : (memref<6x8x!tenon.int8_group>, memref<1x1x!tenon.superblock<tq2_0, 32>>, memref<6x32xf32>) -> ()
    return
  }
}
