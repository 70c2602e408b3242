"""Items 20 and 21: descriptions. language.py DIRECTORY"""

import os
import sys

from bad import Bad

bad = Bad(sys.argv[1])

MODEL = """model m {
  param vocab, width : int
  %s
  weight embed : [vocab, width] = "embed"
  weight w     : [width, width] = "w"
  def forward(tokens : [T] of token) -> [T, width] {
    %s
  }
}
"""


def refuse(what, source, pattern):
    path = bad.write("x.tenon", source)
    bad.check(what, ["tenonc", path, "--check"], r"x\.tenon:[0-9]+:[0-9]+: error: " + pattern, size=len(source))


def body(what, text, pattern):
    refuse(what, MODEL % ("", text), pattern)


def declaration(what, text, pattern):
    refuse(what, MODEL % (text, "linear(embedding(tokens, embed), w)"), pattern)


def bound(what, text, pattern, config='{"vocab": 64, "width": 32, "n": 4611686018427387904}'):
    """What only the numbers of a configuration show."""
    path = bad.write("x.tenon", MODEL % (text, "linear(embedding(tokens, embed), w)"))
    bad.check(what, ["tenonc", path, "--check", "--checkpoint", bad.write("c/config.json", config)], "error: " + pattern)


# 20: names, arity, shapes: the caret under the place, both shapes, a note at the declaration.
body("20 name", "linear(embedding(tokens, embed), v)", r"unknown name 'v'[^\n]*\n[^\n]*\n +\^")
body("20 operation", "linaer(embedding(tokens, embed), w)", r"unknown operation 'linaer'; did you mean 'linear'\?")
body("20 arity", "linear(w)", r".*\n[^\n]*\n +\^")
body("20 shape", "linear(tokens, w)", r".*\n[^\n]*\n +\^")
body("20 result", "let x = embedding(tokens, embed)\n    transpose(x)", r".*\[T, width\](.|\n)*note: ")
# 21: numbers, loops, nesting, sizes.
bound("21 overflow", "param n : int\n  let big = n * n", ".*")
bound("21 dimension", "param n : int\n  weight v : [n, n] = \"v\"", ".*")
bound("21 division", "param n : int = 0\n  let q = width / n", ".*", config='{"vocab": 64, "width": 32}')
bound("21 layers", "layer block[i < 1000000000] = \"l.{i}\" {\n"
      "    weight a : [width] = \".a\"\n    def (x : [T, width]) -> [T, width] { x * a }\n  }", ".*1000000000")
declaration("21 recursion", "let a = b\n  let b = a", ".*")
body("21 parentheses", "(" * 10_000 + "w" + ")" * 10_000, ".*nest")
body("21 long sum", "1" + " + 1" * 200_000, ".*")
refuse("21 NUL", MODEL.replace("width", "wi\0dth", 1) % ("", "w"), ".*")
refuse("21 escape", MODEL % ("", "\x1b[2J"), ".*")
refuse("21 long line", "model m { " + "param a : int " * 60_000 + "}", ".*")
refuse("21 empty", "", ".*")
path = bad.write("x.tenon", "")
with open(path, "wb") as file:
    for _ in range(100):  # a line of 100 MB
        file.write(b"/" * 1_000_000)
bad.check("21 large", ["tenonc", path, "--check"], r"x\.tenon: error: .*larger")
os.remove(path)
bad.check("21 endless", ["tenonc", "/dev/zero", "--check"], "error: ", memory=True)
bad.finish()
