"""The face of the plugin `quant`: what it tells the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinytorch.plugins import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@hookimpl
def describe() -> str:
    """Say in one sentence what the plugin is for."""
    return "stores and computes in INT8 and fewer bits"


@hookimpl
def register_transforms(transforms: dict[str, Callable[..., Any]]) -> None:
    """Add `quantize`."""
    transforms["quantize"] = transform


def transform(model: Any, calibration: Any = None, **options: Any) -> Any:
    """Quantize a model; the options are `QuantConfig`'s."""
    from tinytorch_quant.config import QuantConfig
    from tinytorch_quant.quantizing import quantize

    return quantize(model, QuantConfig(**options), calibration)


@hookimpl
def restructure(model: Any, name: str, structure: dict[str, Any]) -> Any | None:
    """Give a fresh model the structure that `quantize` noted."""
    if name != "quantize":
        return None
    from tinytorch_quant.structure import restructure as restructured

    return restructured(model, structure)


@hookimpl
def import_model(path: Path) -> Any | None:
    """Read a `.tflite` file."""
    if path.suffix != ".tflite":
        return None
    from tinytorch_quant.tflite import load_tflite

    return load_tflite(path)
