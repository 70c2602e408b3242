#!/usr/bin/env python3
"""Writes texts for training-texts.test and compares what a trainer makes of them: training_texts.py DIR

DIR has a program `trainer` of the village model, whose template writes "[ROLE] CONTENT</s>" for each message.
"""
import json
import os
import subprocess
import sys

place = sys.argv[1]
trainer = os.path.join(place, "trainer")
BOS, EOS = 1, 2


def path(name):
    return os.path.join(place, name)


def write(name, text):
    with open(path(name), "w", encoding="utf-8") as file:
        file.write(text)


def tokenize(text, *flags):
    shown = subprocess.run([trainer, "tokenize", "--ids", *flags, text], check=True, capture_output=True, text=True).stdout
    return [int(token) for token in shown.split(",") if token.strip()]


def sequences(name, *flags):
    command = [trainer, "sequences", "--data", path(name), *flags]
    return [json.loads(line) for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()]


def expect(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: {found} is not {expected}")


stories = ["Ida ran home.", "Leo looked at the old mill by the river.\nHe was happy.", "It was winter.", "A dog slept.",
           "Rosa sang.", "The wind was cold.", "Nils woke up early."]
write("stories.txt", stories[0] + "\n\n" + stories[1] + "\n \t\n\n\n" + "\n\n".join(stories[2:]) + "\n")
whole = [[*tokenize(story), EOS] for story in stories]
expect("texts", [line["tokens"] for line in sequences("stories.txt", "--shuffle", "off")], whole)
expect("all is learned", sequences("stories.txt", "--shuffle", "off")[0]["learned"], [0] + [1] * (len(whole[0]) - 1))

# Where the end is spelled out, blank lines are part of a text.
write("marked.txt", "Ida ran home.\n\nIt was winter.\n</s>\nA dog slept.</s>")
expect("marked", [line["tokens"] for line in sequences("marked.txt", "--shuffle", "off")],
       [[*tokenize("Ida ran home.\n\nIt was winter."), EOS], [*tokenize("A dog slept."), EOS]])

# A text of more tokens than a sequence, in pieces.
pieces = [line["tokens"] for line in sequences("stories.txt", "--length", "8", "--long-texts", "split", "--shuffle", "off")]
expect("pieces", sum(pieces, []), sum((text[:len(text) - (len(text) % 8 == 1)] for text in whole), []))

# Every epoch has each text once, in an order of its own that a seed chooses.
orders = [[line["sequence"] for line in sequences("stories.txt", *flags)]
          for flags in ([], ["--epoch", "2"], ["--seed", "2"], ["--shuffle", "on"])]
for order in orders:
    expect("an order", sorted(order), list(range(len(stories))))
expect("the same order", orders[0], orders[3])
expect("different orders", len({tuple(order) for order in orders}), 3)

write("pairs.jsonl", "".join(json.dumps(line) + "\n" for line in (
    {"prompt": "Who ran home?", "completion": " Ida ran."}, {"text": "It was winter."}, "Rosa sang.")))
pairs = sequences("pairs.jsonl", "--shuffle", "off")
asked, both = tokenize("Who ran home?"), [*tokenize("Who ran home? Ida ran."), EOS]
expect("prompt and completion", pairs[0]["tokens"], both)
expect("the answer is learned", pairs[0]["learned"], [0] * len(asked) + [1] * (len(both) - len(asked)))
expect("a text", pairs[1]["tokens"], [*tokenize("It was winter."), EOS])
expect("a string", pairs[2]["tokens"], [*tokenize("Rosa sang."), EOS])

said = [("user", "Who ran?"), ("assistant", "Ida."), ("user", "Where </s>?"), ("assistant", "Home.")]
write("chat.jsonl", json.dumps({"messages": [{"role": role, "content": text} for role, text in said]}) + "\n")
chat = sequences("chat.jsonl")[0]


def decode(tokens):
    ids = ",".join(str(token) for token in tokens)
    return subprocess.run([trainer, "tokenize", "--decode", ids], check=True, capture_output=True, text=True).stdout


learned = [token for token, wanted in zip(chat["tokens"], chat["learned"]) if wanted]
expect("what the assistant says", decode(learned).split(), ["Ida.", "Home."])
expect("both answers end", [token for token in learned if token == EOS], [EOS, EOS])
expect("what users write is text", sum(token == EOS for token in chat["tokens"]), 4)

write("empty.txt", "")
write("blank.jsonl", "\n  \n")
write("bad.jsonl", '"Rosa sang."\n{"text": }\n')
write("number.jsonl", '"Rosa sang."\n7\n')
write("stories.csv", "Rosa sang.")
