"""Plugins that are wrong in one way each: what the kit must name, and the check that must do it."""

import os
import random
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

import tinytorch
from tinytorch.plugins import close, exact, hookimpl, registry

KEPT = []
BUFFER = np.empty(1 << 20, np.float32)
SEEN = set()
PREPARED = {}


@contextmanager
def restored():
    """Give back what sabotage changes, after the block."""
    errors, dice, environment = np.geterr(), random.getstate(), dict(os.environ)
    with warnings.catch_warnings():
        yield
    np.seterr(**errors)
    random.setstate(dice)
    os.environ.clear()
    os.environ.update(environment)
    KEPT.clear()
    SEEN.clear()
    PREPARED.clear()


@dataclass(frozen=True)
class Sabotage:
    """A wrong implementation, made of the core's kernel, and the check that must find it."""

    name: str
    op: str
    make: Any  # kernel -> function of the op's arguments
    check: str
    tried: str = ""  # the op whose trial finds it, where it is not the op itself
    declare: Any = exact

    def plugin(self):
        """The plugin, to be registered."""
        op = registry.find(self.op)
        function = self.make(op.kernel)

        def implementation(*args):
            return function(*args)

        implementation.__wrapped__ = op.kernel
        return SimpleNamespace(__version__="0", **{self.op: hookimpl(self.declare(implementation))})

    def __str__(self):
        return self.name


def changed(when, how):
    """Answer as the core, changed by `how` where `when(arguments)`."""

    def make(kernel):
        def function(*args):
            out = kernel(*args)
            return how(out) if when(*args) else out

        return function

    return make


def before(effect):
    """Answer as the core, after an effect."""

    def make(kernel):
        def function(*args):
            effect(*args)
            return kernel(*args)

        return function

    return make


def slightly(out):
    """Numbers that are a little wrong."""
    return np.asarray(out) * np.asarray(1.001, np.asarray(out).dtype)


def always(*args):
    return True


def writes(x, *rest):
    if x.flags.writeable:
        x[...] = 0


def in_place(kernel):
    def function(x, *rest):
        return np.exp(x, out=x) if x.flags.writeable else kernel(x, *rest)

    return function


def same_buffer(kernel):
    def function(x):
        out = BUFFER[: x.size].reshape(x.shape) if x.dtype == np.float32 else np.empty_like(x)
        out[...] = kernel(x)
        return out

    return function


def declines_after_writing(kernel):
    def function(x, *rest):
        writes(x)

    return function


def wrong_on_second_sight(kernel):
    def function(x, *rest):
        known = x.tobytes() in SEEN
        SEEN.add(x.tobytes())
        return slightly(kernel(x, *rest)) if known else kernel(x, *rest)

    return function


def shared_scratch(kernel):
    scratch = {}

    def function(x):
        scratch["x"] = x
        time.sleep(1e-4)
        return kernel(scratch["x"])

    return function


def random_last_bit(out):
    out = np.asarray(out)
    return np.nextafter(out, out.dtype.type(np.inf)) if random.SystemRandom().random() < 0.5 else out


def does_nothing(kernel):
    return lambda *args: True


def writes_gradients(kernel):
    def function(params, grads, *rest):
        done = kernel(params, grads, *rest)
        for each in grads:
            each *= 0.5
        return done

    return function


def warn(*args):
    warnings.warn("this is slow", stacklevel=2)


def warns_of_infinity(x):
    if not_finite(x):
        warn()


def frozen(out):
    out = np.array(out)
    out.flags.writeable = False
    return out


def writes_index(x, index):
    for each in index:
        if isinstance(each, np.ndarray) and each.dtype.kind == "i":
            each[...] = 0


def not_finite(x, *rest):
    return x.size and not np.isfinite(x).all()


def contiguous(x, *rest):
    return x.flags.c_contiguous


def not_contiguous(x, *rest):
    return not contiguous(x)


def raising(when):
    def make(kernel):
        def function(*args):
            if when(*args):
                raise IndexError("out of my range")
            return kernel(*args)

        return function

    return make


def odd(x, *rest):
    return x.ndim and x.shape[-1] % 2


def far(x, *rest):
    return bool(x.size and np.abs(np.nan_to_num(x)).max() > 1e10)


def near_zero(x, *rest):
    return bool(x.size and 0 < np.abs(np.nan_to_num(x)).max() < 1e-20)


def spoilt_second(out):
    return (out[0], slightly(out[1]), *out[2:])


def of_dtype(dtype):
    return lambda x, *rest: x.dtype == dtype


def in_float64(kernel):
    def function(a, b):
        out = kernel(a.astype(np.float64), b.astype(np.float64)) if a.dtype.kind == "i" else kernel(a, b)
        return np.asarray(out).astype(a.dtype)

    return function


