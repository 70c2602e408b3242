#!/bin/sh
# build.sh MODEL.mlir CPU NAME: packed tensors to NAME.so and NAME.tiled.mlir.
# TARGET, if set, replaces the module's #tenon.target: "vector_bits registers extensions", those as avx2,fma.
set -e
here=$(dirname "$0")
if [ -n "$TARGET" ]; then
  set -- "$1" "$2" "$3" $TARGET
  extensions=$(echo "$6" | sed 's/[^,][^,]*/"&"/g; s/,/, /g')
  sed "s/vector_bits = [0-9]*, registers = [0-9]*/vector_bits = $4, registers = $5/; s/extensions = \[[^]]*\]/extensions = [$extensions]/" "$1" > "$3.in.mlir"
  set -- "$3.in.mlir" "$2" "$3"
fi
tenon-opt "$1" --tenon-tile-pipeline -o "$3.tiled.mlir"
tenon-opt "$3.tiled.mlir" --tenon-linear-to-vector --tenon-attention-to-vector --tenon-rows-to-vector \
  --tenon-unroll --tenon-unpack-to-vector --tenon-micro-to-x86 --tenon-micro-to-vector --tenon-llvm-pipeline -o "$3.llvm.mlir"
mlir-translate --mlir-to-llvmir --allow-unregistered-dialect "$3.llvm.mlir" -o "$3.ll"
clang -O1 -march="$2" -fPIC -shared -Wno-override-module "$3.ll" "$here/dispatch.c" -o "$3.so"
