"""Random well-formed models: a *spec* (a flat dictionary of features), and what it stands for.

`draw(rng)` makes a spec, `build(spec)` its description, configuration and weights. Every feature has a plainest value, in
PLAIN, so that a spec that fails can be reduced by setting one feature after the other to it.
"""

import numpy as np

PLAIN = {
    "kind": "decoder", "layers": 1, "hidden": 16, "vocab": 37, "context": 64, "seed": 0,
    # the whole
    "embed_scale": 1.0, "embed_norm": "none", "positions": "none", "final_norm": "none", "tied": True, "head_bias": False,
    "logit_cap": 0.0, "logit_scale": 1.0, "pooled": "none",
    # a layer: norms and residuals
    "norm": "none", "norm_place": "pre", "residual": "serial", "branch_scale": 1.0, "layer_scale": False, "norm_if": False,
    # attention
    "attention": True, "heads": 2, "groups": 2, "head_dim": 8, "value_dim": 0, "qkv": "separate", "qkv_bias": False,
    "out_bias": False, "qk_norm": "none", "rope": "none", "rope_part": 1.0, "interleaved": False, "two_ropes": False,
    "scale_at": "scores", "cap": 0.0, "bias": "none", "sink": False, "window": 0, "window_period": 1, "band": 0,
    "gate": False, "shared_part": 0, "cross": False,
    # network
    "ffn": "none", "ffn_dim": 24, "act": "silu", "ffn_bias": False, "conv": False, "clamp": False,
    "experts": 4, "chosen": 2, "renormalize": False, "expert_groups": 1, "shared_expert": False,
    # how it is compiled
    "dtype": "f32", "quantize": "", "kv_cache": "", "tokens": 11, "chunk": 3, "sequences": 1,
}
ACTS = ["silu", "gelu", "gelu_tanh", "relu", "tanh", "sigmoid", "quick_gelu", "mish", "squared"]


