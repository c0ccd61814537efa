"""Published models, from folders as Hugging Face keeps them: `config.json`, and the weights as safetensors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.models.layouts import LAYOUTS, Config, Layout, Pretrained
from tinytorch.models.weights import FLOATS, Stored, listed, read, read_json
from tinytorch.serialization import CheckpointError, PathLike

if TYPE_CHECKING:
    from tinytorch.types import Array


def load_pretrained(path: PathLike) -> Pretrained:
    """The model of a folder, or of a `.safetensors` file with its config.json beside it: GPT-2, Llama or BERT.

    Weights of 16 bits become float32. Raises CheckpointError where a weight is missing, unexpected or of another shape,
    and where the settings ask for what the model cannot do.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"load_pretrained: expected a path, got {type(path).__name__}")
    path = Path(path)
    place = (path if path.is_dir() else path.parent) / "config.json"
    config = Config(place, read_json(place))
    kind = config.values.get("model_type")
    if not isinstance(kind, str) or kind not in LAYOUTS:
        raise CheckpointError(
            f"load_pretrained: {place} expected 'model_type' as one of {', '.join(LAYOUTS)}, got {kind!r:.60}"
        )
    stored = listed(path)
    layout = LAYOUTS[kind](config, {each.name for each in stored})
    return _filled(path, layout, _matched(path, layout, stored))


def _matched(path: Path, layout: Layout, stored: list[Stored]) -> dict[str, Stored]:
    """The tensors by the model's names; raises CheckpointError unless they are its weights, all and no others."""
    found: dict[str, Stored] = {}
    for each in stored:
        name = layout.name_of(each.name)
        if name not in layout.shapes and layout.ignored.search(name):
            continue
        if name in found:
            raise CheckpointError(f"load_pretrained: {path} has two tensors for '{name}'")
        found[name] = each
    for what, names in (("lacks", layout.shapes.keys() - found), ("has the unexpected", found.keys() - layout.shapes)):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise CheckpointError(f"load_pretrained: {path} {what} '{min(names)}'{more}")
    for name, each in found.items():
        expected = layout.shapes[name][::-1] if _is_turned(layout, name) else layout.shapes[name]
        if each.shape != expected or each.dtype not in FLOATS:
            raise CheckpointError(
                f"load_pretrained: {path} has '{each.name}' as {each.dtype} {each.shape}, "
                f"expected {', '.join(FLOATS)} {expected}"
            )
    return found


def _filled(path: Path, layout: Layout, found: dict[str, Stored]) -> Pretrained:
    """The model with the tensors as its weights."""
    try:
        model = layout.make()
    except ValueError as error:  # sizes that do not divide evenly show in no shape
        raise CheckpointError(f"load_pretrained: {path} cannot be made: {error}") from error
    parameters: dict[str, Any] = dict(model.named_parameters())
    for name, parameter in parameters.items():
        array = read(found[name])
        parameter.array = np.ascontiguousarray(array.T) if _is_turned(layout, name) else array
    if layout.tied is not None and layout.tied[0] in found:
        _check_tied(path, layout.tied, read(found[layout.tied[0]]), parameters[layout.tied[1]].array)
    return model


def _check_tied(path: Path, names: tuple[str, str], one: Array, other: Array) -> None:
    if not np.array_equal(one, other, equal_nan=True):
        raise CheckpointError(f"load_pretrained: {path} has '{names[0]}' and '{names[1]}' apart, expected one weight")


def _is_turned(layout: Layout, name: str) -> bool:
    return layout.turned is not None and layout.turned.search(name) is not None
