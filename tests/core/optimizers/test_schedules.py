"""Schedules and clipping beside agreeing with PyTorch, which the oracle tests."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch.nn.utils import clip_grad_norm_, clip_grad_value_
from tinytorch.optim import SGD
from tinytorch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LinearLR, SequentialLR, StepLR


def optimizer(lr=1.0):
    return SGD([nn.Parameter(tt.ones(1))], lr=lr)


def rates(schedule, steps):
    found = []
    for _ in range(steps):
        found.append(schedule.get_last_lr()[0])
        schedule.step()
    return found


def test_steps_go_down():
    assert rates(StepLR(optimizer(), 2, gamma=0.5), 5) == [1.0, 1.0, 0.5, 0.5, 0.25]


def test_warm_up_then_cosine():
    sgd = optimizer()
    schedule = SequentialLR(sgd, [LinearLR(sgd, 0.25, total_iters=3), CosineAnnealingLR(sgd, 4)], [3])
    assert rates(schedule, 8) == pytest.approx([0.25, 0.5, 0.75, 1.0, 0.853553, 0.5, 0.146447, 0.0], abs=1e-6)


def test_a_loaded_schedule_goes_on_where_it_stood():
    first = CosineAnnealingLR(optimizer(), 10)
    rates(first, 4)
    second = CosineAnnealingLR(optimizer(), 10)
    second.load_state_dict(first.state_dict())
    assert rates(second, 6) == rates(first, 6)


def test_a_loaded_sequence_goes_on_where_it_stood():
    def make():
        sgd = optimizer()
        return SequentialLR(sgd, [LinearLR(sgd, 0.5, total_iters=3), StepLR(sgd, 2)], [3])

    first, second = make(), make()
    rates(first, 5)
    second.load_state_dict(first.state_dict())
    assert rates(second, 4) == rates(first, 4)


def test_one_function_for_each_group():
    groups = [{"params": [nn.Parameter(tt.ones(1))]}, {"params": [nn.Parameter(tt.ones(1))], "lr": 2.0}]
    schedule = LambdaLR(SGD(groups, lr=1.0), [lambda epoch: 1.0, lambda epoch: 0.5**epoch])
    schedule.step()
    assert schedule.get_last_lr() == [1.0, 1.0]


def test_clipping_leaves_small_gradients_alone():
    param = nn.Parameter(tt.zeros(2))
    param.grad = tt.tensor([3.0, 4.0])
    assert clip_grad_norm_(param, 6.0).item() == 5.0
    assert param.grad.tolist() == [3.0, 4.0]


def test_clipping_scales_all_gradients_together():
    params = [nn.Parameter(tt.zeros(1)), nn.Parameter(tt.zeros(1)), nn.Parameter(tt.zeros(1))]
    params[0].grad, params[1].grad = tt.tensor([3.0]), tt.tensor([4.0])
    clip_grad_norm_((each for each in params), 1.0)
    assert np.allclose([params[0].grad.item(), params[1].grad.item()], [0.6, 0.8], atol=1e-5)


def test_clipping_limits_every_element():
    param = nn.Parameter(tt.zeros(3))
    param.grad = tt.tensor([-5.0, 0.5, 5.0])
    clip_grad_value_([param], 1.0)
    assert param.grad.tolist() == [-1.0, 0.5, 1.0]
