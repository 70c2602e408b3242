"""Runs accesses with --tenon-check-bounds: inside they compute, outside they stop and say where."""

import ctypes
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "Inputs"))
from kernel_harness import Module, Report  # noqa: E402

RUNTIME = '#include <stdio.h>\n#include <stdlib.h>\nvoid tenon_out_of_bounds(const char *t) { puts(t); fflush(stdout); _Exit(7); }\n'

# Each adds 1 to what it reaches of x, [6][20], from (i, j) on.
FUNCTIONS = {
    "element": """func.func @element(%x: memref<6x20xf32>, %i: index, %j: index) {
  %one = arith.constant 1.0 : f32
  %v = memref.load %x[%i, %j] : memref<6x20xf32>
  %w = arith.addf %v, %one : f32
  memref.store %w, %x[%i, %j] : memref<6x20xf32>
  return
}""",
    "vector": """func.func @vector(%x: memref<6x20xf32>, %i: index, %j: index) {
  %one = arith.constant dense<1.0> : vector<4xf32>
  %v = vector.load %x[%i, %j] : memref<6x20xf32>, vector<4xf32>
  %w = arith.addf %v, %one : vector<4xf32>
  vector.store %w, %x[%i, %j] : memref<6x20xf32>, vector<4xf32>
  return
}""",
    # Three of four lanes.
    "masked": """func.func @masked(%x: memref<6x20xf32>, %i: index, %j: index) {
  %one = arith.constant dense<1.0> : vector<4xf32>
  %mask = vector.constant_mask [3] : vector<4xi1>
  %v = vector.maskedload %x[%i, %j], %mask, %one : memref<6x20xf32>, vector<4xi1>, vector<4xf32> into vector<4xf32>
  %w = arith.addf %v, %one : vector<4xf32>
  vector.maskedstore %x[%i, %j], %mask, %w : memref<6x20xf32>, vector<4xi1>, vector<4xf32>
  return
}""",
    # Rows i .. i + 2 and columns j .. 19 - j, at their last place.
    "part": """func.func @part(%x: memref<6x20xf32>, %i: index, %j: index) {
  %one = arith.constant 1.0 : f32
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c19 = arith.constant 19 : index
  %n = arith.subi %c19, %j : index
  %p = memref.subview %x[%i, %j] [3, %n] [1, 1] : memref<6x20xf32> to memref<3x?xf32, strided<[20, 1], offset: ?>>
  %last = arith.subi %n, %c1 : index
  %v = memref.load %p[%c2, %last] : memref<3x?xf32, strided<[20, 1], offset: ?>>
  %w = arith.addf %v, %one : f32
  memref.store %w, %p[%c2, %last] : memref<3x?xf32, strided<[20, 1], offset: ?>>
  return
}""",
}
# What each adds to at (i, j), and places where it must stop.
INSIDE = {
    "element": [((5, 19), [(5, 19)]), ((0, 0), [(0, 0)])],
    "vector": [((5, 16), [(5, c) for c in range(16, 20)]), ((0, 17), [(0, 17), (0, 18), (0, 19), (1, 0)])],
    "masked": [((5, 17), [(5, 17), (5, 18), (5, 19)])],
    "part": [((3, 4), [(5, 18)])],
}
OUTSIDE = {
    "element": [(6, 0), (0, 20), (-1, 0), (0, -1)],
    "vector": [(5, 17), (0, 20), (0, -1), (6, 0)],
    "masked": [(5, 18), (0, -1), (6, 0)],
    "part": [(4, 0), (-1, 0), (0, -1), (0, 19)],
}


def child(directory, name, i, j):
    ctypes.CDLL(os.path.join(directory, "runtime.so"), mode=ctypes.RTLD_GLOBAL)
    function = getattr(ctypes.CDLL(os.path.join(directory, "m.so")), name)
    x = np.zeros((6, 20), np.float32)
    function(x.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(i), ctypes.c_int64(j))


def main():
    directory = tempfile.mkdtemp(prefix="tenon-bounds-")
    source = os.path.join(directory, "runtime.c")
    with open(source, "w") as f:
        f.write(RUNTIME)
    library = os.path.join(directory, "runtime.so")
    subprocess.run(["clang", "-shared", "-fPIC", source, "-o", library], check=True)
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    module = Module(list(FUNCTIONS.values()), "sse", ["--tenon-check-bounds"], keep=directory)
    report = Report()
    for name, cases in INSIDE.items():
        for (i, j), places in cases:
            x, expected = np.zeros((6, 20), np.float32), np.zeros((6, 20), np.float32)
            for place in places:
                expected[place] = 1
            module.call(name, x, i, j)
            report.equal(f"{name} at {i}, {j}", x, expected)
    for name, cases in OUTSIDE.items():
        for i, j in cases:
            done = subprocess.run([sys.executable, __file__, directory, name, str(i), str(j)],
                                  capture_output=True, text=True)
            ok = done.returncode == 7 and "m.mlir:" in done.stdout and f"the code of '{name}' leaves its memory" in done.stdout
            report.equal(f"{name} at {i}, {j}: {done.returncode} {done.stdout}{done.stderr}", ok, True)
    report.finish()


if len(sys.argv) > 1:
    child(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    main()
