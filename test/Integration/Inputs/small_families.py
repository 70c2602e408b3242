#!/usr/bin/env python3
"""Families whose checkpoints Transformers writes, computed once more in numpy and double precision.

  small_families.py [NAME[=DESCRIPTION]...]

Each reference asks for weights by the names that a checkpoint has, with their shapes; the first time that one is asked
for it is drawn. So running it makes the checkpoint, and what it says is what the imported module must, evaluated in double
precision as well (what the compiler makes of that is tested elsewhere).
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import tensors  # noqa: E402
from models import gelu, gelu_tanh, softmax, top_k  # noqa: E402

V, C, F, L, N, G = 41, 16, 24, 3, 4, 2  # vocabulary, width, network, layers, heads of queries, of keys
TOKENS = [3, 17, 40, 5, 5, 22, 9, 31, 12, 8, 2]
T = len(TOKENS)
BACK = np.subtract.outer(np.arange(T), np.arange(T))
ACTIVATIONS = {"silu": lambda x: x / (1 + np.exp(-x)), "gelu": gelu, "gelu_new": gelu_tanh, "relu2": lambda x: np.maximum(x, 0) ** 2}
CAUSAL = dict(vocab_size=V, hidden_size=C, intermediate_size=F, num_hidden_layers=L, num_attention_heads=N, max_position_embeddings=32)


class Net:
    def __init__(self):
        self.tensors, self.random = {}, np.random.default_rng(5)

    def weight(self, name, *shape):
        if name not in self.tensors:
            draw = self.random.standard_normal(shape)
            near_one = "norm" in name.lower() or ".ln" in name or name.endswith(("ln_f.weight", "ln_1.weight"))
            is_gain = len(shape) == 1 and near_one and name.endswith("weight")
            self.tensors[name] = (1 + 0.2 * draw if is_gain else draw / np.sqrt(shape[-1]) if len(shape) > 1 else 0.3 * draw).astype(np.float32)
        assert self.tensors[name].shape == shape, name
        return self.tensors[name].astype(np.float64)

    def linear(self, x, name, n, bias=False):
        y = x @ self.weight(name + ".weight", n, x.shape[-1]).T
        return y + self.weight(name + ".bias", n) if bias else y

    def rms(self, x, name, eps=1e-5):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * self.weight(name + ".weight", x.shape[-1])

    def norm(self, x, name, eps=1e-5):
        centered = x - x.mean(-1, keepdims=True)
        scaled = centered / np.sqrt((centered ** 2).mean(-1, keepdims=True) + eps)
        return scaled * self.weight(name + ".weight", x.shape[-1]) + self.weight(name + ".bias", x.shape[-1])


def heads(x, n):
    return x.reshape(len(x), n, -1).transpose(1, 0, 2)


def merge(x):
    return x.transpose(1, 0, 2).reshape(x.shape[1], -1)


def rope(x, dim=None, interleaved=False, theta=10000.0):
    dim = dim or x.shape[-1]
    angle = np.outer(np.arange(x.shape[1]), theta ** (-np.arange(0, dim, 2) / dim))
    a, b = (x[..., 0:dim:2], x[..., 1:dim:2]) if interleaved else (x[..., :dim // 2], x[..., dim // 2:dim])
    a, b = a * np.cos(angle) - b * np.sin(angle), b * np.cos(angle) + a * np.sin(angle)
    turned = np.stack((a, b), -1).reshape(*a.shape[:-1], dim) if interleaved else np.concatenate((a, b), -1)
    return np.concatenate((turned, x[..., dim:]), -1)


def attend(q, k, v, window=0, scale=None, causal=True):
    k, v = (np.repeat(x, len(q) // len(x), 0) for x in (k, v))
    s = q @ k.transpose(0, 2, 1) * (q.shape[-1] ** -0.5 if scale is None else scale)
    back = np.subtract.outer(np.arange(q.shape[1]), np.arange(k.shape[1]))
    hidden = (back < 0) | ((back >= window) if window else False) if causal else np.zeros_like(back, bool)
    return merge(softmax(np.where(hidden, -np.inf, s)) @ v)


def llama_like(net, layer, last="model.norm", table="model.embed_tokens.weight", tied=False):
    """Logits of layers that are told their number and the state before."""
    x = net.weight(table, V, C)[TOKENS]
    for i in range(L):
        x = layer(x, i)
    x = net.rms(x, last)
    return x @ (net.weight(table, V, C) if tied else net.weight("lm_head.weight", V, C)).T


def grouped(net, h, at, d, turn, qkv_bias=False, out_bias=False, queries=lambda q, at: q, keys=lambda k, at: k, window=0):
    q, k, v = (net.linear(h, f"{at}self_attn.{a}_proj", n * d, qkv_bias) for a, n in (("q", N), ("k", G), ("v", G)))
    a = attend(queries(turn(heads(q, N)), at), keys(turn(heads(k, G)), at), heads(v, G), window)
    return net.linear(a, at + "self_attn.o_proj", C, out_bias)


def gated(net, h, at, f=F, bias=False):
    return net.linear(ACTIVATIONS["silu"](net.linear(h, at + "gate_proj", f, bias)) * net.linear(h, at + "up_proj", f, bias), at + "down_proj", C, bias)


def pre_norm(net, attention, network, names=("input_layernorm", "post_attention_layernorm"), norm=None):
    def layer(x, i):
        at = f"model.layers.{i}."
        x = x + attention((norm or net.rms)(x, at + names[0]), at, i)
        return x + network((norm or net.rms)(x, at + names[1]), at, i)
    return layer


def seed_oss(net):
    attention = lambda h, at, i: grouped(net, h, at, 6, rope, qkv_bias=True)
    return dict(CAUSAL, num_key_value_heads=G, head_dim=6, attention_bias=True, attention_out_bias=False, rms_norm_eps=1e-5), \
        llama_like(net, pre_norm(net, attention, lambda h, at, i: gated(net, h, at + "mlp.")))


def ernie4_5(net):
    turn = lambda x: rope(x, interleaved=True, theta=500000.0)
    attention = lambda h, at, i: grouped(net, h, at, 6, turn, True, True)
    return dict(CAUSAL, num_key_value_heads=G, head_dim=6, use_bias=True), \
        llama_like(net, pre_norm(net, attention, lambda h, at, i: gated(net, h, at + "mlp.", bias=True)), tied=True)


def hunyuan_v1_dense(net):
    normed = lambda which: lambda x, at: net.rms(x, f"{at}self_attn.{which}_layernorm")
    attention = lambda h, at, i: grouped(net, h, at, 4, rope, queries=normed("query"), keys=normed("key"))
    return dict(CAUSAL, num_key_value_heads=G), llama_like(net, pre_norm(net, attention, lambda h, at, i: gated(net, h, at + "mlp.")))


def ministral(net):
    kinds = ["sliding_attention", "full_attention", "sliding_attention"]
    attention = lambda h, at, i: grouped(net, h, at, 4, rope, window=4 if kinds[i][0] == "s" else 0)
    return dict(CAUSAL, num_key_value_heads=G, sliding_window=4, layer_types=kinds, rms_norm_eps=1e-5), \
        llama_like(net, pre_norm(net, attention, lambda h, at, i: gated(net, h, at + "mlp.")))


def arcee(net):
    network = lambda h, at, i: net.linear(ACTIVATIONS["relu2"](net.linear(h, at + "mlp.up_proj", F)), at + "mlp.down_proj", C)
    return dict(CAUSAL, num_key_value_heads=G, rope_theta=10000.0), llama_like(net, pre_norm(net, lambda h, at, i: grouped(net, h, at, 4, rope), network))


def apertus(net):
    def attention(h, at, i):
        normed = lambda which: lambda x: rope(net.rms(x, f"{at}self_attn.{which}_norm"))
        q, k, v = (heads(net.linear(h, f"{at}self_attn.{a}_proj", n * 4), n) for a, n in (("q", N), ("k", G), ("v", G)))
        return net.linear(attend(normed("q")(q), normed("k")(k), v), at + "self_attn.o_proj", C)

    def network(h, at, i):
        u = net.linear(h, at + "mlp.up_proj", F)
        p, n, beta, eps = (net.weight(f"{at}mlp.act_fn.{a}", 1) for a in ("alpha_p", "alpha_n", "beta", "eps"))
        p, n = np.log1p(np.exp(p)), beta + np.log1p(np.exp(n))
        y = np.where(u > 0, p * u * u, (np.expm1(np.minimum(u, 0)) - u) * n) + beta * u
        return net.linear(y, at + "mlp.down_proj", C)
    return dict(CAUSAL, num_key_value_heads=G, rope_parameters={"rope_type": "default", "rope_theta": 10000.0}), llama_like(net, pre_norm(net, attention, network, ("attention_layernorm", "feedforward_layernorm")))


def glm4_moe(net):
    def network(h, at, i):
        at += "mlp."
        if i == 0:
            return gated(net, h, at)
        s = 1 / (1 + np.exp(-net.linear(h, at + "gate", 8)))
        g = top_k(s, 3, by=s + net.weight(at + "gate.e_score_correction_bias", 8), groups=4, keep=2, best=2)
        g = 1.5 * g / (g.sum(-1, keepdims=True) + 1e-20)
        return gated(net, h, at + "shared_experts.", 10) + sum(g[:, e:e + 1] * gated(net, h, f"{at}experts.{e}.", 10) for e in range(8))
    attention = lambda h, at, i: grouped(net, h, at, 8, lambda x: rope(x, 4), qkv_bias=True)
    return dict(CAUSAL, num_key_value_heads=G, head_dim=8, moe_intermediate_size=10, n_routed_experts=8, num_experts_per_tok=3, n_group=4,
                topk_group=2, routed_scaling_factor=1.5, attention_bias=True, partial_rotary_factor=0.5), llama_like(net, pre_norm(net, attention, network))


def persimmon(net):
    def attention(h, at, i):
        q, k, v = np.split(heads(net.linear(h, at + "self_attn.query_key_value", 3 * C, True), N), 3, -1)
        q, k = (rope(net.norm(x, f"{at}self_attn.{a}_layernorm"), 2) for x, a in ((q, "q"), (k, "k")))
        return net.linear(attend(q, k, v), at + "self_attn.dense", C, True)
    network = lambda h, at, i: net.linear(ACTIVATIONS["relu2"](net.linear(h, at + "mlp.dense_h_to_4h", F, True)), at + "mlp.dense_4h_to_h", C, True)
    layer = pre_norm(net, attention, network, norm=net.norm)
    x = net.weight("model.embed_tokens.weight", V, C)[TOKENS]
    for i in range(L):
        x = layer(x, i)
    return CAUSAL, net.norm(x, "model.final_layernorm") @ net.weight("lm_head.weight", V, C).T


def gpt(net, attention, layers=L, places=True):
    x = net.weight("transformer.wte.weight", V, C)[TOKENS]
    x = x + net.weight("transformer.wpe.weight", 32, C)[:T] if places else x
    for i in range(layers):
        at = f"transformer.h.{i}."
        x = x + attention(net.norm(x, at + "ln_1"), at + "attn.", i)
        x = x + net.linear(gelu_tanh(net.linear(net.norm(x, at + "ln_2"), at + "mlp.c_fc", 4 * C, True)), at + "mlp.c_proj", C, True)
    return net.norm(x, "transformer.ln_f") @ net.weight("transformer.wte.weight", V, C).T


GPT = dict(vocab_size=V, n_positions=32, n_embd=C, n_layer=L, n_head=N)


def gpt_bigcode(net):
    def attention(h, at, i):
        q, k, v = np.split(net.linear(h, at + "c_attn", C + 8, True), (C, C + 4), -1)
        return net.linear(attend(heads(q, N), heads(k, 1), heads(v, 1)), at + "c_proj", C, True)
    return GPT, gpt(net, attention)


def gpt_neo(net):
    def attention(h, at, i):
        q, k, v = (heads(net.linear(h, f"{at}attention.{a}_proj", C), N) for a in "qkv")
        return net.linear(attend(q, k, v, 4 if i % 2 else 0, 1.0), at + "attention.out_proj", C, True)
    return dict(vocab_size=V, hidden_size=C, num_layers=L, num_heads=N, max_position_embeddings=32, window_size=4,
                attention_layers=["global", "local", "global"]), gpt(net, attention)


def codegen(net):
    x = net.weight("transformer.wte.weight", V, C)[TOKENS]
    for i in range(L):
        at = f"transformer.h.{i}."
        h = net.norm(x, at + "ln_1")
        q, v, k = (x.transpose(1, 0, 2).reshape(T, C) for x in np.split(heads(net.linear(h, at + "attn.qkv_proj", 3 * C), 4), 3, -1))
        turn = lambda x: rope(heads(x, N), 2, interleaved=True)
        x = x + net.linear(attend(turn(q), turn(k), heads(v, N)), at + "attn.out_proj", C) + \
            net.linear(gelu_tanh(net.linear(h, at + "mlp.fc_in", 4 * C, True)), at + "mlp.fc_out", C, True)
    return dict(GPT, rotary_dim=2), net.linear(net.norm(x, "transformer.ln_f"), "lm_head", V, True)


def encoder_layer(net, x, at, norm1, norm2, before):
    """Attention and network of BERT's checkpoints, with norms before or behind them."""
    h = net.norm(x, at + norm1) if before else x
    q, k, v = (heads(net.linear(h, f"{at}attention.self.{a}", C, True), N) for a in ("query", "key", "value"))
    x = x + net.linear(attend(q, k, v, causal=False), at + "attention.output.dense", C, True)
    x = x if before else net.norm(x, at + norm1)
    h = net.norm(x, at + norm2) if before else x
    x = x + net.linear(gelu(net.linear(h, at + "intermediate.dense", F, True)), at + "output.dense", C, True)
    return x if before else net.norm(x, at + norm2)


