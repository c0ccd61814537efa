"""A look into plugins that nobody asked for, in a process of its own.

Whatever they do when they are imported, raise, exit, hang or rewrite numpy, they do it there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import Any

from tinytorch.plugins import discovery, registry
from tinytorch.plugins.errors import PluginError
from tinytorch.plugins.exactness import declared
from tinytorch.plugins.validation import check_plugin, implementations, implemented_ops

SECONDS = 60.0  # for all to be imported, heavy libraries and a cold disk included
CHILD = """
import json, sys
request = json.load(sys.stdin)
sys.path[:] = request["path"]
from tinytorch.plugins.inspection import answer
answer(request)
"""


@dataclass(frozen=True)
class Contents:
    """What is in a plugin."""

    description: str = ""
    ops: dict[str, str] = field(default_factory=dict)  # name: how exact
    transforms: tuple[str, ...] = ()
    problem: str = ""


def contents(plugin: Any) -> Contents:
    """Return what is in a plugin that has been imported and checked."""
    ops = {op: exactness(function) for op, function in implemented_ops(plugin).items()}
    return Contents(_description(plugin), ops, _transforms(plugin))


def exactness(function: Any) -> str:
    """Return in words how near an implementation stays to the core's kernel."""
    distances = declared(function)
    if distances is None:
        return "undeclared: held to the op's own contract"
    return ", ".join(f"{dtype} {distance}" for dtype, distance in distances.items())


def look_into(names: Sequence[str]) -> dict[str, Contents]:
    """Return what is in installed plugins, imported in another process; where one ends it, in one more."""
    seen: dict[str, Contents] = {}
    while waiting := [name for name in names if name not in seen]:
        answers, ending = _ask(waiting)
        seen.update(answers)
        unanswered = [name for name in waiting if name not in answers]
        if unanswered:
            seen[unanswered[0]] = Contents(problem=f"plugin '{unanswered[0]}' cannot be imported: it {ending}")
    return seen


def answer(request: dict[str, Any]) -> None:
    """Be the other process: import each plugin and print what is in it, a line each."""
    import json

    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what plugins print does not reach the channel
    import_module("tinytorch")
    for module in request["modules"]:  # the ops that the asking process knows
        with suppress(Exception):
            import_module(module)
    for name in request["names"]:
        line = json.dumps({"name": name, **asdict(_contents_of(name))})
        print(line, file=channel, flush=True)


def _contents_of(name: str) -> Contents:
    try:
        plugin = discovery.find(name).load()
        check_plugin(name, plugin)
        return contents(plugin)
    except BaseException as error:  # noqa: BLE001  that is what it is here for
        if isinstance(error, PluginError):
            return Contents(problem=str(error))
        return Contents(problem=f"plugin '{name}' cannot be imported: {type(error).__name__}: {error}")


def _ask(names: list[str]) -> tuple[dict[str, Contents], str]:
    """Return the answers of another process, and how it ended."""
    import json  # who only computes needs neither
    import subprocess

    modules = sorted({op.kernel.__module__ for op in registry.ops().values()} - {"__main__"})
    request = {"names": names, "path": sys.path, "modules": modules}
    try:
        done = subprocess.run(  # noqa: S603  this Python, with a program of ours
            [sys.executable, "-P", "-c", CHILD],  # -P: a json.py in the working directory is not json
            input=json.dumps(request).encode(),
            env={**os.environ, "TINYTORCH_PLUGINS": ""},  # calling ops there asks for no plugin
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
        return _read(done.stdout), f"ended the process with status {done.returncode}"
    except subprocess.TimeoutExpired as expired:
        return _read(expired.stdout or b""), f"did not end within {SECONDS:g} s"
    except OSError as error:
        return {}, f"could not be tried in another process: {error}"


def _read(lines: bytes) -> dict[str, Contents]:
    import json

    answers = {}
    for line in lines.splitlines():
        with suppress(ValueError, TypeError, AttributeError, KeyError):  # a line cut off, or forged
            told = json.loads(line)
            name = told.pop("name")
            answers[name] = Contents(transforms=tuple(told.pop("transforms")), **told)
    return answers


def _description(plugin: Any) -> str:
    """Return the plugin's own sentence, or why it has none."""
    for hook, function, marks in implementations(plugin):
        if hook == "describe" and not marks["wrapper"]:
            try:
                return str(function() or "")
            except Exception as error:  # noqa: BLE001  it is shown where the sentence would stand
                return f"describe raised {type(error).__name__}: {error}"
    return ""


def _transforms(plugin: Any) -> tuple[str, ...]:
    """Return the names of the plugin's transforms, or why it gives none."""
    named: dict[str, Any] = {}
    for hook, function, marks in implementations(plugin):
        if hook == "register_transforms" and not marks["wrapper"]:
            try:
                function(named)
            except Exception as error:  # noqa: BLE001  it is shown where the names would stand
                return (f"register_transforms raised {type(error).__name__}: {error}",)
    return tuple(map(str, named))
