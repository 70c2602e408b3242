#!/usr/bin/env python3
"""Trains the village model on the CPU and writes it in Hugging Face layout.

    train.py -o DIR            # six minutes of one core, with OpenBLAS (Debian: libopenblas0)

Needs PyTorch (Debian: python3-torch). Everything that the training reads is generated here from seeds: the stories
(stories.py) and the tokenizer (tokenizer.py). Held-out stories come from another seed.
"""
import argparse
import json
import math
import os
import time

import torch
from torch import nn
from torch.nn import functional as F

import safetensors
import stories
import tokenizer

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
    "vocab_size": 1024, "hidden_size": 96, "intermediate_size": 232, "num_hidden_layers": 4,
    "num_attention_heads": 6, "num_key_value_heads": 3, "head_dim": 16, "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "rope_scaling": None, "tie_word_embeddings": True,
    "attention_bias": False, "mlp_bias": False, "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32",
}
C = argparse.Namespace(**CONFIG)
BOS, EOS = 1, 2


def attention(q, k, v, mask):
    """[heads, length, dim] each. One head at a time: its scores stay in the cache, and each product is one BLAS call."""
    return torch.stack([torch.softmax(torch.addmm(mask, a, b.t()), -1) @ c for a, b, c in zip(q, k, v)])


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(C.hidden_size))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + C.rms_norm_eps) * self.weight


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        heads, groups, dim = C.num_attention_heads, C.num_key_value_heads, C.head_dim
        self.input_layernorm, self.post_attention_layernorm = Norm(), Norm()
        self.q_proj = nn.Linear(C.hidden_size, heads * dim, bias=False)
        self.k_proj = nn.Linear(C.hidden_size, groups * dim, bias=False)
        self.v_proj = nn.Linear(C.hidden_size, groups * dim, bias=False)
        self.o_proj = nn.Linear(heads * dim, C.hidden_size, bias=False)
        self.gate_proj = nn.Linear(C.hidden_size, C.intermediate_size, bias=False)
        self.up_proj = nn.Linear(C.hidden_size, C.intermediate_size, bias=False)
        self.down_proj = nn.Linear(C.intermediate_size, C.hidden_size, bias=False)

    def forward(self, x, cos, sin, mask):
        batch, length, _ = x.shape
        heads, groups, dim = C.num_attention_heads, C.num_key_value_heads, C.head_dim

        def rotate(y):  # halves, as Hugging Face's Llama pairs them
            low, high = y.chunk(2, -1)
            return torch.cat((low * cos - high * sin, high * cos + low * sin), -1)

        h = self.input_layernorm(x)
        q = rotate(self.q_proj(h).view(batch, length, heads, dim).transpose(1, 2))
        k = rotate(self.k_proj(h).view(batch, length, groups, dim).transpose(1, 2))
        v = self.v_proj(h).view(batch, length, groups, dim).transpose(1, 2)
        k, v = (y.repeat_interleave(heads // groups, 1) for y in (k, v))
        mixed = attention(*(y.flatten(0, 1) for y in (q * dim ** -0.5, k, v)), mask)
        x = x + self.o_proj(mixed.view(batch, heads, length, dim).transpose(1, 2).reshape(batch, length, heads * dim))
        h = self.post_attention_layernorm(x)
        return x + self.down_proj(F.silu(self.gate_proj(h)) * self.up_proj(h))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed_tokens = nn.Embedding(C.vocab_size, C.hidden_size)
        self.layers = nn.ModuleList(Layer() for _ in range(C.num_hidden_layers))
        self.norm = Norm()
        frequencies = C.rope_theta ** -(torch.arange(0, C.head_dim, 2) / C.head_dim)
        angles = torch.arange(C.max_position_embeddings)[:, None] * frequencies
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, 0, 0.05 if "embed" in name else C.hidden_size ** -0.5)

    def forward(self, tokens):
        length = tokens.shape[1]
        mask = torch.full((length, length), float("-inf")).triu(1)
        x = self.embed_tokens(tokens)
        for layer in self.layers:
            x = layer(x, self.cos[:length], self.sin[:length], mask)
        return self.norm(x) @ self.embed_tokens.weight.t()


def hugging_face_name(name):
    for part in ("q_proj", "k_proj", "v_proj", "o_proj"):
        name = name.replace(part, "self_attn." + part)
    for part in ("gate_proj", "up_proj", "down_proj"):
        name = name.replace(part, "mlp." + part)
    return "model." + name


def save(model, document, directory):
    os.makedirs(directory, exist_ok=True)
    for name, content in (("config.json", CONFIG), ("tokenizer.json", document),
                          ("generation_config.json", {"bos_token_id": BOS, "eos_token_id": EOS})):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
            file.write("\n")
    tensors = {hugging_face_name(name): p.detach().numpy() for name, p in model.named_parameters()}
    safetensors.write(os.path.join(directory, "model.safetensors"), tensors)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--stories", type=int, default=9600)
    parser.add_argument("--batch", type=int, default=8, help="stories per step")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)

    texts = stories.stories(1, args.stories)
    document = tokenizer.to_json(*tokenizer.train(texts, C.vocab_size))
    encode = tokenizer.Encoder(document)

    def rows(texts):
        """[story, token], one story a row; the rest of a row is empty, and no loss is counted there."""
        ids = [[BOS] + encode(text) + [EOS] for text in texts]
        result = torch.full((len(ids), max(map(len, ids))), -1)
        for row, story in zip(result, ids):
            row[:len(story)] = torch.tensor(story)
        return result

    data, held_out = rows(texts), rows(stories.stories(2, 200))
    words = sum(len(text.split()) for text in texts)
    model = Model()
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{words} words, {int((data >= 0).sum())} tokens, {parameters} parameters", flush=True)

    def loss_of(batch):
        batch = batch[:, :int((batch >= 0).sum(1).max())]
        logits = model(batch[:, :-1].clamp(min=0))
        return F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten(), ignore_index=-1)

    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}],
                                  lr=args.rate, betas=(0.9, 0.98))
    start, steps = time.time(), len(data) // args.batch
    for step in range(steps):
        done = step / steps
        rate = args.rate * min((step + 1) / 60, 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = loss_of(data[step * args.batch:(step + 1) * args.batch])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 49:
            print(f"step {step + 1}  {time.time() - start:.0f} s  loss {loss.item():.3f}", flush=True)
    save(model, document, args.output)
    with torch.no_grad():
        loss = sum(loss_of(part).item() for part in held_out.split(8)) / len(held_out.split(8))
    print(f"{steps} steps; held-out loss {loss:.3f} per token, "
          f"perplexity {math.exp(loss):.2f}")


if __name__ == "__main__":
    main()
