"""Llama, GPT-2 and BERT in numpy, written from the papers and the published configurations.

Shapes: activations [T, C]; heads [H, T, D]; weights as the checkpoint has them. The evaluation type is float32 or
float64; weights are converted to it when the model is loaded. A decoder's `logits` continues after the tokens
of `cache`, so that generation costs one token a step.
"""
import math

import numpy as np


# ---- Pieces -----------------------------------------------------------------------------------

def gelu(x):
    erf = np.frompyfunc(math.erf, 1, 1)
    return (0.5 * x * (1 + erf(x / math.sqrt(2)).astype(x.dtype))).astype(x.dtype)


def gelu_tanh(x):
    return (0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))).astype(x.dtype)


ACTIVATIONS = {
    "silu": lambda x: x / (1 + np.exp(-x)), "swish": lambda x: x / (1 + np.exp(-x)),
    "gelu": gelu, "gelu_new": gelu_tanh, "gelu_pytorch_tanh": gelu_tanh, "gelu_fast": gelu_tanh,
    "relu": lambda x: np.maximum(x, 0), "tanh": np.tanh,
}


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def rms_norm(x, weight, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + x.dtype.type(eps)) * weight


def layer_norm(x, weight, bias, eps):
    centered = x - x.mean(-1, keepdims=True)
    return centered / np.sqrt((centered * centered).mean(-1, keepdims=True) + x.dtype.type(eps)) * weight + bias


def split_heads(x, heads):
    return x.reshape(len(x), heads, -1).transpose(1, 0, 2)


def merge_heads(x):
    return x.transpose(1, 0, 2).reshape(x.shape[1], -1)


def attend(q, k, v, visible):
    """softmax(q kᵀ / √D) v with keys hidden where `visible` [T, S] is false; query heads share keys in groups."""
    group = len(q) // len(k)
    k, v = np.repeat(k, group, 0), np.repeat(v, group, 0)
    scores = q @ k.transpose(0, 2, 1) / q.dtype.type(math.sqrt(q.shape[2]))
    return merge_heads(softmax(np.where(visible, scores, -np.inf)) @ v)


def rope_frequencies(dim, theta, scaling):
    """Angles per position, [dim / 2], in float64. Llama 3's scaling is the one of its published code."""
    frequency = theta ** -(np.arange(0, dim, 2) / dim)
    kind = (scaling or {}).get("rope_type", (scaling or {}).get("type", "default"))
    if kind == "linear":
        return frequency / scaling["factor"]
    if kind == "llama3":
        wavelength = 2 * math.pi / frequency
        original = scaling["original_max_position_embeddings"]
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        smooth = np.clip((original / wavelength - low) / (high - low), 0, 1)
        return (1 - smooth) * frequency / scaling["factor"] + smooth * frequency
    if kind != "default":
        raise ValueError(f"rope scaling '{kind}'")
    return frequency


def rotate(x, positions, frequency):
    """Pairs are (i, i + D/2), as Hugging Face stores Llama's projections."""
    angle = positions[:, None] * frequency
    cos, sin = np.cos(angle).astype(x.dtype), np.sin(angle).astype(x.dtype)
    low, high = np.split(x, 2, -1)
    return np.concatenate((low * cos - high * sin, high * cos + low * sin), -1)


# ---- Families ---------------------------------------------------------------------------------

class Model:
    """Weights in the evaluation type, with optional prefixes of their names tried in turn."""
    prefixes = ("",)

    def __init__(self, config, tensors, dtype):
        self.config = config
        self.dtype = dtype
        self.tensors = {name: array.astype(dtype) for name, array in tensors.items()}

    def get(self, name, default=None):
        for prefix in self.prefixes:
            if prefix + name in self.tensors:
                return self.tensors[prefix + name]
        return default

    def weight(self, name):
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def linear(self, x, name):
        y = x @ self.weight(name + ".weight").T
        bias = self.get(name + ".bias")
        return y if bias is None else y + bias


