"""Row-wise kernels against NumPy in double precision, on rows of many lengths.

Tolerances: one rounding for an elementwise operation (1e-6 relative), a few
units in the last place of f32 for elementary functions (2e-6 relative or 2e-7
absolute), 2e-6 for norms and softmax; bf16 results to half a unit of bf16.
"""

import math
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "Inputs"))
from kernel_harness import Module, Report, from_bf16, memref, supported, to_bf16

ROWS = 3
LENGTHS = [1, 7, 16, 31, 64, 172]
KINDS = ["silu", "gelu", "gelu_tanh", "relu", "tanh", "sigmoid", "quick_gelu", "relu_squared", "mish"]
# Of positive numbers, but for exp, of small ones.
ELEMENTARY = ["exp", "log", "sqrt"]
REDUCTIONS = {"sum": np.sum, "mean": np.mean, "max": np.max}
erfc = np.vectorize(math.erfc)


def sigmoid(x):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


NAIVE = {
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: x / 2 * erfc(-x / np.sqrt(2)),
    "gelu_tanh": lambda x: x * sigmoid(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)),
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "quick_gelu": lambda x: x * sigmoid(1.702 * x),
    "relu_squared": lambda x: np.maximum(x, 0) ** 2,
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
}


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def function(name, types, body):
    arguments = ", ".join(f"%{i}: {t}" for i, t in enumerate(types))
    return f"func.func @{name}({arguments}) {{\n  {body}\n  return\n}}"


# Of signals [C, S] and images [C, V, H]: shape, size, stride, padding.
WINDOWS = [((3, 40), 3, 1, 1), ((3, 40), 3, 2, 1), ((2, 33), 20, 3, 0), ((3, 12, 15), 4, 4, 0), ((2, 9, 11), 3, 2, 2)]


def unfold(x, size, stride, padding):
    x = np.pad(x, ((0, 0),) + ((padding, padding),) * (x.ndim - 1))
    axes = tuple(range(1, x.ndim))
    windows = np.lib.stride_tricks.sliding_window_view(x, (size,) * len(axes), axes)
    windows = windows[(slice(None),) + (slice(None, None, stride),) * len(axes)]
    return np.moveaxis(windows, 0, len(axes)).reshape(-1, x.shape[0] * size ** len(axes))