def embedded(net, at, offset=0):
    return net.weight(at + "word_embeddings.weight", V, C)[TOKENS] + net.weight(at + "position_embeddings.weight", 32, C)[offset:offset + T] + \
        net.weight(at + "token_type_embeddings.weight", 2, C)[0]


def ernie(net):
    x = net.norm(embedded(net, "embeddings.") + net.weight("embeddings.task_type_embeddings.weight", 3, C)[0], "embeddings.LayerNorm")
    for i in range(L):
        x = encoder_layer(net, x, f"encoder.layer.{i}.", "attention.output.LayerNorm", "output.LayerNorm", False)
    return dict(CAUSAL, use_task_id=True, layer_norm_eps=1e-5), x


def xlm_roberta_xl(net):
    x = embedded(net, "embeddings.", 2)
    for i in range(L):
        x = encoder_layer(net, x, f"encoder.layer.{i}.", "attention.self_attn_layer_norm", "LayerNorm", True)
    return dict(CAUSAL, type_vocab_size=2), net.norm(x, "encoder.LayerNorm")


def roberta_prelayernorm(net):
    x = net.norm(embedded(net, "embeddings.", 2), "embeddings.LayerNorm")
    for i in range(L):
        x = encoder_layer(net, x, f"encoder.layer.{i}.", "attention.LayerNorm", "intermediate.LayerNorm", True)
    return dict(CAUSAL, layer_norm_eps=1e-5), net.norm(x, "LayerNorm")


