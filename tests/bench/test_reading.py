"""JSON is read strictly, whatever is in it."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch_bench.reading import FormatError, parsed

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(VALUES)
def test_what_json_can_hold_is_read_as_it_was(value):
    assert parsed(json.dumps(value).encode()) == value


@given(st.binary(max_size=30))
def test_any_bytes_are_read_or_refused(content):
    try:
        value = parsed(content)
    except FormatError:
        return
    assert not isinstance(value, float) or math.isfinite(value)


def test_a_name_that_stands_twice_is_found_at_any_depth():
    with pytest.raises(FormatError, match="the name 'a' stands twice in one object"):
        parsed(b'{"b": [{"a": 1, "c": 2, "a": 3}]}')
