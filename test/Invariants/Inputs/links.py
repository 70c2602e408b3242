"""links.py DIR: every link of DIR's pages (*.md) leads to a file that is there, and behind '#' to a heading of it. Prints what
doesn't, and how many were looked at."""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1]).resolve()
skip = {"build", ".git", "node_modules"}


def pages(folder):
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            if entry.name not in skip and not (entry / "CMakeCache.txt").exists():
                yield from pages(entry)
        elif entry.suffix == ".md":
            yield entry


def without_code(text):
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def anchors(page):
    """What GitHub makes of headings: small letters, without punctuation, words joined by '-'."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    heads = re.findall(r"^#+ (.*)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in heads}


count = broken = 0
for page in pages(root):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        count += 1
        path, _, anchor = target.partition("#")
        there = (page.parent / path) if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken += 1
            print(f"{page.relative_to(root)}: {target}: not there")
print(f"{count} links, {broken} broken")
sys.exit(broken > 0)
