"""What a bad input gets: runs a program on each and checks all that is promised of it.

A case ends with its exit code, says one thing on standard error that matches (place, what was found), writes no
output, takes no more than SECONDS of a CPU, and no more memory than the program takes for nothing, and 64 MiB, and twice
the input.
"""

import os
import re
import shutil
import subprocess
import sys
import time

SECONDS = 20
PATIENCE = 120  # s: other tests run on the same CPUs


class Bad:
    def __init__(self, directory):
        self.directory = directory
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        self.count = 0
        self.wrong = []
        self.least = self.run(["tenonc", "--version"])[3]

    def run(self, command, input=b"", limit=None):
        """Exit code, standard output, standard error, peak KiB, seconds of a CPU."""
        start = time.monotonic()
        out, err = (open(os.path.join(self.directory, name), "w+b") for name in ("stdout", "stderr"))
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=err, preexec_fn=limit)
        try:
            process.stdin.write(input)
            process.stdin.close()
        except BrokenPipeError:
            pass
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - start > PATIENCE:
                process.kill()
                os.wait4(process.pid, 0)
                return "no end", b"", b"", 0, PATIENCE
            time.sleep(0.002)
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read())
            file.close()
        return process.returncode, texts[0], texts[1], usage.ru_maxrss, usage.ru_utime + usage.ru_stime

    def write(self, name, content):
        path = os.path.join(self.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return path

    def check(self, what, command, pattern, code=1, size=0, output=None, input=b"", limit=None, memory=True):
        """`pattern`: what the first error matches. `size`: of the input, in bytes."""
        self.count += 1
        found, _, err, peak, seconds = self.run(command, input, limit)
        text = err.decode(errors="replace")
        faults = []
        if found != code:
            faults.append(f"exit {found} instead of {code}")
        if seconds > SECONDS:
            faults.append(f"{seconds:.0f} seconds")
        if not re.search(pattern, text):
            faults.append(f"nothing matches {pattern!r}")
        if code and not re.match(r"([^\n]*: )?error: ", text):
            faults.append("the first line is no error")
        if len(text) > 20000:
            faults.append(f"{len(text)} characters of message")
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
            faults.append("control characters")
        if output and os.path.exists(output):
            faults.append("an output is there")
            os.remove(output)
        bound = self.least + (64 << 10) + 2 * size // 1024
        if memory and peak > bound:
            faults.append(f"{peak >> 10} MiB of {bound >> 10} MiB")
        if faults:
            self.wrong.append(f"{what}: {', '.join(faults)}: {text[:400]!r}")

    def compile(self, what, path, pattern, *options, **rest):
        """A model that tenonc must refuse. `path`: a file or directory."""
        output = os.path.join(self.directory, "output")
        if os.path.isdir(path):
            size = sum(os.path.getsize(os.path.join(path, name)) for name in os.listdir(path))
        else:
            size = os.path.getsize(path)
        self.check(what, ["tenonc", path, "-o", output, *options], pattern, size=size, output=output, **rest)

    def finish(self):
        for line in self.wrong:
            print(line)
        print(f"{self.count} bad inputs, {len(self.wrong)} treated wrongly")
        sys.exit(1 if self.wrong or not self.count else 0)
