"""dtypes mix as in PyTorch."""

import numpy as np
import promotion
import pytest
from agreement import HAS_TORCH, ORACLE, compare_arrays

QUESTIONS = list(promotion.questions())
OPERATIONS = list(dict.fromkeys(question[0] for question in QUESTIONS))
OURS_IS_WIDER = ("a - b", "a.sub_(b)", "t.isclose(a, b)")  # bools are subtracted from numbers, dtypes mix in isclose
OURS_IS_NARROWER = ("a ** b", "a.pow_(b)")  # a bool tensor to the power True is a bool in PyTorch, nothing here


@pytest.mark.parametrize(
    "operation", dict.fromkeys(question[0] for question in QUESTIONS), ids=lambda o: f"{ORACLE}-{o}"
)
def test_result_has_pytorchs_dtype(operation):
    codes = promotion.recorded()
    wrong = []
    for (name, left, right), code in zip(QUESTIONS, codes, strict=True):
        if name == operation:
            mine = promotion.code(promotion.ask("tinytorch", name, left, right))
            if mine != code and not is_known(operation, mine, code):
                wrong.append((left, right, [*promotion.DTYPES, "raises"][mine], [*promotion.DTYPES, "raises"][code]))
    assert not wrong, f"{len(wrong)} differ; the first (left, right, ours, PyTorch's): {wrong[:5]}"


def is_known(operation, mine, theirs):
    if theirs == promotion.RAISES:
        return operation in OURS_IS_WIDER
    return mine == promotion.RAISES and operation in OURS_IS_NARROWER


@pytest.mark.parametrize("operation", OPERATIONS if HAS_TORCH else [])  # only dtypes are recorded
def test_result_has_pytorchs_value(operation):
    for question in [question for question in QUESTIONS if question[0] == operation][::3]:
        theirs = promotion.ask("torch", *question)
        mine = promotion.ask("tinytorch", *question)
        if theirs is not None and mine is not None:
            compare_arrays(str(question), mine, theirs)


@pytest.mark.skipif(not HAS_TORCH, reason="only PyTorch can say whether the recording is right")
def test_recording_is_right():
    rng = np.random.default_rng()
    for i in rng.choice(len(QUESTIONS), 500, replace=False):
        assert promotion.code(promotion.ask("torch", *QUESTIONS[i])) == promotion.recorded()[i]
