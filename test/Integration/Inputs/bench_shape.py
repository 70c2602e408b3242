#!/usr/bin/env python3
"""Checks the JSON of `bench --json` on standard input: bench_shape.py PROMPT_TOKENS GEN_TOKENS REPETITIONS"""
import json
import sys

prompt, generation, repetitions = map(int, sys.argv[1:])
report = json.load(sys.stdin)
for part, tokens in (("prompt", prompt), ("generation", generation)):
    entry = report[part]
    assert entry["tokens"] == tokens, entry
    assert entry["tokens_per_second"] > 0, entry
