#!/usr/bin/env python3
"""Random programs, compiled and compared with tenon-run, which evaluates what they mean in double precision.

  random_programs.py DIRECTORY --count 30 [--seed N] [--seconds S] [--jobs J]
  random_programs.py DIRECTORY --spec FILE.json           one, as a program that failed left it

Of each program: the compiler verifies its passes; the executable's logits are those of the evaluation, of the description
where nothing is rounded, else of what the passes made of it; and they are the same bits in chunks and token by token. A
program that fails is reduced to what fails still and kept in DIRECTORY. The last line counts. Needs tenonc and tenon-run
on PATH.
"""

import argparse
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import programs  # noqa: E402
import tensors  # noqa: E402

# Of the greatest logit. f32 adds up some hundred roundings; a rounding to 8 bits that falls to the other side is a step of
# 1/127 of one input.
EXACT, ROUNDED = 2e-4, 2e-2


# What roundings of these kinds are, of a number: a program whose results change by more than a bound when its weights change
# as little is no test of it.
STEPS = {"exact": 1e-6, "rounded": 1e-2}
CHANGE = 1e-5


class Fault(Exception):
    def __init__(self, kind, text):
        super().__init__(f"{kind}: {text}")
        self.kind = kind


passes_only = False
fault_to_make = None  # a pass of the compiler after which it makes a mistake, for a test of this script


def run(command, kind):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()[-3:]
        raise Fault(kind if done.returncode > 0 else kind + " crash", f"exit {done.returncode}: " + " | ".join(lines)[:600])
    return done


def write(spec, directory):
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    text, config, weights = programs.build(spec)
    with open(f"{directory}/spec.json", "w") as file:
        json.dump(spec, file, indent=1)
    with open(f"{directory}/random.tenon", "w") as file:
        file.write(text)
    with open(f"{directory}/config.json", "w") as file:
        json.dump(config, file)
    tensors.write_file(f"{directory}/model.safetensors", weights, spec["dtype"])


def compare(got, want, bound, what):
    scale = max(np.abs(want).max(), 1e-6)
    error = np.abs(got - want).max() / scale if got.shape == want.shape else np.inf
    if not error <= bound:
        raise Fault(what, f"error {error:.2e} above {bound:.0e}")
    return error


def draw_tokens(spec):
    """Tokens, and those of a source or None."""
    rng = np.random.default_rng(spec["seed"] + 1)
    ids = lambda n: rng.integers(0, spec["vocab"], n).tolist()
    return ids(spec["tokens"]), ids(spec["tokens"] + 2) if spec["cross"] else None


def tenon_inputs(tokens, source):
    return ["--input", f"tokens={json.dumps(tokens)}"] + (["--input", f"source={json.dumps(source)}"] if source else [])


def is_sensitive(spec, directory):
    """Whether rounding alone may explain an error: weights that are changed a little change the results a lot."""
    plain = dict(spec, dtype="f32")
    write(plain, directory)
    inputs = tenon_inputs(*draw_tokens(spec))
    evaluate = lambda name: run(["tenon-run", f"{directory}/module.mlir", "--weights", directory, *inputs, "--output", f"{directory}/{name}.npy"], "evaluate")
    run(["tenonc", f"{directory}/random.tenon", "--checkpoint", directory, "--no-tokenizer", "--emit=import", "-o", f"{directory}/module.mlir"], "emit")
    evaluate("one")
    _, _, weights = programs.build(plain)
    rng = np.random.default_rng(1)
    for name, values in weights.items():
        weights[name] = (values * (1 + CHANGE * rng.standard_normal(values.shape))).astype(np.float32)
    tensors.write_file(f"{directory}/model.safetensors", weights, "f32")
    evaluate("other")
    one, other = (np.load(f"{directory}/{name}.npy").astype(np.float64) for name in ("one", "other"))
    growth = np.abs(one - other).max() / np.abs(one).max() / CHANGE
    exact = is_exact(spec)
    write(spec, directory)
    return growth * STEPS["exact" if exact else "rounded"] > (EXACT if exact else ROUNDED)


def is_exact(spec):
    """Whether nothing is rounded but results to f32: weights of bf16 round what they are multiplied by on CPUs for that."""
    if spec["dtype"] == "bf16":
        with open("/proc/cpuinfo") as file:
            if "avx512_bf16" in file.read():
                return False
    return not spec["quantize"] and (spec["kind"] == "encoder" or spec["kv_cache"] in ("", "f32"))


def check(spec, directory):
    """Returns the error of the logits, or None where rounding explains what there is; raises a Fault."""
    try:
        return check_all(spec, directory)
    except Fault as fault:
        rounds = fault.kind == "logits" or " changes what @" in str(fault) and "where 1.0e-12" not in str(fault)
        if rounds and is_sensitive(spec, directory):
            return None
        raise


