"""A task from its files to its result: what is real is judged, what is missing is said, nothing is made up."""

from types import SimpleNamespace

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn, plugins
from tinytorch.plugins import hookimpl
from tinytorch_bench.tinymlperf import QUICK, TASKS, Rules, TinyError, measured, systems
from tinytorch_bench.tinymlperf.tasks import Precision, Scenario, chosen

SHORT = Rules(windows=2, seconds=0.01, warm_up=0.0)


class Knows(nn.Module):
    """Says what the brightest place of an image is, which is its class in the files below; repeats sounds worse, the
    louder they are.
    """

    def __init__(self, outputs):
        super().__init__()
        self.outputs = outputs
        self.seen = []

    def forward(self, x):
        self.seen.append(tuple(x.shape))
        if x.ndim == 2:
            return x * 0.9
        return x[:, 0, 0, : self.outputs]


@pytest.fixture
def model():
    """A plugin that reads every file as such a model."""
    made = Knows(10)
    stub = SimpleNamespace(import_model=hookimpl(lambda path: made if path.suffix == ".tflite" else None))
    plugins.register(stub, "reader")
    with plugins.using("reader"):
        yield made
    plugins.unregister("reader")


@pytest.fixture
def folder(tmp_path):
    """Files of models without any content, images of ten classes and sounds that are loud when out of order."""
    for task in TASKS.values():
        path = tmp_path / task.models["int8"]
        path.parent.mkdir()
        path.write_bytes(b"nothing")
    images, sounds = tmp_path / "ic01", tmp_path / "ad01"
    images.mkdir()
    sounds.mkdir()
    for label in range(10):
        image = np.zeros((32, 32, 3), np.uint8)
        image[0, label] = 255
        (images / f"{label}.bin").write_bytes(image.tobytes())
        (sounds / f"{label}.bin").write_bytes(np.full(128 * 6, label, "<f4").tobytes())
    (images / "y_labels.csv").write_text("".join(f"{label}.bin,10,{label % 9}\n" for label in range(10)))
    (sounds / "y_labels.csv").write_text("".join(f"{i}.bin,2,{int(i > 4)},2560,512\n" for i in range(10)))
    return tmp_path


def test_real_images_are_judged_and_the_best_score_counts(model, folder):
    found = measured(TASKS["ic"], folder, rules=SHORT)
    assert (found.quality.value, found.quality.files) == (0.9, 10)
    assert found.reached is True
    assert found.performance.throughput > 0
    assert set(model.seen) == {(1, 3, 32, 32)}
    assert found.breaches == ["2 windows of 0.01 s instead of 5 of 10 s", "judged by 10 samples of 200"]


def test_sounds_are_judged_by_how_badly_they_are_repeated(model, folder):
    found = measured(TASKS["ad"], folder, rules=SHORT)
    assert (found.quality.value, found.quality.files) == (1.0, 10)
    assert set(model.seen) == {(1, 640)}


def test_without_samples_only_time_is_measured_and_nothing_is_judged(model, folder):
    model.outputs = 2
    found = measured(TASKS["vww"], folder, rules=SHORT)
    assert (found.quality, found.reached) == (None, None)
    assert found.unjudged.startswith("no real samples: vww01/ of the folder of data lacks y_labels.csv")
    assert found.inputs == "drawn numbers of the right shape and range"
    assert found.performance.throughput > 0
    assert "accuracy was not measured" in found.breaches


def test_offline_asks_about_many_at_once_for_accuracy_too(model, folder):
    found = measured(TASKS["ic"], folder, scenario=Scenario.OFFLINE, rules=SHORT)
    assert {shape[0] for shape in model.seen} == {10, 64}
    assert found.quality.value == 0.9
    assert "offline is no scenario of this task" in found.breaches


def test_loadgen_finds_the_same_quality(model, folder):
    pytest.importorskip("mlperf_loadgen")
    found = measured(TASKS["ic"], folder, rules=SHORT, by_loadgen=True)
    assert found.quality.value == 0.9
    assert found.performance.measured_by == "LoadGen"


