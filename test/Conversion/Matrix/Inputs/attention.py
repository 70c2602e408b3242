"""Attention x precision of the cache x head size x mask x chain of the scores: the kernels of keys and values.

Keys and values go to the cache in pieces; queries come in chunks and one at a time. Compared are

  * the cache with numpy's rounding of keys and values, bitwise;
  * the results with an f64 evaluation on the rounded keys and values: normalized mean-square error 1e-10, as for f32;
  * with one on keys and values as they were: f16 1e-6, int8 3e-4. One scale for a token and head has steps of max / 127;
    for normal components max is 2 to 3 standard deviations, so the error of keys and values is step^2 / 12, 2e-5 to
    5e-5 of their squares, and those of keys come to the results through the scores;
  * chunks with one query at a time, bitwise (I5); where there can be parts over the keys, these with those combined;
  * a ring, which keeps the last tokens only, with a cache that keeps all, bitwise: in chunks and one token at a time.
"""

import numpy as np

from numbers_of_cases import error, memref, tanh
from variants import aligned, entry

EXACT_ERROR = 1e-10
ROUNDING_ERROR = {"f32": 1e-10, "f16": 1e-6, "int8": 3e-4}
SPLIT = 512
CAP, BIAS_SCALE = 1.5, 0.7


class Cache:
    """Keys and values of one precision in memory: types, and what numpy says they hold."""

    def __init__(self, precision, groups, capacity, dim, value_dim):
        self.precision, self.groups, self.capacity, self.dim, self.value_dim = precision, groups, capacity, dim, value_dim
        blocks = capacity // 16
        if precision == "int8":
            self.keys = memref(groups, blocks, f"!tenon.int8_tokens<{dim}, transposed>")
            self.values = memref(groups, blocks, f"!tenon.int8_tokens<{value_dim}>")
        else:
            self.keys = memref(groups, blocks, dim, 16, precision)
            self.values = memref(groups, capacity, value_dim, precision)

    def allocate(self):
        """Both with bytes of ones, NaN in every type of float."""
        blocks, dim, value_dim = (self.groups, self.capacity // 16), self.dim, self.value_dim
        if self.precision == "int8":
            return [aligned(np.full((*blocks, 16 * n + 64), 255, np.uint8)) for n in (dim, value_dim)]
        element = np.float32 if self.precision == "f32" else np.float16
        return [aligned(np.full(shape, np.nan, element)) for shape in ((*blocks, dim, 16), (*blocks, 16, value_dim))]

    def read(self, keys, values, tokens):
        """(numbers, scales or 1) of keys and values, [groups, tokens, dim] and [groups, tokens, 1]."""
        result = []
        for memory, transposed, dim in ((keys, True, self.dim), (values, False, self.value_dim)):
            scales = np.float32(1)
            if self.precision == "int8":
                scales = memory[..., 16 * dim:].copy().view(np.float32).reshape(self.groups, -1, 1)[:, :tokens]
                memory = memory[..., :16 * dim].view(np.int8)
                memory = memory.reshape(*memory.shape[:2], *((dim, 16) if transposed else (16, dim)))
            if transposed:
                memory = memory.transpose(0, 1, 3, 2)
            result.append((memory.reshape(self.groups, self.capacity, dim)[:, :tokens], scales))
        return result

    def rounded(self, x):
        """What memory should hold of [tokens, groups, dim], as `read` gives it."""
        x = x.transpose(1, 0, 2)
        if self.precision == "f32":
            return x, np.float32(1)
        if self.precision == "f16":
            return np.clip(x, -65504, 65504).astype(np.float16), np.float32(1)
        most = np.abs(x).max(2, keepdims=True)
        inverse = np.divide(np.float32(127), most, out=np.zeros_like(most), where=most != 0)
        return np.rint(x * inverse).astype(np.int8), most * np.float32(1.0 / 127)


class Attention:
    """`chain`: what stands between product and softmax, of "cap", "bias" (by distance), "keys" (a bias by key), "scaled"
    (that bias, by a number), "sink"."""

    def __init__(self, heads, groups, dim, precision="f32", causal=True, window=0, band=None, capacity=256, chain=(), value_dim=None,
                 ring=0):
        self.heads, self.groups, self.dim, self.causal, self.window = heads, groups, dim, causal, window
        self.band, self.chain, self.value_dim = band, frozenset(chain), value_dim or dim
        self.capacity, self.ring = capacity, ring
        self.cache = Cache(precision, groups, ring or capacity, dim, self.value_dim)
        self.tokens = (1, 15, 17, 127, 129, 200) if capacity == 256 else (512, 600, capacity - 3)
        self.name = f"attention_{precision}_{heads}_{groups}_{dim}_{'c' if causal else 'n'}{window}_{capacity}"
        self.name += f"_v{value_dim}" * bool(value_dim) + f"_b{band}" * (band is not None) + f"_ring{ring}" * bool(ring) + "".join(f"_{link}" for link in sorted(self.chain))
        self.reach = capacity + 32
        self.bias = self.sink = None

    def fits(self, variant):
        return True

    def entries(self):
        h, g, d, e, s, cache = self.heads, self.groups, self.dim, self.value_dim, self.capacity, self.cache
        kt, vt = cache.keys, cache.values
        flat = lambda n, dim: memref(s, n, dim, "f32")
        rows = lambda n, count, dim: f"memref<{n}x{count}x{dim}xf32, strided<[{dim}, {n * dim}, 1]>>"
        heads = lambda name, n, count, dim: (
            f"  %{name}h = memref.reinterpret_cast %{name} to offset: [0], sizes: [{n}, {count}, {dim}], "
            f"strides: [{dim}, {n * dim}, 1] : {flat(n, dim)} to {rows(n, '?' if count == '%T' else 1, dim)}\n")
        result = []
        ring = "{ring}" * bool(self.ring)
        for count, kind in (("%T", "any"), ("1", "1")):
            to = lambda dim: rows(g, "?" if kind == "any" else 1, dim)
            result.append(entry(f"{self.name}_append_{kind}", 1, [("k", flat(g, d)), ("v", flat(g, e)), ("keys", kt), ("values", vt)],
                                heads("k", g, count, d) + heads("v", g, count, e)
                                + f"  tenon.append_kv %kh, %vh, %keys, %values at %position {ring} : {to(d)}, {to(e)}, {kt}, {vt}"))
        window = f"window = {self.window} : i64" if self.window else ""
        scale = f"scale = {d ** -0.5:.8f} : f32"
        links = [f"cap = {CAP} : f32"] if "cap" in self.chain else []
        links += ["ring"] * bool(self.ring)
        biased, sunk = bool(self.chain & {"bias", "keys"}), "sink" in self.chain
        columns = s if "keys" in self.chain else 2 * self.reach + 1
        bt, st = memref(h, columns, "f32"), memref(h, "f32")
        links += ["bias_by_key"] * ("keys" in self.chain) + [f"bias_scale = {BIAS_SCALE} : f32"] * ("scaled" in self.chain)
        bias, sink = f" bias(%bias : {bt})" * biased, f" sink(%sink : {st})" * sunk
        extra = [("bias", bt)] * biased + [("sink", st)] * sunk
        band = f"band = {self.band} : i64" if self.band is not None else ""
        attributes = ", ".join(filter(None, [scale, "causal" * self.causal, window, band, *links]))
        for count, kind in (("%T", "any"), ("1", "1"), ("1", "parts")):
            q, o = (rows(h, "?" if kind == "any" else 1, dim) for dim in (d, e))
            body = heads("q", h, count, d) + heads("o", h, count, e)
            if kind != "parts":
                body += (f"  tenon.block_attention %qh, %keys, %values at %position length %rows{bias}{sink} into %oh {{{attributes}}} : "
                         f"{q}, {kt}, {vt}, {o}")
            elif not self.parts:
                continue
            else:
                # Of a ring as many as the window can have a part in, and no more.
                count = (self.window + SPLIT - 2) // SPLIT + 1 if self.ring else -(-s // SPLIT)
                parts = memref(h, count, -(-e // 16) * 16 + 16, "f32")
                body += (f"  %zero = arith.constant 0 : index\n  %p = memref.alloca() : {parts}\n"
                         f"  tenon.partial_attention %qh, %keys, %values at %position from %zero{bias} into %p "
                         f"{{{', '.join(filter(None, [scale, window, *links]))}}} : {q}, {kt}, {vt}, {parts}\n"
                         f"  tenon.combine_attention %p at %position{sink} into %oh {{{', '.join(filter(None, [window, 'ring' * bool(self.ring)]))}}} : {parts}, {o}")
            result.append(entry(f"{self.name}_{kind}", 1, [("q", flat(h, d)), ("keys", kt), ("values", vt), *extra,
                                                                  ("o", flat(h, e))], body))
        return result

    @property
    def parts(self):
        return self.causal and (self.ring > 0 or self.capacity > SPLIT)

    def check(self, module, rng, report):
        for tokens in self.tokens:
            self._check(module, rng, report, tokens)

    def _check(self, module, rng, report, tokens):
        h, g, d = self.heads, self.groups, self.dim
        self.bias = rng.standard_normal((h, self.capacity if "keys" in self.chain else 2 * self.reach + 1)).astype(np.float32)
        self.sink = rng.standard_normal(h).astype(np.float32) + 1
        extra = [self.bias] * bool(self.chain & {"bias", "keys"}) + [self.sink] * ("sink" in self.chain)
        q, k, v = (rng.standard_normal((tokens, n, dim)).astype(np.float32)
                   for n, dim in ((h, d), (g, d), (g, self.value_dim)))
        v[tokens // 2] = 0
        if tokens > 20:
            v[3] *= 2.0**-20  # below f16's normal numbers
        name = f"{self.name} tokens {tokens}"
        caches = []
        for kind, chunk in (("any", 50), ("1", 1)):
            keys, values = self.cache.allocate()
            for start in range(0, tokens, chunk):
                part = slice(start, start + chunk)
                module.call(f"{self.name}_append_{kind}", None, [k[part].copy(), v[part].copy(), keys, values],
                            tokens=len(k[part]), position=start)
            problems = []
            for what, (numbers, scales), x in zip(("keys", "values"), self.cache.read(keys, values, tokens), (k, v)):
                wanted, wanted_scales = self.cache.rounded(x)
                if not np.array_equal(numbers, wanted) or not np.array_equal(scales + 0 * wanted_scales, wanted_scales):
                    problems.append(f"other {what}")
            report.case(f"{name} append in chunks of {chunk}", problems)
            caches.append((keys, values))
        keys, values = caches[0]
        rounded = [(x.astype(np.float64) * s).transpose(1, 0, 2) for x, s in map(self.cache.rounded, (k, v))]
        wanted, exact = self._expected(q, *rounded), self._expected(q, k.astype(np.float64), v.astype(np.float64))

        def run(kind, chunk):
            out = np.full((tokens + 1, h, self.value_dim), 7, np.float32)
            for start in range(0, tokens, chunk):
                n = min(chunk, tokens - start)
                part = np.full((n + 1, h, self.value_dim), 7, np.float32)
                module.call(f"{self.name}_{kind}", None, [q[start:start + n].copy(), keys, values, *extra, part], tokens=n,
                            position=start, rows=start + n if self.causal else tokens)
                out[start:start + n + 1] = part
            return out

        one = run("1", 1)
        results = [(f"chunks of {chunk}", run("any", chunk)) for chunk in (tokens, 31, 7)]
        if self.parts:
            results.append(("parts", run("parts", 1)))
        for what, y in results:
            problems = [] if (y[tokens:] == 7).all() else ["wrote behind the last row"]
            if not np.array_equal(y, one):
                problems.append("other bits than one query at a time")
            problems += report.bound("attention", error(y[:tokens], wanted), EXACT_ERROR)
            problems += report.bound(f"attention, {self.cache.precision} before rounding", error(y[:tokens], exact),
                                     ROUNDING_ERROR[self.cache.precision])
            report.case(f"{name} {what}", problems)

    def _inputs(self, rng, tokens):
        h, g, d = self.heads, self.groups, self.dim
        self.bias = rng.standard_normal((h, self.capacity if "keys" in self.chain else 2 * self.reach + 1)).astype(np.float32)
        self.sink = rng.standard_normal(h).astype(np.float32) + 1
        return [rng.standard_normal((tokens, n, dim)).astype(np.float32) for n, dim in ((h, d), (g, d), (g, self.value_dim))]

    def _attend(self, module, inputs, chunk, kind):
        """Tokens go to a cache, and queries to it, in chunks."""
        q, k, v = inputs
        extra = [self.bias] * bool(self.chain & {"bias", "keys"}) + [self.sink] * ("sink" in self.chain)
        keys, values = self.cache.allocate()
        out = np.full((len(q), self.heads, self.value_dim), 7, np.float32)
        for start in range(0, len(q), chunk):
            part = slice(start, min(start + chunk, len(q)))
            n = part.stop - start
            module.call(f"{self.name}_append_{'any' if kind == 'any' else 1}", None, [k[part].copy(), v[part].copy(), keys, values],
                        tokens=n, position=start)
            y = np.full((n + 1, self.heads, self.value_dim), 7, np.float32)
            module.call(f"{self.name}_{kind}", None, [q[part].copy(), keys, values, *extra, y], tokens=n, position=start,
                        rows=start + n)
            out[part] = y[:n]
        return out

    def _expected(self, q, k, v):
        t = np.arange(len(q))
        shared = self.heads // self.groups
        scores = np.einsum("thd,shd->hts", q.astype(np.float64), np.repeat(k, shared, 1)) * self.dim**-0.5
        if "cap" in self.chain:
            scores = CAP * tanh(scores / CAP)
        scale = BIAS_SCALE if "scaled" in self.chain else 1
        if "bias" in self.chain:
            scores += scale * self.bias.astype(np.float64)[:, self.reach + t[None] - t[:, None]]
        if "keys" in self.chain:
            scores += scale * self.bias.astype(np.float64)[:, None, :len(q)]
        mask = np.ones((len(q), len(q)), bool)
        if self.causal:
            mask &= t[None] <= t[:, None]
        if self.window:
            mask &= t[None] > t[:, None] - self.window
        if self.band is not None:
            mask &= abs(t[None] - t[:, None]) <= self.band
        scores = np.where(mask, scores, -np.inf)
        if "sink" in self.chain:
            sinks = np.broadcast_to(self.sink.astype(np.float64)[:, None, None], (*scores.shape[:2], 1))
            scores = np.concatenate([scores, sinks], -1)
        p = np.exp(scores - scores.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        p = p[..., :len(q)]
        return np.einsum("hts,shd->thd", p, np.repeat(v, shared, 1))


class Ring(Attention):
    """Attention to a window in a cache that keeps `ring` tokens, beside one that keeps all."""

    def __init__(self, ring, **shape):
        super().__init__(ring=ring, **shape)
        self.whole = Attention(**shape)
        self.tokens = (100, self.capacity - 3)

    def entries(self):
        return super().entries() + self.whole.entries()

    def _check(self, module, rng, report, tokens):
        inputs = self._inputs(rng, tokens)
        self.whole.bias, self.whole.sink = self.bias, self.sink
        wanted = self.whole._attend(module, inputs, 31, "any")
        # The longest call that leaves room for the window.
        longest = self.ring - self.window
        for kind, chunk in (("any", longest), ("any", 31), ("1", 1), ("parts", 1)):
            y = self._attend(module, inputs, chunk, kind)
            report.case(f"{self.name} tokens {tokens} {kind} in chunks of {chunk}",
                        [] if np.array_equal(y, wanted) else ["other bits than a cache of all tokens"])


def attention_cases():
    shapes = [dict(heads=2, groups=1, dim=64), dict(heads=2, groups=2, dim=33), dict(heads=4, groups=2, dim=80, window=20),
              dict(heads=3, groups=1, dim=128), dict(heads=1, groups=1, dim=5),
              dict(heads=2, groups=1, dim=32, causal=False), dict(heads=1, groups=1, dim=256),
              dict(heads=2, groups=1, dim=48, capacity=1152), dict(heads=1, groups=1, dim=20, window=530, capacity=1152),
              # Values narrower and wider than keys.
              dict(heads=4, groups=2, dim=24, value_dim=16), dict(heads=2, groups=1, dim=20, value_dim=37, window=40),
              dict(heads=2, groups=2, dim=40, value_dim=24, chain=["cap", "sink"], capacity=1152),
              # The chain: each link alone, all together, with windows and bands, in parts over the keys.
              dict(heads=2, groups=1, dim=32, chain=["cap"]), dict(heads=3, groups=3, dim=12, chain=["bias"]),
              dict(heads=2, groups=1, dim=16, chain=["keys", "scaled"]), dict(heads=4, groups=2, dim=16, chain=["sink"], window=20),
              dict(heads=2, groups=1, dim=16, causal=False, band=0), dict(heads=2, groups=2, dim=24, causal=False, band=37),
              dict(heads=4, groups=2, dim=33, chain=["cap", "bias", "scaled", "sink"], causal=False, band=130),
              dict(heads=3, groups=1, dim=20, chain=["cap", "bias", "sink"], capacity=1152),
              dict(heads=2, groups=2, dim=16, chain=["bias", "sink"], window=530, capacity=1152),
              dict(heads=2, groups=1, dim=16, chain=["sink"], causal=False, band=300, capacity=1152)]
    rings = [dict(heads=2, groups=1, dim=24, window=20, ring=128, capacity=640, chain=["sink"]),
             dict(heads=2, groups=2, dim=33, window=530, ring=640, capacity=1408, chain=["cap", "bias"])]
    precisions = "f32", "f16", "int8"
    return ([Attention(precision=precision, **shape) for precision in precisions for shape in shapes]
            + [Ring(precision=precision, **shape) for precision in precisions for shape in rings])
