#!/usr/bin/env python3
"""tenon-run against numpy, operation by operation: operations.py DIRECTORY

One module with a function for each case, whose formulas numpy computes here in double precision. Errors are relative to
the greatest magnitude; what is left is the rounding of the numbers that tenon-run prints.
"""

import json
import math
import os
import subprocess
import sys

import numpy as np

BOUND = 2e-6
rng = np.random.default_rng(7)
erf = np.vectorize(math.erf)
sigmoid = lambda x: 1 / (1 + np.exp(-x))
ACTIVATIONS = {
    "identity": lambda x: x, "silu": lambda x: x * sigmoid(x), "gelu": lambda x: x / 2 * (1 + erf(x / math.sqrt(2))),
    "gelu_tanh": lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, "sigmoid": sigmoid, "quick_gelu": lambda x: x * sigmoid(1.702 * x),
    "relu_squared": lambda x: np.maximum(x, 0) ** 2, "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "exp": np.exp, "log": lambda x: np.log(np.abs(x)), "sqrt": lambda x: np.sqrt(np.abs(x)),
}
functions, inputs, expected = [], {}, {}


def f32(*shape):
    """Numbers that f32 holds."""
    return rng.standard_normal(shape).astype(np.float32).astype(np.float64)


def tensor(x, dynamic=None, element="f32"):
    return f"tensor<{'x'.join('?' if i == dynamic else str(n) for i, n in enumerate(x.shape))}x{element}>"


def case(name, body, result, want, **arrays):
    """`body` uses {x} for an array's value and {x_t} for its type; integers are i32, lengths static."""
    types = {n: tensor(a, element="f32" if a.dtype == np.float64 else "i32") for n, a in arrays.items()}
    names = {n: f"%{n}" for n in arrays} | {f"{n}_t": t for n, t in types.items()}
    arguments = ", ".join(f'%{n}: {t} {{tenon.name = "{name}.{n}"}}' for n, t in types.items())
    want = np.asarray(want)
    lines = body.format(**names, r=result or tensor(want))
    functions.append(f"  func.func @{name}({arguments}) -> {result or tensor(want)} {{\n    {lines}\n    return %y : {result or tensor(want)}\n  }}")
    inputs.update({f"{name}.{n}": a for n, a in arrays.items()})
    expected[name] = want


def softmax(x, sink=None):
    if sink is not None:
        x = np.concatenate((x, np.broadcast_to(sink[:, None, None], (*x.shape[:2], 1))), 2)
    e = np.exp(x - x.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)
    return p if sink is None else p[..., :-1]


def elementwise():
    a, b, row = f32(3, 5), f32(3, 5), f32(5)
    for op, f in (("add", np.add), ("sub", np.subtract), ("mul", np.multiply), ("div", np.divide)):
        case(op, f"%y = tenon.{op} {{a}}, {{b}} : ({{a_t}}, {{b_t}}) -> {{r}}", None, f(a, b), a=a, b=b)
        case(op + "_row", f"%y = tenon.{op} {{b}}, {{a}} : ({{b_t}}, {{a_t}}) -> {{r}}", None, f(row, a), a=a, b=row)
    column = f32(3, 1)
    case("mul_column", "%y = tenon.mul {a}, {b} : ({a_t}, {b_t}) -> {r}", None, a * column, a=a, b=column)
    case("scale", "%y = tenon.scale {a} {{factor = -0.75 : f32}} : ({a_t}) -> {r}", None, a * -0.75, a=a)
    case("shift", "%y = tenon.shift {a} {{amount = 1.5 : f32}} : ({a_t}) -> {r}", None, a + 1.5, a=a)
    case("reciprocal", "%y = tenon.reciprocal {a} {{numerator = 2.0 : f32}} : ({a_t}) -> {r}", None, 2 / a, a=a)
    case("clamp", "%y = tenon.clamp {a} {{low = -0.5 : f32, high = 0.25 : f32}} : ({a_t}) -> {r}", None, a.clip(-0.5, 0.25), a=a)
    for kind, f in ACTIVATIONS.items():
        x = np.abs(a) + 0.25 if kind in ("log", "sqrt") else a
        case("activation_" + kind, f"%y = tenon.activation {{a}} {{{{kind = #tenon.activation_kind<{kind}>}}}} : ({{a_t}}) -> {{r}}", None, f(x), a=x)
        if kind != "identity":
            h = 1e-5
            slope = a * (f(x + h) - f(x - h)) / (2 * h)
            case("gradient_" + kind, f"%y = tenon.activation_gradient {{g}}, {{a}} {{{{kind = #tenon.activation_kind<{kind}>}}}} : ({{g_t}}, {{a_t}}) -> {{r}}", None, slope, g=a, a=x)


