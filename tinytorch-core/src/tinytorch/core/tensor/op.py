"""The op: a name, a kernel, a derivative rule.

A kernel is a function on arrays. `@op` makes it three things at once: what a person calls on tensors, the hook that a
plugin may implement, and the implementation that answers when no plugin does. A call looks up the table, runs the
kernel, and records what a derivative will need. What the derivative *is*, the chapter autograd says.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from types import MethodType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

import numpy as np
from numpy import ndarray

from tinytorch.plugins import registry
from tinytorch.plugins.context import here
from tinytorch.plugins.hooks import hookimpl, hookspec
from tinytorch.plugins.process import process

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Kernel, Shape

grad_enabled: ContextVar[bool] = ContextVar("grad_enabled", default=True)
next_serial = itertools.count(1).__next__


class Node:
    """One recorded call: what it took, what it gave, and where its inputs came from."""

    __slots__ = ("args", "edges", "op", "out", "retained_by", "serial", "shape")

    def __init__(self, op: Op, args: Sequence[Any], out: Any, edges: Sequence[Edge], shape: Shape) -> None:
        self.op = op
        self.args: Sequence[Any] | None = args  # as the rule sees them; None once backward has used them up
        self.out = out  # arrays, never the Tensor that points here: a cycle would keep both alive
        self.edges = edges  # for each tensor input: its node, itself if it is a leaf, None if it needs no gradient
        self.shape = shape
        self.serial = next_serial()  # inputs are recorded before outputs: descending serials are an order for backward
        self.retained_by: Any = None  # weak reference to a tensor that asked to `retain_grad`


Edge: TypeAlias = "Node | Tensor | None"
Keep: TypeAlias = "str | int"  # of an argument, for backward: ALL, NOTHING, "shape", "dtype", or for which input
ALL, NOTHING, REST = "all", "nothing", "all but the first"
PYTORCH_NAMES = {"input": 0, "other": 1, "exponent": 1}  # the place that PyTorch's functions give them
Derivative = TypeVar("Derivative", bound=Callable[..., Any])


class Op:
    """A declared op; calling it with tensors dispatches, records and gives a Tensor."""

    __slots__ = ("__dict__", "derivative", "name", "prepare", "saves", "saves_out", "view")  # what every call reads

    tensor_class: type[Tensor]  # what results are wrapped in; the class names itself here, being written with ops

    def __init__(self, kernel: Kernel, *, view: bool, inplace: bool, prepare: Callable[..., Any] | None) -> None:
        functools.update_wrapper(self, kernel)
        self.name: str = kernel.__name__
        self.kernel = hookspec(firstresult=True)(hookimpl(kernel, trylast=True))
        self.arguments = _argument_names(kernel)
        self.outputs = _output_count(kernel)
        self.view = view  # may give a view of its first input
        self.inplace = inplace  # writes its first inputs, has no derivative
        self.prepare = prepare  # makes the kernel's arguments of what people pass: numbers, mixed dtypes
        self.derivative: Callable[..., Any] | None = None
        self.saves_out: Keep = NOTHING
        self.saves: tuple[Keep, ...] = ()
        registry.declare(self)

    def rule(self, derivative: Derivative) -> Derivative:
        """Declare the derivative: `(grad, out, *inputs, *params) -> gradients of the inputs`, written with ops.

        The names say what is kept for backward: of `x` all, of `x_shape` and `x_dtype` no more than that, of `_x`
        nothing (the rule sees None), and `x_for_y` only where y requires grad (else None). So for the output, too;
        named `saved`, all of several outputs but the first are kept. A gradient may keep the shape of the output:
        autograd sums or stretches it to the input's.
        """
        names = derivative.__code__.co_varnames[1 : derivative.__code__.co_argcount]
        if len(names) != 1 + len(self.arguments) or not all(map(_names, names[1:], self.arguments)):
            raise TypeError(
                f"rule of op '{self.name}': expected the arguments grad, out, {', '.join(self.arguments)}, "
                f"got {', '.join(derivative.__code__.co_varnames[: len(names) + 1])}"
            )
        self.derivative = derivative
        self.saves_out = REST if names[0] == "saved" else _keep(names[0], self.arguments)
        self.saves = tuple(_keep(name, self.arguments) for name in names[1:])
        return derivative

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """Run the op on tensors: (tensors..., parameters...) -> Tensor.

        An op whose kernel gives several arrays gives a tuple of tensors. Only the first is differentiable; the others
        are the op's documented saved state.
        """
        if kwargs:
            args = self._by_position(args, kwargs)
        if self.prepare is not None:
            args = self.prepare(self.name, *args)
        tensor_class = Op.tensor_class
        arrays = [
            arg.array if isinstance(arg, tensor_class) else _arrays_in(arg) if type(arg) is list else arg
            for arg in args
        ]
        table = process.table
        if process.scoped and (chosen := here()) is not None:
            table = chosen
        out = table[self.name](*arrays)
        result = tensor_class(out) if type(out) is ndarray else self._wrap(out)
        if self.view:
            result._is_view = True
        if self.derivative is not None and grad_enabled.get():
            self._record(args, out, result)
        return result

    def run(self, *arrays: Any) -> Any:
        """Run the op on arrays: dispatched, not recorded; how optimizers step and kernels call kernels."""
        table = process.table
        if process.scoped and (chosen := here()) is not None:
            table = chosen
        return table[self.name](*arrays)

    def _wrap(self, out: Any) -> Any:
        """What a kernel gave, as tensors: the less common cases."""
        if type(out) is tuple:
            return tuple([Op.tensor_class(each) if type(each) is ndarray else self._wrap(each) for each in out])
        if isinstance(out, np.generic):  # what numpy makes of 0-d results
            out = np.asarray(out)
        elif not hasattr(out, "__array_ufunc__"):
            raise TypeError(f"{self.name}: its kernel returned {type(out).__name__}, expected an array")
        return Op.tensor_class(out)

    def _record(self, args: tuple[Any, ...], out: Any, result: Any) -> None:
        """Make the result remember the call if an input requires grad: what its rule will need, whence they came."""
        tensor_class = Op.tensor_class
        edges: list[Edge] = []
        needs_grad = False
        for arg in args:
            for each in arg if type(arg) is list else (arg,):
                if isinstance(each, tensor_class) and each._requires_grad:
                    edges.append(each.node or each)
                    needs_grad = True
                else:
                    edges.append(None)
        if not needs_grad:
            return
        if type(result) is tuple:
            result = result[0]
        saved = [
            arg if keep is ALL else None if keep is NOTHING else _kept(arg, keep, args)
            for arg, keep in zip(args, self.saves, strict=True)
        ]
        result.node = Node(self, saved, self._kept_out(out, args), edges, result.array.shape)
        result._requires_grad = True

    def _kept_out(self, out: Any, args: tuple[Any, ...]) -> Any:
        """Of what the kernel gave, what the rule will need."""
        keep = self.saves_out
        if keep is NOTHING or keep is ALL:
            return out if keep is ALL else None
        if keep is REST:
            return None, *out[1:]
        return out if args[keep]._requires_grad else None  # type: ignore[index]  # a place

    def _by_position(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments in order, under the op's names for them or PyTorch's."""
        own = {name: name for name in self.arguments}
        own.update({name: self.arguments[i] for name, i in PYTORCH_NAMES.items() if i < len(self.arguments)})
        names = [*self.arguments[: len(args)], *[own.get(name, name) for name in kwargs]]
        if sorted(names) != sorted(self.arguments) or len(args) > len(self.arguments):
            raise TypeError(
                f"{self.name}: expected arguments {', '.join(self.arguments)}, "
                f"got {len(args)} by position{''.join(f', {name}' for name in kwargs)}"
            )
        given = dict(zip(names, (*args, *kwargs.values()), strict=True))
        return tuple([given[name] for name in self.arguments])

    @overload
    def __get__(self, instance: None, owner: type) -> Op: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Callable[..., Tensor]: ...
    def __get__(self, instance: object, owner: type) -> Any:
        """Bind like a function, so that an op can be a method of Tensor."""
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join(self.arguments)})>"


