"""Pruning while a model trains on: a little after every few steps, so that what is left can take over.

`GradualPruning` is a callback of the Trainer. Its schedule is Zhu and Gupta's ("To prune, or not to prune", 2017,
equation 1): steep while there is much to spare, flat towards the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tinytorch.core.module import Module
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.training import Callback
from tinytorch_compress.choosing import share
from tinytorch_compress.sparsity import sparsify

if TYPE_CHECKING:
    from tinytorch.core.training import Trainer


def cubic(step: int, begin: int, end: int, initial: float, final: float) -> float:
    """The sparsity at a step: `initial` until `begin`, `final` from `end` on, and between them along a cube.

    That is final + (initial - final) · (1 - (step - begin) / (end - begin))³.
    """
    if step <= begin:
        return initial
    if step >= end:
        return final
    return float(final + (initial - final) * (1.0 - (step - begin) / (end - begin)) ** 3)


class GradualPruning(Callback):
    """Prunes a model by magnitude up to `sparsity` between two steps of a training, every few steps.

    It masks the weights at once, with ones, so that a checkpoint of the run fits whenever it is loaded: make it before.
    All that it depends on is the trainer's step and the masks, which the checkpoint has.
    """

    def __init__(
        self,
        model: Module,
        sparsity: float,
        *,
        end: int,
        begin: int = 0,
        every: int = 10,
        initial: float = 0.0,
        scope: str = "global",
        ignored: Iterable[str] = (),
    ) -> None:
        self.sparsity = share("GradualPruning", "sparsity", sparsity)
        self.initial = share("GradualPruning", "initial", initial)
        if self.initial > self.sparsity:
            raise ValueError(f"GradualPruning: expected initial of at most {sparsity}, got {initial}")
        self.begin = whole("GradualPruning", "begin", begin, least=0)
        self.end = whole("GradualPruning", "end", end, least=self.begin + 1)
        self.every = whole("GradualPruning", "every", every, least=1)
        self.scope, self.ignored = scope, tuple([ignored] if isinstance(ignored, str) else ignored)
        self.model = sparsify(model, self.initial, scope=scope, ignored=self.ignored)

    def on_step_end(self, trainer: Trainer) -> None:
        """Prune up to what the schedule says, if it is time."""
        if self.begin <= trainer.step <= self.end:
            passed = trainer.step - self.begin
            if passed % self.every == 0 or trainer.step == self.end:
                wanted = cubic(trainer.step, self.begin, self.end, self.initial, self.sparsity)
                sparsify(self.model, wanted, scope=self.scope, ignored=self.ignored)
