"""Kernels of learning against NumPy in float64.

Derivatives are central differences of the function itself, whose f32 form is within 3 ulp of it: 1e-5 absolute, as all
derivatives here are of the size of 1. Sums of a few dozen f32 terms: 1e-5 relative to their size.
"""

import math
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "Inputs"))
from kernel_harness import Module, Report, memref, supported

sigmoid = lambda x: 1 / (1 + np.exp(-x))
erf = np.vectorize(math.erf)
ACTIVATIONS = {
    "identity": lambda x: x,
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: x / 2 * (1 + erf(x / math.sqrt(2))),
    "gelu_tanh": lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "quick_gelu": lambda x: x * sigmoid(1.702 * x),
    "relu_squared": lambda x: np.maximum(x, 0) ** 2,
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
}
# Rows and columns of a weight: whole register tiles of every width, and none.
WEIGHTS = [(16, 64), (19, 37), (3, 5), (40, 300)]
TOKENS = 21
# Attentions: heads, heads of keys, queries, keys, sizes of keys and of values, attributes. Several blocks, and parts of them.
ATTENTIONS = {
    "causal": (4, 2, 70, 70, 16, 16, "causal"),
    "window": (2, 2, 75, 75, 8, 8, "causal, window = 9 : i64"),
    "band": (2, 1, 70, 70, 12, 7, "band = 5 : i64"),
    "cap": (2, 1, 21, 21, 8, 8, "causal, cap = 1.5 : f32"),
    "other": (3, 3, 5, 67, 20, 8, ""),
}
# Elements of a sum of squares: whole blocks, and a block that is not.
SQUARES = [8192, 4096 + 37, 11]
PARAMETERS = 77
# The furthest distance of biases and of gathered scores.
REACH = 16


def function(name, types, body):
    arguments = ", ".join(f"%{i}: {t}" for i, t in enumerate(types))
    return f"func.func @{name}({arguments}) {{\n  {body}\n  return\n}}"