class UnaryOp(Op):
    """An op on one tensor and nothing else: the same call with less to find out, which small tensors notice."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """Run the op on a tensor, or on what `prepare` makes one of."""
        (x,) = args if len(args) == 1 and not kwargs else self._by_position(args, kwargs)
        if self.prepare is not None:
            (x,) = self.prepare(self.name, x)
        table = process.table
        if process.scoped and (chosen := here()) is not None:
            table = chosen
        out = table[self.name](x.array)
        result = Op.tensor_class(out) if type(out) is ndarray else self._wrap(out)
        if x._requires_grad and self.derivative is not None and grad_enabled.get():
            (keep,) = self.saves
            saved = (x if keep is ALL else None if keep is NOTHING else _kept(x, keep, (x,)),)
            made = result[0] if type(result) is tuple else result
            made.node = Node(self, saved, self._kept_out(out, (x,)), (x.node or x,), made.array.shape)
            made._requires_grad = True
        return result


class BinaryOp(Op):
    """An op on two tensors and nothing else: the same call with less to find out, twice as fast on small tensors."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """Run the op on two tensors, or on what `prepare` makes two of."""
        a, b = args if len(args) == 2 and not kwargs else self._by_position(args, kwargs)
        if self.prepare is not None:
            a, b = self.prepare(self.name, a, b)
        table = process.table
        if process.scoped and (chosen := here()) is not None:
            table = chosen
        out = table[self.name](a.array, b.array)
        result = Op.tensor_class(out) if type(out) is ndarray else self._wrap(out)
        if (a._requires_grad or b._requires_grad) and self.derivative is not None and grad_enabled.get():
            first, second = self.saves
            saved = (
                a if first is ALL else None if first is NOTHING else _kept(a, first, (a, b)),
                b if second is ALL else None if second is NOTHING else _kept(b, second, (a, b)),
            )
            edges = (
                (a.node or a) if a._requires_grad else None,
                (b.node or b) if b._requires_grad else None,
            )
            made = result[0] if type(result) is tuple else result
            made.node = Node(self, saved, self._kept_out(out, (a, b)), edges, made.array.shape)
            made._requires_grad = True
        return result


@overload
def op(kernel: Kernel) -> Op: ...
@overload
def op(
    *, view: bool = False, inplace: bool = False, prepare: Callable[..., Any] | None = None
) -> Callable[[Kernel], Op]: ...
def op(
    kernel: Kernel | None = None,
    *,
    view: bool = False,
    inplace: bool = False,
    prepare: Callable[..., Any] | None = None,
) -> Any:
    """Declare an op: `@op`, or `@op(view=True)` where the result may share the first input's memory.

    `prepare(name, *args) -> args` runs before every call: it checks, and makes tensors of what people pass.

    The kernel's signature is plain names, tensors first, then parameters; no defaults, nothing keyword-only.
    """
    if kernel is None:
        return functools.partial(op, view=view, inplace=inplace, prepare=prepare)
    only_tensors = all(kernel.__annotations__.get(name) == "Array" for name in _argument_names(kernel))
    kind = {1: UnaryOp, 2: BinaryOp}.get(kernel.__code__.co_argcount, Op) if only_tensors and not view else Op
    return kind(kernel, view=view, inplace=inplace, prepare=prepare)


def _arrays_in(arg: list[Any]) -> list[Any]:
    """The arrays of a list of tensors, which is one input; any other list as it is."""
    return [each.array if isinstance(each, Op.tensor_class) else each for each in arg]


def _names(name: str, argument: str) -> bool:
    """Whether a rule's name is one for this argument; `grad` is taken, so that an argument `grad` is `grad_out`."""
    base = name.removeprefix("_").partition("_for_")[0]
    return argument in (base, base.removesuffix("_shape"), base.removesuffix("_dtype"), base.removesuffix("_out"))


