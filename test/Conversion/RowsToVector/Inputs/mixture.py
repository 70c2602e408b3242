"""Kernels of mixtures of experts against NumPy: top_k (with ties, groups, numbers that are none), route, scatter_add.

Choices and sorting are exact; scatter_add is one fused multiply-add (or two operations): 1e-6.
"""

import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "Inputs"))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "..", "Reference"))
from kernel_harness import Module, Report, memref, supported
from models import top_k

ROWS = 9
# Columns, k, groups, keep, best.
CHOICES = [(8, 2, 1, 1, 1), (5, 5, 1, 1, 1), (64, 8, 1, 1, 1), (16, 3, 4, 2, 2), (24, 6, 8, 3, 1), (6, 1, 2, 2, 3)]
# Experts, top.
ROUTES = [(4, 2), (7, 7), (64, 8)]


def function(name, types, body):
    arguments = ", ".join(f"%{i}: {t}" for i, t in enumerate(types))
    return f"func.func @{name}({arguments}) {{\n  {body}\n  return\n}}"


def build():
    fs = []
    for n, k, groups, keep, best in CHOICES:
        m = memref((ROWS, n), "f32")
        attributes = f"{{k = {k} : i64, groups = {groups} : i64, keep = {keep} : i64, best = {best} : i64}}"
        fs.append(function(f"top_{n}_{k}", [m, m], f"tenon.top_k %0 into %1 {attributes} : ({m}, {m}) -> ()"))
        fs.append(function(f"top_by_{n}_{k}", [m, m, m], f"tenon.top_k %0 by(%1) into %2 {attributes} : ({m}, {m}, {m}) -> ()"))
    for n, top in ROUTES:
        g, i, w, o = memref((ROWS, n), "f32"), memref((ROWS * top,), "i32"), memref((ROWS * top,), "f32"), memref((n + 1,), "index")
        fs.append(function(f"route_{n}", [g, i, w, o], f"tenon.route %0 into %1, %2, %3 top {top} : {g}, {i}, {w}, {o}"))
    for n in (7, 64):
        x, i, w, y = memref((3, n), "f32"), memref((3,), "i32"), memref((3,), "f32"), memref((ROWS, n), "f32")
        fs.append(function(f"scatter_{n}", [x, i, w, y], f"tenon.scatter_add %0 at %1, %2 into %3 : {x}, {i}, {w}, {y}"))
        fs.append(function(f"add_{n}", [x, i, y], f"tenon.scatter_add %0 at %1 into %2 : {x}, {i}, {y}"))
        fs.append(function(f"clear_{n}", [y], f"tenon.clear %0 : {y}"))
    return fs


def check(target, report):
    module = Module(build(), target, ["--tenon-rows-to-vector", "--tenon-unroll", "--tenon-unpack-to-vector", "--tenon-micro-to-x86", "--tenon-micro-to-vector"])
    rng = np.random.default_rng(3)
    f32 = lambda *shape: rng.standard_normal(shape, np.float32)
    for n, k, groups, keep, best in CHOICES:
        x, by, y = f32(ROWS, n), f32(ROWS, n), np.empty((ROWS, n), np.float32)
        x[0] = 1.0  # all equal
        x[1] = np.round(x[1])  # ties
        x[2, ::2] = -np.inf
        x[3, 0] = np.inf
        x[4] = -1 - np.abs(x[4])
        module.call(f"top_{n}_{k}", x, y)
        report.equal(f"{target} top {n} {k}", y, top_k(x, k, None, groups, keep, best))
        by[5] = np.round(by[5])
        module.call(f"top_by_{n}_{k}", x, by, y)
        report.equal(f"{target} top by {n} {k}", y, top_k(x, k, by, groups, keep, best))
        # What is no number is not taken; there may be too few others.
        by[:] = np.nan
        by[1:, 0] = 1.0
        module.call(f"top_by_{n}_{k}", x, by, y)
        report.equal(f"{target} top of none {n} {k}", y[0], np.zeros(n, np.float32))
        if groups == 1:
            report.equal(f"{target} top of one {n} {k}", y[1:, 0], x[1:, 0])
            report.equal(f"{target} top of one only {n} {k}", y[1:, 1:], np.zeros((ROWS - 1, n - 1), np.float32))
    for n, top in ROUTES:
        gates = top_k(np.abs(f32(ROWS, n)), top)
        gates[2] = 0
        gates[3] = np.nan if top < n else 1.0  # more than top
        rows, weights = np.full(ROWS * top, -1, np.int32), np.zeros(ROWS * top, np.float32)
        offsets = np.zeros(n + 1, np.int64)
        module.call(f"route_{n}", gates, rows, weights, offsets)
        pairs = [(e, t) for t in range(ROWS) for e in np.flatnonzero(gates[t])[:top]]
        pairs.sort()
        count = len(pairs)
        report.equal(f"{target} route {n}: offsets", offsets, np.searchsorted([e for e, _ in pairs], np.arange(n + 1)))
        report.equal(f"{target} route {n}: rows", rows[:count], np.array([t for _, t in pairs], np.int32))
        report.equal(f"{target} route {n}: weights", weights[:count].view(np.uint32),
                     np.array([gates[t, e] for e, t in pairs], np.float32).view(np.uint32))
        report.equal(f"{target} route {n}: the rest", rows[count:], np.full(ROWS * top - count, -1, np.int32))
    for n in (7, 64):
        x, rows, weights, y = f32(3, n), np.array([8, 0, 5], np.int32), f32(3), f32(ROWS, n)
        expected = y.astype(np.float64)
        expected[rows] += x.astype(np.float64) * weights[:, None]
        module.call(f"scatter_{n}", x, rows, weights, y)
        report.close(f"{target} scatter {n}", y, expected, 1e-6, 1e-6)
        expected = y.copy()
        expected[rows] += x
        module.call(f"add_{n}", x, rows, y)
        report.equal(f"{target} add {n}", y, expected)
        module.call(f"clear_{n}", y)
        report.equal(f"{target} clear {n}", y, np.zeros_like(y))


report = Report()
for target in sys.argv[1:]:
    if supported(target):
        check(target, report)
    else:
        print(f"skipped {target}: this CPU does not run it")
report.finish()
