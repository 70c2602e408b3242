"""Items 16 to 19: tokenizers, chat templates, prompts. tokenizers.py DIRECTORY MODEL PROGRAM

MODEL is a good directory with a tokenizer, PROGRAM is compiled from it.
"""

import json
import os
import shutil
import sys

from bad import Bad
from formats import array, f32, gguf, string, text, u32
import struct

bad = Bad(sys.argv[1])
good, program = sys.argv[2:]


def refuse(what, pattern, tokenizer, input=b"a", **rest):
    """A tokenizer.json that can't be used, or not on this text."""
    content = tokenizer if isinstance(tokenizer, str) else json.dumps(tokenizer)
    shutil.rmtree(os.path.join(bad.directory, "t"), ignore_errors=True)
    bad.write("t/tokenizer.json", content)
    bad.check(what, ["tenonc", "tokenize", "--vocabulary", os.path.join(bad.directory, "t")], pattern, input=input,
              size=len(content) + len(input), **rest)


def bpe(vocab, merges=(), **rest):
    return {"model": {"type": "BPE", "vocab": vocab, "merges": list(merges)}, **rest}


VOCAB = {"a": 0, "b": 1, "ab": 2}
place = r"tokenizer\.json:[0-9]+:[0-9]+: error: "
# 16: vocabularies.
refuse("16 merge of unknown", place + ".*'x'", bpe(VOCAB, ["a x"]))
refuse("16 merge makes unknown", place + ".*'ba'", bpe(VOCAB, ["b a"]))
refuse("16 id out of range", place, bpe({"a": 2**40}))
refuse("16 negative id", place, bpe({"a": -1}))
refuse("16 id twice", place, bpe({"a": 0, "b": 0}))
refuse("16 special id", place, bpe(VOCAB, added_tokens=[{"id": 2**33, "content": "<s>", "special": True}]))
refuse("16 nested", place, "[" * 100_000)
refuse("16 unknown model", place + ".*'Magic'", {"model": {"type": "Magic"}})
refuse("16 escape", place + r".*'M\\x1b\[2J'", {"model": {"type": "M\x1b[2J"}})
PIECES = [text(p) for p in ("<unk>", "a", "b")]


def vocabulary(what, pattern, values, model="llama", pieces=PIECES):
    path = bad.write("v.gguf", gguf([("general.architecture", string("llama")), ("tokenizer.ggml.model", string(model)),
                                     ("tokenizer.ggml.tokens", array(8, pieces))] + values, []))
    bad.check(what, ["tenonc", "tokenize", "--vocabulary", path], r"v\.gguf:\+0x[0-9a-f]+: error: .*" + pattern, size=300)


SCORES = ("tokenizer.ggml.scores", array(6, [struct.pack("<f", 0)] * 3))
TYPES = ("tokenizer.ggml.token_type", array(5, [struct.pack("<i", 1)] * 3))
vocabulary("16 scores shorter", "scores", [("tokenizer.ggml.scores", array(6, [struct.pack("<f", 0)] * 2)), TYPES])
vocabulary("16 types shorter", "token_type", [SCORES, ("tokenizer.ggml.token_type", array(5, [struct.pack("<i", 1)] * 2))])
vocabulary("16 bos out of range", "bos", [SCORES, TYPES, ("tokenizer.ggml.bos_token_id", u32(3))])
BYTES = ("tokenizer.ggml.token_type", array(5, [struct.pack("<i", kind) for kind in (2, 1, 6)]))
for name in ("<0x-1>", "<0x100>", "<0x1>", "<0xGG>"):
    vocabulary(f"16 byte token {name}", name, [SCORES, BYTES], pieces=[*PIECES[:2], text(name)])
vocabulary("16 merge of unknown, GGUF", "'x'", [TYPES, ("tokenizer.ggml.merges", array(8, [text("a x")])),
                                                ("tokenizer.ggml.pre", string("gpt-2"))], model="gpt2")
# Merges that make each other's parts: the text shrinks with each, so that they end.
CYCLE = bpe({"a": 0, "b": 1, "ab": 2, "ba": 3, "aba": 4, "bab": 5, "abab": 6}, ["a b", "b a", "ab a", "b ab", "ba b", "a ba", "aba b", "a bab"])
refuse("16 cyclic merges", "^$", CYCLE, input=b"ab" * (1 << 18), code=0)


# 17: patterns, and growth.
def split(pattern, **rest):
    step = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return bpe(VOCAB, ["a b"], pre_tokenizer=step, **rest)


LONG = b"a" * (1 << 20)
refuse("17 backtracking", "error: .*", split("(a+)+$"), input=LONG + b"b")
refuse("17 backtracking in groups", "error: .*", split("(a|aa)+$"), input=LONG + b"b")
refuse("17 bad pattern", place + r".*\(", split("("))
refuse("17 long pattern", place, split("a" * (1 << 20)))
refuse("17 growth", "error: .*", bpe(VOCAB, normalizer={"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 256}),
       input=LONG)


# 18: templates.
def template(what, source, pattern, refused=False):
    path = os.path.join(bad.directory, "model")
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(good, path)
    bad.write("model/chat_template.jinja", source)
    if refused:
        bad.compile(what, path, r"chat_template\.jinja:[0-9]+:[0-9]+: error: " + pattern)
        return
    exe = os.path.join(bad.directory, "exe")
    code, _, err, _, _ = bad.run(["tenonc", path, "-o", exe, "--quiet", "-O0"])
    if code:
        bad.wrong.append(f"{what}: {err[:300]!r}")
    bad.check(what, [exe, "chat", "hello"], r"chat_template\.jinja:[0-9]+:[0-9]+: error: " + pattern)


template("18 endless", "{% for i in range(10**9) %}{{ i }}{% endfor %}{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", ".*")
template("18 recursion", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}{{ 'x' * 10**9 }}", ".*")
template("18 nested", "{{ " + "(" * 10_000 + "1" + ")" * 10_000 + " }}", ".*", refused=True)
template("18 include", "{% include '/etc/passwd' %}", ".*include", refused=True)
path = os.path.join(bad.directory, "model")
shutil.rmtree(path, ignore_errors=True)
shutil.copytree(good, path)
bad.write("model/tokenizer_config.json", '{"chat_template": 3}')
bad.compile("18 a number", path, r"tokenizer_config\.json: error: 'chat_template' is a number, a text or named texts are expected\nnote: --lenient")

# 19: prompts.
context = int(next(line.split()[1] for line in bad.run([program, "info"])[1].decode().splitlines() if line.startswith("context")))
bad.check("19 too long", [program, "generate", "-p", "a b " * context, "-n", "1"], rf"error: the prompt has [0-9]+ tokens, .* {context}\n")
bad.check("19 no file", [program, "score", os.path.join(bad.directory, "none")], "none: error: .*No such file")
bad.check("19 ids", [program, "generate", "--tokens", "1,99999999", "-n", "1"], "error: token 99999999 is outside")
bad.check("19 no ids", [program, "generate", "--tokens", "x", "-n", "1"], "error: ", code=2)
bad.check("19 line", [program, "generate", "--prompts", bad.write("p.jsonl", '"a"\n{"prompt": 3}\n'), "-n", "1"],
          r"p\.jsonl:2:[0-9]+: error: ")
bad.check("19 empty", [program, "generate", "-p", "", "-n", "1"], "^$", code=0)
bad.check("19 not UTF-8", [program.encode(), b"generate", b"-p", b"\xff\xfe\xc3", b"-n", b"1", b"--temperature", b"0"], "^$", code=0)
bad.finish()
