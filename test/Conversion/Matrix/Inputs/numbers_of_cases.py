"""What the cases of the matrix share: conversions, errors, the count of cases."""

import math

import numpy as np

# The C library's: numpy's own vectors give NaN for most numbers on the emulated Haswell (qemu 7.2).
tanh = np.vectorize(math.tanh, otypes=[np.float64])


def to_bf16(x):
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(u):
    return (u.astype(np.uint32) << 16).view(np.float32)


def memref(*shape_and_element):
    return "memref<" + "x".join(map(str, shape_and_element)) + ">"


def error(actual, expected):
    """Normalized mean-square error; infinite for what is no number."""
    actual = np.asarray(actual, np.float64)
    if not np.isfinite(actual).all():
        return math.inf
    difference, size = np.square(actual - expected).sum(), np.square(expected).sum()
    return difference / size if size else (0.0 if difference == 0 else math.inf)


class Report:
    def __init__(self):
        self.cases = self.failed = 0
        self.worst = {}

    def case(self, name, problems):
        self.cases += 1
        if problems:
            self.failed += 1
            if self.failed <= 40:
                print(f"FAIL {name}: {'; '.join(problems)}")

    def bound(self, what, value, limit):
        """Problems of an error, none or one."""
        self.worst[what] = max(self.worst.get(what, 0), value)
        return [] if value <= limit else [f"{what}: error {value:.2e} above {limit:.0e}"]
