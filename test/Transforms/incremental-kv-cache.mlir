// RUN: sed 's/PRECISION/f32/' %s | tenon-opt --tenon-incremental | FileCheck %s --check-prefix=F32
// RUN: sed 's/PRECISION/f16/' %s | tenon-opt --tenon-incremental | FileCheck %s --check-prefix=F16
// RUN: sed 's/PRECISION/int8/' %s | tenon-opt --tenon-incremental | FileCheck %s --check-prefix=INT8
// RUN: sed 's/PRECISION/f8/' %s | not tenon-opt --tenon-incremental 2>&1 | FileCheck %s --check-prefix=BAD

// The cache has the precision that the module asks for.

// The choice is told.
// F32: tenon.kv_cache = "f32"
// F16: tenon.kv_cache = "f16"
// INT8: tenon.kv_cache = "int8"
// F32-COUNT-2: head_dim = 8, element = f32>) ->
// F16-COUNT-2: head_dim = 8, element = f16>) ->
// INT8-COUNT-2: head_dim = 8, element = i8>) ->
// Without a wish: f16 beside weights in blocks, now or later.
// RUN: sed 's/, tenon.kv_cache = "PRECISION"//' %s | tenon-opt --tenon-incremental | FileCheck %s --check-prefix=F32
// RUN: sed 's/tenon.kv_cache = "PRECISION"/tenon.quantize = "int4"/' %s | tenon-opt --tenon-incremental | FileCheck %s --check-prefix=F16
// RUN: sed 's/tenon.kv_cache = "PRECISION"/tenon.quantize = "bf16"/' %s | tenon-opt --tenon-incremental | FileCheck %s --check-prefix=F32
// RUN: sed 's/, tenon.kv_cache = "PRECISION"//; s/64x32xf32/64x32x!tenon.block<q4_0>/g' %s | tenon-opt --tenon-incremental | FileCheck %s --check-prefix=F16

// BAD: a cache is of f32, f16 or int8, not of 'f8'

module attributes {tenon.kind = "decoder", tenon.context = 128 : i64, tenon.kv_cache = "PRECISION"} {
  func.func @forward(%q: tensor<?xi32>) -> tensor<?x32xf32> {
    %e = tenon.weight_ref @e : tensor<64x32xf32>
    %x = tenon.embedding %q, %e : (tensor<?xi32>, tensor<64x32xf32>) -> tensor<?x32xf32>
    %h = tenon.split_heads %x {heads = 4 : i64} : tensor<?x32xf32> -> tensor<4x?x8xf32>
    %o = tenon.attention %h, %h, %h {causal, scale = 0.35 : f32} : (tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
    %m = tenon.merge_heads %o : tensor<4x?x8xf32> -> tensor<?x32xf32>
    return %m : tensor<?x32xf32>
  }
  tenon.weight @e : tensor<64x32xf32> from [#tenon.source<"e", tensor<64x32xf32>>]
}
