"""A run measures baseline and entry in turn; what was done to the entry decides its division."""

import json

import pytest

import tinytorch as tt
from tinytorch import nn, plugins
from tinytorch.plugins import exact, hookimpl
from tinytorch.transforming import note
from tinytorch_bench.competition import task
from tinytorch_bench.competition.event import EVENTS
from tinytorch_bench.competition.running import Entry, compete, options_of
from tinytorch_bench.competition.validating import validate
from tinytorch_bench.reading import FormatError
from tinytorch_bench.timing import Timing

QUICK = Timing(rounds=10, seconds=0.0)


@pytest.fixture(scope="module")
def sprint():
    return task.prepare(EVENTS["mlp-sprint/digits"])


def halved(model, share=0.5, calibration=None):
    """Leave the first neurons of the hidden layer, and forget to note it."""
    _, first, _, last = model
    count = round(share * first.out_features)
    small = nn.Sequential(nn.Flatten(), nn.Linear(64, count), nn.ReLU(), nn.Linear(count, 10))
    parts = {"1.weight": first.weight[:count], "1.bias": first.bias[:count], "3.weight": last.weight[:, :count]}
    small.load_state_dict({**{name: part.detach() for name, part in parts.items()}, "3.bias": last.bias.detach()})
    return small


def rounded(model, calibration):
    """Round the weights, as quantization would; count the examples."""
    examples = sum(len(batch) for batch in calibration)
    for parameter in model.parameters():
        parameter.data = (parameter.detach() * 64).round() / 64
    note(model, "quant", "quantize", {"examples": examples})
    return model


@pytest.fixture
def transforming():
    class Plugin:
        @hookimpl
        def register_transforms(self, transforms):
            transforms.update({"halve": halved, "quantize": rounded})

    plugins.register(Plugin(), "transforming")
    yield
    plugins.unregister("transforming")


def test_the_core_alone_gives_a_valid_submission(sprint):
    submission = compete(sprint, Entry("us", "the core"), QUICK)
    assert validate(json.loads(json.dumps(submission))) == submission
    found = submission["derived"]
    assert found["low"] <= found["score"] <= found["high"]
    assert (found["division"], found["passed"]) == ("closed", True)
    assert submission["entry"] == submission["baseline"]
    assert submission["machine"]["plugins"] == []
    assert submission["difference"] == 0.0


def test_a_transform_is_applied_to_a_copy_and_noted(sprint, transforming):
    entry = Entry("us", "small", ("transforming",), (("halve", {"share": 0.75}),))
    submission = compete(sprint, entry, QUICK)
    assert submission["entry"]["bytes"] < submission["baseline"]["bytes"]
    assert [(step["plugin"], step["name"]) for step in submission["entry"]["applied"]] == [("unknown", "halve")]
    assert submission["derived"]["division"] == "open"
    assert sprint.model[1].out_features == 128


def test_post_training_quantization_with_examples_stays_closed(sprint, transforming):
    submission = compete(sprint, Entry("us", "int8", ("transforming",), (("quantize", {}),)), QUICK)
    assert [step["name"] for step in submission["entry"]["applied"]] == ["quantize"]
    assert submission["derived"]["division"] == "closed"
    with pytest.raises(FormatError, match="'quantize' is of 'quant', which is not among machine/plugins"):
        validate(submission)  # the test's plugin says that it was another one


def test_an_entry_below_the_gate_does_not_pass(sprint, transforming):
    submission = compete(sprint, Entry("us", "tiny", ("transforming",), (("halve", {"share": 0.05}),)), QUICK)
    assert submission["derived"]["passed"] is False


@pytest.mark.parametrize(
    ("transforms", "sentence"),
    [
        ((("shrink", {}),), "there is no transform 'shrink' in the entry's plugins; there are halve, quantize"),
        ((("halve", {"by": 2}),), "the transform 'halve' cannot be applied: .*unexpected keyword argument 'by'"),
    ],
)
def test_a_transform_that_cannot_be_applied_is_refused(sprint, transforming, transforms, sentence):
    with pytest.raises(ValueError, match=sentence):
        compete(sprint, Entry("us", "x", ("transforming",), transforms), QUICK)


def test_a_saved_model_enters_the_open_division(sprint, tmp_path):
    from tinytorch import recipes

    run = recipes.prepare(recipes.find("digits-mlp"), epochs=2, seed=1, checkpoint=tmp_path / "run.npz")
    run.fit()
    submission = compete(sprint, Entry("us", "ours", file=tmp_path / "run.npz"), QUICK)
    assert (submission["entry"]["origin"], submission["derived"]["division"]) == ("file", "open")
    assert submission["entry"]["correct"] != submission["baseline"]["correct"]


def test_plugins_are_told_with_what_they_promise(sprint):
    class Plugin:
        @hookimpl
        def relu(self, x):
            return x * (x > 0)

    plugins.register(Plugin(), "mine")
    try:
        submission = compete(sprint, Entry("us", "mine", ("mine",)), QUICK)
    finally:
        plugins.unregister("mine")
    (told,) = submission["machine"]["plugins"]
    assert (told["name"], list(told["ops"])) == ("mine", ["relu"])
    assert submission["derived"]["division"] == "open"  # it promises nothing


def test_a_plugin_that_promises_the_numbers_and_gives_others_is_open(sprint):
    class Plugin:
        @hookimpl
        @exact
        def relu(self, x):
            return x * (x > 0) * x.dtype.type(1.01)

    plugins.register(Plugin(), "lying")
    try:
        submission = compete(sprint, Entry("us", "lying", ("lying",)), QUICK)
    finally:
        plugins.unregister("lying")
    assert 1e-3 < submission["difference"] < 0.1
    assert submission["derived"]["division"] == "open"


@pytest.mark.parametrize("name", ["mlp-sprint", "cnn-marathon", "transformer-decathlon"])
def test_an_event_is_found_by_its_name(name):
    assert task.find(name, None).name == name


def test_a_track_is_chosen_by_its_data(tmp_path):
    assert task.find("cnn-marathon", tmp_path).track == "fashion-mnist"
    assert task.find("transformer-decathlon", tmp_path).track == "stories260k"


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("mlp-walk", None, "there is no event 'mlp-walk'; there are mlp-sprint/digits, "),
        ("mlp-sprint", "folder", "the event 'mlp-sprint' reads no data: leave --data out"),
        ("cnn-marathon/fashion-mnist", None, "needs --data, the folder of Fashion-MNIST's four files"),
    ],
)
def test_what_is_no_event_is_refused(name, data, sentence):
    with pytest.raises(ValueError, match=sentence):
        task.find(name, data)


def test_stories_are_told_as_the_reference_tells_them(stories):
    prepared = task.prepare(EVENTS["transformer-decathlon/stories260k"], stories)
    with tt.no_grad():
        assert prepared.correct(prepared.model) == 199
        calls = prepared.calls(prepared.model)
        assert calls["eight prompts of 48"]().shape == (8, 48, 512)
        assert calls["write 4"]().tolist() == [[403, 407, 261, 378]]


def test_options_are_read():
    assert options_of(["bits=4", "scheme=affine", "per_channel=true"]) == {
        "bits": 4,
        "scheme": "affine",
        "per_channel": True,
    }
    with pytest.raises(ValueError, match="expected name=value, got 'bits'"):
        options_of(["bits"])
