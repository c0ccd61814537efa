"""What a call leaves behind is seen, and nothing else is."""

import numpy as np
import pytest

from tinytorch.core.spatial.pooling import max_pool2d_pick
from tinytorch.testing.conduct import KEPT, leaked_bytes

SQUARES = np.zeros((1, 2, 20, 21), np.float32), np.zeros((1, 2, 18, 10), np.uint8)


@pytest.mark.parametrize("size", [100, 3000])
def test_a_call_that_keeps_bytes_leaks_as_many(size):
    held = []
    assert leaked_bytes(lambda: held.append(bytes(size))) == pytest.approx(size, abs=KEPT)


def test_memory_that_python_keeps_of_freed_tuples_is_no_leak():
    def pick():  # nine places, and some tuples of each
        max_pool2d_pick.kernel(*SQUARES, (3, 3), (1, 2), ((0, 0), (0, 0)), (1, 1))

    assert leaked_bytes(pick) < KEPT


def test_a_cycle_that_the_collector_frees_is_no_leak():
    def cycle():
        ring = [bytes(1000)]
        ring.append(ring)

    assert leaked_bytes(cycle) < KEPT
