"""The variants of the instruction set that the matrix covers, and entry points compiled for one of them.

Every case is an entry point of the runtime's ABI in a module that goes through the compiler's own passes from
operations in buffer form to LLVM; clang makes a shared object of it. Those of AArch64 run under qemu.
"""

import ctypes
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Inputs"))
import emulator  # noqa: E402

def middle_end():
    """LLVM's passes over kernels, as the compiler's source has them. A pass of its own, of kernels that learn, is not here."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../../lib/Target/CodeGen.cpp")
    with open(source, encoding="utf-8") as file:
        text = re.search(r"kernelPipeline =(.*?);", file.read(), re.S)[1]
    return "".join(re.findall(r'"([^"]*)"', text)).replace("tenon-unroll-sums,", "")


@dataclass(frozen=True)
class Variant:
    bits: int
    registers: int
    march: str
    needs: str  # as in /proc/cpuinfo
    fma: bool = True
    avx512: bool = False
    bf16_dot: bool = False
    vnni: bool = False
    ssse3: bool = True
    prefetch_distance: int = 0
    # Of AArch64: LLVM's names of what there is besides NEON, and the CPU that is emulated.
    extensions: tuple = None
    qemu_cpu: str = ""

    def opt_target(self):
        """The same for opt, which has other names for it: x86-64-v4 -mavx512vnni, and armv8.2-a+dotprod."""
        if self.extensions is not None:
            return ["-mtriple=aarch64-linux-gnu", "-mattr=" + ",".join("+" + name for name in self.extensions)]
        cpu, *features = self.march.split()
        return ["-mtriple=x86_64-linux-gnu", "-mcpu=" + cpu, "-mattr=" + ",".join("+" + name[2:] for name in features)]

    def attribute(self):
        if self.extensions is not None:
            names = ", ".join(f'"{name}"' for name in ("fp-armv8", "neon", *self.extensions))
            return ('#tenon.target<cpu = "", features = "", vector_bits = 128, registers = 32, '
                    "l1 = 32768, l2 = 1048576, l3 = 33554432, "
                    f'triple = "aarch64-unknown-linux-gnu", extensions = [{names}]>')
        names = ["ssse3"] * self.ssse3 + ["avx", "avx2"] * (self.bits > 128) + ["fma"] * self.fma
        names += ["avx512f", "avx512bw", "avx512dq", "avx512vl"] * self.avx512
        names += ["avx512vnni" if self.avx512 else "avxvnni"] * self.vnni + ["avx512bf16"] * self.bf16_dot
        names = ", ".join(f'"{name}"' for name in names)
        return (f'#tenon.target<cpu = "", features = "", vector_bits = {self.bits}, registers = {self.registers}, '
                f"l1 = 32768, l2 = 1048576, l3 = 33554432, "
                f"tuning = <prefetch_distance = {self.prefetch_distance}>, extensions = [{names}]>")


VARIANTS = {
    "avx512-vnni": Variant(512, 32, "x86-64-v4 -mavx512vnni -mavx512bf16", "avx512f avx512bw avx512_vnni avx512_bf16",
                           avx512=True, bf16_dot=True, vnni=True, prefetch_distance=3072),
    "avx512": Variant(512, 32, "x86-64-v4", "avx512f avx512bw avx512vl avx512dq", avx512=True),
    "avx2-vnni": Variant(256, 16, "x86-64-v3 -mavxvnni", "avx2 fma f16c avx_vnni", vnni=True),
    "avx2": Variant(256, 16, "x86-64-v3", "avx2 fma f16c"),
    "sse42": Variant(128, 16, "x86-64-v2", "sse4_2 ssse3", fma=False),
    "sse2": Variant(128, 16, "x86-64", "sse2", fma=False, ssse3=False),
    "neon": Variant(128, 32, "armv8-a", "", extensions=(), qemu_cpu="cortex-a72"),
    "dotprod": Variant(128, 32, "armv8.2-a+dotprod", "", extensions=("dotprod",), qemu_cpu="neoverse-n1"),
    "i8mm": Variant(128, 32, "armv8.2-a+dotprod+i8mm+bf16", "", extensions=("dotprod", "i8mm", "bf16"), qemu_cpu="max"),
}


def missing(variant):
    """What this machine's CPU lacks for the variant."""
    with open("/proc/cpuinfo") as file:
        flags = next((line for line in file if line.startswith("flags")), "").split(":")[-1].split()
    return sorted(set(variant.needs.split()) - set(flags))


