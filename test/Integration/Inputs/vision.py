#!/usr/bin/env python3
"""Models whose input is no text, of random weights, against test/Reference/models.py.

  vision.py vit|whisper DIR

Makes a checkpoint in DIR, compiles it and compares what the program computes from an array; and its errors.
"""
import json
import os
import subprocess
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "Reference"))
import models
import tensors

rng = np.random.default_rng(11)


def draw(*shape, scale=None):
    return (rng.standard_normal(shape) * (scale or shape[-1] ** -0.5)).astype(np.float32)


def linear(to, name, outputs, inputs, bias=True):
    to[name + ".weight"] = draw(outputs, inputs)
    if bias:
        to[name + ".bias"] = draw(outputs, scale=0.1)


def norm(to, name, size):
    to[name + ".weight"], to[name + ".bias"] = 1 + draw(size, scale=0.1), draw(size, scale=0.1)


def run(*command, fails=False):
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    if bool(done.returncode) != fails:
        sys.exit(f"{' '.join(command)}: exits with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stderr if fails else done.stdout


def write(directory, config, weights):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "config.json"), "w") as file:
        json.dump(config, file, indent=2)
    tensors.write_directory(directory, weights, "f32")


def close(name, found, wanted, bound=1e-5):
    error = np.abs(found - wanted).max() if found.shape == wanted.shape else np.inf
    if not error <= bound:
        sys.exit(f"{name}: differs by {error}")
    print(f"{name}: equal")


def refuses(part, *command):
    message = run(*command, fails=True)
    if part not in message:
        sys.exit(f"{' '.join(command)}: expected {part!r} in: {message}")


def evaluate(directory, entry, **inputs):
    """What the imported module says, without a program."""
    module, output = f"{directory}/module.mlir", f"{directory}/output.npy"
    run("tenonc", directory, "--no-tokenizer", "--emit=import", "-o", module)
    run("tenon-run", module, f"--weights={directory}", f"--entry={entry}", f"--output={output}", *(f"--input={name}={path}" for name, path in inputs.items()))
    return np.load(output)


def deit(directory, config, weights, image):
    """A second token in front of a ViT's, and two heads."""
    size = config["hidden_size"]
    config = {**config, "architectures": ["DeiTForImageClassificationWithTeacher"], "model_type": "deit"}
    weights = {name.replace("vit.", "deit."): array for name, array in weights.items() if not name.startswith("classifier")}
    weights["deit.embeddings.distillation_token"] = draw(1, 1, size)
    weights["deit.embeddings.position_embeddings"] = draw(1, 11, size)
    linear(weights, "cls_classifier", 3, size)
    linear(weights, "distillation_classifier", 3, size)
    write(directory, config, weights)
    np.save(f"{directory}/pixels.npy", image)
    reference = models.ViT(config, weights, np.float64)
    for entry, wanted in (("forward", reference.hidden(image)), ("classify", reference.classify(image))):
        close(f"DeiT's {entry}", evaluate(directory, entry, pixels=f"{directory}/pixels.npy"), wanted)


def heard(directory, config, weights, features):
    """Labels of speech, by Whisper's encoder alone."""
    config = {**config, "architectures": ["WhisperForAudioClassification"], "classifier_proj_size": 17, "id2label": {"0": "a", "1": "b", "2": "c"}}
    named = {name.removeprefix("model."): array for name, array in weights.items() if ".encoder." in name}
    linear(named, "projector", 17, config["d_model"])
    linear(named, "classifier", 3, 17)
    write(directory, config, named)
    reference = models.Whisper(config, weights | named, np.float64)
    close("labels of speech", evaluate(directory, "classify", features=features), reference.classify(np.load(features)))
    write(directory, {**config, "use_weighted_layer_sum": True}, named)
    refuses("labels of all layers' weighted sum are not supported", "tenonc", directory, "--no-tokenizer", "--emit=import")