SEGMENTS = [int(2 * t > T) for t in range(T)]


def deberta(net):
    far = net.weight("encoder.rel_embeddings.weight", 16, C)  # distances -8 to 7, the last ones for all beyond
    x = net.weight("embeddings.word_embeddings.weight", V, C)[TOKENS] + net.weight("embeddings.token_type_embeddings.weight", 2, C)[SEGMENTS]
    x = net.norm(x, "embeddings.LayerNorm")
    column = np.clip(BACK + 8, 0, 15)
    for i in range(L):
        at = f"encoder.layer.{i}.attention."
        q, k, v = np.split(heads(net.linear(x, at + "self.in_proj", 3 * C), N), 3, -1)
        q, v = (y + heads(net.weight(f"{at}self.{a}_bias", C)[None], N) for y, a in ((q, "q"), (v, "v")))
        c2p = q @ heads(net.linear(far, at + "self.pos_proj", C), N).transpose(0, 2, 1)
        p2c = k @ heads(net.linear(far, at + "self.pos_q_proj", C, True), N).transpose(0, 2, 1)
        s = q @ k.transpose(0, 2, 1)
        for t in range(T):
            for u in range(T):
                s[:, t, u] += c2p[:, t, column[t, u]] + p2c[:, u, column[t, u]]
        a = merge(softmax(s / np.sqrt(3 * C / N)) @ v)
        x = net.norm(x + net.linear(a, at + "output.dense", C, True), at + "output.LayerNorm")
        at = f"encoder.layer.{i}."
        h = gelu(net.linear(x, at + "intermediate.dense", F, True))
        x = net.norm(x + net.linear(h, at + "output.dense", C, True), at + "output.LayerNorm")
    return dict(CAUSAL, relative_attention=True, max_relative_positions=8, position_biased_input=False, pos_att_type=["c2p", "p2c"], type_vocab_size=2,
                layer_norm_eps=1e-5), x


