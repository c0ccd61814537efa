"""First and second derivatives of the layers, against finite differences."""

import pytest

from tinytorch.nn import functional as F
from tinytorch.testing import check_gradient


def inputs(rng, *shapes):
    return [rng.standard_normal(shape) for shape in shapes]


@pytest.mark.parametrize("shape", [(4,), (5, 4), (2, 3, 4)])
def test_linear_twice(rng, shape):
    check_gradient(F.linear, inputs(rng, shape, (3, 4), (3,)), order=2)


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (2, 3, 2, 4)])
def test_batch_norm_of_the_batch_twice(rng, shape):
    def function(x, weight, bias):
        return F.batch_norm(x, None, None, weight, bias, training=True)

    check_gradient(function, inputs(rng, shape, (3,), (3,)), order=2)


def test_batch_norm_of_running_averages_twice(rng):
    mean, variance = inputs(rng, (3,), (3,))

    def function(x, mean, variance, weight, bias):
        return F.batch_norm(x, mean, variance, weight, bias)

    check_gradient(function, [*inputs(rng, (4, 3, 2)), mean, variance**2 + 0.5, *inputs(rng, (3,), (3,))], order=2)


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_layer_norm_twice(rng, shape):
    def function(x, weight, bias):
        return F.layer_norm(x, shape, weight, bias)

    check_gradient(function, inputs(rng, (2, 3, 4), shape, shape), order=2)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_group_norm_twice(rng, groups):
    check_gradient(lambda x, w, b: F.group_norm(x, groups, w, b), inputs(rng, (2, 4, 3), (4,), (4,)), order=2)


def test_embedding_twice(rng):
    import tinytorch as tt

    indices = tt.tensor([[0, 1, 1], [2, 4, 0]])
    check_gradient(lambda table: F.embedding(indices, table) ** 2, inputs(rng, (5, 3)), order=2)