def draw(rng):
    pick = lambda *values: values[rng.integers(len(values))]
    maybe = lambda p: bool(rng.random() < p)
    s = dict(PLAIN, seed=int(rng.integers(1 << 30)))
    s["kind"] = pick("decoder", "decoder", "decoder", "encoder", "both")
    s["layers"] = pick(1, 2, 3, 4, 5, 7)
    s["vocab"], s["context"] = pick(29, 37, 64, 97), pick(64, 100, 128, 130)
    s["heads"] = pick(1, 2, 3, 4, 5, 6, 8)
    s["groups"] = pick(*[g for g in range(1, s["heads"] + 1) if s["heads"] % g == 0])
    s["head_dim"] = pick(2, 4, 6, 8, 10, 12, 16, 18, 34)
    s["value_dim"] = pick(0, 0, 0, 4, 7, 16)
    s["hidden"] = pick(12, 16, 20, 23, 32, 33, 40, 48, 65)
    s["embed_scale"] = pick(1.0, 1.0, 4.0, 3.5)
    norms = ["rms", "rms_offset", "rms_plain", "layer", "layer_bias", "layer_plain", "none"]
    s["norm"], s["final_norm"], s["embed_norm"] = pick(*norms), pick(*norms), pick("none", "none", *norms)
    s["norm_place"] = pick("pre", "pre", "post", "both", "after")
    s["residual"] = pick("serial", "serial", "parallel", "parallel_norms")
    s["branch_scale"] = pick(1.0, 1.0, 0.5, 0.7)
    s["layer_scale"], s["norm_if"] = maybe(0.15), maybe(0.15)
    s["positions"] = pick("none", "none", "none", "learned", "sinusoidal", "offset")
    s["tied"], s["head_bias"] = maybe(0.5), maybe(0.2)
    s["logit_cap"], s["logit_scale"] = pick(0.0, 0.0, 0.0, 5.0), pick(1.0, 1.0, 0.25, 1.7)
    s["attention"] = maybe(0.93)
    s["qkv"] = pick("separate", "separate", "fused", "by_head", "kv_fused")
    s["qkv_bias"], s["out_bias"] = maybe(0.3), maybe(0.3)
    s["qk_norm"] = pick("none", "none", "head", "full", "head_plain", "head_layer")
    s["rope"] = pick("none", "plain", "plain", "linear", "llama3", "yarn")
    s["rope_part"], s["interleaved"], s["two_ropes"] = pick(1.0, 1.0, 0.5), maybe(0.25), maybe(0.2)
    s["scale_at"] = pick("scores", "divide", "query", "both", "key", "none", "before_heads")
    s["cap"] = pick(0.0, 0.0, 0.0, 1.5, 20.0)
    s["bias"] = pick("none", "none", "none", "alibi", "relative", "alibi_keys", "alibi_scaled")
    s["sink"] = maybe(0.15)
    s["window"], s["window_period"] = pick(0, 0, 1, 3, 5), pick(1, 2, 3)
    s["band"] = pick(0, 0, 2)
    s["gate"] = maybe(0.15)
    s["shared_part"] = pick(0, 0, 0, 0, 4)
    s["ffn"] = pick("none", "plain", "plain", "gated", "gated", "gated_swapped", "gated_fused", "mixture")
    s["ffn_dim"] = pick(16, 24, 31, 33, 48, 70)
    s["act"] = pick(*ACTS)
    s["ffn_bias"], s["conv"], s["clamp"] = maybe(0.3), maybe(0.15), maybe(0.1)
    s["experts"] = pick(2, 4, 6)
    s["chosen"] = int(rng.integers(1, s["experts"] + 1))
    s["renormalize"], s["expert_groups"], s["shared_expert"] = maybe(0.5), pick(1, 1, 2), maybe(0.3)
    s["dtype"] = pick("f32", "f32", "f32", "bf16", "f16")
    s["quantize"] = pick("", "", "", "", "", "int8", "int4", "bf16", "int8-channel", "int7-channel")
    s["kv_cache"] = pick("", "", "", "f32", "f16", "int8")
    s["tokens"], s["chunk"] = pick(1, 2, 5, 11, 19, 33), pick(1, 2, 3, 5, 8)
    s["sequences"] = pick(1, 1, 1, 2, 3)
    if s["norm"] == "none" or s["norm_place"] == "after" or s["norm_place"] == "post" and s["residual"] != "serial":
        # What grows from layer to layer without bound says nothing after many.
        s.update(layers=min(s["layers"], 2), branch_scale=0.5, embed_scale=1.0)
    if s["kind"] == "encoder":
        s["pooled"] = pick("none", "mean", "max", "first", "last")
    s["cross"] = s["kind"] == "both"
    return s


def number(x):
    return repr(float(x))


