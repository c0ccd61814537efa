"""What the person asked for: environment and `tinytorch.toml` or `[tool.tinytorch]` in pyproject.toml."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinytorch.plugins.errors import PluginError
from tinytorch.plugins.registry import did_you_mean

FILE = "tinytorch.toml"
PROJECT = "pyproject.toml"
OURS = re.compile(r"""^\s*\[\s*["']?tool["']?\s*\.\s*["']?tinytorch\b""", re.MULTILINE)


@dataclass(frozen=True)
class Settings:
    """The plugins asked for, in the order of priority (None: nobody said), and what else the file says."""

    plugins: tuple[str, ...] | None = None  # "all" among them = everything installed
    origin: str = "nothing"
    disabled: frozenset[str] = frozenset()  # by the environment
    per_op: dict[str, tuple[str, ...]] = field(default_factory=dict)
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    path: Path | None = None
    in_file: tuple[str, ...] = ()  # the file's own list, even where the environment replaces it


def read() -> Settings:
    """Return the settings in force in the working directory: the environment's list replaces the file's."""
    path = find_file()
    content = _content(path) if path else {}
    in_file = _names(content.get("plugins"), f"plugins in {path}")
    plugins, origin = in_file, f"file {path}"
    if "TINYTORCH_PLUGINS" in os.environ:
        plugins, origin = _split(os.environ["TINYTORCH_PLUGINS"]), "environment TINYTORCH_PLUGINS"
    return Settings(
        plugins,
        origin if plugins is not None else "nothing",
        frozenset(_split(os.environ.get("TINYTORCH_DISABLE", ""))),
        _orders(content, path),
        {name: _table(content, name, path) for name in content if name not in {"plugins", "ops"}},
        path,
        in_file or (),
    )


def find_file() -> Path | None:
    """Return the nearest tinytorch.toml, or pyproject.toml that speaks of us, here or above."""
    try:
        here = Path.cwd()
    except OSError:  # the working directory has been deleted: nothing is configured there
        return None
    for folder in (here, *here.parents):
        for path in (folder / FILE, folder / PROJECT):
            if os.path.isfile(path) and (path.name == FILE or _speaks_of_us(path)):  # noqa: PTH113  never raises
                return path
    return None


def _speaks_of_us(project: Path) -> bool:
    """Return whether a pyproject.toml has a table tool.tinytorch; a broken one of somebody else has none."""
    try:
        text = project.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return False
    import tomllib  # only where there is a file

    try:
        tool = tomllib.loads(text).get("tool")
    except tomllib.TOMLDecodeError:
        return OURS.search(text) is not None
    return isinstance(tool, dict) and "tinytorch" in tool


def _content(path: Path) -> dict[str, Any]:
    import tomllib  # only where there is a file

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows likes to begin with a mark
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise PluginError(f"{path} cannot be read: {error}") from error
    if path.name == PROJECT:
        content = content["tool"]["tinytorch"]
    if not isinstance(content, dict):
        raise PluginError(f"{path}: expected a table [tool.tinytorch], got {content!r}")
    return content


def _orders(content: dict[str, Any], path: Path | None) -> dict[str, tuple[str, ...]]:
    orders = {op: _names(order, f"[ops] {op} in {path}") for op, order in _table(content, "ops", path).items()}
    return {op: order or () for op, order in orders.items()}


def _table(content: dict[str, Any], name: str, path: Path | None) -> dict[str, Any]:
    table = content.get(name, {})
    if not isinstance(table, dict):
        hint = did_you_mean(name, ["plugins"])
        raise PluginError(f"{path}: expected a table [{name}], got {name} = {table!r}{hint}")
    return table


def _names(value: Any, where: str) -> tuple[str, ...] | None:
    if value is None or value == "all":
        return value and ("all",)
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise PluginError(f'{where}: expected a list of names or "all", got {value!r}')
    return tuple(dict.fromkeys(value))


def _split(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
