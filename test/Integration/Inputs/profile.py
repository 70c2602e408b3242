"""Checks what --profile and --trace count on the village model (4 layers of 96, 6 heads and 3 KV heads of 16, a
gated feed-forward of 232, 1,024 pieces): operations and bytes by hand, times that add up, and a trace whose
operations lie within calls of entries.

usage: profile.py count PROMPT CHUNK GENERATED <bench.json      profile.py trace FILE
"""

import json
import sys

LAYERS, DIM, HEADS, KV_HEADS, HEAD, HIDDEN, PIECES = 4, 96, 6, 3, 16, 232, 1024


def pairs(first, tokens):
    return sum(first + i + 1 for i in range(tokens))


def check(phase, rows, heads, attended, reads):
    """`rows`: tokens, `heads`: rows of the head, `attended`: pairs of a query and a key, `reads`: KV rows read."""
    profile = phase["profile"]
    by_name = {one["name"]: one for one in profile["operations"]}
    products = {
        "linear block.wq.wk.wv": LAYERS * (HEADS + 2 * KV_HEADS) * HEAD * DIM * rows,
        "linear block.w_gate.w_up": LAYERS * 2 * HIDDEN * DIM * rows,
        "linear block.w_down": LAYERS * HIDDEN * DIM * rows,
        "linear words": PIECES * DIM * heads,
        "attention scores": LAYERS * HEADS * 2 * HEAD * attended,
    }
    for name, count in products.items():
        assert by_name[name]["operations"] == 2 * count, (name, by_name[name], 2 * count)
    keys = LAYERS * KV_HEADS * 2 * HEAD * 4 * reads
    assert by_name["attention scores"]["bytes"] == keys, (by_name["attention scores"], keys)
    inside = sum(one["nanoseconds"] for one in profile["operations"])
    whole = inside + profile["between_operations_nanoseconds"] + profile["outside_nanoseconds"]
    assert abs(whole - profile["seconds"] * 1e9) < 1e3, (whole, profile["seconds"])
    for one in profile["operations"]:
        assert one["location"].startswith("llama.tenon:"), one
    return profile


def count(prompt, chunk, generated):
    bench = json.load(sys.stdin)
    starts = range(0, prompt, chunk)
    check(bench["prompt"], prompt, 1, pairs(0, prompt), sum(min(s + chunk, prompt) for s in starts))
    profile = check(bench["generation"], generated, generated, pairs(0, generated), pairs(0, generated))
    # The machine's limits, from the cache: an operation takes at least what they allow.
    limits = profile["limits"]
    for one in profile["operations"]:
        if "limit" in one:
            least = max(one["operations"] / limits["fma"], one["bytes"] / limits["read"])
            assert one["limit"] in ("fma", "read"), one
            share = least / (one["nanoseconds"] * 1e-9)
            assert abs(one["of_limit"] - share) <= 1e-6 * share, (one, share)


def trace(path):
    events = json.load(open(path))["traceEvents"]
    calls = [e for e in events if e["cat"] == "entry"]
    operations = [e for e in events if e["cat"] != "entry"]
    assert len(calls) > 3 and len(operations) > 10 * len(calls), (len(calls), len(operations))
    spans = sorted((e["ts"], e["ts"] + e["dur"]) for e in calls)
    for e in operations:
        assert e["ph"] == "X" and any(a - 0.01 <= e["ts"] and e["ts"] + e["dur"] <= b + 0.01 for a, b in spans), e
    assert {e["name"] for e in calls} == {"prefill", "decode"}


if sys.argv[1] == "count":
    count(*map(int, sys.argv[2:]))
else:
    trace(sys.argv[2])
