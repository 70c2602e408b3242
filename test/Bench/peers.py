#!/usr/bin/env python3
"""Compares Tenon with llama.cpp and its forks on one GGUF file, alternating in one run:

    peers.py MODEL.gguf --tenonc build/bin/tenonc \\
        --peer "ik=path/to/ik/llama-bench -fa 1 -rtr 1" --peer "llama.cpp=path/to/llama-bench -fa 1"
    peers.py MODEL.gguf --tenonc build/bin/tenonc --threads 1 2

The model is compiled for the CPU at hand. Each round runs every contestant once (`PROGRAM bench` and `llama-bench`
measure the same: a prompt of 512 tokens in one batch with the logits of its last token, and generation from an empty
context), in turn forward and backward. Printed are medians of tokens per second over the rounds and the median of the
rounds' ratios of Tenon to each peer. GLIBC_TUNABLES and other variables pass on to the peers (huge pages:
glibc.malloc.hugetlb=1).

`tenon-bench limits` runs in every round as well: generation is also given as weight bytes per second, as a part of what
this machine reads; a prompt as operations of linears per second. Of a mixture, only the experts that a token is sent to
count. Shapes of mixtures: make_gguf.py random olmoe-1b-7b (3.9 GB in Q4_0) and qwen3-30b-a3b, with --layers N fewer.
"""
import argparse
import json
import math
import os
import re
import shlex
import statistics
import sys
import tempfile

from programs import run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Reference"))
import gguf  # noqa: E402


class Tenon:
    name = "tenon"

    def __init__(self, program, options, experts):
        self.program = program
        self.options = options
        info = json.loads(run([program, "info", "--json"]))
        sizes = {weight["name"]: weight["size"] for weight in info["weights"]}
        # Of a mixture's weights, those of the chosen experts.
        count, chosen = experts
        of_experts = {name: size for name, size in sizes.items() if ".expert." in name}
        sizes |= {name: size * chosen // count for name, size in of_experts.items()}
        # A table that only an embedding reads is no matrix of a step.
        if "head" in sizes:
            sizes.pop("embed", None)
        self.bytes_per_token = sum(sizes.values())
        # A prompt's products: all of the layers', and the head's of the last token.
        table = info["model"]["vocab_size"] * info["model"]["hidden_size"]
        self.layer_products = info["model"]["parameters"] - table * (2 if "head" in sizes else 1)
        if of_experts:
            # Layers of several types are weights of their own, "down.q4_k" and "down.q6_k": one matrix of each layer.
            shapes = {}
            for weight in info["weights"]:
                if weight["name"] in of_experts:
                    name, kind = weight["name"], re.search(r"block<(\w+)>", weight["type"])
                    shapes[name.removesuffix("." + kind[1]) if kind else name] = [
                        int(size) for size in re.findall(r"(\d+)x", weight["type"].split("!")[0])]
            numbers = info["model"]["layers"] * count * sum(math.prod(shape) for shape in shapes.values())
            self.layer_products -= numbers * (count - chosen) // count
        self.head_products = table

    def prompt_operations(self, tokens):
        return 2 * (tokens * self.layer_products + self.head_products)

    def measure(self, threads, prompt, generation):
        result = json.loads(run([self.program, "bench", "--json", "--threads", str(threads), "--repetitions", "1",
                                 "--prompt-tokens", str(prompt), "--gen-tokens", str(generation), *self.options]))
        return {kind: result[kind]["tokens_per_second"] for kind in ("prompt", "generation")}


class LlamaBench:
    def __init__(self, text, model):
        self.name, _, command = text.partition("=")
        self.command = shlex.split(command)
        self.model = model

    def measure(self, threads, prompt, generation):
        output = run([*self.command, "-m", self.model, "-t", str(threads), "-r", "1", "-p", str(prompt), "-n",
                      str(generation), "-o", "json"])
        rates = {}
        # Some versions print other lines around the list.
        for test in json.loads(output[output.index("["):output.rindex("]") + 1]):
            rates["prompt" if test["n_prompt"] else "generation"] = test["avg_ts"]
        return rates


def read_experts(model):
    """How many experts a GGUF file has in a layer, and how many of them a token is sent to; 1, 1 without."""
    keys = gguf.read_metadata(model)
    name = keys["general.architecture"]
    return keys.get(f"{name}.expert_count") or 1, keys.get(f"{name}.expert_used_count") or 1


def read_limits(bench, threads):
    """Bytes read, and products of bytes, per second."""
    text = run([bench, "limits", "--threads", str(threads), "--repetitions", "3"])
    numbers = dict(re.findall(r"(int8|read) ([0-9.]+)", text))
    return {"read": float(numbers["read"]) * 1e9, "int8": float(numbers["int8"]) * 1e9}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a GGUF file")
    parser.add_argument("--tenonc", required=True, help="the compiler; tenon-bench is beside it")
    parser.add_argument("--program", help="the model, compiled already")
    parser.add_argument("--option", action="append", default=[], help="for the compiled program, e.g. --weights-memory=map")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=LLAMA_BENCH [OPTIONS]")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompt-tokens", type=int, default=512)
    parser.add_argument("--gen-tokens", type=int, default=128)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as directory:
        program = options.program or os.path.join(directory, "model")
        if not options.program:
            run([options.tenonc, options.model, "-o", program])
        tenon = Tenon(program, options.option, read_experts(options.model))
        contestants = [tenon] + [LlamaBench(peer, options.model) for peer in options.peer]
        bench = os.path.join(os.path.dirname(options.tenonc), "tenon-bench")
        report = []
        for threads in options.threads:
            rounds = []
            for number in range(options.rounds):
                order = contestants if number % 2 == 0 else contestants[::-1]
                rates = {each.name: each.measure(threads, options.prompt_tokens, options.gen_tokens) for each in order}
                rates["limits"] = read_limits(bench, threads)
                rounds.append(rates)
            entry = {"threads": threads, "rounds": rounds, "contestants": {}}
            for each in contestants:
                entry["contestants"][each.name] = {
                    kind: {
                        "tokens_per_second": statistics.median(r[each.name][kind] for r in rounds),
                        "tenon_over_it": statistics.median(r[tenon.name][kind] / r[each.name][kind] for r in rounds),
                    } for kind in ("prompt", "generation")
                }
            entry["generation_of_read"] = statistics.median(
                r[tenon.name]["generation"] * tenon.bytes_per_token / r["limits"]["read"] for r in rounds)
            entry["prompt_of_int8"] = statistics.median(
                r[tenon.name]["prompt"] / options.prompt_tokens * tenon.prompt_operations(options.prompt_tokens)
                / r["limits"]["int8"] for r in rounds)
            report.append(entry)

    if options.json:
        print(json.dumps(report))
        return
    for entry in report:
        print(f"{os.path.basename(options.model)}, {entry['threads']} thread(s), {options.rounds} rounds")
        for name, kinds in entry["contestants"].items():
            cells = [f"{kind} {value['tokens_per_second']:9.2f} tokens/s"
                     + (f" (tenon {value['tenon_over_it']:.3f} x)" if name != tenon.name else "")
                     for kind, value in kinds.items()]
            print(f"  {name:12} " + "   ".join(cells))
        print(f"  generation reads weights at {100 * entry['generation_of_read']:.1f} % of the read limit; the prompt's linears "
              f"alone are {100 * entry['prompt_of_int8']:.1f} % of the int8 limit")


main()
