// RUN: tenon-opt %s --tenon-apply-tiles --split-input-file -verify-diagnostics

func.func @plain(%x: memref<?x64xf32>, %w: memref<128x64xf32>, %y: memref<?x128xf32>) {
  // expected-error @+1 {{needs a weight packed in panels, found 'memref<128x64xf32>'}}
  tenon.linear %x, %w into %y : (memref<?x64xf32>, memref<128x64xf32>, memref<?x128xf32>) -> ()
  return
}

// -----

func.func @columns(%x: memref<?x64xf32>, %w: memref<4x64x32x1xf32>, %y: memref<?x96xf32>) {
  // expected-error @+1 {{has 96 columns, the weight 'memref<4x64x32x1xf32>' gives 4 panels of 32}}
  tenon.linear %x, %w into %y : (memref<?x64xf32>, memref<4x64x32x1xf32>, memref<?x96xf32>) -> ()
  return
}

// -----

// Panels of two groups.
func.func @groups(%x: memref<?x128xf32>, %w: memref<3x64x32x1xf32>, %y: memref<?x96xf32>) {
  // expected-error @+1 {{has groups of 96 / 2 columns, which panels of 32 don't fit}}
  tenon.linear %x, %w into %y {groups = 2 : i64} : (memref<?x128xf32>, memref<3x64x32x1xf32>, memref<?x96xf32>) -> ()
  return
}

// -----

func.func @two(%k: memref<2x1x4xf32>, %keys: memref<2x8x4x16xf32>, %values: memref<2x128x4xf32>, %i: index) {
  // expected-error @+1 {{must hold one dispatch of a constant number of tasks, and no prologue}}
  scf.forall (%row) in (3) {
    tenon.append_kv %k, %k, %keys, %values at %i : memref<2x1x4xf32>, memref<2x1x4xf32>, memref<2x8x4x16xf32>, memref<2x128x4xf32>
    tenon.append_kv %k, %k, %keys, %values at %i : memref<2x1x4xf32>, memref<2x1x4xf32>, memref<2x8x4x16xf32>, memref<2x128x4xf32>
  }
  return
}
