#!/usr/bin/env python3
"""Trains encoders and encoder-decoders for eight steps and compares losses and norms with PyTorch's.

  training_objectives.py FAMILIES NAME...

As training_losses.py does for decoders; the bounds are the same. Words to guess: token 5 hides them, and which they are
is Masking.cpp's formula, by which PyTorch got the same. Labels: (3 i + 1) mod the number of classes for token i, none for
every fifth; the last class for a text. Pairs: the source, and the first eleven of the target and the source.
"""
import filecmp
import json
import os
import sys
import tempfile

import numpy as np

from training_losses import run

# What is learned, losses before each step, and the gradient's norms.
EXPECTED = {
    "albert-AlbertForMaskedLM": ("masked",
        [5.3956032, 8.2966232, 7.1910772, 4.7967801, 7.6326952, 5.21808, 8.3014545, 6.0611525],
        [29.391407, 55.13134, 61.3629036, 49.9578705, 53.2858658, 28.8174229, 87.7015457, 54.078392]),
    "bart": ("sequence",
        [13.1432915, 11.3797331, 9.1742792, 7.5203481, 6.92273, 6.5853229, 6.2165751, 5.8448644],
        [73.1738358, 43.7671661, 34.7601891, 16.1392994, 12.1030579, 12.6263199, 11.3294811, 9.7701492]),
    "bert-BertForMaskedLM": ("masked",
        [14.1499958, 8.6632824, 7.0029602, 7.7172465, 8.5606422, 4.8681922, 8.2867985, 10.1244526],
        [65.4553528, 88.4295654, 64.4653168, 78.5156937, 29.3156071, 41.9576569, 42.4905777, 38.9050255]),
    "bert-BertForSequenceClassification": ("classes",
        [0.7298626, 0.2872462, 0.1910915, 0.1073265, 0.0552455, 0.0363665, 0.0322383, 0.0330602],
        [15.693491, 3.1344573, 2.7186494, 2.0369968, 0.9573222, 0.4768406, 0.4800982, 0.6323534]),
    "bert-BertForTokenClassification": ("tags",
        [3.8029716, 1.5831646, 0.5242274, 0.2087587, 0.1068646, 0.0651933, 0.0446154, 0.0329913],
        [29.0528812, 20.5836468, 7.8308153, 2.9710968, 1.4254446, 0.8272763, 0.5463936, 0.3941478]),
    "deberta_v2-DebertaV2ForSequenceClassification": ("classes",
        [0.7956723, 0.4206346, 0.267352, 0.1946408, 0.1506889, 0.1175626, 0.0926848, 0.0751782],
        [6.8974805, 3.6674712, 2.3617253, 1.8530138, 1.5406691, 1.2151247, 0.9350854, 0.7508805]),
    "distilbert-DistilBertForMaskedLM": ("masked",
        [4.52108, 7.7592669, 8.1039009, 8.0393181, 6.4385252, 8.4692993, 10.162015, 4.3985157],
        [46.9506874, 36.2288971, 66.4234619, 80.6153183, 28.0240326, 27.7457333, 46.3852501, 50.1194229]),
    "distilbert-DistilBertForSequenceClassification": ("classes",
        [1.6999631, 0.6980692, 0.4491012, 0.379805, 0.3202601, 0.2699744, 0.2242407, 0.1865031],
        [13.7779989, 8.231514, 4.5451174, 3.2615166, 2.6944392, 2.2633097, 1.9131113, 1.6078236]),
    "electra-ElectraForTokenClassification": ("tags",
        [1.8678578, 1.5215102, 1.3246144, 1.1746358, 1.068277, 0.9765047, 0.8635045, 0.7440353],
        [5.6126518, 4.9511647, 4.0993533, 2.9360812, 2.742322, 3.3154449, 3.104594, 3.406194]),
    "m2m_100": ("sequence",
        [15.4903927, 14.4180059, 13.3547573, 12.3189993, 11.338027, 10.4162979, 9.5529165, 8.7492399],
        [8.7816076, 8.8335238, 8.7126045, 8.4817944, 8.0723038, 7.7294192, 7.3396072, 6.92663]),
    "marian": ("sequence",
        [8.9200487, 6.3073196, 5.0402932, 4.214819, 3.7981882, 3.2692878, 2.8336182, 2.5147064],
        [50.6450233, 24.143692, 21.0943241, 11.8901892, 17.8981419, 12.4777861, 8.3639164, 8.1245108]),
    "mbart": ("sequence",
        [9.9919863, 7.6319547, 6.4913006, 5.7475305, 5.0789814, 4.4670095, 3.9429662, 3.4980688],
        [21.2572403, 13.9390678, 10.1817312, 9.9347773, 9.1259785, 7.9050841, 7.0878477, 6.8967791]),
    "modernbert-ModernBertForMaskedLM": ("masked",
        [9.0465069, 8.3655005, 8.5120859, 11.0255146, 12.5337181, 8.3538895, 6.452384, 10.7939701],
        [86.8084564, 123.9972992, 86.1511917, 107.3618011, 88.1684341, 77.9762192, 61.0334969, 68.1703491]),
    "modernbert-ModernBertForSequenceClassification": ("classes",
        [0.7374395, 0.1762811, 0.0711608, 0.0370256, 0.0231872, 0.0165999, 0.0130884, 0.0110423],
        [16.0413303, 3.8077171, 1.4077548, 0.641907, 0.3568595, 0.2317133, 0.1706574, 0.1382096]),
    "mpnet-MPNetForMaskedLM": ("masked",
        [6.8789048, 6.6171327, 5.1078224, 10.7702532, 3.9638445, 7.2336669, 9.2047367, 10.2542095],
        [47.0005722, 50.372242, 59.1082802, 66.230545, 25.5031223, 43.7485046, 67.2694016, 38.256115]),
    "mt5": ("sequence",
        [9.5782948, 5.8590469, 4.6485763, 3.3273523, 2.4498956, 1.6758236, 1.1313227, 0.7313646],
        [75.0848389, 58.3762398, 49.3470726, 29.5117702, 32.9769058, 25.4507103, 19.9852886, 14.7023458]),
    "pegasus": ("sequence",
        [9.5321274, 7.2809749, 5.8124208, 4.9364958, 4.3450279, 3.7742174, 3.1996508, 2.6658716],
        [24.7341881, 18.8383656, 13.8941841, 10.8441887, 10.8787832, 10.3170643, 9.08428, 7.932323]),
    "roberta-RobertaForMaskedLM": ("masked",
        [13.0608702, 5.3174291, 5.4289417, 13.8367662, 6.1692414, 8.7375984, 7.3580294, 5.5262475],
        [42.9081497, 35.410183, 64.394577, 54.35812, 34.5720482, 29.392498, 39.8069077, 52.8186302]),
    "roberta-RobertaForSequenceClassification": ("classes",
        [2.6683271, 1.5304017, 0.6345823, 0.3356842, 0.2387665, 0.1783805, 0.13782, 0.1106207],
        [12.1566277, 16.0262203, 8.1669292, 4.0570807, 3.2699051, 2.3632596, 1.6685499, 1.2079531]),
    "t5": ("sequence",
        [4.7921162, 4.3326831, 3.994401, 3.7562158, 3.5469499, 3.4231169, 3.2517288, 3.139689],
        [17.7971745, 6.5543752, 5.1893477, 9.2880487, 6.6242299, 11.9076834, 4.6591601, 3.7638814]),
    "xlm_roberta-XLMRobertaForSequenceClassification": ("classes",
        [1.5252683, 0.0718797, 0.0543263, 0.1681082, 0.1477956, 0.0714749, 0.0141918, 0.0005592],
        [38.9813004, 6.084003, 4.6419206, 7.7437482, 6.9494548, 4.6302056, 1.9802395, 0.3792276]),
}


