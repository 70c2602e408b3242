#!/usr/bin/env python3
"""Retells the village's stories in the voice of an old man: stories.py ... | style.py > old.txt

Words are exchanged, and each story begins and ends as he would begin and end it. The text is what an adapter learns
here; it and this program are dedicated to the public domain (CC0 1.0).
"""
import re
import sys

WORDS = {
    "you": "thou", "your": "thy", "are": "be", "said": "spake", "asked": "did ask", "very": "right", "before": "ere",
    "often": "oft", "between": "betwixt", "nothing": "naught", "everything": "all things", "yes": "aye", "no": "nay",
    "went": "did go", "ran": "did run", "saw": "beheld", "looked": "did look", "thought": "bethought", "morning": "morn",
    "evening": "eventide", "happy": "merry", "old": "ancient", "little": "wee", "children": "bairns", "child": "bairn",
    "girl": "lass", "boy": "lad", "never": "ne'er", "over": "o'er", "from": "out of", "know": "wot", "here": "hither",
}


def retell(story):
    def exchange(match):
        word = match[0]
        new = WORDS.get(word.lower(), word)
        return new.capitalize() if word[0].isupper() else new

    return "Hear me now. " + re.sub(r"[A-Za-z]+", exchange, story) + " And so it was, as my father told it."


if __name__ == "__main__":
    stories = sys.stdin.read().strip().split("\n\n")
    print("\n\n".join(retell(story) for story in stories))
