"""`tinytorch bench`: what it can measure."""

from __future__ import annotations

import typer

from tinytorch.cli.output import say
from tinytorch_bench.peers.command import peers
from tinytorch_bench.tinymlperf.command import tiny

app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command()(peers)
app.command()(tiny)


@app.callback(invoke_without_command=True)
def bench(context: typer.Context) -> None:
    """Measure tinytorch honestly: beside other frameworks, with the same weights, data and threads."""
    if context.invoked_subcommand is None:
        say(context.get_help())
