"""What tensors can do beside what the oracle compares with PyTorch: numpy's names, numpy's arrays, odd numbers."""

import re
from pathlib import Path

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core import tensor as chapter

X = tt.tensor([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]])


@pytest.mark.parametrize("name", ["logsumexp", "norm", "sum", "mean", "amax", "prod", "std", "all"])
def test_a_reduction_takes_numpys_names(name):
    method = getattr(X, name)
    assert tt.equal(method(axis=0, keepdims=True), method(dim=0, keepdim=True))


@pytest.mark.parametrize("name", ["sort", "argsort"])
def test_order_takes_numpys_axis(name):
    ours, expected = getattr(X, name)(axis=0), getattr(X, name)(dim=0)
    pairs = zip(ours, expected, strict=True) if name == "sort" else [(ours, expected)]
    assert all(tt.equal(a, b) for a, b in pairs)
    assert tt.topk(X, 1, axis=0).values.tolist() == [[4.0, 6.0, 5.0]]


@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "**", "//", "%", "@", "==", "!=", "<", ">="])
def test_an_array_beside_a_tensor_is_a_tensor(operator):
    array, tensor = np.array([1.0, 4.0, 3.0]), tt.tensor([2.0, 2.0, 3.0], dtype="float64")
    for text in (f"array {operator} tensor", f"tensor {operator} array"):
        found = eval(text)  # noqa: S307  the operators above
        expected = eval(text, {"array": array, "tensor": tensor.numpy()})  # noqa: S307
        assert isinstance(found, tt.Tensor)
        assert np.array_equal(found.numpy(), expected)


def test_a_number_that_the_dtype_has_not_compares_as_it_is():
    small = tt.tensor([1, 255], dtype=tt.uint8)
    assert (small == 300).tolist() == [False, False]
    assert (small > -1).tolist() == [True, True]
    assert (small < 300).tolist() == [True, True]


def test_a_method_of_a_later_chapter_is_its_function():
    assert tt.equal(X.softmax(1), tt.softmax(X, 1))
    assert tt.equal(X.log_softmax(dim=0), tt.log_softmax(X, dim=0))
    assert tt.equal((-X).relu(), tt.relu(-X))


def test_the_chapter_names_every_page_in_an_order_that_holds():
    folder = Path(chapter.__file__).parent
    order = re.findall(r"\w+", chapter.__doc__.partition("in this order:")[2])
    assert sorted(order) == sorted(page.stem for page in folder.glob("*.py") if page.stem != "__init__")
    for place, page in enumerate(order):
        code = re.sub(r"\nif TYPE_CHECKING:\n(?:(?: .*)?\n)+", "", (folder / f"{page}.py").read_text())
        used = re.findall(r"from tinytorch\.core\.tensor\.(\w+) import", code)
        for names in re.findall(r"from tinytorch\.core\.tensor import ([\w, ]+|\([^)]*\))", code):
            used += re.findall(r"\w+", names)
        assert set(used) <= set(order[:place]), page
