"""Where reports go: to a file, whole or not at all, or to standard output for `-`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from tinytorch.cli.output import CommandError, say
from tinytorch.replacing import replacing

PRINTED = Path("-")
JsonOption = Annotated[Path | None, typer.Option("--json", metavar="FILE|-", help="Write JSON; - prints it, alone.")]
MarkdownOption = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE|-", help="Write Markdown; - prints it, alone.")
]
HtmlOption = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page for a browser.")]


def check(*files: Path | None) -> None:
    """Say before a long run what would be wrong after it."""
    for path in files:
        if path not in (None, PRINTED) and (not path.parent.is_dir() or path.is_dir()):
            raise CommandError(f"{path}: expected a file in a folder that is there")
    if files.count(PRINTED) > 1:
        raise CommandError("expected '-' once at most, for what is printed")


def deliver(*texts: tuple[Path | None, Callable[[], str]]) -> bool:
    """Write each text to its file; return whether one was printed instead."""
    for path, text in texts:
        if path == PRINTED:
            say(text())
        elif path is not None:
            write(path, text())
    return any(path == PRINTED for path, _ in texts)


def write(path: Path, text: str) -> None:
    """Put a text into a file's place."""
    try:
        with replacing(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from error
