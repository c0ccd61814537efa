"""Interruption: Ctrl-C stops a training between two batches, where all is whole and can be saved."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tinytorch.core.training import Callback, Trainer


class Interruption(Callback):
    """Raises KeyboardInterrupt after the batch, or the epoch, in which Ctrl-C was pressed; at once if pressed again."""

    def __init__(self) -> None:
        self.asked = False
        self.clean = False  # it was raised here, between two batches

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Take Ctrl-C over."""
        before = signal.signal(signal.SIGINT, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def on_step_end(self, trainer: Trainer) -> None:
        """Stop here if asked to."""
        self._stop_if_asked()

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Stop here if asked to, after the epoch was counted."""
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self.asked:
            self.clean = True
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