def rows():
    x, w, b = f32(4, 6), f32(6), f32(6)
    rms = x / np.sqrt((x * x).mean(1, keepdims=True) + 1e-3)
    centered = x - x.mean(1, keepdims=True)
    layer = centered / np.sqrt((centered**2).mean(1, keepdims=True) + 1e-3)
    eps = "eps = 1.0e-3 : f32"
    case("rms_norm", f"%y = tenon.rms_norm {{x}}, {{w}} {{{{{eps}}}}} : ({{x_t}}, {{w_t}}) -> {{r}}", None, rms * w, x=x, w=w)
    case("rms_norm_offset", f"%y = tenon.rms_norm {{x}}, {{w}} {{{{{eps}, unit_offset}}}} : ({{x_t}}, {{w_t}}) -> {{r}}", None, rms * (1 + w), x=x, w=w)
    case("rms_norm_plain", f"%y = tenon.rms_norm {{x}} {{{{{eps}}}}} : ({{x_t}}) -> {{r}}", None, rms, x=x)
    case("layer_norm", f"%y = tenon.layer_norm {{x}}, {{w}} bias({{b}}) {{{{{eps}}}}} : ({{x_t}}, {{w_t}}, {{b_t}}) -> {{r}}", None, layer * w + b, x=x, w=w, b=b)
    case("layer_norm_plain", f"%y = tenon.layer_norm {{x}} {{{{{eps}}}}} : ({{x_t}}) -> {{r}}", None, layer, x=x)
    for kind, f in (("sum", np.sum), ("mean", np.mean), ("max", np.max)):
        for dim in (0, 1):
            case(f"reduce_{kind}_{dim}", f"%y = tenon.reduce {{x}} {{{{kind = #tenon.reduction<{kind}>, dim = {dim} : i64}}}} : ({{x_t}}) -> {{r}}", None, f(x, axis=dim, keepdims=True), x=x)
    s, sink = f32(2, 4, 4), f32(2)
    case("softmax", "%y = tenon.softmax {s} : ({s_t}) -> {r}", None, softmax(s), s=s)
    case("softmax_sink", "%y = tenon.softmax {s} sink({k}) : ({s_t}, {k_t}) -> {r}", None, softmax(s, sink), s=s, k=sink)
    t, k = np.indices((4, 4))
    for name, attribute, seen in (("causal_mask", "", k <= t), ("causal_mask", "{{window = 2 : i64}}", (k <= t) & (k > t - 2)),
                                  ("band_mask", "{{width = 1 : i64}}", abs(t - k) <= 1)):
        case(name + "_w" * ("window" in attribute), f"%m = tenon.{name} {{s}} {attribute} : ({{s_t}}) -> {{r}}\n    %y = tenon.softmax %m : ({{r}}) -> {{r}}",
             None, softmax(np.where(seen, s, -np.inf)), s=s)
    valid = np.array([1, 0, 1, 0])
    case("padding_mask", "%m = tenon.padding_mask {s}, {v} : ({s_t}, {v_t}) -> {r}\n    %y = tenon.softmax %m : ({r}) -> {r}",
         None, softmax(np.where(valid[None, None] != 0, s, -np.inf)), s=s, v=valid)
    bias, keys = f32(2, 11), f32(2, 4)
    case("score_bias", "%y = tenon.score_bias {s}, {b} : ({s_t}, {b_t}) -> {r}", None, s + bias[:, 5 + k - t], s=s, b=bias)
    case("score_bias_key", "%y = tenon.score_bias {s}, {b} {{by_key}} : ({s_t}, {b_t}) -> {r}", None, s + keys[:, None], s=s, b=keys)
    scores, index = f32(2, 4, 6), rng.integers(0, 6, 11)
    case("distance_gather", "%y = tenon.distance_gather {s}, {i} : ({s_t}, {i_t}) -> {r}", None,
         np.stack([scores[:, i, index[5 + np.arange(4) - i]] for i in range(4)], 1), s=scores, i=index)


