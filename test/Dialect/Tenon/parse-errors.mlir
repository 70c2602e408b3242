// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// Attributes and types that don't parse: the place and what was expected.

// expected-error @+1 {{expected '<'}}
func.func private @f() attributes {t = #tenon.panel}

// -----

// expected-error @+1 {{struct is missing required parameter: k}}
func.func private @f() attributes {t = #tenon.panel<n = 32>}

// -----

// expected-error @+1 {{duplicate or unknown struct parameter name: m}}
func.func private @f() attributes {t = #tenon.panel<n = 32, m = 1>}

// -----

// expected-error @+1 {{duplicate or unknown struct parameter name: n}}
func.func private @f() attributes {t = #tenon.panel<n = 32, n = 16>}

// -----

// expected-error @+2 {{expected integer value}}
// expected-error @+1 {{failed to parse Tenon_PanelAttr parameter 'n'}}
func.func private @f() attributes {t = #tenon.panel<n = "32", k = 1>}

// -----

// expected-error @+1 {{duplicate or unknown struct parameter name: row}}
func.func private @f() attributes {t = #tenon.tile<row = 8>}

// -----

// expected-error @+2 {{expected integer value}}
// expected-error @+1 {{failed to parse Tenon_TileAttr parameter 'rows'}}
func.func private @f() attributes {t = #tenon.tile<rows = 1.5>}

// -----

// expected-error @+1 {{struct is missing required parameter: features}}
func.func private @f() attributes {t = #tenon.target<cpu = "znver5">}

// -----

// expected-error @+2 {{expected string}}
// expected-error @+1 {{failed to parse Tenon_TargetAttr parameter 'cpu'}}
func.func private @f() attributes {t = #tenon.target<cpu = znver5, features = "">}

// -----

// expected-error @+1 {{struct is missing required parameter: l2}}
func.func private @f() attributes {t = #tenon.target<cpu = "x", features = "", vector_bits = 512, registers = 32, l1 = 1, l3 = 1>}

// -----

// expected-error @+1 {{expected string}}
func.func private @f() attributes {t = #tenon.source<w, tensor<64xf32>>}

// -----

// expected-error @+1 {{invalid kind of type specified}}
func.func private @f() attributes {t = #tenon.source<"w", f32>}

// -----

// expected-error @+1 {{expected 'transposed' or 'heads'}}
func.func private @f() attributes {t = #tenon.source<"w", tensor<64xf32>, turned>}

// -----

// expected-error @+1 {{expected 'transposed'}}
func.func private @f() attributes {t = #tenon.source<"w", tensor<64x8xf32>, heads = 2, first = 0, count = 8, turned>}

// -----

// expected-error @+1 {{expected 'frequencies'}}
func.func private @f() attributes {t = #tenon.rope_table<scale = 1.0>}

// -----

// expected-error @+1 {{expected 'scale'}}
func.func private @f() attributes {t = #tenon.rope_table<frequencies = [1.0], theta = 1.0>}

// -----

// expected-error @+1 {{expected floating point literal}}
func.func private @f() attributes {t = #tenon.rope_table<frequencies = [one], scale = 1.0>}

// -----

// expected-error @+2 {{expected ::tenon::ActivationKind to be one of: identity, silu, gelu, gelu_tanh, relu, tanh, sigmoid}}
// expected-error @+1 {{failed to parse}}
func.func private @f() attributes {t = #tenon.activation_kind<swish>}

// -----

// expected-error @+1 {{struct is missing required parameter: element}}
func.func private @f(!tenon.kv_cache<layers = 1, heads = 4, capacity = 128, head_dim = 8>)

// -----

// expected-error @+1 {{unknown attribute `pannel` in dialect `tenon`}}
func.func private @f() attributes {t = #tenon.pannel<n = 1, k = 1>}

// -----

// expected-error @+1 {{expected 'residual', or per_token}}
func.func private @f(memref<1x!tenon.int8_group<per_row>>)

// -----

// expected-error @+1 {{tokens have 7 bits, or 8 if nothing says so, not 6}}
func.func private @f(memref<1x!tenon.int8_group<per_token, 6>>)