def vit(directory):
    config = {"architectures": ["ViTForImageClassification"], "model_type": "vit", "hidden_size": 36, "num_attention_heads": 3,
              "num_hidden_layers": 2, "intermediate_size": 50, "image_size": 15, "patch_size": 5, "num_channels": 3,
              "layer_norm_eps": 1e-12, "hidden_act": "gelu", "id2label": {"0": "cat", "1": "dog", "2": "newt"}}
    weights, size = {}, config["hidden_size"]
    weights["vit.embeddings.cls_token"] = draw(1, 1, size)
    weights["vit.embeddings.position_embeddings"] = draw(1, 10, size)
    weights["vit.embeddings.patch_embeddings.projection.weight"] = draw(size, 3, 5, 5, scale=0.1)
    weights["vit.embeddings.patch_embeddings.projection.bias"] = draw(size)
    for i in range(config["num_hidden_layers"]):
        at = f"vit.encoder.layer.{i}."
        for name in ("attention.attention.query", "attention.attention.key", "attention.attention.value", "attention.output.dense"):
            linear(weights, at + name, size, size)
        linear(weights, at + "intermediate.dense", config["intermediate_size"], size)
        linear(weights, at + "output.dense", size, config["intermediate_size"])
        norm(weights, at + "layernorm_before", size)
        norm(weights, at + "layernorm_after", size)
    norm(weights, "vit.layernorm", size)
    linear(weights, "classifier", 3, size)
    write(directory, config, weights)
    with open(f"{directory}/preprocessor_config.json", "w") as file:
        file.write("{}")

    program, output, pixels = f"{directory}/program", f"{directory}/output.npy", f"{directory}/pixels.npy"
    note = subprocess.run(["tenonc", directory, "-o", program, "--quiet"], check=True, capture_output=True, text=True).stderr
    if "preprocessor_config.json: note: it is not read: the executable takes 'pixels'" not in note:
        sys.exit(f"no note on preprocessor_config.json: {note}")
    image = draw(3, 15, 15, scale=1.0)
    np.save(pixels, image)
    reference = models.ViT(config, weights, np.float64)
    for entry, wanted in (("forward", reference.hidden(image)), ("classify", reference.classify(image))):
        run(program, "run", entry, "--input", f"pixels={pixels}", "-o", output, "--threads", "2")
        close(entry, np.load(output), wanted)
    best = json.loads(run(program, "classify", "--input", f"pixels={pixels}", "--json"))
    scores = np.exp(wanted[0]) / np.exp(wanted[0]).sum()
    if best[0]["label"] != ("cat", "dog", "newt")[scores.argmax()] or abs(best[0]["score"] - scores.max()) > 1e-5:
        sys.exit(f"classify says {best} of {scores}")

    deit(directory + "-deit", config, weights, image)

    refuses("'classify' needs the input 'pixels', float32 [3, 15, 15]", program, "classify")
    np.save(output, image[:, :, :14])
    refuses("'pixels' is [3, 15, 14], but 'forward' needs [3, 15, 15]", program, "run", "forward", "--input", f"pixels={output}", "-o", "x.npy")
    np.save(output, image.astype(np.float16))
    refuses("its numbers are not float32", program, "classify", "--input", f"pixels={output}")
    image[1, 2, 3] = np.nan
    np.save(output, image)
    refuses("'pixels' has a number that is not finite, at [1, 2, 3]", program, "classify", "--input", f"pixels={output}")
    refuses("'classify' has no input 'image'", program, "classify", "--input", f"pixels={pixels}", "--input", f"image={pixels}")
    refuses("this model takes no text", program, "a cat")
    if "--input pixels=FILE.npy   pixels, float32 [3, 15, 15]" not in run(program, "--help"):
        sys.exit("--help doesn't say what the input is")


