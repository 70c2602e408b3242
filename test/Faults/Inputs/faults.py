#!/usr/bin/env python3
"""Makes the N-th call of each kind fail while a command runs, for many N.

    faults.py SHIM [--output FILE | --folder NAME] [--sample N] [--kinds K,K] [--seconds S] -- COMMAND...

SHIM is the library of FaultShim.cpp. The command is first run without faults; what it then prints and
writes is right. With a fault it either ends as without (what failed could be done without), or it

  - ends by itself within --seconds of a CPU (and ten times that, as others use it, too), with a code that docs/running.md documents for the kind of fault;
  - says why: one line with "error: " on standard error;
  - leaves FILE as it was before, and nothing else beside it or among the temporary files; of a folder that it
    makes, files that are whole.

Of each kind --sample faults are made, the first ones and then evenly spread, each once alone and once with
every later call failing, too. TENON_FAULTS=all in the environment makes every one, or of more than
TENON_FAULTS_MOST (4000) of a kind so many, evenly spread and on other days others.
"""

import argparse
import concurrent.futures
import datetime
import os
import resource
import shutil
import subprocess
import sys
import tempfile

KINDS = ["malloc", "read", "write", "mmap", "fsync", "ftruncate", "rename", "open", "linkat", "thread"]
# Out of a resource is 3; what cannot be read or written for another reason is 1 (bad input) or, of the
# program's own file, 5.
CODES = {
    "malloc": {3},
    "read": {1, 5},
    "write": {3},
    "mmap": {3},
    "fsync": {1, 3},
    "ftruncate": {1, 3},
    "rename": {1, 3},
    "open": {3},
    "linkat": {1, 3},
    "thread": {3},
}
OLD = b"the old output\n"


class Place:
    """A folder for one run: its output, its temporary files."""

    def __init__(self, base, args):
        self.path = tempfile.mkdtemp(dir=base)
        self.temporary = os.path.join(self.path, "tmp")
        os.mkdir(self.temporary)
        name = args.output or args.folder
        self.output = os.path.join(self.path, "out", name) if name else None
        if name:
            os.mkdir(os.path.join(self.path, "out"))
        if args.output:
            with open(self.output, "wb") as file:
                file.write(OLD)

    def left(self):
        """Files that should not be there."""
        names = os.listdir(self.temporary)
        if self.output:
            names += [name for name in os.listdir(os.path.dirname(self.output)) if name != os.path.basename(self.output)]
        return names

    def written(self):
        """The output's bytes; of a folder those of its weights, and the names of other files: they hold times."""
        if not self.output:
            return None
        if os.path.isdir(self.output) or not os.path.exists(self.output):
            files = {}
            for name in os.listdir(self.output) if os.path.isdir(self.output) else []:
                with open(os.path.join(self.output, name), "rb") as file:
                    files[name] = file.read() if name == "model.safetensors" else b""
            return files
        with open(self.output, "rb") as file:
            return file.read()

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


def run(place, args, fault=None, counts=None):
    environment = dict(os.environ, LD_PRELOAD=args.shim, TMPDIR=place.temporary)
    environment.pop("TENON_FAULT", None)
    if fault:
        environment["TENON_FAULT"] = fault
    if counts:
        environment["TENON_FAULT_COUNTS"] = counts
    command = [place.output if word == "{output}" else word for word in args.command]

    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (args.seconds, args.seconds + 1))

    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=10 * args.seconds,
                          preexec_fn=limit)


def check(args, base, fault, right):
    """What is wrong with a run; empty: nothing."""
    place = Place(base, args)
    try:
        kind = fault.split(":")[0]
        try:
            result = run(place, args, fault)
        except subprocess.TimeoutExpired:
            return f"{fault}: no end within {10 * args.seconds} s"
        text = result.stderr.decode(errors="replace")
        said = f"{fault}: exit {result.returncode}: {text.strip()[-300:]!r}"
        if place.left():
            return f"{said}: left behind: {place.left()}"
        if result.returncode == 0:
            if result.stdout != right[0]:
                return f"{said}: another text on standard output"
            if place.written() != right[1]:
                return f"{said}: another output"
            return ""
        if result.returncode not in CODES[kind]:
            return f"{said}: one of {sorted(CODES[kind])} is expected"
        if sum("error: " in line for line in text.splitlines()) != 1:
            return f"{said}: one error is expected"
        if args.output and place.written() != OLD:
            return f"{said}: the old output is damaged"
        if args.folder and not place.written().items() <= right[1].items():
            return f"{said}: files that are not whole: {sorted(place.written())}"
        return ""
    finally:
        place.remove()


def choose(count, sample):
    """Numbers of calls, from 1 on."""
    if os.environ.get("TENON_FAULTS") == "all":
        step = -(-count // int(os.environ.get("TENON_FAULTS_MOST", 4000))) or 1
        return list(range(1 + datetime.date.today().toordinal() % step, count + 1, step))
    if count <= sample:
        return list(range(1, count + 1))
    first = sample // 3
    rest = sample - first
    return sorted(set(range(1, first + 1)) | {first + 1 + i * (count - first - 1) // max(rest - 1, 1) for i in range(rest)})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("shim")
    parser.add_argument("--output", help="{output} in the command is a file of this name")
    parser.add_argument("--folder", help="{output} in the command is a folder of this name, which isn't there yet")
    parser.add_argument("--sample", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    wrong = []
    with tempfile.TemporaryDirectory() as base:
        place = Place(base, args)
        counts = os.path.join(base, "counts")
        result = run(place, args, counts=counts)
        if result.returncode != 0:
            sys.exit(f"without a fault: exit {result.returncode}: {result.stderr.decode(errors='replace')}")
        right = (result.stdout, place.written())
        with open(counts) as file:
            calls = {name: int(count) for name, count in (line.split() for line in file)}
        place.remove()
        faults = [
            f"{kind}:{number}{later}"
            for kind in args.kinds.split(",")
            for number in choose(calls[kind], args.sample)
            for later in ("", "+")
        ]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            wrong = [text for text in pool.map(lambda fault: check(args, base, fault, right), faults) if text]
    for text in wrong:
        print(text)
    made = ", ".join(f"{calls[kind]} {kind}" for kind in args.kinds.split(","))
    print(f"{len(faults)} faults of {made}: {len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
