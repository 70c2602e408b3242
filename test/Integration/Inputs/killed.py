#!/usr/bin/env python3
"""Kills tenonc in the middle of writing, several times: killed.py OUTPUT -- TENONC COMMAND...

OUTPUT exists before and must be the same afterwards, byte for byte. What is being written is found among the files
that tenonc (or the linker that it runs) has open in OUTPUT's folder, since a temporary file may have no name.
"""
import os
import subprocess
import sys
import time



def written(pid, folder):
    """Bytes of the largest file in the folder that the process has open; it may have no name yet (O_TMPFILE)."""
    sizes = [0]
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            if os.readlink(f"/proc/{pid}/fd/{fd}").startswith(folder):
                sizes.append(os.stat(f"/proc/{pid}/fd/{fd}").st_size)
    except OSError:
        pass  # closed, or gone, in the meantime
    return max(sizes)


output = os.path.realpath(sys.argv[1])
command = sys.argv[3:]
with open(output, "rb") as file:
    before = file.read()
folder, kills = os.path.dirname(output), 0
others = set(os.listdir(folder))


def written(pid):
    """The size of the largest file in the folder that the process has open."""
    sizes = [0]
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            path = f"/proc/{pid}/fd/{fd}"
            if os.readlink(path).startswith(folder + "/"):
                sizes.append(os.stat(path).st_size)
    except OSError:
        pass
    return max(sizes)


for wanted in (1, 1 << 20, 40 << 20):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 25
    while process.poll() is None and time.monotonic() < deadline:
        if written(process.pid) >= wanted:
            process.kill()
            kills += 1
            break
    process.kill()
    if process.wait() == 0:
        sys.exit(f"finished before {wanted} bytes were seen")
    with open(output, "rb") as file:
        if file.read() != before:
            sys.exit(f"the old output changed (killed at {wanted} bytes)")
    for name in set(os.listdir(folder)) - others:
        os.remove(os.path.join(folder, name))
print(f"killed {kills} times, the old output is intact")
sys.exit(0 if kills == 3 else 1)
