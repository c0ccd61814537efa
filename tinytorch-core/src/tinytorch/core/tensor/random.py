"""Random numbers: one seeded stream for the whole process, or a Generator of one's own.

Same seed, same numbers, on every machine that numpy runs on. Plugins draw nothing: randomness is the core's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import dtypes
from tinytorch.core.tensor.axes import shape_of
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.tensor.op import Op
from tinytorch.core.tensor.promotion import floats_only

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array, Shape


class Generator:
    """A stream of random numbers (numpy's PCG64); without a seed, one that nobody knows."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self.made: np.random.Generator | None = None  # when first asked for: importing numpy.random takes a while
        if seed is not None:
            self.manual_seed(seed)

    @property
    def numpy(self) -> np.random.Generator:
        """numpy's generator."""
        if self.made is None:
            self.made = np.random.Generator(np.random.PCG64(self.seed))
        return self.made

    def manual_seed(self, seed: int) -> Generator:
        """Begin again from a seed: a whole number, 0 or more."""
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
            raise ValueError(f"manual_seed: expected a whole number, 0 or more, got {seed!r}")
        self.seed, self.made = int(seed), None
        return self

    def get_state(self) -> dict[str, Any]:
        """Where the stream stands: plain numbers, ready for JSON."""
        return dict(self.numpy.bit_generator.state)

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from where `get_state` was asked."""
        self.numpy.bit_generator.state = state


default_generator = Generator()
_scoped: ContextVar[Generator | None] = ContextVar("scoped_generator", default=None)


def manual_seed(seed: int) -> Generator:
    """Seed the process's stream: weights, dropout, shuffling and `rand` follow from it."""
    return default_generator.manual_seed(seed)


def rand(*size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform numbers in [0, 1)."""
    return _floats("rand", "random", size, generator, dtype, requires_grad)


def randn(*size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Normal numbers with mean 0 and standard deviation 1."""
    return _floats("randn", "standard_normal", size, generator, dtype, requires_grad)


def rand_like(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """As `rand`, with the shape and dtype of `input`."""
    floats_only("rand_like", input)
    return rand(input.shape, generator=generator, dtype=input.dtype)


def randn_like(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """As `randn`, with the shape and dtype of `input`."""
    floats_only("randn_like", input)
    return randn(input.shape, generator=generator, dtype=input.dtype)


def randint(
    low: int, high: Any = None, size: Any = None, *, generator: Generator | None = None, dtype: Any = None
) -> Tensor:
    """Integers from low (0 where it is left out) up to, not including, high."""
    if size is None:
        low, high, size = 0, low, high
    if not isinstance(size, (list, tuple)) or whole("randint", "low", low) >= whole("randint", "high", high):
        raise ValueError(f"randint: expected low < high and a size, got {low}, {high}, {size}")
    drawn = stream(generator).integers(low, high, _shape("randint", (size,)))
    return Op.tensor_class(
        drawn.astype(dtypes.int64 if dtype is None else dtypes.as_dtype(dtype, "randint"), copy=False)
    )


def randperm(n: int, *, generator: Generator | None = None) -> Tensor:
    """The numbers 0 ... n - 1 in random order."""
    return Op.tensor_class(stream(generator).permutation(whole("randperm", "n", n, least=0)))


def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that each element says, else 0."""
    floats_only("bernoulli", input)
    if input.array.size and not (input.array.min() >= 0 and input.array.max() <= 1):
        raise ValueError("bernoulli: expected probabilities from 0 to 1")
    return Op.tensor_class((stream(generator).random(input.shape) < input.array).astype(input.array.dtype))


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Draw positions by weight: (n,) -> (num_samples,), (rows, n) -> (rows, num_samples); weights need not sum to 1."""
    floats_only("multinomial", input)
    if input.ndim not in {1, 2}:
        raise ValueError(f"multinomial: expected weights of one or two dimensions, got shape {input.shape}")
    rows = input.array.reshape(-1, input.shape[-1]).astype(np.float64)
    if not (np.isfinite(rows).all() and (rows >= 0).all() and (rows.sum(1) > 0).all()):
        raise ValueError("multinomial: expected finite weights, 0 or more, not all 0 in a row")
    num_samples = whole("multinomial", "num_samples", num_samples, least=1)
    if not replacement and num_samples > (rows > 0).sum(1).min():
        raise ValueError(f"multinomial: cannot draw {num_samples} without replacement from fewer nonzero weights")
    drawn = _with_replacement(rows, num_samples, generator) if replacement else _without(rows, num_samples, generator)
    return Op.tensor_class(drawn.reshape(*input.shape[:-1], num_samples))


def normal_like(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Normal numbers with the shape and dtype of `input`."""
    return randn_like(input, generator=generator) * real("normal_", "std", std) + real("normal_", "mean", mean)


def uniform_like(input: Tensor, low: float = 0.0, high: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Uniform numbers in [low, high) with the shape and dtype of `input`."""
    start, end = real("uniform_", "low", low), real("uniform_", "high", high)
    return rand_like(input, generator=generator) * (end - start) + start


def stream(generator: Generator | None) -> np.random.Generator:
    """numpy's generator behind ours, or behind the process's."""
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(f"generator: expected a tinytorch.Generator or None, got {type(generator).__name__}")
    return (generator or _scoped.get() or default_generator).numpy


@contextmanager
def drawing_from(generator: Generator) -> Iterator[None]:
    """Let what draws from the process's stream draw from this one inside the block: in this thread or task only."""
    token = _scoped.set(generator)
    try:
        yield
    finally:
        _scoped.reset(token)


def _shape(name: str, size: tuple[Any, ...]) -> Shape:
    shape = shape_of(name, size)
    if any(n < 0 for n in shape):
        raise ValueError(f"{name}: expected sizes of 0 or more, got {shape}")
    return shape


def _with_replacement(rows: Array, count: int, generator: Generator | None) -> Array:
    cumulated = np.cumsum(rows, axis=1)
    points = stream(generator).random((len(rows), count)) * cumulated[:, -1:]
    return (points[:, :, None] >= cumulated[:, None, :]).sum(2)


def _without(rows: Array, count: int, generator: Generator | None) -> Array:
    """The largest of log(weight) + Gumbel noise are a draw without replacement (Efraimidis & Spirakis 2006)."""
    with np.errstate(divide="ignore"):
        keys = np.log(rows) + stream(generator).gumbel(size=rows.shape)
    return np.argsort(-keys, axis=1, kind="stable")[:, :count]


def _floats(
    name: str, method: str, size: tuple[Any, ...], generator: Generator | None, dtype: Any, requires_grad: bool
) -> Tensor:
    shape = _shape(name, size)
    wanted = dtypes.DEFAULT if dtype is None else dtypes.as_dtype(dtype, name)
    if wanted.kind != "f":
        raise TypeError(f"{name}: expected a float dtype, got {wanted}")
    drawn_as = np.float32 if wanted == dtypes.float16 else wanted
    out = Op.tensor_class(
        np.asarray(getattr(stream(generator), method)(shape, dtype=drawn_as)).astype(wanted, copy=False)
    )
    return out.requires_grad_() if requires_grad else out
