"""Losses as functions: how far an answer is from the right one, as one number to be made small."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinytorch.core.activations import log_softmax
from tinytorch.core.activations.functions import softplus
from tinytorch.core.tensor import Tensor, op
from tinytorch.core.tensor.arithmetic import add, divide, multiply, subtract
from tinytorch.core.tensor.comparison import greater, less
from tinytorch.core.tensor.elementwise import absolute, log, negative
from tinytorch.core.tensor.indexing import gather_along
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.tensor.promotion import check_broadcast, floats_only, pair, tensors_only
from tinytorch.core.tensor.reductions import reduce_mean, reduce_sum
from tinytorch.core.tensor.selection import select

if TYPE_CHECKING:
    from tinytorch.types import Array

REDUCTIONS = ("none", "mean", "sum")


@op
def cross_entropy(scores: Array, target: Array) -> tuple[Array, Array]:
    """-log softmax at the target for each row, and log(sum(exp(scores))): (rows, n), (rows,) -> (rows,), (rows,)."""
    largest = scores.max(axis=1, keepdims=True)
    shifted = scores - largest  # so that exp cannot overflow
    chosen = shifted[np.arange(len(target), like=target), target]
    log_sums = np.log(np.exp(shifted, out=shifted).sum(axis=1))
    return log_sums - chosen, log_sums + largest[:, 0]


@op
def cross_entropy_grad(grad: Array, scores: Array, target: Array, log_sums: Array) -> Array:
    """grad * (softmax(scores) - one-hot(target)); log_sums is cross_entropy's second output."""
    out = scores - log_sums[:, None]
    np.exp(out, out=out)
    out[np.arange(len(target), like=target), target] -= 1.0
    out *= grad[:, None]
    return out


@op(prepare=pair)
def binary_cross_entropy_each(probability: Array, target: Array) -> Array:
    """-target * log(probability) - (1 - target) * log(1 - probability); logarithms no lower than -100."""
    with np.errstate(divide="ignore"):
        hit, miss = np.log(probability), np.log1p(-probability)
    return (target - 1.0) * np.maximum(miss, -100.0) - target * np.maximum(hit, -100.0)


