"""The face of the plugin `cache`: what it tells the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinytorch.plugins import hookimpl
from tinytorch_cache import choice

if TYPE_CHECKING:
    from tinytorch.plugins import Options


@hookimpl
def describe() -> str:
    """Say in one sentence what the plugin is for."""
    return "keeps keys and values between generated tokens: the same tokens, many times faster"


@hookimpl
def register_options(options: Options) -> None:
    """Declare which cache is used, and how large its parts are."""
    choice.declare(options)


@hookimpl
def configure(options: dict[str, Any]) -> None:
    """Take the options."""
    choice.configure(options)


@hookimpl
def make_generation_cache(model: Any, batch: int, max_length: int, kind: str | None) -> Any | None:
    """Make the cache of the kind that was named, or chosen in the options."""
    return choice.make(model, batch, max_length, kind)