def eurobert(net):
    x = net.weight("model.embed_tokens.weight", V, C)[TOKENS]
    for i in range(L):
        at = f"model.layers.{i}."
        h = net.rms(x, at + "input_layernorm")
        q, k, v = (heads(net.linear(h, f"{at}self_attn.{a}_proj", n * 4), n) for a, n in (("q", N), ("k", G), ("v", G)))
        x = x + net.linear(attend(rope(q), rope(k), v, causal=False), at + "self_attn.o_proj", C)
        x = x + gated(net, net.rms(x, at + "post_attention_layernorm"), at + "mlp.")
    y = net.linear(gelu(net.linear(net.rms(x, "model.norm"), "dense", C, True)), "classifier", 2, True)
    return dict(CAUSAL, num_key_value_heads=G, id2label={"0": "no", "1": "yes"}), y.mean(0, keepdims=True)


def bart(net):
    table = net.weight("model.shared.weight", V, C)

    def attention(x, y, at, causal):
        q, k, v = (heads(net.linear(a, f"{at}.{b}_proj", C, True), N) for a, b in ((x, "q"), (y, "k"), (y, "v")))
        return net.linear(attend(q, k, v, causal=causal), at + ".out_proj", C, True)

    def side(name, tokens, memory=None):
        at = f"model.{name}."
        x = net.norm(table[tokens] + net.weight(at + "embed_positions.weight", 34, C)[2:2 + T], at + "layernorm_embedding")
        for i in range(L):
            of = f"{at}layers.{i}."
            x = net.norm(x + attention(x, x, of + "self_attn", memory is not None), of + "self_attn_layer_norm")
            if memory is not None:
                x = net.norm(x + attention(x, memory, of + "encoder_attn", False), of + "encoder_attn_layer_norm")
            x = net.norm(x + net.linear(gelu(net.linear(x, of + "fc1", F, True)), of + "fc2", C, True), of + "final_layer_norm")
        return x
    x = side("decoder", [6, *TOKENS[:-1]], side("encoder", TOKENS))[-1:]
    sizes = dict(encoder_layers=L, decoder_layers=L, encoder_attention_heads=N, decoder_attention_heads=N, encoder_ffn_dim=F, decoder_ffn_dim=F)
    return dict(sizes, vocab_size=V, d_model=C, max_position_embeddings=32, decoder_start_token_id=6, eos_token_id=2, id2label={"0": "no", "1": "yes"}), \
        net.linear(np.tanh(net.linear(x, "classification_head.dense", C, True)), "classification_head.out_proj", 2, True)