def _keep(name: str, arguments: tuple[str, ...]) -> Keep:
    """What a rule's name for an argument says of it: see `Op.rule`."""
    if name.startswith("_"):
        return NOTHING
    attribute = name.rpartition("_")[2]
    if attribute in ("shape", "dtype") and name not in arguments:
        return attribute
    _, needed, other = name.rpartition("_for_")
    if needed and other not in arguments:
        raise TypeError(f"rule: '{name}' is for no argument; expected one of {', '.join(arguments)}")
    return arguments.index(other) if needed else ALL


def _kept(arg: Any, keep: Keep, args: tuple[Any, ...]) -> Any:
    """Of a tensor, or of each in a list: its shape or dtype, or itself where the input at place `keep` needs it."""
    if isinstance(keep, int):
        return arg if args[keep]._requires_grad else None
    return [getattr(each.array, keep) for each in arg] if type(arg) is list else getattr(arg.array, keep)


def _argument_names(kernel: Kernel) -> tuple[str, ...]:
    code = kernel.__code__
    if (
        kernel.__defaults__ or kernel.__kwdefaults__ or code.co_kwonlyargcount or code.co_flags & 0x0C
    ):  # *args, **kwargs
        raise TypeError(
            f"op '{kernel.__name__}': expected plain arguments without defaults; "
            "the function that people call holds them"
        )
    return code.co_varnames[: code.co_argcount]


def _output_count(kernel: Kernel) -> int | None:
    """How many arrays the kernel gives: `-> Array`, `-> tuple[Array, Array]`; None where it does not say so."""
    told = str(kernel.__annotations__.get("return")).removeprefix("tuple[").removesuffix("]").split(", ")
    return len(told) if set(told) == {"Array"} else None
