#!/usr/bin/env python3
"""Runs a command under an upper bound of its peak resident memory: peak_memory.py MiB -- COMMAND...

Pages of mapped files count as resident too, so the bound holds for the checkpoint and the output as well.
"""
import resource
import subprocess
import sys

bound = int(sys.argv[1])
done = subprocess.run(sys.argv[3:])
if done.returncode:
    sys.exit(done.returncode)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(f"peak {peak} MiB of {bound} MiB")
if peak > bound:
    sys.exit(1)
