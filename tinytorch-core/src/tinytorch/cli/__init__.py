"""The command `tinytorch`: train, evaluate, write text, and manage plugins from a terminal.

It stands on typer and rich, the extra `cli`; the library needs neither, so nothing here is imported before the command
is called. Read app first; each command has its page; display and interruption are what training needs around it.
"""

import sys

EXTRA = "the command line needs typer and rich: pip install 'tinytorch-core[cli]'"


def main() -> None:
    """Run the command with this process's arguments and exit with its status."""
    try:
        import rich  # noqa: F401  asked for here, so that its absence is told in one sentence
        import typer  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name not in {"rich", "typer"}:
            raise
        sys.exit(f"tinytorch: {EXTRA}")
    from tinytorch.cli.app import run

    sys.exit(run())
