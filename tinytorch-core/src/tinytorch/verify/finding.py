"""What a check of a training's health found."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """Problems, or what was seen where there are none."""

    problems: list[str]
    detail: str
    difference: float | None = None
