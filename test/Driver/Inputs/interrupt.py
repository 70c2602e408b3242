#!/usr/bin/env python3
"""interrupt.py WORDS CODE COMMAND...: presses Ctrl-C once a command says WORDS on standard error, whose lines are printed; the
command must then end with CODE."""

import signal
import subprocess
import sys

words, code, *command = sys.argv[1:]
# lit ignores SIGINT in its workers, which a program started there would inherit.
process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True,
                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
isSaid = False
for line in process.stderr:
    print(line, end="")
    if words in line and not isSaid:
        isSaid = True
        process.send_signal(signal.SIGINT)
if process.wait() != int(code):
    sys.exit(f"exit {process.returncode}, {code} is expected")
