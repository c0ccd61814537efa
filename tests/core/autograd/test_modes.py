"""no_grad and its kin: contexts, decorators, threads."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

import tinytorch as tt


@pytest.fixture
def x():
    return tt.ones(2, requires_grad=True)


def test_no_grad_records_nothing(x):
    with tt.no_grad():
        y = x * 2
    assert not y.requires_grad
    assert tt.is_grad_enabled()


def test_enable_grad_within_no_grad(x):
    with tt.no_grad(), tt.enable_grad():
        assert (x * 2).requires_grad


def test_an_exception_ends_no_grad():
    with pytest.raises(ZeroDivisionError), tt.no_grad():
        1 / 0  # noqa: B018
    assert tt.is_grad_enabled()


def test_no_grad_decorates(x):
    @tt.no_grad()
    def twice(x):
        """Doubles."""
        return x * 2

    assert not twice(x).requires_grad
    assert (x * 2).requires_grad
    assert twice.__doc__ == "Doubles."


def test_a_decorated_function_may_call_itself(x):
    @tt.no_grad()
    def down(n):
        return tt.is_grad_enabled() if n == 0 else down(n - 1)

    assert down(3) is False
    assert tt.is_grad_enabled()


def test_one_context_may_be_entered_within_itself():
    context = tt.no_grad()
    with context:
        with context:
            assert not tt.is_grad_enabled()
        assert not tt.is_grad_enabled()
    assert tt.is_grad_enabled()


def test_set_grad_enabled_holds_at_once_and_as_a_context():
    tt.set_grad_enabled(False)
    assert not tt.is_grad_enabled()
    tt.set_grad_enabled(True)
    with tt.set_grad_enabled(False):
        assert not tt.is_grad_enabled()
    assert tt.is_grad_enabled()


def test_set_grad_enabled_decorates():
    @tt.set_grad_enabled(False)
    def inside():
        return tt.is_grad_enabled()

    assert tt.is_grad_enabled()
    assert inside() is False


def test_no_grad_is_of_one_thread():
    both = Barrier(2)

    def look(context):
        with context:
            both.wait(10)
            seen = tt.is_grad_enabled()
            both.wait(10)
        return seen

    with ThreadPoolExecutor(2) as pool:
        results = pool.map(look, [tt.no_grad(), tt.enable_grad()])
        assert list(results) == [False, True]


def test_one_decorated_function_in_two_threads():
    both = Barrier(2)

    @tt.no_grad()
    def look(_):
        both.wait(10)
        return tt.is_grad_enabled()

    def outside(n):
        return look(n), tt.is_grad_enabled()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(outside, range(2))) == [(False, True)] * 2


def test_a_graph_may_be_walked_in_another_thread(x):
    y = (x * 3).sum()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(y.backward).result()
    assert x.grad.tolist() == [3.0, 3.0]


def test_weights_change_by_hand_under_no_grad(x):
    (x * 3).sum().backward()
    with tt.no_grad():
        x -= x.grad
    assert x.tolist() == [-2.0, -2.0]
    assert x.is_leaf
    assert x.requires_grad
