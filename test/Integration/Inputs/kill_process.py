#!/usr/bin/env python3
"""Processes that learn together, of which one is killed, and then all interrupted: kill_process.py TRAINER DATA DIR"""
import os
import shutil
import signal
import subprocess
import sys
import time

program, data, out = sys.argv[1:]
log = os.path.join(out, "log.jsonl")


def fail(process, text):
    os.killpg(process.pid, signal.SIGKILL)
    sys.exit(text)


def begin():
    shutil.rmtree(out, ignore_errors=True)
    # A shell in the background has SIGINT ignored, which children inherit.
    process = subprocess.Popen([program, "train", "--data", data, "--batch", "2", "--length", "32", "--steps", "1000000",
                                "--save-every", "1", "--processes", "2", "--threads", "1", "-o", out],
                               stderr=subprocess.PIPE, text=True, start_new_session=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    end = time.time() + 30
    while time.time() < end and not (os.path.exists(log) and len(open(log, encoding="utf-8").readlines()) > 1):
        time.sleep(0.01)
    children = open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="utf-8").read().split()
    if len(children) != 1:
        fail(process, f"children {children}")
    return process, int(children[0])


def isGone(child):
    end = time.time() + 10
    while time.time() < end:
        try:
            if open(f"/proc/{child}/stat", encoding="utf-8").read().split(")")[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def finish(process, code, text):
    try:
        errors = process.communicate(timeout=30)[1]
    except subprocess.TimeoutExpired:
        fail(process, "the training went on")
    if process.returncode != code or text not in errors or errors.count("error:") > 1:
        sys.exit(f"exit {process.returncode}: {errors}")


process, child = begin()
os.kill(child, signal.SIGKILL)
finish(process, 1, "error: 2 processes learn together, and one of them was ended by signal 9 (Killed): training stops here")
# The last checkpoint is whole.
last = sum(1 for _ in open(log, encoding="utf-8"))
subprocess.run([program, "train", "--resume", out, "--steps", str(last + 1), "--quiet"], check=True)

process, child = begin()
process.kill()
finish(process, -signal.SIGKILL, "")
if not isGone(child):
    sys.exit("the other process is left over")

process, child = begin()
os.killpg(process.pid, signal.SIGINT)
finish(process, 130, "which is saved")
if not isGone(child):
    sys.exit("the other process is left over")
