"""Reductions beyond what their rows in OP_CASES show."""

import tinytorch as tt


def test_sums_of_float16_are_made_in_float32():
    hundreds = tt.full((10000, 4), 100.0).half()
    assert hundreds.mean().item() == 100.0
    assert tt.ones(4000, 3).half().sum(0).tolist() == [4000.0] * 3
    assert tt.ones(4000).half().cumsum(0)[-1].item() == 4000.0
    assert hundreds.mean().dtype == tt.float16