def products():
    a, b = f32(4, 2, 3), f32(2, 3, 5)
    case("matmul_heads", "%y = tenon.matmul {a}, {b} : ({a_t}, {b_t}) -> {r}", None, a @ b.repeat(2, 0), a=a, b=b)
    case("matmul", "%y = tenon.matmul {a}, {b} : ({a_t}, {b_t}) -> {r}", None, a[0] @ b[0], a=a[0], b=b[0])
    x, w, bias, r = f32(3, 5), f32(8, 5), f32(8), f32(3, 8)
    case("linear", "%y = tenon.linear {x}, {w} bias({b}) residual({q}) {{activation = #tenon.activation_kind<gelu>}} : ({x_t}, {w_t}, {b_t}, {q_t}) -> {r}",
         None, ACTIVATIONS["gelu"](x @ w.T + bias) + r, x=x, w=w, b=bias, q=r)
    sums = x @ w.T + bias
    case("linear_gated", "%y = tenon.linear {x}, {w} bias({b}) {{activation = #tenon.activation_kind<silu>, gated}} : ({x_t}, {w_t}, {b_t}) -> {r}",
         None, ACTIVATIONS["silu"](sums[:, :4]) * sums[:, 4:], x=x, w=w, b=bias)
    up, gate, down, ub, gb, db, q = f32(7, 5), f32(7, 5), f32(5, 7), f32(7), f32(7), f32(5), f32(3, 5)
    hidden = np.tanh(x @ gate.T + gb) * (x @ up.T + ub)
    case("ffn_gated", "%y = tenon.ffn {x}, {u}, {d} gate({g}) up_bias({ub}) gate_bias({gb}) down_bias({db}) residual({q}) {{activation = #tenon.activation_kind<tanh>}} : "
         "({x_t}, {u_t}, {d_t}, {g_t}, {ub_t}, {gb_t}, {db_t}, {q_t}) -> {r}", None, hidden @ down.T + db + q, x=x, u=up, d=down, g=gate, ub=ub, gb=gb, db=db, q=q)
    case("ffn", "%y = tenon.ffn {x}, {u}, {d} {{activation = #tenon.activation_kind<relu>}} : ({x_t}, {u_t}, {d_t}) -> {r}",
         None, np.maximum(x @ up.T, 0) @ down.T, x=x, u=up, d=down)
    table, ids = f32(9, 4), np.array([8, 0, 3, 3])
    case("embedding", "%y = tenon.embedding {i}, {w} : ({i_t}, {w_t}) -> {r}", None, table[ids], i=ids, w=table)
    case("positions", "%c = arith.constant 5 : index\n    %y = tenon.positions {i} at %c {{offset = 2 : i64}} : ({i_t}, index) -> {r}", "tensor<4xi32>", np.arange(4) + 7, i=ids)
    case("positions_each", "%y = tenon.positions {i} at {p} : ({i_t}, {p_t}) -> {r}", "tensor<4xi32>", ids, i=ids, p=ids)


