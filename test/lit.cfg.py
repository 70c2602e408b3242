# Configuration of the lit tests; lit.site.cfg.py in the build tree loads it.
#
# Tools are found through PATH: tenonc, tenon-opt and tenon-bench in the build's bin, FileCheck, not
# and split-file in LLVM's. Substitutions:
#   %python     a Python that has numpy                        (REQUIRES: numpy)
#   %reference  the numpy implementation, test/Reference/reference.py   (REQUIRES: numpy)
#   %random     makes random checkpoints, test/Reference/make_random_model.py  (REQUIRES: numpy)
#   %integration  helper scripts of test/Integration/Inputs
#   %libraries  the build's libraries
#   %bindir     the build's programs
#   %shared     data beside the repository                     (REQUIRES: shared-data)
#   %examples   the repository's examples/
#   %{chromium} the browser, without a window                  (REQUIRES: chromium)
#   %{mpirun}   Open MPI's mpirun; takes -n N                  (REQUIRES: mpi)
#   %qemu       qemu-x86_64                                    (REQUIRES: qemu)
#   %{aarch64}  qemu-aarch64 with the folder of its libraries; takes -cpu   (REQUIRES: aarch64; programs: aarch64-runtime)
# A test whose REQUIRES isn't met on this machine is reported as UNSUPPORTED, never as passed.

import os
import shutil

import lit.formats

config.name = "Tenon"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".tenon"]
config.excludes = ["Inputs", "Unit", "Fuzz"]
config.test_source_root = os.path.join(config.tenon_source_dir, "test")
config.test_exec_root = os.path.join(config.tenon_binary_dir, "test")

path = [os.path.join(config.tenon_binary_dir, "bin"), config.llvm_tools_dir]
tenonc = os.path.join(config.tenon_binary_dir, "bin", "tenonc")
# --param check_bounds=1 (test/nightly.sh bounds): every model is compiled with --check-bounds.
if lit_config.params.get("check_bounds"):
    checked = os.path.join(config.tenon_binary_dir, "test", "check-bounds")
    os.makedirs(checked, exist_ok=True)
    with open(os.path.join(checked, "tenonc"), "w") as script:
        script.write(f'#!/bin/sh\nexec {tenonc} --check-bounds "$@"\n')
    os.chmod(script.name, 0o755)
    path, tenonc = [checked, *path], script.name
# --param aarch64=CPU: executables are compiled for AArch64 and run on this CPU under qemu (test/nightly.sh aarch64).
if lit_config.params.get("aarch64"):
    config.environment["TENON_REAL_TENONC"] = tenonc
    config.environment["TENON_AARCH64_EMULATED"] = lit_config.params["aarch64"]
    config.environment["TENON_AARCH64_CPUS"] = lit_config.params.get("mcpu", "neoverse-v2,neoverse-n1,generic")
    scripts = os.path.join(config.test_source_root, "Integration", "Inputs", "aarch64")
    path, tenonc = [scripts, *path], os.path.join(scripts, "tenonc")
config.environment["PATH"] = os.pathsep.join(path + [os.environ.get("PATH", "")])
for name in ("TENON_SHARED", "CCACHE_DIR", "HOME", "TMPDIR"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
# Nothing is left in the user's own cache.
config.environment["XDG_CACHE_HOME"] = os.path.join(config.tenon_binary_dir, "test", "cache")
# numpy's BLAS would start a thread for every core beside lit's own workers.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    config.environment[name] = "1"

# Features and the substitutions that go with them.
shared = os.environ.get("TENON_SHARED") or os.path.join(config.tenon_source_dir, os.pardir, "shared")
shared = os.path.normpath(shared)
if os.path.isdir(os.path.join(shared, "models")):
    config.available_features.add("shared-data")
config.substitutions.append(("%shared", shared))

if config.tenon_python:
    config.available_features.add("numpy")
reference = os.path.join(config.test_source_root, "Reference")
python = config.tenon_python or "no-python-with-numpy"
config.substitutions.append(("%reference", f"{python} {reference}/reference.py"))
config.substitutions.append(("%random", f"{python} {reference}/make_random_model.py"))
config.substitutions.append(("%integration", os.path.join(config.test_source_root, "Integration", "Inputs")))
config.substitutions.append(("%examples", os.path.join(config.tenon_source_dir, "examples")))
config.substitutions.append(("%python", python))
config.substitutions.append(("%bindir", os.path.join(config.tenon_binary_dir, "bin")))
config.substitutions.append(("%tenonc", tenonc))
config.substitutions.append(("%libraries", os.path.join(config.tenon_binary_dir, "lib")))
config.substitutions.append((r"%{tokens600}", ",".join(str(3 + i % 200) for i in range(600))))

browser = shutil.which("chromium")
if browser:
    config.available_features.add("chromium")
config.substitutions.append((r"%{chromium}", f"{browser or 'no-chromium'} --headless --no-sandbox --disable-gpu "
                             "--enable-logging=stderr --allow-file-access-from-files --virtual-time-budget=20000"))

mpirun = shutil.which("mpirun")
if mpirun:
    config.available_features.add("mpi")
config.substitutions.append((r"%{mpirun}", f"{mpirun or 'no-mpirun'} --allow-run-as-root --oversubscribe --bind-to none"))

qemu = shutil.which("qemu-x86_64")
if qemu:
    config.available_features.add("qemu")
config.substitutions.append(("%qemu", qemu or "no-qemu"))

# AArch64 emulated: qemu, the libraries that tools/setup-aarch64.sh fetches; for programs the runtime built with them.
emulator = shutil.which("qemu-aarch64")
runtime = os.path.join(config.tenon_binary_dir, "lib", "aarch64-linux-gnu", "libTenonRuntime.a")
if emulator and config.tenon_aarch64_sysroot:
    config.available_features.add("aarch64")
    if os.path.exists(runtime):
        config.available_features.add("aarch64-runtime")
config.environment["TENON_AARCH64_SYSROOT"] = config.tenon_aarch64_sysroot
config.substitutions.append((r"%{aarch64}", f"{emulator} -L {config.tenon_aarch64_sysroot}"))


def cpu_flags():
    """The CPU's feature flags, in the kernel's spelling and in LLVM's (avx512_bf16, avx512bf16)."""
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("flags"):
                    flags = set(line.split(":", 1)[1].split())
                    return flags | {flag.replace("_", "") for flag in flags}
    except OSError:
        pass
    return set()


flags = cpu_flags()
config.available_features |= flags
# The levels of the x86-64 psABI.
levels = {
    "x86-64-v2": {"sse4_2", "ssse3", "popcnt", "cx16"},
    "x86-64-v3": {"avx2", "fma", "bmi2", "f16c", "movbe"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}
wanted = set()
for level, needs in levels.items():
    wanted |= needs
    if wanted <= flags:
        config.available_features.add(level)

# A hang is a failure. lit needs psutil to end a whole process tree.
if not lit_config.maxIndividualTestTime:
    supported, reason = lit_config.maxIndividualTestTimeIsSupported
    if supported:
        lit_config.maxIndividualTestTime = 240
    else:
        lit_config.note("no timeout per test: " + reason)
