"""What losses promise beside agreeing with PyTorch, which the oracle tests."""

import math

import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch.nn import functional as F


def test_cross_entropy_of_a_sure_and_right_answer_is_zero():
    assert F.cross_entropy(tt.tensor([[1000.0, 0.0]]), tt.tensor([0])).item() == 0.0


def test_cross_entropy_of_a_sure_and_wrong_answer_is_finite():
    assert F.cross_entropy(tt.tensor([[1000.0, 0.0]]), tt.tensor([1])).item() == 1000.0


def test_the_mean_of_no_counting_target_is_nan_and_the_sum_zero():
    scores, nothing = tt.zeros(2, 3), tt.tensor([-100, -100])
    assert math.isnan(F.cross_entropy(scores, nothing).item())
    assert F.cross_entropy(scores, nothing, reduction="sum").item() == 0.0


def test_one_hot_probabilities_are_class_numbers():
    scores, classes = tt.randn(4, 3), tt.tensor([0, 2, 1, 1])
    by_class = F.cross_entropy(scores, classes)
    assert by_class.item() == pytest.approx(F.cross_entropy(scores, F.one_hot(classes, 3).float()).item(), rel=1e-6)


def test_logits_and_probabilities_give_one_loss():
    scores, target = tt.randn(4, 3), tt.rand(4, 3)
    through = F.binary_cross_entropy(scores.sigmoid(), target).item()
    assert through == pytest.approx(F.binary_cross_entropy_with_logits(scores, target).item(), rel=1e-5)


def test_targets_that_do_not_match_are_refused_and_not_broadcast():
    with pytest.raises(ValueError) as raised:
        F.mse_loss(tt.zeros(3, 1), tt.zeros(3))
    assert str(raised.value) == "mse_loss: input (3, 1) and target (3,) differ in shape"


def test_weights_of_a_loss_are_no_parameters_and_not_saved():
    loss = nn.CrossEntropyLoss(tt.ones(3))
    assert not list(loss.parameters())
    assert not loss.state_dict()