def shapes():
    x, h = f32(3, 8), f32(2, 3, 4)
    case("transpose", "%y = tenon.transpose {x} : {x_t} -> {r}", None, h.transpose(0, 2, 1), x=h)
    case("split_heads", "%y = tenon.split_heads {x} {{heads = 2 : i64}} : {x_t} -> {r}", None, x.reshape(3, 2, 4).transpose(1, 0, 2), x=x)
    case("merge_heads", "%y = tenon.merge_heads {x} : {x_t} -> {r}", None, h.transpose(1, 0, 2).reshape(3, 8), x=h)
    case("slice", "%y = tenon.slice {x} {{offset = 3 : i64}} : {x_t} -> {r}", None, x[:, 3:7], x=x)
    case("rows", "%y = tenon.rows {x} {{offset = 1 : i64}} : {x_t} -> {r}", None, x[1:2], x=x)
    one = f32(1, 3, 2)
    case("concat", "%y = tenon.concat {a}, {b} : ({a_t}, {b_t}) -> {r}", None, np.concatenate((h, one.repeat(2, 0)), 2), a=h, b=one)
    case("zero_pad", "%y = tenon.zero_pad {x} {{offset = 2 : i64}} : ({x_t}) -> {r}", None, np.pad(x, ((0, 0), (2, 1))), x=x)
    case("squeeze", "%y = tenon.squeeze {x} : {x_t} -> {r}", None, one[0, 0], x=one[:, :1])
    many = f32(4, 3, 2)
    case("sum_heads", "%y = tenon.sum_heads {x} : ({x_t}) -> {r}", None, many.reshape(2, 2, 3, 2).sum(1), x=many)


def unfold(x, size, stride, padding):
    """Windows of a signal [C, S] or an image [C, V, H], a row each."""
    x = np.pad(x, ((0, 0),) + ((padding, padding),) * (x.ndim - 1))
    axes = tuple(range(1, x.ndim))
    windows = np.lib.stride_tricks.sliding_window_view(x, (size,) * len(axes), axes)
    windows = windows[(slice(None),) + (slice(None, None, stride),) * len(axes)]
    return np.moveaxis(windows, 0, len(axes)).reshape(-1, x.shape[0] * size ** len(axes))


def windows():
    signal, image, row = f32(2, 9), f32(2, 5, 6), f32(1, 4)
    for name, x, size, stride, padding in (("signal", signal, 3, 1, 1), ("strided", signal, 3, 2, 1), ("image", image, 2, 2, 0),
                                           ("padded", image, 3, 1, 2), ("all", signal, 9, 4, 0)):
        case("unfold_" + name, f"%y = tenon.unfold {{x}} {{{{size = {size} : i64, stride = {stride} : i64, padding = {padding} : i64}}}} : ({{x_t}}) -> {{r}}",
             None, unfold(x, size, stride, padding), x=x)
    case("concat_rows", "%y = tenon.concat_rows {a}, {b} : {a_t}, {b_t} -> {r}", None, np.concatenate((row, image[0, :, :4])), a=row, b=image[0, :, :4])


def rope(x, positions, table, interleaved):
    pairs = table.shape[1] // 2
    c, s = table[positions, :pairs], table[positions, pairs:]
    y = x.copy()
    first, second = (slice(0, 2 * pairs, 2), slice(1, 2 * pairs, 2)) if interleaved else (slice(0, pairs), slice(pairs, 2 * pairs))
    y[..., first], y[..., second] = x[..., first] * c - x[..., second] * s, x[..., second] * c + x[..., first] * s
    return y


