"""Trying a plugin's ops against the core's kernels: values, derivatives, memory, state, threads.

An implementation is right where nobody can tell it from the core by anything but time and memory. What can be told is
a `Problem`, one sentence that names the op.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tinytorch.plugins import registry
from tinytorch.testing.derivatives import try_derivatives
from tinytorch.testing.finding import Examination
from tinytorch.testing.reference import implementations, is_exact
from tinytorch.testing.table import OP_CASES
from tinytorch.testing.values import try_declaration, try_values

DRAWS = 16
GRADIENT_DRAWS = 4


def examine(plugin: str, ops: Sequence[str] | None = None, draws: int = DRAWS, seed: int = 0) -> Iterator[Examination]:
    """Try the ops that a plugin implements, or these, one after the other.

    Derivatives are tried of every op, since a plugin's ops serve in those of others; of a plugin without ops, nothing.
    """
    for op in ops or ():
        registry.find(op)
    mine = implementations(plugin)
    exact = all(is_exact(function) for function in mine.values())
    for op in dict.fromkeys(case.op for case in OP_CASES) if mine else ():
        if ops is not None and op not in ops:
            continue
        found = Examination(op)
        if op in mine:
            try_declaration(found, mine[op])
            try_values(found, plugin, mine[op], draws, seed)
        try_derivatives(found, plugin, exact, min(draws, GRADIENT_DRAWS), seed)
        yield found


def check_plugin(plugin: str, ops: Sequence[str] | None = None, draws: int = DRAWS, seed: int = 0) -> None:
    """Raise AssertionError that lists every way in which a plugin can be told from the core.

    `draws` small inputs are drawn for each op and dtype, and some of every other kind; a seed gives the same ones.
    """
    problems = [problem for found in examine(plugin, ops, draws, seed) for problem in found.problems]
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise AssertionError(f"plugin '{plugin}' can be told from the core:\n{lines}")
