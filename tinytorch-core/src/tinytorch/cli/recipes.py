"""`tinytorch recipes`: what can be trained by name."""

from __future__ import annotations

from typing import Annotated

import typer

from tinytorch.cli.output import print_json, show_table
from tinytorch.recipes import find, names


def recipes(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Show what can be trained by name, with its defaults."""
    known = [find(name) for name in names()]
    if as_json:
        fields = ("name", "description", "epochs", "batch_size", "lr")
        print_json([{field: getattr(recipe, field) for field in fields} for recipe in known])
        return
    rows = [(each.name, str(each.epochs), str(each.batch_size), f"{each.lr:g}", each.description) for each in known]
    show_table(("recipe", "epochs", "batch size", "lr", "what it trains"), rows)
