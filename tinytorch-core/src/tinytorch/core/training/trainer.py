"""Trainer: the loop that every training has in common.

For each batch: forward, loss, backward, and every few batches an optimizer step; after each epoch an evaluation. All
that the next step depends on is in the checkpoint, so that a run that was killed goes on to the same bits.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from tinytorch import plugins
from tinytorch.core.autograd import detect_anomaly, no_grad
from tinytorch.core.optimizers import clip_grad_norm_
from tinytorch.core.tensor.random import default_generator
from tinytorch.core.training import checkpoint
from tinytorch.core.training.callbacks import Callback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from tinytorch.core.module import Module
    from tinytorch.core.optimizers import LRScheduler, Optimizer
    from tinytorch.core.tensor import Tensor

    Batches = Iterable[tuple[Tensor, Tensor]]


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """The share of rows whose largest score is the target's: (batch, classes), (batch,) -> 0 ... 1."""
    return float((outputs.argmax(1) == targets).float().mean())


class Trainer:
    """Trains a model on batches of (inputs, targets).

    `accumulate` batches make one optimizer step; `clip_norm` limits the gradients' norm; `metric(outputs, targets)` is a
    mean over rows, None for none; `checkpoint` is a path that is rewritten after each epoch, and after every
    `checkpoint_every` batches if given; `notes` is kept in it; `detect_anomaly` stops at the first nan, naming the place.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        loss_fn: Callable[[Any, Any], Tensor],
        *,
        scheduler: LRScheduler | None = None,
        callbacks: Sequence[Callback] = (),
        metric: Callable[[Any, Any], float] | None = accuracy,
        accumulate: int = 1,
        clip_norm: float | None = None,
        checkpoint: str | Path | None = None,
        checkpoint_every: int | None = None,
        notes: dict[str, Any] | None = None,
        detect_anomaly: bool = False,
    ) -> None:
        if accumulate < 1:
            raise ValueError(f"Trainer: expected accumulate of 1 or more, got {accumulate}")
        self.model, self.optimizer, self.loss_fn = model, optimizer, loss_fn
        self.scheduler, self.callbacks, self.metric = scheduler, list(callbacks), metric
        self.accumulate, self.clip_norm = accumulate, clip_norm
        self.checkpoint_path, self.checkpoint_every = checkpoint, checkpoint_every
        self.notes, self.detect_anomaly = notes or {}, detect_anomaly
        self.history: list[dict[str, float]] = []  # one entry an epoch
        self.epoch = 0  # epochs finished
        self.batch = 0  # batches of this epoch learned
        self.step = 0  # batches learned in all
        self.last_loss = math.nan
        self.should_stop = False
        self.totals = {"loss": 0.0, "metric": 0.0, "rows": 0.0}  # of this epoch so far
        self.epoch_random = default_generator.get_state()  # where this epoch began to draw

    def fit(self, batches: Batches, epochs: int, validation: Batches | None = None) -> list[dict[str, float]]:
        """Train up to so many epochs in all and return the history; `batches` is iterated anew for each epoch."""
        if epochs < 0:
            raise ValueError(f"fit: expected 0 or more epochs, got {epochs}")
        self._tell("on_train_start")
        try:
            with detect_anomaly() if self.detect_anomaly else nullcontext():
                while self.epoch < epochs and not self.should_stop:
                    self._run_epoch(batches, validation)
        finally:
            self._tell("on_train_end")
        return self.history

    def evaluate(self, batches: Batches) -> dict[str, float]:
        """Mean loss and metric over all rows, in evaluation mode."""
        was_training = self.model.training
        self.model.eval()
        totals = {"loss": 0.0, "metric": 0.0, "rows": 0.0}
        try:
            with no_grad():
                for inputs, targets in batches:
                    outputs = self.model(inputs)
                    self._count(totals, outputs, targets, self.loss_fn(outputs, targets).item())
        finally:
            self.model.train(was_training)
        return self._means(totals)

    def save_checkpoint(self, path: str | Path) -> None:
        """Write all that the next step depends on."""
        checkpoint.save_run(self, path)

    def load_checkpoint(self, path: str | Path) -> None:
        """Go on from a checkpoint; what does not fit this model and optimizer is an error, and then nothing has changed."""
        checkpoint.load_run(self, path)

    def _run_epoch(self, batches: Batches, validation: Batches | None) -> None:
        if not self.batch:  # else the epoch goes on from a checkpoint
            self.epoch_random = default_generator.get_state()
        learned, here = self.batch, default_generator.get_state()
        default_generator.set_state(self.epoch_random)  # the loader draws the same order
        self.model.train()
        self._tell("on_epoch_start")
        for number, (inputs, targets) in enumerate(batches):
            if number < learned:
                continue  # before the checkpoint
            if number == learned and learned:
                default_generator.set_state(here)
            self._learn(inputs, targets)
            if self.checkpoint_every and self.step % self.checkpoint_every == 0:
                self._save()
            if self.should_stop:
                return
        if learned and self.batch == learned:  # the checkpoint came after the last batch
            default_generator.set_state(here)
        self._end_epoch(validation)

    def _learn(self, inputs: Tensor, targets: Tensor) -> None:
        outputs = self.model(inputs)
        loss = self.loss_fn(outputs, targets)
        self.last_loss = loss.item()
        (loss * (1.0 / self.accumulate) if self.accumulate > 1 else loss).backward()
        self._count(self.totals, outputs.detach(), targets, self.last_loss)
        self.batch, self.step = self.batch + 1, self.step + 1
        if self.batch % self.accumulate == 0:
            self._step_optimizer()
        self._tell("on_step_end")

    def _step_optimizer(self) -> None:
        if self.clip_norm is not None:
            clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def _end_epoch(self, validation: Batches | None) -> None:
        if not self.batch:
            raise ValueError("fit: there are no batches to learn from")
        if self.batch % self.accumulate:
            self._step_optimizer()  # the last, smaller group
        entry = {"epoch": self.epoch + 1.0, **self._means(self.totals), "lr": self.optimizer.param_groups[0]["lr"]}
        if validation is not None:
            entry.update({f"validation_{name}": value for name, value in self.evaluate(validation).items()})
        self.history.append(entry)
        self.epoch, self.batch = self.epoch + 1, 0
        self.totals = dict.fromkeys(self.totals, 0.0)
        if self.scheduler is not None:
            self.scheduler.step()
        self._tell("on_epoch_end")
        self._save()

    def _save(self) -> None:
        if self.checkpoint_path is not None:
            self.save_checkpoint(self.checkpoint_path)

    def _count(self, totals: dict[str, float], outputs: Tensor, targets: Tensor, loss: float) -> None:
        rows = len(outputs)
        totals["rows"] += rows
        totals["loss"] += loss * rows
        if self.metric is not None:
            totals["metric"] += self.metric(outputs, targets) * rows

    def _means(self, totals: dict[str, float]) -> dict[str, float]:
        rows = totals["rows"] or math.nan
        means = {"loss": totals["loss"] / rows}
        if self.metric is not None:
            means[getattr(self.metric, "__name__", "metric")] = totals["metric"] / rows
        return means

    def _tell(self, event: str) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self)
        if event != "on_epoch_start":
            getattr(plugins.hook(), event)(trainer=self)
