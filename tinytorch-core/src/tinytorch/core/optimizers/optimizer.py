"""Optimizer: parameter groups, state, and how both are saved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.autograd import enable_grad
from tinytorch.core.optimizers.memory import keep_freed_memory
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.creation import zeros_like
from tinytorch.core.tensor.inplace import note_write
from tinytorch.core.tensor.numbers import real
from tinytorch.plugins.instruments import scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinytorch.types import Array

    Group = dict[str, Any]


class Optimizer:
    """The base: subclasses say how one group takes a step."""

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        keep_freed_memory()
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        if isinstance(params, Tensor):
            raise TypeError(
                f"{type(self).__name__}: expected an iterable of parameters, got one Tensor; put it in a list"
            )
        if isinstance(params, str) or not isinstance(params, Iterable):
            raise TypeError(f"{type(self).__name__}: expected an iterable of parameters, got {type(params).__name__}")
        given = list(params)
        if not given:
            raise ValueError(f"{type(self).__name__}: expected at least one parameter, got none")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: Group) -> None:
        """Add parameters with options of their own: `{"params": [...], "lr": 0.01}`."""
        name = type(self).__name__
        if not isinstance(param_group, dict) or "params" not in param_group:
            got = ", ".join(param_group) if isinstance(param_group, dict) else type(param_group).__name__
            raise TypeError(f"{name}: expected a group as a dict with 'params', got {got}")
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        known = {id(param) for group in self.param_groups for param in group["params"]}
        for param in params:
            if not isinstance(param, Tensor):
                raise TypeError(f"{name}: expected tensors as parameters, got {type(param).__name__}")
            if not param.is_leaf or not param.is_floating_point():
                raise TypeError(
                    f"{name}: expected leaves of floats as parameters, got the result of an op or {param.dtype}"
                )
            if id(param) in known:
                raise ValueError(f"{name}: a parameter appears in more than one group")
            known.add(id(param))
        unknown = set(param_group) - set(self.defaults) - {"params"}
        if unknown:
            raise TypeError(f"{name}: unknown option {min(unknown)!r}; options are {', '.join(self.defaults)}")
        group = {**self.defaults, **param_group, "params": params}
        self.check_group(group)
        self.param_groups.append(group)

    def check_group(self, group: Group) -> None:
        """Raise ValueError for an option out of range: none of them may be negative."""
        for name, value in group.items():
            if name not in {"params", "betas"} and not real(type(self).__name__, name, value) >= 0:
                raise ValueError(f"{type(self).__name__}: expected {name} of 0 or more, got {value}")

    def options(self, group: Group) -> list[Any]:
        """A group's options in the order of `defaults`, which is the order in which the op of the step takes them."""
        return [group[name] for name in self.defaults]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or set them to zero."""
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    param.grad = None if set_to_none else zeros_like(param.grad)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step along the gradients; a closure that computes the loss is called first, its result returned."""
        loss = None
        if closure is not None:
            if not callable(closure):
                raise TypeError(f"step: expected a function that computes the loss, got {type(closure).__name__}")
            with enable_grad():
                loss = closure()
        with scope("step", self):
            for group in self.param_groups:
                self._step(group)
        return loss

    def _step(self, group: Group) -> None:
        params = [param for param in group["params"] if param.grad is not None]
        for param in params:
            if param.grad.array.shape != param.array.shape:
                raise ValueError(
                    f"{type(self).__name__}: a gradient of shape {param.grad.shape} "
                    f"does not fit its parameter of {param.shape}"
                )
        if params:
            self.step_group(group, params)
        for param in params:
            note_write(param.array)

    def step_group(self, group: Group, params: list[Tensor]) -> None:
        """Update the parameters of one group that have gradients."""
        raise NotImplementedError(f"{type(self).__name__} defines no step_group")

    def arrays(self, params: list[Tensor], name: str) -> list[Array]:
        """One array of state for each parameter, made of zeros when first asked for."""
        states = [self.state.setdefault(param, {}) for param in params]
        for param, state in zip(params, states, strict=True):
            if name not in state:
                state[name] = Tensor(np.zeros_like(param.array))
        return [state[name].array for state in states]

    def count_step(self, param: Tensor) -> int:
        """Count one more step of a parameter, and return how many it has taken."""
        state = self.state.setdefault(param, {})
        state["step"] = int(state.get("step", 0)) + 1
        return int(state["step"])

    def state_dict(self) -> dict[str, Any]:
        """All state and options, with parameters as numbers in their order, as PyTorch saves them."""
        numbers = {id(param): i for i, param in enumerate(self._all_params())}
        groups = [{**group, "params": [numbers[id(param)] for param in group["params"]]} for group in self.param_groups]
        return {
            "state": {numbers[id(param)]: dict(state) for param, state in self.state.items()},
            "param_groups": groups,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over state and options from `state_dict()`; raises ValueError where the groups do not match."""
        if not isinstance(state_dict, dict) or not {"state", "param_groups"} <= set(state_dict):
            raise TypeError(
                "load_state_dict: expected a dict with 'state' and 'param_groups', as state_dict() gives it"
            )
        sizes = [len(group["params"]) for group in state_dict["param_groups"]]
        if sizes != [len(group["params"]) for group in self.param_groups]:
            raise ValueError(
                f"load_state_dict: expected groups of {[len(g['params']) for g in self.param_groups]} parameters, "
                f"got {sizes}"
            )
        params = self._all_params()
        for number, values in state_dict["state"].items():
            if not isinstance(values, dict):
                raise TypeError(f"load_state_dict: expected a dict for parameter {number}, got {type(values).__name__}")
        unknown = [number for number in state_dict["state"] if not 0 <= int(number) < len(params)]
        if unknown:
            raise ValueError(f"load_state_dict: the state is of parameter {unknown[0]}, there are {len(params)}")
        state = {params[int(number)]: _copied(value) for number, value in state_dict["state"].items()}
        for param, values in state.items():
            for name, value in values.items():
                if isinstance(value, Tensor) and value.ndim and value.shape != param.shape:
                    raise ValueError(f"load_state_dict: '{name}' has shape {value.shape}, its parameter {param.shape}")
        self.state = state
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=True):
            group.update({name: value for name, value in saved.items() if name != "params"})

    def _all_params(self) -> list[Tensor]:
        return [param for group in self.param_groups for param in group["params"]]

    def __repr__(self) -> str:
        groups = [", ".join(f"{k}={v}" for k, v in group.items() if k != "params") for group in self.param_groups]
        return f"{type(self).__name__}({'; '.join(groups)})"


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    return {name: Tensor(value.array.copy()) if isinstance(value, Tensor) else value for name, value in state.items()}
