"""The shapes and types that linear kernels are tested on, and their packing."""

from dataclasses import dataclass, field
import math

import numpy as np

from kernel_harness import from_bf16, to_bf16

PANEL = 32


@dataclass
class Case:
    """One linear: n rows of the weight (both halves if gated), k its depth."""
    n: int
    k: int
    weight: str = "f32"
    input: str = "f32"
    output: str = "f32"
    activation: str = "identity"
    gated: bool = False
    bias: bool = False
    residual: bool = False
    padding: int = 0

    @property
    def pairs(self):
        return 2 if self.input == "bf16" and self.weight == "bf16" else 1

    @property
    def columns(self):
        return self.n // 2 if self.gated else self.n

    @property
    def panels(self):
        return -(-self.columns // (PANEL // 2 if self.gated else PANEL))

    @property
    def packed_shape(self):
        return (self.panels, -(-self.k // self.pairs), PANEL, self.pairs)

    @property
    def name(self):
        flags = "g" * self.gated + "b" * self.bias + "r" * self.residual
        return f"l_{self.n}_{self.k}_{self.weight}_{self.input}_{self.output}_{self.activation}_{flags}_{self.padding}"


CASES = [
    Case(32, 64), Case(1, 1), Case(31, 3, bias=True), Case(33, 17, residual=True), Case(7, 40),
    Case(160, 20), Case(129, 29, bias=True, activation="gelu", residual=True), Case(16, 5), Case(17, 4),
    Case(97, 13, padding=3, activation="gelu_tanh", bias=True),
    Case(48, 24, activation="silu", gated=True), Case(86, 19, activation="silu", gated=True, residual=True),
    Case(16, 9, activation="gelu", gated=True, bias=True), Case(130, 7, activation="relu", gated=True),
    Case(64, 12, weight="bf16"), Case(45, 11, weight="f16", residual=True), Case(70, 6, weight="f16", output="bf16"),
    Case(64, 32, weight="bf16", input="bf16"), Case(37, 15, weight="bf16", input="bf16", residual=True, bias=True),
    Case(1, 1, weight="bf16", input="bf16"), Case(144, 21, weight="bf16", input="bf16", output="bf16", padding=1),
    Case(60, 33, weight="bf16", input="bf16", gated=True, activation="silu", output="bf16"),
]


def activate(kind, x):
    erf = np.vectorize(math.erf)
    return {
        "identity": lambda: x,
        "silu": lambda: x / (1 + np.exp(-x)),
        "gelu": lambda: x / 2 * (1 + erf(x / np.sqrt(2))),
        "gelu_tanh": lambda: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
        "relu": lambda: np.maximum(x, 0),
    }[kind]()


def pack(case, w):
    """Panels [P][K/k][n][k] of w [N, K], zero padded, and the weights that they hold, in f64."""
    k = case.pairs
    depth = case.packed_shape[1] * k
    halves = np.split(w, 2) if case.gated else [w]
    width = PANEL // len(halves)
    panels = np.zeros((case.panels, len(halves), width, depth), np.float32)
    for i, half in enumerate(halves):
        padded = np.zeros((case.panels * width, depth), np.float32)
        padded[:len(half), :case.k] = half
        panels[:, i] = padded.reshape(case.panels, width, depth)
    panels = panels.reshape(case.panels, PANEL, depth // k, k).transpose(0, 2, 1, 3)
    if case.weight == "bf16":
        return np.ascontiguousarray(to_bf16(panels)), from_bf16(to_bf16(w)).astype(np.float64)
    if case.weight == "f16":
        return np.ascontiguousarray(panels.astype(np.float16)), w.astype(np.float16).astype(np.float64)
    return np.ascontiguousarray(panels), w.astype(np.float64)