def attention():
    x, table = f32(2, 3, 7), f32(9, 6)
    case("rope", "%y = tenon.rope {x}, {w} : ({x_t}, {w_t}) -> {r}", None, rope(x, np.arange(3), table, False), x=x, w=table)
    case("rope_at", "%c = arith.constant 4 : index\n    %y = tenon.rope {x}, {w} at %c {{interleaved}} : ({x_t}, {w_t}, index) -> {r}",
         None, rope(x, np.arange(3) + 4, table, True), x=x, w=table)
    q, k, v, n = f32(4, 5, 3), f32(2, 5, 3), f32(2, 5, 6), 5
    t, s = np.indices((n, n))
    bias, keys, sink, valid = f32(4, 2 * 7 + 1), f32(4, n), f32(4), np.array([1, 1, 0, 1, 1])
    products = 0.5 * q @ k.repeat(2, 0).transpose(0, 2, 1)
    see = lambda scores, seen, sink=None: softmax(np.where(seen, scores, -np.inf), sink) @ v.repeat(2, 0)
    types, base = "({q_t}, {k_t}, {v_t}", "%y = tenon.attention {q}, {k}, {v}"
    qkv = {"q": q, "k": k, "v": v}
    case("attention", base + " {{scale = 0.5 : f32}} : " + types + ") -> {r}", None, see(products, s < n), **qkv)
    case("attention_window", base + " {{causal, window = 2 : i64, scale = 0.5 : f32}} : " + types + ") -> {r}", None, see(products, (s <= t) & (s > t - 2)), **qkv)
    case("attention_band", base + " valid({m}) {{band = 2 : i64, scale = 0.5 : f32}} : " + types + ", {m_t}) -> {r}",
         None, see(products, (abs(s - t) <= 2) & (valid[None] != 0)), **qkv, m=valid)
    case("attention_chain", base + " bias({b}) sink({z}) {{causal, cap = 1.5 : f32, bias_scale = 0.75 : f32, scale = 0.5 : f32}} : " + types + ", {b_t}, {z_t}) -> {r}",
         None, see(1.5 * np.tanh(products / 1.5) + 0.75 * bias[:, 7 + s - t], s <= t, sink), **qkv, b=bias, z=sink)
    case("attention_keys", base + " bias({b}) {{bias_by_key, scale = 0.5 : f32}} : " + types + ", {b_t}) -> {r}", None, see(products + keys[:, None], s < n), **qkv, b=keys)