class Decoder(Model):
    def new_cache(self):
        return [None] * self.layers

    def keep(self, cache, layer, k, v):
        """Appends to the cache of one layer; returns all keys and values."""
        if cache[layer] is not None:
            k = np.concatenate((cache[layer][0], k), 1)
            v = np.concatenate((cache[layer][1], v), 1)
        cache[layer] = (k, v)
        return k, v

    @staticmethod
    def positions(cache, count):
        past = 0 if cache[0] is None else cache[0][0].shape[1]
        return past + np.arange(count)

    @staticmethod
    def visible(positions, window=None):
        keys = np.arange(positions[-1] + 1)
        mask = keys <= positions[:, None]
        return mask & (keys > positions[:, None] - window) if window else mask


class Llama(Decoder):
    """Also Qwen2: biases are added where there are some."""
    prefixes = ("", "model.")

    def __init__(self, config, tensors, dtype):
        super().__init__(config, tensors, dtype)
        c = config
        self.layers = c["num_hidden_layers"]
        self.heads = c["num_attention_heads"]
        self.groups = c.get("num_key_value_heads") or self.heads
        self.head_dim = c.get("head_dim") or c["hidden_size"] // self.heads
        self.frequency = rope_frequencies(self.head_dim, c.get("rope_theta") or 10000.0, c.get("rope_scaling"))
        self.act = ACTIVATIONS[c.get("hidden_act", "silu")]

    def logits(self, tokens, cache=None):
        x = self.states(tokens, cache)
        head = self.weight("embed_tokens.weight") if self.config.get("tie_word_embeddings") else self.weight("lm_head.weight")
        return x @ head.T

    def states(self, tokens, cache=None):
        c, eps = self.config, self.config.get("rms_norm_eps", 1e-6)
        cache = self.new_cache() if cache is None else cache
        positions = self.positions(cache, len(tokens))
        visible = self.visible(positions, c.get("sliding_window")) | (c.get("is_causal") is False)
        x = self.weight("embed_tokens.weight")[tokens]
        for i in range(self.layers):
            at = f"layers.{i}."
            h = rms_norm(x, self.weight(at + "input_layernorm.weight"), eps)
            q = rotate(self.query_or_key(h, at, "q", self.heads), positions, self.frequency)
            k = rotate(self.query_or_key(h, at, "k", self.groups), positions, self.frequency)
            v = split_heads(self.linear(h, at + "self_attn.v_proj"), self.groups)
            x = x + self.linear(attend(q, *self.keep(cache, i, k, v), visible), at + "self_attn.o_proj")
            h = rms_norm(x, self.weight(at + "post_attention_layernorm.weight"), eps)
            x = x + self.feed_forward(h, at)
        return rms_norm(x, self.weight("norm.weight"), eps)

    def query_or_key(self, h, at, letter, heads):
        return split_heads(self.linear(h, f"{at}self_attn.{letter}_proj"), heads)

    def feed_forward(self, h, at):
        return self.gated(h, at + "mlp.gate_proj", at + "mlp.up_proj", at + "mlp.down_proj")

    def gated(self, h, gate, up, down):
        return self.linear(self.act(self.linear(h, gate)) * self.linear(h, up), down)