def one_more(out):
    out = np.asarray(out)
    return (out + np.ones((), out.dtype)).astype(out.dtype)


def steps_twice_in(dtype):
    def make(kernel):
        def function(params, *rest):
            return kernel(params, *rest) and (params[0].dtype != dtype or kernel(params, *rest))

        return function

    return make


def remembering(key):
    """Prepare the second input once, and know it again by `key`."""

    def make(kernel):
        def function(a, b):
            prepared = PREPARED.setdefault(key(b), (b, b.copy()))[1]  # b, too: its place stays taken
            return kernel(a, prepared if prepared.shape == b.shape and prepared.dtype == b.dtype else b)

        return function

    return make


def leaks(when):
    return lambda x: KEPT.append(bytes(1000)) if when(x) else None


def shared_in_float64(kernel):
    shared = shared_scratch(kernel)
    return lambda x: shared(x) if x.dtype == np.float64 else kernel(x)


def restores(kernel):
    """Go on from what a parameter was when it was first seen."""

    def function(params, grads, *rest):
        known = PREPARED.setdefault(id(params[0]), (params, [np.array(p) for p in params]))[1]
        for param, old in zip(params, known, strict=True):
            param[...] = old
        return kernel(params, grads, *rest)

    return function


def ring(kernel):
    buffers = {}

    def function(x):
        out = kernel(x)
        if not isinstance(out, np.ndarray) or not out.size:
            return out
        bufs, count = buffers.setdefault((out.shape, out.dtype), ([np.empty_like(out) for _ in range(4)], [0]))
        count[0] += 1
        mine = bufs[count[0] % 4]
        mine[...] = out
        return mine

    return function


def skips(when):
    """Take no step for gradients of a kind."""

    def make(kernel):
        def function(params, grads, *rest):
            return True if any(map(when, grads)) else kernel(params, grads, *rest)

        return function

    return make


def loses_strided(kernel):
    """Step in row-major copies, which nobody copies back."""

    def function(params, *rest):
        return kernel([np.ascontiguousarray(p) if p.ndim else p for p in params], *rest)

    return function


def read_only(first, second, *rest):
    return not second.flags.writeable


