"""Calls functions of AArch64 shared objects under qemu-aarch64, on NumPy arrays.

A small program (caller.c) runs there for as long as its Emulator lives. Both see one file as memory; a call is a line of
its standard input: a symbol and 64-bit integers.
"""

import mmap
import os
import subprocess

import numpy as np

SYSROOT = os.environ.get("TENON_AARCH64_SYSROOT", "")
CLANG = ["clang", "--target=aarch64-linux-gnu", f"--sysroot={SYSROOT}", "-fuse-ld=lld"]
SIZE = 64 << 20


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr[-4000:]}")


class Emulator:
    """A shared object in a process of its own. Files go into `directory`."""

    def __init__(self, library, directory, cpu="max"):
        caller, memory = os.path.join(directory, "caller"), os.path.join(directory, "memory")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "caller.c")
        run([*CLANG, "-O1", source, "-o", caller])
        with open(memory, "wb") as file:
            file.truncate(SIZE)
        with open(memory, "r+b") as file:
            self.memory = np.frombuffer(mmap.mmap(file.fileno(), SIZE), np.uint8)
        self.process = subprocess.Popen(
            ["qemu-aarch64", "-cpu", cpu, "-L", SYSROOT, caller, library, memory, str(SIZE)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.base = int(self.process.stdout.readline())
        self.arrays, self.used = [], 0

    def __del__(self):
        self.process.stdin.close()
        self.process.wait()

    def put(self, array):
        """The address that a copy of an array has there during the next call, which writes back what becomes of it."""
        start = self.used
        self.used += -(-array.nbytes // 64) * 64 + 64
        assert self.used <= SIZE, "the emulator's memory is full"
        self.memory[start:start + array.nbytes] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        self.arrays.append((start, array))
        return self.base + start

    def call(self, symbol, *arguments):
        """Arrays by address, integers as they are."""
        values = [self.put(a) if isinstance(a, np.ndarray) else int(a) for a in arguments]
        print(symbol, len(values), *values, file=self.process.stdin, flush=True)
        if self.process.stdout.readline().strip() != "done":
            raise SystemExit(f"{symbol}: the emulated program ended with {self.process.wait()}")
        for start, array in self.arrays:
            if array.flags.writeable:
                array[...] = self.memory[start:start + array.nbytes].view(array.dtype).reshape(array.shape)
        self.arrays, self.used = [], 0
