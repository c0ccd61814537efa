"""Install and uninstall the six plugins so that every subset is there once, and look at what each subset computes.

A Gray code changes one plugin a step: 64 subsets, 64 installs or uninstalls of real wheels into a private environment.
In each a new process trains a small network by the core alone, which must give the same bits everywhere, and with
every installed plugin enabled, which may differ from it as far as kernels may.
"""

from __future__ import annotations

import functools
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CLOSE = functools.partial(math.isclose, rel_tol=1e-4)  # five steps of Adam on kernels that differ in the last bits
UV = os.environ.get("UV", str(ROOT / ".uv/bin/uv"))
PLUGINS = ("profiling", "accel", "quant", "compress", "cache", "bench")
SMOKE = """
import hashlib, json
import tinytorch as tt
from tinytorch import nn, plugins

def train():
    tt.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.LayerNorm(64), nn.Linear(64, 10))
    optimizer = tt.optim.Adam(model.parameters(), lr=0.01)
    x, y = tt.randn(16, 1, 6, 6), tt.randint(0, 10, (16,))
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    weights = b"".join(weight.detach().numpy().tobytes() for weight in model.parameters())
    return losses, hashlib.sha256(weights).hexdigest()

alone, digest = train()
plugins.enable("all")
enabled, _ = train()
states = {found.name: found.state for found in plugins.list()}
print(json.dumps({"states": states, "digest": digest, "alone": alone, "enabled": enabled}))
"""


def main() -> None:
    """Build the wheels, walk, and say what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        python = environment(Path(folder))
        golden = compute(python)
        here: set[str] = set()
        for plugin in changes(PLUGINS):
            change(python, Path(folder), plugin, here)
            compare(compute(python), golden, here)
    print(f"{2 ** len(PLUGINS)} subsets of {', '.join(PLUGINS)}: one digest, {golden['digest'][:16]}")


def environment(folder: Path) -> Path:
    """Build all wheels into `folder`, install the core's into an environment there, and return its Python."""
    uv("build", "--wheel", "--all-packages", "--out-dir", folder)
    uv("venv", "--python", sys.executable, folder / "venv")
    python = folder / "venv/bin/python"
    uv("pip", "install", "--python", python, *folder.glob("tinytorch_core-*.whl"))
    return python


def changes(plugins: tuple[str, ...]) -> Iterator[str]:
    """Give the plugin to install or uninstall in each step of a Gray code: to all subsets, and back to none.

    >>> list(changes(("a", "b")))
    ['a', 'b', 'a', 'b']
    """
    for step in range(1, 2 ** len(plugins)):
        yield plugins[(step & -step).bit_length() - 1]  # the lowest bit that is set
    yield plugins[-1]


def change(python: Path, wheels: Path, plugin: str, here: set[str]) -> None:
    """Uninstall the plugin if it is `here`, else install it from its wheel; `here` follows."""
    if plugin in here:
        uv("pip", "uninstall", "--python", python, f"tinytorch-{plugin}")
    else:
        uv("pip", "install", "--python", python, *wheels.glob(f"tinytorch_{plugin}-*.whl"))
    here ^= {plugin}


def compute(python: Path) -> dict[str, Any]:
    """Return what a new process finds and computes, in a folder and with variables that configure nothing."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("TINYTORCH_", "PYTHON"))}
    variables["OPENBLAS_NUM_THREADS"] = "1"
    command = [str(python), "-c", SMOKE]
    done = subprocess.run(command, cwd=python.parent, env=variables, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def compare(found: dict[str, Any], golden: dict[str, Any], here: set[str]) -> None:
    """Exit with a sentence if the plugins are not those that are installed, or the numbers not the core's."""
    subset = ", ".join(sorted(here)) or "no plugin"
    if found["states"] != dict.fromkeys(here, "enabled"):
        sys.exit(f"with {subset} installed the list is {found['states']}")
    if (found["digest"], found["alone"]) != (golden["digest"], golden["alone"]):
        sys.exit(f"with {subset} installed the core alone gives {found['alone']}, expected {golden['alone']}")
    if not all(map(CLOSE, found["enabled"], golden["alone"])):
        sys.exit(f"with {subset} enabled the losses are {found['enabled']}, expected {golden['alone']}")


def uv(*arguments: Path | str) -> None:
    """Run uv, silent unless it fails."""
    done = subprocess.run([UV, "--quiet", *arguments], check=False)
    if done.returncode:
        sys.exit(f"uv {' '.join(map(str, arguments))} failed")


if __name__ == "__main__":
    main()
