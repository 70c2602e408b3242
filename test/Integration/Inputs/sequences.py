"""sequences.py TOGETHER ALONE: whether `TOGETHER generate --prompts` prints what ALONE prints for each prompt."""
import os
import subprocess
import sys
import tempfile

# More prompts than places, of different lengths; a blank line is none.
PROMPTS = ["Once there was", "One day, a girl went down to the river with a lamp and", "The dog", "Many years ago",
           "It was a cold morning"]


def run(*command):
    return subprocess.run(command, check=True, capture_output=True).stdout


together, alone = sys.argv[1:]
alike = 0
with tempfile.TemporaryDirectory() as place:
    path = os.path.join(place, "prompts")
    with open(path, "w") as file:
        file.write("\n\n".join(PROMPTS) + "\n")
    for options in (["--temperature", "0", "-n", "24"],
                    ["--seed", "7", "--temperature", "1.5", "--top-k", "0", "--top-p", "1", "--min-p", "0", "-n", "40"]):
        for threads in ("1", "2"):
            shared = ["generate", "--threads", threads, *options]
            wanted = b"".join(run(alone, *shared, "-p", prompt) for prompt in PROMPTS)
            for sequences in ("1", "2", "3"):
                got = run(together, *shared, "--prompts", path, "--sequences", sequences)
                if got != wanted:
                    sys.exit(f"{options} with {threads} threads, {sequences} together:\n{got!r}\nalone:\n{wanted!r}")
                alike += 1
print(alike, "runs alike")
