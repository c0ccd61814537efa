"""Evaluation: the mean loss and metric of a model over batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tinytorch.core.autograd import no_grad
from tinytorch.core.tensor.promotion import tensors_only

if TYPE_CHECKING:
    from tinytorch.core.module import Module
    from tinytorch.core.tensor import Tensor

    Metric = Callable[[Any, Any], float] | None


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """The share of rows whose largest score is the target's: (batch, classes), (batch,) -> 0 ... 1."""
    if (
        tensors_only("accuracy", outputs)[0].ndim != 2
        or tensors_only("accuracy", targets)[0].shape != outputs.shape[:1]
    ):
        raise ValueError(f"accuracy: expected (batch, classes) and (batch,), got {outputs.shape} and {targets.shape}")
    return float((outputs.argmax(1) == targets).float().mean())


def evaluate(
    model: Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    loss_fn: Callable[[Any, Any], Tensor],
    metric: Metric = accuracy,
) -> dict[str, float]:
    """Mean loss and metric over all rows of the batches of (inputs, targets), in evaluation mode.

    The metric has its function's name; nan where there are no rows.
    """
    totals = nothing_counted()
    with evaluating(model), no_grad():
        for batch in batches:
            inputs, targets = two("evaluate", batch)
            outputs = model(inputs)
            count(totals, outputs, targets, loss_fn(outputs, targets).item(), metric)
    return means(totals, metric)


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Let a model be in evaluation within the block, and each part as it was afterwards: some may be frozen."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def nothing_counted() -> dict[str, float]:
    """Sums over rows, before the first."""
    return {"loss": 0.0, "metric": 0.0, "rows": 0.0}


def count(totals: dict[str, float], outputs: Tensor, targets: Tensor, loss: float, metric: Metric) -> None:
    """Add a batch's rows to the sums."""
    rows = len(outputs)
    totals["rows"] += rows
    totals["loss"] += loss * rows
    if metric is not None:
        totals["metric"] += metric(outputs, targets) * rows


def means(totals: dict[str, float], metric: Metric) -> dict[str, float]:
    """The sums as means over rows."""
    rows = totals["rows"] or math.nan
    told = {"loss": totals["loss"] / rows}
    if metric is not None:
        told[getattr(metric, "__name__", "metric")] = totals["metric"] / rows
    return told


def two(name: str, batch: Any) -> tuple[Any, Any]:
    """A batch as inputs and targets."""
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        got = f"{len(batch)} parts" if isinstance(batch, (tuple, list)) else type(batch).__name__
        raise ValueError(f"{name}: expected batches of inputs and targets, got {got}")
    return batch[0], batch[1]
