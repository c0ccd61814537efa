"""`tinytorch bench peers`: the same workloads here and in PyTorch, checked and timed in one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from tinytorch.cli.choice import PluginsOption
from tinytorch.cli.output import CommandError, complain, console, json_text, say, show_facts, show_table
from tinytorch_bench import files, noise
from tinytorch_bench.files import HtmlOption, JsonOption, MarkdownOption
from tinytorch_bench.machine import machine
from tinytorch_bench.peers import rendering, stored
from tinytorch_bench.peers.contest import Plan, facts, measured
from tinytorch_bench.peers.peer import PEERS, PeerError, find
from tinytorch_bench.peers.report import Report
from tinytorch_bench.peers.sides import Workers
from tinytorch_bench.peers.workloads import GROUPS, Workload, chosen
from tinytorch_bench.statistics import FEWEST

MEMORY_RUNS = 3
NOT_BUILT = 2  # the exit status where a workload that was named could not be built
THREADS = min(2, noise.processors())


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
    json: JsonOption = None,
    html: HtmlOption = None,
    markdown: MarkdownOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep the file of --json after every workload, and skip those it has.")
    ] = False,
    only_list: Annotated[bool, typer.Option("--list", help="Show the workloads and their aims, and stop.")] = False,
) -> int:
    """Compare with another framework: same weights, same data, same threads, in turn.

    Nothing is timed where results differ. Each side has a process of its own, and its best form counts.

    The exit status is 1 where results differ or an aim is missed, 2 where a workload that was named could not be built;
    aims of single kernels only inform.

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
        _check(threads)
        files.check(json, html, markdown)
        plan = Plan(find(peer), plugin_names, threads, rounds, tuned_malloc, memory=MEMORY_RUNS if memory else 0)
        if resume and json in (None, files.PRINTED):
            raise CommandError("--resume: expected --json FILE, where the rows are kept")
        report = compared(wanted, plan, json if resume else None)
    printed = files.deliver(
        (json, lambda: json_text(report.as_dict())),
        (html, lambda: rendering.html(report)),
        (markdown, lambda: rendering.markdown(report)),
    )
    if not printed:
        _show(report)
    return _status(report, workload or [])


def _status(report: Report, named: Sequence[str]) -> int:
    """2 where a workload that was named was not built, 1 where something that counts was not reached."""
    missing = [row for row in report.rows if row.outcome == "not built" and row.workload.name in named]
    for row in missing:
        complain(f"{row.workload.name} was not measured: {row.told}")
    return NOT_BUILT if missing else int(report.failed)


@contextmanager
def _sentences() -> Iterator[None]:
    """Let what a peer cannot do be told as other mistakes are."""
    try:
        yield
    except PeerError as error:
        raise CommandError(str(error)) from error


def _check(threads: int) -> None:
    if threads > noise.processors():
        raise CommandError(f"--threads {threads}: expected at most {noise.processors()}, one for each processor here")


def compared(workloads: Sequence[Workload], plan: Plan, kept: Path | None = None) -> Report:
    """Run the comparison, and tell on standard error how far it is; with a file, go on with what it has."""
    warnings = noise.warnings()
    for warning in warnings:
        complain(f"this machine is too noisy to judge: {warning}")
    report = stored.begun(kept, Report(plan.peer.title, machine(), {}, _settings(plan)))
    report.warnings[:] = dict.fromkeys([*report.warnings, *warnings])
    with Workers() as workers:
        for each in _progress(stored.remaining(workloads, report)):
            stored.add(report, measured(each, plan, workers), facts(workers))
            if kept is not None:
                files.write(kept, json_text(report.as_dict()))
    return report


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


def _show(report: Report) -> None:
    show_facts(rendering.facts(report))
    for table in rendering.tables(report):
        say(f"\n{table.title}")
        show_table(table.columns, table.rows)
    for told in rendering.unmeasured(report):
        say(told)
    missed = [row.workload.name for row in report.rows if row.failed]
    say(f"\nnot reached: {', '.join(missed)}" if missed else "\nevery aim that counts is reached")
