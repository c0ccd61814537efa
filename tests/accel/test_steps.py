"""Optimizers' steps on parameters of many sizes: the core's numbers, whatever the threads, or nothing is written."""

import numpy as np
import pytest
from accel.calls import core

kernels = pytest.importorskip("tinytorch_accel._native", reason="tinytorch-accel was installed without its kernels")
SHAPES = [(1,), (7, 3), (64,), (129, 65), (3, 8192), (2, 3, 5), (20_000,)]


def sgd(rng, momentum=0.9, nesterov=False):
    params, grads, buffers = (arrays(rng) for _ in range(3))
    return params, grads, buffers if momentum else [], False, 0.1, momentum, 0.0, 0.01, nesterov, False


def adam(rng, decoupled=False, amsgrad=False):
    params, grads, means, squares, largest = (arrays(rng) for _ in range(5))
    squares, largest = ([np.square(each) for each in state] for state in (squares, largest))
    betas = (0.9, 0.999)
    return (
        params,
        grads,
        means,
        squares,
        largest if amsgrad else [],
        3,
        decoupled,
        0.01,
        betas,
        1e-8,
        0.1,
        amsgrad,
        True,
    )


def arrays(rng):
    return [rng.standard_normal(shape, np.float32) for shape in SHAPES]


STEPS = {
    "sgd": ("sgd_step", lambda rng: sgd(rng, momentum=0.0)),
    "momentum": ("sgd_step", sgd),
    "nesterov": ("sgd_step", lambda rng: sgd(rng, nesterov=True)),
    "adam": ("adam_step", adam),
    "adamw with amsgrad": ("adam_step", lambda rng: adam(rng, decoupled=True, amsgrad=True)),
}


def copied(args):
    return [[each.copy() for each in arg] if isinstance(arg, list) else arg for arg in args]


def written(args):
    return [each for arg in args if isinstance(arg, list) for each in arg]


@pytest.mark.parametrize("step", STEPS)
def test_all_parameters_become_the_cores(step, rng):
    op, make = STEPS[step]
    mine = make(rng)
    cores = copied(mine)
    assert getattr(kernels, op)(*mine) is core(op)(*cores) is True
    for ours, theirs in zip(written(mine), written(cores), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("step", STEPS)
def test_any_number_of_threads_writes_the_same_bits(step, rng):
    op, make = STEPS[step]
    args, answers = make(rng), []
    for threads in (1, 2, 3):
        kernels.set_threads(threads)
        mine = copied(args)
        getattr(kernels, op)(*mine)
        answers.append([each.tobytes() for each in written(mine)])
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize(
    "wrong", [lambda x: x.astype(np.float64), lambda x: x[::-1], lambda x: x[:0], lambda x: x[:-1]]
)
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("step", ["momentum", "adam"])
def test_one_unfit_array_declines_the_step_before_anything_is_written(step, place, wrong, rng):
    op, make = STEPS[step]
    args = make(rng)
    args[place][-1] = wrong(args[place][-1])
    before = [each.copy() for each in written(args)]
    assert getattr(kernels, op)(*args) is None
    assert all(np.array_equal(a, b) for a, b in zip(written(args), before, strict=True))


@pytest.mark.parametrize("place", [0, 2, 3])
def test_what_may_not_be_written_is_not(place, rng):
    args = adam(rng)
    args[place][0].flags.writeable = False
    assert kernels.adam_step(*args) is None


def test_no_parameters_are_soon_stepped():
    assert kernels.sgd_step([], [], [], True, 0.1, 0.0, 0.0, 0.0, False, False) is True
