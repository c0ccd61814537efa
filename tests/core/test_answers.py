"""A few answers that everybody can check by hand; `pytest --plugin` runs them under a plugin too."""

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.arithmetic import add
from tinytorch.core.tensor.elementwise import exp
from tinytorch.core.tensor.products import matmul


def test_one_and_two_is_three():
    assert add(Tensor(np.array([1.0])), Tensor(np.array([2.0]))).array.tolist() == [3.0]


def test_exp_of_nothing_is_one():
    assert exp(Tensor(np.zeros(2))).array.tolist() == [1.0, 1.0]


def test_a_matrix_times_the_identity_is_itself():
    square = np.arange(4.0).reshape(2, 2)
    assert matmul(Tensor(square), Tensor(np.eye(2))).array.tolist() == square.tolist()
