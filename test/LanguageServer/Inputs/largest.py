"""largest.py SERVER MODELS: the largest description of a folder through the language server; prints what it gave, and
on stderr how long the slowest answer took."""

import json
import pathlib
import subprocess
import sys
import time

server, models = sys.argv[1:]
largest = max((path.read_text() for path in pathlib.Path(models).glob("*.tenon")), key=len)

process = subprocess.Popen([server], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def send(message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    process.stdin.flush()


def receive():
    length = 0
    while (line := process.stdout.readline().strip()):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return json.loads(process.stdout.read(length))


def ask(method, params):
    start = time.perf_counter()
    send({"id": 1, "method": method, "params": params})
    answer = receive()["result"]
    return answer, time.perf_counter() - start


document = {"uri": "file:///largest.tenon"}
ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
start = time.perf_counter()
send({"method": "textDocument/didOpen", "params": {"textDocument": {**document, "languageId": "tenon", "version": 1, "text": largest}}})
diagnostics = receive()["params"]["diagnostics"]
slowest = time.perf_counter() - start
symbols, seconds = ask("textDocument/documentSymbol", {"textDocument": document})
slowest = max(slowest, seconds)
edits, seconds = ask("textDocument/formatting", {"textDocument": document, "options": {"tabSize": 2, "insertSpaces": True}})
slowest = max(slowest, seconds)
last = {"line": largest.count("\n") - 3, "character": 5}
for method in ("hover", "definition", "completion"):
    _, seconds = ask(f"textDocument/{method}", {"textDocument": document, "position": last})
    slowest = max(slowest, seconds)
ask("shutdown", None)
send({"method": "exit"})
assert process.wait() == 0
print(f"diagnostics {len(diagnostics)}, symbols {len(symbols)}, formatted {'alike' if not edits else 'otherwise'}")
print(f"slowest answer {slowest * 1e3:.1f} ms", file=sys.stderr)
