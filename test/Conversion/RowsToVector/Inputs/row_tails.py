"""Row-wise kernels on tails: `row_tails.py TARGET...`.

Lengths around the lanes of each instruction set and primes; a dynamic number of
rows; rows with a gap between them, which must stay as it was; f32, bf16 and f16
on both sides; results written over an operand. Against NumPy in double precision,
rounded once to the result's type; softmax twice, since its exponentials wait for
their sum in the result.
"""

import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "Inputs"))
from kernel_harness import Module, Report, from_bf16, supported, to_bf16

MOST_ROWS = 5
ROW_COUNTS = [0, 1, 2, 5]
GAP = 3
# One less than, exactly and one more than 4, 8 and 16 lanes, and primes.
LENGTHS = [2, 3, 4, 5, 8, 9, 15, 17, 33, 61, 127]
ELEMENTS = ["f32", "bf16", "f16"]
# Half a unit in the last place of the result's type, and of the arithmetic.
ROUNDING = {"f32": 2e-6, "bf16": 2.0**-8, "f16": 2.0**-11}
OPERATIONS = ["scale", "add", "silu", "softmax", "rms", "layer", "cast"]


def narrow(x, element):
    return {"f32": lambda: x.astype(np.float32), "bf16": lambda: to_bf16(x),
            "f16": lambda: x.astype(np.float16)}[element]()


def widen(x, element):
    return (from_bf16(x) if element == "bf16" else x).astype(np.float64)


def naive(operation, x, v, w):
    if operation == "scale":
        return x * np.float64(np.float32(0.3))
    if operation == "add":
        return x + v
    if operation == "silu":
        return x / (1 + np.exp(-x))
    if operation == "softmax":
        e = np.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)
    if operation == "rms":
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * (1 + v)
    if operation == "layer":
        c = x - x.mean(-1, keepdims=True)
        return c / np.sqrt((c**2).mean(-1, keepdims=True) + 1e-5) * v + w
    return x


def function(operation, n, source, target):
    """Rows of `source` to rows of `target`, both with a gap of GAP elements."""
    whole = {e: f"memref<{MOST_ROWS}x{n + GAP}x{e}>" for e in (source, target)}
    view = {e: f"memref<?x{n}x{e}, strided<[{n + GAP}, 1]>>" for e in (source, target)}
    x, y, vector = view[source], view[target], f"memref<{n}xf32>"
    body = {
        "scale": f"tenon.scale %xv into %yv {{factor = 0.3 : f32}} : ({x}, {y}) -> ()",
        "add": f"tenon.add %xv, %v into %yv : ({x}, {vector}, {y}) -> ()",
        "silu": f"tenon.activation %xv into %yv {{kind = #tenon.activation_kind<silu>}} : ({x}, {y}) -> ()",
        "softmax": f"tenon.softmax %xv into %yv : ({x}, {y}) -> ()",
        "rms": f"tenon.rms_norm %xv, %v into %yv {{eps = 1.0e-5 : f32, unit_offset}} : ({x}, {vector}, {y}) -> ()",
        "layer": f"tenon.layer_norm %xv, %v bias(%w) into %yv {{eps = 1.0e-5 : f32}} "
                 f": ({x}, {vector}, {vector}, {y}) -> ()",
        "cast": f"tenon.cast %xv into %yv : ({x}, {y}) -> ()",
    }[operation]
    return "\n".join([
        f"func.func @{operation}_{n}_{source}_{target}(%x: {whole[source]}, %v: {vector}, %w: {vector}, "
        f"%y: {whole[target]}, %rows: index) {{",
        f"  %xv = memref.subview %x[0, 0] [%rows, {n}] [1, 1] : {whole[source]} to {x}",
        f"  %yv = memref.subview %y[0, 0] [%rows, {n}] [1, 1] : {whole[target]} to {y}",
        f"  {body}", "  return", "}"])


def pairs(operation, n):
    """Element types: all at one length, one at each of the others."""
    if n == 17:
        return [(a, b) for a in ELEMENTS for b in ELEMENTS]
    return [("f32", ELEMENTS[(n + len(operation)) % 3])]


def check(target, report):
    cases = [(o, n, a, b) for o in OPERATIONS for n in LENGTHS for a, b in pairs(o, n)]
    module = Module([function(*c) for c in cases], target, ["--tenon-rows-to-vector", "--tenon-unroll", "--tenon-unpack-to-vector", "--tenon-micro-to-x86", "--tenon-micro-to-vector"])
    rng = np.random.default_rng(3)
    for operation, n, source, result in cases:
        x = narrow(rng.standard_normal((MOST_ROWS, n + GAP)) * 3, source)
        v, w = rng.standard_normal((2, n)).astype(np.float32)
        v, w = np.ascontiguousarray(v), np.ascontiguousarray(w)
        expected = naive(operation, widen(x, source)[:, :n], v.astype(np.float64), w.astype(np.float64))
        name = f"{operation}_{n}_{source}_{result}"
        for rows in ROW_COUNTS:
            y = np.full((MOST_ROWS, n + GAP), 7, np.float32 if result == "f32" else np.uint16)
            if result == "f16":
                y = y.view(np.float16)
            before = y.copy()
            module.call(name, x, v, w, y, rows)
            report.close(f"{target} {name} {rows} rows", widen(y[:rows, :n], result), expected[:rows],
                         1e-6, ROUNDING[result] * (2 if operation == "softmax" else 1))
            before[:rows, :n] = y[:rows, :n]
            report.equal(f"{target} {name} {rows} rows, around them", y.view(np.uint8), before.view(np.uint8))
        if source == result and operation != "cast":
            # Written over the input: norms and softmax read a row before they write it.
            y, z = np.zeros_like(x), x.copy()
            module.call(name, x, v, w, y, MOST_ROWS)
            module.call(name, z, v, w, z, MOST_ROWS)
            report.equal(f"{target} {name} in place", z[:, :n].copy(), y[:, :n].copy())


report = Report()
for target in sys.argv[1:]:
    if supported(target):
        check(target, report)
    else:
        print(f"skipped {target}: this CPU does not run it")
report.finish()
