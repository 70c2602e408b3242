#!/usr/bin/env python3
"""check_page.py PAGE DATA DISASSEMBLY: compares a report's page with its data, and the data with the
object's disassembly and with themselves."""

import base64
import json
import os
import re
import sys
import zlib


def read_page(path):
    text = open(path, encoding="utf-8").read()
    data = re.search(r'<script id="data"[^>]*>([^<]*)</script>', text).group(1)
    return text, json.loads(zlib.decompress(base64.b64decode(data)))


def without_times(report):
    for record in report["passes"]:
        record.pop("ms")
    return report


page, shown = read_page(sys.argv[1])
data = json.load(open(sys.argv[2], encoding="utf-8"))
# The name space of SVG is a name, nothing that is fetched.
addresses = [a for a in re.findall(r"https?://[^'\" ]*", page) if a != "http://www.w3.org/2000/svg"]
assert not addresses, addresses
assert not re.search(r"<(link|img|iframe|script src)", page)
assert os.path.getsize(sys.argv[1]) < 3_000_000
assert without_times(shown) == without_times(data)
print(f"page: {len(page)} bytes, no address, data alike")

stages = []
for record in data["passes"]:
    if record["stage"] not in stages:
        stages.append(record["stage"])
print("passes:", *stages)

for text in data["texts"]:
    assert len(text["places"]) == text["text"].count("\n"), "a place for each line"
    assert all(0 <= i < len(data["places"]) for i in text["places"])
    assert text["placed"] >= 0.98 * text["working"]
source_lines = data["source"]["text"].count("\n")
assert all(1 <= line <= source_lines for lines in data["places"] for line in lines)
print("every line of every text has a place in the table")

for kernel in data["kernels"]:
    assert len(kernel["places"]) == kernel["code"].count("\n") + 1
    assert kernel["lines"], f"{kernel['symbol']} leads nowhere"
    print("kernel", kernel["symbol"], "of lines", kernel["lines"])

memory = data["memory"]
for entry in memory["entries"]:
    for i, one in enumerate(entry["buffers"]):
        assert one["offset"] + one["bytes"] <= memory["arena"] and one["lines"]
        for other in entry["buffers"][:i]:
            assert (one["last"] < other["first"] or other["last"] < one["first"]
                    or other["offset"] + other["bytes"] <= one["offset"]), "two buffers at one place at once"
    sums = [sum(b["bytes"] for b in entry["buffers"] if b["first"] <= i <= b["last"]) for i in range(len(entry["steps"]))]
    assert sums == [step["alive"] for step in entry["steps"]] and max(sums) == entry["most"]
    print(f"memory of @{entry['function']}: {len(entry['buffers'])} buffers, {len(entry['steps'])} operations, none in another's place")


def instructions(lines):
    """Their names. What only aligns the code is neither printed by a compiler nor of interest."""
    names = [line.split()[0] for line in lines if line.startswith((" ", "\t"))]
    return [name for name in names if name not in ("nop", "nopw", "nopl")]


disassembly = {}
for part in open(sys.argv[3], encoding="utf-8").read().split("\n\n"):
    if symbol := re.search(r"^<(.*)>:$", part, re.MULTILINE):
        disassembly[symbol.group(1)] = part.split("\n")
for kernel in data["kernels"]:
    assert instructions(kernel["code"].split("\n")) == instructions(disassembly[kernel["symbol"]]), kernel["symbol"]
print("the instructions are the object's")

for graph in data["graphs"]:
    for i, node in enumerate(graph["nodes"]):
        assert all(0 <= f < len(graph["nodes"]) for f in node["from"]) and node["parent"] < i
    loops = {node["parent"] for node in graph["nodes"]} - {-1}
    print(f"graph of @{graph['function']} at {graph['stage']}, {len(loops)} loop")