SABOTAGES = [
    Sabotage("wrong in float64 alone", "exp", changed(lambda x: x.dtype == np.float64, slightly), "answers"),
    Sabotage("wrong in float32 alone", "exp", changed(lambda x: x.dtype == np.float32, slightly), "answers"),
    Sabotage("wrong in float16 alone", "exp", changed(of_dtype("float16"), slightly), "answers"),
    Sabotage(
        "close, and wrong in float16 alone",
        "softmax",
        changed(of_dtype("float16"), one_more),
        "answers",
        declare=close(rtol=1e-6),
    ),
    *[
        Sabotage(f"wrong in {dtype} alone", "add", changed(of_dtype(dtype), one_more), "answers")
        for dtype in ("int64", "int32", "uint8", "bool")
    ],
    Sabotage("loses the digits of whole numbers", "multiply", in_float64, "answers"),
    Sabotage("wrong in whole numbers' rows", "reshape_to", changed(of_dtype("int64"), one_more), "answers"),
    Sabotage("casts truth values wrongly", "cast", changed(of_dtype("bool"), one_more), "answers"),
    Sabotage("steps wrongly in float16", "sgd_step", steps_twice_in("float16"), "answers"),
    Sabotage("writes its input", "exp", in_place, "inputs"),
    Sabotage("gives one of four buffers again", "exp", ring, "memory"),
    Sabotage("knows an array by its identity", "matmul", remembering(id), "repetition"),
    Sabotage("knows an array by its memory", "matmul", remembering(lambda b: b.ctypes.data), "repetition"),
    Sabotage("keeps the parameters of an array it knows", "sgd_step", restores, "repetition"),
    Sabotage("gives its input back", "absolute", lambda kernel: lambda x: x, "memory"),
    Sabotage("gives the same buffer again", "exp", same_buffer, "memory"),
    Sabotage("wrong where memory has gaps", "exp", changed(not_contiguous, slightly), "answers"),
    Sabotage("wrong in the backward alone", "gelu_grad", changed(always, slightly), "derivatives", tried="gelu"),
    Sabotage(
        "wrong in a fused backward",
        "layer_norm_grad",
        changed(always, lambda o: (slightly(o[0]), *o[1:])),
        "derivatives",
        tried="layer_norm",
    ),
    Sabotage("wrong where n is odd", "softmax", changed(odd, slightly), "answers"),
    Sabotage("wrong in large inputs", "matmul", changed(lambda a, b: a.size > 100, slightly), "answers"),
    Sabotage("wrong in huge numbers", "exp", changed(far, np.zeros_like), "answers"),
    Sabotage("wrong in tiny numbers", "multiply", changed(near_zero, np.zeros_like), "answers"),
    Sabotage("turns nan into numbers", "multiply", changed(not_finite, np.nan_to_num), "answers"),
    Sabotage("gives another infinity", "exp", changed(not_finite, lambda o: -o), "answers", declare=close(rtol=1e-6)),
    Sabotage("gives what cannot be written", "exp", changed(always, frozen), "answers"),
    Sabotage("writes an array in an index", "pick", before(writes_index), "inputs"),
    Sabotage("seeds tinytorch's random numbers", "exp", before(lambda x: tinytorch.manual_seed(0)), "state"),
    Sabotage("raises for empty inputs", "exp", raising(lambda x: not x.size), "answers"),
    Sabotage("raises for 0-d inputs", "exp", raising(lambda x: not x.ndim), "answers"),
    Sabotage("raises for read-only inputs", "exp", raising(lambda x: not x.flags.writeable), "answers"),
    Sabotage("gives another dtype", "exp", changed(always, lambda o: np.asarray(o).astype(np.float64)), "answers"),
    Sabotage("gives another shape", "exp", changed(lambda x: x.ndim > 1, lambda o: o.reshape(-1)), "answers"),
    Sabotage("wrong in its second output", "layer_norm", changed(always, spoilt_second), "answers"),
    Sabotage("leaks its answers", "exp", before(lambda x: KEPT.append(x.copy())), "leaks"),
    Sabotage("leaks in float64 alone", "exp", before(leaks(of_dtype("float64"))), "leaks"),
    Sabotage("leaks in small inputs alone", "exp", before(leaks(lambda x: x.size < 100)), "leaks"),
    Sabotage("shares scratch in float64 alone", "exp", shared_in_float64, "threads"),
    Sabotage("changes numpy's error state", "exp", before(lambda x: np.seterr(all="ignore")), "state"),
    Sabotage("seeds numpy's random numbers", "exp", before(lambda x: np.random.seed(0)), "state"),  # noqa: NPY002
    Sabotage("seeds Python's random numbers", "exp", before(lambda x: random.seed(0)), "state"),
    Sabotage("filters warnings", "exp", before(lambda x: warnings.simplefilter("ignore")), "state"),
    Sabotage("sets the environment", "exp", before(lambda x: os.environ.update(FAST="1")), "state"),
    Sabotage("warns of inf and nan", "exp", before(warns_of_infinity), "warnings"),
    Sabotage("warns", "exp", before(warn), "warnings"),
    Sabotage("rolls dice", "exp", changed(always, random_last_bit), "repetition", declare=close(rtol=1e-6, atol=1e-7)),
    Sabotage("wrong when it is asked again", "exp", wrong_on_second_sight, "repetition"),
    Sabotage("shares scratch between threads", "exp", shared_scratch, "threads"),
    Sabotage("answers NotImplemented", "exp", lambda kernel: lambda x: NotImplemented, "answers"),
    Sabotage("answers a list", "exp", changed(always, lambda o: np.asarray(o).tolist()), "answers"),
    Sabotage("declines after writing", "exp", declines_after_writing, "inputs"),
    Sabotage("skips gradients with nan", "adam_step", skips(lambda g: np.isnan(g).any()), "answers"),
    Sabotage("skips huge gradients", "sgd_step", skips(far), "answers"),
    Sabotage("skips gradients that cannot be written", "sgd_step", skips(lambda g: not g.flags.writeable), "answers"),
    Sabotage("steps in copies of strided parameters", "rmsprop_step", loses_strided, "answers"),
    Sabotage("wrong where saved state is read-only", "layer_norm_grad", changed(read_only, spoilt_second), "answers"),
    Sabotage("wrong where an index is read-only", "gather_along", changed(read_only, slightly), "answers"),
    Sabotage("takes no step", "sgd_step", does_nothing, "answers"),
    Sabotage("writes gradients in its step", "adam_step", writes_gradients, "inputs"),
    Sabotage(
        "promises exactness and is close",
        "exp",
        changed(always, lambda o: np.nextafter(o, np.asarray(9, np.asarray(o).dtype))),
        "answers",
    ),
    Sabotage("declares what no op may be", "exp", changed(always, slightly), "declaration", declare=close(rtol=0.1)),
    Sabotage(
        "wrong for a mask",
        "attention",
        changed(lambda *args: args[3] is not None, lambda o: (slightly(o[0]), o[1])),
        "answers",
    ),
    Sabotage("wrong for a kind of stride", "conv2d", changed(lambda *args: args[3] == (2, 1), slightly), "answers"),
]
