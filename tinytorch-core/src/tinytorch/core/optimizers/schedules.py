"""Learning-rate schedules: a formula for the rate of each epoch (or step), applied by `step()`."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from typing import Any

from tinytorch.core.optimizers.optimizer import Optimizer
from tinytorch.core.tensor.numbers import real, whole


class LRScheduler:
    """The base: subclasses say by what formula the rate follows from the initial one and the number of steps taken."""

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__}: expected an optimizer, got {type(optimizer).__name__}")
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = 0
        self._apply()

    def rate(self, base: float, epoch: int, group: int) -> float:
        """The learning rate after so many steps."""
        raise NotImplementedError(f"{type(self).__name__} defines no rate")

    def get_last_lr(self) -> list[float]:
        """The rates in force, one for each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def step(self) -> None:
        """Go on to the next rate; call it after the optimizer's step."""
        self.last_epoch += 1
        self._apply()

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule stands."""
        return {"last_epoch": self.last_epoch, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        if not {"last_epoch", "base_lrs"} <= set(state_dict):
            raise ValueError(
                f"load_state_dict: expected last_epoch and base_lrs, got {', '.join(state_dict) or 'nothing'}"
            )
        self.last_epoch = int(state_dict["last_epoch"])
        self.base_lrs = [float(rate) for rate in state_dict["base_lrs"]]
        self._apply()

    def _apply(self) -> None:
        for number, (group, base) in enumerate(zip(self.optimizer.param_groups, self.base_lrs, strict=True)):
            group["lr"] = self.rate(base, self.last_epoch, number)


class StepLR(LRScheduler):
    """The rate times gamma every step_size steps."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size, self.gamma = whole("StepLR", "step_size", step_size, least=1), real("StepLR", "gamma", gamma)
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int, group: int) -> float:
        """base * gamma ** (epoch // step_size)."""
        return base * self.gamma ** (epoch // self.step_size)


class ExponentialLR(LRScheduler):
    """The rate times gamma every step."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = real("ExponentialLR", "gamma", gamma)
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int, group: int) -> float:
        """base * gamma ** epoch."""
        return base * self.gamma**epoch


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the initial rate to eta_min in T_max steps (Loshchilov & Hutter 2017, equation 5)."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:  # noqa: N803  PyTorch's name
        self.T_max = whole("CosineAnnealingLR", "T_max", T_max, least=1)
        self.eta_min = real("CosineAnnealingLR", "eta_min", eta_min)
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int, group: int) -> float:
        """eta_min + (base - eta_min) * (1 + cos(pi * epoch / T_max)) / 2."""
        return self.eta_min + (base - self.eta_min) * (1.0 + math.cos(math.pi * epoch / self.T_max)) / 2.0


class LinearLR(LRScheduler):
    """Warm-up: from start_factor to end_factor of the rate in total_iters steps."""

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1.0 / 3.0, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        self.start_factor = real("LinearLR", "start_factor", start_factor)
        self.end_factor = real("LinearLR", "end_factor", end_factor)
        self.total_iters = whole("LinearLR", "total_iters", total_iters, least=1)
        if not 0.0 < self.start_factor <= 1.0 or not 0.0 <= self.end_factor <= 1.0:
            raise ValueError(
                f"LinearLR: expected factors up to 1, the first above 0, got {start_factor} and {end_factor}"
            )
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int, group: int) -> float:
        """base times a factor on the line from start to end."""
        done = min(epoch, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * done)


class LambdaLR(LRScheduler):
    """The initial rate times what a function makes of the number of steps; one function, or one for each group."""

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]]
    ) -> None:
        groups = len(getattr(optimizer, "param_groups", ()))
        self.lr_lambdas = (
            [lr_lambda] * groups if callable(lr_lambda) else list(lr_lambda) if isinstance(lr_lambda, Sequence) else []
        )
        if len(self.lr_lambdas) != groups:
            raise ValueError(f"LambdaLR: expected {groups} functions, one for each group, got {len(self.lr_lambdas)}")
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int, group: int) -> float:
        """base * lr_lambda(epoch)."""
        return base * self.lr_lambdas[group](epoch)


class SequentialLR(LRScheduler):
    """One schedule after the other, each from its own beginning, at the `milestones`, counted in steps."""

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]) -> None:
        if not schedulers or not all(isinstance(each, LRScheduler) for each in schedulers):
            raise TypeError(f"SequentialLR: expected one schedule or more, got {schedulers}")
        if len(milestones) != len(schedulers) - 1 or list(milestones) != sorted(milestones):
            raise ValueError(f"SequentialLR: expected {len(schedulers) - 1} rising milestones, got {list(milestones)}")
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int, group: int) -> float:
        """The rate of the schedule whose turn it is."""
        turn = bisect.bisect_right(self.milestones, epoch)
        return self.schedulers[turn].rate(base, epoch - (self.milestones[turn - 1] if turn else 0), group)
