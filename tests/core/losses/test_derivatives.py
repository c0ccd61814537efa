"""First and second derivatives of the losses, against finite differences."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.nn import functional as F
from tinytorch.testing import check_gradient

CLASSES = tt.tensor([0, 3, 1, -100, 2])
WEIGHT = tt.tensor(np.array([0.5, 1.0, 2.0, 0.3]))


def probabilities(rng, *shape):
    return rng.uniform(0.1, 0.9, shape)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(
    "options", [{}, {"weight": WEIGHT}, {"label_smoothing": 0.2}, {"weight": WEIGHT, "label_smoothing": 0.2}]
)
def test_cross_entropy_of_classes_twice(rng, options, reduction):
    function = lambda scores: F.cross_entropy(scores, CLASSES, reduction=reduction, **options)  # noqa: E731
    check_gradient(function, [rng.standard_normal((5, 4))], order=3)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_cross_entropy_of_probabilities_twice(rng, smoothing):
    function = lambda scores, p: F.cross_entropy(scores, p, WEIGHT, label_smoothing=smoothing)  # noqa: E731
    check_gradient(function, [rng.standard_normal((5, 4)), probabilities(rng, 5, 4)], order=2)


def test_nll_loss_twice(rng):
    check_gradient(lambda logs: F.nll_loss(logs * logs, CLASSES, WEIGHT), [rng.standard_normal((5, 4))], order=2)


@pytest.mark.parametrize(
    "loss", [F.mse_loss, F.l1_loss, F.smooth_l1_loss, lambda a, b: F.smooth_l1_loss(a, b, beta=0.3)]
)
def test_distance_twice(rng, loss):
    target = rng.standard_normal((3, 4))
    away_from_kinks = target + rng.choice([-1.5, -0.7, 0.1, 0.6, 2.0], target.shape)
    check_gradient(loss, [away_from_kinks, target], order=2, name="distance")


def test_binary_cross_entropy_twice(rng):
    check_gradient(F.binary_cross_entropy, [probabilities(rng, 3, 4), probabilities(rng, 3, 4)], order=2)


def test_binary_cross_entropy_with_logits_twice(rng):
    function = lambda x, y, w: F.binary_cross_entropy_with_logits(x, y, w, pos_weight=WEIGHT)  # noqa: E731
    check_gradient(
        function, [rng.standard_normal((3, 4)) * 3, probabilities(rng, 3, 4), probabilities(rng, 4)], order=2
    )


@pytest.mark.parametrize("log_target", [False, True])
def test_kl_div_twice(rng, log_target):
    function = lambda x, y: F.kl_div(x, y, reduction="batchmean", log_target=log_target)  # noqa: E731
    check_gradient(function, [rng.standard_normal((3, 4)), probabilities(rng, 3, 4)], order=2)
