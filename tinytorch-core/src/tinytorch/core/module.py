"""Module: what has parameters, and parts that have parameters, by name.

The names are PyTorch's, joined by dots, so that weights carry over. Nothing here computes; `forward` does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.creation import zeros_like
from tinytorch.core.tensor.dtypes import as_dtype
from tinytorch.core.tensor.inplace import note_write
from tinytorch.core.tensor.promotion import tensors_only
from tinytorch.plugins.instruments import scope, watching
from tinytorch.plugins.process import process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Parameter(Tensor):
    """A tensor that a module learns: it requires grad unless told otherwise."""

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        super().__init__(tensors_only("Parameter", data)[0].array)
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Module:
    """The base of everything with parameters; subclasses call `super().__init__()` and define `forward`."""

    training: bool

    def __init__(self) -> None:
        self._parameters: dict[str, Parameter | None] = {}
        self._buffers: dict[str, Tensor | None] = {}
        self._modules: dict[str, Module | None] = {}
        self._transient: set[str] = set()  # buffers that are not saved
        self._computed: dict[str, Callable[[Any], Tensor | None]] = {}  # attributes that are made when they are read
        self.training = True

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute the output; subclasses say how."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Compute the output: `forward`."""
        if not process.scoped or not (instruments := watching()):
            return self.forward(*inputs, **options)
        with scope("module", self):
            out = self.forward(*inputs, **options)
        for each in instruments:
            each.returned(self, out)
        return out

    # Parts by name

    def __setattr__(self, name: str, value: Any) -> None:
        """Register parameters and modules under the attribute's name."""
        kinds = self.__dict__
        if isinstance(value, (Parameter, Module)):
            if "_modules" not in kinds:
                raise AttributeError(
                    f"{type(self).__name__}: call super().__init__() before assigning parameters or modules"
                )
            for kind in ("_parameters", "_buffers", "_modules", "_computed"):
                kinds[kind].pop(name, None)
            self._add("_parameters" if isinstance(value, Parameter) else "_modules", name, value)
            return
        for kind in ("_parameters", "_buffers", "_modules"):
            if name in kinds.get(kind, ()):
                if value is not None and not (kind == "_buffers" and isinstance(value, Tensor)):
                    raise TypeError(
                        f"{type(self).__name__}.{name}: expected a {kind[1:-1]} or None, got {type(value).__name__}"
                    )
                self._add(kind, name, value)
                return
        if name in kinds.get("_computed", ()):
            raise AttributeError(f"{type(self).__name__}.{name} is computed whenever it is read; delete it first")
        super().__setattr__(name, value)

    def _add(self, kind: str, name: str, value: Any) -> None:
        """Register a part; it is an attribute as any other, too, since looking up by `__getattr__` is slow."""
        self.__dict__[kind][name] = self.__dict__[name] = value

    def __getattr__(self, name: str) -> Any:
        """Compute what is registered as computed, or say that there is no such attribute."""
        compute = self.__dict__.get("_computed", {}).get(name)
        if compute is None:
            raise AttributeError(f"'{type(self).__name__}' has no attribute '{name}'")
        return compute(self)

    def __delattr__(self, name: str) -> None:
        """Remove a part."""
        if self._computed.pop(name, None) is not None:
            return
        for kind in (self._parameters, self._buffers, self._modules):
            kind.pop(name, None)
        super().__delattr__(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, or None to keep its name free."""
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"register_parameter: expected a Parameter or None for '{name}', got {type(param).__name__}"
            )
        self._check_name("register_parameter", name, self._parameters)
        self._add("_parameters", name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module but is not learned; persistent ones are saved."""
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"register_buffer: expected a Tensor or None for '{name}', got {type(tensor).__name__}")
        self._check_name("register_buffer", name, self._buffers)
        self._add("_buffers", name, tensor)
        self._transient.discard(name) if persistent else self._transient.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a part."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"add_module: expected a Module or None for '{name}', got {type(module).__name__}")
        self._check_name("add_module", name, self._modules)
        self._add("_modules", name, module)

    def register_computed(self, name: str, compute: Callable[[Any], Tensor | None]) -> None:
        """Let an attribute be `compute(self)` whenever it is read: a weight that is made of other parameters.

        It is no part of the state; gradients flow through it to what it is made of.
        """
        if not callable(compute):
            raise TypeError(f"register_computed: expected a function for '{name}', got {type(compute).__name__}")
        self._check_name("register_computed", name, self._computed)
        self._computed[name] = compute

    @property
    def computed(self) -> Mapping[str, Callable[[Any], Tensor | None]]:
        """What this module itself computes whenever it is read, by name."""
        return MappingProxyType(self._computed)

    def _check_name(self, function: str, name: str, known: Mapping[str, Any]) -> None:
        """Raise for a name that a dotted path cannot hold, or that means something else here."""
        if not isinstance(name, str) or not name or "." in name:
            raise ValueError(f"{function}: expected a name without dots, got {name!r}")
        if name not in known and hasattr(self, name):
            raise ValueError(f"{function}: {type(self).__name__} has an attribute '{name}' already")

    # Walking through the parts

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """All parts of parts and this module itself with their dotted names; each once."""
        seen: set[int] = set()
        pending: list[tuple[str, Module]] = [(prefix, self)]
        while pending:
            name, module = pending.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield name, module
            parts = [
                (f"{name}.{key}" if name else key, part) for key, part in module._modules.items() if part is not None
            ]
            pending.extend(reversed(parts))

    def modules(self) -> Iterator[Module]:
        """All parts of parts and this module itself."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct parts with their names."""
        return ((name, part) for name, part in self._modules.items() if part is not None)

    def children(self) -> Iterator[Module]:
        """The direct parts."""
        return (part for _, part in self.named_children())

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their dotted names; one that two parts share comes once."""
        return self._named("_parameters", prefix, recurse)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters; shared ones once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their dotted names."""
        return self._named("_buffers", prefix, recurse)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _named(self, kind: str, prefix: str, recurse: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for name, tensor in getattr(module, kind).items():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield f"{path}.{name}" if path else name, tensor

    # State

    def state_dict(self) -> OrderedDict[str, Tensor]:
        """All parameters and persistent buffers by dotted name, sharing memory with the module."""
        state: OrderedDict[str, Tensor] = OrderedDict()
        for path, module in _every_path(self):
            for name, tensor in (*module._parameters.items(), *module._buffers.items()):
                if tensor is not None and name not in module._transient:
                    state[f"{path}{name}"] = tensor.detach()
        return state

    def load_state_dict(self, state_dict: Mapping[str, Tensor], strict: bool = True) -> None:
        """Copy values in by name.

        Raises RuntimeError with all that is missing or unexpected (if strict), ValueError for another shape; then
        nothing has changed.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict: expected tensors by name, got {type(state_dict).__name__}")
        own = self.state_dict()
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        if strict and (missing or unexpected):
            raise RuntimeError(
                f"load_state_dict: {type(self).__name__} misses {missing or 'nothing'} "
                f"and does not know {unexpected or 'nothing'}"
            )
        matching = {name: state_dict[name] for name in own if name in state_dict}
        for name, value in matching.items():
            if not isinstance(value, Tensor):
                raise TypeError(f"load_state_dict: expected a Tensor for '{name}', got {type(value).__name__}")
            if value.is_floating_point() != own[name].is_floating_point():
                raise TypeError(f"load_state_dict: '{name}' is {own[name].dtype}, the state brings {value.dtype}")
            if value.shape != own[name].shape:
                raise ValueError(
                    f"load_state_dict: '{name}' has shape {own[name].shape}, the state brings {value.shape}"
                )
        for name, value in matching.items():
            np.copyto(own[name].array, value.array, casting="same_kind")
            note_write(own[name].array)

    # Changing all parts

    def train(self, mode: bool = True) -> Self:
        """Set training mode (dropout drops, batch norm learns) for all parts."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set evaluation mode for all parts."""
        return self.train(mode=False)

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call a function on every part, the innermost first, and on this module."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let all parameters learn, or freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or set them to zero."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad = None if set_to_none else zeros_like(parameter.grad)

    def to(self, dtype: Any) -> Self:
        """Convert all float parameters and buffers."""
        if as_dtype(dtype, "to").kind != "f":
            raise TypeError(f"to: expected a float dtype for a module, got {as_dtype(dtype)}")
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor.is_floating_point():
                tensor.array = tensor.detach().to(dtype).array
        return self

    def float(self) -> Self:
        """Convert to float32."""
        return self.to("float32")

    def double(self) -> Self:
        """Convert to float64."""
        return self.to("float64")

    # Showing

    def extra_repr(self) -> str:
        """What the module says of itself in `repr`, in one line."""
        return ""

    def __repr__(self) -> str:
        parts = [f"({name}): {part!r}" for name, part in self._modules.items()]
        if not parts:
            return f"{type(self).__name__}({self.extra_repr()})"
        lines = "\n".join(parts).replace("\n", "\n  ")
        return f"{type(self).__name__}({self.extra_repr()}\n  {lines}\n)"


def _every_path(root: Module) -> Iterator[tuple[str, Module]]:
    """Every module under every path that leads to it, with "path." as prefix: shared parts have several names."""
    yield "", root
    for name, part in root.named_children():
        for path, module in _every_path(part):
            yield f"{name}.{path}", module