def build():
    fs = []
    m = memref((3, 53), "f32")
    for kind in ACTIVATIONS:
        fs.append(function(f"slope_{kind}", [m, m, m],
                           f"tenon.activation_gradient %0, %1 into %2 {{kind = #tenon.activation_kind<{kind}>}} : ({m}, {m}, {m}) -> ()"))
    x, i, y = memref((5, 43), "f32"), memref((5,), "i32"), memref((5, 1), "f32")
    fs.append(function("loss", [x, i, y], f"tenon.cross_entropy %0, %1 into %2 : ({x}, {i}, {y}) -> ()"))
    fs.append(function("loss_gradient", [x, i, x], f"tenon.cross_entropy_gradient %0, %1 into %2 : ({x}, {i}, {x}) -> ()"))
    a, b = memref((4, 7), "f32"), memref((4, 40), "f32")
    fs.append(function("pad", [a, b], f"tenon.zero_pad %0 into %1 {{offset = 19 : i64}} : ({a}, {b}) -> ()"))
    a, b = memref((6, 5, 19), "f32"), memref((2, 5, 19), "f32")
    fs.append(function("heads", [a, b], f"tenon.sum_heads %0 into %1 : ({a}, {b}) -> ()"))
    for n, k in WEIGHTS:
        dy, x, g = memref((TOKENS, n), "f32"), memref((TOKENS, k), "f32"), memref((n, k), "f32")
        fs.append(function(f"weight_{n}", [dy, x, g], f"tenon.weight_gradient %0, %1 into %2 : {dy}, {x}, {g}"))
        fs.append(function(f"product_{n}", [x, g, dy], f"tenon.weight_product %0, %1 into %2 : ({x}, {g}, {dy}) -> ()"))
        fs.append(function(f"flipped_{n}", [dy, g, x], f"tenon.weight_product %0, %1 into %2 {{flipped}} : ({dy}, {g}, {x}) -> ()"))
        x, dy = memref((1, k), "f32"), memref((1, n), "f32")
        fs.append(function(f"product_one_{n}", [x, g, dy], f"tenon.weight_product %0, %1 into %2 : ({x}, {g}, {dy}) -> ()"))
    i, dy, g = memref((TOKENS,), "i32"), memref((TOKENS, 37), "f32"), memref((9, 37), "f32")
    fs.append(function("table", [i, dy, g], f"tenon.embedding_gradient %0, %1 into %2 : {i}, {dy}, {g}"))
    fs.append(function("padded", [i, dy, g], f"tenon.embedding_gradient %0, %1 into %2 {{frozen = 4 : i64}} : {i}, {dy}, {g}"))
    fs.append(function("add", [g, g], f"tenon.add_gradient %0 into %1 : {g}, {g}"))
    m = memref((3, 53), "f32")
    fs.append(function("zeros", [m, m], f"tenon.zeros_like %0 into %1 : ({m}, {m}) -> ()"))
    fs.append(function("clamp", [m, m, m], f"tenon.clamp_gradient %0, %1 into %2 {{low = -1.0 : f32, high = 0.5 : f32}} : ({m}, {m}, {m}) -> ()"))
    fs.append(function("below", [m, m, m], f"tenon.clamp_gradient %0, %1 into %2 {{high = 0.5 : f32}} : ({m}, {m}, {m}) -> ()"))
    x, y = memref((2, 21), "f32"), memref((7, 21), "f32")
    fs.append(function("rows", [x, y, y], f"tenon.pad_rows %0, %1 into %2 {{offset = 3 : i64}} : ({x}, {y}, {y}) -> ()"))
    fs.append(function("last", [x, y, y], f"tenon.pad_rows %0, %1 into %2 {{offset = -2 : i64}} : ({x}, {y}, {y}) -> ()"))
    s, g = memref((3, 11, 13), "f32"), memref((3, 2 * REACH + 1), "f32")
    fs.append(function("bias", [s, g], f"tenon.score_bias_gradient %0 into %1 : ({s}, {g}) -> ()"))
    i, x = memref((2 * REACH + 1,), "i32"), memref((3, 11, 6), "f32")
    fs.append(function("gathered", [s, i, x], f"tenon.distance_gather_gradient %0, %1 into %2 : ({s}, {i}, {x}) -> ()"))
    for name, (heads, groups, t, s, d, dv, attributes) in ATTENTIONS.items():
        q, k, v, o = (memref(shape, "f32") for shape in ((heads, t, d), (groups, s, d), (groups, s, dv), (heads, t, dv)))
        attributes = ", ".join(filter(None, (attributes, "scale = 0.5 : f32")))
        fs.append(function(f"attention_{name}", [q, k, v, o, o, q, k, v],
                           f"tenon.attention_gradient %0, %1, %2, %3, %4 into %5, %6, %7 {{{attributes}}} : ({q}, {k}, {v}, {o}, {o}, {q}, {k}, {v}) -> ()"))
    numbers, norm = memref((10,), "f32"), memref((1, 1), "f32")
    for n in SQUARES:
        x, s = memref((n,), "f32"), memref(((n + 4095) // 4096,), "f32")
        fs.append(function(f"squares_{n}", [x, s], f"tenon.sum_squares %0 into %1 : {x}, {s}"))
        fs.append(function(f"norm_{n}", [s, numbers, norm], f"tenon.norm_of_sums %0, %1 into %2 : {s}, {numbers}, {norm}"))
    w = memref((PARAMETERS,), "f32")
    for decay in ("", " {decay}"):
        fs.append(function("step" + decay.strip(" {}"), [w, w, w, w, numbers, norm],
                           f"tenon.adamw %0, %1, %2, %3 by %4 norm %5{decay} : {w}, {w}, {w}, {w}, {numbers}, {norm}"))
        fs.append(function("momentum" + decay.strip(" {}"), [w, w, w, numbers, norm],
                           f"tenon.momentum %0, %1, %2 by %3 norm %4{decay} : {w}, {w}, {w}, {numbers}, {norm}"))
    m = memref((5, 19), "f32")
    fs.append(function("lean", [m, m, numbers, norm, m],
                       f"tenon.lean %0, %1 by %2 norm %3 into %4 : {m}, {m}, {numbers}, {norm}, {m}"))
    fs.append(function("along", [m, m, numbers],
                       f"tenon.step_along %0, %1 by %2 {{factor = 1.5 : f32}} : {m}, {m}, {numbers}"))
    return fs


def check_losses(module, rng, target, report):
    logits = (4 * rng.standard_normal((5, 43))).astype(np.float32)
    logits[2] += 100  # e^x alone would overflow
    targets = np.array([3, 42, 0, -1, 17], np.int32)
    x = logits.astype(np.float64)
    p = np.exp(x - x.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    losses, gradient = np.empty((5, 1), np.float32), np.empty((5, 43), np.float32)
    module.call("loss", logits, targets, losses)
    module.call("loss_gradient", logits, targets, gradient)
    some = targets >= 0
    expected = np.where(some, -np.log(p[np.arange(5), targets]), 0)
    report.close(f"{target} cross entropy", losses[:, 0], expected, 1e-5, 1e-6)
    hot = np.eye(43)[targets]
    report.close(f"{target} its gradient", gradient, np.where(some[:, None], p - hot, 0), 1e-6)


def check_shapes(module, rng, target, report):
    f32 = lambda *shape: rng.standard_normal(shape, np.float32)
    x, dy, y = f32(3, 53), f32(3, 53), f32(3, 53)
    x[0, :2] = (-1, 0.5)  # the bounds themselves are inside
    module.call("clamp", dy, x, y)
    report.equal(f"{target} clamp", y, np.where((x >= -1) & (x <= 0.5), dy, 0).astype(np.float32))
    module.call("below", dy, x, y)
    report.equal(f"{target} clamp above", y, np.where(x <= 0.5, dy, 0).astype(np.float32))
    module.call("zeros", x, y)
    report.equal(f"{target} zeros", y, np.zeros_like(y))
    x, y = f32(2, 21), f32(7, 21)
    module.call("rows", x, f32(7, 21), y)
    expected = np.zeros_like(y)
    expected[3:5] = x
    report.equal(f"{target} rows", y, expected)
    module.call("last", x, f32(7, 21), y)
    report.equal(f"{target} last rows", y, np.pad(x, ((5, 0), (0, 0))))

    scores, bias = f32(3, 11, 13), f32(3, 2 * REACH + 1)
    expected = np.zeros((3, 2 * REACH + 1))
    for t in range(11):
        expected[:, REACH - t:REACH - t + 13] += scores[:, t]
    module.call("bias", scores, bias)
    report.close(f"{target} bias", bias, expected, 1e-5)
    index, x = rng.integers(0, 6, 2 * REACH + 1).astype(np.int32), f32(3, 11, 6)
    expected = np.zeros(x.shape)
    for t in range(11):
        for s in range(13):
            expected[:, t, index[REACH + s - t]] += scores[:, t, s]
    module.call("gathered", scores, index, x)
    report.close(f"{target} gathered", x, expected, 1e-5)


def check_attention(module, rng, target, report):
    """The formulas with all probabilities at once."""
    for name, (heads, groups, t, s, d, dv, attributes) in ATTENTIONS.items():
        q, k, v, do = (rng.standard_normal(shape, np.float32) for shape in ((heads, t, d), (groups, s, d), (groups, s, dv), (heads, t, dv)))
        wide = lambda x: np.repeat(x.astype(np.float64), heads // groups, 0)
        scores = 0.5 * q.astype(np.float64) @ wide(k).transpose(0, 2, 1)
        rise = np.full_like(scores, 0.5)
        if "cap" in attributes:
            part = np.tanh(scores / 1.5)
            scores, rise = 1.5 * part, rise * (1 - part * part)
        ahead = np.arange(s)[None] - np.arange(t)[:, None]
        seen = np.full((t, s), True)
        if "causal" in attributes:
            seen &= ahead <= 0
        if "window" in attributes:
            seen &= ahead > -9
        if "band" in attributes:
            seen &= abs(ahead) <= 5
        p = np.where(seen, np.exp(scores - scores.max()), 0)
        p /= p.sum(-1, keepdims=True)
        o = p @ wide(v)
        ds = p * (do @ wide(v).transpose(0, 2, 1) - (do * o).sum(-1, keepdims=True)) * rise
        shared = lambda x: x.reshape(groups, heads // groups, *x.shape[1:]).sum(1)
        found = np.empty_like(q), np.empty_like(k), np.empty_like(v)
        module.call(f"attention_{name}", q, k, v, o.astype(np.float32), do, *found)
        expected = ds @ wide(k), shared(ds.transpose(0, 2, 1) @ q), shared(p.transpose(0, 2, 1) @ do)
        for of, x, y in zip("qkv", found, expected):
            report.close(f"{target} attention {name}: d{of}", x, y, 1e-5, 1e-5)


def check_step(module, rng, target, report):
    f32 = lambda: rng.standard_normal(PARAMETERS).astype(np.float32)
    for decay in ("", "decay"):
        for clip in (0.0, 0.5):
            w, g, m, v, norm = f32(), f32(), f32(), f32() ** 2, np.array([[2.0]], np.float32)
            scale, keep, beta1, beta2, rate, root, epsilon = 0.25, 0.98, 0.9, 0.99, 0.02, 0.3, 1e-8
            numbers = np.array([scale, clip, keep, beta1, 1 - beta1, beta2, 1 - beta2, rate, root, epsilon], np.float32)
            ge = g.astype(np.float64) * scale * (min(1, clip / (2 + 1e-6)) if clip else 1)
            me, ve = beta1 * m + (1 - beta1) * ge, beta2 * v + (1 - beta2) * ge * ge
            we = w * (keep if decay else 1.0) - rate * me / (np.sqrt(ve) / root + epsilon)
            module.call("step" + decay, w, g, m, v, numbers, norm)
            name = f"{target} step {decay} {clip}"
            report.close(name, w, we, 1e-6, 1e-6)
            report.close(name + ": first moment", m, me, 1e-6)
            report.close(name + ": second moment", v, ve, 1e-6)
            report.equal(name + ": gradient", g, np.zeros_like(g))


def check_momentum(module, rng, target, report):
    norm = np.array([[2.0]], np.float32)
    scale, clip = 0.25, 1.5
    factor = scale * min(1, clip / (2 + 1e-6))
    # SGD, that with Nesterov's momentum, Lion: keep, coupled, a, b, p, q, rate, signs.
    for name, n in {"sgd": (1, 0.1, 0.9, 1, 0.9, 1, 0.02, 0), "nesterov": (1, 0.1, 0.81, 1.9, 0.9, 1, 0.02, 0),
                    "lion": (0.98, 0, 0.9, 0.1, 0.99, 0.01, 0.02, 1)}.items():
        numbers = np.array((scale, clip) + n, np.float32)
        keep, coupled, a, b, p, q, rate, signs = n
        for decay in ("", "decay"):
            w, g, m = (rng.standard_normal(PARAMETERS, np.float32) for _ in range(3))
            w[0] = g[0] = m[0] = 0  # Nowhere to go: the sign of 0 is 0.
            ge = g.astype(np.float64) * factor + (coupled * w if decay else 0)
            d, me = a * m + b * ge, p * m + q * ge
            we = w * (keep if decay else 1.0) - rate * (np.sign(d) if signs else d)
            module.call("momentum" + decay, w, g, m, numbers, norm)
            report.close(f"{target} {name} {decay}", w, we, 1e-6, 1e-6)
            report.close(f"{target} {name} {decay}: memory", m, me, 1e-6, 1e-6)
            report.equal(f"{target} {name} {decay}: gradient", g, np.zeros_like(g))
    g, m, u, w, x = (rng.standard_normal((5, 19), np.float32) for _ in range(5))
    numbers = np.array([scale, clip, 0.98, 0.05, 0.03, 0.02, 0, 0, 0, 0], np.float32)
    ge = g.astype(np.float64) * factor
    me = m + 0.05 * (ge - m)
    module.call("lean", g, m, numbers, norm, u)
    report.close(f"{target} lean", u, me - 0.03 * (me - ge), 1e-6, 1e-6)
    report.close(f"{target} lean: memory", m, me, 1e-6, 1e-6)
    report.equal(f"{target} lean: gradient", g, np.zeros_like(g))
    expected = 0.98 * w.astype(np.float64) - 0.02 * 1.5 * x
    module.call("along", w, x, numbers)
    report.close(f"{target} along", w, expected, 1e-6, 1e-6)


def check(target, report):
    module = Module(build(), target, ["--tenon-rows-to-vector", "--tenon-unroll", "--tenon-unpack-to-vector", "--tenon-micro-to-x86", "--tenon-micro-to-vector"])
    rng = np.random.default_rng(3)
    f32 = lambda *shape: rng.standard_normal(shape, np.float32)
    for kind, activation in ACTIVATIONS.items():
        x, dy, dx = 3 * f32(3, 53), f32(3, 53), np.empty((3, 53), np.float32)
        if kind in ("log", "sqrt"):
            x = np.abs(x) + np.float32(0.5)
        x[np.abs(x) < 1e-3] = 0.5  # where relu has no derivative
        wide, h = x.astype(np.float64), 1e-6
        slope = (activation(wide + h) - activation(wide - h)) / (2 * h)
        module.call(f"slope_{kind}", dy, x, dx)
        report.close(f"{target} slope of {kind}", dx, dy * slope, 1e-5, 1e-5)
    check_losses(module, rng, target, report)
    check_attention(module, rng, target, report)

    x, y = f32(4, 7), f32(4, 40)
    module.call("pad", x, y)
    expected = np.zeros_like(y)
    expected[:, 19:26] = x
    report.equal(f"{target} pad", y, expected)
    x, y = f32(6, 5, 19), f32(2, 5, 19)
    module.call("heads", x, y)
    report.close(f"{target} heads", y, x.astype(np.float64).reshape(2, 3, 5, 19).sum(1), 1e-6)

    for n, k in WEIGHTS:
        dy, x, g = f32(TOKENS, n), f32(TOKENS, k), f32(n, k)
        expected = g + dy.astype(np.float64).T @ x
        y, dx, one = np.empty_like(dy), np.empty_like(x), np.empty((1, n), np.float32)
        module.call(f"product_{n}", x, g, y)
        report.close(f"{target} product {n} x {k}", y, x.astype(np.float64) @ g.T, 1e-5, 1e-5)
        module.call(f"product_one_{n}", x[5:6].copy(), g, one)
        report.equal(f"{target} product {n} x {k} of one row", one[0], y[5])
        module.call(f"flipped_{n}", dy, g, dx)
        report.close(f"{target} flipped product {n} x {k}", dx, dy.astype(np.float64) @ g, 1e-5, 1e-5)
        module.call(f"weight_{n}", dy, x, g)
        report.close(f"{target} weight {n} x {k}", g, expected, 1e-5)
    ids, dy, g = rng.integers(0, 9, TOKENS).astype(np.int32), f32(TOKENS, 37), f32(9, 37)
    expected = g.astype(np.float64)
    np.add.at(expected, ids, dy)
    module.call("table", ids, dy, g)
    report.close(f"{target} table", g, expected, 1e-5)
    expected = g.astype(np.float64)
    np.add.at(expected, ids[ids != 4], dy[ids != 4])
    module.call("padded", ids, dy, g)
    report.close(f"{target} table with padding", g, expected, 1e-5)
    more = f32(9, 37)
    expected = g + more
    module.call("add", more, g)
    report.equal(f"{target} add", g, expected)

    numbers = np.array([0.25] + [0] * 9, np.float32)
    for n in SQUARES:
        x, sums, norm = f32(n), np.empty((n + 4095) // 4096, np.float32), np.empty((1, 1), np.float32)
        module.call(f"squares_{n}", x, sums)
        blocks = [(x[i:i + 4096].astype(np.float64) ** 2).sum() for i in range(0, n, 4096)]
        report.close(f"{target} squares {n}", sums, blocks, 0, 1e-6)
        module.call(f"norm_{n}", sums, numbers, norm)
        report.close(f"{target} norm {n}", norm[0], [0.25 * np.linalg.norm(x.astype(np.float64))], 0, 1e-6)
    check_step(module, rng, target, report)
    check_momentum(module, rng, target, report)
    check_shapes(module, rng, target, report)


report = Report()
for target in sys.argv[1:]:
    if supported(target):
        check(target, report)
    else:
        print(f"skipped {target}: this CPU does not run it")
report.finish()