def check_all(spec, directory):
    write(spec, directory)
    tokens, source = draw_tokens(spec)
    description = [f"{directory}/random.tenon", "--checkpoint", directory, "--no-tokenizer", "--quiet"]
    options = [f"--quantize={spec['quantize']}"] if spec["quantize"] else []
    if spec["kind"] != "encoder":
        options += [f"--kv-cache={spec['kv_cache']}"] if spec["kv_cache"] else []
        options += [f"--max-sequences={spec['sequences']}"] if spec["sequences"] > 1 else []
    exact = is_exact(spec)
    exe = f"{directory}/exe"
    mistake = [f"--verify-passes-fault={fault_to_make}"] if fault_to_make else []
    if passes_only:
        run(["tenonc", *description, *options, "--verify-passes", *mistake, "--emit=packed", "-o", f"{directory}/packed.mlir"], "compile")
        return 0.0
    run(["tenonc", *description, *options, "--verify-passes", *mistake, "-O0", "-o", exe], "compile")
    run(["tenonc", *description, *options, f"--emit={'import' if exact else 'packed'}", "-o", f"{directory}/module.mlir"], "emit")
    run(["tenon-run", f"{directory}/module.mlir", "--weights", directory, *tenon_inputs(tokens, source), "--output", f"{directory}/want.npy"], "evaluate")
    comma = lambda values: ",".join(map(str, values))

    def results(name, *more):
        command = ["run"] if spec["kind"] == "encoder" else ["logits"]
        given = ["--tokens", comma(tokens)] + (["--source-tokens", comma(source)] if source else [])
        run([exe, *command, *given, *more, "--output", f"{directory}/{name}.npy"], "program")
        return np.load(f"{directory}/{name}.npy").astype(np.float64)

    got = results("got")
    want = np.load(f"{directory}/want.npy").astype(np.float64)
    error = compare(got.reshape(want.shape) if got.size == want.size else got, want, EXACT if exact else ROUNDED, "logits")
    if spec["kind"] != "encoder":
        for name, more in (("chunks", ["--prefill-chunk", str(spec["chunk"])]), ("decode", ["--decode"])):
            if not np.array_equal(results(name, *more), got):
                raise Fault(f"bits of {name}", "differ from those of the whole prompt")
    return error


def reduce(spec, kind, directory):
    """Plainer features as long as the fault stays: many at a time, then fewer; then smaller numbers."""
    best = dict(spec)

    def fails(changes):
        tried = dict(best, **changes)
        if tried["heads"] % max(tried["groups"], 1):
            tried["groups"] = 1
        try:
            check(tried, directory)
        except Fault as fault:
            return tried if fault.kind == kind else None
        except Exception:
            pass
        return None

    odd = [key for key, plain in programs.PLAIN.items() if best[key] != plain and key not in ("kind", "seed", "cross")]
    size = len(odd)
    while size:
        for at in range(0, len(odd), size):
            best = fails({key: programs.PLAIN[key] for key in odd[at:at + size]}) or best
        odd = [key for key in odd if best[key] != programs.PLAIN[key]]
        size = min(size // 2, len(odd))
    for key in ("layers", "heads", "groups", "tokens", "experts", "ffn_dim", "hidden", "head_dim", "vocab"):
        while best[key] > 1 and (small := fails({key: best[key] // 2})):
            best = small
    return best


def one(task):
    seed, directory = task
    spec = programs.draw(np.random.default_rng(seed))
    place = f"{directory}/{seed}"
    try:
        error = check(spec, place)
    except subprocess.TimeoutExpired as fault:
        return seed, spec, None, "timeout", str(fault)[:200]
    except Fault as fault:
        return seed, spec, None, fault.kind, str(fault)
    shutil.rmtree(place)
    return seed, spec, error, None, None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--spec")
    parser.add_argument("--fault", metavar="PASS", help="let the compiler make a mistake after this pass")
    parser.add_argument("--passes-only", action="store_true", help="no executables: several times as many in a time")
    parser.add_argument("--no-reduce", action="store_true")
    arguments = parser.parse_args()
    global fault_to_make, passes_only
    fault_to_make, passes_only = arguments.fault, arguments.passes_only
    os.makedirs(arguments.directory, exist_ok=True)
    if arguments.spec:
        with open(arguments.spec) as file:
            print(check(json.load(file), f"{arguments.directory}/one"))
        return 0
    end = time.monotonic() + arguments.seconds
    done = failed = sensitive = 0
    worst = 0.0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        tasks = [(arguments.seed + i, arguments.directory) for i in range(arguments.count)]
        started = lambda task: one(task) if time.monotonic() < end else None
        for outcome in pool.map(started, tasks):
            if outcome is None:
                continue
            seed, spec, error, kind, text = outcome
            done += 1
            if done % 100 == 0:
                print(f"{done} programs, {failed} failed", file=sys.stderr, flush=True)
            if kind is None:
                worst = max(worst, error or 0)
                sensitive += error is None
                continue
            failed += 1
            print(f"FAIL seed {seed}: {text}", flush=True)
            if not arguments.no_reduce and kind != "timeout":
                small = reduce(spec, kind, f"{arguments.directory}/{seed}")
                write(small, f"{arguments.directory}/{seed}")
                print("  reduced to " + json.dumps({k: v for k, v in small.items() if v != programs.PLAIN[k]}), flush=True)
    print(f"{done} programs, {failed} failed; worst error {worst:.1e}; {sensitive} too sensitive to compare")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
