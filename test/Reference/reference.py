#!/usr/bin/env python3
"""An independent evaluation of a Hugging Face model directory, to compare compiled programs with.

  reference.py logits DIR --tokens 1,2,3 --output x.npy       [T, vocabulary]; of an encoder, the masked-LM head's
  reference.py embed DIR --tokens 1,2,3 --output x.npy        [T, hidden]; --pooling cls|mean|pooler gives [1, hidden]
  reference.py generate DIR -p TEXT -n 200                    greedy, after BOS; prints the text
  reference.py compare A.npy B.npy --atol 1e-4 --top1         exit 1 when they differ; B is the reference
"""
import argparse
import json
import os
import sys

import numpy as np

import models
import pieces
import tensors


def load(directory, dtype):
    with open(os.path.join(directory, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    return models.FAMILIES[config["model_type"]](config, tensors.read_directory(directory), dtype)


def numbers(text):
    return np.array([int(part) for part in text.split(",")])


def encode(model, args):
    valid = None if args.valid is None else np.arange(len(args.tokens)) < args.valid
    return model.hidden(args.tokens, args.token_types, valid)


def logits(args):
    model = load(args.model, args.dtype)
    result = model.masked_lm(encode(model, args)) if isinstance(model, models.Bert) else model.logits(args.tokens)
    np.save(args.output, result.astype(np.float32))


def embed(args):
    model = load(args.model, args.dtype)
    hidden = encode(model, args)
    count = args.valid or len(hidden)
    pool = {"none": lambda: hidden, "cls": lambda: hidden[:1], "mean": lambda: hidden[:count].mean(0, keepdims=True),
            "pooler": lambda: model.pooled(hidden)}
    np.save(args.output, pool[args.pooling]().astype(np.float32))


def generate(args):
    model = load(args.model, args.dtype)
    vocabulary = pieces.Pieces(os.path.join(args.model, "tokenizer.json"))
    bos, eos = model.config["bos_token_id"], model.config["eos_token_id"]
    tokens, new, cache, narrowest = [bos] + vocabulary.encode(args.prompt), [], model.new_cache(), np.inf
    row = model.logits(np.array(tokens), cache)[-1]
    while len(new) < args.n:
        best = int(row.argmax())
        second, first = np.partition(row, -2)[-2:]
        narrowest = min(narrowest, first - second)
        if best == eos and not args.ignore_eos:
            break
        new.append(best)
        if len(new) < args.n:
            row = model.logits(np.array([best]), cache)[-1]
    if args.stats:
        print(f"{len(new)} tokens after {len(tokens)}, narrowest choice {narrowest:.5f}", file=sys.stderr)
    if args.show_tokens:
        print(",".join(map(str, new)))
    else:
        sys.stdout.write(vocabulary.decode(tokens + new) + "\n")


def compare(args):
    got, want = np.load(args.got), np.load(args.want)
    if got.dtype != np.float32 or got.shape != want.shape:
        sys.exit(f"{args.got}: {got.dtype}{list(got.shape)}, but {args.want}: {want.dtype}{list(want.shape)}")
    if not np.isfinite(got).all():
        sys.exit(f"{args.got}: not finite in {np.count_nonzero(~np.isfinite(got))} of {got.size} values")
    if args.equal:
        differing = np.count_nonzero(got.view(np.uint32) != want.view(np.uint32))
        print(f"{got.size} values, {differing} differ in their bits")
        sys.exit(1 if differing else 0)
    a, b = got.astype(np.float64), want.astype(np.float64)
    worst = np.abs(a - b).max()
    failed = [f"largest difference {worst:.3g} > {args.atol:g}"] if args.atol is not None and worst > args.atol else []
    text = f"largest difference {worst:.3g} (values up to {np.abs(b).max():.3g})"
    if args.top1:
        # Where the reference's two best are closer than the allowed error, either may come first.
        best, ours = b.argmax(-1), a.argmax(-1)
        gap = np.take_along_axis(b, best[:, None], -1) - np.take_along_axis(b, ours[:, None], -1)
        wrong = int((gap[:, 0] > 2 * (args.atol or 0)).sum())
        text += f", top-1 same in {int((best == ours).sum())} of {len(best)} rows"
        failed += [f"top-1 wrong in {wrong} rows"] if wrong else []
    if args.kl is not None:
        p, q = models.softmax(b), models.softmax(a)
        kl = (p * (np.log(p) - np.log(q))).sum(-1).max()
        text += f", largest KL divergence of a row {kl:.3g}"
        failed += [f"KL {kl:.3g} > {args.kl:g}"] if kl > args.kl else []
    print(text)
    if failed:
        sys.exit("differs: " + "; ".join(failed))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def command(function, **kwargs):
        sub = commands.add_parser(function.__name__, **kwargs)
        sub.set_defaults(run=function)
        return sub

    for function in (logits, embed, generate):
        sub = command(function)
        sub.add_argument("model")
        sub.add_argument("--float64", dest="dtype", action="store_const", const=np.float64, default=np.float32)
        if function is generate:
            sub.add_argument("-p", "--prompt", default="")
            sub.add_argument("-n", type=int, default=200)
            sub.add_argument("--ignore-eos", action="store_true")
            sub.add_argument("--stats", action="store_true", help="how close the two best tokens ever were, to stderr")
            sub.add_argument("--show-tokens", action="store_true")
            continue
        sub.add_argument("--tokens", type=numbers, required=True)
        sub.add_argument("--token-types", type=numbers)
        sub.add_argument("--valid", type=int, help="number of tokens that aren't padding")
        sub.add_argument("--output", required=True)
        if function is embed:
            sub.add_argument("--pooling", choices=("none", "cls", "mean", "pooler"), default="none")

    sub = command(compare)
    sub.add_argument("got")
    sub.add_argument("want")
    sub.add_argument("--atol", type=float)
    sub.add_argument("--top1", action="store_true")
    sub.add_argument("--kl", type=float, help="bound of the Kullback-Leibler divergence of every row's distribution")
    sub.add_argument("--equal", action="store_true", help="the same bits")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
