#!/usr/bin/env python3
"""Interrupts a program that is generating, and checks how it ends: interrupt.py PROGRAM [ARGUMENTS...]

Waits for the first output, sends SIGINT, and wants exit 130 within the time that the issue sets, with whole UTF-8.
"""
import os
import signal
import subprocess
import sys
import time

# lit ignores SIGINT in its workers, which a program started there would inherit.
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
text = os.read(process.stdout.fileno(), 65536)
if not text:
    sys.exit(f"no output: {process.stderr.read().decode()}")
process.send_signal(signal.SIGINT)
start = time.monotonic()
rest, errors = process.communicate(timeout=20)
took = time.monotonic() - start
(text + rest).decode("utf-8", errors="strict")
if process.returncode != 130:
    sys.exit(f"exit {process.returncode} instead of 130\n{errors.decode()}")
# 200 ms are promised on a machine that is free; other tests run beside this one.
if took > 1.0:
    sys.exit(f"took {took:.3f} s to end")
print(f"exit 130, {len(text + rest)} bytes of text")
