"""Reads remarks of tiles and holds the planner to the model of costs: no other tile of a linear of many rows is predicted to take
fewer cycles than the chosen one. Prints how many were compared."""

import re
import sys

compared = 0
for line in sys.stdin:
    if "tenon.linear of any number of rows" not in line:
        continue
    chosen = float(re.search(r"bits; ([0-9.]+) cycles", line)[1])
    others = [float(cycles) for cycles in re.findall(r"[0-9]+ x [0-9]+: ([0-9.]+) and", line)]
    if not others or min(others) < chosen:
        sys.exit("cheaper than what is chosen: " + line)
    compared += 1
print(compared, "tiles are the cheapest")
