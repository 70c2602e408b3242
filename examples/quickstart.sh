#!/usr/bin/env bash
# From a clean checkout to a story: installs what is missing (Debian 12), builds Tenon into build/, compiles the
# example model to a program and runs it.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/build tenonc tenon-opt tenon-run tenon-bench tenon-lsp-server

set -x
build/bin/tenonc examples/village -o build/village
build/village generate -p "" -n 300 --temperature 0
