"""Compiles functions on memrefs of static shape and calls them on NumPy arrays.

Tests of kernel conversions compare what these compute with naive code. Only
tenon-opt's conversions under test are Tenon's; the rest of the road is MLIR's
and LLVM's own tools (tenon-opt, mlir-translate, clang), found on PATH.
"""

import ctypes
import os
import re
import subprocess
import tempfile

import numpy as np

import emulator

TARGETS = {
    # vector bits, registers, fma, avx512, bf16 dot, clang's CPU or, of AArch64, architecture
    "avx512": (512, 32, True, True, True, "znver5"),
    "avx512-nobf16": (512, 32, True, True, False, "x86-64-v4"),
    "avx2": (256, 16, True, False, False, "x86-64-v3"),
    "sse": (128, 16, False, False, False, "x86-64-v2"),
    "neon": (128, 32, True, False, False, "armv8-a"),
    "dotprod": (128, 32, True, False, False, "armv8.2-a+dotprod"),
    "i8mm": (128, 32, True, False, False, "armv8.2-a+dotprod+i8mm+bf16"),
}
# Of AArch64, LLVM's names of what there is besides NEON.
EXTENSIONS = {"neon": [], "dotprod": ["dotprod"], "i8mm": ["dotprod", "i8mm", "bf16"]}
INSTRUCTIONS = ["--tenon-micro-to-x86", "--tenon-micro-to-arm", "--tenon-micro-to-vector"]

LOWERING = [
    "--canonicalize", "--cse",
    "--convert-vector-to-scf=full-unroll=true", "--lower-affine",
    "--convert-scf-to-cf", "--expand-strided-metadata", "--lower-affine",
    "--convert-vector-to-llvm=enable-x86vector=true", "--convert-math-to-llvm",
    "--finalize-memref-to-llvm",
    "--convert-func-to-llvm=use-bare-ptr-memref-call-conv=true",
    "--convert-arith-to-llvm", "--convert-index-to-llvm",
    "--convert-cf-to-llvm", "--convert-ub-to-llvm",
    "--reconcile-unrealized-casts",
]


def supported(target):
    """True if this machine's CPU runs code for the target, or emulates it."""
    if target in EXTENSIONS:
        return True
    needs = {"avx512": {"avx512f", "avx512_bf16"}, "avx512-nobf16": {"avx512f", "avx512bw", "avx512vl"},
             "avx2": {"avx2", "fma"}, "sse": {"sse4_2"}}[target]
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("flags"):
                return needs <= set(line.split(":")[1].split())
    return False


def target_attribute(target):
    bits, registers, fma, avx512, dot, cpu = TARGETS[target]
    if target in EXTENSIONS:
        names = ", ".join(f'"{name}"' for name in ["fp-armv8", "neon", *EXTENSIONS[target]])
        return ('#tenon.target<cpu = "generic", features = "", vector_bits = 128, registers = 32, '
                "l1 = 32768, l2 = 524288, l3 = 4194304, "
                f'triple = "aarch64-unknown-linux-gnu", extensions = [{names}]>')
    names = ["ssse3"] + ["avx", "avx2"] * (bits > 128) + ["fma"] * fma
    names += ["avx512f", "avx512bw", "avx512dq", "avx512vl"] * avx512 + ["avx512vnni", "avx512bf16"] * dot
    names = ", ".join(f'"{name}"' for name in names)
    return (f'#tenon.target<cpu = "{cpu}", features = "", vector_bits = {bits}, registers = {registers}, '
            f"l1 = 49152, l2 = 1048576, l3 = 33554432, extensions = [{names}]>")


def memref(shape, element):
    return "memref<" + "".join(f"{n}x" for n in shape) + element + ">"


class Module:
    """The functions of one MLIR module, compiled for one target."""

    def __init__(self, functions, target, passes, keep=None):
        text = f"module attributes {{tenon.target = {target_attribute(target)}}} {{\n"
        text += "\n".join(functions) + "\n}\n"
        directory = keep or tempfile.mkdtemp(prefix="tenon-kernels-")
        base = os.path.join(directory, "m")
        with open(base + ".mlir", "w") as f:
            f.write(text)
        self._run(["tenon-opt", base + ".mlir", *passes, *LOWERING, "-o", base + ".llvm.mlir"])
        # mlir-translate knows no tenon attributes; they have done their work.
        with open(base + ".llvm.mlir") as f:
            lowered = re.sub("tenon.target = #tenon.target<[^>]*>", "", f.read(), count=1)
        with open(base + ".llvm.mlir", "w") as f:
            f.write(lowered)
        self._run(["mlir-translate", "--mlir-to-llvmir", base + ".llvm.mlir", "-o", base + ".ll"])
        if target in EXTENSIONS:
            self._run([*emulator.CLANG, "-O2", "-w", f"-march={TARGETS[target][5]}", "-shared", "-fPIC", base + ".ll",
                       "-o", base + ".so", "-lm"])
            self.emulator = emulator.Emulator(base + ".so", directory)
            return
        self.emulator = None
        self._run(["clang", "-O2", "-w", f"-march={TARGETS[target][5]}", "-mprefer-vector-width=512", "-shared",
                   "-fPIC", base + ".ll", "-o", base + ".so", "-lm"])
        self.library = ctypes.CDLL(base + ".so")

    @staticmethod
    def _run(command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr[-4000:]}")

    def call(self, name, *arguments):
        """Arrays are passed by pointer, ints as 64-bit indices."""
        if self.emulator:
            self.emulator.call(name, *arguments)
            return
        converted = [a.ctypes.data_as(ctypes.c_void_p) if isinstance(a, np.ndarray) else ctypes.c_int64(a)
                     for a in arguments]
        function = getattr(self.library, name)
        function.restype = None
        function(*converted)


def to_bf16(x):
    """Rounds f32 to bf16 (nearest even), as uint16."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(u):
    return (u.astype(np.uint32) << 16).view(np.float32)


class Report:
    """Counts comparisons and ends with a line `N passed, N failed`."""

    def __init__(self):
        self.passed = self.failed = 0

    def close(self, name, actual, expected, atol, rtol=0.0):
        actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
        same_nan = np.isnan(actual) == np.isnan(expected)
        error = np.abs(actual - expected)
        bad = (~same_nan) | (np.nan_to_num(error, nan=0.0, posinf=np.inf) > atol + rtol * np.abs(expected))
        bad &= ~((actual == expected))
        if bad.any():
            where = np.unravel_index(np.argmax(bad), bad.shape)
            print(f"FAIL {name}: {bad.sum()} of {bad.size} wrong; at {where}: {actual[where]}, expected {expected[where]}")
            self.failed += 1
        else:
            self.passed += 1

    def equal(self, name, actual, expected):
        if np.array_equal(actual, expected):
            self.passed += 1
        else:
            print(f"FAIL {name}: not bitwise equal")
            self.failed += 1

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        raise SystemExit(1 if self.failed else 0)
