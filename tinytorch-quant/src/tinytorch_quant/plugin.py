"""The face of the plugin `quant`: what it tells the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinytorch.plugins import hookimpl

if TYPE_CHECKING:
    from pathlib import Path


@hookimpl
def describe() -> str:
    """Say in one sentence what the plugin is for."""
    return "stores and computes in INT8 and fewer bits"


@hookimpl
def import_model(path: Path) -> Any | None:
    """Read a `.tflite` file."""
    if path.suffix != ".tflite":
        return None
    from tinytorch_quant.tflite import load_tflite

    return load_tflite(path)
