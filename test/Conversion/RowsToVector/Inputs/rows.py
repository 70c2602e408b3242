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
KINDS = ["silu", "gelu", "gelu_tanh", "relu", "tanh", "sigmoid"]
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
}


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def function(name, types, body):
    arguments = ", ".join(f"%{i}: {t}" for i, t in enumerate(types))
    return f"func.func @{name}({arguments}) {{\n  {body}\n  return\n}}"


def build():
    fs = []
    for n in LENGTHS:
        m, v = memref((ROWS, n), "f32"), memref((n,), "f32")
        for kind in KINDS:
            fs.append(function(f"{kind}_{n}", [m, m],
                f"tenon.activation %0 into %1 {{kind = #tenon.activation_kind<{kind}>}} : ({m}, {m}) -> ()"))
        for op in ("add", "sub", "mul", "div"):
            fs.append(function(f"{op}_{n}", [m, v, m], f"tenon.{op} %0, %1 into %2 : ({m}, {v}, {m}) -> ()"))
        fs.append(function(f"scale_{n}", [m, m], f"tenon.scale %0 into %1 {{factor = 0.3 : f32}} : ({m}, {m}) -> ()"))
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
    ids = memref((ROWS,), "i32")
    fs.append(function("positions", [ids, "index", ids], f"tenon.positions %0 at %1 into %2 : ({ids}, index, {ids}) -> ()"))
    return fs


def check(target, report):
    module = Module(build(), target, ["--tenon-rows-to-vector"])
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
                y = run(kind, wide)
                report.close(f"{target} {kind} wide", y, NAIVE[kind](wide.astype(np.float64)), 1e-9 if "gelu" in kind else 3e-7, 3e-6)
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
    positions = np.zeros(ROWS, np.int32)
    module.call("positions", positions, 5, positions)
    report.equal(f"{target} positions", positions, 5 + np.arange(ROWS))


report = Report()
for target in sys.argv[1:]:
    if supported(target):
        check(target, report)
    else:
        print(f"skipped {target}: this CPU does not run it")
report.finish()
