"""Display: how a training goes, live on a terminal, in plain lines elsewhere.

A line for each epoch, or for every so many where there are a lot; on a terminal, below them, a bar that moves.
"""

from __future__ import annotations

import time
from textwrap import indent
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from tinytorch.cli.output import clock, percent
from tinytorch.core.training import Callback, Trainer
from tinytorch.recipes import Run

LINES = 25  # about as many lines for epochs, at most
INDENT = "    "  # of what the model makes
REFRESH = 0.1  # seconds; the bar must not cost what it shows


class Display(Callback):
    """Shows loss, accuracy, samples a second and the time that remains; and what the model makes, if the recipe can."""

    def __init__(self, run: Run, out: Console | None) -> None:
        self.run, self.epochs, self.batches = run, run.settings.epochs, len(run.train_batches)
        self.out = out  # None: show nothing, only count
        self.count = 0  # samples, or what the recipe counts, learned from here, resumed ones not among them
        self.rows = 0.0  # of this epoch, when last looked
        self.started = self.refreshed = time.perf_counter()
        self.ended = self.started
        self.first_step = 0
        self.bar: Progress | None = None

    def on_train_start(self, trainer: Trainer) -> None:
        """Begin to count, and to show."""
        self.started, self.first_step, self.rows = time.perf_counter(), trainer.step, trainer.totals["rows"]
        if self.out is not None and self.out.is_terminal:
            self.bar = _bar(self.out)
            self.task = self.bar.add_task("", total=self.epochs * self.batches, **self._fields(trainer))
            self.bar.start()

    def on_step_end(self, trainer: Trainer) -> None:
        """Count the batch; move the bar, ten times a second at most."""
        self.count += round(trainer.totals["rows"] - self.rows) * self.run.recipe.units
        self.rows = trainer.totals["rows"]
        now = time.perf_counter()
        if self.bar is not None and now - self.refreshed > REFRESH:
            self.refreshed = now
            self.bar.update(self.task, completed=trainer.step, **self._fields(trainer))

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Leave a line."""
        self.rows = 0.0
        every = max(1, round(self.epochs / LINES))
        if self.out is not None and (trainer.epoch % every == 0 or trainer.epoch == self.epochs):
            out = self.bar.console if self.bar else self.out
            out.print(self._line(trainer))
            self._show_sample(out)

    def on_train_end(self, trainer: Trainer) -> None:
        """Take the bar away."""
        self.ended = time.perf_counter()
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    @property
    def seconds(self) -> float:
        """How long the training took, or has taken."""
        return (self.ended if self.ended > self.started else time.perf_counter()) - self.started

    @property
    def rate(self) -> float:
        """Samples a second."""
        return self.count / self.seconds if self.count else 0.0

    def _show_sample(self, out: Console) -> None:
        """Print what the model makes, indented; the time that it takes is none of the training's."""
        began = time.perf_counter()
        sample = self.run.sample()
        if sample is not None:
            out.print(indent(sample, INDENT))
        self.started += time.perf_counter() - began

    def _line(self, trainer: Trainer) -> str:
        entry = trainer.history[-1]
        return (
            f"epoch {trainer.epoch:{len(str(self.epochs))}}/{self.epochs}  loss {entry['loss']:.4f}  "
            f"accuracy {percent(entry['accuracy']):>8}  {self._rate()}  {self._remaining(trainer)}"
        )

    def _fields(self, trainer: Trainer) -> dict[str, Any]:
        rows = trainer.totals["rows"]
        loss = f"{trainer.totals['loss'] / rows:.4f}" if rows else "–"
        share = percent(trainer.totals["metric"] / rows) if rows else "–"
        epoch = f"epoch {min(trainer.epoch + 1, self.epochs)}/{self.epochs}"
        return {
            "epoch": epoch,
            "loss": loss,
            "share": share,
            "rate": self._rate(),
            "eta": self._remaining(trainer),
        }

    def _rate(self) -> str:
        return f"{self.rate:,.0f} {self.run.recipe.unit}/s"

    def _remaining(self, trainer: Trainer) -> str:
        done = trainer.step - self.first_step
        if not done:
            return "ETA –"
        return f"ETA {clock(max(0, self.epochs * self.batches - trainer.step) * self.seconds / done)}"


def _bar(out: Console) -> Progress:
    return Progress(
        TextColumn("{task.fields[epoch]}"),
        BarColumn(bar_width=None),
        TextColumn("loss {task.fields[loss]}"),
        TextColumn("accuracy {task.fields[share]}"),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[eta]}"),
        console=out,
        transient=True,
        expand=True,
    )
