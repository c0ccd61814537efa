"""What optimizers do beside stepping as PyTorch's do, which the oracle tests."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

MAKERS = [
    lambda params: SGD(params, lr=0.1),
    lambda params: SGD(params, lr=0.1, momentum=0.9, nesterov=True),
    lambda params: Adam(params, lr=0.1),
    lambda params: AdamW(params, lr=0.1),
    lambda params: RMSprop(params, lr=0.05, momentum=0.5),
    lambda params: Adam(params, lr=0.1, amsgrad=True),
    lambda params: RMSprop(params, lr=0.05, centered=True, eps=0.1),
]
IDS = ["SGD", "SGD with momentum", "Adam", "AdamW", "RMSprop", "AMSGrad", "centered RMSprop"]


def leaf(*numbers):
    return nn.Parameter(tt.tensor(list(numbers)))


def descend(optimizer, param, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        ((param - 3.0) ** 2).sum().backward()
        optimizer.step()


@pytest.mark.parametrize("make", MAKERS, ids=IDS)
def test_optimizer_finds_the_bottom_of_a_parabola(make):
    param = leaf(0.0, 10.0)
    descend(make([param]), param, 300)
    assert np.allclose(param.detach().numpy(), 3.0, atol=0.15)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, RMSprop])
def test_maximizing_climbs_as_minimizing_the_negative_descends(kind):
    up, down = leaf(0.0, 1.0), leaf(0.0, 1.0)
    climbing, descending = kind([up], lr=0.1, weight_decay=0.1, maximize=True), kind([down], lr=0.1, weight_decay=0.1)
    for _ in range(9):
        up.grad, down.grad = 3.0 - up.detach(), down.detach() - 3.0
        climbing.step()
        descending.step()
    assert up.tolist() == down.tolist() != [0.0, 1.0]


@pytest.mark.parametrize("make", MAKERS, ids=IDS)
def test_a_loaded_state_goes_on_to_the_same_bits(make):
    unbroken, first = leaf(0.0, 10.0), leaf(0.0, 10.0)
    descend(make([unbroken]), unbroken, 12)
    before = make([first])
    descend(before, first, 5)
    second = nn.Parameter(first.detach().clone())
    after = make([second])
    after.load_state_dict(before.state_dict())
    descend(after, second, 7)
    assert second.tolist() == unbroken.tolist()


@pytest.mark.parametrize("make", MAKERS, ids=IDS)
def test_a_parameter_without_gradient_stays(make):
    used, unused = leaf(1.0), leaf(5.0)
    descend(make([used, unused]), used, 3)
    assert unused.item() == 5.0
    assert used.item() != 1.0


@pytest.mark.parametrize("make", MAKERS, ids=IDS)
def test_parameters_larger_than_a_piece_and_in_any_order_of_memory(make):
    numbers = np.random.default_rng(0).standard_normal((300, 200)).astype("float32")
    plain, turned = nn.Parameter(tt.tensor(numbers)), nn.Parameter(tt.tensor(numbers.T).T)
    descend(make([plain]), plain, 2)
    descend(make([turned]), turned, 2)
    assert np.allclose(plain.detach().numpy(), turned.detach().numpy(), atol=1e-6)


def test_groups_have_options_of_their_own():
    optimizer = SGD([{"params": [leaf(1.0)], "lr": 0.5}, {"params": leaf(2.0)}], lr=0.1)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.1]


def test_a_group_may_join_later():
    late = leaf(1.0)
    optimizer = SGD([leaf(1.0)], lr=0.1)
    optimizer.add_param_group({"params": late, "lr": 1.0})
    late.grad = tt.tensor([2.0])
    optimizer.step()
    assert late.item() == -1.0


def test_a_closure_computes_the_loss_anew():
    param = leaf(1.0)
    optimizer = SGD([param], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (param**2).sum()
        loss.backward()
        return loss

    with tt.no_grad():
        assert optimizer.step(closure).item() == 1.0
    assert param.item() == pytest.approx(0.8)


def test_zero_grad_forgets_or_zeroes():
    param = leaf(1.0)
    optimizer = SGD([param])
    (param * 2).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert param.grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert param.grad is None


def test_state_has_pytorchs_form():
    param = leaf(1.0, 2.0)
    optimizer = Adam([param])
    descend(optimizer, param, 1)
    state = optimizer.state_dict()
    assert set(state["state"][0]) == {"step", "exp_avg", "exp_avg_sq"}
    assert state["param_groups"][0]["params"] == [0]


def test_a_loaded_state_is_a_copy():
    param = leaf(1.0)
    optimizer = SGD([param], lr=0.1, momentum=0.9)
    descend(optimizer, param, 1)
    twin = SGD([leaf(1.0)])
    twin.load_state_dict(optimizer.state_dict())
    twin.param_groups[0]["lr"] = 7.0
    twin.state[twin.param_groups[0]["params"][0]]["momentum_buffer"].zero_()
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert optimizer.state[param]["momentum_buffer"].item() != 0.0


def test_a_state_that_does_not_fit_changes_nothing():
    optimizer = SGD([leaf(1.0)], lr=0.1)
    wrong = {"state": {0: {"momentum_buffer": tt.ones(5)}}, "param_groups": [{"params": [0], "lr": 9.0}]}
    with pytest.raises(ValueError, match="momentum_buffer"):
        optimizer.load_state_dict(wrong)
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert not optimizer.state


def test_stepping_after_a_forward_that_saved_the_weight_is_found_out():
    weight = leaf(2.0)
    loss = (weight * weight).sum()
    weight.grad = tt.ones(1)
    SGD([weight], lr=0.1).step()
    with pytest.raises(RuntimeError, match="written in place"):
        loss.backward()


def test_an_optimizer_of_ones_own_needs_only_step_group():
    class Signs(Optimizer):
        """A step of fixed length against the sign of the gradient."""

        def step_group(self, group, params):
            for param in params:
                param.array -= group["lr"] * np.sign(param.grad.array)

    param = leaf(1.0, -1.0)
    descend(Signs([param], {"lr": 0.5}), param, 1)
    assert param.tolist() == [1.5, -0.5]
