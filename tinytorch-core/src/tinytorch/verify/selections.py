"""A set of plugins: doing something with it, and how far from the core it may lead."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from tinytorch import plugins
from tinytorch.testing.reference import allowed, implementations
from tinytorch.testing.table import cases_for

Selection = tuple[str, ...]
Result = TypeVar("Result")

DRIFT = 1e-4  # relative: what the roundings of a training's ops add up to
GROWTH = 100.0  # times the largest declared distance, for some dozen steps


def called(selection: Selection) -> str:
    """Name a selection as rows do."""
    return " + ".join(selection) or "the core alone"


def tried(act: Callable[[], Result], selection: Selection) -> tuple[Result | None, list[str]]:
    """Do something with these plugins; what it raises or warns of becomes a problem, what it sets in numpy ends."""
    with np.errstate(), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            with plugins.using(*selection):
                done = act()
        except Exception as error:  # noqa: BLE001  whatever a plugin raises is the finding
            return None, [f"raises {type(error).__name__}: {error}"]
    return done, [f"warns: {told[0].message}"] if told else []


def tolerance(selection: Selection) -> float:
    """How far numbers of a training may be from the core's, relative to it; 0 is bit for bit.

    Bit for bit where every implementation is declared exact, and where there is none. Else 1e-4, and 100 times the
    largest declared rtol more: what one step rounds differently the next ones go on with. Nothing counts as declared
    beyond the op's contract.
    """
    distances = [
        allowed(case, function, "float32")
        for name in selection
        for op, function in implementations(name).items()
        for case in cases_for(op)
    ]
    if all(distance == (0.0, 0.0) for distance in distances):
        return 0.0
    return DRIFT + GROWTH * max(distance.rtol for distance in distances)
