#!/usr/bin/env python3
"""Heads and variants of families, made of checkpoints that Transformers wrote, against the logits it computed.

  head_variants.py FOLDER...

Each FOLDER is one of %shared/families. Of a decoder's checkpoint the head is taken away and others are put there: its
states follow from its logits, and the labels, tags and answers from those. What is compared is what the imported
module says (tenon-run), so that a family takes no more than a moment.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import tensors  # noqa: E402

TOLERANCE = 1e-4  # states are solved for, from logits in f32
TAGS_APART = ("bloom", "falcon", "mpt", "gpt2", "gpt_neox")  # whose tags have a matrix with a name of its own
IN_ANOTHER = ("llama", "mistral", "qwen2", "qwen3", "qwen3_moe", "nemotron", "exaone4", "smollm3")  # "transformer." before answers' weights
HEADS = {  # what comes behind the class's name in each family, in turn
    "ForSequenceClassification": "bloom falcon mpt gemma gemma2 olmo olmo2 opt phi starcoder2 mixtral qwen2_moe deepseek_v2 glm4 gptj gemma3_text",
    "ForTokenClassification": "phi3 stablelm gpt_oss deepseek_v3 mistral",
    "ForQuestionAnswering": "llama qwen3 qwen3_moe nemotron exaone4 smollm3",
    "Model": "cohere cohere2 granite granitemoe olmoe",
}


def write(folder, config, arrays):
    os.makedirs(folder, exist_ok=True)
    tensors.write_directory(folder, arrays, "f32")
    with open(folder + "/config.json", "w") as file:
        json.dump(config, file)


def compute(model, entry, **inputs):
    """What the imported module of a directory or GGUF file says."""
    module, output = model + ".mlir", model + ".npy"
    subprocess.run(["tenonc", model, "--no-tokenizer", "--emit=import", "-o", module], check=True)
    given = [f"--input={name}={[int(token) for token in tokens]}".replace(" ", "") for name, tokens in inputs.items()]
    subprocess.run(["tenon-run", module, "--weights=" + model, "--entry=" + entry, "--output=" + output, *given], check=True)
    return np.load(output)


def close(name, found, wanted):
    wanted = np.asarray(wanted).reshape(found.shape)
    error = np.abs(found - wanted).max()
    assert error <= TOLERANCE * max(1, np.abs(wanted).max()), (name, error)
    print(name, "equal")


def states(c, arrays, logits):
    """What the head was given, as its matrix has more rows than columns."""
    tied = c.get("tie_word_embeddings", "lm_head.weight" not in arrays)
    embedding = next(array for name, array in arrays.items() if name.endswith(("embed_tokens.weight", "wte.weight", "word_embeddings.weight")))
    head = embedding if tied else arrays["lm_head.weight"]
    y = logits.astype(np.float64) - arrays.get("lm_head.bias", 0)
    if cap := c.get("final_logit_softcapping"):
        y = np.arctanh(y / cap) * cap
    y = y * (c.get("logits_scaling") or 1) / (c.get("logit_scale") or 1)
    return np.linalg.lstsq(head.astype(np.float64), y.T, rcond=None)[0].T


def with_head(place, folder, family, kind, random):
    c, arrays = json.load(open(folder + "/config.json")), tensors.read_directory(folder)
    tokens = json.load(open(folder + "/expected.json"))["tokens"]
    x = states(c, arrays, np.load(folder + "/logits.npy"))
    w, b = random.standard_normal((3, x.shape[1])).astype(np.float32), random.standard_normal(3).astype(np.float32)
    arrays = {name: array for name, array in arrays.items() if not name.startswith("lm_head")}
    stem = c["architectures"][0].removesuffix("ForCausalLM").removesuffix("LMHeadModel")
    if kind == "Model":
        arrays = {name.removeprefix("model.").removeprefix("transformer."): array for name, array in arrays.items()}
        entry, wanted = "states", x
    elif kind == "ForSequenceClassification":
        arrays["score.weight"] = w
        entry, wanted = "classify", w @ x[-1]
        stem += "Text" if family == "gemma3_text" else ""
    elif kind == "ForTokenClassification":
        name = "classifier" if family in TAGS_APART else "score"
        arrays |= {name + ".weight": w, name + ".bias": b}
        entry, wanted = "tag", x @ w.T + b
    else:
        if family in IN_ANOTHER:
            arrays = {name.replace("model.", "transformer.", 1): array for name, array in arrays.items()}
        arrays |= {"qa_outputs.weight": w[:2], "qa_outputs.bias": b[:2]}
        entry, wanted = "answer", x @ w[:2].T + b[:2]
    c |= {"architectures": [stem + kind], "id2label": {"0": "red", "1": "green", "2": "blue"}}
    write(place, c, arrays)
    close(family + " " + entry, compute(place, entry, tokens=tokens), wanted)


def marian(place, folder):
    """Tables of their own for source and target, of which the target's is longer."""
    c, arrays = json.load(open(folder + "/config.json")), tensors.read_directory(folder)
    expected, random = json.load(open(folder + "/expected.json")), np.random.default_rng(5)
    inputs = {"tokens": expected["target"], "source": expected["source"]}
    write(place, c, arrays)
    wanted = compute(place, "forward", **inputs)
    shared, more = arrays.pop("model.shared.weight"), 7
    arrays = {name: array for name, array in arrays.items() if "embed_tokens" not in name}
    arrays["model.encoder.embed_tokens.weight"] = shared
    arrays["model.decoder.embed_tokens.weight"] = np.concatenate((shared, random.standard_normal((more, shared.shape[1]), np.float32)))
    arrays["final_logits_bias"] = np.concatenate((arrays["final_logits_bias"], np.zeros((1, more), np.float32)), 1)
    c |= {"share_encoder_decoder_embeddings": False, "decoder_vocab_size": len(shared) + more}
    write(place, c, arrays)
    close("marian with two vocabularies", compute(place, "forward", **inputs)[:, : len(shared)], wanted)


