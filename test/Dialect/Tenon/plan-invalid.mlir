// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// Plans and tunings that are nonsense, number by number.
// expected-error @+1 {{panels must be between 0 and 64, found -1}}
func.func private @f() attributes {t = #tenon.plan<panels = -1>}

// -----
// expected-error @+1 {{stream_rows must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.plan<stream_rows = 0>}

// -----
// expected-error @+1 {{stream_columns must be between 0 and 64, found 128}}
func.func private @f() attributes {t = #tenon.plan<stream_columns = 128>}

// -----
// expected-error @+1 {{stream_vectors must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.plan<stream_vectors = 0>}

// -----
// expected-error @+1 {{unpack_from must be between 0 and 1099511627776, found -1}}
func.func private @f() attributes {t = #tenon.plan<unpack_from = -1>}

// -----
// expected-error @+1 {{split_rows must be between 0 and 64, found 65}}
func.func private @f() attributes {t = #tenon.plan<split_rows = 65>}

// -----
// expected-error @+1 {{unroll_groups must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.plan<unroll_groups = 0>}

// -----
// expected-error @+1 {{register_sums must be between 0 and 64, found -1}}
func.func private @f() attributes {t = #tenon.plan<register_sums = -1>}

// -----
// expected-error @+1 {{chains must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.plan<chains = 0>}

// -----
// expected-error @+1 {{depth_block must be between 0 and 1099511627776, found -256}}
func.func private @f() attributes {t = #tenon.plan<depth_block = -256>}

// -----
// expected-error @+1 {{depth_tiles must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.plan<depth_tiles = 0>}

// -----
// expected-error @+1 {{next_steps must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.plan<next_steps = 0>}

// -----
// expected-error @+1 {{stream_rows must be a power of two, found 6}}
func.func private @f() attributes {t = #tenon.plan<stream_rows = 6>}

// -----
// expected-error @+1 {{prefetch is a list of #tenon.prefetch, found 3 : i64}}
func.func private @f() attributes {t = #tenon.plan<prefetch = [3 : i64]>}

// -----
// expected-error @+1 {{prefetch must have the fewest rows first, found 1 after 4}}
func.func private @f() attributes {t = #tenon.plan<prefetch = [#tenon.prefetch<rows = 4, distance = 1>, #tenon.prefetch<distance = 3>]>}

// -----
// expected-error @+1 {{rows must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.prefetch<rows = 0, distance = 1>}

// -----
// expected-error @+1 {{distance must be between 0 and 1048576, found -64}}
func.func private @f() attributes {t = #tenon.prefetch<distance = -64>}

// -----
// expected-error @+1 {{cache must be between 1 and 2, found 3}}
func.func private @f() attributes {t = #tenon.prefetch<distance = 64, cache = 3>}

// -----
// expected-error @+1 {{keys must be between 1 and 16, found 0}}
func.func private @f() attributes {t = #tenon.attention_plan<keys = 0>}

// -----
// expected-error @+1 {{keys must be between 1 and 16, found 32}}
func.func private @f() attributes {t = #tenon.attention_plan<keys = 32>}

// -----
// expected-error @+1 {{components must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.attention_plan<components = 0>}

// -----
// expected-error @+1 {{heads must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.attention_plan<heads = 0>}

// -----
// expected-error @+1 {{score_sums must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.attention_plan<score_sums = 0>}

// -----
// expected-error @+1 {{prefetch must be between 0 and 2, found 3}}
func.func private @f() attributes {t = #tenon.attention_plan<prefetch = 3>}

// -----
// expected-error @+1 {{attention_prefetch must be between 0 and 1, found 2}}
func.func private @f() attributes {t = #tenon.tuning<attention_prefetch = 2>}

// -----
// expected-error @+1 {{output_sums must be between 2 and 64, found 1}}
func.func private @f() attributes {t = #tenon.attention_plan<output_sums = 1>}

// -----
// expected-error @+1 {{prefetch_distance must be between 0 and 1048576, found -1}}
func.func private @f() attributes {t = #tenon.tuning<prefetch_distance = -1>}

// -----
// expected-error @+1 {{most_rows must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.tuning<most_rows = 0>}

// -----
// expected-error @+1 {{most_block_rows must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.tuning<most_block_rows = 0>}

// -----
// expected-error @+1 {{stream_panels must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.tuning<stream_panels = 0>}

// -----
// expected-error @+1 {{short_panels must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.tuning<short_panels = 0>}

// -----
// expected-error @+1 {{long_panels must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.tuning<long_panels = 0>}

// -----
// expected-error @+1 {{most_panels must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.tuning<most_panels = 0>}

// -----
// expected-error @+1 {{least_tasks must be between 1 and 1099511627776, found 0}}
func.func private @f() attributes {t = #tenon.tuning<least_tasks = 0>}

// -----
// expected-error @+1 {{row_group must be between 1 and 1099511627776, found 0}}
func.func private @f() attributes {t = #tenon.tuning<row_group = 0>}

// -----
// expected-error @+1 {{unpack_from must be between 0 and 1099511627776, found -1}}
func.func private @f() attributes {t = #tenon.tuning<unpack_from = -1>}

// -----
// expected-error @+1 {{unpack_tile must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.tuning<unpack_tile = 0>}

// -----
// expected-error @+1 {{split_rows must be between 0 and 64, found -1}}
func.func private @f() attributes {t = #tenon.tuning<split_rows = -1>}

// -----
// expected-error @+1 {{depth_block must be between 0 and 1099511627776, found -1}}
func.func private @f() attributes {t = #tenon.tuning<depth_block = -1>}

// -----
// expected-error @+1 {{depth_tiles must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.tuning<depth_tiles = 0>}

// -----
// expected-error @+1 {{next_steps must be between 1 and 64, found 0}}
func.func private @f() attributes {t = #tenon.tuning<next_steps = 0>}

// -----
// expected-error @+1 {{near_distance must be between 0 and 1048576, found -1}}
func.func private @f() attributes {t = #tenon.tuning<near_distance = -1>}

// -----
// expected-error @+1 {{far_distance must be between 0 and 1048576, found -1}}
func.func private @f() attributes {t = #tenon.tuning<far_distance = -1>}

// -----
// expected-error @+1 {{far_products must be between 1 and 1099511627776, found 0}}
func.func private @f() attributes {t = #tenon.tuning<far_products = 0>}

// -----
// expected-error @+1 {{plain_distance must be between 0 and 1048576, found -1}}
func.func private @f() attributes {t = #tenon.tuning<plain_distance = -1>}

// -----
// expected-error @+1 {{plain_products must be between 0 and 1099511627776, found -1}}
func.func private @f() attributes {t = #tenon.tuning<plain_products = -1>}

// -----

// What a linear can't obey.
func.func @any(%x: memref<?x64xf32>, %w: memref<1x64x32x1xf32>, %y: memref<?x32xf32>) {
  // expected-error @+1 {{has any number of rows, its plan takes all as one tile (panels = 1)}}
  tenon.linear %x, %w into %y {plan = #tenon.plan<panels = 1>} : (memref<?x64xf32>, memref<1x64x32x1xf32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @plain(%x: memref<?x64xf32>, %w: memref<1x64x32x1xf32>, %y: memref<?x32xf32>) {
  // expected-error @+1 {{has weights of 'f32', its plan unpacks superblocks (unpack_from = 40)}}
  tenon.linear %x, %w into %y {plan = #tenon.plan<unpack_from = 40>} : (memref<?x64xf32>, memref<1x64x32x1xf32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @bytes(%x: memref<1x2x!tenon.int8_group>, %w: memref<1x1x!tenon.superblock<q8_0, 32>>, %y: memref<1x32xf32>) {
  // expected-error @+1 {{has weights of '!tenon.superblock<q8_0, 32>', its plan splits sums of 4 bits with one scale a group (split_rows = 2)}}
  tenon.linear %x, %w into %y {plan = #tenon.plan<split_rows = 2>} : (memref<1x2x!tenon.int8_group>, memref<1x1x!tenon.superblock<q8_0, 32>>, memref<1x32xf32>) -> ()
  return
}

// -----

func.func @groups(%x: memref<1x2x!tenon.int8_group>, %w: memref<1x1x!tenon.superblock<q4_0, 32>>, %y: memref<1x32xf32>) {
  // expected-error @+1 {{has superblocks of 2 groups, its plan takes 4 at once (unroll_groups)}}
  tenon.linear %x, %w into %y {plan = #tenon.plan<unroll_groups = 4>} : (memref<1x2x!tenon.int8_group>, memref<1x1x!tenon.superblock<q4_0, 32>>, memref<1x32xf32>) -> ()
  return
}

// -----

// What an attention can't.
func.func @keys(%q: memref<1x?x8xf32>, %keys: memref<1x8x8x16xf32>, %values: memref<1x128x8xf32>, %pos: index, %len: index, %o: memref<1x?x8xf32>) {
  // expected-error @+1 {{has blocks of 16, 32, 64 or 128 keys (tile.columns), found 48}}
  tenon.block_attention %q, %keys, %values at %pos length %len into %o {causal, scale = 1.0 : f32, tile = #tenon.tile<rows = 32, columns = 48>} : memref<1x?x8xf32>, memref<1x8x8x16xf32>, memref<1x128x8xf32>, memref<1x?x8xf32>
  return
}

// -----

func.func @many(%q: memref<1x?x8xf32>, %keys: memref<1x16x8x16xf32>, %values: memref<1x256x8xf32>, %pos: index, %len: index, %o: memref<1x?x8xf32>) {
  // expected-error @+1 {{has blocks of 16, 32, 64 or 128 keys (tile.columns), found 256}}
  tenon.block_attention %q, %keys, %values at %pos length %len into %o {causal, scale = 1.0 : f32, tile = #tenon.tile<rows = 32, columns = 256>} : memref<1x?x8xf32>, memref<1x16x8x16xf32>, memref<1x256x8xf32>, memref<1x?x8xf32>
  return
}