def cross_entropy_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(input) at the target: (n,), (batch, n) or (batch, n, ...), class numbers or probabilities.

    The mean is weighted by `weight` (n,); targets equal to ignore_index do not count.
    """
    _check("cross_entropy", input, target, reduction)
    if not 0.0 <= real("cross_entropy", "label_smoothing", label_smoothing) <= 1.0:
        raise ValueError(f"cross_entropy: expected label_smoothing from 0 to 1, got {label_smoothing}")
    scores, shape = _rows("cross_entropy", input)
    _check_class_weight("cross_entropy", weight, scores)
    if target.is_floating_point():
        return _against_probabilities(scores, target, input, shape, weight, reduction, label_smoothing)
    rows = _checked_rows("cross_entropy", target, shape, scores.shape[1], ignore_index)
    if label_smoothing == 0.0:
        return _weighted(cross_entropy(scores, rows.classes)[0], rows, weight, reduction)
    logs = log_softmax(scores, 1)
    chosen = _weighted(_picked(logs, rows), rows, weight, reduction)
    everywhere = negative(logs if weight is None else multiply(logs, weight)).sum(1)
    spread = _averaged(everywhere, rows, weight, reduction)
    return add(multiply(chosen, 1.0 - label_smoothing), multiply(spread, label_smoothing / scores.shape[1]))


def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """-input at the target, for log probabilities: (n,), (batch, n) or (batch, n, ...) and class numbers."""
    _check("nll_loss", input, target, reduction)
    logs, shape = _rows("nll_loss", input)
    _check_class_weight("nll_loss", weight, logs)
    rows = _checked_rows("nll_loss", target, shape, logs.shape[1], ignore_index)
    return _weighted(_picked(logs, rows), rows, weight, reduction)


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """(input - target) squared."""
    _check_same_shape("mse_loss", input, target, reduction)
    distance = subtract(input, target)
    return _reduced(multiply(distance, distance), reduction)


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """|input - target|."""
    _check_same_shape("l1_loss", input, target, reduction)
    return _reduced(absolute(subtract(input, target)), reduction)


def smooth_l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """A parabola within `beta` of the target, |distance| - beta / 2 beyond (Girshick 2015)."""
    _check_same_shape("smooth_l1_loss", input, target, reduction)
    if real("smooth_l1_loss", "beta", beta) < 0.0:
        raise ValueError(f"smooth_l1_loss: expected beta of 0 or more, got {beta}")
    if beta == 0.0:
        return l1_loss(input, target, reduction)
    distance = subtract(input, target)
    size = absolute(distance)
    parabola = multiply(multiply(distance, distance), 0.5 / beta)
    return _reduced(select(less(size, beta), parabola, subtract(size, 0.5 * beta)), reduction)


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """-target * log(input) - (1 - target) * log(1 - input), for probabilities; logarithms no lower than -100."""
    _check_same_shape("binary_cross_entropy", input, target, reduction)
    if input.array.size and not (input.array.min() >= 0.0 and input.array.max() <= 1.0):
        raise ValueError(
            "binary_cross_entropy: expected probabilities from 0 to 1; use binary_cross_entropy_with_logits for scores"
        )
    losses = binary_cross_entropy_each(input, target)
    return _reduced(_times("binary_cross_entropy", losses, weight), reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """binary_cross_entropy of sigmoid(input), computed without ever forming a probability that rounds to 0 or 1."""
    _check_same_shape("binary_cross_entropy_with_logits", input, target, reduction)
    surprise = softplus(negative(input), 1.0, math.inf)  # -log sigmoid(input)
    hits = multiply(surprise, target)
    misses = multiply(subtract(1.0, target), add(input, surprise))
    losses = add(_times("binary_cross_entropy_with_logits", hits, pos_weight), misses)
    return _reduced(_times("binary_cross_entropy_with_logits", losses, weight), reduction)


def kl_div(input: Tensor, target: Tensor, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """target * (log(target) - input), for log probabilities `input`; 'batchmean' divides the sum by the batch size."""
    _check_same_shape("kl_div", input, target, "mean" if reduction == "batchmean" else reduction)
    if log_target:
        losses = multiply(target.exp(), subtract(target, input))
    else:
        positive = greater(target, 0.0)
        entropy = select(positive, multiply(target, log(select(positive, target, 1.0))), 0.0)  # 0 * log(0) is 0 here
        losses = subtract(entropy, multiply(target, input))
    if reduction == "batchmean":
        return divide(losses.sum(), float(input.shape[0] if input.ndim else 1))
    return _reduced(losses, reduction)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Class numbers as rows of zeros with a one: (...) -> (..., num_classes), int64."""
    tensors_only("one_hot", tensor)
    numbers = tensor.array
    largest = int(numbers.max()) if numbers.size else -1
    count = largest + 1 if num_classes == -1 else whole("one_hot", "num_classes", num_classes)
    if numbers.dtype.kind not in "iu" or count < 1 or (numbers.size and (numbers.min() < 0 or largest >= count)):
        raise ValueError(f"one_hot: expected integers from 0 to {count - 1}, got {tensor.dtype} up to {largest}")
    return Tensor((numbers[..., None] == np.arange(count)).astype(np.int64))


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


def _times(name: str, losses: Tensor, weight: Tensor | None) -> Tensor:
    """The losses by their weights, which broadcast."""
    if weight is None:
        return losses
    check_broadcast(name, (losses, *tensors_only(name, weight)))
    return multiply(losses, weight)


def _check_class_weight(name: str, weight: Tensor | None, scores: Tensor) -> None:
    if weight is not None and tensors_only(name, weight)[0].shape != scores.shape[1:]:
        raise ValueError(f"{name}: expected a weight for each of {scores.shape[1]} classes, got shape {weight.shape}")


