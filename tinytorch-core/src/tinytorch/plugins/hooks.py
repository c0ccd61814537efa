"""The cold hooks: what a plugin may say besides answering ops.

They are called through pluggy, a few times in a program's life; the ops' own hooks are the kernels themselves
(see `tinytorch.core.tensor.op`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pluggy

from tinytorch.types import Kernel

if TYPE_CHECKING:
    from pathlib import Path

    from tinytorch.plugins.options import Options

PROJECT = "tinytorch"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def describe() -> str | None:
    """Say in one sentence what the plugin is for."""


@hookspec
def register_options(options: Options) -> None:
    """Declare the plugin's typed options: `options.add("threads", int, default=2, help="...")`."""


@hookspec
def configure(options: dict[str, Any]) -> None:
    """Take the plugin's options, checked and with their defaults, when the plugin is enabled."""


@hookspec
def unconfigure() -> None:
    """Give back what `configure` took, when the plugin is disabled."""


@hookspec
def register_transforms(transforms: dict[str, Callable[..., Any]]) -> None:
    """Add named model transforms: `transforms["prune"] = prune`; a person calls them, since they change results.

    `tinytorch.plugins.transforms()` gives those of the enabled plugins. A transform is called with the model and with
    options by keyword, plain values that a file could name, and returns the model to use from then on; one that must
    see examples takes them as `calibration`, batches of inputs. What it did it notes (see `tinytorch.transforming`).
    """


@hookspec(firstresult=True)
def restructure(model: Any, name: str, structure: dict[str, Any]) -> Any | None:
    """Give an untouched model the structure that this plugin's transform of that name once noted; return the model.

    Its numbers are loaded afterwards, and the caller notes the transform. The structure comes from a file: raise
    ValueError for one that cannot be.
    """


@hookspec(firstresult=True)
def import_model(path: Path) -> Any | None:
    """Read a file of a foreign format as a model, ready to be run; None for what the plugin does not know."""


@hookspec(firstresult=True)
def make_generation_cache(model: Any, batch: int, max_length: int, kind: str | None) -> Any | None:
    """Make the cache that `generate` uses for this model, of the kind that was named, None to leave it to others."""


@hookspec
def report_sections() -> list[tuple[str, str]] | None:
    """Add (title, text) sections to the summary that ends a command."""


@hookspec
def wrap_op(op: Any, call: Kernel) -> Kernel | None:
    """Put an instrument around an op: return a callable with the signature of `call`, None to leave it alone.

    Called once for each op when a table is built, so that an idle instrument costs nothing.
    """


@hookspec
def around_training(trainer: Any) -> AbstractContextManager[Any] | None:
    """Give a block for a training run to lie in, None for none; it is left however the run ends."""


@hookspec
def on_train_start(trainer: Any) -> None:
    """Take note that a training run begins."""


@hookspec
def on_step_end(trainer: Any) -> None:
    """Take note that a batch has been learned."""


@hookspec
def on_epoch_end(trainer: Any) -> None:
    """Take note that an epoch, with its evaluation, has ended."""


@hookspec
def on_train_end(trainer: Any) -> None:
    """Take note that a training run has ended, whole or stopped early."""


COLD_HOOKS = (
    describe,
    register_options,
    configure,
    unconfigure,
    register_transforms,
    restructure,
    import_model,
    make_generation_cache,
    report_sections,
    wrap_op,
    around_training,
    on_train_start,
    on_step_end,
    on_epoch_end,
    on_train_end,
)
