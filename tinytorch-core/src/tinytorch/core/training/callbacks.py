"""Callbacks: what happens around training steps, besides training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinytorch.core.tensor.numbers import real, whole

if TYPE_CHECKING:
    from tinytorch.core.training.trainer import Trainer


class Callback:
    """The base; every method may be left as it is."""

    def on_train_start(self, trainer: Trainer) -> None:
        """A run begins, or goes on."""

    def on_epoch_start(self, trainer: Trainer) -> None:
        """An epoch begins."""

    def on_step_end(self, trainer: Trainer) -> None:
        """A batch has been learned; `trainer.last_loss` and `trainer.step` are new."""

    def on_epoch_end(self, trainer: Trainer) -> None:
        """An epoch has ended; `trainer.history[-1]` describes it."""

    def on_train_end(self, trainer: Trainer) -> None:
        """The run has ended, whole, stopped early or by an error."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint must keep: plain numbers and texts; whoever defines this defines `load_state_dict` too."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""


class EarlyStopping(Callback):
    """Stop when `monitor` (a name in the history) has not improved for `patience` epochs."""

    def __init__(
        self, monitor: str = "validation_loss", patience: int = 3, min_delta: float = 0.0, mode: str = "min"
    ) -> None:
        if mode not in {"min", "max"}:
            raise ValueError(f"EarlyStopping: expected mode 'min' or 'max', got {mode!r}")
        self.monitor, self.patience = monitor, whole("EarlyStopping", "patience", patience, least=1)
        self.min_delta = real("EarlyStopping", "min_delta", min_delta)
        self.sign = 1.0 if mode == "min" else -1.0
        self.best = math.inf
        self.waited = 0

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Compare with the best so far."""
        if self.monitor not in trainer.history[-1]:
            known = ", ".join(trainer.history[-1])
            raise KeyError(f"EarlyStopping: no '{self.monitor}' in the history; there are {known}")
        value = self.sign * float(trainer.history[-1][self.monitor])
        if value < self.best - self.min_delta:
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        if self.waited >= self.patience:
            trainer.should_stop, self.waited = True, 0  # whoever trains on is patient again

    def state_dict(self) -> dict[str, Any]:
        """The best so far, and how long ago."""
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.best, self.waited = float(state_dict["best"]), int(state_dict["waited"])
