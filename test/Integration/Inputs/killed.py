#!/usr/bin/env python3
"""Kills tenonc in the middle of writing, several times: killed.py OUTPUT -- TENONC COMMAND...

OUTPUT exists before and must be the same afterwards, byte for byte. What is being written is found among the files
that tenonc (or the linker that it runs) has open in OUTPUT's folder, since a temporary file may have no name. Where
tenonc is done before it was seen to write so much, as on a busy machine, it is tried again.
"""
import os
import subprocess
import sys
import time

TRIES = 10
PATIENCE = 60  # s


def written(pid):
    """The size of the largest file in the folder that the process has open; it may have no name yet (O_TMPFILE)."""
    sizes = [0]
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            path = f"/proc/{pid}/fd/{fd}"
            if os.readlink(path).startswith(folder + "/"):
                sizes.append(os.stat(path).st_size)
    except OSError:
        pass  # closed, or gone, in the meantime
    return max(sizes)


def kill_at(wanted):
    """Whether the program was killed once it had written so many bytes."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if written(process.pid) >= wanted:
            process.kill()
            break
    process.kill()
    return process.wait() != 0


output = os.path.realpath(sys.argv[1])
command = sys.argv[3:]
with open(output, "rb") as file:
    before = file.read()
folder = os.path.dirname(output)
others = set(os.listdir(folder))
for wanted in (1, 1 << 20, 40 << 20):
    for attempt in range(TRIES):
        if kill_at(wanted):
            break
        with open(output, "wb") as file:  # it was done: its output is there
            file.write(before)
    else:
        sys.exit(f"finished before {wanted} bytes were seen, {TRIES} times")
    with open(output, "rb") as file:
        if file.read() != before:
            sys.exit(f"the old output changed (killed at {wanted} bytes)")
    for name in set(os.listdir(folder)) - others:
        os.remove(os.path.join(folder, name))
print("killed 3 times, the old output is intact")
