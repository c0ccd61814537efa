"""The tests of tinytorch-accel on kernels that are compiled with a sanitizer.

    python scripts/sanitize.py [address] [thread] [--tests PATH]

`address` finds reads and writes outside of arrays (AddressSanitizer) and what C++ leaves undefined (UBSan), `thread`
races (ThreadSanitizer). Each compiles the module into a folder of its own and runs the tests with the sanitizer's
library loaded before Python. Of Python itself, which is not compiled so, nothing is found: leaks are not looked for,
and `thread` leaves out the tests that fork, which ThreadSanitizer does not follow.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SANITIZERS = {"address": "address,undefined", "thread": "thread"}
LIBRARIES = {"address": "libasan.so", "thread": "libtsan.so"}
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:report_signal_unsafe=0:ignore_noninstrumented_modules=1",
}
WITHOUT = {"address": "not tracemalloc", "thread": "not fork and not tracemalloc"}


def main() -> None:
    """Build and test for each sanitizer asked for; exit with 1 if one found something."""
    parser = argparse.ArgumentParser(description="Run the tests of tinytorch-accel under sanitizers.")
    parser.add_argument("sanitizers", nargs="*", default=list(SANITIZERS), help="address, thread; both by default")
    parser.add_argument("--tests", default="tests/accel", help="what pytest is given")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        passed = [sanitize(name, Path(folder, name), asked.tests) for name in asked.sanitizers]
    sys.exit(not all(passed))


def sanitize(name: str, folder: Path, tests: str) -> bool:
    """Return whether the tests pass with this sanitizer."""
    package = build(SANITIZERS[name], folder)
    paths = [package, *(path for path in ROOT.glob("tinytorch-*/src") if path.parent.name != "tinytorch-accel")]
    environment = {
        **os.environ,
        **OPTIONS,
        "LD_PRELOAD": library(LIBRARIES[name]),
        "PYTHONMALLOC": "malloc",  # so that each of Python's blocks is one that the sanitizer knows
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "OPENBLAS_NUM_THREADS": "1",
    }
    found = run(sys.executable, "-c", "import tinytorch_accel._native as n; print(n.__file__)", environment=environment)
    assert Path(found.strip()).is_relative_to(package), f"{found} would be tested, which was not compiled here"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--capture=sys", "-k", WITHOUT[name], tests]
    print(f"{name}:", flush=True)
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def build(sanitizers: str, folder: Path) -> Path:
    """Compile the module beside a copy of the Python files and return the folder to import from."""
    source = ROOT / "tinytorch-accel"
    avx512 = "ON" if "avx512f" in Path("/proc/cpuinfo").read_text() else "OFF"  # a minute to compile, for nothing
    options = f"-DACCEL_SANITIZE={sanitizers}", f"-DPython_EXECUTABLE={sys.executable}", f"-DACCEL_AVX512={avx512}"
    run("cmake", "-S", source, "-B", folder / "build", *options)
    run("cmake", "--build", folder / "build", "--parallel", "2")
    run("cmake", "--install", folder / "build", "--prefix", folder)
    for file in (source / "src/tinytorch_accel").glob("*.py"):
        (folder / "tinytorch_accel" / file.name).write_bytes(file.read_bytes())
    (folder / "sitecustomize.py").write_text(NOT_THE_INSTALLED)
    return folder


NOT_THE_INSTALLED = """
import sys
sys.meta_path[:] = [each for each in sys.meta_path if type(each).__name__ != "ScikitBuildRedirectingFinder"]
"""


def library(name: str) -> str:
    """Return where the compiler keeps the sanitizer's library, with C++'s own behind it, which it must find loaded."""
    return " ".join(run("g++", f"-print-file-name={each}").strip() for each in (name, "libstdc++.so"))


def run(*command: str | Path, environment: dict[str, str] | None = None) -> str:
    """Return what a command prints; stop with its errors where it fails."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
