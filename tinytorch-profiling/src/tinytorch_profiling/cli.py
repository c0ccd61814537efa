"""`tinytorch profile RECIPE|SCRIPT.py`: where the time goes, in tables and in files to look at."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer

from tinytorch.cli.choice import PluginsOption, chosen
from tinytorch.cli.output import CommandError, console, quiet, say
from tinytorch_profiling import running
from tinytorch_profiling.memory import MemoryProfiler
from tinytorch_profiling.profiler import profile
from tinytorch_profiling.scheduling import schedule
from tinytorch_profiling.table import Table
from tinytorch_profiling.views import VIEWS

EXPORTS: dict[str, tuple[Callable[[profile, Path], object], tuple[str, ...]]] = {  # and how the files' names end
    "html": (profile.export_html, (".html", ".htm")),
    "trace": (profile.export_chrome_trace, (".json", ".json.gz")),
    "stacks": (profile.export_stacks, (".json", ".txt")),
    "roofline": (lambda p, path: p.roofline().savefig(path), (".png", ".svg", ".pdf")),
}
FileOption = Path | None
app = typer.Typer(add_completion=False)


@app.command()
def profile_command(
    what: Annotated[str, typer.Argument(metavar="RECIPE|SCRIPT.py", help="A recipe's name, or a Python file.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[-- ARGUMENTS]", help="The script's own arguments.")
    ] = None,
    steps: Annotated[int, typer.Option(metavar="N", min=1, help="Steps of the recipe to record.")] = 20,
    warmup: Annotated[int, typer.Option(metavar="N", min=0, help="Steps of the recipe before them.")] = 5,
    by: Annotated[str, typer.Option(metavar="A,B", help=f"The tables to show, of {', '.join(VIEWS)}.")] = "op,module",
    sort: Annotated[
        str, typer.Option(metavar="COLUMN", help="The column to sort by, as --json names it.")
    ] = "self_time",
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Rows of each table.")] = 20,
    html: Annotated[FileOption, typer.Option(metavar="FILE", help="Write a report for a browser.")] = None,
    trace: Annotated[
        FileOption, typer.Option(metavar="FILE", help="Write a trace for Perfetto: .json, .json.gz.")
    ] = None,
    stacks: Annotated[
        FileOption, typer.Option(metavar="FILE", help="Write stacks: .json for speedscope, .txt for flame graphs.")
    ] = None,
    roofline: Annotated[
        FileOption, typer.Option(metavar="FILE", help="Draw ops below this machine's measured peaks: .png, .svg, .pdf.")
    ] = None,
    memory: Annotated[bool, typer.Option("--memory", help="Look at memory instead of time.")] = False,
    data: Annotated[FileOption, typer.Option(metavar="PATH", help="The file or folder that the recipe reads.")] = None,
    plugin_names: PluginsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> int:
    """Show where time goes: by op, by module, by input shape, with bytes, FLOPs and the plugin that answered.

    A recipe is trained for some steps on its own data; a script runs as `python SCRIPT.py` would.

    What is shown was measured; results are the same bits as without.

    \b
    tinytorch profile digits-cnn
    tinytorch profile digits-cnn --by module,shape --html report.html
    tinytorch profile digits-cnn --memory
    tinytorch profile train.py --trace trace.json.gz -- --epochs 1
    """  # noqa: D301  the mark is click's: the lines below it stay lines
    given = {"html": html, "trace": trace, "stacks": stacks, "roofline": roofline}
    files = {kind: path for kind, path in given.items() if path is not None}
    views = _views(by)
    _check(views, sort, files, memory=memory)
    places = {kind: path.resolve() for kind, path in files.items()}  # the script may go to another folder
    look = MemoryProfiler() if memory else _profile(what, steps, warmup, files)
    with quiet(as_json), chosen(plugin_names):
        if what.endswith(".py"):
            status = running.script(Path(what), look, arguments or [])
        else:
            status = running.recipe(what, look, steps if memory else warmup + steps, data)
    tables = look.tables() if isinstance(look, MemoryProfiler) else [look.table(view, sort, limit) for view in views]
    if isinstance(look, profile):
        _write(places, look)
    if as_json:
        sys.stdout.write(f"{look.to_json()}\n")
    else:
        _show(tables, files)
    return status


def _profile(what: str, steps: int, warmup: int, files: dict[str, Path]) -> profile:
    """The profile of a script, or of a recipe's steps; how long arrays live is followed where a file shows it."""
    plan = None if what.endswith(".py") else schedule(warmup=warmup, active=steps, repeat=1)
    return profile(plan, memory=bool({"html", "trace"} & set(files)))


def _views(by: str) -> list[str]:
    return [view.strip() for view in by.split(",") if view.strip()]


def _check(views: list[str], sort: str, files: dict[str, Path], *, memory: bool) -> None:
    """Say before a long run what would be wrong after it."""
    if memory and files:
        raise CommandError(f"--memory and --{next(iter(files))}: a look at memory writes no files; ask for --json")
    try:
        for view in views:
            profile().table(view, sort)
    except ValueError as error:
        raise CommandError(str(error)) from error
    for kind, path in files.items():
        endings = EXPORTS[kind][1]
        if not path.name.endswith(endings):
            raise CommandError(f"--{kind} {path}: expected a file name that ends in {' or '.join(endings)}")
        _check_place(kind, path)
    if len({path.resolve() for path in files.values()}) < len(files):
        raise CommandError(
            f"{' and '.join(f'--{kind} {path}' for kind, path in files.items())}: each needs its own file"
        )


def _check_place(kind: str, path: Path) -> None:
    """Begin a file beside the place, as is done to write it."""
    try:
        if not path.parent.is_dir() or path.is_dir():
            raise CommandError(f"--{kind} {path}: expected a file in a folder that is there")
        place = path.resolve()
        NamedTemporaryFile(dir=place.parent, prefix=f".{place.name}.", suffix=".tmp").close()
    except OSError as error:
        raise CommandError(f"--{kind} {path}: cannot write there: {error.strerror}") from error


def _write(files: dict[str, Path], p: profile) -> None:
    for kind, path in files.items():
        try:
            EXPORTS[kind][0](p, path)
        except (OSError, ValueError, ImportError) as error:
            raise CommandError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error


def _show(tables: Sequence[Table], files: dict[str, Path]) -> None:
    for table in tables:
        console().print(table)
    for path in files.values():
        say(f"written: {path}")
