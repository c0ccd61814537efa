"""`tinytorch(...)` runs the command in a process of its own, in an empty folder, not at a terminal."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

pytest.importorskip("typer")

PLUGIN = '''
"""A plugin that brings a command."""
from tinytorch.plugins import exact, hookimpl

@hookimpl
def describe():
    return "answers relu as the core does"

@hookimpl
def report_sections():
    return [("from the guest", "all is well")]

@hookimpl
@exact
def relu(x):
    return (x > 0) * x
'''
COMMAND = '''
import typer
from tinytorch import plugins
app = typer.Typer()

@app.command()
def greet(name: str, loud: bool = False):
    """Greet somebody, with the plugin enabled."""
    enabled = [status.name for status in plugins.list() if status.state == "enabled"]
    print("hello", name, enabled)
'''


@pytest.fixture
def tinytorch(tmp_path):
    """Run one command line; the result has `status`, `out` and `err`."""
    folder = tmp_path / "work"
    folder.mkdir()

    def run(*arguments, environment=None, path=(), cwd=folder):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TINYTORCH_")}
        search = os.pathsep.join([*map(str, path), *filter(None, [os.environ.get("PYTHONPATH")])])
        variables = {**kept, "PYTHONPATH": search, "OPENBLAS_NUM_THREADS": "1", **(environment or {})}
        command = [sys.executable, "-m", "tinytorch", *map(str, arguments)]
        done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
        return SimpleNamespace(status=done.returncode, out=done.stdout, err=done.stderr)

    run.folder = folder
    return run


@pytest.fixture
def guest(tmp_path):
    """A folder for the path with an installed distribution `guest`: a plugin `guest` and a command `greet`."""
    site = tmp_path / "site"
    info = site / "guest-3.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: guest\nVersion: 3.1\n")
    points = "[tinytorch]\nguest = guest_plugin\n[tinytorch.commands]\ngreet = guest_command:app\n"
    (info / "entry_points.txt").write_text(points)
    (site / "guest_plugin.py").write_text(PLUGIN)
    (site / "guest_command.py").write_text(COMMAND)
    return site
