"""Distillation: a small model learns what a large one says, not only what is right.

Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network" (2015): the teacher's scores, softened by a
temperature, tell how alike the classes are. `distil` is a Trainer whose batches carry the teacher's scores, so that
callbacks, checkpoints and schedules are the ordinary ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from tinytorch.core.activations import log_softmax, softmax
from tinytorch.core.autograd import no_grad
from tinytorch.core.losses import cross_entropy, kl_div
from tinytorch.core.module import Module
from tinytorch.core.optimizers import Optimizer
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.training import Trainer, accuracy, evaluating


class Lesson(NamedTuple):
    """The targets of a batch, with what the teacher says of its inputs."""

    targets: Tensor
    scores: Tensor


class Taught:
    """Batches of inputs and lessons; the teacher answers in evaluation mode, batch by batch."""

    def __init__(self, batches: Iterable[tuple[Tensor, Tensor]], teacher: Module) -> None:
        self.dataset = batches  # under this name the trainer looks for what draws random numbers
        self.teacher = teacher

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """Go through the batches once."""
        for inputs, targets in self.dataset:
            with evaluating(self.teacher), no_grad():
                scores = self.teacher(inputs)
            yield inputs, Lesson(targets, scores)


def distillation_loss(
    scores: Tensor, teacher_scores: Tensor, targets: Tensor, temperature: float = 4.0, alpha: float = 0.9
) -> Tensor:
    """alpha · T² · KL(teacher ‖ student, both softened by T) + (1 - alpha) · cross-entropy.

    (batch, classes), (batch, classes), (batch,) -> one number. T² keeps the slopes as large as without T (section 2).
    """
    if scores.ndim != 2 or scores.shape != teacher_scores.shape:
        raise ValueError(
            f"distillation_loss: expected two (batch, classes) of one shape, got {scores.shape} and "
            f"{teacher_scores.shape}"
        )
    if not real("distillation_loss", "temperature", temperature) > 0:
        raise ValueError(f"distillation_loss: expected a temperature above 0, got {temperature}")
    if not 0.0 <= real("distillation_loss", "alpha", alpha) <= 1.0:
        raise ValueError(f"distillation_loss: expected alpha from 0 to 1, got {alpha}")
    soft = kl_div(
        log_softmax(scores / temperature, 1), softmax(teacher_scores.detach() / temperature, 1), reduction="batchmean"
    )
    return soft * (alpha * temperature**2) + cross_entropy(scores, targets) * (1.0 - alpha)


def distil(
    student: Module,
    teacher: Module,
    optimizer: Optimizer,
    batches: Iterable[tuple[Tensor, Tensor]],
    epochs: int,
    *,
    temperature: float = 4.0,
    alpha: float = 0.9,
    validation: Iterable[tuple[Tensor, Tensor]] | None = None,
    metric: Callable[[Any, Any], float] | None = accuracy,
    **options: Any,
) -> Trainer:
    """Train the student on the batches and the teacher's scores; return the trainer with its history.

    `options` are the Trainer's. On validation batches, which have no lessons, the loss is the cross-entropy.
    """
    whole("distil", "epochs", epochs, least=0)
    trainer = Trainer(
        student, optimizer, _loss(temperature, alpha), metric=None if metric is None else _told(metric), **options
    )
    trainer.fit(Taught(batches, teacher), epochs, validation)
    return trainer


def _loss(temperature: float, alpha: float) -> Callable[[Any, Any], Tensor]:
    """The trainer's loss: distillation of a lesson, cross-entropy of plain targets."""

    def loss(scores: Any, given: Any) -> Tensor:
        if not isinstance(given, Lesson):
            return cross_entropy(scores, given)
        return distillation_loss(scores, given.scores, given.targets, temperature, alpha)

    return loss


def _told(metric: Callable[[Any, Any], float]) -> Callable[[Any, Any], float]:
    """A metric that looks at a lesson's targets, under its own name."""

    def measured(outputs: Any, given: Any) -> float:
        return metric(outputs, given.targets if isinstance(given, Lesson) else given)

    measured.__name__ = getattr(metric, "__name__", "metric")
    return measured
