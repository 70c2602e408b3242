#!/usr/bin/env python3
"""Interrupts a program that is generating, and checks how it ends: interrupt.py PROGRAM [ARGUMENTS...]

Five times: waits for the first output, sends SIGINT, and wants exit 130 with whole UTF-8. How soon it ends is printed, not
judged, as other tests run on the same CPUs.
"""
import os
import signal
import subprocess
import sys
import time

TRIES = 5
PATIENCE = 20  # s


def interrupt(command):
    """Seconds from the signal to the end."""
    # lit ignores SIGINT in its workers, which a program started there would inherit.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    text = os.read(process.stdout.fileno(), 65536)
    if not text:
        sys.exit(f"no output: {process.stderr.read().decode()}")
    process.send_signal(signal.SIGINT)
    start = time.monotonic()
    rest, errors = process.communicate(timeout=PATIENCE)
    took = time.monotonic() - start
    (text + rest).decode("utf-8", errors="strict")
    if process.returncode != 130:
        sys.exit(f"exit {process.returncode} instead of 130\n{errors.decode()}")
    return took


times = [interrupt(sys.argv[1:]) for _ in range(TRIES)]
print("exit 130 after " + ", ".join(f"{1000 * took:.0f}" for took in times) + " ms")
