"""Every check of the project, one after the other.

`uv run scripts/check.py` runs them all, `--only STEP` some, `--list` names them. A failure stops nothing; the
summary names it and the exit status tells it. The step `oracle` asks a Python with pip, outside, for PyTorch.
"""

import argparse
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
TORCH = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["oracle"]
TORCH_SECONDS = 240  # a slow network must not eat the time of the other steps


def main() -> None:
    """Run the steps asked for and exit with 1 if any failed."""
    results = {name: timed(name, STEPS[name]) for name in parse_arguments()}
    say("\nsummary")
    for name, (passed, seconds) in results.items():
        say(f"  {name:10} {'ok' if passed else 'FAILED':6} {seconds:6.1f} s")
    sys.exit(not all(passed for passed, _ in results.values()))


def parse_arguments() -> list[str]:
    """Return the names of the steps to run, in their order."""
    parser = argparse.ArgumentParser(description="Run every check of the project, or some.")
    parser.add_argument("--only", action="append", choices=STEPS, metavar="STEP", help="run STEP; repeatable")
    parser.add_argument("--list", action="store_true", help="print the steps and stop")
    arguments = parser.parse_args()
    if arguments.list:
        say("\n".join(f"{name:10} {step.__doc__}" for name, step in STEPS.items()))
        sys.exit()
    return [name for name in STEPS if name in (arguments.only or STEPS)]


def timed(name: str, step: Callable[[], bool]) -> tuple[bool, float]:
    """Run a step below its heading and return whether it passed and its seconds."""
    say(f"\n{name}: {step.__doc__}")
    start = time.perf_counter()
    passed = step()
    seconds = time.perf_counter() - start
    say(f"{name}: {'ok' if passed else 'FAILED'} in {seconds:.1f} s")
    return passed, seconds


def formatting() -> bool:
    """Compare the layout of the code with ruff's."""
    return run(BIN / "ruff", "format", "--check", ".")


def lint() -> bool:
    """Look for what ruff finds wrong."""
    return run(BIN / "ruff", "check", ".")


def types() -> bool:
    """Check the types with mypy."""
    return run(BIN / "mypy")


def imports() -> bool:
    """Check who imports whom with import-linter."""
    return run(BIN / "lint-imports", "--no-cache", "--no-logo")


def lines() -> bool:
    """Count the lines of code."""
    return run(sys.executable, ROOT / "scripts/count_lines.py")


ON_THE_WHEEL = (
    *("activations", "attention", "autograd", "dataloader", "datasets", "embeddings", "layers", "losses", "module"),
    *("optimizers", "plugins", "recipes", "spatial", "tensor", "testing", "transformers", "verify"),
)


WITH_PYTORCH = ("tests/oracle", "tests/bench/test_workloads.py", "tests/cli/test_bench.py")


def tests() -> bool:
    """Run all tests and doctests but those that `alone` runs, of chapters that ask for no extra, or `oracle`."""
    sources = sorted(ROOT.glob("tinytorch-*/src"))
    there = [f"--ignore={page}" for page in (*(f"tests/core/{chapter}" for chapter in ON_THE_WHEEL), *WITH_PYTORCH)]
    # these need what need not be there
    foreign = ("pytorch", "twins", "decoding", "in_jax", "in_tinygrad", "onnxrt", "onnx_graph", "litert")
    left_out = [f"--ignore-glob=*/peers/{page}.py" for page in foreign]
    return pytest(sys.executable, "-n", "2", "--doctest-modules", *left_out, *there, "tests", "scripts", *sources)


def alone() -> bool:
    """Run the core's tests on its wheel, in an environment that holds no other distribution of ours."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder, "venv/bin/python")
        return (
            uv("build", "--wheel", "--package", "tinytorch-core", "--out-dir", folder)
            and uv("venv", "--python", sys.executable, python.parents[1])
            and uv(
                "pip",
                "install",
                "--python",
                python,
                *Path(folder).glob("*.whl"),
                "pytest",
                "pytest-xdist",
                "hypothesis",
            )
            and run(python, "-c", ONLY_THE_CORE)
            and pytest(python, "-n", "2", "tests/core", cwd=copy_tests(Path(folder)))
        )


ONLY_THE_CORE = """
from importlib.metadata import distributions
names = {found.name for found in distributions()}
print("installed:", *sorted(names))
assert {name for name in names if "tinytorch" in name} == {"tinytorch-core"}
"""


def copy_tests(folder: Path) -> Path:
    """Copy the tests and their settings into `folder`, from where no source can be imported."""
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def walk() -> bool:
    """Install and uninstall the plugins one by one, through every subset; the core's numbers stay the same."""
    return run(sys.executable, ROOT / "scripts/walk_plugins.py")


def alarms() -> bool:
    """Try the conformity kit on plugins that are right, with one seed; more, by hand, take longer."""
    return run(sys.executable, ROOT / "scripts/find_false_alarms.py", "--seeds", "1")


def sanitize() -> bool:
    """Run the tests of tinytorch-accel on kernels compiled with AddressSanitizer and UBSan; `thread` takes longer."""
    return run(sys.executable, ROOT / "scripts/sanitize.py", "address")


def oracle() -> bool:
    """Compare with PyTorch, or with recorded cases where it cannot be had."""
    if importlib.util.find_spec("torch") is None and not install_torch():
        say(f"{TORCH[0]} cannot be installed here: the oracle's tests run on recorded cases")
    return pytest(sys.executable, "-n", "2", *WITH_PYTORCH)


def install_torch() -> bool:
    """Ask the outer pip, which knows this machine's indexes, to install PyTorch into this environment."""
    path = os.pathsep.join(entry for entry in os.get_exec_path() if Path(entry) != BIN)
    outer = shutil.which("python3", path=path)
    command = ["-m", "pip", "--python", sys.executable, "install", "--quiet", *TORCH]
    return outer is not None and run(outer, *command, seconds=TORCH_SECONDS)


def pytest(python: Path | str, *arguments: Path | str, cwd: Path = ROOT) -> bool:
    """Run pytest with `python`; as a module, so that `cwd` is importable."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # its threads wait busily, which two test processes on two cores pay for
    return run(python, "-m", "pytest", "-q", *arguments, cwd=cwd)


def uv(*arguments: Path | str) -> bool:
    """Run the uv that runs this script, or else the one that the README puts in place."""
    return run(os.environ.get("UV", ROOT / ".uv/bin/uv"), *arguments)


def say(text: str) -> None:
    """Print at once, so that a command's own output comes after it."""
    print(text, flush=True)


def run(*command: Path | str, cwd: Path = ROOT, seconds: float | None = None) -> bool:
    """Run a command and return whether it succeeded; after `seconds` it and its children are stopped."""
    with subprocess.Popen(command, cwd=cwd, start_new_session=True) as process:
        try:
            return process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            say(f"stopped after {seconds} s")
            return False
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


STEPS = {
    step.__name__: step
    for step in (formatting, lint, types, imports, lines, tests, alone, walk, alarms, sanitize, oracle)
}

if __name__ == "__main__":
    main()