class Frame(ctypes.Structure):
    _fields_ = [("weights", ctypes.c_void_p), ("arena", ctypes.c_void_p), ("cache", ctypes.c_void_p),
                ("buffers", ctypes.c_void_p), ("T", ctypes.c_int64), ("position", ctypes.c_int64),
                ("rows", ctypes.c_int64)]


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr[-4000:]}")


class Module:
    """Entry points for one variant."""

    def __init__(self, variant, entries):
        self.lanes = variant.bits // 32
        self.emulator = None
        is_emulated = variant.extensions is not None
        with tempfile.TemporaryDirectory(prefix="tenon-matrix-") as place:
            base = os.path.join(place, "m")
            with open(base + ".mlir", "w") as file:
                file.write(f"module attributes {{tenon.target = {variant.attribute()}}} {{\n")
                file.write("\n".join(entries) + "\n}\n")
            run(["tenon-opt", base + ".mlir", "--tenon-select-tiles", "--tenon-micro-pipeline",
                 "--tenon-kernel-pipeline", "--tenon-llvm-pipeline", "--verify-each=0", "--emit-bytecode", "-o", base + ".mlirbc"])
            run(["mlir-translate", "--mlir-to-llvmir", "--allow-unregistered-dialect", base + ".mlirbc", "-o",
                 base + ".ll"])
            run(["opt", "-passes=" + middle_end(), *variant.opt_target(), base + ".ll", "-o", base + ".bc"])
            width = [] if is_emulated else ["-mprefer-vector-width=512"]
            run([*(emulator.CLANG if is_emulated else ["clang"]), "-O1", "-Xclang", "-disable-llvm-passes", "-w",
                 *("-march=" + variant.march).split(), *width, "-shared", "-fPIC", base + ".bc", "-o", base + ".so", "-lm"])
            if is_emulated:
                # Its files are open by then.
                self.emulator = emulator.Emulator(base + ".so", place, variant.qemu_cpu)
            else:
                self.library = ctypes.CDLL(base + ".so")

    def call(self, name, weights, buffers, tokens=1, position=0, rows=0):
        """Arrays are passed by address. `weights` is what the entry's %weights points to."""
        if self.emulator:
            put = self.emulator.put
            places = np.array([put(b) for b in buffers] or [0], np.int64)
            frame = np.array([put(weights) if weights is not None else 0, 0, 0, put(places), tokens, position, rows], np.int64)
            self.emulator.call("tenon_entry_" + name, frame)
            return
        pointers = (ctypes.c_void_p * max(len(buffers), 1))(*[b.ctypes.data for b in buffers])
        frame = Frame(weights.ctypes.data if weights is not None else None, None, None, ctypes.addressof(pointers),
                      tokens, position, rows)
        getattr(self.library, "tenon_entry_" + name)(ctypes.byref(frame))


def aligned(array):
    """A copy at an address that is a multiple of 64."""
    block = np.zeros(array.nbytes + 64 + 8192, np.uint8)  # kernels may ask for weights a little past the end
    start = -block.ctypes.data % 64
    copy = block[start:start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def entry(name, weights, buffers, body):
    """`weights` is the bytes of %weights, `buffers` (name, type) pairs."""
    arguments = ", ".join(f"%{n}: {t}" for n, t in buffers)
    return (f"func.func @{name}(%weights: memref<{weights}xi8>, %arena: memref<1xi8>, %cache: memref<1xi8>, {arguments}, "
            f"%T: index, %position: index, %rows: index) attributes {{tenon.entry}} {{\n{body}\n  return\n}}")
