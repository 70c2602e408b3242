#!/usr/bin/env python3
"""Compares a training step of Tenon with PyTorch's eager one on GPT-2's architecture, alternating in one run:

    training.py --tenonc build/bin/tenonc --python "chroot DEBIAN python3" --batch 4 --lengths 64 256
    training.py --tenonc build/bin/tenonc --layers 2 --hidden 128 --vocab 1000      # a small shape, Tenon alone

--python is a command that runs Python with PyTorch 2. Both train in f32 with AdamW on random tokens, from random numbers:
PyTorch with its fused attention and its fused AdamW, all sequences of a step together. Each round runs both once for each
length. Printed are medians of the processor's seconds for a step (with one thread the wall clock of a quiet machine), tokens
a second of them, the median of the rounds' ratios, and the most memory that each process had.
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import tempfile

from programs import run

# Reads its options from the first argument, prints seconds of every step and the peak of memory in bytes as JSON.
PEER = '''
import json, resource, sys, time
import torch
from torch import nn
from torch.nn import functional as F
o = json.loads(sys.argv[1])
torch.set_num_threads(o["threads"])
torch.manual_seed(1)
C, H = o["hidden"], o["heads"]

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(C), nn.LayerNorm(C)
        self.qkv, self.out = nn.Linear(C, 3 * C), nn.Linear(C, C)
        self.up, self.down = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)

    def forward(self, x):
        B, T, _ = x.shape
        q, k, v = (y.view(B, T, H, C // H).transpose(1, 2) for y in self.qkv(self.n1(x)).split(C, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(B, T, C))
        return x + self.down(F.gelu(self.up(self.n2(x)), approximate="tanh"))

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(o["vocab"], C), nn.Embedding(o["context"], C)
        self.blocks, self.norm = nn.ModuleList(Block() for _ in range(o["layers"])), nn.LayerNorm(C)

    def forward(self, ids):
        x = self.words(ids) + self.places.weight[:ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.words.weight.T

model = Model()
adamw = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)
ids = torch.randint(o["vocab"], (o["batch"], o["length"] + 1))
seconds = []
for step in range(o["repetitions"] + 1):
    start = time.process_time()
    logits = model(ids[:, :-1])
    F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()).backward()
    adamw.step()
    adamw.zero_grad()
    seconds.append(time.process_time() - start)
print(json.dumps({"seconds": seconds[1:], "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
'''


def compile_shape(options, directory):
    """A checkpoint's configuration alone: weights are random numbers."""
    config = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "activation_function": "gelu_new", "n_embd": options.hidden,
              "n_head": options.heads, "n_layer": options.layers, "n_positions": options.context, "n_ctx": options.context,
              "vocab_size": options.vocab, "layer_norm_epsilon": 1e-5, "bos_token_id": 0, "eos_token_id": 0, "torch_dtype": "float32"}
    with open(os.path.join(directory, "config.json"), "w") as file:
        json.dump(config, file)
    program = os.path.join(directory, "trainer")
    run([options.tenonc, directory, "--random-weights=1", "--train", "-o", program])
    return program


def tenon(options, program, length):
    return json.loads(run([program, "bench", "--train", "--json", "--threads", str(options.threads), "--batch", str(options.batch),
                           "--length", str(length), "--repetitions", str(options.repetitions)]))


def peer(options, length):
    values = {name: getattr(options, name) for name in ("hidden", "heads", "layers", "vocab", "context", "batch", "threads", "repetitions")}
    result = subprocess.run([*shlex.split(options.python), "-c", PEER, json.dumps(values | {"length": length})],
                            stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(result.stdout.splitlines()[-1])  # libraries may have said something before


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenonc", required=True)
    parser.add_argument("--python", help="a command that runs Python with PyTorch; without it Tenon is measured alone")
    for name, default in (("hidden", 768), ("heads", 12), ("layers", 12), ("vocab", 50257), ("context", 1024), ("batch", 4),
                          ("threads", 1), ("rounds", 3), ("repetitions", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 256])
    options = parser.parse_args()
    contestants = {"Tenon": lambda length: tenon(options, program, length)}
    if options.python:
        contestants["PyTorch"] = lambda length: peer(options, length)
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        program = compile_shape(options, directory)
        for round_number in range(options.rounds):
            for length in options.lengths:
                for name in list(contestants)[::-1 if round_number % 2 else 1]:
                    found.setdefault((length, name), []).append(contestants[name](length))
    step = lambda result: statistics.median(result.get("processor_seconds", result["seconds"]))
    print(f"{'':16} {'seconds/step':>13} {'tokens/second':>14} {'peak memory':>12}")
    for (length, name), results in found.items():
        seconds = statistics.median(map(step, results))
        memory = max(result["peak_memory"] for result in results)
        print(f"{name:8} {options.batch} x {length:<4} {seconds:12.3f} {options.batch * length / seconds:14.1f} {memory / 2**20:8.0f} MiB")
    for length in options.lengths if options.python else ():
        pairs = list(zip(found[length, "Tenon"], found[length, "PyTorch"]))
        print(f"{options.batch} x {length}: {statistics.median(step(b) / step(a) for a, b in pairs):.2f} times PyTorch's tokens a second, "
              f"{statistics.median(a['peak_memory'] / b['peak_memory'] for a, b in pairs):.2f} times its memory")


if __name__ == "__main__":
    main()
