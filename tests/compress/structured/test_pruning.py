"""Pruning: all or nothing, whatever goes wrong, and nothing else than was asked for."""

import copy
from functools import partial

import numpy as np
import pytest
from structured_checks import far, structure, zeroed

import tinytorch as tt
from tinytorch import models, nn
from tinytorch.transforming import applied
from tinytorch_compress import prune
from tinytorch_compress.structured import prune_structured, pruning, transform
from tinytorch_compress.structured import structure as structures

X = tt.zeros(1, 1, 8, 8)


def state(model):
    """All that pruning may touch: the arrays themselves, gradients, sizes and modes."""
    tensors = [(name, id(each), id(each.array), each.array.tobytes(), each.grad) for name, each in parts(model)]
    return tensors, [dict(each.__dict__) for each in model.modules()], applied(model)


def parts(model):
    return [*model.named_parameters(), *model.named_buffers()]


class Fixed(nn.Module):
    """Knows the width of its own layer by heart."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.wide = nn.Linear(4, 6), nn.Linear(6, 2), 6

    def forward(self, x):
        return self.b(self.a(x).reshape(-1, self.wide))


class Scaled(Fixed):
    """Computes with the width, so that another gives other numbers."""

    def forward(self, x):
        h = self.a(x)
        return self.b(h) * float(h.shape[1])


class Sidelong(Fixed):
    """Has a way of its own where no gradient is wanted."""

    def forward(self, x):
        return self.b(self.a(x)) if tt.is_grad_enabled() else self.b(self.a(x).reshape(-1, 6))


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (
            Fixed,
            "the pruned Fixed cannot be run, so nothing was removed; name what it does not fit in ignored: reshape",
        ),
        (Scaled, "the pruned Scaled gives other numbers than with zeros instead, so nothing was removed"),
        (Sidelong, "the pruned Sidelong cannot be run, so nothing was removed"),
    ],
)
def test_a_model_that_does_not_stand_it_is_left_as_it_was(kind, sentence):
    tt.manual_seed(0)
    model, x = kind().train(), tt.randn(3, 4)
    (model(x) ** 2).mean().backward()
    before = state(model)
    with pytest.raises(ValueError, match=f"prune_structured: {sentence}"):
        prune_structured(model, x)
    assert state(model) == before


class Averaged(nn.Module):
    """Divides by its own width, which zeros do not show."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 6, bias=False), nn.Linear(6, 2, bias=False)

    def forward(self, x):
        h = self.a(x).relu()
        return self.b(h / h.shape[-1])


