#!/usr/bin/env bash
# Builds Tenon and runs all its tests; packages that are missing are installed first (Debian 12).
#   test/run.sh [ctest options]
# The last lines are ctest's own summary.
set -uo pipefail
cd "$(dirname "$0")/.."
# Seconds; without it kernels for AArch64 are not tested.
timeout 120 tools/setup-aarch64.sh >/dev/null 2>&1 || echo "tools/setup-aarch64.sh fetched nothing."
bash .ci/build || exit 1

# Before the tests, since the last lines belong to ctest: what this machine lets them do.
build_python=$(sed -n 's/^TENON_PYTHON:[A-Z]*=//p' build/CMakeCache.txt)
[[ -n $build_python ]] || echo "No Python with numpy: tests that compare with the reference are skipped."
[[ -d ${TENON_SHARED:-../shared}/models ]] || echo "No ${TENON_SHARED:-../shared}: tests on data beside the repository are skipped."
command -v qemu-x86_64 >/dev/null || echo "No qemu-x86_64: tests of other CPUs are skipped."
if ! command -v qemu-aarch64 >/dev/null || [[ ! -e build/sysroot-aarch64/.complete ]]; then
  echo "No qemu-aarch64, or not what tools/setup-aarch64.sh fetches: tests of AArch64 are skipped."
elif [[ ! -e build/lib/aarch64-linux-gnu/libTenonRuntime.a ]]; then
  echo "No runtime for AArch64 (ninja -C build runtime-aarch64-linux-gnu): tests of its programs are skipped."
fi

log=build/Testing/output.log
mkdir -p build/Testing
ctest --test-dir build --output-on-failure "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
skipped=$(grep -hoE '^UNSUPPORTED: .*|^\[  SKIPPED \] .*' build/Testing/Temporary/LastTest.log 2>/dev/null | sed -E '/ tests?, listed below:$/d; s/ \([0-9]+ (of [0-9]+|ms)\)$//' | sort -u)
if [[ -n $skipped ]]; then
  echo
  echo "Skipped on this machine:"
  sed 's/^/  /' <<<"$skipped"
  # ctest's summary once more, so that it stays the end of the output.
  sed -n '/^[0-9]*% tests passed/,$p' "$log"
fi
exit "$status"
