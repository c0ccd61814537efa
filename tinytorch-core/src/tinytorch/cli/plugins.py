"""`tinytorch plugins`: what is installed and who asked for it; `enable` and `disable` edit the configuration."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from tinytorch import plugins
from tinytorch.cli.output import CommandError, print_json, say, show_table
from tinytorch.plugins import PluginStatus, config, discovery, editing, inspection
from tinytorch.plugins.registry import did_you_mean

Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Plugins by name, such as accel.")]


def plugins_app() -> typer.Typer:
    """Make the group of commands."""
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback(invoke_without_command=True)(show)
    app.command()(enable)
    app.command()(disable)
    return app


def show(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Show every plugin and who asked for it.

    \b
    available   installed, but nobody asked for it
    enabled     asked for by the file, the environment or code, and in use
    broken      cannot be used; it says why

    With which ops each one answers, and how exactly: bit for bit, or close to the core within a tolerance; and the
    transforms that it has for models, which only a person calls.
    """  # noqa: D301  the mark is click's: the lines below it stay lines
    if context.invoked_subcommand is not None:
        return
    found = plugins.list()
    if as_json:
        print_json([asdict(status) for status in found])
    elif found:
        columns = ("plugin", "version", "state", "why", "ops", "exactness", "transforms", "what it does")
        show_table(columns, [_row(status) for status in found])
        for status in found:
            if status.state == "broken":
                say(" ".join(status.why.split()))
    else:
        say("no plugin is installed: the core works alone; pip install tinytorch-accel brings a first one")


def enable(names: Names) -> None:
    """Enable plugins in the configuration.

    It is the nearest tinytorch.toml, or [tool.tinytorch] in pyproject.toml, here or above; else a new tinytorch.toml
    here. They come after those that are enabled already: the order is the priority. Each is tried first, in another
    process; one that is missing or broken changes nothing.
    """
    _check(names)
    before = config.read().in_file
    after = before if "all" in before else tuple(dict.fromkeys((*before, *names)))
    _write(before, after)


def disable(names: Names) -> None:
    """Disable plugins in the configuration.

    One that is missing or broken can be taken out too.
    """
    before = config.read().in_file
    installed = discovery.installed()
    listed = tuple(sorted(installed)) if "all" in before else before
    for name in names:
        if name not in listed and name not in installed:
            hint = did_you_mean(name, [*listed, *installed])
            raise CommandError(f"plugin '{name}' is neither enabled nor installed{hint}")
    _write(before, before if not set(names) & {*listed} else tuple(each for each in listed if each not in names))


def _check(names: Sequence[str]) -> None:
    for name in names:
        if name != "all":
            discovery.find(name)
    looked = inspection.look_into([name for name in names if name != "all"])
    problem = next((inside.problem for inside in looked.values() if inside.problem), "")
    if problem:
        raise CommandError(problem)


def _write(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    path = config.find_file()
    if after != before:
        path = editing.set_plugins(("all",) if "all" in after else after)
    where = f"{path} enables" if path else "enabled here:"
    say(f"{where} {', '.join(after) or 'no plugin'}{'' if after != before else ', as before'}")
    if "TINYTORCH_PLUGINS" in os.environ:
        say("TINYTORCH_PLUGINS is set in this shell and goes before it")


def _row(status: PluginStatus) -> tuple[str, ...]:
    ops = ", ".join(status.ops) if len(status.ops) <= 6 else f"{len(status.ops)} ops"
    why = "" if status.state == "broken" else status.why  # which is long, and told below
    transforms = ", ".join(status.transforms)
    return (status.name, status.version, status.state, why, ops, _exactness(status), transforms, status.description)


def _exactness(status: PluginStatus) -> str:
    """Return in a word how near all ops stay to the core's; --json says it for each."""
    distances = {part for told in status.exactness.values() for part in told.split(", ")}
    if not distances or all(part.endswith("exact") for part in distances):
        return "exact" if distances else ""
    return "undeclared" if any("undeclared" in part for part in distances) else "close"
