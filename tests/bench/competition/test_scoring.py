"""Scores are ratios to the baseline, divisions follow from what was applied."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from submissions_for_tests import MACHINE, made_up

from tinytorch_bench.competition.running import finished
from tinytorch_bench.competition.scoring import derived, digest, division, fingerprint

QUANTIZED = {"plugin": "quant", "name": "quantize", "structure": "0" * 64}
PRUNED = {"plugin": "compress", "name": "prune", "structure": "0" * 64}


def entered(submission, plugins=(), **entry):
    machine = {**MACHINE, "plugins": list(plugins)}
    return {**submission, "machine": machine, "entry": {**submission["entry"], **entry}}


def test_the_score_is_the_median_of_the_rounds_ratios():
    submission = made_up(0)
    part = submission["disciplines"][0]
    part["baseline"], part["entry"] = [3.0, 2.0, 8.0] * 4, [1.0, 1.0, 2.0] * 4
    found = derived(submission)
    assert found["score"] == pytest.approx(3.0)
    assert found["ratios"] == {"one image": 3.0}
    assert found["low"] <= found["score"] <= found["high"]


def test_of_ten_disciplines_it_is_the_geometric_mean_and_size_is_one():
    submission = made_up(0, "transformer-decathlon/characters", faster=1.0)
    for part in submission["disciplines"]:
        part["entry"] = [seconds / 2 for seconds in part["baseline"]]
    submission["entry"]["bytes"] = submission["baseline"]["bytes"] // 4
    found = derived(submission)
    assert len(found["ratios"]) == 10
    assert found["ratios"]["size"] == pytest.approx(4.0)
    assert found["score"] == pytest.approx((2.0**9 * 4.0) ** 0.1)


@pytest.mark.parametrize(
    ("plugins", "entry", "expected"),
    [
        ([], {}, "closed"),
        (
            [
                {
                    "name": "accel",
                    "version": "1",
                    "ops": {"matmul": "float32 exact", "gelu": "float32 close (rtol 1e-05, atol 0)"},
                }
            ],
            {},
            "closed",
        ),
        ([{"name": "mine", "version": "1", "ops": {"gelu": "undeclared: held to the op's own contract"}}], {}, "open"),
        ([{"name": "mine", "version": "1", "ops": {"gelu": "lies"}}], {}, "open"),
        ([{"name": "mine", "version": "1", "ops": {"gelu": "Undeclared"}}], {}, "open"),
        ([], {"applied": [QUANTIZED]}, "closed"),
        ([], {"applied": [QUANTIZED] * 50}, "open"),
        ([], {"applied": [PRUNED]}, "open"),
        ([], {"applied": [QUANTIZED, PRUNED]}, "open"),
        ([], {"applied": [{**QUANTIZED, "name": "prepare_qat"}]}, "open"),
        ([], {"applied": [{**QUANTIZED, "plugin": "unknown"}]}, "open"),
        ([], {"origin": "file"}, "open"),
        ([], {"origin": "file", "applied": [QUANTIZED]}, "open"),
    ],
)
def test_the_division_follows_from_what_was_applied(plugins, entry, expected):
    assert division(entered(made_up(0), plugins, **entry)) == expected


def test_plugins_that_change_results_are_open_whatever_they_declare():
    submission = made_up(0)
    for difference, expected in ((0.0, "closed"), (1e-3, "closed"), (2e-3, "open"), (1.0, "open")):
        assert division({**submission, "difference": difference}) == expected
    assert division({**entered(submission, applied=[QUANTIZED]), "difference": 0.1}) == "closed"


def test_the_gate_decides_whether_an_entry_passes():
    submission = made_up(0)
    for correct, passed in ((346, False), (347, True)):  # 0.965 of 359 is 346.4
        submission["entry"]["correct"] = correct
        assert derived(submission)["passed"] is passed


@given(st.text(max_size=20), st.floats(1e-5, 1e3), st.integers(0, 19))
def test_whatever_is_changed_changes_the_digest(text, seconds, place):
    submission = made_up(0)
    before = digest(submission), fingerprint(submission)
    submission["title"] = f"{text}!"
    assert digest(submission) != before[0]
    assert fingerprint(submission) == before[1]
    submission["disciplines"][0]["entry"][place] = 2.0 * seconds + 1.0  # not one of the times
    assert fingerprint(submission) != before[1]


def test_the_same_times_in_another_order_are_the_same():
    submission = made_up(0)
    before = fingerprint(submission)
    submission["disciplines"][0]["entry"].reverse()
    assert fingerprint(submission) == before


def test_the_order_of_names_does_not_matter_to_the_digest():
    submission = made_up(0)
    assert digest(dict(reversed(submission.items()))) == submission["digest"]
    assert finished({name: submission[name] for name in submission if name not in ("derived", "digest")}) == submission
