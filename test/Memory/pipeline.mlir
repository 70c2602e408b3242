// The whole of it on a decoder: three buffers at most are alive at once in a
// layer, everything is a dispatch, nothing is copied.

// RUN: tenon-opt %S/Inputs/decoder.mlir --tenon-tile-pipeline | FileCheck %s
// RUN: tenon-opt %S/Inputs/decoder.mlir --tenon-tile-pipeline --tenon-statistics -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=STATS --implicit-check-not=copied

// STATS-DAG: tenon-select-tiles: 24 chosen
// STATS-DAG: tenon-bufferize: 18 allocated
// STATS-DAG: tenon-bufferize: 2 in-place
// STATS-DAG: tenon-bufferize: 4 direct
// STATS-DAG: tenon-plan-arena: 18 placed
// STATS-DAG: tenon-plan-arena: 38912 bytes-after
// STATS-DAG: tenon-apply-tiles: {{[0-9]+}} tiled

// CHECK: tenon.arena_bytes = 38912 : i64
// CHECK-LABEL: func.func @prefill
// CHECK-NOT: memref.alloc
// CHECK-NOT: tenon.copy
// CHECK: label "embedding embed"
// CHECK: scf.for
// CHECK: label "rms_norm block.norm1"
// CHECK: label "linear block.wqkv"
// CHECK: label "rope q"
// CHECK: label "rope k"
// CHECK: label "append_kv"
// CHECK: label "attention"
// CHECK: label "linear block.wo"
// CHECK: label "rms_norm block.norm2"
// CHECK: label "linear block.w_gate_up"
// CHECK: label "linear block.w_down"
// CHECK: label "rms_norm norm"
// CHECK: label "linear embed"
// CHECK-LABEL: func.func @decode
// CHECK-NOT: memref.alloc
// CHECK-NOT: tenon.copy
// CHECK: return
