"""Trainer: the loop that every training has in common.

For each batch: forward, loss, backward, and every few batches an optimizer step; after each epoch an evaluation. All
that the next step depends on is in the checkpoint, so that a run that was killed goes on to the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

from tinytorch import plugins
from tinytorch.core.autograd import detect_anomaly
from tinytorch.core.module import Module
from tinytorch.core.optimizers import Optimizer, clip_grad_norm_
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.training import checkpoint
from tinytorch.core.training.callbacks import Callback
from tinytorch.core.training.evaluation import accuracy, count, evaluate, means, nothing_counted, two
from tinytorch.core.training.streams import Streams, generators_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tinytorch.core.optimizers import LRScheduler
    from tinytorch.core.tensor import Tensor
    from tinytorch.core.tensor.random import Generator

    Batches = Iterable[tuple[Tensor, Tensor]]


class Trainer:
    """Trains a model on batches of (inputs, targets).

    `accumulate` batches make one optimizer step along the mean of their gradients, as one large batch does if they are
    equal in size; what is left at the end of an epoch makes a step of its own. `clip_norm` limits the gradients' norm;
    The scheduler goes on after each "epoch", or after each "step" of the optimizer, as `scheduler_interval` says.
    `metric(outputs, targets)` is a mean over rows, None for none; `checkpoint` is a path that is rewritten after each
    epoch, and after every `checkpoint_every` batches if given; `notes` is kept in it; `detect_anomaly` stops at the
    first nan, naming the place.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        loss_fn: Callable[[Any, Any], Tensor],
        *,
        scheduler: LRScheduler | None = None,
        scheduler_interval: str = "epoch",
        callbacks: Sequence[Callback] = (),
        metric: Callable[[Any, Any], float] | None = accuracy,
        accumulate: int = 1,
        clip_norm: float | None = None,
        checkpoint: str | Path | None = None,
        checkpoint_every: int | None = None,
        notes: dict[str, Any] | None = None,
        detect_anomaly: bool = False,
    ) -> None:
        _check_kinds(model, optimizer, loss_fn, callbacks)
        if scheduler_interval not in {"epoch", "step"}:
            raise ValueError(f"Trainer: expected scheduler_interval 'epoch' or 'step', got {scheduler_interval!r}")
        whole("Trainer", "accumulate", accumulate, least=1)
        if clip_norm is not None and not real("Trainer", "clip_norm", clip_norm) > 0:
            raise ValueError(f"Trainer: expected clip_norm above 0, got {clip_norm}")
        if checkpoint_every is not None:
            whole("Trainer", "checkpoint_every", checkpoint_every, least=1)
        self.model, self.optimizer, self.loss_fn = model, optimizer, loss_fn
        self.scheduler, self.scheduler_interval = scheduler, scheduler_interval
        self.callbacks, self.metric = list(callbacks), metric
        self.accumulate, self.clip_norm = accumulate, clip_norm
        self.checkpoint_path, self.checkpoint_every = checkpoint, checkpoint_every
        self.notes, self.detect_anomaly = notes or {}, detect_anomaly
        self.history: list[dict[str, float]] = []  # one entry an epoch
        self.epoch = 0  # epochs finished
        self.batch = 0  # batches of this epoch learned
        self.step = 0  # batches learned in all
        self.last_loss = math.nan
        self.should_stop = False
        self.resumed = False  # loaded from a checkpoint since the last `fit`
        self.totals = nothing_counted()  # of this epoch so far
        self.streams = Streams()
        self.epoch_random = self.streams.get_state()  # where this epoch began to draw

    def fit(self, batches: Batches, epochs: int, validation: Batches | None = None) -> list[dict[str, float]]:
        """Train up to so many epochs in all and return the history; `batches` is iterated anew for each epoch.

        A run that had stopped early goes on; one that is resumed from a checkpoint of then has stopped, as it had.
        """
        whole("fit", "epochs", epochs, least=0)
        if not isinstance(batches, Iterable):
            raise TypeError(f"fit: expected batches of inputs and targets, got {type(batches).__name__}")
        self._attach(generators_of(batches, validation))
        self.should_stop, self.resumed = self.should_stop and self.resumed, False
        with ExitStack() as stack:
            for block in plugins.hook().around_training(trainer=self):
                stack.enter_context(block)
            self._tell("on_train_start")
            stack.callback(self._tell, "on_train_end")
            stack.enter_context(detect_anomaly() if self.detect_anomaly else nullcontext())
            while self.epoch < epochs and not self.should_stop:
                self._run_epoch(batches, validation)
        return self.history

    def evaluate(self, batches: Batches) -> dict[str, float]:
        """Mean loss and metric over all rows, in evaluation mode."""
        return evaluate(self.model, batches, self.loss_fn, self.metric)

    def save_checkpoint(self, path: str | Path) -> None:
        """Write all that the next step depends on."""
        checkpoint.save_run(self, path)

    def load_checkpoint(self, path: str | Path) -> None:
        """Go on from a checkpoint; one that does not fit this run raises CheckpointError, and nothing has changed."""
        checkpoint.load_run(self, path)
        self.resumed = True

    def _attach(self, own: list[Generator]) -> None:
        """Know the batches' generators; what was begun or resumed with others cannot go on with these."""
        known = len(self.epoch_random) - 1
        if len(own) != known and (self.batch or self.streams.waiting):
            raise ValueError(f"fit: the run has batches with {known} generators of their own, here are {len(own)}")
        self.streams.attach(own)
        if not self.batch:
            self.epoch_random = self.streams.get_state()

    def _run_epoch(self, batches: Batches, validation: Batches | None) -> None:
        if not self.batch:  # else the epoch goes on from a checkpoint
            self.epoch_random = self.streams.get_state()
        learned, here = self.batch, self.streams.get_state()
        self.streams.rewind(self.epoch_random)  # the loader draws the same order
        self.model.train()
        self._tell("on_epoch_start")
        remaining = iter(batches)
        if learned:
            _skip(remaining, learned)
            self.streams.rewind(here)
        for batch in remaining:
            self._learn(*two("fit", batch))
            if self.checkpoint_every and self.step % self.checkpoint_every == 0:
                self._save()
            if self.should_stop:
                return
        self._end_epoch(validation)

    def _learn(self, inputs: Tensor, targets: Tensor) -> None:
        outputs = self.model(inputs)
        loss = self.loss_fn(outputs, targets)
        self.last_loss = loss.item()
        (loss * (1.0 / self.accumulate) if self.accumulate > 1 else loss).backward()
        count(self.totals, outputs.detach(), targets, self.last_loss, self.metric)
        self.batch, self.step = self.batch + 1, self.step + 1
        if self.batch % self.accumulate == 0:
            self._step_optimizer()
        self._tell("on_step_end")

    def _step_optimizer(self) -> None:
        if self.clip_norm is not None:
            clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._step_scheduler("step")

    def _step_scheduler(self, interval: str) -> None:
        if self.scheduler is not None and self.scheduler_interval == interval:
            self.scheduler.step()

    def _scale_grads(self, factor: float) -> None:
        """Make the gradients of a last, smaller group a mean; that it is one is known when the batches have ended."""
        for group in self.optimizer.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    param.grad = param.grad * factor

    def _end_epoch(self, validation: Batches | None) -> None:
        if not self.batch:
            raise ValueError("fit: there are no batches to learn from")
        if self.batch % self.accumulate:
            self._scale_grads(self.accumulate / (self.batch % self.accumulate))
            self._step_optimizer()
        entry = {
            "epoch": self.epoch + 1.0,
            **means(self.totals, self.metric),
            "lr": self.optimizer.param_groups[0]["lr"],
        }
        if validation is not None:
            entry.update({f"validation_{name}": value for name, value in self.evaluate(validation).items()})
        self.history.append(entry)
        self.epoch, self.batch = self.epoch + 1, 0
        self.totals = nothing_counted()
        self._step_scheduler("epoch")
        self._tell("on_epoch_end")
        self._save()

    def _save(self) -> None:
        if self.checkpoint_path is not None:
            self.save_checkpoint(self.checkpoint_path)

    def _tell(self, event: str) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self)
        if event != "on_epoch_start":
            getattr(plugins.hook(), event)(trainer=self)


def _skip(batches: Iterator[Any], learned: int) -> None:
    """Go past the batches that were learned before the checkpoint."""
    for number in range(learned):
        if next(batches, None) is None:
            raise ValueError(f"fit: the run had learned {learned} batches of this epoch, but here are only {number}")


def _check_kinds(model: Any, optimizer: Any, loss_fn: Any, callbacks: Any) -> None:
    """Raise TypeError for what cannot be trained, or not with these."""
    if not isinstance(model, Module):
        raise TypeError(f"Trainer: expected a Module, got {type(model).__name__}")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"Trainer: expected an optimizer, got {type(optimizer).__name__}")
    if not callable(loss_fn):
        raise TypeError(f"Trainer: expected loss_fn as a function, got {type(loss_fn).__name__}")
    if not isinstance(callbacks, (list, tuple)) or not all(isinstance(each, Callback) for each in callbacks):
        raise TypeError(f"Trainer: expected callbacks as a list of Callback, got {callbacks!r}")
