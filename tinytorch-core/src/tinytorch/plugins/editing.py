"""Editing the configuration: the list of plugins changes, every other character of the file stays.

TOML is not written anew from what it means, which would lose comments. Its text is edited in each place where
the list may stand, and an edit counts only if tomllib then reads the new list and all else as before.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tinytorch.plugins import config
from tinytorch.plugins.errors import PluginError

KEY = re.compile(r"""\s*(plugins|"plugins"|'plugins')\s*=""")
SECTION = re.compile(r"""\s*\[\s*["']?tool["']?\s*\.\s*["']?tinytorch["']?\s*\]""")
TOKEN = re.compile(r"""(?P<name>"[^"\n]*"|'[^'\n]*')|(?P<comment>\#[^\r\n]*)|(?P<line>\n)|(?P<end>\])""")


def set_plugins(names: tuple[str, ...]) -> Path:
    """Write the list of plugins into the nearest configuration, or into a new tinytorch.toml here.

    The file is replaced in one step: it is the old one or the new one, whatever happens meanwhile.
    """
    path = (config.find_file() or Path(config.FILE)).resolve()  # through a link: the link stays one
    try:
        before = path.read_bytes().decode("utf-8-sig") if path.exists() else ""
        _replace(path, edited(before, names, in_project=path.name == config.PROJECT))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PluginError(f"{path} cannot be edited: {error}") from error
    return path


def edited(text: str, names: tuple[str, ...], *, in_project: bool) -> str:
    """Return the text of a configuration with its list of plugins replaced, or one put in."""
    wanted = _with_list(tomllib.loads(text), names, in_project=in_project)
    for candidate in _candidates(text, names, in_project=in_project):
        with suppress(tomllib.TOMLDecodeError):
            if tomllib.loads(candidate) == wanted:
                return candidate
    raise PluginError(f"the configuration is written in an unusual way; put {_one_line(names)} there by hand")


def _candidates(text: str, names: tuple[str, ...], *, in_project: bool) -> Iterator[str]:
    """Give the text with each list that may be the one replaced, then with a new one in each place for it."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    for first, line in enumerate(lines):
        if KEY.match(line):
            behind = _line_behind(lines, first)
            yield "".join([*lines[:first], _list("".join(lines[first:behind]), names, end), *lines[behind:]])
    new = _one_line(names) + end
    if not in_project:
        yield new + text
        return
    for i, line in enumerate(lines):
        if SECTION.match(line):
            yield "".join([*lines[:i], line.rstrip("\r\n"), end, new, *lines[i + 1 :]])
    yield text.rstrip("\r\n") + end * 2 + "[tool.tinytorch]" + end + new


def _line_behind(lines: list[str], first: int) -> int:
    """Return where a value ends: behind the first line up to which it can be read alone."""
    for behind in range(first + 1, len(lines) + 1):
        with suppress(tomllib.TOMLDecodeError):
            tomllib.loads("".join(lines[first:behind]))
            return behind
    return first + 1


def _list(old: str, names: tuple[str, ...], end: str) -> str:
    """Return the new list with the old one's comments: beside entries that stay, and standing alone."""
    name, beside, alone, behind = "", {}, [], 0
    for token in TOKEN.finditer(old, old.index("=")):
        kind, text = token.lastgroup, token.group()
        if kind == "end" or (kind == "name" and "[" not in old[: token.start()]):  # `plugins = "all"` is no list
            behind = token.end()
            break
        if kind == "comment" and name:
            beside[name] = text
        elif kind == "comment":
            alone.append(text)
        else:
            name = text[1:-1] if kind == "name" else ""
    if not ("\n" in old[:behind] and names) or names == ("all",):
        return "".join(text + end for text in alone) + _one_line(names) + old[behind:]
    entries = [f"{json.dumps(each)},  {beside.get(each, '')}".rstrip() for each in names]
    return f"plugins = [{end}" + "".join(f"    {each}{end}" for each in [*alone, *entries]) + "]" + old[behind:]


def _one_line(names: tuple[str, ...]) -> str:
    return "plugins = " + ('"all"' if names == ("all",) else json.dumps([*names], ensure_ascii=False))


def _with_list(content: dict[str, Any], names: tuple[str, ...], *, in_project: bool) -> dict[str, Any]:
    """Return what the file means with the new list in it."""
    table = content.setdefault("tool", {}).setdefault("tinytorch", {}) if in_project else content
    table["plugins"] = "all" if names == ("all",) else [*names]
    return content


def _replace(path: Path, text: str) -> None:
    """Write beside the file, then put it in its place, with its permissions."""
    permissions = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(permissions)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
