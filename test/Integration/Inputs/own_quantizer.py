#!/usr/bin/env python3
"""`tenonc --quantize` on a trained llama: its program's numbers and its quantizer's error.

  own_quantizer.py DIR int8|int4 [--activations=int8|int16]

The weights are read back from the executable, and models evaluated on them in f64, with and without rounding the inputs
of linears in groups of 32: to 8 bits, and the head's to 16, if nothing is asked for. Bounds, over rows of text that the
unquantized model says:

  * KL divergence of the next-token distribution from the evaluation that doesn't round: a median of 5e-4, for int8 a mean
    of that too, and a mean at most 1.25 times as large as that of numpy's own rounding. (On int4 weights numpy's mean is
    above 5e-4 on models as small as these.) With 16 bits everywhere: a mean of 1e-6, as for f32.
  * KL divergence from the evaluation that rounds: 1e-9 for the closest 2 % of the rows. The others come after a number
    that f32 and f64 round to different integers, and then many are; where the first such number is, is chance.
  * the same best token in 99 % of rows, leaving out those whose two best differ by less than 0.1;
  * every matrix against plain rounding to Q8_0 or Q4_0 (the value of greatest magnitude at the end of the range): a root
    mean square error at most 1.05 times as large; likewise the mean KL between models with these weights and those of the
    checkpoint.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Reference"))
import gguf  # noqa: E402
import held_weights  # noqa: E402
import models  # noqa: E402
import reference  # noqa: E402
import tensors  # noqa: E402

ROWS, TEXTS = 150, 2
CLOSE = 0.1


LARGEST = {"int8": 127, "int16": 127 * 128}


def grouped(x, precision):
    """Rows as the compiler's int8 groups hold them: groups of 32, scaled by the greatest magnitude."""
    padded = np.pad(x, ((0, 0), (0, -x.shape[1] % 32))).reshape(len(x), -1, 32)
    scale = np.abs(padded).max(2, keepdims=True) / LARGEST[precision]
    q = np.rint(np.divide(padded, scale, out=np.zeros_like(padded), where=scale > 0))
    return (q * scale).reshape(len(x), -1)[:, :x.shape[1]]


class RoundingLlama(models.Llama):
    """Inputs of linears rounded as `precision` says, those of the head, which reads the last norm, as `head` does."""
    precision, head = "int8", "int16"

    def linear(self, x, name):
        return super().linear(grouped(x, self.precision), name)

    def logits(self, tokens, cache=None):
        exact, norms = models.rms_norm, iter(range(2 * self.layers, -1, -1))

        def rms_norm(*args):
            return exact(*args) if next(norms) else grouped(exact(*args), self.head)

        models.rms_norm = rms_norm
        try:
            return super().logits(tokens, cache)
        finally:
            models.rms_norm = exact


def kl(wanted, got):
    p, q = models.softmax(wanted.astype(np.float64)), models.softmax(got.astype(np.float64))
    return (p * (np.log(p) - np.log(q))).sum(-1)


def sample(model, rng):
    """Tokens that the model itself says, from its beginning."""
    tokens, cache = [model.config["bos_token_id"]], model.new_cache()
    while len(tokens) < ROWS:
        p = models.softmax(model.logits(np.array(tokens[-1:]), cache)[-1])
        tokens.append(int(rng.choice(len(p), p=p / p.sum())))
    return np.array(tokens)


def main():
    directory, scheme, *options = sys.argv[1:]
    if options:
        RoundingLlama.precision = RoundingLlama.head = options[0].removeprefix("--activations=")
    is_fine = RoundingLlama.precision == "int16"
    original = reference.load(directory, np.float64)
    config, plain = original.config, tensors.read_directory(directory)
    with tempfile.TemporaryDirectory() as place:
        program = os.path.join(place, "program")
        subprocess.run(["tenonc", directory, f"--quantize={scheme}", "--kv-cache=f32", *options, "-o", program], check=True)
        held, types = held_weights.read(program)
        rng = np.random.default_rng(5)
        texts = [sample(original, rng) for _ in range(TEXTS)]
        got = []
        for tokens in texts:
            path = os.path.join(place, "logits.npy")
            subprocess.run([program, "logits", "--threads", "1", "--tokens", ",".join(map(str, tokens)), "--output", path], check=True)
            got.append(np.load(path))
    got = np.concatenate(got)

    # The checkpoint's matrices out of those that the compiler joined.
    names = {"block.wq.wk.wv": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"], "block.wo": ["self_attn.o_proj"],
             "block.w_gate.w_up": ["mlp.gate_proj", "mlp.up_proj"], "block.w_down": ["mlp.down_proj"]}
    stored, kinds = dict(plain), {}
    for name, layers in held.items():
        for i, matrix in enumerate(layers):
            parts = [f"model.layers.{i}.{part}.weight" for part in names[name]] if name in names else [
                "model.embed_tokens.weight" if name == "words" else "lm_head.weight"]
            rows = 0
            for part in parts:
                count = plain[part].shape[0]
                stored[part], kinds[part] = matrix[rows:rows + count], types[name]
                rows += count
            assert rows == len(matrix), (name, rows, matrix.shape)
    matrices = [n for n, t in plain.items() if t.ndim == 2]
    assert sorted(kinds) == sorted(matrices), set(matrices) ^ set(kinds)
    body = {kind for name, kind in kinds.items() if "layers" in name}
    assert body == {"q8_0" if scheme == "int8" else "q4_0"}, body

    rounded, worst = dict(plain), 0
    for name, kind in kinds.items():
        w = plain[name]
        padded = np.pad(w, ((0, 0), (0, -w.shape[1] % 32)))
        rounded[name] = gguf.dequantize(kind, gguf.quantize(kind, padded)).reshape(padded.shape)[:, :w.shape[1]]
        ratio = np.sqrt(np.square(stored[name] - w).sum() / np.square(rounded[name] - w).sum())
        worst = max(worst, ratio)
    logits = lambda weights, family=models.Llama: np.concatenate(
        [family(config, weights, np.float64).logits(tokens) for tokens in texts])
    wanted, exact, simple = logits(stored), logits(plain), logits(rounded)
    simulated = logits(stored, RoundingLlama)
    rows, numpys, alike = kl(wanted, got), kl(wanted, simulated), kl(simulated, got)
    gap = np.take_along_axis(wanted, wanted.argmax(-1)[:, None], -1) - np.take_along_axis(wanted, got.argmax(-1)[:, None], -1)
    same = np.mean(gap < CLOSE)
    ours, theirs = kl(exact, wanted).mean(), kl(exact, simple).mean()
    print(f"{scheme}: KL of a row: median {np.median(rows):.2e}, mean {rows.mean():.2e}, numpy's mean {numpys.mean():.2e}; "
          f"from numpy's, the closest 2 % {np.quantile(alike, 0.02):.0e}; best token the same in {same:.2%} of {len(rows)} rows; "
          f"root error up to {worst:.3f} of plain rounding's; KL of weights {ours:.3e}, of plain rounding {theirs:.3e}")
    problems = [text for text, bad in (
        ("KL", np.median(rows) > 5e-4 or rows.mean() > (1e-6 if is_fine else 5e-4 if scheme == "int8" else np.inf)),
        ("KL beside numpy's", not is_fine and rows.mean() > 1.25 * numpys.mean()),
        ("likeness to numpy's", np.quantile(alike, 0.02) > 1e-9), ("best token", same < 0.99),
        ("error of weights", worst > 1.05), ("KL of weights", ours > 1.05 * theirs)) if bad]
    sys.exit("out of bounds: " + ", ".join(problems) if problems else 0)


main()
