#!/usr/bin/env python3
"""Closes a program's standard output while it writes; it must end soon and say nothing: closed_stdout.py PROGRAM..."""
import os
import subprocess
import sys

process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
os.read(process.stdout.fileno(), 1)
process.stdout.close()
process.stdout = None
errors = process.communicate(timeout=20)[1]
if errors:
    sys.exit("not quiet: " + errors.decode())
if process.returncode < 0:
    sys.exit(f"killed by signal {-process.returncode}")
print(f"exit {process.returncode}")