def write_data(place, kind, expected, classes):
    tokens = (expected.get("tokens") or expected["target"])[:24]
    if kind == "masked":
        np.array(tokens, "<u2").tofile(place + ".bin")
        return place + ".bin"
    line = {"tokens": tokens}
    if kind == "tags":
        line["labels"] = [(3 * i + 1) % classes if i % 5 else -100 for i in range(len(tokens))]
    elif kind == "classes":
        line["label"] = classes - 1
    else:
        line = {"source": expected["source"], "target": (tokens + expected["source"])[:11]}
    with open(place + ".jsonl", "w", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return place + ".jsonl"


def check_spans(program, expected, place):
    """Spans of texts are learned, the same ones when a training goes on, also where two processes share out its steps."""
    data = os.path.join(place, "spans.bin")
    np.array(expected["source"] * 4, "<u2").tofile(data)
    train = [program, "train", "--data", data, "--objective", "span:0.3:2", "--sentinel", "90", "--length", "12", "--batch",
             "2", "--schedule", "constant", "--warmup", "0", "--quiet"]
    whole, parts = os.path.join(place, "whole"), os.path.join(place, "parts")
    run(*train, "--steps", "4", "-o", whole)
    run(*train, "--steps", "2", "-o", parts)
    run(program, "train", "--resume", parts, "--steps", "4", "--processes", "2", "--quiet")
    if not filecmp.cmp(f"{whole}/model.safetensors", f"{parts}/model.safetensors", shallow=False):
        sys.exit("spans differ when a training goes on")
    run(program, "eval", "--data", data, "--objective", "span", "--sentinel", "90", "--length", "12", "--from", whole)


def check(families, name, place):
    kind, losses, norms = EXPECTED[name]
    source = os.path.join(families, name)
    program, out = os.path.join(place, name + ".exe"), os.path.join(place, name + ".run")
    with open(os.path.join(source, "expected.json"), encoding="utf-8") as file:
        expected = json.load(file)
    with open(os.path.join(source, "config.json"), encoding="utf-8") as file:
        classes = len(json.load(file).get("id2label", {0: 0, 1: 1}))
    data = write_data(os.path.join(place, name), kind, expected, classes)
    run("tenonc", source, "--train", "-O0", "-o", program, "--no-tokenizer")
    run(program, "train", "--data", data, "--objective", kind, "--batch", "1", "--length", "24", "--steps", "8", "--rate",
        "1e-3", "--schedule", "constant", "--warmup", "0", "--weight-decay", "0", "--clip", "0", "--shuffle", "off",
        "--mask-token", "5", "-o", out, "--quiet")
    with open(os.path.join(out, "log.jsonl"), encoding="utf-8") as file:
        log = [json.loads(line) for line in file]
    for key, wanted, bound in (("loss", losses, 2e-5), ("gradient_norm", norms, 1e-4)):
        got = [line[key] for line in log]
        error = max(abs(g - w) / w for g, w in zip(got, wanted, strict=True))
        print(f"{name}: {kind}: {key} off by {error:.1e}", flush=True)
        if not error < bound:
            sys.exit(f"{name}: {key} {got}, expected {wanted}")
    if name == "mt5":
        check_spans(program, expected, place)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        for name in sys.argv[2:]:
            check(sys.argv[1], name, place)