def test_a_shortened_run_judges_the_same_part_every_time(model, folder):
    few = [measured(TASKS["ic"], folder, rules=Rules(1, 0.0, 0.0, files=4)).quality for _ in range(2)]
    assert few[0] == few[1]
    assert (few[0].files, few[0].of) == (4, 10)


def test_what_is_missing_is_said_and_nothing_is_measured(tmp_path):
    found = measured(TASKS["kws"], tmp_path)
    assert found.told.startswith(f"there is no {tmp_path / 'kws/kws_ref_model.tflite'}: the model's file")
    assert (found.performance, found.quality, found.reached) == (None, None, None)


def test_where_nobody_reads_the_model_it_is_said(folder):
    with plugins.using():
        found = measured(TASKS["kws"], folder)
    assert "kws_ref_model.tflite" in found.told or "tinytorch-quant" in found.told
    assert found.performance is None


def test_a_model_that_answers_something_else_is_refused(model, folder):
    with pytest.raises(TinyError, match="vww: expected answers of 2 numbers, the model gives"):
        measured(TASKS["vww"], folder, rules=SHORT)
    model.forward = lambda x: x[:, 0, 0, :10] * float("nan")
    with pytest.raises(TinyError, match="ic: the model gives numbers that are not finite"):
        measured(TASKS["ic"], folder, rules=SHORT)


def test_progress_is_told(model, folder):
    told = []
    measured(TASKS["ic"], folder, rules=SHORT, tell=told.append)
    assert told[0] == "accuracy: 0 of 10"
    assert told[-1] == "window 2 of 2"


def test_a_task_that_is_not_there_is_said_with_one_that_is():
    assert [task.name for task in chosen(["ad", "kws"])] == ["kws", "ad"]
    assert len(chosen([])) == 4
    with pytest.raises(TinyError, match="there is no task 'vw'; did you mean 'vww'"):
        chosen(["vw"])


def test_the_reference_keyword_spotter_reaches_its_target_on_the_official_samples(real_data):
    folder = real_data("kws").parent
    real_data("kws/kws_ref_float32.npz")
    found = measured(TASKS["kws"], folder, Precision.FLOAT32, Scenario.OFFLINE, Rules(1, 0.0, 0.0))
    assert found.quality.files == 1000
    assert found.quality.value > TASKS["kws"].target


def test_the_int8_keyword_spotter_has_its_published_accuracy(real_data):
    folder = real_data("kws").parent
    found = measured(TASKS["kws"], folder, Precision.INT8, rules=Rules(1, 0.0, 0.0))
    if found.told:
        pytest.skip(found.told)
    assert found.quality.files == 1000
    assert 0.900 <= found.quality.value <= 0.902


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda arrays: arrays.pop("12/kernel"), r"expected 'weight' of layer 12 as \(64, 64, 1, 1\), got none"),
        (lambda arrays: arrays.update({"18/bias": np.zeros(11)}), r"'bias' of layer 18 as \(12,\), got \(11,\)"),
    ],
)
def test_a_variable_that_is_missing_or_wrong_is_named(real_data, tmp_path, change, told):
    with np.load(real_data("kws/kws_ref_float32.npz")) as file:
        arrays = {name: file[name] for name in file.files}
    change(arrays)
    np.savez(tmp_path / "changed.npz", **arrays)
    with pytest.raises(TinyError, match=told):
        systems.keyword_spotter(tmp_path / "changed.npz")


def test_the_quick_rules_are_no_official_ones(model, folder):
    found = measured(TASKS["ic"], folder, rules=QUICK)
    assert found.breaches[0].startswith("3 windows of 0.3 s")


def test_asking_records_no_gradients(model, folder):
    weight = tt.nn.Parameter(tt.ones(1))
    model.forward = lambda x: x[:, 0, 0, :10] * weight
    assert not systems.system(TASKS["ic"], Precision.INT8, folder).infer(tt.ones(1, 3, 32, 32)).requires_grad
