#!/usr/bin/env python3
"""Texts of four topics, with labels or without.

  topic.py --seed S --texts N                  texts, a line each and an empty one: what an encoder reads first
  topic.py --seed S --texts N --labels         texts and topics as JSON lines, in a quarter of each topic's words
  topic.py ... --labels --held-out             the same in the other words, of which no labelled text has any
  topic.py ... --labels --held-out --ask PROGRAM    how many of the texts a program gives their topic
  topic.py --vocabulary                        the vocab.txt for them: a piece a word
"""
import argparse
import json
import random
import subprocess

TOPICS = {
    "sea": "boat harbour wave anchor sail net fish gull tide rope deck captain island shore storm lighthouse mast oar crab shell "
           "sailor cargo reef pier",
    "field": "plough wheat barn cow horse fence seed hay farmer orchard apple goat sheep hill meadow cart harvest hen mill ditch "
             "corn shepherd well gate",
    "kitchen": "pot knife oven bread soup salt spoon plate cook table butter cake cup honey onion pan kettle flour recipe bowl "
               "stove pepper jug dough",
    "school": "book teacher pupil pencil desk lesson map letter number blackboard chalk bell page word song history question "
              "answer library ink poem exam class ruler"}
WORDS = {topic: words.split() for topic, words in TOPICS.items()}
SENTENCES = ["the {} was near the {}", "she looked at the {} and the {}", "nobody had seen the {} or the {} before",
             "he told us of a {} and a {}", "there was no {} without a {}", "the old {} and the new {} were gone",
             "we talked about the {} and then about the {}"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def texts(seed, count, words):
    """Pairs of a topic and a text of six sentences, in twelve of the topic's words."""
    rng = random.Random(seed)
    for _ in range(count):
        topic = rng.choice(list(words))
        chosen = rng.choices(words[topic], k=12)
        sentences = rng.choices(SENTENCES, k=6)
        yield topic, " . ".join(s.format(a, b) for s, a, b in zip(sentences, chosen[::2], chosen[1::2])) + " ."


def vocabulary():
    words = {word for text in SENTENCES for word in text.split() if word != "{}"}
    return SPECIAL + ["."] + sorted(words.union(*WORDS.values()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--texts", type=int, default=1)
    for flag in ("labels", "held-out", "vocabulary"):
        parser.add_argument("--" + flag, action="store_true")
    parser.add_argument("--ask")
    options = parser.parse_args()
    quarter = {topic: words[:6] for topic, words in WORDS.items()}
    others = {topic: words[6:] for topic, words in WORDS.items()}
    chosen = texts(options.seed, options.texts, (others if options.held_out else quarter) if options.labels else WORDS)
    if options.vocabulary:
        print("\n".join(vocabulary()))
    elif options.ask:
        right = 0
        for topic, text in chosen:
            said = subprocess.run([options.ask, "classify", text], capture_output=True, text=True, check=True).stdout
            right += said.split()[0] == topic
        print(f"{right} of {options.texts} right")
    else:
        for topic, text in chosen:
            print(json.dumps({"text": text, "label": topic}) if options.labels else text + "\n")
