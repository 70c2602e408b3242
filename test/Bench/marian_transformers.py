"""Transformers' side of translation.py, in an environment that has it and PyTorch:

    marian_transformers.py make DIRECTORY                   a Marian-base shape with random weights
    marian_transformers.py run DIRECTORY SOURCES.json --beams N --length N --threads N --repetitions N

`run` translates all sources of the list in one batch, after a run to warm up, and prints as JSON the seconds of each
repetition, by the clock and of the processor, and the ids of the best results without the start token.
"""
import argparse
import json
import time

import torch
from transformers import MarianConfig, MarianMTModel


def make(options):
    torch.manual_seed(1)
    config = MarianConfig(vocab_size=58101, d_model=512, encoder_layers=6, decoder_layers=6, encoder_attention_heads=8,
                          decoder_attention_heads=8, encoder_ffn_dim=2048, decoder_ffn_dim=2048,
                          max_position_embeddings=512, activation_function="swish", scale_embedding=True,
                          pad_token_id=58100, eos_token_id=0, decoder_start_token_id=58100, forced_eos_token_id=None)
    MarianMTModel(config).save_pretrained(options.directory)


def translate(options):
    torch.set_num_threads(options.threads)
    model = MarianMTModel.from_pretrained(options.directory, dtype=torch.float32).eval()
    with open(options.sources) as file:
        sources = torch.tensor(json.load(file))
    seconds, processor = [], []
    with torch.inference_mode():
        for repetition in range(-1, options.repetitions):
            start, before = time.perf_counter(), time.process_time()
            made = model.generate(input_ids=sources, attention_mask=torch.ones_like(sources), do_sample=False,
                                  num_beams=options.beams, max_new_tokens=options.length,
                                  min_new_tokens=options.length)
            if repetition >= 0:
                seconds.append(time.perf_counter() - start)
                processor.append(time.process_time() - before)
    print(json.dumps({"seconds": seconds, "processor": processor, "tokens": made[:, 1:].tolist()}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    maker = commands.add_parser("make")
    maker.set_defaults(act=make)
    runner = commands.add_parser("run")
    runner.set_defaults(act=translate)
    for command in (maker, runner):
        command.add_argument("directory")
    runner.add_argument("sources")
    for name, default in (("beams", 1), ("length", 32), ("threads", 1), ("repetitions", 1)):
        runner.add_argument("--" + name, type=int, default=default)
    options = parser.parse_args()
    options.act(options)


main()
