#!/usr/bin/env python3
"""Ends a long training by SIGINT and goes on with it: interrupt_training.py TRAINER DATA DIR"""
import json
import os
import signal
import subprocess
import sys
import time

program, data, out = sys.argv[1:]
log = os.path.join(out, "log.jsonl")
# A shell in the background has SIGINT ignored, which children inherit.
process = subprocess.Popen([program, "train", "--data", data, "--batch", "2", "--length", "32", "--steps", "1000000",
                            "-o", out], stderr=subprocess.PIPE, text=True,
                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
end = time.time() + 30
while time.time() < end and not (os.path.exists(log) and os.path.getsize(log)):
    time.sleep(0.01)
process.send_signal(signal.SIGINT)
try:
    errors = process.communicate(timeout=30)[1]
except subprocess.TimeoutExpired:
    process.kill()
    sys.exit("the training went on")
if process.returncode != 130 or "which is saved" not in errors:
    sys.exit(f"exit {process.returncode}: {errors}")
with open(log, encoding="utf-8") as file:
    steps = [json.loads(line)["step"] for line in file]
with open(os.path.join(out, "trainer_state.json"), encoding="utf-8") as file:
    saved = json.load(file)["global_step"]
if saved != steps[-1]:
    sys.exit(f"step {saved} was saved, and {steps[-1]} taken")
subprocess.run([program, "train", "--resume", out, "--steps", str(saved + 1), "--quiet"], check=True)
