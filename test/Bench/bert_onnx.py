#!/usr/bin/env python3
"""Writes a BERT checkpoint (a directory in Hugging Face's layout) as an ONNX model of ONNX Runtime's fused operators:

    bert_onnx.py DIRECTORY MODEL.onnx [--int8] [--pooled]

What onnxruntime.transformers' optimizer makes of an export: Attention, SkipLayerNormalization and BiasGelu, and with
--int8 what its dynamic quantization makes of that: QAttention and MatMulIntegerToFloat, weights int8 with a scale per
column, activations uint8 with a scale per tensor. Input `tokens` [1, T] of int32, output `hidden` [T, hidden_size].
With --pooled it takes a batch of texts, `tokens` [B, T], padded behind their `lengths` [B], and has `pooled`
[B, 1, hidden_size], the sum of their rows times `shares` [B, 1, T]. Needs python3-onnx.
"""
import argparse
import json
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Reference"))
import tensors as checkpoints  # noqa: E402

MICROSOFT = "com.microsoft"


class Graph:
    """Nodes and constants; every method that adds a node returns the name of its result."""

    def __init__(self, int8):
        self.int8 = int8
        self.nodes = []
        self.constants = []
        self.count = 0
        self.quantized = {}

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, op, inputs, results=1, domain=MICROSOFT, **attributes):
        self.count += 1
        names = [f"v{self.count}_{i}" for i in range(results)]
        self.nodes.append(helper.make_node(op, inputs, names, domain=domain, **attributes))
        return names[0] if results == 1 else names

    def quantize(self, x):
        """Integers, scale and zero point of an activation, computed once."""
        if x not in self.quantized:
            self.quantized[x] = self.node("DynamicQuantizeLinear", [x], 3, domain="")
        return self.quantized[x]

    def weight(self, matrix):
        """int8 columns, their scales and zero points of [K, N]."""
        scale = np.maximum(np.abs(matrix).max(axis=0), 1e-30) / 127
        values = np.clip(np.rint(matrix / scale), -127, 127).astype(np.int8)
        return (self.constant(values), self.constant(scale.astype(np.float32)),
                self.constant(np.zeros(len(scale), np.int8)))

    def product(self, x, matrix, bias=None):
        """x times [K, N]; the bias is left to the reader of the result without --int8."""
        if not self.int8:
            return self.node("MatMul", [x, self.constant(matrix)], domain="")
        values, scale, point = self.quantize(x)
        weight, weight_scale, weight_point = self.weight(matrix)
        return self.node("MatMulIntegerToFloat", [values, weight, scale, weight_scale, point, weight_point, bias or ""])

    def attention(self, x, matrix, bias, heads, lengths):
        bias = self.constant(bias)
        if not self.int8:
            return self.node("Attention", [x, self.constant(matrix), bias, lengths], num_heads=heads)
        values, scale, point = self.quantize(x)
        weight, weight_scale, weight_point = self.weight(matrix)
        return self.node("QAttention", [values, weight, bias, scale, weight_scale, lengths, point, weight_point],
                         num_heads=heads)


def build(directory, int8, pooled):
    with open(os.path.join(directory, "config.json")) as file:
        config = json.load(file)
    weights = {name.removeprefix("bert."): np.asarray(array, np.float32)
               for name, array in checkpoints.read_directory(directory).items()}
    epsilon = config["layer_norm_eps"]
    g = Graph(int8)

    def norm(at):
        return [g.constant(weights[at + ".weight"]), g.constant(weights[at + ".bias"])]

    words, places, types = (g.constant(weights[f"embeddings.{name}_embeddings.weight"])
                            for name in ("word", "position", "token_type"))
    # The first row of types for every token, positions in order.
    zeros = g.node("Sub", ["tokens", "tokens"], domain="")
    x = g.node("EmbedLayerNormalization", ["tokens", zeros, words, places, types] + norm("embeddings.LayerNorm"), 2,
               epsilon=epsilon)[0]
    for i in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{i}."
        parts = [at + f"attention.self.{name}" for name in ("query", "key", "value")]
        a = g.attention(x, np.concatenate([weights[p + ".weight"] for p in parts]).T,
                        np.concatenate([weights[p + ".bias"] for p in parts]), config["num_attention_heads"],
                        "lengths" if pooled else "")

        def residual(y, part, normed):
            bias = g.constant(weights[at + part + ".bias"])
            y = g.product(y, weights[at + part + ".weight"].T)
            return g.node("SkipLayerNormalization", [y, x, *norm(at + normed), bias], epsilon=epsilon)

        x = residual(a, "attention.output.dense", "attention.output.LayerNorm")
        h = g.product(x, weights[at + "intermediate.dense.weight"].T)
        h = g.node("BiasGelu", [h, g.constant(weights[at + "intermediate.dense.bias"])])
        x = residual(h, "output.dense", "output.LayerNorm")
    def value(name, kind, shape):
        return helper.make_tensor_value_info(name, kind, shape)

    inputs = [value("tokens", TensorProto.INT32, ["B" if pooled else 1, "T"])]
    if pooled:
        inputs += [value("lengths", TensorProto.INT32, ["B"]), value("shares", TensorProto.FLOAT, ["B", 1, "T"])]
        g.nodes.append(helper.make_node("MatMul", ["shares", x], ["pooled"]))
        output = value("pooled", TensorProto.FLOAT, ["B", 1, config["hidden_size"]])
    else:
        g.nodes.append(helper.make_node("Squeeze", [x, g.constant(np.array([0], np.int64))], ["hidden"]))
        output = value("hidden", TensorProto.FLOAT, ["T", config["hidden_size"]])
    graph = helper.make_graph(g.nodes, "bert", inputs, [output], g.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid(MICROSOFT, 1)],
                             ir_version=8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("model")
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--pooled", action="store_true")
    options = parser.parse_args()
    onnx.save(build(options.directory, options.int8, options.pooled), options.model)


if __name__ == "__main__":
    main()
