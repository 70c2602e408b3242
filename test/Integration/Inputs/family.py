#!/usr/bin/env python3
"""Compiles checkpoints that Hugging Face Transformers wrote and compares with what it computed.

  family.py FOLDER [--tenonc PATH]

FOLDER is one of %shared/families: a checkpoint, expected.json with inputs and what followed, and the outputs as
.npy files. Outputs agree within 2e-4 times the largest magnitude, at least 1 (both sides compute in float32); greedy
continuations and beams are equal. Prints what was compared; the exit code is 1 if something differs.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

TOLERANCE = 2e-4


class Differs(Exception):
    pass


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    if done.returncode:
        raise Differs(f"{' '.join(command[1:4])} … exits with {done.returncode}: {done.stderr.strip()}")
    return done


def ids(tokens):
    return ",".join(map(str, tokens))


class Family:
    def __init__(self, folder, executable, scratch):
        self.folder, self.executable, self.scratch = folder, executable, scratch
        with open(os.path.join(folder, "expected.json")) as file:
            self.expected = json.load(file)
        with open(os.path.join(folder, "config.json")) as file:
            self.config = json.load(file)

    def has(self, name):
        return os.path.exists(os.path.join(self.folder, name))

    def compare(self, name, arguments):
        """What a command writes against NAME.npy."""
        path = os.path.join(self.scratch, "output.npy")
        run([self.executable, *arguments, "--output", path])
        found, wanted = np.load(path), np.load(os.path.join(self.folder, name + ".npy"))
        if found.size != wanted.size:
            raise Differs(f"{name}: shape {found.shape}, expected {wanted.shape}")
        found = found.reshape(wanted.shape)
        error, limit = np.abs(found - wanted).max(), TOLERANCE * max(1.0, np.abs(wanted).max())
        if not error <= limit:
            raise Differs(f"{name}: differs by {error:.3g}, at most {limit:.3g} is allowed")
        print(f"{name}: {wanted.shape}, within {error:.1e}")

    def generate(self, arguments):
        """The sequences that a command prints."""
        command = [self.executable, "generate", *arguments, "--temperature", "0", "--print-tokens"]
        return [[int(token) for token in line.split()] for line in run(command).stdout.splitlines()]

    def equal(self, name, found, wanted):
        if found != wanted:
            raise Differs(f"{name}: {found}, expected {wanted}")
        print(f"{name}: equal")

    def holds_beams(self):
        return "--beams" in run([self.executable, "generate", "--help"]).stdout

    def decoder(self):
        expected = self.expected
        self.compare("logits", ["logits", "--tokens", ids(expected["tokens"])])
        prompt = ["--tokens", ids(expected["greedy_prompt"])]
        (greedy,) = self.generate([*prompt, "-n", "16"])
        # Transformers was to write 16 tokens, past the end of the text, with the next best token in its place.
        if len(greedy) < 16 and greedy[-1] in self.ends():
            del greedy[-1]
        self.equal("greedy", greedy, expected["greedy"][: len(greedy)])
        if self.holds_beams():
            beams = [*prompt, "-n", "10", "--beams", "4", "--length-penalty", "1"]
            self.equal("beams", [self.generate(beams)[0][:10]], [expected["beam4"]])
        else:
            print("beams: not there yet")

    def ends(self):
        ends = self.config.get("eos_token_id")
        return ends if isinstance(ends, list) else [ends]

    def unpadded(self, sequence):
        """Without the start token and the padding at the end."""
        sequence, pad = sequence[1:], self.config.get("pad_token_id")
        while sequence and sequence[-1] == pad:
            sequence = sequence[:-1]
        return sequence

    def encoder_decoder(self):
        expected, options = self.expected, self.expected["beam_options"]
        source = ["--source-tokens", ids(expected["source"])]
        self.compare("logits", ["logits", *source, "--tokens", ids(expected["target"])])
        length = ["-n", str(options["max_new_tokens"])]
        self.equal("greedy", self.generate([*source, *length]), [self.unpadded(expected["greedy"])])
        beams = ["--beams", str(options["num_beams"]), "--length-penalty", str(options["length_penalty"])]
        if options["early_stopping"]:
            beams.append("--early-stopping")
        beams += ["--n-best", str(len(expected["beam4"]))]
        self.equal("beams", self.generate([*source, *length, *beams]), [self.unpadded(s) for s in expected["beam4"]])

    def encoder(self):
        self.compare("output", ["run", "--tokens", ids(self.expected["tokens"])])
        # A text alone is what it was beside a longer one, padded.
        self.compare("output_short", ["run", "--tokens", ids(self.expected["tokens_short"])])
        if self.has("pooled.npy"):
            self.compare("pooled", ["run", "pooled", "--tokens", ids(self.expected["tokens"])])

    def compare_all(self):
        if "source" in self.expected:
            self.encoder_decoder()
        elif "greedy" in self.expected:
            self.decoder()
        elif self.has("embedding.npy"):
            self.compare("embedding", ["embed", "--tokens", ids(self.expected["tokens"])])
        elif self.has("pixels.npy"):
            self.compare("output", ["run", "--input", f"pixels={self.folder}/pixels.npy"])
        elif self.has("features.npy"):
            features = f"features={self.folder}/features.npy"
            self.compare("logits", ["run", "--input", features, "--tokens", ids(self.expected["target"])])
        else:
            self.encoder()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--tenonc", default="tenonc")
    parser.add_argument("options", nargs="*", help="more options of tenonc, after --")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        executable = os.path.join(scratch, "model")
        try:
            run([arguments.tenonc, arguments.folder, "--no-tokenizer", "-o", executable, *arguments.options])
            Family(arguments.folder, executable, scratch).compare_all()
        except Differs as difference:
            sys.exit(f"{os.path.basename(os.path.normpath(arguments.folder))}: {difference}")


if __name__ == "__main__":
    main()
