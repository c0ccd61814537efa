"""`tinytorch bench tiny`: the tasks of MLPerf Tiny, with real models, judged by real samples."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tinytorch.cli.choice import PluginsOption, chosen
from tinytorch.cli.output import CommandError, complain, console, json_text, say, show_facts, show_table
from tinytorch_bench import files, noise
from tinytorch_bench.files import HtmlOption, JsonOption, MarkdownOption
from tinytorch_bench.machine import machine
from tinytorch_bench.tinymlperf import loadgen, rendering, tasks
from tinytorch_bench.tinymlperf.result import Report, Result
from tinytorch_bench.tinymlperf.runner import OFFICIAL, QUICK, Rules
from tinytorch_bench.tinymlperf.session import measured
from tinytorch_bench.tinymlperf.tasks import TASKS, Precision, Scenario, Task, TinyError

VARIABLE = "TINYTORCH_DATA"
NOT_RUN = 2  # the exit status where a task that was named could not be run


def tiny(
    task: Annotated[
        list[str] | None, typer.Argument(metavar="TASK", help=f"{', '.join(TASKS)}; all by default.")
    ] = None,
    precision: Annotated[Precision, typer.Option(help="Which of the reference models.")] = Precision.INT8,
    scenario: Annotated[Scenario, typer.Option(help="One input after the other, or batches.")] = Scenario.SINGLE_STREAM,
    quick: Annotated[bool, typer.Option("--quick", help="A look of seconds, which the rules do not allow.")] = False,
    by_loadgen: Annotated[bool, typer.Option("--loadgen", help="Let MLCommons' load generator measure.")] = False,
    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help=f"Where models and samples are, instead of {VARIABLE}.")
    ] = None,
    plugin_names: PluginsOption = None,
    json: JsonOption = None,
    html: HtmlOption = None,
    markdown: MarkdownOption = None,
) -> int:
    """Run the tasks of MLPerf Tiny, each of which takes a minute by the rules.

    Accuracy is judged by real samples only; where there are none, it is not measured, and the table says where they
    come from. No result is an official one of MLPerf's.

    The exit status is 1 where a target is missed, 2 where a task that was named could not be run, or none could.

    \b
    tinytorch bench tiny kws --quick --plugins accel,quant
    tinytorch bench tiny --plugins accel,quant --html tiny.html
    tinytorch bench tiny kws --precision float32 --loadgen --scenario offline
    """  # noqa: D301  the mark is click's: the lines below it stay lines
    with _sentences():
        wanted, folder = tasks.chosen(task or []), _folder(data)
        files.check(json, html, markdown)
        if by_loadgen:
            loadgen.module()
        with chosen(plugin_names) as names:
            warnings = noise.warnings()
            for warning in warnings:
                complain(f"this machine is too noisy to judge: {warning}")
            results = list(_run(wanted, folder, precision, scenario, QUICK if quick else OFFICIAL, by_loadgen))
    report = Report(machine(), [name for name in names if name != "bench"], warnings, results)
    printed = files.deliver(
        (json, lambda: json_text(report.as_dict())),
        (html, lambda: rendering.html(report)),
        (markdown, lambda: rendering.markdown(report)),
    )
    if not printed:
        _show(report)
    return _status(report, task or [])


@contextmanager
def _sentences() -> Iterator[None]:
    """Let what a task cannot do be told as other mistakes are."""
    try:
        yield
    except TinyError as error:
        raise CommandError(str(error)) from error


def _folder(data: Path | None) -> Path:
    """The folder of models and samples."""
    named = os.environ.get(VARIABLE) if data is None else data
    if not named:
        raise CommandError(f"expected the folder of models and samples: --data FOLDER, or {VARIABLE}")
    folder = Path(named)
    if not folder.is_dir():
        raise CommandError(f"{folder}: expected a folder with the models and samples of MLPerf Tiny")
    return folder


def _run(
    wanted: Sequence[Task], folder: Path, precision: Precision, scenario: Scenario, rules: Rules, by_loadgen: bool
) -> Iterator[Result]:
    """Give the results one by one, and tell on standard error how far it is."""
    out = console(stderr=True)
    with _progress(out) as tell:
        for turn, task in enumerate(wanted, 1):
            if not out.is_terminal:
                out.print(f"{task.name} ({turn} of {len(wanted)}) ...")
            yield measured(task, folder, precision, scenario, rules, by_loadgen, partial(tell, task.name))


@contextmanager
def _progress(out: Console) -> Iterator[Callable[[str, str], None]]:
    """On a terminal one line that changes within a task; elsewhere nothing."""
    if not out.is_terminal:
        yield lambda name, text: None
        return
    with out.status("") as status:
        yield lambda name, text: status.update(f"{name}: {text}")


def _show(report: Report) -> None:
    show_facts(rendering.facts(report))
    say()
    if rendering.rows(report):
        show_table(rendering.COLUMNS, rendering.rows(report))
        say()
    for remark in rendering.remarks(report):
        say(remark)


def _status(report: Report, named: Sequence[str]) -> int:
    missing = [result for result in report.results if result.told]
    if missing and (named or len(missing) == len(report.results)):
        for result in missing:
            complain(f"{result.task.name} was not run: {result.told}")
        return NOT_RUN
    return int(report.failed)
