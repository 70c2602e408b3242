"""Linear kernels against NumPy in double precision: `linear.py TARGET...`.

Every case is run with M = 1 (static), with the rows of a dynamic M, and with a
static M; all three must give the same bits (I5). The tolerance is K * 2^-23
times the sum of the magnitudes of the products, for chains of f32 additions.
"""

import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "Inputs"))
from kernel_harness import Module, Report, TARGETS, from_bf16, memref, supported, to_bf16
from linear_cases import CASES, activate, pack

MOST_ROWS = 23
# Fewer rows than the biggest tile, all its tails, several tiles.
ROW_COUNTS = [1, 2, 3, 5, 7, 8, 9, 12, 15, 23]


def linear(case, rows, target):
    """The operation of a case as a function of 1, 5 or a dynamic number ("?") of rows."""
    bits, registers, fma = TARGETS[target][:3]
    dynamic = rows == "?"
    # name: static type of the argument, columns and stride if it has rows
    operands = {"x": (case.k, case.k + case.padding, case.input)}
    arguments = {"w": memref(case.packed_shape, case.weight)}
    if case.bias:
        arguments["b"] = memref((case.n,), "f32")
    if case.residual:
        operands["r"] = (case.columns, case.columns, "f32")
    operands["y"] = (case.columns, case.columns, case.output)

    views, types = [], dict(arguments)
    for name, (columns, stride, element) in operands.items():
        whole = memref((MOST_ROWS if dynamic else rows, stride), element)
        arguments[name] = whole
        types[name] = f"memref<{rows}x{columns}x{element}, strided<[{stride}, 1]>>"
        views.append(f"  %{name}v = memref.subview %{name}[0, 0] [{'%rows' if dynamic else rows}, {columns}] [1, 1] "
                     f": {whole} to {types[name]}")
    value = lambda name: f"%{name}v" if name in operands else f"%{name}"
    order = [n for n in ("x", "w", "b", "r", "y") if n in arguments]
    signature = ", ".join(f"%{n}: {arguments[n]}" for n in ("x", "w", "y", "b", "r") if n in arguments)
    tile_rows = 1 if rows == 1 else (8 if registers == 32 else 6 if fma else 4)
    attributes = (f"tile = #tenon.tile<rows = {tile_rows}, columns = {bits // 16}, group = {4 if rows == 1 else 1}>, "
                  f"activation = #tenon.activation_kind<{case.activation}>" + ", gated" * case.gated)
    return "\n".join([
        f"func.func @{case.name}_{'any' if dynamic else rows}({signature}, %rows: index) {{", *views,
        f"  tenon.linear {value('x')}, %w" + " bias(%b)" * case.bias + " residual(%rv)" * case.residual
        + f" into %yv {{{attributes}}} : ({', '.join(types[n] for n in order)}) -> ()", "  return", "}"])


def check(target, report):
    cases = [c for c in CASES if c.pairs == 1 or TARGETS[target][4]]
    module = Module([linear(c, rows, target) for c in cases for rows in (1, 5, "?")], target,
                    ["--tenon-select-tiles", "--tenon-linear-to-vector", "--tenon-unroll", "--tenon-unpack-to-vector", "--tenon-micro-to-x86", "--tenon-micro-to-vector"],
                    os.environ.get("KEEP"))
    rng = np.random.default_rng(7)
    for case in cases:
        x = rng.standard_normal((MOST_ROWS, case.k + case.padding), np.float32)
        w = rng.standard_normal((case.n, case.k), np.float32)
        bias = rng.standard_normal(case.n, np.float32)
        residual = rng.standard_normal((MOST_ROWS, case.columns), np.float32)
        packed, exact_w = pack(case, w)
        exact_x = x.astype(np.float64)
        if case.input == "bf16":
            x = to_bf16(x)
            exact_x = from_bf16(x).astype(np.float64)
        exact_x = exact_x[:, :case.k]
        sums = exact_x @ exact_w.T + (bias if case.bias else 0)
        bound = case.k * 2.0**-23 * (np.abs(exact_x) @ np.abs(exact_w).T + 1)
        if case.gated:
            gate, up = sums[:, :case.columns], sums[:, case.columns:]
            expected = activate(case.activation, gate) * up
            bound = bound[:, :case.columns] * (np.abs(up) + 1) * 1.2 + bound[:, case.columns:] * (np.abs(gate) + 1)
        else:
            expected = activate(case.activation, sums)
            bound = bound * 1.2
        if case.residual:
            expected = expected + residual
        bound = bound + 3e-6 * (np.abs(expected) + 1)
        if case.output == "bf16":
            bound = bound + np.abs(expected) * 2.0**-8

        def run(rows, x, residual, count):
            y = np.full((len(x) + 1, case.columns), 7, np.uint16 if case.output == "bf16" else np.float32)
            extra = [bias] * case.bias + [residual] * case.residual
            module.call(f"{case.name}_{rows}", x, packed, y, *extra, count)
            if not (y[count:] == 7).all():
                print(f"FAIL {target} {case.name} {rows}: wrote past row {count}")
                report.failed += 1
            return y[:count]

        for count in ROW_COUNTS:
            y = run("any", x, residual, count)
            value = from_bf16(y) if case.output == "bf16" else y
            error = np.abs(value - expected[:count])
            report.close(f"{target} {case.name} rows {count}", np.maximum(error - bound[:count], 0), 0 * error, 0)
        for row in range(MOST_ROWS):
            single = run(1, x[row:row + 1].copy(), residual[row:row + 1].copy(), 1)
            if not np.array_equal(single[0], y[row]):
                report.equal(f"{target} {case.name} row {row}", single[0], y[row])
        report.equal(f"{target} {case.name} five rows", run(5, x[:5].copy(), residual[:5].copy(), 5), y[:5])
        if case.residual and case.output == "f32":
            # In place: the result is written over the residual.
            y2 = residual.copy()
            module.call(f"{case.name}_any", x, packed, y2, *([bias] * case.bias), y2, MOST_ROWS)
            report.equal(f"{target} {case.name} in place", y2, y)


report = Report()
for target in sys.argv[1:]:
    if supported(target):
        check(target, report)
    else:
        print(f"skipped {target}: this CPU does not run it")
report.finish()