def learning():
    x, targets = f32(4, 6), np.array([2, -1, 5, 0])
    p, at = softmax(x), np.maximum(targets, 0)
    asked = (targets >= 0)[:, None]
    case("cross_entropy", "%y = tenon.cross_entropy {x}, {g} : ({x_t}, {g_t}) -> {r}", None,
         np.where(asked, -np.log(p[np.arange(4), at])[:, None], 0), x=x, g=targets)
    case("cross_entropy_gradient", "%y = tenon.cross_entropy_gradient {x}, {g} : ({x_t}, {g_t}) -> {r}", None,
         np.where(asked, p - np.eye(6)[at], 0), x=x, g=targets)
    w, back = f32(5, 6), f32(4, 5)
    case("weight_product", "%y = tenon.weight_product {x}, {w} : ({x_t}, {w_t}) -> {r}", None, x @ w.T, x=x, w=w)
    case("weight_product_flipped", "%y = tenon.weight_product {d}, {w} {{flipped}} : ({d_t}, {w_t}) -> {r}", None, back @ w, d=back, w=w)
    # Central differences of the sum of the output times d.
    q, k, v, d = f32(4, 5, 3), f32(2, 5, 3), f32(2, 5, 2), f32(4, 5, 2)
    t, s = np.indices((5, 5))

    def output(q, k, v):
        scores = 1.5 * np.tanh(0.5 * q @ k.repeat(2, 0).transpose(0, 2, 1) / 1.5)
        return softmax(np.where((s <= t) & (s > t - 3), scores, -np.inf)) @ v.repeat(2, 0)

    for i, name in enumerate("qkv"):
        want, arrays = np.empty_like((q, k, v)[i]), [q, k, v]
        for place in np.ndindex(want.shape):
            shifted = [arrays[i].copy(), arrays[i].copy()]
            shifted[0][place] += 1e-5
            shifted[1][place] -= 1e-5
            ends = [(output(*arrays[:i], x, *arrays[i + 1:]) * d).sum() for x in shifted]
            want[place] = (ends[0] - ends[1]) / 2e-5
        case(f"attention_gradient_{name}", ("%z:3 = tenon.attention_gradient {q}, {k}, {v}, {o}, {d} {{causal, window = 3 : i64, cap = 1.5 : f32, scale = 0.5 : f32}} "
             ": ({q_t}, {k_t}, {v_t}, {o_t}, {d_t}) -> ({q_t}, {k_t}, {v_t})\n    %y = tenon.scale %z#PLACE {{factor = 1.0 : f32}} : ({r}) -> {r}").replace("PLACE", str(i)),
             None, want, q=q, k=k, v=v, o=output(q, k, v), d=d)
    w, some = f32(6, 5), np.array([2, -1, 5, 0])
    p = softmax(back @ w.T)
    slopes = np.where(some[:, None] >= 0, p - np.eye(6)[np.maximum(some, 0)], 0)
    for i, want in enumerate((np.where(some >= 0, -np.log(p[np.arange(4), np.maximum(some, 0)]), 0)[:, None], slopes @ w)):
        case(f"head_loss_{i}", ("%z:2 = tenon.head_loss {x}, {w}, {g} {{rows = 3 : i64}} : ({x_t}, {w_t}, {g_t}) -> (tensor<4x1xf32>, tensor<4x5xf32>)\n"
             "    %y = tenon.scale %z#PLACE {{factor = 1.0 : f32}} : ({r}) -> {r}").replace("PLACE", str(i)), None, want, x=back, w=w, g=some)
    case("zeros_like", "%y = tenon.zeros_like {x} : ({x_t}) -> {r}", None, 0 * x, x=x)
    dy = f32(4, 6)
    case("clamp_gradient", "%y = tenon.clamp_gradient {d}, {x} {{low = -0.5 : f32, high = 1.0 : f32}} : ({d_t}, {x_t}) -> {r}", None,
         np.where((x >= -0.5) & (x <= 1), dy, 0), d=dy, x=x)
    case("pad_rows", "%y = tenon.pad_rows {d}, {x} {{offset = 1 : i64}} : ({d_t}, {x_t}) -> {r}", None, np.pad(dy[:2], ((1, 1), (0, 0))), d=dy[:2], x=x)
    case("pad_rows_last", "%y = tenon.pad_rows {d}, {x} {{offset = -2 : i64}} : ({d_t}, {x_t}) -> {r}", None, np.pad(dy[:2], ((2, 0), (0, 0))), d=dy[:2], x=x)
    scores, index = f32(2, 4, 4), rng.integers(0, 6, 11)
    bias, gathered = np.zeros((2, 11)), np.zeros((2, 4, 6))
    for t, s in np.ndindex(4, 4):
        bias[:, 5 + s - t] += scores[:, t, s]
        gathered[:, t, index[5 + s - t]] += scores[:, t, s]
    case("score_bias_gradient", "%y = tenon.score_bias_gradient {s} : ({s_t}) -> {r}", None, bias, s=scores)
    case("distance_gather_gradient", "%y = tenon.distance_gather_gradient {s}, {i} : ({s_t}, {i_t}) -> {r}", None, gathered, s=scores, i=index)
    keep = lambda row, k: np.where(np.isin(np.arange(len(row)), np.argsort(-row, kind="stable")[:k]), 1, 0)
    case("top_k", "%y = tenon.top_k {x} {{k = 2 : i64}} : ({x_t}) -> {r}", None, np.stack([r * keep(r, 2) for r in x]), x=x)
    by = f32(4, 6)
    # Of three groups of two columns the two with the greatest sums take part.
    kept = np.stack([keep(r, 2) for r in by.reshape(4, 3, 2).sum(2)]).repeat(2, 1)
    chosen = np.stack([keep(r, 3) for r in np.where(kept, by, -np.inf)])
    case("top_k_groups", "%y = tenon.top_k {x} by({b}) {{k = 3 : i64, groups = 3 : i64, keep = 2 : i64, best = 2 : i64}} : ({x_t}, {b_t}) -> {r}",
         None, x * chosen, x=x, b=by)
    case("mixture", """%y = tenon.mixture {x} gates({g}) top 2 of 6 {{
    ^bb0(%rows: tensor<?x6xf32>, %e: index):
      %f = tenon.activation %rows {{kind = #tenon.activation_kind<tanh>}} : (tensor<?x6xf32>) -> tensor<?x6xf32>
      tenon.mixture_yield %f : tensor<?x6xf32>
    }} : ({x_t}, {g_t}) -> {r}""", None, np.tanh(x) * (by * chosen).sum(1, keepdims=True), x=x, g=by * chosen)

    # Of y = g tanh(x) for each expert: (1 - tanh²) g dy, and to the gates tanh dy, where there is one.
    gates = by * chosen
    for name, result, want in (("inputs", 0, (1 - np.tanh(x) ** 2) * dy * gates.sum(1, keepdims=True)),
                               ("gates", 1, (np.tanh(x) * dy).sum(1, keepdims=True) * (gates != 0))):
        case(f"mixture_gradient_{name}", """%z:2 = tenon.mixture_gradient {x} gates({g}) gradient({d}) top 3 of 6 {{
    ^bb0(%rows: tensor<?x6xf32>, %gate: tensor<?x1xf32>, %back: tensor<?x6xf32>, %e: index):
      %f = tenon.activation %rows {{kind = #tenon.activation_kind<tanh>}} : (tensor<?x6xf32>) -> tensor<?x6xf32>
      %fd = tenon.mul %f, %back : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
      %dg = tenon.reduce %fd {{dim = 1 : i64, kind = #tenon.reduction<sum>}} : (tensor<?x6xf32>) -> tensor<?x1xf32>
      %weighted = tenon.mul %back, %gate : (tensor<?x6xf32>, tensor<?x1xf32>) -> tensor<?x6xf32>
      %dx = tenon.activation_gradient %weighted, %rows {{kind = #tenon.activation_kind<tanh>}} : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
      tenon.mixture_gradient_yield %dx, %dg : tensor<?x6xf32>, tensor<?x1xf32>
    }} : ({x_t}, {g_t}, {d_t}) -> ({x_t}, {g_t})
    %y = tenon.scale %z#RESULT {{factor = 1.0 : f32}} : ({r}) -> {r}""".replace("RESULT", str(result)), None, want, x=x, g=gates, d=dy)


def main():
    directory = sys.argv[1]
    for part in (elementwise, rows, products, shapes, windows, attention, learning):
        part()
    with open(f"{directory}/operations.mlir", "w") as file:
        file.write("module {\n" + "\n".join(functions) + "\n}\n")
    command = ["tenon-run", f"{directory}/operations.mlir"]
    for name, array in inputs.items():
        command += ["--input", f"{name}={json.dumps(array.tolist())}"]
    lines = iter(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines())
    seen = failed = 0
    for line in lines:
        name, shape = line.split()
        shape = [int(n) for n in shape.split("x")]
        values = np.array([next(lines).split() for _ in range(math.prod(shape[:-1]))], np.float64).reshape(shape)
        want = expected[name[1:]]
        error = np.inf if values.shape != want.shape else np.abs(values - want).max() / max(np.abs(want).max(), 1e-30)
        seen += 1
        if not error <= BOUND:
            failed += 1
            print(f"FAIL {name[1:]}: error {error:.1e}\n{values}\n{want}")
    print(f"{seen} of {len(expected)} cases, {failed} failed")
    return 1 if failed or seen != len(expected) else 0


if __name__ == "__main__":
    sys.exit(main())
