#!/usr/bin/env python3
"""Sentences with numbers in words, and the same with digits.

  numbers.py --seed S --pairs N        pairs as JSON lines, of six numbers of each seven below 1,000
  numbers.py ... --held-out            pairs of the seventh: no other sentence has such a number
  numbers.py ... --ask PROGRAM         how many of the pairs a program answers as they are, with four beams
  numbers.py --tokenizer               the tokenizer.json for them: a piece a word, a piece a digit
"""
import argparse
import json
import random
import subprocess

ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen").split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
THINGS = "sheep geese apples loaves stones boats letters candles barrels bells lanterns steps".split()
SENTENCES = ["we counted {n} {t} on the hill", "{n} {t} were left when the rain came", "the miller sold {n} {t} to the smith",
             "she wrote that there were {n} {t} in the barn", "nobody had seen {n} {t} before", "of {n} {t} they kept {m}",
             "first came {n} {t} and then {m} more", "the old man asked for {n} {t} and got {m}"]


def in_words(n):
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS[n // 10 - 2] + ("" if n % 10 == 0 else " " + ONES[n % 10])
    return ONES[n // 100] + " hundred" + ("" if n % 100 == 0 else " and " + in_words(n % 100))


def pairs(seed, count, held_out):
    rng = random.Random(seed)
    numbers = [n for n in range(1000) if (n % 7 == 3) == held_out]
    for _ in range(count):
        sentence, n, m, thing = rng.choice(SENTENCES), rng.choice(numbers), rng.choice(numbers), rng.choice(THINGS)
        yield {"source": sentence.format(n=in_words(n), m=in_words(m), t=thing),
               "target": sentence.format(n=n, m=m, t=thing)}


def tokenizer():
    words = sorted({word for text in SENTENCES for word in text.split() if "{" not in word} | set(THINGS) | set(ONES) | set(TENS)
                   | {"hundred"})
    special = ["<pad>", "</s>", "<unk>"]
    pieces = [[s, 0.0] for s in special] + [["▁" + w, -2.0] for w in words]
    pieces += [["▁" + str(d), -2.0] for d in range(10)] + [[str(d), -2.0] for d in range(10)]
    end = [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}]
    space = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": i, "content": s, "single_word": False, "lstrip": False, "rstrip": False,
                              "normalized": False, "special": True} for i, s in enumerate(special)],
            "normalizer": None, "pre_tokenizer": space,
            "post_processor": {"type": "TemplateProcessing", "single": end,
                               "pair": end + [{"Sequence": {"id": "B", "type_id": 0}}, end[1]],
                               "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}},
            "decoder": space, "model": {"type": "Unigram", "unk_id": 2, "vocab": pieces, "byte_fallback": False}}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--ask")
    parser.add_argument("--tokenizer", action="store_true")
    options = parser.parse_args()
    if options.tokenizer:
        print(json.dumps(tokenizer(), ensure_ascii=False, indent=1))
    elif options.ask:
        right = 0
        for pair in pairs(options.seed, options.pairs, options.held_out):
            said = subprocess.run([options.ask, "generate", "--beams", "4", "-n", "40", pair["source"]], capture_output=True,
                                  text=True, check=True).stdout.strip()
            right += said == pair["target"]
        print(f"{right} of {options.pairs} right")
    else:
        for pair in pairs(options.seed, options.pairs, options.held_out):
            print(json.dumps(pair))
