"""Cycles that AArch64 CPUs take to multiply weights, by llvm-mca's model: cycles.py CPU TYPE=BOUND...

For each type the kernel of one row: the loop with the most products. Prints its cycles for 64 bytes of weights, as they lie
in memory (without their scales), and fails above BOUND. All loads hit the first-level cache in this model: what it tells is
whether arithmetic leaves the limit to reading memory.
"""

import re
import subprocess
import sys

# Bytes of weights that one product of 128 bits multiplies.
BYTES = {"f32": 16, "q8_0": 16, "q4_0": 8}
ITERATIONS = 100


def run(command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr[-4000:]}")
    return done.stdout


def loops(lines):
    """Bodies of innermost loops: from a label to the next branch to it, no other label between."""
    for start, line in enumerate(lines):
        label = re.match(r"(\.LBB\w+):", line)
        if not label:
            continue
        body = []
        for line in lines[start + 1:]:
            if re.match(r"\.LBB\w+:", line):
                break
            body.append(line.split("//")[0].strip())
            if re.match(rf"\s+(b\.\w+|cbn?z|tbn?z)\s.*{re.escape(label[1])}\b", line):
                yield [instruction for instruction in body if instruction and instruction[0] != "."]
                break


def products(body, kind):
    """Of weights: those of quantized ones are of bytes, fmla is that of scales. smull and smull2 multiply half a register."""
    names = [instruction.split()[0] for instruction in body]
    if kind == "f32":
        return names.count("fmla")
    return sum(names.count(name) for name in ("sdot", "usdot")) + sum(names.count(n) for n in ("smull", "smull2")) / 2


def main(cpu, bounds):
    failed = False
    for kind, bound in (bound.split("=") for bound in bounds):
        text = run(["tenon-bench", "linear", "--m", "1", "--n", "4096", "--k", "4096", "--type", kind, "--target",
                    "aarch64-linux-gnu", "--mcpu", cpu, "--emit", "asm"])
        body = max(loops(text.splitlines()), key=lambda body: products(body, kind))
        labels = {line.split()[-1] for line in body if ".LBB" in line}
        analysis = run(["llvm-mca", "-mtriple=aarch64", f"-mcpu={cpu}", f"-iterations={ITERATIONS}"],
                       "\n".join(["".join(f"{label}:\n" for label in labels), *body]))
        cycles = int(re.search(r"Total Cycles:\s+(\d+)", analysis)[1]) / ITERATIONS
        weights = products(body, kind) * BYTES[kind]
        per_line = 64 * cycles / weights
        print(f"{cpu} {kind}: {per_line:.1f} cycles for 64 bytes of weights ({len(body)} instructions, {weights:.0f} bytes)")
        failed |= per_line > float(bound)
    sys.exit(failed)


main(sys.argv[1], sys.argv[2:])
