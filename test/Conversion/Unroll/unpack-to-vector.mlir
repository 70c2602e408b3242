// RUN: tenon-opt %s --tenon-unpack-to-vector --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

#avx512 = #tenon.target<cpu = "znver5", features = "", vector_bits = 512, registers = 32, l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = ["ssse3", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni", "avx512bf16"]>
module attributes {tenon.target = #avx512} {
  // A superblock of 2 groups has 2 x 16 scales of 16 bits, 64 bytes, and 4 lines of 64 bytes a group. Chunk 5 is the upper
  // half-bytes of line 1: of group 1 at 64 + 256 + 64 = 384; four bits up they need no shift. Columns 16 ... of the panel
  // are the next superblock, 576 bytes on.
  // CHECK-LABEL: func.func @four_bits
  // CHECK-DAG: %[[MASK:.*]] = arith.constant dense<-16> : vector<64xi8>
  // CHECK-DAG: %[[PLACE:.*]] = arith.constant 960 : index
  // CHECK: %[[BYTES:.*]] = tenon.element_bytes
  // CHECK: %[[LINE:.*]] = vector.load %[[BYTES]][%{{.*}}, %{{.*}}, %[[PLACE]]] : memref<4x8x1152xi8>, vector<64xi8>
  // CHECK: %[[V:.*]] = arith.andi %[[LINE]], %[[MASK]]
  // CHECK: return %[[V]]
  func.func @four_bits(%w: memref<4x8x!tenon.superblock<q4_0, 32>>, %p: index, %s: index) -> vector<64xi8> {
    %c1 = arith.constant 1 : index
    %c5 = arith.constant 5 : index
    %0 = micro.unpack %w[%p, %s, %c1, %c1], %c5 up 4 : memref<4x8x!tenon.superblock<q4_0, 32>>, vector<64xi8>
    return %0 : vector<64xi8>
  }

  // Scales of group 1 behind those of group 0, in f16.
  // CHECK-LABEL: func.func @scale
  // CHECK: %[[PLACE:.*]] = arith.constant 32 : index
  // CHECK: vector.load %{{.*}}[%{{.*}}, %{{.*}}, %[[PLACE]]] : memref<4x8x1152xi8>, vector<32xi8>
  // CHECK: arith.extf %{{.*}} : vector<16xf16> to vector<16xf32>
  func.func @scale(%w: memref<4x8x!tenon.superblock<q4_0, 32>>, %p: index, %s: index) -> vector<16xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %0 = micro.unpack_scale %w[%p, %s, %c1, %c0] half 0 : memref<4x8x!tenon.superblock<q4_0, 32>>, vector<16xf32>
    return %0 : vector<16xf32>
  }

  // CHECK-LABEL: func.func @broadcast
  // CHECK: %[[FOUR:.*]] = vector.load %{{.*}}[%{{.*}}, %{{.*}}] : memref<4x36xi8>, vector<4xi8>
  // CHECK: %[[WORD:.*]] = vector.bitcast %[[FOUR]] : vector<4xi8> to vector<1xi32>
  // CHECK: vector.broadcast %{{.*}} : {{.*}} to vector<16xi32>
  // CHECK: vector.bitcast %{{.*}} : vector<16xi32> to vector<64xi8>
  func.func @broadcast(%x: memref<4x36xi8>, %r: index, %c: index) -> vector<64xi8> {
    %0 = micro.broadcast4 %x[%r, %c] : memref<4x36xi8>, vector<64xi8>
    return %0 : vector<64xi8>
  }

  // The lines of a group of 16 columns, 5 of 64 bytes, are spread over 8 chunks: 0, 1, 1, 0, 1, ...; 8192 bytes are a little
  // less than 8 superblocks of 1152.
  // CHECK-LABEL: func.func @prefetch
  // CHECK: %[[AHEAD:.*]] = arith.addi %{{.*}}, %c8
  // CHECK-COUNT-1: memref.prefetch %{{.*}}[%{{.*}}, %[[AHEAD]], %{{.*}}], read, locality<2>, data
  // CHECK-NOT: memref.prefetch
  func.func @prefetch(%w: memref<4x8x!tenon.superblock<q4_0, 32>>, %p: index, %s: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    micro.prefetch_weights %w[%p, %s, %c0, %c0], %c0 {cache = 2 : i64, distance = 8192 : i64} : memref<4x8x!tenon.superblock<q4_0, 32>>
    micro.prefetch_weights %w[%p, %s, %c0, %c0], %c1 {cache = 2 : i64, distance = 8192 : i64} : memref<4x8x!tenon.superblock<q4_0, 32>>
    return
  }
}

// -----

func.func @unknown(%w: memref<4x8x!tenon.superblock<q4_0, 32>>, %p: index, %c: index) -> vector<64xi8> {
  // expected-error @+1 {{takes a chunk that only the running kernel knows}}
  %0 = micro.unpack %w[%p, %p, %p, %p], %c up 0 : memref<4x8x!tenon.superblock<q4_0, 32>>, vector<64xi8>
  return %0 : vector<64xi8>
}

// -----

func.func @bytes(%w: memref<4x8xi8>, %p: index) -> vector<64xi8> {
  // expected-error @+1 {{takes superblocks [panels, superblocks], found 'memref<4x8xi8>'}}
  %0 = micro.unpack %w[%p, %p, %p, %p], %p up 0 : memref<4x8xi8>, vector<64xi8>
  return %0 : vector<64xi8>
}
