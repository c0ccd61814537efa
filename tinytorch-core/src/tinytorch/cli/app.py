"""The application: which commands there are, and how every mistake becomes one sentence and a status.

Status 0 is success, 1 what could not be done, 2 a command line that cannot be read, 130 an interruption.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

import tinytorch
from tinytorch.cli.evaluate import evaluate
from tinytorch.cli.explain import explain
from tinytorch.cli.generate import generate
from tinytorch.cli.new_plugin import new_plugin
from tinytorch.cli.output import CommandError, complain, say
from tinytorch.cli.plugin_commands import Commands
from tinytorch.cli.plugins import plugins_app
from tinytorch.cli.recipes import recipes
from tinytorch.cli.train import train
from tinytorch.cli.verify import verify_command
from tinytorch.core.tokenization import TokenizerError
from tinytorch.datasets import DatasetError
from tinytorch.plugins import PluginError
from tinytorch.serialization import CheckpointError

TOLD = (  # they are sentences already
    CommandError,
    PluginError,
    CheckpointError,
    DatasetError,
    TokenizerError,
    FloatingPointError,
)
UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # click's, wherever typer keeps click
INTERRUPTED = 130
FIRST_STEPS = """\b
tinytorch train digits-cnn             train a network on real handwritten digits
tinytorch train chars --text FILE      train a language model on a text
tinytorch recipes                      what else can be trained
tinytorch plugins                      what is installed to make it faster
tinytorch verify                       whether that changes any result
tinytorch new-plugin NAME              a plugin of your own, to start from
tinytorch COMMAND --help               more about one command"""


def make_app() -> typer.Typer:
    """Put the commands together."""
    app = typer.Typer(
        name="tinytorch",
        cls=Commands,
        help=f"{tinytorch.__doc__}\n\n{FIRST_STEPS}",
        rich_markup_mode=None,  # plain help: boxes would leave it half the width
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_begin)
    app.command()(train)
    app.command("eval")(evaluate)
    app.command()(generate)
    app.command()(recipes)
    app.add_typer(plugins_app(), name="plugins")
    app.command()(explain)
    app.command("verify")(verify_command)
    app.command()(new_plugin)
    return app


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line, the process's own if None, and return the status."""
    try:
        status = make_app()(arguments, standalone_mode=False, prog_name="tinytorch")
        return status if isinstance(status, int) else 0
    except UsageError as error:
        complain(_usage(error))
        return 2
    except TOLD as error:
        complain("; ".join([str(error), *getattr(error, "__notes__", ())]))
        return 1
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted")
        return INTERRUPTED


def _begin(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        say(f"tinytorch {tinytorch.__version__}")
    elif context.invoked_subcommand is None:
        say(context.get_help())


def _usage(error: Any) -> str:
    """Return click's message as a sentence that says where to look."""
    message = error.format_message().rstrip(".")
    command = error.ctx.command_path if error.ctx else "tinytorch"
    return f"{message[:1].lower()}{message[1:]} (see {command} --help)"
