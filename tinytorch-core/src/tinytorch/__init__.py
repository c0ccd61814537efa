"""tinytorch: a deep-learning framework small enough to read, whose optimizations are plugins.

The names are PyTorch's. The plugins change speed and memory, never results.
"""

from tinytorch import functions, nn, optim, plugins, utils
from tinytorch.core import acceleration, autograd, caching
from tinytorch.core.autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from tinytorch.core.tensor import Tensor, op
from tinytorch.core.tensor.creation import (
    arange,
    as_tensor,
    empty,
    eye,
    from_numpy,
    full,
    linspace,
    ones,
    tensor,
    zeros,
)
from tinytorch.core.tensor.dtypes import bool_ as bool
from tinytorch.core.tensor.dtypes import float16, float32, float64, int8, int16, int32, int64, promote_types, uint8
from tinytorch.core.tensor.einsum import einsum
from tinytorch.core.tensor.random import (
    Generator,
    bernoulli,
    manual_seed,
    multinomial,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
)
from tinytorch.functions import *  # noqa: F403  every function of that page, under its name there
from tinytorch.nn.functional import log_softmax, relu, softmax
from tinytorch.serialization import CheckpointError, load, save

double, float, half, int, long = float64, float32, float16, int32, int64
__version__ = "0.1.0"

__all__ = [
    *functions.__all__,
    "CheckpointError",
    "Generator",
    "Tensor",
    "__version__",
    "acceleration",
    "arange",
    "as_tensor",
    "autograd",
    "bernoulli",
    "bool",
    "caching",
    "double",
    "einsum",
    "empty",
    "enable_grad",
    "eye",
    "float",
    "float16",
    "float32",
    "float64",
    "from_numpy",
    "full",
    "half",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "is_grad_enabled",
    "linspace",
    "load",
    "log_softmax",
    "long",
    "manual_seed",
    "multinomial",
    "nn",
    "no_grad",
    "ones",
    "op",
    "optim",
    "plugins",
    "promote_types",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "relu",
    "save",
    "set_grad_enabled",
    "softmax",
    "tensor",
    "uint8",
    "utils",
    "zeros",
]
