#!/usr/bin/env python3
"""differential.py NODE_MODULES [PATTERNS]: generated patterns and texts against Hugging Face's own library.

    npm install tokenizers@0.23.2
    python3 differential.py node_modules 300       # needs tenonc on PATH, and node

Each pattern is the Split of a byte-level tokenizer; the ids of texts must be equal, and what one side refuses the
other must refuse too (Tenon may refuse more, saying so). Not a part of the tests: the library is not installed there.
"""
import json
import os
import random
import subprocess
import sys
import tempfile

ORACLE = """
const { Tokenizer } = require(process.argv[1] + "/tokenizers");
const lines = require("readline").createInterface({ input: process.stdin });
(async () => { for await (const line of lines) {
  const q = JSON.parse(line);
  let out;
  try {
    const t = Tokenizer.fromFile(q.file);
    out = [];
    for (const text of q.texts) out.push((await t.encode(text, null, { addSpecialTokens: false })).getIds());
  } catch (e) { out = null; }
  console.log(JSON.stringify(out));
} })();
"""

CHARACTERS = list("abcABsSßkKé漢い1²٣ _-'.,!$+&]") + list("\n\r\t\u0301\u093f\u200d\u180e\u00a0🙂ﬁς")
LITERALS = list("abcABsSßkKé漢い1²_',! &") + ["\\.", "\\$", "\\n", "\\t", "\\x41", "\\u00e9", "\\-", "\\]"]
PROPERTIES = ["L", "Lu", "M", "N", "P", "S", "Letter", "Punct", "Han", "Greek", "Alphabetic", "^L", "Other", "Emoji"]
CLASSES = ["\\w", "\\W", "\\d", "\\D", "\\s", "\\S", "\\h"]
QUANTIFIERS = ["", "", "", "", "*", "+", "?", "*?", "+?", "*+", "++", "{2}", "{1,2}", "{,2}", "{2,}", "{2}?", "{1,2}+"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def brackets(self, depth=0):
        out = self.random.choice(["[", "[", "[^"])
        for _ in range(self.random.randint(1, 4)):
            out += self.random.choice([
                lambda: self.random.choice("abcsßk1漢_!,"), lambda: "a-c", lambda: self.random.choice(CLASSES),
                lambda: "\\p{" + self.random.choice(PROPERTIES) + "}", lambda: "[:alpha:]",
                lambda: self.brackets(depth + 1) if depth < 2 else "b", lambda: "&&"])()
        return out + "]"

    def atom(self, depth):
        kind = self.random.random()
        if kind < 0.4:
            return self.random.choice(LITERALS)
        if kind < 0.55:
            return self.brackets()
        if kind < 0.65:
            return self.random.choice(CLASSES)
        if kind < 0.75:
            return "\\p{" + self.random.choice(PROPERTIES) + "}"
        if kind < 0.85 or depth > 2:
            return self.random.choice([".", "^", "$", "\\b", "\\z", "\\R", "\\X"])
        return self.random.choice(["(", "(?:", "(?i:", "(?>", "(?=", "(?!", "(?<="]) + self.pattern(depth + 1) + ")"

    def pattern(self, depth=0):
        return "|".join("".join(self.atom(depth) + self.random.choice(QUANTIFIERS)
                                for _ in range(self.random.randint(1, 3)))
                        for _ in range(self.random.choice([1, 1, 2])))

    def text(self):
        return "".join(self.random.choice(CHARACTERS) for _ in range(self.random.randint(1, 14)))


def letters():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    spelled = {b: chr(b) for b in printable}
    spelled.update({b: chr(256 + i) for i, b in enumerate(others)})
    return spelled


def tokenizer(pattern):
    spelled = letters()
    # A token for each piece would need a vocabulary: pieces show by what merges inside of them.
    vocab = {spelled[b]: b for b in range(256)}
    merges = []
    for a in "abcs1_ ":
        for b in "abcs1_ ":
            pair = spelled[ord(a)] + spelled[ord(b)]
            vocab[pair] = len(vocab)
            merges.append([spelled[ord(a)], spelled[ord(b)]])
    return {"version": "1.0", "added_tokens": [], "normalizer": {
        "type": "Replace", "pattern": {"Regex": pattern}, "content": "#"}, "pre_tokenizer": {
            "type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
                {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}]},
            "model": {"type": "BPE", "vocab": vocab, "merges": merges}}


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    oracle = subprocess.Popen(["node", "-e", ORACLE, os.path.abspath(sys.argv[1])], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    wrong = refused = 0
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "tokenizer.json")
        for seed in range(count):
            generator = Generator(seed)
            pattern, text = generator.pattern(), generator.text()
            with open(path, "w") as file:
                json.dump(tokenizer(pattern), file)
            oracle.stdin.write((json.dumps({"file": path, "texts": [text]}) + "\n").encode())
            oracle.stdin.flush()
            expected = json.loads(oracle.stdout.readline())
            done = subprocess.run(["tenonc", "tokenize", "--vocabulary", directory, "--no-special"],
                                  input=text.encode(), capture_output=True, check=False)
            if done.returncode:
                refused += 1
                message = done.stderr.decode()
                if expected is not None and "not supported" not in message and "too many" not in message:
                    wrong += 1
                    print(f"{pattern!r}: {message}")
            elif expected is None or [int(x) for x in done.stdout.split()] != expected[0]:
                wrong += 1
                print(f"{pattern!r} on {text!r}: {done.stdout.decode().strip()}, expected {expected}")
    print(f"{count} patterns, {refused} refused, {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
