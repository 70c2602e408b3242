"""Items 8 to 15: safetensors and config.json. checkpoints.py DIRECTORY MODEL

MODEL is a good Llama without a tokenizer whose parts are replaced by bad ones.
"""

import json
import os
import re
import shutil
import struct
import sys

from bad import Bad
from formats import entry, safetensors

bad = Bad(sys.argv[1])
good = sys.argv[2]
with open(os.path.join(good, "config.json")) as file:
    CONFIG = json.load(file)
with open(os.path.join(good, "model.safetensors"), "rb") as file:
    WEIGHTS = file.read()


def model(files):
    """A copy of the good model with other files; None removes one."""
    path = os.path.join(bad.directory, "model")
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(good, path)
    for name, content in files.items():
        if content is None:
            os.remove(os.path.join(path, name))
        else:
            bad.write(os.path.join("model", name), content)
    return path


def refuse(what, files, pattern, *options, **rest):
    bad.compile(what, model(files), pattern, *options, **rest)


def weights(what, data, pattern):
    refuse(what, {"model.safetensors": data}, r"model\.safetensors:\+0x[0-9a-f]+: error: " + pattern)


def config(what, pattern, **values):
    changed = {**CONFIG, **values}
    refuse(what, {"config.json": json.dumps(changed, indent=1)}, r"(config\.json|[a-z_]+\.tenon):[0-9]+:[0-9]+: error: " + pattern)


# 8: the header's length and start.
weights("8 empty", b"", ".*")
weights("8 length 0", struct.pack("<Q", 0), ".*length 0")
weights("8 above 100 MB", struct.pack("<Q", 100_000_001) + b"{}", ".*100000001")
weights("8 above the file", struct.pack("<Q", 1000) + b"{}", ".*1000.*cut short")
weights("8 near 2^64", struct.pack("<Q", 2**64 - 1) + b"{}", ".*18446744073709551615")
weights("8 start", safetensors("[]", b""), r".*'\['")
# 9: ranges.
for what, header, size in (
    ("overlapping", {"a": entry("F32", [2], 0, 8), "b": entry("F32", [2], 4, 12)}, 12),
    ("hole", {"a": entry("F32", [1], 0, 4), "b": entry("F32", [1], 8, 12)}, 12),
    ("trailing", {"a": entry("F32", [1], 0, 4)}, 5),
    ("end before begin", {"a": entry("F32", [1], 4, 0)}, 4),
    ("shape", {"a": entry("F32", [3], 0, 8)}, 8),
    ("wraps", {"a": entry("F32", [2**32, 2**32], 0, 0)}, 0),
    ("negative", {"a": entry("F32", [-1], 0, 4)}, 4),
):
    weights(f"9 {what}", safetensors(header, bytes(size)), ".*")
# 10: JSON.
weights("10 key twice", safetensors('{"a": {}, "a": {}}', b""), '.*"?a')
refuse("10 nested", {"config.json": "[" * 100_000}, r"config\.json:1:[0-9]+: error: ")
refuse("10 twice", {"config.json": '{"model_type": "llama",\n "model_type": "gpt2"}'}, r"config\.json:2:2: error: .*model_type")
refuse("10 surrogate", {"config.json": '{"a": "\\ud800"}'}, r"config\.json:1:[0-9]+: error: ")
refuse("10 range", {"config.json": '{"a": 1e999}'}, r"config\.json:1:[0-9]+: error: ")
refuse("10 NUL", {"config.json": '{"a": 1}\0'}, r"config\.json:1:9: error: .*NUL")
refuse("10 no object", {"config.json": "[]"}, r"config\.json:1:1: error: ")
# 11: an index.
INDEX = "model.safetensors.index.json"
for what, shard, pattern in (("missing", "model-00001.safetensors", "missing"), ("outside", "../../etc/passwd", "outside"),
                             ("absolute", "/etc/passwd", "outside"), ("dots", "..", "outside")):
    index = json.dumps({"weight_map": {"a": shard}})
    refuse(f"11 {what}", {"model.safetensors": None, INDEX: index}, rf"index\.json:1:[0-9]+: error: .*{pattern}")


