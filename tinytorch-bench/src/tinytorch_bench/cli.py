"""`tinytorch bench`: what it can measure."""

from __future__ import annotations

import typer

from tinytorch.cli.output import say
from tinytorch_bench.commands import compare
from tinytorch_bench.competition.command import (
    compete_command,
    leaderboard_command,
    submit_command,
    validate_command,
)
from tinytorch_bench.peers.command import peers
from tinytorch_bench.tinymlperf.command import tiny

app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command()(peers)
app.command()(tiny)
app.command()(compare)
app.command("compete")(compete_command)
app.command("validate")(validate_command)
app.command("submit")(submit_command)
app.command("leaderboard")(leaderboard_command)


@app.callback(invoke_without_command=True)
def bench(context: typer.Context) -> None:
    """Measure tinytorch honestly: beside other frameworks, beside itself, and beside other people's."""
    if context.invoked_subcommand is None:
        say(context.get_help())
