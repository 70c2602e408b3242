"""Runs programs for the scripts beside this one."""
import shlex
import subprocess
import sys


def run(command):
    """Standard output of a command; a failure ends the script, with what the command said."""
    command = [str(word) for word in command]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        sys.exit(f"{shlex.join(command)}: exit {result.returncode}\n{result.stderr}")
    return result.stdout
