"""`tinytorch explain OP`: who answers an op, in the order of asking."""

from __future__ import annotations

import inspect
from typing import Annotated

import typer

from tinytorch import plugins
from tinytorch.cli.choice import PluginsOption, chosen
from tinytorch.cli.output import print_json, say, show_table
from tinytorch.plugins import registry


def explain(
    op: Annotated[str, typer.Argument(metavar="OP", help="The op's name, such as matmul.")],
    plugin_names: PluginsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show who answers an op, in the order of asking.

    A plugin may answer or decline; the core's kernel is asked last and always answers. "watches" is an instrument, such
    as a profiler; "exact" gives the core's bits, "close" says how near it stays.
    """
    with chosen(plugin_names):
        chain = plugins.explain(op)
    kernel = registry.find(op).kernel
    signature, sentence = f"{op}{_signature(kernel)}", inspect.getdoc(kernel) or ""
    if as_json:
        steps = [{"plugin": plugin, "role": role} for plugin, role in chain]
        print_json({"op": op, "signature": signature, "description": sentence, "chain": steps})
        return
    say(f"{signature}\n    {sentence.splitlines()[0] if sentence else ''}\n")
    show_table(("asked", "plugin", "what it does"), [(str(i), *step) for i, step in enumerate(chain, 1)])


def _signature(kernel: object) -> str:
    assert callable(kernel)
    return f"({', '.join(inspect.signature(kernel).parameters)})"