# 12: tensors.
def edited(change):
    size = struct.unpack("<Q", WEIGHTS[:8])[0]
    header = json.loads(WEIGHTS[8 : 8 + size])
    tensors = {name: WEIGHTS[8 + size :][slice(*value["data_offsets"])] for name, value in header.items() if name != "__metadata__"}
    header.pop("__metadata__", None)
    change(header, tensors)
    data = b""
    for name, value in header.items():
        value["data_offsets"] = [len(data), len(data) + len(tensors[name])]
        data += tensors[name]
    return safetensors(header, data)


refuse("12 missing", {"model.safetensors": edited(lambda h, t: h.pop("model.norm.weight"))}, "model.norm.weight")
refuse("12 all missing", {"model.safetensors": safetensors({"a": entry("F32", [1], 0, 4)}, bytes(4))}, "error: ")
refuse("12 unread", {"model.safetensors": edited(lambda h, t: (h.update(extra=entry("F32", [1], 0, 4)), t.update(extra=bytes(4))))},
       "'?extra")


def reshape(header, tensors):
    shape = header["model.layers.0.mlp.up_proj.weight"]["shape"]
    shape.reverse()


refuse("12 shape", {"model.safetensors": edited(reshape)}, r"model\.layers\.0\.mlp\.up_proj\.weight.*\[[0-9]+, [0-9]+\].*\[[0-9]+, [0-9]+\]")
# 13: architectures.
config("13 unknown", "unknown architecture 'Flux'(.|\n)*LlamaForCausalLM", architectures=["Flux"], model_type="flux")
config("13 escape", r"unknown architecture 'F\\x1b\[2J'", architectures=["F\x1b[2J"], model_type="x")
# 14: numbers.
config("14 heads 0", ".*", num_attention_heads=0)
config("14 heads", ".*", num_attention_heads=CONFIG["num_attention_heads"] + 1)
config("14 layers", r".*65536(.|\n)*with num_hidden_layers = 1000000000", num_hidden_layers=10**9)
config("14 epsilon", ".*rms_norm_eps", rms_norm_eps=-1e-5)
refuse("14 NaN", {"config.json": re.sub(r'("rms_norm_eps": )[^,\n}]*', r"\1NaN", json.dumps(CONFIG))}, r"config\.json:.*rms_norm_eps")
config("14 huge", ".*", hidden_size=2**62)
config("14 text", ".*hidden_size", hidden_size="64")


# 15: numbers that are none.
def not_a_number(header, tensors):
    data = bytearray(tensors["model.norm.weight"])
    size = len(data) // header["model.norm.weight"]["shape"][0]
    data[3 * size : 4 * size] = b"\xff" * size
    tensors["model.norm.weight"] = bytes(data)


refuse("15 --strict", {"model.safetensors": edited(not_a_number)}, r"'model\.norm\.weight'\[3\]: NaN", "--strict", "--no-tokenizer",
       memory=False)
# What generation_config.json says, at its key.
for key, value in (("top_k", -1), ("temperature", -1), ("top_p", 0), ("top_p", 1.5), ("min_p", -0.1), ("repetition_penalty", 0),
                   ("num_beams", 0), ("top_k", "many"), ("early_stopping", "never"), ("temperature", float("nan"))):
    text = '{\n  "do_sample": true,\n  ' + json.dumps({key: value})[1:]
    refuse(f"generation {key} {value}", {"generation_config.json": text},
           rf"generation_config\.json:3:3: error: '{key}' is .* expected\nnote: --lenient", "--no-tokenizer")
# Tokens that are none: the text would not end, or begin, where it should.
for file in ("generation_config.json", "config.json"):
    for key, value, found in (("eos_token_id", "2", "a string"), ("eos_token_id", [2, None], "an array of other things, too"),
                              ("suppress_tokens", 1.5, r"1\.5")):
        config = {} if file != "config.json" else CONFIG
        refuse(f"tokens {file} {key} {found}", {file: json.dumps(dict(config, **{key: value}))},
               rf"{file}:\d+:\d+: error: '{key}' is {found}, .* integers, is expected\nnote: --lenient", "--no-tokenizer")
bad.finish()
