#!/usr/bin/env python3
"""Operation x type x shape x variant: generated kernels against numpy in double precision.

  matrix.py VARIANT [--part I/N] [--only TEXT]

A case is one operation on one type and shape with one number of rows. Its result is compared

  * with an f64 evaluation on the same weights and, for weights in blocks, the same quantized activations, by the
    normalized mean-square error |y - z|^2 / |z|^2: 1e-10;
  * with an f64 evaluation on the activations before they were quantized, over all rows of the shape: 1e-4 if to 8
    bits, 1e-8 if to 16, 4e-4 if to 7;
  * bitwise with the one-row kernel's results, row by row (I5), and the rows behind the last must be as before;
  * tables, int8 groups and caches bitwise with numpy's: nothing rounds there that numpy doesn't round alike.

attention.py has the cases of attention and its caches.
"""

import argparse
import math
import os
import sys
import time
import zlib

import numpy as np

from attention import attention_cases
from numbers_of_cases import Report, error, from_bf16, memref, tanh, to_bf16
from superblocks import CHANNELS, GROUPS, PANEL, SCHEMES, Weight, quantize, rounded_sums
from variants import VARIANTS, Module, aligned, entry, missing

F32_ERROR = 1e-10
GROUP_ERROR = {"groups": 1e-4, "token": 1e-4, "token7": 4e-4, "residual": 1e-8}
ROWS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 43]  # from 40 on panels are unpacked
FEW = [2, 3, 4, 5, 6, 7, 8]
# Kernels of short vectors are long, and LLVM takes its time for them.
SOME = [2, 5, 8]
MOST = max(ROWS)
erf = np.vectorize(math.erf)
ACTIVATIONS = {
    "identity": lambda x: x,
    "silu": lambda x: x / (1 + np.exp(-x)),
    "gelu": lambda x: x / 2 * (1 + erf(x / np.sqrt(2))),
    "gelu_tanh": lambda x: x / 2 * (1 + tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "relu": lambda x: np.maximum(x, 0),
}


class Linear:
    """y = act(x W^T + b) + r, or act(x G^T) * (x U^T) + r; `kind` f32, f16, bf16, a block type,
    or pairs of bf16: bf16x2, multiplied by bf16, or bf16x2w, widened."""

    def __init__(self, kind, n, k, activation="identity", bias=False, residual=False, gated=False, few=None, groups=None):
        """`few`: numbers of rows that the kernel knows, besides 1; by default one of them.
        `groups`: what weights in blocks are multiplied by."""
        self.kind, self.n, self.k = kind, n, k
        self.activation, self.bias, self.residual, self.gated = activation, bias, residual, gated
        self.columns = n // 2 if gated else n
        flags = "".join(f for f, on in zip("brg", (bias, residual, gated)) if on)
        self.groups = groups or CHANNELS.get(kind, "groups")
        self.name = f"linear_{kind}_{n}_{k}_{activation}_{flags}" + "_residual" * (groups == "residual")
        self.few = few or [FEW[zlib.crc32(self.name.encode()) % len(FEW)]]
        self.blocks = kind in SCHEMES
        self.panels = -(-self.columns // (PANEL // 2 if gated else PANEL))
        if self.blocks:
            s = SCHEMES[kind]
            superblocks = -(-k // s.columns)
            self.input_columns = superblocks * s.groups
            self.input = GROUPS[self.groups][0]
            self.weight = memref(self.panels, superblocks, f"!tenon.superblock<{kind}, {PANEL}>")
            self.bytes = self.panels * superblocks * 2 * s.bytes
        else:
            pairs = 2 if kind.startswith("bf16x2") else 1
            self.input_columns, self.input = k, "bf16" if kind == "bf16x2" else "f32"
            steps = -(-k // pairs)
            self.weight = memref(self.panels, steps, PANEL, pairs, kind[:4])
            self.bytes = self.panels * steps * PANEL * pairs * {"f32": 4, "f16": 2}.get(kind, 2)

    def fits(self, variant):
        return self.kind != "bf16x2" or variant.bf16_dot

    def entries(self):
        return [self._entry(rows) for rows in [1, *self.few, "?"]]

    def _entry(self, rows):
        whole = MOST if rows == "?" else rows
        buffers = [("x", memref(whole, self.input_columns, self.input)), ("y", memref(whole, self.columns, "f32"))]
        if self.bias:
            buffers.append(("b", memref(self.n, "f32")))
        if self.residual:
            buffers.append(("r", memref(whole, self.columns, "f32")))
        lines, types = ["  %zero = arith.constant 0 : index",
                        f"  %w = memref.view %weights[%zero][] : memref<{self.bytes}xi8> to {self.weight}"], {}
        for name, type_ in buffers:
            types[name] = type_
            if name == "b" or rows != "?":
                continue
            columns, element = (self.input_columns, self.input) if name == "x" else (self.columns, "f32")
            types[name] = f"memref<?x{columns}x{element}, strided<[{columns}, 1]>>"
            lines.append(f"  %{name}v = memref.subview %{name}[0, 0] [%T, {columns}] [1, 1] : {type_} to {types[name]}")
        value = lambda n: f"%{n}" if n == "b" or rows != "?" else f"%{n}v"
        types["w"] = self.weight
        order = [n for n in "xwbry" if n in types]
        # Another plan than the one that would be chosen, with K in parts, a short one at its end: the same bits.
        plan = ""
        if rows == "?" and self.residual:
            unpack = f", unpack_from = {zlib.crc32(self.name.encode()) % 3}" * self.blocks
            plan = f", plan = #tenon.plan<stream_rows = 2, depth_block = 64{unpack}>"
        lines.append(f"  tenon.linear {value('x')}, %w" + " bias(%b)" * self.bias
                     + f" residual({value('r')})" * self.residual + f" into {value('y')} "
                     f"{{activation = #tenon.activation_kind<{self.activation}>{', gated' * self.gated}{plan}}} : "
                     f"({', '.join(types[n] for n in order)}) -> ()")
        return entry(f"{self.name}_{'any' if rows == '?' else rows}", self.bytes, buffers,
                     "\n".join(lines))

    def check(self, module, rng, report):
        x = (rng.standard_normal((MOST, self.k)) * rng.uniform(0.5, 2, (MOST, 1))).astype(np.float32)
        if self.k > 32:
            x[2, :32] = 0  # a group of zeros
            x[3], x[4] = 2, -2  # the largest integers side by side
        exact, of_minimums = x.astype(np.float64), 0
        if self.blocks:
            weight = Weight(rng, self.kind, self.n, self.k, self.gated)
            w, packed = weight.values, weight.packed
            x, exact_x = quantize(x, self.input_columns, self.groups, module.lanes)
            if weight.paired_minimums is not None:
                of_minimums = rounded_sums(x, module.lanes) @ weight.paired_minimums.T
        else:
            w, packed = self._plain(rng)
            exact_x = exact
            if self.input == "bf16":
                x = to_bf16(x)
                exact_x = from_bf16(x).astype(np.float64)
        assert packed.nbytes == self.bytes
        packed, bias = aligned(packed), rng.standard_normal(self.n).astype(np.float32)
        residual = rng.standard_normal((MOST, self.columns)).astype(np.float32)

        def expected(x, more=0):
            sums = x @ w.T + more + (bias if self.bias else 0)
            act = ACTIVATIONS[self.activation]
            y = act(sums[:, :self.columns]) * sums[:, self.columns:] if self.gated else act(sums)
            return y + residual if self.residual else y

        def run(rows, first, count):
            part = slice(first, MOST if rows == "any" else first + rows)
            y = np.full((MOST if rows == "any" else rows, self.columns), 7, np.float32)
            buffers = [aligned(x[part]), y] + [bias] * self.bias + [residual[part].copy()] * self.residual
            module.call(f"{self.name}_{rows}", packed, buffers, tokens=count)
            return y

        one = np.concatenate([run(1, row, 1) for row in range(MOST)])
        wanted = expected(exact_x, of_minimums)
        for count in ROWS:
            y = run("any", 0, count)
            problems = []
            if not (y[count:] == 7).all():
                problems.append("wrote behind the last row")
            if not np.array_equal(y[:count].view(np.int32), one[:count].view(np.int32)):
                problems.append(f"other bits than one row at a time, in {(y[:count] != one[:count]).any(1).sum()} rows")
            problems += report.bound(f"linear {'blocks' if self.blocks else self.kind}",
                                     error(y[:count], wanted[:count]), F32_ERROR)
            if self.blocks and count == MOST:
                problems += report.bound(f"linear, activations before quantizing to {self.groups}",
                                         error(y, expected(exact)), GROUP_ERROR[self.groups])
            report.case(f"{self.name} rows {count}", problems)
        for count in self.few:
            y = run(count, 3, count)
            same = np.array_equal(y.view(np.int32), one[3:3 + count].view(np.int32))
            report.case(f"{self.name} rows {count}, known", [] if same else ["other bits than one row at a time"])

    def _plain(self, rng):
        """The weight's values in f64 and its panels [P][K / k][n][k], with finite values in the padding."""
        pairs = 2 if self.kind.startswith("bf16x2") else 1
        steps = -(-self.k // pairs)
        halves = 2 if self.gated else 1
        w = rng.standard_normal((self.panels, halves, PANEL // halves, steps * pairs)).astype(np.float32)
        w[..., self.k:] = 0
        stored, values = w, w
        if self.kind.startswith("bf16"):
            stored = to_bf16(w)
            values = from_bf16(stored)
        elif self.kind == "f16":
            stored = values = w.astype(np.float16)
        logical = values.transpose(1, 0, 2, 3).reshape(halves, -1, steps * pairs)[:, :self.columns, :self.k]
        packed = stored.reshape(self.panels, PANEL, steps, pairs).transpose(0, 2, 1, 3)
        return logical.reshape(self.n, self.k).astype(np.float64), np.ascontiguousarray(packed)


class Embedding:
    """Rows of a table in blocks, and all of it unpacked."""

    TOKENS = [1, 2, 9]

    def __init__(self, kind, n, k):
        self.kind, self.n, self.k, self.name = kind, n, k, f"embedding_{kind}_{n}_{k}"

    def fits(self, variant):
        return True

    def entries(self):
        s = SCHEMES[self.kind]
        panels, superblocks = -(-self.n // PANEL), -(-self.k // s.columns)
        self.bytes = panels * superblocks * 2 * s.bytes
        table = memref(panels, superblocks, f"!tenon.superblock<{self.kind}, {PANEL}>")
        most = max(self.TOKENS)
        ids, out = "memref<?xi32, strided<[1]>>", f"memref<?x{self.k}xf32, strided<[{self.k}, 1]>>"
        return [entry(self.name, self.bytes, [("ids", memref(most, "i32")), ("y", memref(most, self.k, "f32"))], f"""
  %zero = arith.constant 0 : index
  %w = memref.view %weights[%zero][] : memref<{self.bytes}xi8> to {table}
  %i = memref.subview %ids[0] [%T] [1] : {memref(most, 'i32')} to {ids}
  %o = memref.subview %y[0, 0] [%T, {self.k}] [1, 1] : {memref(most, self.k, 'f32')} to {out}
  tenon.embedding %i, %w into %o : ({ids}, {table}, {out}) -> ()"""),
                entry(f"{self.name}_all", self.bytes, [("y", memref(self.n, self.k, "f32"))], f"""
  %zero = arith.constant 0 : index
  %w = memref.view %weights[%zero][] : memref<{self.bytes}xi8> to {table}
  tenon.unpack_panels %w from %zero into %y : {table}, {memref(self.n, self.k, "f32")}""")]

    def check(self, module, rng, report):
        weight = Weight(rng, self.kind, self.n, self.k)
        packed = aligned(weight.packed)
        most = max(self.TOKENS)
        y = np.full((self.n, self.k), 7, np.float32)
        module.call(f"{self.name}_all", packed, [y], tokens=1)
        report.case(f"{self.name} unpacked", [] if np.array_equal(y, weight.rounded) else ["other values than the table has"])
        for count in self.TOKENS:
            ids = rng.integers(0, self.n, most).astype(np.int32)
            ids[:2] = [self.n - 1, 0]
            y = np.full((most, self.k), 7, np.float32)
            module.call(self.name, packed, [ids, y], tokens=count)
            problems = [] if (y[count:] == 7).all() else ["wrote behind the last row"]
            if not np.array_equal(y[:count], weight.rounded[ids[:count]]):
                problems.append("other values than the table has")
            report.case(f"{self.name} rows {count}", problems)


class Rows:
    """quantize, rms_norm and layer_norm: f32 rows to f32 rows or int8 groups."""

    COUNTS = [1, 2, 3, 7, 9]

    def __init__(self, operation, length, more_groups=0, unit_offset=False):
        self.operation, self.length, self.unit_offset = operation, length, unit_offset
        self.groups = -(-length // 32) + more_groups
        self.name = f"{operation}_{length}_{self.groups}" + "_offset" * unit_offset

    def fits(self, variant):
        return True

    def entries(self):
        kinds = [*GROUPS] + ["f32"] * (self.operation != "quantize")
        return [self._entry(kind, rows) for kind in kinds for rows in (1, "?")]

    def _entry(self, kind, rows):
        n, whole = self.length, 1 if rows == 1 else max(self.COUNTS)
        columns, element = (n, "f32") if kind == "f32" else (self.groups, GROUPS[kind][0])
        source, target = memref(whole, n, "f32"), memref(whole, columns, element)
        buffers = [("x", source), ("y", target)]
        if self.operation != "quantize":
            buffers.append(("w", memref(n, "f32")))
        if self.operation == "layer_norm":
            buffers.append(("b", memref(n, "f32")))
        types, lines, x, y = [source, target], "", "%x", "%y"
        if rows != 1:
            types = [f"memref<?x{n}xf32, strided<[{n}, 1]>>", f"memref<?x{columns}x{element}, strided<[{columns}, 1]>>"]
            lines = (f"  %xv = memref.subview %x[0, 0] [%T, {n}] [1, 1] : {source} to {types[0]}\n"
                     f"  %yv = memref.subview %y[0, 0] [%T, {columns}] [1, 1] : {target} to {types[1]}\n")
            x, y = "%xv", "%yv"
        v = memref(n, "f32")
        offset = ", unit_offset" * self.unit_offset
        operation = {
            "quantize": f"tenon.quantize {x} into {y} : ({types[0]}, {types[1]}) -> ()",
            "rms_norm": f"tenon.rms_norm {x}, %w into {y} {{eps = 1.0e-5 : f32{offset}}} : ({types[0]}, {v}, {types[1]}) -> ()",
            "layer_norm": f"tenon.layer_norm {x}, %w bias(%b) into {y} {{eps = 1.0e-5 : f32}} : "
                          f"({types[0]}, {v}, {v}, {types[1]}) -> ()",
        }[self.operation]
        return entry(f"{self.name}_{kind}_{'any' if rows == '?' else rows}", 1, buffers, lines + "  " + operation)

    def check(self, module, rng, report):
        n, most = self.length, max(self.COUNTS)
        x = (rng.standard_normal((most, n)) * rng.uniform(0.01, 100, (most, 1))).astype(np.float32)
        x[1] = 0
        if self.operation == "quantize":
            # Ties: half-integers times a power of two, under a maximum of 127.
            x[2] = (rng.integers(-126, 127, n) + 0.5).astype(np.float32)
            x[2, ::32] = 127
        w, b = (rng.standard_normal(n).astype(np.float32) for _ in range(2))
        more = [w] * (self.operation != "quantize") + [b] * (self.operation == "layer_norm")

        def run(kind, rows, first, count):
            part = slice(first, first + (1 if rows == 1 else most))
            shape = (n,) if kind == "f32" else (self.groups, GROUPS[kind][1])
            y = aligned(np.full((1 if rows == 1 else most, *shape), 7, np.float32 if kind == "f32" else np.uint8))
            module.call(f"{self.name}_{kind}_{rows}", None, [x[part].copy(), y, *more], tokens=count)
            return y

        f64 = x.astype(np.float64)
        if self.operation == "rms_norm":
            wanted = f64 / np.sqrt(np.square(f64).mean(1, keepdims=True) + 1e-5) * (w + 1.0 * self.unit_offset)
        elif self.operation == "layer_norm":
            wanted = (f64 - f64.mean(1, keepdims=True)) / np.sqrt(f64.var(1, keepdims=True) + 1e-5) * w + b
        for count in self.COUNTS:
            numbers, problems = x[:count], []
            if self.operation != "quantize":
                y = run("f32", "any", 0, count)
                one = np.concatenate([run("f32", 1, row, 1) for row in range(count)])
                if not np.array_equal(y[:count], one):
                    problems.append("f32: other bits than one row at a time")
                if not (y[count:] == 7).all():
                    problems.append("f32: wrote behind the last row")
                problems += report.bound(self.operation, error(y[:count], wanted[:count]), F32_ERROR)
                numbers = y[:count]
                report.case(f"{self.name} to f32 rows {count}", problems)
                problems = []
            for kind in GROUPS:
                problems = []
                groups = run(kind, "any", 0, count)
                one = np.concatenate([run(kind, 1, row, 1) for row in range(count)])
                if not (groups[count:] == 7).all():
                    problems.append("wrote behind the last row")
                if not np.array_equal(groups[:count], one):
                    problems.append("other bits than one row at a time")
                rule = quantize(numbers, self.groups, kind, module.lanes)[0]
                if not np.array_equal(canonical(groups[:count], kind), canonical(rule, kind)):
                    problems.append("other groups than the rule gives")
                report.case(f"{self.name} to {kind} rows {count}", problems)


def canonical(groups, kind):
    """Int8 groups with zeros of one sign in their f32 fields, and in fields that say nothing."""
    words = np.ascontiguousarray(groups).view(np.int32).reshape(*groups.shape[:2], -1).copy()
    floats = [8, 9, 13, 14]
    words[:, :, floats] = np.where(words[:, :, floats] == -2**31, 0, words[:, :, floats])
    words[:, :, 24:] = 0
    if kind in CHANNELS.values():
        words[:, 1:, 8:] = 0
        words[:, 0, [9, *range(11, 16)]] = 0
    return words


def make_cases(variant):
    cases, few = [], FEW if variant.bits > 128 else SOME
    for kind in ("f32", "f16", "bf16", "bf16x2", "bf16x2w"):
        cases += [Linear(kind, 1, 1), Linear(kind, 33, 31, bias=True), Linear(kind, 37, 172, residual=True, few=few),
                  Linear(kind, 31, 33, "gelu", bias=True, residual=True), Linear(kind, 34, 64, "silu", gated=True),
                  Linear(kind, 62, 7, "gelu_tanh", bias=True, gated=True, residual=True)]
    for kind, scheme in SCHEMES.items():
        # Numbers of groups: one, odd ones, whole superblocks; for blocks of 256 there are none but these.
        depths = [32, 96, 512, 160, 64] if scheme.groups == 2 else [256, 512, 768, 256, 512]
        cases += [Linear(kind, 1, depths[0]), Linear(kind, 33, depths[1], bias=True),
                  Linear(kind, 77, depths[2], residual=True, few=few), Linear(kind, 31, depths[3], "gelu", bias=True, residual=True),
                  Linear(kind, 34, depths[4], "silu", gated=True)]
        if kind not in CHANNELS:
            cases.append(Linear(kind, 45, depths[1], bias=True, few=[4, 8], groups="residual"))
        cases += [Embedding(kind, 1, depths[0]), Embedding(kind, 67, depths[1]), Embedding(kind, 32, depths[2])]
    for kind in ("q8_0", "q4_0"):
        # The compiler's own blocks, on rows of any length.
        cases += [Linear(kind, 61, 172, groups="residual"), Linear(kind, 32, 1), Linear(kind, 16, 31, bias=True), Linear(kind, 65, 33), Linear(kind, 30, 172, residual=True),
                  Linear(kind, 62, 65, "gelu_tanh", bias=True, gated=True, residual=True)]
        cases += [Embedding(kind, 5, 1), Embedding(kind, 33, 31), Embedding(kind, 61, 172)]
    for length, more in ((1, 1), (31, 1), (32, 0), (33, 0), (64, 6), (96, 1), (172, 2), (256, 0), (509, 0)):
        cases += [Rows(operation, length, more) for operation in ("quantize", "rms_norm", "layer_norm")]
    cases.append(Rows("rms_norm", 80, 1, unit_offset=True))
    return cases + attention_cases()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("--part", default="1/1", help="I/N: shapes I, I + N, ...")
    parser.add_argument("--only", default="", help="only shapes whose name contains this")
    args = parser.parse_args()
    variant = VARIANTS[args.variant]
    if lacks := missing(variant):
        print(f"skipped {args.variant}: this CPU has no {', '.join(lacks)}")
        return
    began = time.time()
    part, parts = map(int, args.part.split("/"))
    cases = [c for c in make_cases(variant) if c.fits(variant) and args.only in c.name][part - 1::parts]
    module = Module(variant, [e for c in cases for e in c.entries()])
    compiled = time.time()
    report = Report()
    for case in cases:
        case.check(module, np.random.default_rng(zlib.crc32(case.name.encode())), report)
    for what, value in report.worst.items():
        print(f"worst {what}: {value:.1e}")
    print(f"{args.variant}: {len(cases)} shapes compiled in {compiled - began:.1f} s, called in {time.time() - compiled:.1f} s")
    print(f"{report.cases - report.failed} passed, {report.failed} failed")
    sys.exit(1 if report.failed else 0)


main()