def whisper(directory):
    config = {"architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper", "vocab_size": 61, "d_model": 24,
              "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 3, "decoder_attention_heads": 2,
              "encoder_ffn_dim": 40, "decoder_ffn_dim": 36, "num_mel_bins": 5, "max_source_positions": 131,
              "max_target_positions": 32, "activation_function": "gelu", "decoder_start_token_id": 1, "eos_token_id": 2,
              "is_encoder_decoder": True, "tie_word_embeddings": True}
    weights, size = {}, config["d_model"]
    for i, channels in ((1, 5), (2, size)):
        weights[f"model.encoder.conv{i}.weight"] = draw(size, channels, 3, scale=(3 * channels) ** -0.5)
        weights[f"model.encoder.conv{i}.bias"] = draw(size, scale=0.1)
    for side, places in (("encoder", 131), ("decoder", 32)):
        weights[f"model.{side}.embed_positions.weight"] = draw(places, size, scale=0.5)
        for i in range(2):
            at = f"model.{side}.layers.{i}."
            for kind in ("self_attn", "encoder_attn")[: 2 if side == "decoder" else 1]:
                for name in "qkv":
                    linear(weights, f"{at}{kind}.{name}_proj", size, size, bias=name != "k")
                linear(weights, f"{at}{kind}.out_proj", size, size)
                norm(weights, f"{at}{kind}_layer_norm", size)
            linear(weights, at + "fc1", config[side + "_ffn_dim"], size)
            linear(weights, at + "fc2", size, config[side + "_ffn_dim"])
            norm(weights, at + "final_layer_norm", size)
        norm(weights, f"model.{side}.layer_norm", size)
    weights["model.decoder.embed_tokens.weight"] = draw(61, size, scale=1.0)
    write(directory, config, weights)
    generation = {"decoder_start_token_id": 1, "eos_token_id": 2, "forced_decoder_ids": [[1, 7], [2, 9]], "no_timestamps_token_id": 11,
                  "suppress_tokens": list(range(20, 40)), "begin_suppress_tokens": [2, 41]}
    with open(f"{directory}/generation_config.json", "w") as file:
        json.dump(generation, file)

    program, output, path = f"{directory}/program", f"{directory}/output.npy", f"{directory}/features.npy"
    run("tenonc", directory, "--no-tokenizer", "-o", program, "--max-sequences=2", "--quiet")
    features = draw(5, 262, scale=1.0)
    np.save(path, features)
    reference = models.Whisper(config, weights, np.float64)
    memory, tokens, source = reference.encode(features), [1, 7, 9, 50, 3, 17], ["--input", f"features={path}"]
    for command in (["run"], ["logits"], ["logits", "--decode"]):
        run(program, *command, *source, "--tokens", ",".join(map(str, tokens)), "-o", output)
        close(" ".join(command), np.load(output), reference.decode(tokens, memory), bound=5e-5)

    said, begin = [], [1, 7, 9, 11]
    while len(said) < 10 and 2 not in said:
        row = reference.decode(begin + said, memory)[-1]
        row[generation["suppress_tokens"]] = -np.inf
        if not said:
            row[generation["begin_suppress_tokens"]] = -np.inf
        said.append(int(row.argmax()))
    generate = [program, "generate", *source, "-n", "10", "--temperature", "0", "--print-tokens"]
    for beams in ([], ["--beams", "2", "--n-best", "2"]):
        lines = [[int(token) for token in line.split()] for line in run(*generate, *beams).splitlines()]
        if not beams and lines != [said]:
            sys.exit(f"generate says {lines}, not {said}")
        if any(set(line) & set(generation["suppress_tokens"]) for line in lines):
            sys.exit(f"suppressed tokens in {lines}")
    print("generate: equal")

    heard(directory + "-labels", config, weights, path)

    refuses("'forward' needs the input 'features', float32 [5, 262]", program, "generate", "--print-tokens")
    np.save(output, features[:, :261])
    refuses("'features' is [5, 261], but 'forward' needs [5, 262]", *generate[:2], "--input", f"features={output}", "--print-tokens")
    refuses("this model's source is no text", program, "generate", "a text")
    # Who speaks which language is for the user to say.
    generation.update({"forced_decoder_ids": [[1, None], [2, 9]], "lang_to_id": {"<|en|>": 7}})
    with open(f"{directory}/generation_config.json", "w") as file:
        json.dump(generation, file)
    run("tenonc", directory, "--no-tokenizer", "-o", program, "--quiet")
    refuses("the language is to be told from the source", *generate)
    run(*generate, "--tokens", "1,7,9,11")
    generation["return_timestamps"] = True
    with open(f"{directory}/generation_config.json", "w") as file:
        json.dump(generation, file)
    refuses("'return_timestamps' is", "tenonc", directory, "--no-tokenizer", "-o", program)


if __name__ == "__main__":
    {"vit": vit, "whisper": whisper}[sys.argv[1]](sys.argv[2])
