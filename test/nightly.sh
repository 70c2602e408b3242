#!/usr/bin/env bash
# What CI has no time for; packages as for test/run.sh, and libclang-rt-22-dev.
#   test/nightly.sh fuzz [SECONDS] [TARGET...]    each fuzz target for so long (600), under ASan and UBSan
#   test/nightly.sh sanitize [address,undefined|thread]...    the unit tests of parsers and runtime under sanitizers, and programs
#                                     on several threads whose runtime is built with them: generation, batches, beams,
#                                     a training; needs build
#   test/nightly.sh coverage [FLOOR]  branches of parsers and runtime that their unit tests and the fuzzers' corpora take, in
#                                     percent; fails below FLOOR
#   test/nightly.sh faults     every call of the system fails, one after the other (test/Faults)
#   test/nightly.sh programs [COUNT] [SEED] [OPTION...]  random models against double precision (1000, by the date); with
#                                     --passes-only the passes on tensors alone, eight times as many in a time. Needs build
#   test/nightly.sh bounds     models of every family and format with --check-bounds; needs build
#   test/nightly.sh matrix [VARIANT...]  every shape of the kernels' matrix: avx512-vnni, avx512, avx2-vnni, avx2, sse42, sse2;
#                                     variants that this CPU has not are skipped, saying so. Needs build
#   test/nightly.sh aarch64 [CPU...]  integration tests compiled for AArch64, emulated: on max, neoverse-n1, cortex-a72; needs build,
#                                     fetches libraries into it. Tests of x86's own kernels are left out.
#   test/nightly.sh            all of it
# Builds into build-fuzz and build-SANITIZERS beside build, which faults and programs need. Inputs that a fuzzer finds
# interesting are kept in build-fuzz/corpus; one that fails is in build-fuzz/failures and belongs into test/Fuzz/Corpus once it
# is mended. Programs that fail are in build/random-programs, reduced.
set -uo pipefail
cd "$(dirname "$0")/.."
jobs=${TENON_JOBS:-$(nproc)}
failed=0

runtime=$(clang++-22 -print-runtime-dir 2>/dev/null)
if [[ ${1:-all} =~ ^(fuzz|sanitize|coverage|all)$ && ! -d $runtime && -z $(compgen -G "${runtime%/*}/linux/libclang_rt.*") ]]; then
  echo "error: clang has no sanitizers here: install libclang-rt-22-dev" >&2
  exit 1
fi