def build():
    fs = []
    for i, (shape, size, stride, padding) in enumerate(WINDOWS):
        rows, columns = unfold(np.zeros(shape), size, stride, padding).shape
        source, result, part = memref(shape, "f32"), memref((rows, columns), "f32"), f"memref<?x{columns}xf32>"
        numbers = f"{{size = {size} : i64, stride = {stride} : i64, padding = {padding} : i64}}"
        fs.append(function(f"unfold_{i}", [source, result], f"tenon.unfold %0 into %1 {numbers} : ({source}, {result}) -> ()"))
        # Some of the windows, as a task has them.
        view = f"memref<?x{columns}xf32, strided<[{columns}, 1]>>"
        fs.append(function(f"some_{i}", [source, "index", "index", result],
            f"%v = memref.subview %3[0, 0] [%2, {columns}] [1, 1] : {result} to {view}\n"
            f"  tenon.unfold %0 at %1 into %v {numbers} : ({source}, index, {view}) -> ()"))
    # Rows of a token each, whatever their number: the channels stand side by side.
    tokens, view, result = "memref<?x5xf32>", "memref<5x?xf32, strided<[1, 5]>>", "memref<?x15xf32>"
    fs.append(function("unfold_tokens", [memref((7, 5), "f32"), memref((7, 15), "f32")],
        f"%d = memref.cast %0 : {memref((7, 5), 'f32')} to {tokens}\n"
        f"  %t = memref.transpose %d (t, c) -> (c, t) : {tokens} to {view}\n"
        f"  %r = memref.cast %1 : {memref((7, 15), 'f32')} to {result}\n"
        f"  tenon.unfold %t into %r {{size = 3 : i64, stride = 1 : i64, padding = 1 : i64}} : ({view}, {result}) -> ()"))
    for n in LENGTHS:
        m, v = memref((ROWS, n), "f32"), memref((n,), "f32")
        for kind in KINDS + ELEMENTARY:
            fs.append(function(f"{kind}_{n}", [m, m],
                f"tenon.activation %0 into %1 {{kind = #tenon.activation_kind<{kind}>}} : ({m}, {m}) -> ()"))
        for op in ("add", "sub", "mul", "div"):
            fs.append(function(f"{op}_{n}", [m, v, m], f"tenon.{op} %0, %1 into %2 : ({m}, {v}, {m}) -> ()"))
        fs.append(function(f"scale_{n}", [m, m], f"tenon.scale %0 into %1 {{factor = 0.3 : f32}} : ({m}, {m}) -> ()"))
        fs.append(function(f"shift_{n}", [m, m], f"tenon.shift %0 into %1 {{amount = 0.3 : f32}} : ({m}, {m}) -> ()"))
        fs.append(function(f"reciprocal_{n}", [m, m],
            f"tenon.reciprocal %0 into %1 {{numerator = 3.0 : f32}} : ({m}, {m}) -> ()"))
        fs.append(function(f"clamp_{n}", [m, m],
            f"tenon.clamp %0 into %1 {{low = -1.5 : f32, high = 2.0 : f32}} : ({m}, {m}) -> ()"))
        fs.append(function(f"bare_rms_{n}", [m, m], f"tenon.rms_norm %0 into %1 {{eps = 1.0e-5 : f32}} : ({m}, {m}) -> ()"))
        fs.append(function(f"bare_layer_{n}", [m, m],
            f"tenon.layer_norm %0 into %1 {{eps = 1.0e-5 : f32}} : ({m}, {m}) -> ()"))
        fs.append(function(f"offset_layer_{n}", [m, v, v, m],
            f"tenon.layer_norm %0, %1 bias(%2) into %3 {{eps = 1.0e-5 : f32, unit_offset}} : ({m}, {v}, {v}, {m}) -> ()"))
        # Over the last dimension, known or not, and over others, in heads and over many rows.
        dynamic, tall = f"memref<{ROWS}x?xf32>", memref((70, n), "f32")
        cube, single = memref((2, ROWS, n), "f32"), memref((1, n), "f32")
        column, last = memref((ROWS, 1), "f32"), memref((2, ROWS, 1), "f32")
        for kind in REDUCTIONS:
            reduce = lambda name, source, result, dim: fs.append(function(f"{name}_{kind}_{n}", [source, result],
                f"tenon.reduce %0 into %1 {{kind = #tenon.reduction<{kind}>, dim = {dim} : i64}} : ({source}, {result}) -> ()"))
            reduce("row", m, column, 1)
            reduce("heads", cube, last, 2)
            reduce("tall", tall, single, 0)
            reduce("middle", cube, memref((2, 1, n), "f32"), 1)
            reduce("first", cube, memref((1, ROWS, n), "f32"), 0)
            fs.append(function(f"dynamic_{kind}_{n}", [m, column],
                f"%d = memref.cast %0 : {m} to {dynamic}\n"
                f"  tenon.reduce %d into %1 {{kind = #tenon.reduction<{kind}>, dim = 1 : i64}} : ({dynamic}, {column}) -> ()"))
        fs.append(function(f"softmax_{n}", [m, m], f"tenon.softmax %0 into %1 : ({m}, {m}) -> ()"))
        fs.append(function(f"rms_{n}", [m, v, m],
            f"tenon.rms_norm %0, %1 into %2 {{eps = 1.0e-5 : f32}} : ({m}, {v}, {m}) -> ()"))
        fs.append(function(f"layer_{n}", [m, v, v, m],
            f"tenon.layer_norm %0, %1 bias(%2) into %3 {{eps = 1.0e-5 : f32}} : ({m}, {v}, {v}, {m}) -> ()"))
        h = memref((ROWS, n), "bf16")
        fs.append(function(f"cast_{n}", [m, h], f"tenon.cast %0 into %1 : ({m}, {h}) -> ()"))
        fs.append(function(f"copy_{n}", [m, m], f"tenon.copy %0 into %1 : {m}, {m}"))
        ids, table = memref((ROWS,), "i32"), memref((40, n), "f32")
        fs.append(function(f"embedding_{n}", [ids, table, m],
            f"tenon.embedding %0, %1 into %2 : ({ids}, {table}, {m}) -> ()"))
        for k, element in ((1, "f32"), (2, "bf16")):
            packed = memref((2, -(-n // k), 32, k), element)
            fs.append(function(f"packed{k}_{n}", [ids, packed, m],
                f"tenon.embedding %0, %1 into %2 : ({ids}, {packed}, {m}) -> ()"))
        square = memref((2, ROWS, n), "f32")
        fs.append(function(f"causal_{n}", [square, square],
            f"tenon.causal_mask %0 into %1 {{window = 2 : i64}} : ({square}, {square}) -> ()"))
        fs.append(function(f"band_{n}", [square, square],
            f"tenon.band_mask %0 into %1 {{width = 1 : i64}} : ({square}, {square}) -> ()"))
        distances, keys, sink = memref((2, 2 * n + 5), "f32"), memref((2, n + 4), "f32"), memref((2,), "f32")
        fs.append(function(f"bias_{n}", [square, distances, square],
            f"tenon.score_bias %0, %1 into %2 : ({square}, {distances}, {square}) -> ()"))
        fs.append(function(f"bykey_{n}", [square, keys, square],
            f"tenon.score_bias %0, %1 into %2 {{by_key}} : ({square}, {keys}, {square}) -> ()"))
        fs.append(function(f"sink_{n}", [square, sink, square],
            f"tenon.softmax %0 sink(%1) into %2 : ({square}, {sink}, {square}) -> ()"))
        index = memref((2 * n + 5,), "i32")
        fs.append(function(f"gather_{n}", [square, index, square],
            f"tenon.distance_gather %0, %1 into %2 : ({square}, {index}, {square}) -> ()"))
        one, wide = memref((1, ROWS, 3), "f32"), memref((2, ROWS, n + 3), "f32")
        fs.append(function(f"concat_{n}", [square, one, wide],
            f"tenon.concat %0, %1 into %2 : ({square}, {one}, {wide}) -> ()"))
        # A transposed view has its numbers apart.
        other, view = memref((2, n, ROWS), "f32"), f"memref<2x{ROWS}x{n}xf32, strided<[{n * ROWS}, 1, {ROWS}]>>"
        fs.append(function(f"apart_{n}", [square, other, square],
            f"%t = memref.transpose %1 (h, n, k) -> (h, k, n) : {other} to {view}\n"
            f"  tenon.add %0, %t into %2 : ({square}, {view}, {square}) -> ()"))
        valid = memref((n,), "i32")
        fs.append(function(f"padding_{n}", [square, valid, square],
            f"tenon.padding_mask %0, %1 into %2 : ({square}, {valid}, {square}) -> ()"))
        a, c = memref((4, ROWS, n), "f32"), memref((4, ROWS, 5), "f32")
        bt = f"memref<2x{n}x5xf32, strided<[{5 * n}, 1, {n}]>>"
        b = memref((2, n, 5), "f32")
        fs.append(function(f"matmul_{n}", [a, b, c], f"tenon.matmul %0, %1 into %2 : ({a}, {b}, {c}) -> ()"))
        plain = memref((2, 5, n), "f32")
        fs.append(function(f"matmul_t_{n}", [a, plain, c],
            f"%t = memref.transpose %1 (h, n, k) -> (h, k, n) : {plain} to {bt}\n"
            f"  tenon.matmul %0, %t into %2 : ({a}, {bt}, {c}) -> ()"))
        if n % 2 == 0:
            x, table = memref((2, ROWS, n + 3), "f32"), memref((50, n), "f32")
            fs.append(function(f"rope_{n}", [x, table, "index", x],
                f"tenon.rope %0, %1 at %2 into %3 : ({x}, {table}, index, {x}) -> ()"))
            fs.append(function(f"neighbours_{n}", [x, table, "index", x],
                f"tenon.rope %0, %1 at %2 into %3 {{interleaved}} : ({x}, {table}, index, {x}) -> ()"))
            t = f"memref<2x{n}x5xf32, strided<[{5 * n}, 1, {n}]>>"
            fs.append(function(f"transposed_{n}", [memref((2, 5, n), "f32"), memref((2, n, 5), "f32")],
                f"%t = memref.transpose %0 (h, n, k) -> (h, k, n) : {memref((2, 5, n), 'f32')} to {t}\n"
                f"  tenon.copy %t into %1 : {t}, {memref((2, n, 5), 'f32')}"))
    ids = memref((ROWS,), "i32")
    fs.append(function("positions", [ids, "index", ids], f"tenon.positions %0 at %1 into %2 : ({ids}, index, {ids}) -> ()"))
    fs.append(function("offset_positions", [ids, "index", ids],
        f"tenon.positions %0 at %1 into %2 {{offset = 2 : i64}} : ({ids}, index, {ids}) -> ()"))
    fs.append(function("each_position", [ids, ids, ids],
        f"tenon.positions %0 at %1 into %2 {{offset = 2 : i64}} : ({ids}, {ids}, {ids}) -> ()"))
    return fs


def check(target, report):
    module = Module(build(), target, ["--tenon-rows-to-vector", "--tenon-unroll", "--tenon-unpack-to-vector", "--tenon-micro-to-x86", "--tenon-micro-to-vector"])
    rng = np.random.default_rng(1)
    f32 = lambda *shape: rng.standard_normal(shape, np.float32)
    for n in LENGTHS:
        x, v, w = f32(ROWS, n) * 4, f32(n) + 3, f32(n)
        x[0, 0], x[ROWS - 1, n - 1] = 100.0, -100.0
        d = x.astype(np.float64)
        out = np.empty_like(x)

        def run(name, *arguments):
            out.fill(np.nan)
            module.call(f"{name}_{n}", *arguments, out)
            return out

        for kind in KINDS:
            report.close(f"{target} {kind} {n}", run(kind, x), NAIVE[kind](d), 3e-7, 2e-6)
        # Tails: densely where functions bend, far out where they are flat.
        if n == max(LENGTHS):
            far = np.float32([0, 1e-30, 20, 100, 1e4, 1e30])
            wide = np.concatenate([np.linspace(-16, 16, x.size - 2 * len(far)), far, -far]).reshape(x.shape).astype(np.float32)
            for kind in KINDS:
                if kind == "relu_squared":
                    continue  # overflows
                y = run(kind, wide)
                report.close(f"{target} {kind} wide", y, NAIVE[kind](wide.astype(np.float64)), 1e-9 if "gelu" in kind else 3e-7, 3e-6)
        positive = np.abs(x) + np.float32(1e-3)
        positive[0, 0] = 1e-41  # subnormal
        for kind in ELEMENTARY:
            arguments = x / 2 if kind == "exp" else positive
            report.close(f"{target} {kind} {n}", run(kind, arguments), NAIVE[kind](arguments.astype(np.float64)), 2e-7, 2e-6)
        if n > 4:
            edges = np.ones_like(x)
            edges[0, :4] = [0, -1, np.inf, np.nan]
            with np.errstate(divide="ignore", invalid="ignore"):
                found, wanted = run("log", edges)[0, :4], np.log(edges[0, :4])
            report.equal(f"{target} log edges {n}", np.nan_to_num(found, nan=7), np.nan_to_num(wanted, nan=7))
        report.close(f"{target} shift {n}", run("shift", x), d + np.float32(0.3), 0, 1e-6)
        report.close(f"{target} reciprocal {n}", run("reciprocal", x), 3 / d, 0, 1e-6)
        report.equal(f"{target} clamp {n}", run("clamp", x), np.clip(x, np.float32(-1.5), np.float32(2)))
        cube, tall = f32(2, ROWS, n), f32(70, n)
        for kind, naive in REDUCTIONS.items():
            for name, source, axis in (("row", x, 1), ("dynamic", x, 1), ("heads", cube, 2), ("tall", tall, 0),
                                       ("middle", cube, 1), ("first", cube, 0)):
                y = np.full(naive(source, axis, keepdims=True).shape, np.nan, np.float32)
                module.call(f"{name}_{kind}_{n}", source, y)
                report.close(f"{target} {name} {kind} {n}", y, naive(source.astype(np.float64), axis, keepdims=True), 2e-5, 2e-6)
        for op, naive in (("add", d + v), ("sub", d - v), ("mul", d * v), ("div", d / v)):
            report.close(f"{target} {op} {n}", run(op, x, v), naive, 0, 1e-6)
        report.close(f"{target} scale {n}", run("scale", x), d * np.float32(0.3), 0, 1e-6)
        report.equal(f"{target} copy {n}", run("copy", x), x)
        report.close(f"{target} softmax {n}", run("softmax", x), softmax(d), 1e-7, 2e-6)
        report.close(f"{target} rms {n}", run("rms", x, v), d / np.sqrt((d**2).mean(-1, keepdims=True) + 1e-5) * v, 1e-6, 2e-6)
        centred = d - d.mean(-1, keepdims=True)
        layer = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * v + w
        # With one element the difference is zero, and only the bias is left.
        report.close(f"{target} layer {n}", run("layer", x, v, w), layer, 4e-6, 4e-6)
        report.close(f"{target} bare rms {n}", run("bare_rms", x), d / np.sqrt((d**2).mean(-1, keepdims=True) + 1e-5), 1e-6, 2e-6)
        bare = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        report.close(f"{target} bare layer {n}", run("bare_layer", x), bare, 4e-6, 4e-6)
        report.close(f"{target} offset layer {n}", run("offset_layer", x, v, w), bare * (1 + v.astype(np.float64)) + w, 8e-6, 4e-6)
        half = np.zeros((ROWS, n), np.uint16)
        module.call(f"cast_{n}", x, half)
        report.equal(f"{target} cast {n}", half, to_bf16(x))
        ids = np.array([39, 0, 33], np.int32)
        table = f32(40, n)
        report.equal(f"{target} embedding {n}", run("embedding", ids, table), table[ids])
        padded = np.zeros((64, n), np.float32)
        padded[:40] = table
        report.equal(f"{target} packed1 {n}", run("packed1", ids, np.ascontiguousarray(
            padded.reshape(2, 32, n, 1).transpose(0, 2, 1, 3))), table[ids])
        even = np.zeros((64, -(-n // 2) * 2), np.float32)
        even[:40, :n] = table
        pairs = to_bf16(even.reshape(2, 32, -1, 2).transpose(0, 2, 1, 3))
        report.equal(f"{target} packed2 {n}", run("packed2", ids, pairs), from_bf16(to_bf16(table[ids])))
        square, masked = f32(2, ROWS, n), np.zeros((2, ROWS, n), np.float32)
        t, s = np.arange(ROWS)[:, None], np.arange(n)[None]
        module.call(f"causal_{n}", square, masked)
        report.equal(f"{target} causal {n}", masked, np.where((s <= t) & (s > t - 2), square, -np.inf))
        module.call(f"band_{n}", square, masked)
        report.equal(f"{target} band {n}", masked, np.where(abs(s - t) <= 1, square, np.float32(-np.inf)))
        distances, keys, sink = f32(2, 2 * n + 5), f32(2, n + 4), f32(2) * 3
        module.call(f"bias_{n}", square, distances, masked)
        report.equal(f"{target} bias {n}", masked, square + distances[:, n + 2 + s - t])
        index = rng.integers(0, n, 2 * n + 5).astype(np.int32)
        module.call(f"gather_{n}", square, index, masked)
        report.equal(f"{target} gather {n}", masked,
                     np.take_along_axis(square, np.broadcast_to(index[n + 2 + s - t], square.shape), -1))
        other = f32(2, n, ROWS)
        module.call(f"apart_{n}", square, other, masked)
        report.equal(f"{target} transposed {n}", masked, square + other.transpose(0, 2, 1))
        one, joined = f32(1, ROWS, 3), np.zeros((2, ROWS, n + 3), np.float32)
        module.call(f"concat_{n}", square, one, joined)
        report.equal(f"{target} concat {n}", joined, np.concatenate([square, one.repeat(2, 0)], -1))
        module.call(f"bykey_{n}", square, keys, masked)
        report.equal(f"{target} bias by key {n}", masked, square + keys[:, None, :n])
        module.call(f"sink_{n}", square, sink, masked)
        wide = np.concatenate([square, np.broadcast_to(sink[:, None, None], (2, ROWS, 1))], -1).astype(np.float64)
        report.close(f"{target} softmax with sink {n}", masked, softmax(wide)[..., :n], 1e-7, 2e-6)
        valid = (rng.random(n) < 0.5).astype(np.int32)
        module.call(f"padding_{n}", square, valid, masked)
        report.equal(f"{target} padding {n}", masked, np.where(valid != 0, square, np.float32(-np.inf)))
        a, b, c = f32(4, ROWS, n), f32(2, n, 5), np.zeros((4, ROWS, 5), np.float32)
        product = np.einsum("hmk,hkn->hmn", a.astype(np.float64), np.repeat(b, 2, 0))
        module.call(f"matmul_{n}", a, b, c)
        report.close(f"{target} matmul {n}", c, product, 1e-5, 1e-5)
        module.call(f"matmul_t_{n}", a, np.ascontiguousarray(b.transpose(0, 2, 1)), c)
        report.close(f"{target} matmul transposed {n}", c, product, 1e-5, 1e-5)
        if n % 2 == 0:
            x, table, y = f32(2, ROWS, n + 3), f32(50, n), np.zeros((2, ROWS, n + 3), np.float32)
            module.call(f"rope_{n}", x, table, 7, y)
            cosine, sine = np.split(table[7:7 + ROWS].astype(np.float64), 2, -1)
            p, q = x[..., :n // 2], x[..., n // 2:n]
            expected = np.concatenate([p * cosine - q * sine, q * cosine + p * sine, x[..., n:]], -1)
            report.close(f"{target} rope {n}", y, expected, 1e-6, 1e-6)
            module.call(f"neighbours_{n}", x, table, 7, y)
            p, q = x[..., 0:n:2], x[..., 1:n:2]
            expected = x.astype(np.float64)
            expected[..., 0:n:2], expected[..., 1:n:2] = p * cosine - q * sine, q * cosine + p * sine
            report.close(f"{target} neighbours {n}", y, expected, 1e-6, 1e-6)
            plain, turned = f32(2, 5, n), np.zeros((2, n, 5), np.float32)
            module.call(f"transposed_{n}", plain, turned)
            report.equal(f"{target} transposed {n}", turned, plain.transpose(0, 2, 1))
    for i, (shape, size, stride, padding) in enumerate(WINDOWS):
        x = f32(*shape)
        wanted = unfold(x, size, stride, padding)
        y = np.full(wanted.shape, np.nan, np.float32)
        module.call(f"unfold_{i}", x, y)
        report.equal(f"{target} windows {i}", y, wanted)
        module.call(f"some_{i}", x, 2, 3, y)
        report.equal(f"{target} some windows {i}", y[:3], wanted[2:5])
    x, y = f32(7, 5), np.full((7, 15), np.nan, np.float32)
    module.call("unfold_tokens", x, y)
    report.equal(f"{target} windows of tokens", y, unfold(x.T, 3, 1, 1))
    positions = np.zeros(ROWS, np.int32)
    module.call("positions", positions, 5, positions)
    report.equal(f"{target} positions", positions, 5 + np.arange(ROWS))
    module.call("offset_positions", positions, 5, positions)
    report.equal(f"{target} offset positions", positions, 7 + np.arange(ROWS))
    each = np.array([9, 0, 4], np.int32)
    module.call("each_position", np.zeros(ROWS, np.int32), each, positions)
    report.equal(f"{target} each position", positions, each + 2)


report = Report()
for target in sys.argv[1:]:
    if supported(target):
        check(target, report)
    else:
        print(f"skipped {target}: this CPU does not run it")
report.finish()
