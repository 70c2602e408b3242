// RUN: tenon-opt %s --tenon-to-llvm --split-input-file -verify-diagnostics | FileCheck %s

// Entry points get a wrapper that unpacks the frame; all else is internal.

// CHECK-NOT: tenon.weight @
// CHECK: llvm.func internal @decode(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64)
// CHECK: llvm.func @tenon_entry_decode(%[[FRAME:.*]]: !llvm.ptr)
// CHECK: %[[P:.*]] = llvm.getelementptr %[[FRAME]][0, 3] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<(ptr, ptr, ptr, ptr, i64, i64, i64, i64)>
// CHECK: %[[BUFFERS:.*]] = llvm.load %[[P]] : !llvm.ptr -> !llvm.ptr
// CHECK: llvm.getelementptr %[[BUFFERS]][0] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
// CHECK: llvm.getelementptr %[[BUFFERS]][1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
// CHECK: llvm.getelementptr %[[FRAME]][0, 4]
// CHECK: llvm.call @decode(
module {
  tenon.weight @w : tensor<4xf32> from [#tenon.source<"w", tensor<4xf32>>] {offset = 0 : i64}
  func.func @decode(%w: memref<64xi8>, %a: memref<64xi8>, %c: memref<0xi8>, %x: memref<4xf32>, %y: memref<4xf32>, %t: index, %p: index, %r: index, %s: index) attributes {tenon.entry} {
    %v = vector.load %x[%p] : memref<4xf32>, vector<4xf32>
    vector.store %v, %y[%r] : memref<4xf32>, vector<4xf32>
    return
  }
}

// -----

// What kernels are made of: an address from a context, noalias arguments,
// masks, strided views, functions of the math dialect, bf16 without its
// instructions.

// CHECK: llvm.func internal @kernel(%[[P:.*]]: !llvm.ptr
// CHECK-NOT: builtin.unrealized_conversion_cast
// CHECK: llvm.insertvalue %[[P]]
// CHECK: llvm.call @tasks(
// CHECK: llvm.func internal @tasks(%{{.*}}: !llvm.ptr {llvm.noalias}
// CHECK: llvm.intr.masked.load
// CHECK-NOT: llvm.call
// CHECK: llvm.intr.fma
// CHECK: llvm.lshr
// CHECK: llvm.trunc {{.*}} : vector<16xi32> to vector<16xi16>
module {
  func.func private @kernel(%p: !llvm.ptr, %n: index) {
    %m = builtin.unrealized_conversion_cast %p : !llvm.ptr to memref<4096xi8>
    call @tasks(%m, %n) : (memref<4096xi8>, index) -> ()
    return
  }
  func.func private @tasks(%m: memref<4096xi8> {llvm.noalias}, %n: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2048 = arith.constant 2048 : index
    %v = memref.view %m[%c0][%n] : memref<4096xi8> to memref<?x20xf32>
    %b = memref.view %m[%c2048][] : memref<4096xi8> to memref<20xbf16>
    %s = memref.subview %v[%n, 4] [1, 16] [1, 1] : memref<?x20xf32> to memref<1x16xf32, strided<[20, 1], offset: ?>>
    %zero = arith.constant dense<0.0> : vector<16xf32>
    %mask = vector.create_mask %n : vector<16xi1>
    scf.for %i = %c0 to %n step %c1 {
      %x = vector.maskedload %s[%c0, %c0], %mask, %zero : memref<1x16xf32, strided<[20, 1], offset: ?>>, vector<16xi1>, vector<16xf32> into vector<16xf32>
      %e = math.exp %x : vector<16xf32>
      %t = arith.truncf %e : vector<16xf32> to vector<16xbf16>
      vector.store %t, %b[%c0] : memref<20xbf16>, vector<16xbf16>
    }
    return
  }
}

// -----

module {
  func.func @f(%x: memref<4xf32>) {
    // expected-error @+1 {{has no kernel: no pass has lowered it to vectors}}
    tenon.scale %x into %x {factor = 2.0 : f32} : (memref<4xf32>, memref<4xf32>) -> ()
    return
  }
}