def _rows(name: str, input: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """Scores as (rows, classes), and the shape that one number a row has in the end."""
    if input.ndim == 0:
        raise ValueError(f"{name}: expected scores of at least one dimension, got a 0-d tensor")
    if input.ndim == 1:
        return input.unsqueeze(0), ()
    if input.ndim == 2:
        return input, input.shape[:1]
    last = input.movedim(1, -1)
    return last.reshape(-1, input.shape[1]), last.shape[:-1]


class _Rows(NamedTuple):
    """The targets of all rows: class numbers, which of them count (None: all), and the shape they came in."""

    classes: Tensor
    counts: Tensor | None
    shape: tuple[int, ...]


def _checked_rows(name: str, target: Tensor, shape: tuple[int, ...], classes: int, ignore_index: int) -> _Rows:
    if target.array.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integer class numbers, got {target.dtype}")
    if target.shape != shape:
        raise ValueError(f"{name}: expected targets of shape {shape}, got {target.shape}")
    ignore_index = whole(name, "ignore_index", ignore_index)
    numbers, counts = target.array.reshape(-1), None
    lowest, highest = _range(numbers)
    if lowest <= ignore_index <= highest:
        counts = numbers != ignore_index
        numbers = np.where(counts, numbers, 0)
        lowest, highest = _range(numbers)
    if lowest < 0 or highest >= classes:
        wrong = lowest if lowest < 0 else highest
        raise IndexError(f"{name}: target {wrong} is outside the classes 0 ... {classes - 1}")
    return _Rows(Tensor(numbers), None if counts is None else Tensor(counts), shape)


def _range(numbers: Array) -> tuple[int, int]:
    """The smallest and the largest; of none a range that nothing is in."""
    return (int(numbers.min()), int(numbers.max())) if numbers.size else (0, -1)


def _picked(logs: Tensor, rows: _Rows) -> Tensor:
    return negative(gather_along(logs, rows.classes.unsqueeze(1), 1).squeeze(1))


def _weighted(losses: Tensor, rows: _Rows, weight: Tensor | None, reduction: str) -> Tensor:
    """Each row's loss by its class's weight, then reduced."""
    return _averaged(losses if weight is None else multiply(losses, weight[rows.classes]), rows, weight, reduction)


def _averaged(losses: Tensor, rows: _Rows, weight: Tensor | None, reduction: str) -> Tensor:
    """Reduced over the rows that count; the mean divides by their weights."""
    if weight is None and rows.counts is None and reduction == "mean":
        return reduce_mean(losses, (0,), False)
    losses = losses if rows.counts is None else select(rows.counts, losses, 0.0)
    if reduction == "none":
        return losses.reshape(rows.shape)
    if reduction == "sum":
        return losses.sum()
    if weight is None:
        return divide(losses.sum(), float(losses.shape[0] if rows.counts is None else rows.counts.array.sum()))
    weights = weight[rows.classes]
    return divide(losses.sum(), (weights if rows.counts is None else select(rows.counts, weights, 0.0)).sum())


def _against_probabilities(
    scores: Tensor,
    target: Tensor,
    input: Tensor,
    shape: tuple[int, ...],
    weight: Tensor | None,
    reduction: str,
    label_smoothing: float,
) -> Tensor:
    if target.shape != input.shape:
        raise ValueError(f"cross_entropy: expected class probabilities of shape {input.shape}, got {target.shape}")
    wanted, _ = _rows("cross_entropy", target)
    if label_smoothing:
        wanted = add(multiply(wanted, 1.0 - label_smoothing), label_smoothing / scores.shape[1])
    logs = log_softmax(scores, 1)
    losses = negative(reduce_sum(multiply(wanted, logs if weight is None else multiply(logs, weight)), (1,), False))
    if reduction == "none":
        return losses.reshape(shape)
    return losses.sum() if reduction == "sum" else divide(losses.sum(), float(max(scores.shape[0], 1)))


def _check(name: str, input: Any, target: Any, reduction: str) -> None:
    floats_only(name, input)
    tensors_only(name, target)
    if reduction not in REDUCTIONS:
        raise ValueError(f"{name}: expected reduction 'none', 'mean' or 'sum', got {reduction!r}")


def _check_same_shape(name: str, input: Any, target: Any, reduction: str) -> None:
    _check(name, input, target, reduction)
    if input.shape != target.shape:
        raise ValueError(f"{name}: input {input.shape} and target {target.shape} differ in shape")
