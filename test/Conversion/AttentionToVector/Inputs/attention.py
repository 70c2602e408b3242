"""Attention kernels against NumPy in double precision: `attention.py TARGET...`.

Keys and values go to the cache by append_kv in pieces. Prefill (a dynamic
number of queries) is compared with naive attention, tolerance 2e-6 of the
values' magnitude, and bitwise with decode (one query) and with itself in other
chunks (I5). What lies behind the last token in the cache is NaN.
"""

from dataclasses import dataclass
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "Inputs"))
from kernel_harness import Module, Report, TARGETS, from_bf16, memref, supported

CAPACITY = 384


@dataclass
class Case:
    heads: int
    groups: int
    dim: int
    tokens: int
    causal: bool = True
    window: int = 0
    valid: bool = False
    output: str = "f32"

    @property
    def name(self):
        flags = "c" * self.causal + "v" * self.valid + f"w{self.window}"
        return f"a_{self.heads}_{self.groups}_{self.dim}_{self.tokens}_{flags}_{self.output}"


CASES = [
    Case(2, 1, 64, 150), Case(1, 1, 8, 33), Case(4, 1, 24, 129), Case(3, 1, 40, 20, window=7),
    Case(2, 2, 80, 140, causal=False), Case(1, 1, 96, 290, window=130), Case(2, 1, 128, 37),
    Case(1, 1, 256, 18, output="bf16"), Case(2, 1, 16, 200, causal=False, valid=True),
    Case(9, 1, 5, 17), Case(1, 1, 1, 3), Case(2, 2, 33, 130, valid=True), Case(1, 1, 420, 9),
]
# The queries of a case are computed in chunks of these sizes.
CHUNKS = [1, 7, 40, 1000]