class Attending(nn.Module):
    """Attention by hand, scaled by the width that it has."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(4, 6) for _ in range(3))
        self.out = nn.Linear(6, 2)

    def forward(self, x):
        q, k, v = self.q(x), self.k(x), self.v(x)
        return self.out((q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1) @ v)


@pytest.mark.parametrize("kind", [Averaged, Attending])
def test_an_example_of_zeros_proves_as_much_as_any_other(kind):
    tt.manual_seed(0)
    model = kind()
    before = state(model)
    with pytest.raises(ValueError, match="gives other numbers than with zeros instead, so nothing was removed"):
        prune_structured(model, tt.zeros(2, 3, 4))
    assert state(model) == before


def test_small_outputs_are_compared_by_their_own_size():
    class Small(Averaged):
        def forward(self, x):
            return super().forward(x) * 1e-5

    with pytest.raises(ValueError, match="gives other numbers than with zeros instead"):
        prune_structured(Small(), tt.randn(3, 4))


def test_a_model_that_takes_only_its_own_numbers_is_compared_on_the_example():
    class Signs(nn.Sequential):
        def forward(self, x):
            if not np.isin(x.array, (-1.0, 1.0)).all():
                raise ValueError("expected signs")
            return super().forward(x)

    tt.manual_seed(0)
    model, x = Signs(nn.Linear(4, 6), nn.Linear(6, 2)), tt.tensor([[1.0, -1.0, 1.0, 1.0]])
    dense = copy.deepcopy(model)
    assert far(prune_structured(model, x), zeroed(dense, structure(model)), x) < 1e-6


class Boom(BaseException):
    """Neither an error that is known nor one that is caught, as Ctrl-C."""


@pytest.mark.parametrize("call", range(1, 8))
def test_an_interruption_at_any_run_of_the_model_leaves_it_as_it_was(call):
    class Interrupted(nn.Sequential):
        def forward(self, x):
            runs.append(1)
            if len(runs) == call:
                raise Boom
            return super().forward(x)

    runs = []
    model = Interrupted(*models.digits_cnn())
    before = state(model)
    with pytest.raises(Boom):
        prune_structured(model, X)
    assert state(model) == before


@pytest.mark.parametrize("place", ["setattr", "note", "take"])
def test_a_failure_within_the_cut_leaves_the_model_as_it_was(place, monkeypatch):
    def fail(*_, **__):
        raise Boom

    if place == "note":
        monkeypatch.setattr(pruning, "note", fail)
    elif place == "setattr":
        monkeypatch.setattr(structures, "setattr", fail, raising=False)
    else:
        monkeypatch.setattr(structures, "_checked_indices", fail)
    model = models.digits_cnn()
    before = state(model)
    with pytest.raises(Boom):
        prune_structured(model, X)
    assert state(model) == before


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"amount": 1.0}, "expected an amount of at least 0 and below 1, got 1.0"),
        ({"amount": -0.5}, "expected an amount of at least 0 and below 1, got -0.5"),
        ({"amount": "half"}, "amount"),
        ({"round_to": 0}, "round_to"),
        ({"importance": "beauty"}, "expected an importance of"),
        ({"ignored": [3]}, "expected names as ignored, got"),
        ({"ignored": ["none.such"]}, "there is no parameter 'none.such' to ignore; there are 0.weight"),
        ({"ignored": ["*"]}, "nothing of Sequential can be removed: ignored by '\\*'"),
    ],
)
def test_what_cannot_be_asked_for_is_one_sentence(options, sentence):
    model = models.digits_cnn()
    before = state(model)
    with pytest.raises((ValueError, TypeError), match=f"prune_structured: .*{sentence}") as caught:
        prune_structured(model, X, **options)
    assert "\n" not in str(caught.value)
    assert state(model) == before


def test_example_inputs_that_do_not_fit_are_one_sentence():
    with pytest.raises(
        ValueError, match=r"prune_structured: Sequential cannot be run on inputs \(1, 3, 8, 8\): conv2d"
    ):
        prune_structured(models.digits_cnn(), tt.zeros(1, 3, 8, 8))


def test_what_is_no_module_or_no_example_is_refused():
    with pytest.raises(TypeError, match=r"prune_structured: expected a module .*, got Sequential and int"):
        prune_structured(models.digits_cnn(), 3)
    with pytest.raises(TypeError, match=r"prune_structured: expected a module .*, got function and Tensor"):
        prune_structured(models.digits_cnn, X)


def test_a_model_without_hidden_channels_cannot_be_pruned():
    with pytest.raises(ValueError, match="nothing of Linear can be removed: the model's output"):
        prune_structured(nn.Linear(4, 2), tt.zeros(1, 4))


@pytest.mark.parametrize("options", [{}, {"global_": True}, {"round_to": 4}, {"importance": "l2"}, {"amount": 0.8}])
def test_options_change_what_goes_and_never_what_is_right(options):
    tt.manual_seed(5)
    model, x = models.digits_cnn(), tt.randn(4, 1, 8, 8)
    dense = copy.deepcopy(model)
    prune_structured(model, x, **options)
    assert far(model, zeroed(dense, structure(model)), x) < 1e-6
    if "round_to" in options:
        assert all(len(kept) % 4 == 0 for kept in (structure(model)["kept"][f"{i}.bias"]["0"] for i in (0, 2, 7)))


def test_an_amount_of_nothing_removes_nothing():
    model = models.digits_cnn()
    before = [tensor.array.tobytes() for _, tensor in parts(model)]
    prune_structured(model, X, 0.0)
    assert [tensor.array.tobytes() for _, tensor in parts(model)] == before
    assert structure(model) == {"kept": {}, "sizes": {}}


def test_parameters_stay_the_same_objects_and_lose_their_gradients():
    model = models.digits_cnn()
    held = list(model.parameters())
    model(tt.randn(2, 1, 8, 8)).sum().backward()
    assert prune_structured(model, X) is model
    assert all(a is b for a, b in zip(held, model.parameters(), strict=True))
    assert model[0].weight.grad is None
    assert model.training


def test_a_model_of_several_inputs_is_pruned():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.out = nn.Linear(3, 8), nn.Linear(2, 8), nn.Linear(8, 1)

        def forward(self, x, y):
            return {"sum": self.out(self.a(x) + self.b(y)), "none": None}

    model = prune_structured(Two(), [tt.randn(2, 3), tt.randn(2, 2)])
    assert [each.weight.shape for each in (model.a, model.b, model.out)] == [(4, 3), (4, 2), (1, 4)]


@pytest.mark.parametrize("importance", ["magnitude", "l2"])
@pytest.mark.parametrize("method", [partial(prune.ln_structured, n=2), prune.random_structured])
def test_a_model_whose_masked_channels_go_is_the_masked_model(importance, method):
    tt.manual_seed(2)
    model, x = nn.Sequential(nn.Conv2d(1, 8, 3, bias=False), nn.ReLU(), nn.Conv2d(8, 2, 3)), tt.randn(2, 1, 8, 8)
    method(model[0], "weight", 0.5, dim=0)
    twin = copy.deepcopy(model)
    prune_structured(model, x, 0.5, importance)
    assert model[0].out_channels == 4
    assert far(model, twin, x) < 1e-6


def test_float64_is_honoured():
    model = prune_structured(models.mlp(3, 8, 2).double(), tt.randn(2, 3, dtype="float64"))
    assert model[1].weight.dtype == np.float64


def test_the_transform_takes_its_example_from_the_calibration():
    batches = iter([tt.randn(2, 1, 8, 8)])
    assert transform(models.digits_cnn(), calibration=batches, amount=0.25)[0].out_channels == 12
    with pytest.raises(ValueError, match="at least one batch of calibration inputs"):
        transform(models.digits_cnn(), calibration=[])
