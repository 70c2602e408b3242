#!/usr/bin/env python3
"""Ctrl-C while tenonc runs a model over a text to calibrate: it ends, and leaves neither an output nor temporary files.

  stopped_calibration.py MODEL DIRECTORY
"""
import os
import signal
import subprocess
import sys
import time

PATIENCE = 60  # s


def main():
    model, directory = sys.argv[1:]
    temporary, text, output = (os.path.join(directory, name) for name in ("tmp", "long.txt", "out"))
    os.mkdir(temporary)
    with open(text, "w", encoding="utf-8") as file:
        file.write("The old miller walked to the river and saw a boat. " * 20000)
    compiler = subprocess.Popen(["tenonc", model, "--quantize=int4", "--calibrate", text, "-o", output],
                                env=dict(os.environ, TMPDIR=temporary),
                                # lit ignores SIGINT in its workers, which a program started there would inherit.
                                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    try:
        # Its weights are written, so the text comes next.
        end = time.monotonic() + PATIENCE
        while not any(os.path.getsize(os.path.join(temporary, name)) for name in os.listdir(temporary) if name.endswith(".weights")):
            if compiler.poll() is not None or time.monotonic() > end:
                sys.exit(f"no weights: exit {compiler.poll()}")
            time.sleep(0.01)
        time.sleep(0.3)
        if compiler.poll() is not None:
            sys.exit(f"ended before it could be stopped: exit {compiler.returncode}")
        compiler.send_signal(signal.SIGINT)
        code = compiler.wait(PATIENCE)
    finally:
        compiler.kill()
    problems = [text for text, bad in ((f"exit {code}", code != -signal.SIGINT), ("an output", os.path.exists(output)),
                                       (f"left {os.listdir(temporary)}", os.listdir(temporary))) if bad]
    sys.exit("; ".join(problems) if problems else 0)


main()
