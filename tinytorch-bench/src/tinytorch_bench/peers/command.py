"""`tinytorch bench peers`: the same workloads here and in PyTorch, checked and timed in one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from tinytorch.cli.choice import PluginsOption
from tinytorch.cli.output import CommandError, complain, console, json_text, say, show_facts, show_table
from tinytorch.replacing import replacing
from tinytorch_bench import noise
from tinytorch_bench.machine import machine
from tinytorch_bench.peers import rendering
from tinytorch_bench.peers.contest import Plan, facts, measured
from tinytorch_bench.peers.peer import PEERS, PeerError, find
from tinytorch_bench.peers.report import Report
from tinytorch_bench.peers.sides import Workers
from tinytorch_bench.peers.workloads import GROUPS, Workload, chosen
from tinytorch_bench.statistics import FEWEST

MEMORY_RUNS = 3
THREADS = min(2, noise.processors())
PRINTED = Path("-")


def peers(
    workload: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORKLOAD", help=f"Names, or {', '.join(GROUPS)}; all by default."),
    ] = None,
    plugin_names: PluginsOption = None,
    peer: Annotated[str, typer.Option(metavar="NAME", help=f"Whom to compare with: {', '.join(PEERS)}.")] = "torch",
    threads: Annotated[int, typer.Option(metavar="N", min=1, help="Threads of each side.")] = THREADS,
    rounds: Annotated[int, typer.Option(metavar="N", min=FEWEST, help="Bursts of each side.")] = 9,
    tuned_malloc: Annotated[
        bool, typer.Option("--tuned-malloc", help="Compare with the peer under a tuned allocator, too (glibc).")
    ] = False,
    memory: Annotated[bool, typer.Option(help="Measure the peak memory of training, too.")] = True,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE|-", help="Write JSON; - prints it, and nothing else.")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page for a browser.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    only_list: Annotated[bool, typer.Option("--list", help="Show the workloads and their aims, and stop.")] = False,
) -> int:
    """Compare with another framework: same weights, same data, same threads, in turn.

    Nothing is timed where results differ. Each side has a process of its own, and its best form counts.

    The exit status is 1 where results differ or an aim is missed; those of single kernels only inform.

    \b
    tinytorch bench peers --plugins accel
    tinytorch bench peers mlp cnn --rounds 15 --html peers.html
    tinytorch bench peers inference --plugins accel --json -
    """  # noqa: D301  the mark is click's: the lines below it stay lines
    with _sentences():
        wanted = chosen(workload or [])
        if only_list:
            _list(wanted)
            return 0
        _check(threads, json, html)
        plan = Plan(find(peer), plugin_names, threads, rounds, tuned_malloc, memory=MEMORY_RUNS if memory else 0)
        report = compared(wanted, plan)
    _write(report, json, html)
    if json != PRINTED:
        _show(report, markdown=markdown)
    return int(report.failed)


@contextmanager
def _sentences() -> Iterator[None]:
    """Let what a peer cannot do be told as other mistakes are."""
    try:
        yield
    except PeerError as error:
        raise CommandError(str(error)) from error


def _check(threads: int, *files: Path | None) -> None:
    """Say before a long run what would be wrong after it."""
    if threads > noise.processors():
        raise CommandError(f"--threads {threads}: expected at most {noise.processors()}, one for each processor here")
    for path in files:
        if path is not None and (not path.parent.is_dir() or path.is_dir()):
            raise CommandError(f"{path}: expected a file in a folder that is there")


def compared(workloads: Sequence[Workload], plan: Plan) -> Report:
    """Run the comparison, and tell on standard error how far it is."""
    warnings = noise.warnings()
    for warning in warnings:
        complain(f"this machine is too noisy to judge: {warning}")
    with Workers() as workers:
        rows = [measured(each, plan, workers) for each in _progress(workloads)]
        return Report(plan.peer.title, machine(), facts(workers), _settings(plan), warnings, rows)


def _progress(workloads: Sequence[Workload]) -> Iterator[Workload]:
    """Give them one by one; on a terminal one line tells which, else a line each."""
    out = console(stderr=True)
    told = [f"{each.name} ({turn} of {len(workloads)}) ..." for turn, each in enumerate(workloads, 1)]
    if not out.is_terminal:
        for text, each in zip(told, workloads, strict=True):
            out.print(text)
            yield each
        return
    with out.status("") as status:
        for text, each in zip(told, workloads, strict=True):
            status.update(text)
            yield each


def _settings(plan: Plan) -> dict[str, Any]:
    return {"threads": plan.threads, "rounds": plan.rounds, "tuned_malloc": plan.tuned}


def _list(workloads: Sequence[Workload]) -> None:
    rows = [[each.name, each.group, _aim(each.core), _aim(each.accel), each.what] for each in workloads]
    show_table(["workload", "group", "aim, core alone", "aim with accel", "what"], rows)


def _aim(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _write(report: Report, json: Path | None, html: Path | None) -> None:
    if json == PRINTED:
        say(json_text(report.as_dict()))
    elif json is not None:
        _write_text(json, json_text(report.as_dict()))
    if html is not None:
        _write_text(html, rendering.html(report))


def _write_text(path: Path, text: str) -> None:
    try:
        with replacing(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from error


def _show(report: Report, *, markdown: bool) -> None:
    if markdown:
        say(rendering.markdown(report))
        return
    show_facts(rendering.facts(report))
    for table in rendering.tables(report):
        say(f"\n{table.title}")
        show_table(table.columns, table.rows)
    for told in rendering.unmeasured(report):
        say(told)
    missed = [row.workload.name for row in report.rows if row.failed]
    say(f"\nnot reached: {', '.join(missed)}" if missed else "\nevery aim that counts is reached")