fuzz() {
  local seconds=${1:-600}
  shift || true
  local targets=("$@")
  ((${#targets[@]})) || mapfile -t targets < <(sed -n 's/^tenon_fuzz_target(\([A-Za-z]*\).*/\1/p' test/Fuzz/CMakeLists.txt)
  cmake -G Ninja -S . -B build-fuzz -DTENON_FUZZ=ON -DTENON_SANITIZE=address,undefined,fuzzer-no-link >/dev/null &&
    ninja -C build-fuzz -j"$jobs" "${targets[@]}" || return 1
  mkdir -p build-fuzz/failures
  for target in "${targets[@]}"; do
    local seeds=("test/Fuzz/Corpus/$target")
    [[ $target == FuzzLanguage ]] && seeds+=(lib/Models)
    mkdir -p "build-fuzz/corpus/$target"
    # Slower than a second or above 512 MiB is a fault, too.
    if ! "build-fuzz/bin/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=512 \
      -report_slow_units=1 -print_final_stats=1 -artifact_prefix="build-fuzz/failures/$target-" "build-fuzz/corpus/$target" \
      "${seeds[@]}" >"build-fuzz/$target.log" 2>&1; then
      failed=1
      tail -n 40 "build-fuzz/$target.log"
    fi
    printf '%s: %s inputs, slowest %s s, %s MiB\n' "$target" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "build-fuzz/$target.log")" \
      "$(sed -n 's/^stat::slowest_unit_time_sec: *//p' "build-fuzz/$target.log")" \
      "$(sed -n 's/^stat::peak_rss_mb: *//p' "build-fuzz/$target.log")"
  done
}

tests=(TenonSupportTests TenonTokenizerTests TenonTemplateTests TenonCheckpointTests LanguageTests TenonRuntimeTests)

sanitize() {
  for sanitizers in "$@"; do
    cmake -G Ninja -S . -B "build-$sanitizers" -DTENON_SANITIZE="$sanitizers" >/dev/null &&
      ninja -C "build-$sanitizers" -j"$jobs" "${tests[@]}" || return 1
    ctest --test-dir "build-$sanitizers" --output-on-failure -R "^unit-($(IFS='|'; echo "${tests[*]}"))\$" || failed=1
    run_sanitized "$sanitizers" || failed=1
  done
}

# What a compiler links is beside it, and clang takes more options from the environment.
run_sanitized() {
  local build="$PWD/build-$1" out="$PWD/build-$1/programs" number=0
  ninja -C "$build" -j"$jobs" TenonRuntimeMain && mkdir -p "$build/bin" && cp build/bin/tenonc "$build/bin/" || return 1
  rm -rf "$out" && mkdir "$out" || return 1
  compile() {
    CCC_OVERRIDE_OPTIONS="+-fsanitize=$1" "$build/bin/tenonc" examples/village -O1 --quiet "${@:2}"
  }
  compile "$1" --max-sequences=3 -o "$out/village" && compile "$1" --train -o "$out/trainer" || return 1
  printf 'One winter morning\nThe old miller\nA boat\nThe river\n\nIn the village\n' >"$out/texts.txt"
  check() {
    number=$((number + 1))
    echo "$*"
    TSAN_OPTIONS=halt_on_error=1 "$@" >"$out/$number.txt" 2>"$out/$number.log" </dev/null || { tail -n 60 "$out/$number.log"; false; }
  }
  check "$out/village" generate -p "One winter morning" -n 40 --threads 3 &&
    check "$out/village" generate --prompts "$out/texts.txt" -n 20 --sequences 3 --threads 2 --temperature 0 &&
    check "$out/village" generate --prompts "$out/texts.txt" -n 20 --sequences 1 --threads 1 --temperature 0 &&
    cmp "$out/2.txt" "$out/3.txt" &&
    check "$out/village" generate -p "The old miller" -n 12 --beams 3 --threads 4 &&
    check "$out/village" score "$out/texts.txt" --threads 2 &&
    check "$out/village" bench --prompt-tokens 40 --gen-tokens 8 --repetitions 3 --threads 4 --json &&
    check "$out/trainer" train --data "$out/texts.txt" --steps 3 --batch 2 --length 32 --threads 3 --quiet -o "$out/run" &&
    check "$out/trainer" train --resume "$out/run" --steps 4 --threads 2 --quiet &&
    check "$out/trainer" generate --from "$out/run" -p "A boat" -n 8 --threads 2
}

coverage() {
  local floor=${1:-0} build=build-coverage bin programs=() targets directory
  bin=$(llvm-config-22 --bindir)
  mapfile -t targets < <(sed -n 's/^tenon_fuzz_target(\([A-Za-z]*\).*/\1/p' test/Fuzz/CMakeLists.txt)
  cmake -G Ninja -S . -B "$build" -DTENON_COVERAGE=ON >/dev/null && ninja -C "$build" -j"$jobs" "${tests[@]}" "${targets[@]}" || return 1
  rm -rf "$build/profiles"
  LLVM_PROFILE_FILE="$PWD/$build/profiles/%p.profraw" \
    ctest --test-dir "$build" --output-on-failure -R "^(unit-($(IFS='|'; echo "${tests[*]}"))|Fuzz.*)\$" || failed=1
  "$bin/llvm-profdata" merge -sparse "$build"/profiles/*.profraw -o "$build/profile" || return 1
  mapfile -t programs < <(find "$build" -type f -executable \( -name '*Tests' -o -name 'Fuzz*' -o -name fake-program \) -printf '-object=%p\n')
  "$bin/llvm-cov" export -summary-only -instr-profile="$build/profile" "${programs[0]#-object=}" "${programs[@]:1}" >"$build/coverage.json" &&
    python3 -c 'import collections, json, re, sys
taken, all = collections.Counter(), collections.Counter()
for file in json.load(open(sys.argv[1]))["data"][0]["files"]:
    part = re.search(r"/lib/(Support|Language|Checkpoint|Template|Tokenizer|Runtime)/", file["filename"])
    for name in [part[1], "all of them"] if part else []:
        taken[name] += file["summary"]["branches"]["covered"]
        all[name] += file["summary"]["branches"]["count"]
for name in all:
    print("%s: %d of %d branches, %.1f %%" % (name, taken[name], all[name], 100 * taken[name] / all[name]))
sys.exit(100 * taken["all of them"] < float(sys.argv[2]) * all["all of them"])' "$build/coverage.json" "$floor" || failed=1
}

faults() {
  TENON_FAULTS=all ctest --test-dir build --output-on-failure -R '^lit-Faults$' || failed=1
}

programs() {
  local count=${1:-1000} seed=${2:-$(date +%y%m%d)0000} python
  python=$(sed -n 's/^TENON_PYTHON:[A-Z]*=//p' build/CMakeCache.txt)
  PATH="$PWD/build/bin:$PATH" OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 "$python" test/Evaluate/Inputs/random_programs.py \
    build/random-programs --count "$count" --seed "$seed" --jobs "$jobs" "${@:3}" || failed=1
}

bounds() {
  local lit
  lit=$(sed -n 's/^TENON_LIT:[A-Z]*=//p' build/CMakeCache.txt)
  "$lit" -s build/test --param check_bounds=1 \
    --filter 'Integration/(Families|mixtures|layer-kinds|gguf-formats|kv-cache|sequences|quantize-int)' || failed=1
}

matrix() {
  local variants=("$@") python part
  ((${#variants[@]})) || variants=(avx512-vnni avx512 avx2-vnni avx2 sse42 sse2)
  python=$(sed -n 's/^TENON_PYTHON:[A-Z]*=//p' build/CMakeCache.txt)
  for variant in "${variants[@]}"; do
    for part in 1/4 2/4 3/4 4/4; do
      PATH="$PWD/build/bin:$(llvm-config-22 --bindir):$PATH" OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1 \
        "$python" test/Conversion/Matrix/Inputs/matrix.py "$variant" --part "$part" || failed=1
    done
  done
}

aarch64() {
  local cpus=("$@") lit
  ((${#cpus[@]})) || cpus=(max neoverse-n1 cortex-a72)
  lit=$(sed -n 's/^TENON_LIT:[A-Z]*=//p' build/CMakeCache.txt)
  tools/setup-aarch64.sh && cmake -S . -B build >/dev/null && ninja -C build runtime-aarch64-linux-gnu || return 1
  for cpu in "${cpus[@]}"; do
    echo "AArch64, $cpu:"
    "$lit" -s --param "aarch64=$cpu" -j"$jobs" --timeout 1200 --filter-out 'avx|sse|other-cpus|several-variants|portable-kernels' \
      build/test/Integration || failed=1
  done
}

case ${1:-all} in
aarch64) aarch64 "${@:2}" ;;
matrix) matrix "${@:2}" ;;
fuzz) fuzz "${@:2}" || failed=1 ;;
sanitize) sanitize "${@:2}" || failed=1 ;;
coverage) coverage "${@:2}" ;;
faults) faults ;;
programs) programs "${@:2}" ;;
bounds) bounds ;;
all)
  fuzz || failed=1
  sanitize address,undefined thread || failed=1
  coverage 74
  faults
  programs
  bounds
  matrix
  aarch64
  ;;
*)
  sed -n '2,21s/^# \{0,1\}//p' "$0"
  exit 2
  ;;
esac
exit "$failed"
