"""Tiny tokenizer.json documents, one kind for each family, of at most a given number of tokens."""
import string

LETTERS = string.ascii_lowercase + string.ascii_uppercase + string.digits + ".,!?'\"-:;()"
WORDS = ["the", "and", "in", "on", "er", "ing", "an", "re", "or", "st", "to", "he", "is", "ou", "it", "ed"]


def added(names):
    return [{"id": i, "content": name, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": True} for i, name in names]


def merges_of(words, prefix=""):
    """Merges that build the words letter by letter, and the pieces they make."""
    merges, made = [], []
    for word in words:
        symbols = ([prefix] if prefix else []) + list(word)
        left = symbols[0]
        for right in symbols[1:]:
            if [left, right] not in merges:
                merges.append([left, right])
                made.append(left + right)
            left += right
    return merges, list(dict.fromkeys(made))


def template(first, last=None):
    def special(token, type_id=0):
        return {"SpecialToken": {"id": token[0], "type_id": type_id}}
    single = [special(first), {"Sequence": {"id": "A", "type_id": 0}}] + ([special(last)] if last else [])
    pair = single + ([] if last else [special(first, 1)]) + [{"Sequence": {"id": "B", "type_id": 1}}]
    pair += [special(last, 1)] if last else []
    return {"type": "TemplateProcessing", "single": single, "pair": pair,
            "special_tokens": {t[0]: {"id": t[0], "ids": [t[1]], "tokens": [t[0]]} for t in (first, last) if t}}


def bpe(vocab, merges, **options):
    return {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {piece: i for i, piece in enumerate(vocab)}, "merges": merges, **options}


def document(model, **parts):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
            "pre_tokenizer": None, "post_processor": None, "decoder": None, **parts, "model": model}


def fit(base, merges, made, size):
    """The base pieces and as many made ones as fit, with only the merges whose parts and result are there."""
    vocab = (base + [piece for piece in made if piece not in base])[:size]
    return vocab, [m for m in merges if {m[0], m[1], m[0] + m[1]} <= set(vocab)]


def llama(size):
    base = ["<unk>", "<s>", "</s>"]
    fallback = size >= 3 + 256 + len(LETTERS) + 1
    base += [f"<0x{byte:02X}>" for byte in range(256)] if fallback else []
    vocab, merges = fit(base + ["▁"] + list(LETTERS), *merges_of(WORDS, "▁"), size)
    return document(
        bpe(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=fallback),
        added_tokens=added(enumerate(base[:3])), post_processor=template(("<s>", 1)),
        normalizer={"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                                                        {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        decoder={"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                                                  {"type": "ByteFallback"}, {"type": "Fuse"},
                                                  {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})


def byte_letters():
    """GPT-2's printable stand-ins for the 256 bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]


def gpt2(size):
    merges, made = merges_of(WORDS, "Ġ")
    vocab, merges = fit(byte_letters()[:size - 1], merges, made, size - 1)
    vocab.append("<|endoftext|>")
    return document(bpe(vocab, merges), added_tokens=added([(len(vocab) - 1, "<|endoftext|>")]),
                    pre_tokenizer={"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
                    decoder={"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True})


def bert(size):
    base = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    small = LETTERS[:26] + LETTERS[52:]
    vocab = (base + list(small) + ["##" + letter for letter in small[:26]] + WORDS + ["##" + word for word in WORDS])[:size]
    model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
             "vocab": {piece: i for i, piece in enumerate(dict.fromkeys(vocab))}}
    return document(model, added_tokens=added(enumerate(base)), post_processor=template(("[CLS]", 2), ("[SEP]", 3)),
                    normalizer={"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                                "strip_accents": None, "lowercase": True},
                    pre_tokenizer={"type": "BertPreTokenizer"},
                    decoder={"type": "WordPiece", "prefix": "##", "cleanup": True})
