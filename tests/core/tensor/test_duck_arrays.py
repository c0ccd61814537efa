"""Kernels make their arrays from their inputs, so that a tensor may hold an array that is not numpy's."""

import numpy as np
import pytest
from numpy.lib.mixins import NDArrayOperatorsMixin

from tinytorch.plugins import registry
from tinytorch.testing import OP_CASES


class Duck(NDArrayOperatorsMixin):
    """An array of another library: it speaks numpy's protocols and refuses to become numpy's."""

    def __init__(self, array):
        self.hidden = array

    def __array__(self, *_, **__):
        raise TypeError("a kernel turned its input into one of numpy's arrays")

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return wrapped(getattr(ufunc, method)(*plain(inputs), **plain(options)))

    def __array_function__(self, function, types, args, kwargs):
        return wrapped(function(*plain(args), **plain(kwargs)))

    def __getattr__(self, name):
        if name.startswith("__array"):  # the other doors to numpy's arrays
            raise AttributeError(name)
        found = getattr(self.hidden, name)
        if not callable(found):
            return wrapped(found)
        return lambda *args, **kwargs: wrapped(found(*plain(args), **plain(kwargs)))

    def __getitem__(self, index):
        return wrapped(self.hidden[plain(index)])

    def __setitem__(self, index, value):
        self.hidden[plain(index)] = plain(value)

    def __len__(self):
        return len(self.hidden)

    def __bool__(self):
        return bool(self.hidden)

    def __int__(self):
        return int(self.hidden)


def wrapped(value):
    """Every array in a value, as one of the other library's."""
    if isinstance(value, (np.ndarray, np.generic)):
        return Duck(np.asarray(value))
    return type(value)(wrapped(each) for each in value) if type(value) in (tuple, list) else value


def plain(value):
    """Every array in a value, as numpy's."""
    if isinstance(value, Duck):
        return value.hidden
    if type(value) in (tuple, list):
        return type(value)(plain(each) for each in value)
    return {key: plain(each) for key, each in value.items()} if type(value) is dict else value


@pytest.mark.parametrize("convert", [np.asarray, np.array, np.ascontiguousarray, np.asfortranarray])
def test_a_conversion_would_be_seen(convert):
    with pytest.raises(TypeError, match="turned its input"):
        convert(Duck(np.ones(3)))


@pytest.mark.parametrize("case", OP_CASES, ids=lambda case: case.op)
def test_a_kernel_works_on_arrays_of_another_library(case):
    kernel = registry.ops()[case.op].kernel
    for seed in range(5):
        arguments = case.sample(np.random.default_rng(seed), np.dtype(case.dtypes[0]))
        expected = kernel(*_copied(arguments))
        found = kernel(*wrapped(_copied(arguments)))
        for one, other in zip(_listed(found), _listed(expected), strict=True):
            assert type(one) is (bool if isinstance(other, bool) else Duck)
            np.testing.assert_array_equal(plain(one), other)


def _copied(value):
    if isinstance(value, np.ndarray):
        return value.copy()
    return type(value)(_copied(each) for each in value) if type(value) in (tuple, list) else value


def _listed(out):
    return out if isinstance(out, tuple) else (out,)
