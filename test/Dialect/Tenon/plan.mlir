// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// Plans and tunings, through the printer and the parser; defaults are not printed.

// CHECK-DAG: @defaults() attributes {a = #tenon.plan<>, b = #tenon.attention_plan<>, c = #tenon.tuning<>, d = #tenon.prefetch<>}
func.func private @defaults() attributes {
  a = #tenon.plan<panels = 0, stream_rows = 1, stream_columns = 0, stream_vectors = 1, unpack_from = 0, split_rows = 0, unroll_groups = 2, register_sums = 8, chains = 12, depth_block = 0, depth_tiles = 4, next_panels = false, next_steps = 4>,
  b = #tenon.attention_plan<keys = 4, components = 4, heads = 8, score_sums = 8, output_sums = 10, prefetch = 0>,
  c = #tenon.tuning<name = "generic", prefetch_distance = 0, most_rows = 8, most_block_rows = 6, stream_panels = 4, short_panels = 1, long_panels = 1, most_panels = 4, least_tasks = 8, row_group = 64, unpack_from = 40, unpack_tile = 4, split_rows = 2, depth_block = 256, depth_tiles = 4, next_steps = 4, near_distance = 3072, far_distance = 8192, far_products = 4, plain_distance = 8192, plain_products = 6>,
  d = #tenon.prefetch<rows = 1, distance = 0, cache = 1>}

// CHECK-DAG: @all() attributes {a = #tenon.plan<panels = 1, stream_rows = 2, stream_columns = 16, stream_vectors = 2, unpack_from = 40, split_rows = 1, unroll_groups = 1, register_sums = 4, chains = 3, depth_block = 64, depth_tiles = 2, next_panels = true, next_steps = 8, prefetch = [#tenon.prefetch<distance = 1, cache = 2>, #tenon.prefetch<rows = 2, distance = 3072>]>, b = #tenon.attention_plan<keys = 8, components = 3, heads = 2, score_sums = 16, output_sums = 24, prefetch = 1>}
func.func private @all() attributes {
  a = #tenon.plan<panels = 1, stream_rows = 2, stream_columns = 16, stream_vectors = 2, unpack_from = 40, split_rows = 1, unroll_groups = 1, register_sums = 4, chains = 3, depth_block = 64, depth_tiles = 2, next_panels = true, next_steps = 8, prefetch = [#tenon.prefetch<distance = 1, cache = 2>, #tenon.prefetch<rows = 2, distance = 3072>]>,
  b = #tenon.attention_plan<keys = 8, components = 3, heads = 2, score_sums = 16, output_sums = 24, prefetch = 1>}

// CHECK-DAG: @target() attributes {t = #tenon.target<{{.*}}, l3 = 1, tuning = <name = "zen3", prefetch_distance = 1024>, extensions = ["ssse3", "avx", "avx2", "fma"]>}
func.func private @target() attributes {t = #tenon.target<cpu = "znver3", features = "", vector_bits = 256, registers = 16, l1 = 1, l2 = 1, l3 = 1, tuning = <name = "zen3", prefetch_distance = 1024>, extensions = ["ssse3", "avx", "avx2", "fma"]>}
