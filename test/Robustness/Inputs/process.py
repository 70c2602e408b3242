"""Item 22: the world changes while tenonc works. process.py DIRECTORY MODEL

The old output stays whole, whatever happens, and nothing is left among the temporary files.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
import time

from bad import Bad

bad = Bad(sys.argv[1])
model = os.path.join(bad.directory, "model")
shutil.copytree(sys.argv[2], model)
temporary = os.path.join(bad.directory, "tmp")
os.mkdir(temporary)
os.environ["TMPDIR"] = temporary
output = bad.write("out/program", "old\n")
COMMAND = ["tenonc", model, "--no-tokenizer", "--quiet", "-O0", "-o", output]


def ends(what, process, code, pattern):
    bad.count += 1
    text = process.communicate(timeout=60)[1].decode(errors="replace")
    faults = []
    if process.returncode != code:
        faults.append(f"exit {process.returncode} instead of {code}")
    if len(re.findall("error: ", text)) != 1 or not re.search(pattern, text):
        faults.append(f"one error that matches {pattern!r} is expected")
    if text.count("\n") > 3:
        faults.append("more than a message")
    with open(output) as file:
        if file.read() != "old\n":
            faults.append("the old output is damaged")
    left = os.listdir(temporary) + [name for name in os.listdir(os.path.dirname(output)) if name != "program"]
    if left:
        faults.append(f"left behind: {left}")
    if faults:
        bad.wrong.append(f"{what}: {', '.join(faults)}: {text[:600]!r}")


def start(limit=None, command=COMMAND):
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=limit)


# A limit of file sizes: beyond the object, for the linker; beyond the executable, for the weights.
for size in (1 << 10, 1 << 20):
    process = start(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    ends(f"22 files of {size} bytes", process, 3, "error: .*File too large")

# A full disk, where this user may mount one.
disk = os.path.join(bad.directory, "disk")
os.mkdir(disk)
script = f"mount -t tmpfs -o size=1m none {disk} && TMPDIR={disk} exec \"$@\""
inside = ["unshare", "-Urm", "sh", "-c", script, "sh"]
if subprocess.run([*inside, "true"], capture_output=True).returncode == 0:
    ends("22 a full disk", start(command=[*inside, *COMMAND]), 3, "error: .*No space left on device")
else:
    print("a full disk was not tried: no file system can be mounted here")

# The checkpoint is cut short after it was opened: weights are read when the linker has been started.
weights = os.path.join(model, "model.safetensors")
process = start()
children = f"/proc/{process.pid}/task/{process.pid}/children"
while process.poll() is None:
    try:
        with open(children) as file:
            if file.read().strip():
                break
    except OSError:
        pass
    time.sleep(0.001)
os.truncate(weights, os.path.getsize(weights) // 2)
ends("22 cut short", process, 1, r"model\.safetensors:\+0x[0-9a-f]+: error: can't be read any more")
bad.finish()
