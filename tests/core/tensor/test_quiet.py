"""inf and nan are results: numpy says nothing of them to our users, and goes on saying it to everybody else."""

import threading

import numpy as np
import pytest

import tinytorch as tt

BIG, INF = tt.full((4, 4), 3e38), tt.tensor([[np.inf, -np.inf], [np.inf, -np.inf]])


@pytest.mark.parametrize(
    "call",
    [
        lambda: BIG + BIG,
        lambda: -BIG - BIG,
        lambda: BIG * 10.0,
        lambda: INF * 0.0,
        lambda: BIG**3,
        lambda: tt.ones(2) + 1e300,
        BIG.sum,
        lambda: INF.sum(1),
        lambda: tt.full((300, 300), 3e38).sum(0),  # by BLAS
        lambda: INF.mean(1),
        BIG.prod,
        lambda: BIG.cumsum(0),
        BIG.var,
        lambda: INF.std(0),
        BIG.norm,
        lambda: BIG @ BIG,
        lambda: INF @ INF,
        lambda: tt.ones(3, 4, 4) @ (BIG * 2.0),
        BIG.half,
    ],
)
def test_what_is_too_large_or_no_number_is_no_warning(call):
    assert not tt.isfinite(call()).all()  # warnings are errors here


def test_backward_through_what_overflowed_is_no_warning():
    x = tt.tensor([3e38, 1.0], requires_grad=True)
    (x * x).sum().backward()
    assert x.grad.tolist() == [np.inf, 2.0]


def test_numpy_still_warns_others():
    BIG + BIG
    with pytest.warns(RuntimeWarning, match="overflow"):
        BIG.numpy() + BIG.numpy()


def test_threads_do_not_meet_in_one_context():
    large, failed = tt.ones(1000, 1000), []

    def add_often():
        try:
            for _ in range(20):
                large + large
        except RuntimeError as error:
            failed.append(error)

    threads = [threading.Thread(target=add_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
