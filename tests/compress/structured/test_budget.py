"""The budget: how many, which, and what cannot be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch_compress.structured.budget import chosen

SCORES = st.lists(st.lists(st.floats(0, 9), min_size=2, max_size=20).map(np.array), min_size=1, max_size=5)


@given(SCORES, st.floats(0, 0.999), st.booleans(), st.integers(1, 9))
def test_the_smallest_go_and_one_stays(scores, amount, globally, step):
    for values, out in zip(scores, chosen(scores, amount, global_=globally, round_to=step), strict=True):
        kept = np.count_nonzero(~out)
        assert kept >= 1
        assert kept % step == 0 or kept == len(values)
        if out.any():
            assert values[out].max() <= values[~out].min()


@given(SCORES, st.floats(0, 0.999))
def test_each_group_gives_its_share(scores, amount):
    for values, out in zip(scores, chosen(scores, amount), strict=True):
        assert np.count_nonzero(out) == min(round(amount * len(values)), len(values) - 1)


def test_a_global_budget_is_spent_where_it_costs_least():
    out = chosen([np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0])], 0.5, global_=True)
    assert [each.tolist() for each in out] == [[True, True, False], [False, False, False]]


def test_as_many_stay_as_the_step_says():
    (out,) = chosen([np.arange(10.0)], 0.5, round_to=4)
    assert np.count_nonzero(~out) == 8


@pytest.mark.parametrize("amount", [-0.1, 1.0, 1.5, float("nan")])
def test_amounts_outside_are_refused(amount):
    with pytest.raises(ValueError, match="prune_structured: "):
        chosen([np.ones(3)], amount)


@pytest.mark.parametrize("step", [0, -1])
def test_steps_below_one_are_refused(step):
    with pytest.raises(ValueError, match="round_to"):
        chosen([np.ones(3)], 0.5, round_to=step)