def top_k(x, k, by=None, groups=1, keep=1, best=1):
    """x where `by` has its k greatest of a row, else 0; of equal ones the first."""
    by = (x if by is None else by).copy()
    if keep < groups:
        size = by.shape[1] // groups
        scores = np.sort(by.reshape(len(by), groups, size), -1)[..., -best:].sum(-1)
        kept = np.argsort(-scores, -1, kind="stable")[:, :keep]
        for row, some in zip(by, kept):
            row[~np.isin(np.arange(len(row)) // size, some)] = np.nan  # sorted last
    chosen = np.argsort(-by, -1, kind="stable")[:, :k]
    result = np.zeros_like(x)
    np.put_along_axis(result, chosen, np.take_along_axis(x, chosen, -1), -1)
    return result


class Mixture(Llama):
    """Mixtral (arXiv:2401.04088), OLMoE (arXiv:2409.02060), Qwen2-MoE and Qwen3-MoE (arXiv:2505.09388)."""

    def query_or_key(self, h, at, letter, heads):
        x = self.linear(h, f"{at}self_attn.{letter}_proj")
        norm, eps = self.get(f"{at}self_attn.{letter}_norm.weight"), self.config.get("rms_norm_eps", 1e-6)
        if norm is None:
            return split_heads(x, heads)
        whole = len(norm) == x.shape[1]  # OLMoE's norms are of all heads together
        return split_heads(rms_norm(x, norm, eps), heads) if whole else rms_norm(split_heads(x, heads), norm, eps)

    def feed_forward(self, h, at):
        c = self.config
        mixtral = c["model_type"] == "mixtral"
        at += "block_sparse_moe." if mixtral else "mlp."
        names = ("w1", "w3", "w2") if mixtral else ("gate_proj", "up_proj", "down_proj")
        gates = top_k(softmax(self.linear(h, at + "gate")), c["num_experts_per_tok"])
        if c.get("norm_topk_prob", mixtral):
            gates = gates / gates.sum(-1, keepdims=True)
        y = np.zeros_like(h)
        for e in range(gates.shape[1]):
            rows = gates[:, e] != 0
            y[rows] += gates[rows, e:e + 1] * self.gated(h[rows], *(f"{at}experts.{e}.{name}" for name in names))
        if self.get(at + "shared_expert_gate.weight") is not None:
            shared = self.gated(h, *(f"{at}shared_expert.{name}" for name in names))
            y += shared / (1 + np.exp(-self.linear(h, at + "shared_expert_gate")))
        return y


class GPT2(Decoder):
    prefixes = ("", "transformer.")

    def __init__(self, config, tensors, dtype):
        super().__init__(config, tensors, dtype)
        self.layers = config["n_layer"]
        self.heads = config["n_head"]
        self.act = ACTIVATIONS[config.get("activation_function", "gelu_new")]

    def conv1d(self, x, name):  # OpenAI's layout: [in, out]
        return x @ self.weight(name + ".weight") + self.weight(name + ".bias")

    def norm(self, x, name):
        return layer_norm(x, self.weight(name + ".weight"), self.weight(name + ".bias"), self.config.get("layer_norm_epsilon", 1e-5))

    def logits(self, tokens, cache=None):
        return self.states(tokens, cache) @ self.get("lm_head.weight", self.weight("wte.weight")).T

    def states(self, tokens, cache=None):
        cache = self.new_cache() if cache is None else cache
        positions = self.positions(cache, len(tokens))
        visible = self.visible(positions)
        x = self.weight("wte.weight")[tokens] + self.weight("wpe.weight")[positions]
        for i in range(self.layers):
            at = f"h.{i}."
            q, k, v = np.split(self.conv1d(self.norm(x, at + "ln_1"), at + "attn.c_attn"), 3, -1)
            k, v = self.keep(cache, i, split_heads(k, self.heads), split_heads(v, self.heads))
            x = x + self.conv1d(attend(split_heads(q, self.heads), k, v, visible), at + "attn.c_proj")
            x = x + self.conv1d(self.act(self.conv1d(self.norm(x, at + "ln_2"), at + "mlp.c_fc")), at + "mlp.c_proj")
        return self.norm(x, "ln_f")


class Parallel(Decoder):
    """The family that examples/parallel describes."""

    def logits(self, tokens, cache=None):
        c, eps = self.config, self.config.get("norm_eps", 1e-5)
        self.layers, heads = c["num_hidden_layers"], c["num_attention_heads"]
        frequency = rope_frequencies(c["hidden_size"] // heads, 10000.0, None)
        cache = self.new_cache() if cache is None else cache
        positions = self.positions(cache, len(tokens))
        x = self.weight("embed.weight")[tokens]
        for i in range(self.layers):
            at = f"blocks.{i}."
            h = rms_norm(x, self.weight(at + "norm.weight"), eps)
            q = rotate(split_heads(self.linear(h, at + "q"), heads), positions, frequency)
            k = rotate(split_heads(self.linear(h, at + "k"), 1), positions, frequency)
            keys, values = self.keep(cache, i, k, split_heads(self.linear(h, at + "v"), 1))
            up = np.maximum(self.linear(h, at + "up"), 0)
            x = x + self.linear(attend(q, keys, values, self.visible(positions)), at + "o") + self.linear(up * up, at + "down")
        return rms_norm(x, self.weight("norm.weight"), eps) @ self.weight("embed.weight").T


class Bert(Model):
    prefixes = ("", "bert.")

    def norm(self, x, name):
        return layer_norm(x, self.weight(name + ".weight"), self.weight(name + ".bias"), self.config.get("layer_norm_eps", 1e-12))

    def hidden(self, tokens, token_types=None, valid=None):
        """The last layer's output [T, C]; `valid` [T] is false for padding, which no token attends to."""
        heads, act = self.config["num_attention_heads"], ACTIVATIONS[self.config.get("hidden_act", "gelu")]
        types = np.zeros(len(tokens), int) if token_types is None else token_types
        visible = np.ones(len(tokens), bool) if valid is None else valid
        x = (self.weight("embeddings.word_embeddings.weight")[tokens]
             + self.weight("embeddings.position_embeddings.weight")[:len(tokens)]
             + self.weight("embeddings.token_type_embeddings.weight")[types])
        x = self.norm(x, "embeddings.LayerNorm")
        for i in range(self.config["num_hidden_layers"]):
            at = f"encoder.layer.{i}."
            q, k, v = (split_heads(self.linear(x, at + "attention.self." + part), heads) for part in ("query", "key", "value"))
            x = self.norm(x + self.linear(attend(q, k, v, visible[None, :]), at + "attention.output.dense"), at + "attention.output.LayerNorm")
            h = act(self.linear(x, at + "intermediate.dense"))
            x = self.norm(x + self.linear(h, at + "output.dense"), at + "output.LayerNorm")
        return x

    def pooled(self, hidden):
        return np.tanh(self.linear(hidden[:1], "pooler.dense"))

    def masked_lm(self, hidden):
        act = ACTIVATIONS[self.config.get("hidden_act", "gelu")]
        h = self.norm(act(self.linear(hidden, "cls.predictions.transform.dense")), "cls.predictions.transform.LayerNorm")
        head = self.get("cls.predictions.decoder.weight", self.weight("embeddings.word_embeddings.weight"))
        return h @ head.T + self.get("cls.predictions.bias", self.get("cls.predictions.decoder.bias", 0))


class ViT(Model):
    """Also DeiT, with a teacher's token behind the class's."""
    prefixes = ("", "vit.", "deit.")

    def norm(self, x, name):
        return layer_norm(x, self.weight(name + ".weight"), self.weight(name + ".bias"), self.config.get("layer_norm_eps", 1e-12))

    def hidden(self, pixels):
        """The last layer's output [tokens in front + patches, C] of an image [channels, height, width]."""
        heads, act = self.config["num_attention_heads"], ACTIVATIONS[self.config.get("hidden_act", "gelu")]
        p = self.config["patch_size"]
        c, v, h = pixels.shape
        patches = pixels.reshape(c, v // p, p, h // p, p).transpose(1, 3, 0, 2, 4).astype(self.dtype)
        kernel = self.weight("embeddings.patch_embeddings.projection.weight")
        x = np.einsum("vhcij,ncij->vhn", patches, kernel).reshape(-1, len(kernel)) + self.weight("embeddings.patch_embeddings.projection.bias")
        front = [self.weight("embeddings.cls_token")[0]]
        if self.get("embeddings.distillation_token") is not None:
            front.append(self.weight("embeddings.distillation_token")[0])
        x = np.concatenate((*front, x)) + self.weight("embeddings.position_embeddings")[0]
        for i in range(self.config["num_hidden_layers"]):
            at = f"encoder.layer.{i}."
            y = self.norm(x, at + "layernorm_before")
            q, k, v = (split_heads(self.linear(y, at + "attention.attention." + part), heads) for part in ("query", "key", "value"))
            x = x + self.linear(attend(q, k, v, np.ones((1, len(x)), bool)), at + "attention.output.dense")
            y = act(self.linear(self.norm(x, at + "layernorm_after"), at + "intermediate.dense"))
            x = x + self.linear(y, at + "output.dense")
        return self.norm(x, "layernorm")

    def classify(self, pixels):
        x = self.hidden(pixels)
        if self.get("cls_classifier.weight") is None:
            return self.linear(x[:1], "classifier")
        return (self.linear(x[:1], "cls_classifier") + self.linear(x[1:2], "distillation_classifier")) / 2


def convolve(x, kernel, bias, stride=1):
    """A convolution over time, of width 3 with a zero at either end: [in, S], [out, in, 3] -> [out, windows]."""
    x = np.pad(x, ((0, 0), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(x, 3, 1)[:, ::stride]
    return np.einsum("ctk,nck->nt", windows, kernel) + bias[:, None]


class Whisper(Model):
    def norm(self, x, name):
        return layer_norm(x, self.weight(name + ".weight"), self.weight(name + ".bias"), 1e-5)

    def attention(self, x, memory, at, heads, visible):
        q = split_heads(self.linear(x, at + "q_proj"), heads)
        k, v = (split_heads(self.linear(memory, at + part), heads) for part in ("k_proj", "v_proj"))
        return self.linear(attend(q, k, v, visible), at + "out_proj")

    def feed_forward(self, x, at):
        return self.linear(ACTIVATIONS[self.config["activation_function"]](self.linear(x, at + "fc1")), at + "fc2")

    def encode(self, features):
        """What the encoder makes of features [mels, frames]: [frames / 2, C]."""
        x = features.astype(self.dtype)
        for i, stride in ((1, 1), (2, 2)):
            x = gelu(convolve(x, self.weight(f"model.encoder.conv{i}.weight"), self.weight(f"model.encoder.conv{i}.bias"), stride))
        x = x.T + self.weight("model.encoder.embed_positions.weight")
        everything = np.ones((1, len(x)), bool)
        for i in range(self.config["encoder_layers"]):
            at = f"model.encoder.layers.{i}."
            y = self.norm(x, at + "self_attn_layer_norm")
            x = x + self.attention(y, y, at + "self_attn.", self.config["encoder_attention_heads"], everything)
            x = x + self.feed_forward(self.norm(x, at + "final_layer_norm"), at)
        return self.norm(x, "model.encoder.layer_norm")

    def classify(self, features):
        """Scores of labels of speech, [1, labels]."""
        return self.linear(self.linear(self.encode(features), "projector").mean(0, keepdims=True), "classifier")

    def decode(self, tokens, memory):
        """Logits of tokens that attend to the encoder's output."""
        heads, embed, count = self.config["decoder_attention_heads"], self.weight("model.decoder.embed_tokens.weight"), len(tokens)
        x = embed[tokens] + self.weight("model.decoder.embed_positions.weight")[:count]
        before, everything = np.tri(count, dtype=bool), np.ones((1, len(memory)), bool)
        for i in range(self.config["decoder_layers"]):
            at = f"model.decoder.layers.{i}."
            y = self.norm(x, at + "self_attn_layer_norm")
            x = x + self.attention(y, y, at + "self_attn.", heads, before)
            x = x + self.attention(self.norm(x, at + "encoder_attn_layer_norm"), memory, at + "encoder_attn.", heads, everything)
            x = x + self.feed_forward(self.norm(x, at + "final_layer_norm"), at)
        return self.norm(x, "model.decoder.layer_norm") @ self.get("proj_out.weight", embed).T


FAMILIES = {"llama": Llama, "mistral": Llama, "qwen2": Llama, "gpt2": GPT2, "bert": Bert, "parallel": Parallel,
            "vit": ViT, "whisper": Whisper, "mixtral": Mixture, "olmoe": Mixture, "qwen2_moe": Mixture, "qwen3_moe": Mixture}
