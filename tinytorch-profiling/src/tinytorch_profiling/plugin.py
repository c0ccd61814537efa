"""The face of the plugin `profiling`: what it tells the core."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from tinytorch.plugins import hookimpl
from tinytorch_profiling import training

if TYPE_CHECKING:
    from tinytorch.plugins import Options


@hookimpl
def describe() -> str:
    """Say in one sentence what the plugin is for."""
    return "shows where time, memory and arithmetic go, and where the time of a training went at its end"


@hookimpl
def register_options(options: Options) -> None:
    """Declare how many steps of each training are looked at."""
    options.add("steps", int, default=100, help="steps of each training to record; 0 for none")


@hookimpl
def configure(options: dict[str, Any]) -> None:
    """Take the options."""
    training.configure(options)


@hookimpl
def around_training(trainer: Any) -> AbstractContextManager[None]:
    """Profile some steps of the training."""
    return training.profiled()


@hookimpl
def on_step_end(trainer: Any) -> None:
    """Count the step."""
    training.step()


@hookimpl
def report_sections() -> list[tuple[str, str]]:
    """Tell where the time went."""
    return training.sections()
