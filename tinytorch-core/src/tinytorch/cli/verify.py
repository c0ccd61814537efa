"""`tinytorch verify`: whether plugins change anything but time and memory, as a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from tinytorch import plugins
from tinytorch.cli.output import CommandError, console, json_text, print_json, quiet, say, show_facts, show_table
from tinytorch.plugins import registry
from tinytorch.replacing import replacing
from tinytorch.verify.rendering import COLUMNS, cells, html, markdown
from tinytorch.verify.report import Plan, Report, Section
from tinytorch.verify.run import installed, verify

RENDERED: dict[str, Callable[[Report], str]] = {".md": markdown, ".html": html}


def verify_command(
    plugin: Annotated[
        list[str] | None, typer.Option("--plugin", metavar="NAME", help="Try this plugin; again for more. Else all.")
    ] = None,
    op: Annotated[
        list[str] | None, typer.Option("--op", metavar="OP", help="Try this op; again for more. Else all.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Try less of everything: under a minute, not ten.")] = False,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write the report: .md, .html or .json.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Another seed draws other inputs.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> int:
    """Prove that plugins change speed and memory, never results: on this machine, with what is installed.

    Tries the core by itself, every op of every plugin against the core's kernel, whole trainings with and without them,
    and measures. The exit status is 0 if all of it holds, 1 if not. Nothing that is installed or configured is changed.
    """
    _check_report(report)
    with quiet(as_json):
        plan = Plan(_plugins(plugin), _ops(op), quick, seed, chosen=bool(plugin))
        found = _verified(plan)
    if report is not None:
        _write(report, found)
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found, report)
    return int(not found.passed)


def _plugins(names: list[str] | None) -> tuple[str, ...]:
    """The plugins to try, loaded: one that is missing or broken and asked for is an error."""
    with plugins.using(*(names or ())):
        return tuple(dict.fromkeys(names)) if names else installed()


def _verified(plan: Plan) -> Report:
    """Try, and tell on standard error what is being tried: on a terminal in one line, else a line for a section."""
    out = console(stderr=True)
    if not out.is_terminal:
        return verify(plan, lambda section: None if section.rows else out.print(f"{section.title} ..."))
    with out.status("") as status:
        return verify(plan, lambda section: status.update(_being_tried(section)))


def _being_tried(section: Section) -> str:
    return f"{section.title}: {section.rows[-1].name}" if section.rows else section.title


def _ops(names: list[str] | None) -> tuple[str, ...] | None:
    return tuple(registry.find(name).name for name in names) if names else None


def _check_report(path: Path | None) -> None:
    """Say before a long run what would be wrong after it."""
    if path is not None and path.suffix not in {*RENDERED, ".json"}:
        raise CommandError(f"--report {path}: expected a file that ends in .md, .html or .json")
    if path is not None and not path.parent.is_dir():
        raise CommandError(f"--report {path}: there is no folder {path.parent}")


def _write(path: Path, report: Report) -> None:
    try:
        with replacing(path) as file:
            file.write(_rendered(path.suffix, report).encode())
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from error


def _rendered(suffix: str, report: Report) -> str:
    return RENDERED[suffix](report) if suffix in RENDERED else json_text(report.as_dict())


def _show(report: Report, path: Path | None) -> None:
    show_facts(report.environment)
    for section in report.sections:
        say(f"\n{section.title}: {section.shows}")
        show_table(COLUMNS, [cells(row) for row in section.rows])
    say(f"\n{report.summary()}")
    if path is not None:
        say(f"the report is in {path}")
