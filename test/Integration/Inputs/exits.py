#!/usr/bin/env python3
"""Runs a command and wants a certain exit code: exits.py CODE [--memory MiB] [--absent PATH] -- COMMAND...

Passes the output through (stderr after stdout). A signal is never the wanted end. --memory limits the address space.
--absent: this path must not exist afterwards (nothing may be left half written).
"""
import os
import resource
import subprocess
import sys

code, *options = sys.argv[1:sys.argv.index("--")]
command = sys.argv[sys.argv.index("--") + 1:]
memory = int(options[options.index("--memory") + 1]) << 20 if "--memory" in options else None


def limit():
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


done = subprocess.run(command, capture_output=True, preexec_fn=limit, timeout=55)
sys.stdout.buffer.write(done.stdout + done.stderr)
if done.returncode != int(code):
    sys.exit(f"\nexit {done.returncode} instead of {code}: {' '.join(command)}")
if "--absent" in options and os.path.exists(options[options.index("--absent") + 1]):
    sys.exit("\nleft behind: " + options[options.index("--absent") + 1])
