"""Importance: what each measure says of units that are known."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch_compress import prune
from tinytorch_compress.structured.groups import dependencies
from tinytorch_compress.structured.importance import scores


@pytest.fixture
def model():
    tt.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2))


def scored(model, importance, **options):
    return scores(model, dependencies(model, tt.zeros(1, 3)), importance, **options)[0]


@pytest.mark.parametrize(("importance", "power"), [("magnitude", 1), ("l2", 2)])
def test_magnitude_sums_the_weights_that_make_a_unit(model, importance, power):
    sums = (np.abs(model[0].weight.array.astype(np.float64)) ** power).sum(1)
    np.testing.assert_allclose(scored(model, importance), sums / sums.mean(), rtol=1e-6)


@pytest.mark.parametrize("importance", ["magnitude", "l2", "taylor"])
@pytest.mark.parametrize("is_masked", [True, False])
def test_units_of_zeros_are_the_least(model, importance, is_masked):
    mask = np.array([[1], [0], [1], [0], [1]]) * np.ones((5, 3))
    prune.custom_from_mask(model[0], "weight", mask)
    model[0].bias.array[:] = 0.0
    if not is_masked:
        prune.remove(model[0], "weight")
    examples = {"loss": nn.functional.mse_loss, "batches": [(tt.randn(8, 3), tt.randn(8, 2))]}
    found = scored(model, importance, **(examples if importance == "taylor" else {}))
    assert (found == 0.0).tolist() == [False, True, False, True, False]


def test_scales_are_those_of_the_batch_norm(model):
    model[1].weight.array[:] = [3, -5, 0, 1, 2]
    assert scored(model, "bn_scale").tolist() == [3, 5, 0, 1, 2]


def test_scales_need_a_batch_norm():
    with pytest.raises(ValueError, match="'bn_scale' needs a batch norm in every group, '0' has none"):
        scored(nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2)), "bn_scale")


def test_taylor_is_the_derivative_of_the_loss_by_a_factor_on_the_unit(model):
    x, y = tt.randn(8, 3), tt.randint(0, 2, (8,))
    loss = nn.functional.cross_entropy
    found = scored(model, "taylor", loss=loss, batches=[(x, y)])
    double = model.double().eval()
    weight, step = double[3].weight.array.copy(), 1e-6

    def slope(unit, which):
        values = []
        for sign in (1, -1):
            before = double[which].weight.array.copy()
            index = (slice(None), unit) if which == 3 else (unit,)
            double[which].weight.array[index] *= 1 + sign * step
            values.append(loss(double(x.double()), y).item())
            double[which].weight.array[:] = before
        return (values[0] - values[1]) / (2 * step)

    expected = [abs(slope(unit, 0) + slope(unit, 3)) for unit in range(5)]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)  # gradients were float32's
    assert (double[3].weight.array == weight).all()


def test_taylor_leaves_gradients_and_averages_alone(model):
    grad = model[0].weight.grad = tt.ones(5, 3)
    scored(model, "taylor", loss=nn.functional.cross_entropy, batches=[(tt.ones(4, 3), tt.tensor([0, 1, 0, 1]))])
    assert model[0].weight.grad is grad
    assert model[3].weight.grad is None
    assert model[1].num_batches_tracked.item() == 0
    assert model.training


def test_taylor_asks_for_what_it_needs(model):
    with pytest.raises(ValueError, match=r"needs a loss and batches of \(inputs, targets\)"):
        scored(model, "taylor")
    with pytest.raises(ValueError, match="give it at least one batch"):
        scored(model, "taylor", loss=nn.functional.cross_entropy, batches=[])


def test_random_is_the_seed_s(model):
    found = []
    for seed in (1, 1, 2):
        tt.manual_seed(seed)
        found.append(scored(model, "random").tolist())
    assert found[0] == found[1] != found[2]


def test_unknown_importance_is_refused(model):
    with pytest.raises(ValueError, match="expected an importance of magnitude, l2, bn_scale, taylor, random, got 'l3'"):
        scored(model, "l3")
