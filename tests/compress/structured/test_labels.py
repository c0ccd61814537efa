"""Labels: united, frozen, and laid over values."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tinytorch_compress.structured.labels import Labels, axes_of

PAIRS = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=20)


@given(PAIRS, st.sets(st.integers(1, 12), max_size=3))
def test_roots_are_those_of_a_slow_search(pairs, frozen):
    labels = Labels()
    labels.new(12)
    parts = [{label} for label in range(1, 13)]
    for a, b in pairs:
        labels.unite(np.array([a]), np.array([b]), "a pair")
        left, right = [next(part for part in parts if label in part) for label in (a, b)]
        parts = [part for part in parts if part is not left and part is not right] + [left | right]
    for label in frozen:
        labels.freeze(np.array([label]), "told so")
    for part in parts:
        assert len(np.unique(labels.find(np.array(sorted(part))))) == 1
        assert {labels.reason(label) for label in part} == ({"told so"} if part & frozen else {None})
    assert len(np.unique(labels.find(np.arange(1, 13)))) == len(parts)


def test_what_has_no_label_freezes_what_it_is_united_with():
    labels = Labels()
    made = labels.new(3)
    labels.unite(made, np.array([0, 2, 3]), "zeros were added")
    assert [labels.reason(label) for label in made] == ["zeros were added", None, None]


def test_the_first_reason_stays():
    labels = Labels()
    made = labels.new(4)
    labels.freeze(made[3:], "first")
    labels.freeze(made, "second")
    assert [labels.reason(int(label)) for label in made] == ["second", "second", "second", "first"]


def test_a_layer_is_compact_along_axes_that_say_nothing():
    labels = Labels()
    made = labels.new(6)
    layer = np.broadcast_to(made.reshape(1, 2, 3), (4, 2, 3))
    assert labels.compact(layer).shape == (1, 2, 3)
    labels.whole(labels.compact(layer), [2], "heads")
    assert labels.compact(layer).shape == (1, 2, 1)
    assert axes_of(labels.compact(layer)) == (1,)
    assert labels.reason(int(made[0])) is None


def test_an_axis_that_is_needed_whole_is_frozen_where_it_is_all_there_is():
    labels = Labels()
    made = labels.new(3)
    labels.whole(made, [0], "softmax")
    assert {labels.reason(label) for label in made} == {"softmax"}
