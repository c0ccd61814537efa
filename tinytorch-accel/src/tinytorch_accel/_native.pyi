from tinytorch.core.spatial.geometry import Pair, Sides
from tinytorch.types import Array, Arrays, Shape

def isa() -> str: ...
def isas() -> list[str]: ...
def threads() -> int: ...
def set_threads(count: int, /) -> None: ...
def memory() -> dict[str, int]: ...
def keep_at_most(bytes: int, /) -> None: ...
def release_memory() -> None: ...

# One for each op, with the op's arguments; None where the arrays are none that the kernel can read.
def gelu(x: Array, approximate: str, /) -> tuple[Array, Array] | None: ...
def gelu_grad(grad: Array, x: Array, share: Array, approximate: str, /) -> Array | None: ...
def layer_norm(
    x: Array, weight: Array | None, bias: Array | None, ndim: int, eps: float, /
) -> tuple[Array, Array, Array] | None: ...
def layer_norm_grad(
    grad: Array, x: Array, weight: Array | None, mean: Array, rstd: Array, ndim: int, /
) -> tuple[Array, Array, Array] | None: ...
def max_pool2d(
    x: Array, kernel: Pair, stride: Pair, padding: Sides, dilation: Pair, /
) -> tuple[Array, Array] | None: ...
def max_pool2d_grad(
    grad: Array, place: Array, shape: Shape, kernel: Pair, stride: Pair, padding: Sides, dilation: Pair, /
) -> Array | None: ...
def relu(x: Array, /) -> Array | None: ...
def relu_grad(grad: Array, out: Array, /) -> Array | None: ...
def sgd_step(
    params: Arrays,
    grads: Arrays,
    buffers: Arrays,
    first: bool,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    /,
) -> bool | None: ...
def adam_step(
    params: Arrays,
    grads: Arrays,
    means: Arrays,
    squares: Arrays,
    largest: Arrays,
    step: int,
    decoupled: bool,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    amsgrad: bool,
    maximize: bool,
    /,
) -> bool | None: ...
