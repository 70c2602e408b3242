#!/usr/bin/env python3
"""Byte-pair encoding in SentencePiece's manner: trains a vocabulary and writes a Hugging Face tokenizer.json.

    tokenizer.py stories.txt --vocabulary 1024 -o tokenizer.json

A space becomes "▁" at the front of the word that follows; a character outside the vocabulary becomes its UTF-8
bytes, <0x00> to <0xFF>. Merges never cross a word or touch punctuation and letters at once, so that encoding
the whole text (as tokenizer.json prescribes, without a pre-tokenizer) gives the same pieces as encoding words.
"""
import argparse
import collections
import json
import re

SPECIAL = ["<unk>", "<s>", "</s>"]
WORD = re.compile(r"▁?[A-Za-z]+|▁?[^A-Za-z▁\n]|▁")


def mark_spaces(text):
    return "▁" + text.replace(" ", "▁")


def train(texts, vocabulary):
    """Returns (pieces in the order of their ids, merges in the order of their rank)."""
    words = collections.Counter()
    for text in texts:
        words.update(WORD.findall(mark_spaces(text)))
    words = [[list(word), count] for word, count in sorted(words.items())]
    letters = collections.Counter()
    for word, count in words:
        for letter in word:
            letters[letter] += count
    letters = [letter for letter, _ in sorted(letters.items(), key=lambda item: (-item[1], item[0]))]
    pieces = SPECIAL + [f"<0x{byte:02X}>" for byte in range(256)]
    merges = []
    known = set(letters)
    while len(pieces) + len(known) < vocabulary:
        pairs = collections.Counter()
        for word, count in words:
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        if not pairs:
            break
        # The most frequent pair; the alphabet breaks ties, so that the result is the same everywhere.
        pair = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(pair)
        known.add(pair[0] + pair[1])
        for entry in words:
            word, i = entry[0], 0
            while i + 1 < len(word):
                if word[i] == pair[0] and word[i + 1] == pair[1]:
                    word[i:i + 2] = [pair[0] + pair[1]]
                i += 1
    merged = list(dict.fromkeys(a + b for a, b in merges))
    return pieces + merged + letters, merges


def to_json(pieces, merges):
    special = [{"id": i, "content": piece, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                "special": True} for i, piece in enumerate(SPECIAL)]
    template = {"type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                         {"SpecialToken": {"id": "<s>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
            "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
            "pre_tokenizer": None, "post_processor": template,
            "decoder": {"type": "Sequence", "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                      "vocab": {piece: i for i, piece in enumerate(pieces)}, "merges": [list(pair) for pair in merges]}}


class Encoder:
    """Encodes training text; words repeat, so each is encoded once."""

    def __init__(self, document):
        self.ids = document["model"]["vocab"]
        self.ranks = {tuple(pair): rank for rank, pair in enumerate(document["model"]["merges"])}
        self.cache = {}

    def word(self, word):
        if word not in self.cache:
            parts = list(word)
            while len(parts) > 1:
                rank, i = min((self.ranks.get(pair, 1 << 30), i) for i, pair in enumerate(zip(parts, parts[1:])))
                if rank == 1 << 30:
                    break
                parts[i:i + 2] = [parts[i] + parts[i + 1]]
            ids = []
            for part in parts:
                if part in self.ids:
                    ids.append(self.ids[part])
                else:
                    ids += [self.ids[f"<0x{byte:02X}>"] for byte in part.encode()]
            self.cache[word] = ids
        return self.cache[word]

    def __call__(self, text):
        ids = []
        for word in re.findall(WORD.pattern + r"|\n", mark_spaces(text)):
            ids += self.word(word)
        return ids


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("text")
    parser.add_argument("--vocabulary", type=int, default=1024)
    parser.add_argument("-o", "--output", required=True)
    args = parser.parse_args()
    with open(args.text, encoding="utf-8") as file:
        document = to_json(*train(file.read().split("\n\n"), args.vocabulary))
    with open(args.output, "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=1)
        file.write("\n")
    print(f"{len(document['model']['vocab'])} pieces, {len(document['model']['merges'])} merges")
