"""SentencePiece-style BPE of a tokenizer.json, for prompts and for printing: naive on purpose."""
import json
import re


class Pieces:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        model = document["model"]
        self.ids = model["vocab"]
        self.names = {i: piece for piece, i in self.ids.items()}
        pairs = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]
        self.ranks = {pair: rank for rank, pair in enumerate(pairs)}
        self.special = {token["id"] for token in document["added_tokens"] if token["special"]}

    def encode(self, text):
        """Without BOS: the whole text is one word whose best pair is merged until none is left."""
        parts = list("▁" + text.replace(" ", "▁")) if text else []
        while len(parts) > 1:
            rank, i = min((self.ranks.get(pair, 1 << 30), i) for i, pair in enumerate(zip(parts, parts[1:])))
            if rank == 1 << 30:
                break
            parts[i:i + 2] = [parts[i] + parts[i + 1]]
        ids = []
        for part in parts:
            ids += [self.ids[part]] if part in self.ids else [self.ids[f"<0x{byte:02X}>"] for byte in part.encode()]
        return ids

    def decode(self, ids):
        out = b""
        for i in ids:
            if i in self.special:
                continue
            byte = re.fullmatch(r"<0x([0-9A-F]{2})>", self.names[i])
            out += bytes([int(byte[1], 16)]) if byte else self.names[i].replace("▁", " ").encode()
        return out.decode(errors="replace").removeprefix(" ")
