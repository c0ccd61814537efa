"""Samples are read as MLPerf Tiny's runner has them, and whatever else lies there is refused."""

import numpy as np
import pytest

from tinytorch_bench.tinymlperf import TASKS, TinyError, drawn, read


@pytest.fixture
def official(tmp_path):
    """Write the folder of a task: lines of y_labels.csv, and files by name."""

    def write(task, lines, files):
        folder = tmp_path / TASKS[task].official
        folder.mkdir()
        (folder / "y_labels.csv").write_text("\n".join(lines) + "\n")
        for name, values in files.items():
            (folder / name).write_bytes(np.asarray(values).tobytes())
        return tmp_path

    return write


def test_without_files_there_are_no_samples_and_it_is_said_where_they_come_from(tmp_path):
    assert [read(task, tmp_path) for task in TASKS.values()] == [None] * 4
    assert "github.com/mlcommons/tiny" in TASKS["vww"].hint
    assert "the 200 files of CIFAR-10" in TASKS["ic"].hint


def test_images_are_bytes_channels_last(official):
    image = np.arange(3072) % 256
    folder = official("ic", ["a.bin,10,7", "b.bin, 10, 0"], {"a.bin": image.astype("uint8"), "b.bin": bytes(3072)})
    samples = read(TASKS["ic"], folder)
    assert samples.labels.tolist() == [7, 0]
    assert samples.source == "2 files of ic01/y_labels.csv"
    assert samples.files[0].shape == (1, 32, 32, 3)
    assert samples.files[0].dtype == np.float32
    assert samples.files[0].ravel().tolist() == image.tolist()


def test_quantized_words_become_real_numbers(official):
    folder = official("kws", ["w.bin,12,3"], {"w.bin": np.full(490, 84, np.int8)})
    (word,) = read(TASKS["kws"], folder).files
    assert word.shape == (1, 49, 10, 1)
    assert np.all(word == np.float32(0.5847029089927673))


def test_a_sound_is_cut_into_windows_that_overlap(official):
    moments = np.arange(128 * 7, dtype="<f4")
    folder = official("ad", ["s.bin,2,1,2560,512"], {"s.bin": moments})
    (sound,) = read(TASKS["ad"], folder).files
    assert sound.shape == (3, 640)  # moments 0 to 4, 1 to 5, 2 to 6
    assert np.array_equal(sound[1], moments[128:768])


@pytest.mark.parametrize(
    ("task", "line", "values", "told"),
    [
        ("ic", "../a.bin,10,7", np.zeros(3072, np.uint8), "line 1: expected 'file,10,label', got '../a.bin,10,7'"),
        ("ic", "..,10,7", np.zeros(3072, np.uint8), "expected 'file,10,label'"),
        ("ic", "a.bin,10,10", np.zeros(3072, np.uint8), "expected 'file,10,label'"),
        ("ic", "a.bin,10,-1", np.zeros(3072, np.uint8), "expected 'file,10,label'"),
        ("ic", "a.bin,12,1", np.zeros(3072, np.uint8), "expected 'file,10,label'"),
        ("ic", "a.bin", np.zeros(3072, np.uint8), "expected 'file,10,label'"),
        ("ic", "", np.zeros(3072, np.uint8), "expected 'file,10,label'"),
        ("ic", "b.bin,10,1", np.zeros(3072, np.uint8), "b.bin is missing, which y_labels.csv names"),
        ("ic", "a.bin,10,1", np.zeros(3071, np.uint8), "a.bin: expected 3072 bytes, got 3071"),
        ("ad", "a.bin,2,1", np.zeros(640, "<f4"), "expected windows of 2560 and 512 bytes, got []"),
        ("ad", "a.bin,2,1,2560,512", np.zeros(639, "<f4"), "a.bin: expected 2560 bytes or more, got 2556"),
        ("ad", "a.bin,2,1,2560,512", np.full(640, np.nan, "<f4"), "a.bin: expected finite numbers"),
        ("ad", "a.bin,2,1,2560,512", np.zeros(1 << 21, "<f4"), "expected at most 4194304 bytes, got 8388608"),
    ],
)
def test_what_is_no_sample_is_refused_with_its_place(official, task, line, values, told):
    with pytest.raises(TinyError) as raised:
        read(TASKS[task], official(task, [line], {"a.bin": values}))
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"features": np.zeros((2, 49, 10), np.int8)}, "expected arrays 'features' and 'labels'"),
        ({"features": np.zeros((2, 49, 9), np.int8), "labels": np.zeros(2, int)}, "expected int8 features"),
        ({"features": np.zeros((2, 49, 10)), "labels": np.zeros(2, int)}, "expected int8 features"),
        ({"features": np.zeros((2, 49, 10), np.int8), "labels": np.zeros(3, int)}, "expected int8 features"),
        ({"features": np.zeros((2, 49, 10), np.int8), "labels": np.array([0, 12])}, "labels from 0 to 11, got 0 to 12"),
    ],
)
def test_a_packed_file_that_is_something_else_is_refused(tmp_path, arrays, told):
    (tmp_path / "kws").mkdir()
    np.savez(tmp_path / "kws/kws01_samples.npz", **arrays)
    with pytest.raises(TinyError, match=told):
        read(TASKS["kws"], tmp_path)


def test_the_official_keywords_are_a_thousand(real_data):
    samples = read(TASKS["kws"], real_data("kws").parent)
    assert len(samples.files) == TASKS["kws"].files
    assert set(samples.labels.tolist()) == set(range(12))


@pytest.mark.parametrize("name", TASKS)
def test_drawn_inputs_have_the_range_of_real_ones_and_are_always_the_same(name):
    task = TASKS[name]
    inputs = drawn(task, 3)
    assert inputs.shape == (3, *task.shape)
    assert inputs.dtype == np.float32
    assert np.array_equal(inputs, drawn(task, 3))
    low, high = (task.scale * (edge - task.zero) for edge in task.drawn)
    assert low - 1e-4 <= inputs.min() < inputs.max() <= high + 1e-4
