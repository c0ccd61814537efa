"""The rules of all ops, against finite differences in float64."""

import numpy as np
import pytest

import tinytorch  # noqa: F401  declares every op and every rule
from tinytorch.core.autograd.engine import grad
from tinytorch.core.tensor import Tensor, op
from tinytorch.plugins import registry
from tinytorch.testing import OP_CASES, WITHOUT_DERIVATIVE, check_gradient

DRAWS = 8
DIFFERENTIABLE = [
    case for case in OP_CASES if case.op not in WITHOUT_DERIVATIVE and not case.declared().inplace and case.order
]


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)
def test_first_and_second_derivatives_are_finite_differences(case):
    rng = np.random.default_rng(sum(case.op.encode()))
    for seed in range(DRAWS):
        arguments = case.sample(rng, np.dtype("float64"))
        function, inputs = case.differentiable(arguments)
        check_gradient(function, inputs, case.order, name=case.op, seed=seed)


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)
def test_gradients_have_the_shape_and_dtype_of_their_inputs(case):
    rng = np.random.default_rng(1)
    for _ in range(DRAWS):
        function, inputs = case.differentiable(case.sample(rng, np.dtype("float32")))
        leaves = [Tensor(array).requires_grad_() for array in inputs]
        out = function(*leaves)
        first = out[0] if isinstance(out, tuple) else out
        for leaf, gradient in zip(leaves, grad(first.sum(), leaves, allow_unused=True), strict=True):
            assert gradient is None or (gradient.shape, gradient.dtype) == (leaf.shape, leaf.dtype)


def test_check_gradient_finds_a_wrong_rule():
    @op
    def doubled_wrongly(x: "Array") -> "Array":  # noqa: F821  the annotation is read, not evaluated
        """2 * x."""
        return x * 2

    doubled_wrongly.rule(lambda grad, _out, _x: grad * 2.001)
    try:
        with pytest.raises(
            AssertionError, match=r"doubled_wrongly: derivative 1 by input 0 of shape \(3,\) is .* finite"
        ):
            check_gradient(doubled_wrongly, [np.ones(3)])
    finally:
        del registry._ops["doubled_wrongly"]


def test_check_gradient_finds_a_slope_that_is_not_differentiable():
    @op
    def squared_once(x: "Array") -> "Array":  # noqa: F821  the annotation is read, not evaluated
        """x * x."""
        return x * x

    squared_once.rule(lambda grad, _out, x: grad * x.detach() * 2)
    try:
        check_gradient(squared_once, [np.array([1.0, 2.0])])
        with pytest.raises(AssertionError, match="derivative 2 by input 0"):
            check_gradient(squared_once, [np.array([1.0, 2.0])], order=2)
    finally:
        del registry._ops["squared_once"]
