// RUN: tenon-opt %s --tenon-insert-calibration | FileCheck %s
// RUN: tenon-opt %s --tenon-insert-calibration --tenon-statistics 2>&1 >/dev/null | FileCheck %s --check-prefix=COUNT

// COUNT-DAG: tenon-insert-calibration: 2 observed
// COUNT-DAG: tenon-insert-calibration: 2 declined

// CHECK: func.func private @tenon_observe(index, index, index, index, index)
// CHECK-LABEL: func.func @forward
// CHECK-SAME: (%[[W:.*]]: memref<32768xi8>, %[[A:[^:]*]]: memref<?xi8>
func.func @forward(%weights: memref<32768xi8>, %arena: memref<?xi8>, %cache: memref<0xi8>, %x: memref<8x64xf32>,
                   %out: memref<8x32xf32>, %T: index, %position: index, %rows: index) attributes {tenon.entry} {
  %c0 = arith.constant 0 : index
  %place = arith.muli %position, %T : index
  %w = memref.view %weights[%place][] : memref<32768xi8> to memref<1x64x32x1xf32>
  // The rows that there are, and where they begin.
  %some = memref.subview %x[0, 0] [%T, 64] [1, 1] : memref<8x64xf32> to memref<?x64xf32, strided<[64, 1]>>
  %y = memref.subview %out[0, 0] [%T, 32] [1, 1] : memref<8x32xf32> to memref<?x32xf32, strided<[32, 1]>>
  // CHECK: %[[PLACE:.*]] = arith.muli %{{.*}}, %{{.*}} : index
  // CHECK: %{{.*}}, %[[OFFSET:.*]], %[[SIZES:.*]]:2, %[[STRIDES:.*]]:2 = memref.extract_strided_metadata %[[X:.*]] :
  // CHECK: %[[P:.*]] = memref.extract_aligned_pointer_as_index %[[X]]
  // CHECK: %[[BYTES:.*]] = arith.muli %[[OFFSET]], %c4
  // CHECK: %[[FIRST:.*]] = arith.addi %[[P]], %[[BYTES]]
  // CHECK: call @tenon_observe(%[[PLACE]], %[[FIRST]], %[[SIZES]]#0, %[[STRIDES]]#0, %c4
  // CHECK-NEXT: tenon.linear
  tenon.linear %some, %w into %y : (memref<?x64xf32, strided<[64, 1]>>, memref<1x64x32x1xf32>, memref<?x32xf32, strided<[32, 1]>>) -> ()
  // bf16: two bytes.
  %h = memref.view %arena[%c0][] : memref<?xi8> to memref<8x64xbf16>
  %pairs = memref.view %weights[%c0][] : memref<32768xi8> to memref<1x32x32x2xbf16>
  // CHECK: call @tenon_observe({{.*}}, %c2
  tenon.linear %h, %pairs into %out : (memref<8x64xbf16>, memref<1x32x32x2xbf16>, memref<8x32xf32>) -> ()
  // No weight, and no numbers.
  // CHECK-NOT: @tenon_observe
  %computed = memref.view %arena[%c0][] : memref<?xi8> to memref<1x64x32x1xf32>
  tenon.linear %x, %computed into %out : (memref<8x64xf32>, memref<1x64x32x1xf32>, memref<8x32xf32>) -> ()
  %groups = memref.view %arena[%c0][] : memref<?xi8> to memref<8x2x!tenon.int8_group>
  %blocks = memref.view %weights[%c0][] : memref<32768xi8> to memref<1x1x!tenon.superblock<q8_0, 32>>
  tenon.linear %groups, %blocks into %out : (memref<8x2x!tenon.int8_group>, memref<1x1x!tenon.superblock<q8_0, 32>>, memref<8x32xf32>) -> ()
  return
}
