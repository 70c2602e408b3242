"""add_sequences.py IN.mlir COUNT OUT.mlir: adds @decode_batch, which is @decode for a token of each of COUNT sequences."""
import re
import sys

source, count, result = sys.argv[1:]
text = open(source).read()
decode = text[text.index("  func.func @decode("):text.rindex("}")]
batch = decode.replace("@decode(", "@decode_batch(").replace("%position: index", f"%positions: tensor<{count}xi32>")
batch = batch.replace("tensor<1x", f"tensor<{count}x").replace("!cache", "!caches")
batch = re.sub(r"tensor<(\d+)x1x8xf32>", rf"tensor<\1x{count}x8xf32>", batch)
batch = re.sub(r"(tenon\.rope .* at )%position( : \(.*), index\)", rf"\1%positions\2, tensor<{count}xi32>)", batch)
batch = batch.replace("at %position ", f"at rows(%positions : tensor<{count}xi32>) ")
cache = re.search(r"!cache = (.*)>\n", text)
text = text.replace(cache[0], f"{cache[0]}!caches = {cache[1]}, sequences = {count}>\n")
with open(result, "w") as file:
    file.write(text[:text.rindex("}")] + "\n" + batch + "}\n")
