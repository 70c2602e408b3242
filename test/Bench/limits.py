"""Compares what `tenon-bench limits --json` (stdin) says with what a core can do in a cycle of its clock.

No x86 core starts more than two multiplications of vectors in a cycle. A limit above that was not computed: LLVM folded
its loop. One far below would be no limit.
"""

import json
import sys

[bits, vnni] = map(int, sys.argv[1:])
[entry] = json.load(sys.stdin)["benchmarks"]
lanes, clock = bits // 32, entry["limit_clock"]
# Operations of an instruction: a multiplication and an addition for each product; of 8 bits without VNNI half as many.
most = {"fma": 2 * lanes, "bf16": 4 * lanes, "int8": (8 if vnni else 4) * lanes}
most |= {name: 8 * lanes for name in ("int6", "int5", "int4")}
failed = 0
for name, operations in most.items():
    rate = entry["limit_" + name]
    if rate == 0:
        continue
    cycles = 2 * operations * clock / rate
    good = 0.85 < cycles < 8  # the clock moves between two measurements, and others use the machine
    failed += not good
    print(f"{name}: {cycles:.2f} cycles for two instructions{'' if good else ', which cannot be'}")
if vnni == 0 and not 0 < entry["limit_int8"] < entry["limit_int4"]:
    failed += 1
    print("weights of 4 bits are no faster than those of 8")
print(f"{failed} failed")