def norms_of_heads(place, folder):
    """Heads that change places with all that is theirs, their norms too, compute the same; without those they don't."""
    c, arrays = json.load(open(folder + "/config.json")), tensors.read_directory(folder)
    tokens, random = json.load(open(folder + "/expected.json"))["tokens"], np.random.default_rng(5)
    heads, groups = c["num_attention_heads"], c["num_key_value_heads"]
    size, each = c["hidden_size"] // heads, heads // groups
    for i in range(c["num_hidden_layers"]):
        for letter, count in (("q", heads), ("k", groups)):
            for head in range(count):
                arrays[f"model.layers.{i}.self_attn.{letter}_layernorm.norms.{head}.weight"] = 1 + random.standard_normal(size, np.float32) / 2
    c["qk_layernorm"] = True
    write(place, c, arrays)
    wanted = compute(place, "forward", tokens=tokens)
    group = np.roll(np.arange(groups), 1)
    order = {"q": np.concatenate([np.arange(g * each, (g + 1) * each) for g in group]), "k": group, "v": group}
    moved = dict(arrays)
    for i in range(c["num_hidden_layers"]):
        at = f"model.layers.{i}.self_attn."
        for letter, heads_then in order.items():
            rows = np.concatenate([np.arange(head * size, (head + 1) * size) for head in heads_then])
            for kind in ("weight", "bias"):
                if f"{at}{letter}_proj.{kind}" in arrays:
                    moved[f"{at}{letter}_proj.{kind}"] = arrays[f"{at}{letter}_proj.{kind}"][rows]
            if letter == "q":
                moved[at + "o_proj.weight"] = arrays[at + "o_proj.weight"][:, rows]
    write(place, c, moved)
    assert np.abs(compute(place, "forward", tokens=tokens) - wanted).max() > 0.1
    for i in range(c["num_hidden_layers"]):
        for letter in "qk":
            at = f"model.layers.{i}.self_attn.{letter}_layernorm.norms."
            moved |= {f"{at}{now}.weight": arrays[f"{at}{then}.weight"] for now, then in enumerate(order[letter])}
    write(place, c, moved)
    close("stablelm with norms of heads", compute(place, "forward", tokens=tokens), wanted)
    del moved[f"model.layers.0.self_attn.q_layernorm.norms.{heads - 1}.weight"]
    write(place, c, moved)
    refused = subprocess.run(["tenonc", place, "--no-tokenizer", "--emit=import"], capture_output=True, text=True)
    assert refused.returncode == 1 and f"norms.*.weight' is [{heads - 1}, {size}]: expected" in refused.stderr, refused.stderr


def shared_expert(place, folder):
    """Experts that are all alike are half of what they were and half of one that serves all tokens."""
    c, arrays = json.load(open(folder + "/config.json")), tensors.read_directory(folder)
    tokens = json.load(open(folder + "/expected.json"))["tokens"]
    for name in [name for name in arrays if "block_sparse_moe" in name and "router" not in name]:
        arrays[name] = np.repeat(arrays[name][:1], len(arrays[name]), 0)
    write(place, c, arrays)
    wanted = compute(place, "forward", tokens=tokens)
    for name in [name for name in arrays if "block_sparse_moe" in name and "router" not in name]:
        shared = name.replace("block_sparse_moe", "shared_mlp")
        arrays[shared] = arrays[name][0].copy()
        if "output" in name:
            arrays[shared], arrays[name] = arrays[shared] / 4, arrays[name] * 0.75
    c |= {"architectures": ["GraniteMoeSharedForCausalLM"], "model_type": "granitemoeshared", "shared_intermediate_size": c["intermediate_size"]}
    write(place, c, arrays)
    close("granitemoe with a shared expert", compute(place, "forward", tokens=tokens), wanted)


def main():
    with tempfile.TemporaryDirectory() as place:
        for number, folder in enumerate(sys.argv[1:]):
            family = os.path.basename(os.path.normpath(folder))
            kind = next((kind for kind, families in HEADS.items() if family in families.split()), None)
            if kind:
                with_head(f"{place}/{number}", folder, family, kind, np.random.default_rng(3))
            if family == "marian":
                marian(f"{place}/{number}", folder)
            if family == "stablelm":
                norms_of_heads(f"{place}/{number}-norms", folder)
            if family == "granitemoe":
                shared_expert(f"{place}/{number}-shared", folder)


if __name__ == "__main__":
    main()
