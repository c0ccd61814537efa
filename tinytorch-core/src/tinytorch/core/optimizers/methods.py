"""The four methods: how each takes a step, and what it remembers of the steps before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tinytorch.core.optimizers.optimizer import Optimizer
from tinytorch.core.optimizers.steps import adam_step, rmsprop_step, sgd_step
from tinytorch.core.tensor.numbers import real

if TYPE_CHECKING:
    from tinytorch.core.optimizers.optimizer import Group
    from tinytorch.core.tensor import Tensor
    from tinytorch.types import Array


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum (Polyak 1964) or Nesterov's (Sutskever et al. 2013)."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "nesterov": nesterov, "maximize": maximize})

    def check_group(self, group: Group) -> None:
        """Nesterov's momentum needs momentum, and no dampening."""
        super().check_group(group)
        if group["nesterov"] and (not group["momentum"] or group["dampening"]):
            raise ValueError("SGD: nesterov needs a momentum above 0 and no dampening")

    def step_group(self, group: Group, params: list[Tensor]) -> None:
        """Update one group; parameters that join later begin their velocity later."""
        fresh = [param for param in params if "momentum_buffer" not in self.state.get(param, ())]
        begun = [param for param in params if "momentum_buffer" in self.state.get(param, ())]
        for first, some in ((False, begun), (True, fresh)):
            if some:
                buffers = self.arrays(some, "momentum_buffer") if group["momentum"] else []
                sgd_step.run(*_params_and_grads(some), buffers, first, *self.options(group))


class Adam(Optimizer):
    """Steps scaled by moving means of the gradient and of its square (Kingma & Ba 2015).

    `amsgrad` scales by the largest mean of the square so far (Reddi et al. 2018).
    """

    decoupled = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "amsgrad": amsgrad, "maximize": maximize})

    def check_group(self, group: Group) -> None:
        """Both betas are from 0 to below 1."""
        super().check_group(group)
        name, betas = type(self).__name__, group["betas"]
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise TypeError(f"{name}: expected betas as two numbers, got {betas!r}")
        if not all(0.0 <= real(name, "betas", beta) < 1.0 for beta in betas):
            raise ValueError(f"{name}: expected betas from 0 to below 1, got {betas}")

    def step_group(self, group: Group, params: list[Tensor]) -> None:
        """Update one group; parameters that have taken equally many steps go together."""
        by_step: dict[int, list[Tensor]] = {}
        for param in params:
            by_step.setdefault(self.count_step(param), []).append(param)
        for step, some in by_step.items():
            means, squares = self.arrays(some, "exp_avg"), self.arrays(some, "exp_avg_sq")
            largest = self.arrays(some, "max_exp_avg_sq") if group["amsgrad"] else []
            state = (means, squares, largest, step, self.decoupled)
            adam_step.run(*_params_and_grads(some), *state, *self.options(group))


class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov & Hutter 2019)."""

    decoupled = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)


class RMSprop(Optimizer):
    """Steps scaled by a moving mean of the gradient's square (Hinton 2012, lecture 6e).

    `centered` scales by the gradient's variance instead (Graves 2013, equation 40).
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(params, {**defaults, "centered": centered, "maximize": maximize})

    def step_group(self, group: Group, params: list[Tensor]) -> None:
        """Update one group."""
        for param in params:
            self.count_step(param)
        squares = self.arrays(params, "square_avg")
        buffers = self.arrays(params, "momentum_buffer") if group["momentum"] else []
        means = self.arrays(params, "grad_avg") if group["centered"] else []
        rmsprop_step.run(*_params_and_grads(params), squares, buffers, means, *self.options(group))


def _params_and_grads(params: list[Tensor]) -> tuple[list[Array], list[Array]]:
    return [param.array for param in params], [param.grad.array for param in params]  # type: ignore[union-attr]