def functions(case, target):
    bits = TARGETS[target][0]
    t, h, g, d = case.tokens, case.heads, case.groups, case.dim
    keys, values = memref((g, CAPACITY // 16, d, 16), "f32"), memref((g, CAPACITY, d), "f32")
    kv_rows = f"memref<{g}x?x{d}xf32, strided<[{d}, {g * d}, 1]>>"
    fs = [f"""func.func @{case.name}_append(%k: {memref((t, g, d), 'f32')}, %v: {memref((t, g, d), 'f32')},
    %keys: {keys}, %values: {values}, %pos: index, %n: index) {{
  %kh = memref.reinterpret_cast %k to offset: [0], sizes: [{g}, %n, {d}], strides: [{d}, {g * d}, 1] : {memref((t, g, d), 'f32')} to {kv_rows}
  %vh = memref.reinterpret_cast %v to offset: [0], sizes: [{g}, %n, {d}], strides: [{d}, {g * d}, 1] : {memref((t, g, d), 'f32')} to {kv_rows}
  tenon.append_kv %kh, %vh, %keys, %values at %pos : {kv_rows}, {kv_rows}, {keys}, {values}
  return
}}"""]
    flat, out = memref((t, h, d), "f32"), memref((t, h, d), case.output)
    valid_type = memref((CAPACITY,), "i32")
    attributes = f"scale = {d ** -0.5:.8f} : f32" + ", causal" * case.causal
    if case.window:
        attributes += f", window = {case.window} : i64"
    for rows, n in (("?", "%n"), ("1", "1")):
        q = f"memref<{h}x{rows}x{d}xf32, strided<[{d}, {h * d}, 1]>>"
        o = f"memref<{h}x{rows}x{d}x{case.output}, strided<[{d}, {h * d}, 1]>>"
        tile = f", tile = #tenon.tile<rows = {1 if rows == '1' else bits // 16}, columns = 128>"
        valid = f" valid(%valid : {valid_type})" if case.valid else ""
        fs.append(f"""func.func @{case.name}_{'decode' if rows == '1' else 'prefill'}(%q: {flat}, %keys: {keys}, %values: {values},
    %valid: {valid_type}, %o: {out}, %pos: index, %len: index, %n: index) {{
  %qh = memref.reinterpret_cast %q to offset: [0], sizes: [{h}, {n}, {d}], strides: [{d}, {h * d}, 1] : {flat} to {q}
  %oh = memref.reinterpret_cast %o to offset: [0], sizes: [{h}, {n}, {d}], strides: [{d}, {h * d}, 1] : {out} to {o}
  tenon.block_attention %qh, %keys, %values at %pos length %len{valid} into %oh {{{attributes}{tile}}} : {q}, {keys}, {values}, {o}
  return
}}""")
    return fs


def naive(case, q, k, v, valid):
    t = np.arange(case.tokens)
    s = np.einsum("thd,shd->hts", q, np.repeat(k, case.heads // case.groups, 1)) * case.dim ** -0.5
    mask = np.ones((case.tokens, case.tokens), bool)
    if case.causal:
        mask &= t[None] <= t[:, None]
    if case.window:
        mask &= t[None] > t[:, None] - case.window
    if case.valid:
        mask &= valid[None, :case.tokens] != 0
    s = np.where(mask, s, -np.inf)
    p = np.exp(s - s.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    return np.einsum("hts,shd->thd", p, np.repeat(v, case.heads // case.groups, 1))


def check(target, report):
    module = Module([f for c in CASES for f in functions(c, target)], target,
                    ["--tenon-select-tiles", "--tenon-attention-to-vector", "--tenon-unroll", "--tenon-unpack-to-vector", "--tenon-micro-to-x86", "--tenon-micro-to-vector"],
                    os.environ.get("KEEP"))
    rng = np.random.default_rng(3)
    for case in CASES:
        t, h, g, d = case.tokens, case.heads, case.groups, case.dim
        q, k, v = (rng.standard_normal((t, n, d), np.float32) for n in (h, g, g))
        q *= 2
        valid = np.zeros(CAPACITY, np.int32)
        valid[:t] = rng.random(t) < 0.7
        valid[0] = 1
        keys = np.full((g, CAPACITY // 16, d, 16), np.nan, np.float32)
        values = np.full((g, CAPACITY, d), np.nan, np.float32)
        for start in range(0, t, 50):
            n = min(50, t - start)
            module.call(f"{case.name}_append", k[start:start + n].copy(), v[start:start + n].copy(), keys, values, start, n)
        report.equal(f"{target} {case.name} values", values[:, :t], v.transpose(1, 0, 2))
        report.equal(f"{target} {case.name} keys", keys.transpose(0, 1, 3, 2).reshape(g, CAPACITY, d)[:, :t], k.transpose(1, 0, 2))
        expected = naive(case, *(x.astype(np.float64) for x in (q, k, v)), valid)

        def run(kind, chunk):
            out = np.zeros((t, h, d), np.uint16 if case.output == "bf16" else np.float32)
            for start in range(0, t, chunk):
                n = min(chunk, t - start)
                part = np.full((n + 1, h, d), 7, out.dtype)
                module.call(f"{case.name}_{kind}", q[start:start + n].copy(), keys, values, valid, part, start,
                            start + n if case.causal else t, n)
                if not (part[n:] == 7).all():
                    print(f"FAIL {target} {case.name}: wrote past row {n}")
                    report.failed += 1
                out[start:start + n] = part[:n]
            return out

        whole = run("prefill", CHUNKS[-1])
        value = from_bf16(whole) if case.output == "bf16" else whole
        report.close(f"{target} {case.name}", value, expected, 3e-6, 2.0**-8 if case.output == "bf16" else 1e-6)
        report.equal(f"{target} {case.name} decode", run("decode", 1), whole)
        for chunk in CHUNKS[:-1]:
            report.equal(f"{target} {case.name} chunks of {chunk}", run("prefill", chunk), whole)


report = Report()
for target in sys.argv[1:]:
    if supported(target):
        check(target, report)
    else:
        print(f"skipped {target}: this CPU does not run it")
report.finish()
