"""Structured pruning: channels, neurons and heads taken out of a model, which is smaller and faster afterwards.

The pruned model is run beside the same model with the removed numbers set to zero, on the example and on drawn
numbers; only where both agree does it stay so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.autograd import enable_grad, no_grad
from tinytorch.core.tensor import Tensor
from tinytorch.core.training import evaluating
from tinytorch.transforming import note
from tinytorch_compress.structured.budget import check, chosen
from tinytorch_compress.structured.groups import Dependencies, dependencies
from tinytorch_compress.structured.importance import scores
from tinytorch_compress.structured.structure import Structure, cut, put_back, structure_of, tensors
from tinytorch_compress.traces import as_inputs

if TYPE_CHECKING:
    from tinytorch.core.module import Module
    from tinytorch.types import Array
    from tinytorch_compress.structured.importance import Loss

PLUGIN, NAME = "compress", "prune_structured"
ROUNDING = 100  # of the dtype's eps, relative to the largest output: sums are made in another order


def prune_structured(
    model: Module,
    example_inputs: Tensor | Sequence[Tensor],
    amount: float = 0.5,
    importance: str = "magnitude",
    global_: bool = False,
    round_to: int = 1,
    ignored: Iterable[str] = (),
    *,
    loss: Loss | None = None,
    batches: Iterable[tuple[Any, Any]] | None = None,
) -> Module:
    """Take a share of the channels, neurons and heads out of a model, in place, and return it.

    The example inputs are what the model is run on to see what depends on what: floats of the right shapes, whole
    numbers as they come in earnest, since none can be drawn in their place. The other arguments are those of
    `dependencies`, `scores` and `chosen`. Raises ValueError where nothing can be removed, or the pruned model does not
    do what it did; then nothing has changed. Make the optimizer afterwards: its state has the shapes of before.
    """
    check(amount, round_to)
    found = dependencies(model, example_inputs, ignored)
    if not found.groups:
        reasons = ", ".join(sorted(set(found.frozen.values()))[:3])
        raise ValueError(
            f"prune_structured: nothing of {type(model).__name__} can be removed: {reasons or 'no weights'}"
        )
    removed = chosen(scores(model, found, importance, loss, batches), amount, global_=global_, round_to=round_to)
    structure = structure_of(model, found, removed)
    with put_back(model):
        _checked_cut(model, found, removed, structure, as_inputs(example_inputs))
        note(model, PLUGIN, NAME, structure)
    return model


def transform(model: Module, *, calibration: Iterable[Any], **options: Any) -> Module:
    """`prune_structured` as a registered transform: the first calibration batch is the example."""
    for batch in calibration:
        return prune_structured(model, batch, **options)
    raise ValueError("prune_structured: expected at least one batch of calibration inputs, got none")


def restructure(model: Module, structure: dict[str, Any]) -> Module:
    """Give a fresh model the structure that pruning noted; raise ValueError for one that cannot be."""
    cut(model, structure)
    return model


def _checked_cut(
    model: Module, found: Dependencies, removed: list[Array], structure: Structure, inputs: tuple[Tensor, ...]
) -> None:
    """Cut the model, and raise where it does not do what the masked one did, with gradients or without."""
    with evaluating(model):
        with masked(model, found, removed), enable_grad():
            runs = [(inputs, _arrays(model(*inputs))), *_drawn_runs(model, inputs)]
        cut(model, structure)
        for mode in (enable_grad, no_grad):
            try:
                with mode():
                    got = [array for each, _ in runs for array in _arrays(model(*each))]
            except (ValueError, TypeError, IndexError, RuntimeError) as error:
                raise ValueError(
                    f"prune_structured: the pruned {type(model).__name__} cannot be run, so nothing was removed; "
                    f"name what it does not fit in ignored: {error}"
                ) from error
            expected = [array for _, arrays in runs for array in arrays]
            if not all(_agree(a, b) for a, b in zip(got, expected, strict=True)):
                raise ValueError(
                    f"prune_structured: the pruned {type(model).__name__} gives other numbers than with zeros instead, "
                    f"so nothing was removed; it computes with a size that has changed"
                )


def _drawn_runs(model: Module, inputs: tuple[Tensor, ...]) -> list[tuple[tuple[Tensor, ...], list[Array]]]:
    """Drawn numbers for the floats among the inputs, and what the model returns: an example of zeros proves little.

    They are from 0 to 1, where roots and logarithms have values. None where all are whole numbers, which may be places
    in a table, and where the model takes only numbers of its own kind.
    """
    generator = np.random.default_rng(0)  # its own, so that pruning moves no other stream
    drawn = tuple(_like(each, generator) if each.is_floating_point() else each for each in inputs)
    if all(a is b for a, b in zip(drawn, inputs, strict=True)):
        return []
    try:
        return [(drawn, _arrays(model(*drawn)))]
    except (ValueError, TypeError, IndexError, RuntimeError):
        return []


def _like(example: Tensor, generator: np.random.Generator) -> Tensor:
    return Tensor(generator.random(example.shape).astype(example.dtype))


def _agree(a: Array, b: Array) -> bool:
    if a.shape != b.shape:
        return False
    if b.dtype.kind != "f" or not b.size:
        return np.array_equal(a, b)
    kind, largest = np.finfo(b.dtype), float(np.abs(b[np.isfinite(b)]).max(initial=0.0))
    tolerance = max(ROUNDING * float(kind.eps) * largest, float(kind.tiny))  # where all are zero
    return np.allclose(a, b, rtol=0.0, atol=tolerance, equal_nan=True)


def _arrays(out: Any) -> list[Array]:
    """The arrays in what a model returned."""
    if isinstance(out, Tensor):
        return [out.array]
    parts = out.values() if isinstance(out, dict) else out if isinstance(out, (list, tuple)) else ()
    return [array for part in parts for array in _arrays(part)]


@contextmanager
def masked(model: Module, found: Dependencies, removed: list[Array]) -> Iterator[None]:
    """Set the removed units' parameters to zero within the block; buffers stay."""
    parameters = dict(model.named_parameters())
    before = {name: tensor.array for name, tensor in tensors(model).items()}
    try:
        for group, out in zip(found.groups, removed, strict=True):
            for number in np.flatnonzero(out):
                for (name, axis), indices in group.units[number].items():
                    if name in parameters:
                        _zeroed(parameters[name], before[name], axis, indices)
        yield
    finally:
        for name, tensor in tensors(model).items():
            tensor.array = before[name]


def _zeroed(parameter: Tensor, before: Array, axis: int, indices: Array) -> None:
    if parameter.array is before:
        parameter.array = before.copy()
    parameter.array[(slice(None),) * axis + (indices,)] = 0.0