class Builder:
    """Text and tensors of a spec."""

    def __init__(self, spec):
        self.s = spec
        self.rng = np.random.default_rng(spec["seed"])
        self.tensors = {}
        self.decoder = spec["kind"] != "encoder"

    # Weights: declared in the layer's block if `layer`, with a tensor for each of its repetitions.

    def weight(self, lines, name, shape, spread=None, center=0.0, prefix=None, count=0, condition="", first=0):
        dims = ", ".join(map(str, shape))
        key = f".{name}" if prefix else name
        lines.append(f'    weight {name} : [{dims}] = "{key}"{condition}')
        if spread is None:
            spread = shape[-1] ** -0.5 if len(shape) > 1 else 0.2
        for i in range(first, count) if prefix else [None]:
            values = center + spread * self.rng.standard_normal(shape)
            self.tensors[f"{prefix.replace('{i}', str(i))}.{name}" if prefix else name] = values.astype(np.float32)
        return name

    def norm(self, declare, kind, name, size, value):
        """The text of a norm of `value`; `declare(name, shape, spread, center)` declares its weights."""
        if kind == "none":
            return value
        if kind == "rms_plain":
            return f"rms_norm({value}, eps = 1e-3)"
        if kind == "layer_plain":
            return f"layer_norm({value}, eps = 1e-3)"
        w = declare(name, [size], 0.2, 0.0 if kind == "rms_offset" else 1.0)
        if kind.startswith("rms"):
            return f"rms_norm({value}, {w}, 1e-3{', offset = 1' if kind == 'rms_offset' else ''})"
        b = declare(name + "_b", [size], 0.2, 0.0) if kind == "layer_bias" else None
        return f"layer_norm({value}, {w}{f', {b}' if b else ''}, eps = 1e-3)"

    def linear(self, declare, name, outputs, inputs, value, bias=False, conv=False):
        if conv:  # the checkpoint holds [in, out]
            w = declare(name, [inputs, outputs], inputs**-0.5, 0.0)
            y = f"matmul({value}, {w})"
            return f"{y} + {declare(name + '_b', [outputs], 0.2, 0.0)}" if bias else y
        w = declare(name, [outputs, inputs], inputs**-0.5, 0.0)
        b = f", {declare(name + '_b', [outputs], 0.2, 0.0)}" if bias else ""
        return f"linear({value}, {w}{b})"

    def activation(self, name, value):
        return value if name == "squared" else f"{name}({value})"

    def attention(self, declare, lines, body, x, hidden, source=None):
        """Statements in `body`; returns the text of the branch. `source`: keys and values are of it."""
        s, n, g, d = self.s, self.s["heads"], self.s["groups"], self.s["head_dim"]
        own = source is None
        e = s["value_dim"] or d
        tag = "" if own else "c_"
        causal = own and self.decoder and not self.in_encoder
        bias = s["qkv_bias"]
        name = lambda text: tag + text
        shared = s["shared_part"] if own and s["shared_part"] < d and s["qkv"] == "separate" and s["rope"] != "none" else 0
        memory = source or x
        if s["qkv"] == "fused" and own:
            sizes = [n * d, g * d, g * e]
            body.append(f"let q, k, v = split({self.linear(declare, name('wqkv'), sum(sizes), hidden, x, bias)}, {', '.join(map(str, sizes))})")
            body += [f"let q = heads(q, {n})", f"let k = heads(k, {g})", f"let v = heads(v, {g})"]
        elif s["qkv"] == "by_head" and own and g == n:
            body.append(f"let q, k, v = split(heads({self.linear(declare, name('wqkv'), n * (2 * d + e), hidden, x, bias)}, {n}), {d}, {d}, {e})")
        else:
            before = " * 0.25" if s["scale_at"] == "before_heads" else ""
            q = self.linear(declare, name("wq"), n * d, hidden, x, bias)
            if s["qk_norm"] == "full":
                q = self.norm(declare, "rms", name("q_norm"), n * d, q)
            body.append(f"let q = heads({q}{before}, {n})")
            if s["qkv"] == "kv_fused":
                body.append(f"let k, v = split({self.linear(declare, name('wkv'), g * (d + e), hidden, memory, bias)}, {g * d}, {g * e})")
                body += [f"let k = heads(k, {g})", f"let v = heads(v, {g})"]
            else:
                k = self.linear(declare, name("wk"), g * (d - shared), hidden, memory, bias)
                if s["qk_norm"] == "full":
                    k = self.norm(declare, "rms", name("k_norm"), g * (d - shared), k)
                body.append(f"let k = heads({k}, {g})")
                body.append(f"let v = heads({self.linear(declare, name('wv'), g * e, hidden, memory, bias)}, {g})")
        if s["qk_norm"].startswith("head") and not shared:
            kind = {"head": "rms", "head_plain": "rms_plain", "head_layer": "layer"}[s["qk_norm"]]
            body.append(f"let q = {self.norm(declare, kind, name('q_norm'), d, 'q')}")
            body.append(f"let k = {self.norm(declare, kind, name('k_norm'), d, 'k')}")
        if own and s["rope"] != "none":
            if shared:
                # One rotated head serves all keys; queries turn in the same components.
                body.append(f"let kr = rope(heads({self.linear(declare, name('wkr'), shared, hidden, x)}, 1), {number(10000)})")
                body.append(f"let qn, qr = split(q, {d - shared}, {shared})")
                body += [f"let q = concat(qn, rope(qr, {number(10000)}))", "let k = concat(k, kr)"]
            elif self.rotated:
                body += ["let q = rope(q, rotation)", "let k = rope(k, rotation)"]
        factor = round(d**-0.5, 4)
        if s["scale_at"] == "query":
            body.append(f"let q = q * {factor}")
        elif s["scale_at"] == "key":
            body.append(f"let k = k / {round(d**0.5, 4)}")
        elif s["scale_at"] == "both":
            body += [f"let q = q * {round(d**-0.25, 4)}", f"let k = k * {round(d**-0.25, 4)}"]
        score = "matmul(q, transpose(k))"
        score += {"scores": f" * {factor}", "divide": f" / sqrt({d})"}.get(s["scale_at"], "")
        body.append(f"let s = {score}")
        if s["cap"]:
            body.append(f"let s = tanh(s / {number(s['cap'])}) * {number(s['cap'])}")
        if own and s["bias"] == "relative":
            past = "true" if causal else "false"
            body.append(f"let s = relative_bias(s, {self.tables}, max_distance = 20, past = {past})")
        elif own and s["bias"].startswith("alibi"):
            body.append(f"let s = alibi(s{', bfloat16 = true' if s['bias'] == 'alibi_keys' else ''})")
            if s["bias"] == "alibi_scaled":
                body.append("let s = s * 0.5")
        if causal:
            body.append("let s = causal_mask(s, window = window)")
        elif own and s["band"]:
            body.append(f"let s = band_mask(s, {s['band']})")
        sink = f", {declare(name('sink'), [n], 1.0, 0.0)}" if s["sink"] else ""
        body.append(f"let a = merge_heads(matmul(softmax(s{sink}), v))")
        if s["gate"]:
            body.append(f"let a = sigmoid({self.linear(declare, name('wgate'), n * e, hidden, x)}) * a")
        return self.linear(declare, name("wo"), hidden, n * e, "a", s["out_bias"])

    def network(self, declare, lines, body, x, hidden):
        s, f, bias = self.s, self.s["ffn_dim"], self.s["ffn_bias"]
        act = lambda value: self.activation(s["act"], value)
        if s["ffn"] == "mixture":
            return self.mixture(declare, lines, body, x, hidden)
        if s["ffn"] == "gated_fused":
            body.append(f"let g, u = split({self.linear(declare, 'w_gate_up', 2 * f, hidden, x, bias)}, {f}, {f})")
            g, u = "g", "u"
        else:
            u = self.linear(declare, "w_up", f, hidden, x, bias, s["conv"] and s["ffn"] == "plain")
            g = self.linear(declare, "w_gate", f, hidden, x, bias) if s["ffn"].startswith("gated") else None
        if g:
            body.append(f"let g = {act(g)}")
            if s["act"] == "squared":
                body.append("let g = relu(g) * relu(g)")
            if s["clamp"]:
                body += ["let g = clamp(g, high = 1.5)", f"let u = clamp({u}, -1.0, 1.0)"]
                u = "u"
            body.append(f"let m = {u} * g" if s["ffn"] == "gated_swapped" else f"let m = g * {u}")
        else:
            body.append(f"let m = {act(u)}")
            if s["act"] == "squared":
                body += ["let m = relu(m)", "let m = m * m"]
        return self.linear(declare, "w_down", hidden, f, "m", bias, s["conv"])

    def mixture(self, declare, lines, body, x, hidden):
        s, f, count = self.s, self.s["ffn_dim"], self.s["experts"]
        router = declare("router", [count, hidden], 2 * hidden**-0.5, 0.0)
        groups = s["expert_groups"] if count % s["expert_groups"] == 0 and s["chosen"] <= count // 2 else 1
        by = ", groups = 2, keep = 1" if groups == 2 else ""
        body.append(f"let gates = top_k(softmax(linear({x}, {router})), {s['chosen']}{by})")
        if s["renormalize"]:
            body.append("let gates = gates / sum(gates)")
        lines.append(f'    layer expert[e < {count}] = ".experts.{{e}}" {{')
        for name, shape in (("gate", [f, hidden]), ("up", [f, hidden]), ("down", [hidden, f])):
            lines.append(f'      weight {name} : [{shape[0]}, {shape[1]}] = ".{name}"')
            for i in range(self.count):
                for e in range(count):
                    self.tensors[f"{self.prefix.replace('{i}', str(i))}.experts.{e}.{name}"] = (shape[1] ** -0.5 * self.rng.standard_normal(shape)).astype(np.float32)
        act = "relu" if s["act"] == "squared" else s["act"]
        lines.append(f"      def (x : [T, {hidden}]) -> [T, {hidden}] {{ linear({act}(linear(x, gate)) * linear(x, up), down) }}")
        lines.append("    }")
        y = f"expert+({x}, gates)"
        if s["shared_expert"]:
            up, down = declare("s_up", [f, hidden], hidden**-0.5, 0.0), declare("s_down", [hidden, f], f**-0.5, 0.0)
            y += f" + linear({act}(linear({x}, {up})), {down})"
        return y

    def layer(self, name, prefix, count, length, cross):
        """A layer and its def. In an encoder beside a decoder attention sees all of the source."""
        s, hidden = self.s, self.s["hidden"]
        self.count, self.prefix, self.in_encoder = count, prefix, name == "enc"
        lines, body = [f'  layer {name}[i < {count}] = "{prefix}" {{'], []
        first = lambda n: 1 if s["norm_if"] and n == "norm1" else 0

        def declare(n, shape, spread, center):
            condition = " if i > 0" if first(n) else ""
            return self.weight(lines, n, shape, spread, center, prefix, count, condition, first(n))

        window = f"{s['window']} if i % {s['window_period']} == 0 else 0" if s["window"] and s["window_period"] > 1 else s["window"]
        if self.decoder and not self.in_encoder and s["attention"]:
            lines.append(f"    let window = {window}")
        theta = "(10000.0 if i % 2 == 0 else 500.0)" if s["two_ropes"] and s["rope"] == "plain" else "10000.0"
        part = int(s["head_dim"] * s["rope_part"]) // 2 * 2
        self.rotated = s["rope"] != "none" and part > 0
        if self.rotated and s["attention"]:
            rope = theta if s["rope"] == "plain" else "scaled"
            lines.append(f"    let rotation = rotary({part}, {rope}, interleaved = {'true' if s['interleaved'] else 'false'})")

        branches = ["attention"] * s["attention"] + ["cross"] * (cross and s["attention"]) + ["network"] * (s["ffn"] != "none")
        parallel = s["residual"].startswith("parallel") and not cross and len(branches) == 2
        outs = []
        for number_, branch in enumerate(branches, 1):
            before = "x"
            norm = f"norm{1 if s['residual'] == 'parallel' and parallel else number_}"
            if s["norm"] != "none" and s["norm_place"] in ("pre", "both"):
                if not (parallel and s["residual"] == "parallel" and number_ == 2):
                    conditional = first(norm) and s["norm"] in ("rms", "rms_offset", "layer")
                    text = self.norm(declare, s["norm"], norm, hidden, "x") if conditional or not first(norm) else "x"
                    body.append(f"let h = {text}" + (" if i > 0 else x" if conditional else ""))
                before = "h"
            make = {"attention": lambda: self.attention(declare, lines, body, before, hidden),
                    "cross": lambda: self.attention(declare, lines, body, before, hidden, "memory"),
                    "network": lambda: self.network(declare, lines, body, before, hidden)}[branch]
            y = make()
            if s["norm"] != "none" and s["norm_place"] in ("both", "after"):
                body.append(f"let y = {y}")
                y = self.norm(declare, s["norm"], f"post{number_}", hidden, "y")
            if s["layer_scale"]:
                y = f"({y}) * {declare(f'gain{number_}', [hidden], 0.2, 0.5)}"
            if s["branch_scale"] != 1.0:
                y = f"({y}) * {s['branch_scale']}"
            if parallel:
                body.append(f"let y{number_} = {y}")
                outs.append(f"y{number_}")
                continue
            y = f"x + {y}"
            if s["norm"] != "none" and s["norm_place"] == "post":
                body.append(f"let x = {y}")
                y = self.norm(declare, s["norm"], f"norm{number_}", hidden, "x") if not first(f"norm{number_}") else "x"
            body.append(f"let x = {y}")
        result = " + ".join(["x"] + outs)
        inputs = f"x : [{length}, {hidden}]" + (f", memory : [S, {hidden}]" if cross else "")
        lines.append(f"    def ({inputs}) -> [{length}, {hidden}] {{")
        lines += [f"      {line}" for line in body] + [f"      {result}", "    }", "  }"]
        return lines

    def build(self):
        s, hidden, vocab = self.s, self.s["hidden"], self.s["vocab"]
        top = []
        declare = lambda n, shape, spread, center: self.weight(top, n, shape, spread, center)
        self.tables = None
        if s["bias"] == "relative" and s["attention"]:
            self.tables = declare("buckets", [8, s["heads"]], 0.5, 0.0)
        declare("embed", [vocab, hidden], 0.6, 0.0)
        embedded = lambda ids: f"embedding({ids}, embed)" + (f" * {s['embed_scale']}" if s["embed_scale"] != 1.0 else "")
        if s["positions"] in ("learned", "offset"):
            declare("places", [s["context"] + 2, hidden], 0.4, 0.0)
        offset = {"learned": "", "offset": ", offset = 2"}
        at = lambda ids: {"none": ""}.get(s["positions"], f" + embedding(positions({ids}{offset.get(s['positions'], '')}), "
                                          + (f"sinusoidal({s['context']}, {hidden - hidden % 2})" if s["positions"] == "sinusoidal" else "places") + ")")
        entry = lambda ids: embedded(ids) + ("" if s["positions"] == "sinusoidal" and hidden % 2 else at(ids))
        layers = []
        if s["cross"]:
            layers += self.layer("enc", "e.{i}", max(1, s["layers"] // 2), "S", False)
        layers += self.layer("block", "h.{i}", s["layers"], "T", s["cross"])
        body = []
        if s["cross"]:
            body.append(f"let memory = enc*({entry('source')})")
        body.append(f"let x = {entry('tokens')}")
        body.append(f"let x = {self.norm(declare, s['embed_norm'], 'first', hidden, 'x')}")
        body.append(f"let x = block*(x{', memory' if s['cross'] else ''})")
        body.append(f"let x = {self.norm(declare, s['final_norm'], 'last', hidden, 'x')}")
        body.append(f"let y = {'linear(x, embed)' if s['tied'] else self.linear(declare, 'head', vocab, hidden, 'x')}")
        if s["head_bias"]:
            body.append(f"let y = y + {declare('head_bias', [vocab], 0.3, 0.0)}")
        if s["logit_scale"] != 1.0:
            body.append(f"let y = y * {s['logit_scale']}")
        if s["logit_cap"]:
            body.append(f"let y = tanh(y / {number(s['logit_cap'])}) * {number(s['logit_cap'])}")
        pooled = {"none": None, "mean": "mean(y, over = T)", "max": "max(y, over = T)", "first": "row(y, 0)", "last": "row(y, -1)"}[s["pooled"]]
        rows, result = ("1", pooled) if pooled else ("T", "y")
        scaled = ['  param scaled : rope = 10000.0 from "rope_scaling"'] if s["rope"] not in ("none", "plain") and s["attention"] else []
        text = ["model random {", '  architectures "RandomForCausalLM"', f"  kind {'encoder' if s['kind'] == 'encoder' else 'decoder'}",
                *scaled, f"  context {s['context']}", *[line[2:] for line in top], *layers,
                f"  def forward(tokens : [T] of token{', source : [S] of token' if s['cross'] else ''}) -> [{rows}, {vocab}] {{",
                *[f"    {line}" for line in body], f"    {result}", "  }", "}", ""]
        config = {"architectures": ["RandomForCausalLM"], "model_type": "random", "bos_token_id": 1, "eos_token_id": 2}
        if scaled:
            extra = {"linear": {"factor": 2.0}, "llama3": {"factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32},
                     "yarn": {"factor": 4.0, "original_max_position_embeddings": 32}}[s["rope"]]
            config["rope_scaling"] = {"rope_type": s["rope"], "rope_theta": 10000.0, **extra}
        return "\n".join(text), config, self.tensors


def build(spec):
    return Builder(spec).build()
