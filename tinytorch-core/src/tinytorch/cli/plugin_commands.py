"""Commands that plugins bring: entry points of the group `tinytorch.commands`.

They are listed from metadata alone and imported when they are called. Calling one is asking for its plugin, which is
enabled for that run. One whose distribution is absent says what to install.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from tinytorch import plugins
from tinytorch.cli.output import CommandError
from tinytorch.plugins import discovery

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint

GROUP = "tinytorch.commands"
OURS = {  # this project's, to say what to install
    "bench": "bench",
    "cache": "cache",
    "compress": "compress",
    "profile": "profiling",
    "prune": "compress",
    "quantize": "quant",
    "sparsity": "compress",
}


@dataclass(frozen=True)
class Brought:
    """A command that an installed distribution brings."""

    name: str
    distribution: str
    version: str
    entry_point: EntryPoint

    def load(self) -> Any:
        """Import the command, with its plugin enabled for this process."""
        for name, found in discovery.installed().items():
            if found.distribution == self.distribution:
                plugins.enable(name)
        try:
            app = self.entry_point.load()
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            raise CommandError(f"command '{self.name}' of {self.distribution} cannot be imported: {told}") from error
        if not isinstance(app, typer.Typer):
            told = f"is no typer.Typer but {type(app).__name__}"
            raise CommandError(f"command '{self.name}' of {self.distribution} {told}: {self.entry_point.value}")
        return typer.main.get_command(app)


def brought() -> dict[str, Brought]:
    """Return the commands of all installed distributions by name; the first on sys.path wins."""
    commands: dict[str, Brought] = {}
    for distribution, version, point in discovery.entry_points(GROUP):
        commands.setdefault(point.name, Brought(point.name, distribution, version, point))
    return commands


class BroughtCommand(TyperCommand):
    """Stands for a plugin's command in the help, and becomes it when it is called."""

    def __init__(self, command: Brought) -> None:
        self.command = command
        super().__init__(command.name, help=f"Brought by {command.distribution} {command.version}.")

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Hand the command line over to the command itself."""
        return self.command.load().make_context(*arguments, **options)


class Commands(TyperGroup):
    """The core's own commands, then those that plugins bring."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names for the help, reading metadata only."""
        own = super().list_commands(ctx)
        return [*own, *sorted(name for name in brought() if name not in own)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; raise CommandError for one that is known but not installed."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        found = brought().get(cmd_name)
        if found is not None:
            return BroughtCommand(found)
        if cmd_name in OURS:
            raise CommandError(_absent(cmd_name, OURS[cmd_name]))
        return None


def _absent(command: str, plugin: str) -> str:
    found = discovery.installed().get(plugin)
    if found is not None:
        return f"command '{command}' is not in the installed {found.source}; a later one brings it"
    return f"command '{command}' needs the plugin '{plugin}': pip install tinytorch-{plugin}"