FAMILIES = {
    "seed_oss": (seed_oss, "SeedOssForCausalLM"), "ernie4_5": (ernie4_5, "Ernie4_5ForCausalLM"),
    "hunyuan_v1_dense": (hunyuan_v1_dense, "HunYuanDenseV1ForCausalLM"), "ministral": (ministral, "MinistralForCausalLM"),
    "arcee": (arcee, "ArceeForCausalLM"), "apertus": (apertus, "ApertusForCausalLM"), "glm4_moe": (glm4_moe, "Glm4MoeForCausalLM"),
    "persimmon": (persimmon, "PersimmonForCausalLM"), "gpt_bigcode": (gpt_bigcode, "GPTBigCodeForCausalLM"),
    "gpt_neo": (gpt_neo, "GPTNeoForCausalLM"), "codegen": (codegen, "CodeGenForCausalLM"), "ernie": (ernie, "ErnieModel"),
    "xlm-roberta-xl": (xlm_roberta_xl, "XLMRobertaXLModel"), "roberta-prelayernorm": (roberta_prelayernorm, "RobertaPreLayerNormModel"),
    "deberta": (deberta, "DebertaModel"), "eurobert": (eurobert, "EuroBertForSequenceClassification"),
    "bart": (bart, "BartForSequenceClassification"),
}


def check(name, description=None):
    reference, architecture = FAMILIES[name]
    net = Net()
    reference(net)  # draws the weights
    config, wanted = reference(net)
    entry = "forward" if architecture.endswith(("CausalLM", "Model")) else "classify"
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "config.json"), "w") as file:
            json.dump(dict(config, architectures=[architecture], model_type=name), file)
        tensors.write_directory(folder, net.tensors, "f32", 1)
        module, out = os.path.join(folder, "import.mlir"), os.path.join(folder, "out.npy")
        model = [description, "--checkpoint", folder] if description else [folder]
        subprocess.run(["tenonc", *model, "--no-tokenizer", "--emit=import", "-o", module], check=True)
        inputs = [f"--input={'source' if name == 'bart' else 'tokens'}={TOKENS}"]
        if name in ("ernie", "xlm-roberta-xl", "roberta-prelayernorm", "deberta"):
            inputs.append(f"--input=segments={SEGMENTS if name == 'deberta' else [0] * T}")
        subprocess.run(["tenon-run", module, f"--entry={entry}", f"--weights={folder}", *inputs, f"--output={out}"], check=True)
        found = np.load(out)
    error = np.abs(found.reshape(wanted.shape) - wanted).max()
    assert error < 1e-5, f"{name}: differs by {error:.2g}"
    print(f"{name}: equal")


for argument in sys.argv[1:] or FAMILIES:
    check(*argument.split("="))
