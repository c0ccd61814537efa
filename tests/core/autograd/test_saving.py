"""What is kept for backward: what a rule's argument names ask for, no more."""

import pytest

import tinytorch as tt
from tinytorch.core.tensor.op import NOTHING, op
from tinytorch.plugins import registry


@pytest.fixture
def weighted(monkeypatch):
    """An op of two inputs and a parameter, forgotten afterwards."""
    monkeypatch.setattr(registry, "_ops", dict(registry._ops))

    @op
    def weighted(x, weight, power):
        """x * weight ** power."""
        return x * weight**power

    return weighted


def test_names_say_what_is_kept(weighted):
    @weighted.rule
    def rule(grad, _out, x_for_weight, weight_shape, _power):
        return grad, grad

    assert weighted.saves == (1, "shape", NOTHING)
    x, weight = tt.ones(2), tt.ones(2, requires_grad=True)
    assert weighted(x, weight, 2).node.args == [x, (2,), None]
    assert weighted(x.requires_grad_(), weight.detach(), 2).node.args == [None, (2,), None]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda grad, _out, y_shape, weight, power: grad, "expected the arguments grad, out, x, weight, power, got"),
        (lambda grad, _out, x, power, weight: grad, "expected the arguments grad, out, x, weight, power, got"),
        (lambda grad, _out, x_for_weigth, weight, power: grad, "'x_for_weigth' is for no argument; expected one of x"),
        (lambda grad, _out, x, weight: grad, "expected the arguments grad, out, x, weight, power, got grad, _out, x"),
    ],
)
def test_a_name_of_no_argument_is_refused(weighted, rule, message):
    with pytest.raises(TypeError, match=message):
        weighted.rule(rule)


def test_products_keep_an_input_only_for_the_other_one():
    x, weight = tt.ones(3, 2), tt.ones(2, 2, requires_grad=True)
    assert (x[:, 0] * weight[0, 0]).node.args[1] is None
    assert tt.nn.functional.linear(x, weight).node.args == [x, None, None]
