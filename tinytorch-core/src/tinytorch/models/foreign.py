"""Models of foreign formats, which plugins read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tinytorch.plugins import hook, hook_of
from tinytorch.serialization import CheckpointError, PathLike

if TYPE_CHECKING:
    from tinytorch.core.module import Module

READERS = {".tflite": "quant"}  # the plugins that are known to read a format, by its ending


def import_model(path: PathLike) -> Module:
    """Return the model of a file in a format that a plugin reads: those in force are asked, then the one known for it.

    Raises CheckpointError where there is no such file or nobody reads it, PluginError that says what to install.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"import_model: expected a path, got {type(path).__name__}")
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"import_model: there is no file {path}")
    model = hook().import_model(path=path)
    if model is None and path.suffix in READERS:
        model = hook_of(READERS[path.suffix], f"a {path.suffix} file").import_model(path=path)
    if model is None:
        raise CheckpointError(f"import_model: no plugin that is enabled reads {path}")
    return model
