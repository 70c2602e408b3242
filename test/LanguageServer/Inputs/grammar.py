"""grammar.py SERVER GRAMMAR: the words that the editor's grammar colours are those of the language: every reserved word
and every operation that the server's completion offers."""

import json
import re
import subprocess
import sys

server, grammar = sys.argv[1:]
messages = [
    {"id": 0, "method": "initialize", "params": {"capabilities": {}}},
    {"method": "textDocument/didOpen", "params": {"textDocument": {"uri": "test:///a.tenon", "languageId": "tenon", "version": 1, "text": ""}}},
    {"id": 1, "method": "textDocument/completion",
     "params": {"textDocument": {"uri": "test:///a.tenon"}, "position": {"line": 0, "character": 0}}},
    {"id": 2, "method": "shutdown"}, {"method": "exit"}]
text = "\n// -----\n".join(json.dumps({"jsonrpc": "2.0", **message}) for message in messages)
out = subprocess.run([server, "--lit-test"], input=text + "\n", capture_output=True, text=True, check=True).stdout
answers = [json.loads(part) for part in re.split(r"Content-Length: \d+\s+", out)[1:]]
items = next(answer for answer in answers if answer.get("id") == 1)["result"]["items"]
patterns = json.load(open(grammar))["repository"]["all"]["patterns"]
coloured = {pattern["name"]: pattern["match"] for pattern in patterns if "match" in pattern and "name" in pattern}
words = [name for name in coloured if name.startswith(("keyword.", "constant.language")) and "operator" not in name]
for item in items:
    if item["kind"] == 14:
        assert any(re.fullmatch(coloured[name], item["label"]) for name in words), item["label"]
functions = {item["label"] for item in items if item["kind"] == 3}
listed = set(re.search(r"\((.*?)\)", coloured["support.function.tenon"]).group(1).split("|"))
assert functions == listed, functions ^ listed
print(f"{len(items) - len(functions)} words, {len(functions)} operations")
