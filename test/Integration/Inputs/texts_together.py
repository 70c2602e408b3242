"""Texts that are computed in one call are what each is alone, byte for byte, whatever the number of threads:

  texts_together.py PROGRAM [MORE...]      programs of encoders with the command embed (and, of the first, fill-mask)
"""
import subprocess
import sys
import tempfile

import numpy as np

WORDS = "the rest is in stand and of to a that it was for on are with".split()


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


random = np.random.default_rng(5)
# As long as the context of 128 tokens, as a block of keys and one more, and short ones; several calls' worth.
texts = [" ".join(random.choice(WORDS, count)) for count in (3, 1, 126, 7, 20, 60, 60, 2, 15, 16, 17, 33, 9, 1)]
for place, program in enumerate(sys.argv[1:]):
    with tempfile.TemporaryDirectory() as directory:
        lines, out = directory + "/lines.txt", directory + "/x.npy"
        with open(lines, "w") as file:
            file.write("".join(text + "\n" for text in texts))
        alone = []
        for text in texts:
            run(program, "embed", "--truncate", text, "-o", out)
            alone.append(np.load(out))
        for threads in "1", "3":
            run(program, "embed", "--truncate", "-f", lines, "-o", out, "--threads", threads)
            if not np.array_equal(np.load(out), np.concatenate(alone)):
                sys.exit(f"{program}: other bits together than alone, {threads} threads")
        if place == 0:
            masked = ["[MASK] " + text for text in texts[3:8]]
            with open(lines, "w") as file:
                file.write("".join(text + "\n" for text in masked))
            together = run(program, "fill-mask", "--truncate", "-f", lines, "--json").splitlines()
            if len(together) != len(masked):
                sys.exit(f"fill-mask: {len(together)} lines of {len(masked)} texts")
            for text, line in zip(masked, together):
                with open(lines, "w") as file:
                    file.write(text + "\n")
                if run(program, "fill-mask", "--truncate", "-f", lines, "--json") != line + "\n":
                    sys.exit(f"fill-mask: another answer together than alone for {text!r}")
