"""Compares instructions with what micro-operations mean, bit by bit: micro.py TARGET.

Each operation is compiled twice, by the target's own lowering and by tenon-micro-to-vector alone, and run on the same
numbers.
"""

import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Inputs"))
from kernel_harness import EXTENSIONS, INSTRUCTIONS, Module, Report, TARGETS, memref, supported, to_bf16  # noqa: E402

COUNT = 256  # vectors of each operand
TYPES = {"i8": np.int8, "i16": np.int16, "i32": np.int32, "f32": np.float32, "bf16": np.uint16}


def cases(lanes, target):
    """Name, operation, operands (element, number) and the result's."""
    v = lambda n, element: f"vector<{n * lanes}x{element}>"
    yield ("dot4_i8", f"micro.dot4_i8 %0, %1, %2 : {v(1, 'i32')}, {v(4, 'i8')}",
           [("i32", 1), ("i8", 4), ("i8", 4)], ("i32", 1))
    yield ("dot4_s8", f"micro.dot4_s8 %0, %1, %2 : {v(1, 'i32')}, {v(4, 'i8')}",
           [("i32", 1), ("i8", 4), ("i8", 4)], ("i32", 1))
    yield "dot2_i8", f"micro.dot2_i8 %0, %1 : {v(4, 'i8')} -> {v(2, 'i16')}", [("i8", 4), ("i8", 4)], ("i16", 2)
    yield ("dot2_i16", f"micro.dot2_i16 %0, %1, %2 : {v(1, 'i32')}, {v(2, 'i16')}",
           [("i32", 1), ("i16", 2), ("i16", 2)], ("i32", 1))
    if TARGETS[target][4] or "bf16" in EXTENSIONS.get(target, []):
        yield ("dot2_bf16", f"micro.dot2_bf16 %0, %1, %2 : {v(1, 'f32')}, {v(2, 'bf16')}",
               [("f32", 1), ("bf16", 2), ("bf16", 2)], ("f32", 1))
    table = ", ".join(str(x) for x in range(-127, 129, 16))
    yield "lookup", f"micro.lookup %0 in [{table}] : {v(4, 'i8')}", [("i8", 4)], ("i8", 4)
    yield "round", f"micro.round %0 : {v(1, 'f32')} -> {v(1, 'i32')}", [("f32", 1)], ("i32", 1)
    yield "scale", f"micro.scale %0, %1 : {v(1, 'f32')}", [("f32", 1), ("f32", 1)], ("f32", 1)
    yield "scale_normal", f"micro.scale %0, %1 {{normal}} : {v(1, 'f32')}", [("f32", 1), ("f32", 1)], ("f32", 1)


def function(name, operation, operands, result, lanes):
    every = operands + [result]
    memrefs = [memref((COUNT, n * lanes), element) for element, n in every]
    vectors = [f"vector<{n * lanes}x{element}>" for element, n in every]
    loads = [f"    %{k} = vector.load %m{k}[%i, %c0] : {memrefs[k]}, {vectors[k]}" for k in range(len(operands))]
    last = len(operands)
    arguments = ", ".join(f"%m{k}: {memrefs[k]}" for k in range(len(every)))
    return "\n".join([
        f"func.func @{name}({arguments}) {{", "  %c0 = arith.constant 0 : index", "  %c1 = arith.constant 1 : index",
        f"  %n = arith.constant {COUNT} : index", "  scf.for %i = %c0 to %n step %c1 {", *loads,
        f"    %r = {operation}", f"    vector.store %r, %m{last}[%i, %c0] : {memrefs[last]}, {vectors[last]}", "  }",
        "  return", "}"])


def operands_of(name, operands, lanes, rng):
    """Numbers within what the operation is for, its ends among them."""
    arrays = []
    for k, (element, n) in enumerate(operands):
        shape = (COUNT, n * lanes)
        if name == "round":
            x = rng.uniform(-2**21, 2**21, shape).astype(np.float32)
            x[::2] = np.round(x[::2] / 2**17 * 4) / 4 + 0.5 * (rng.integers(0, 2, x[::2].shape))  # ties
        elif name.startswith("scale"):
            least, end = (-252, 255) if name == "scale" else (-125, 127)
            x = rng.uniform(0.7, 1.42, shape).astype(np.float32) if k == 0 else \
                rng.integers(least, end, shape).astype(np.float32)
        elif name == "lookup":
            x = rng.integers(0, 16, shape).astype(np.int8)
        elif element == "bf16":
            x = to_bf16(rng.standard_normal(shape).astype(np.float32))
        elif element == "f32":
            x = rng.standard_normal(shape).astype(np.float32)
        else:
            info = np.iinfo(TYPES[element])
            x = rng.integers(info.min, info.max + 1, shape).astype(TYPES[element])
            if element != "i32":
                x[0], x[1] = info.max, info.min
        if name == "dot2_i8":  # two products fit 16 bits
            x = (x.view(np.uint8) & 0x7f).view(np.int8) if k == 0 else np.maximum(x, np.int8(-127))
        arrays.append(np.ascontiguousarray(x))
    return arrays


def main(target):
    lanes = TARGETS[target][0] // 32
    every = list(cases(lanes, target))
    functions = [function(*case, lanes) for case in every]
    instructions = Module(functions, target, INSTRUCTIONS)
    meaning = Module(functions, target, ["--tenon-micro-to-vector"])
    rng, report = np.random.default_rng(1), Report()
    for name, _, operands, (element, n) in every:
        arrays = operands_of(name, operands, lanes, rng)
        results = []
        for module in (instructions, meaning):
            results.append(np.zeros((COUNT, n * lanes), TYPES[element]))
            module.call(name, *arrays, results[-1])
        report.equal(name, *(r.view(np.uint8) for r in results))
        if name.startswith("scale"):
            exact = np.ldexp(arrays[0], arrays[1].astype(np.int32))
            report.equal(name + " against ldexp", results[0].view(np.uint8), exact.view(np.uint8))
    report.finish()


if not supported(sys.argv[1]):
    print("this CPU does not run it\n0 passed, 0 failed")
else:
    main(sys.argv[1])
