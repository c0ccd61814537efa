"""Answers are judged as the rules say: the area under the ROC curve is exact, ties count half."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch_bench.tinymlperf import TASKS, Samples, anomaly_score, quality, roc_auc, top1


@pytest.mark.parametrize(
    ("ones", "zeros", "expected"),
    [
        ([3, 4], [1, 2], 1.0),
        ([1, 2], [3, 4], 0.0),
        ([5], [5], 0.5),
        ([2, 5, 7], [1, 2, 6, 2], 9 / 12),  # 2: over 1, even with two: 2; 5: over three: 3; 7: over all: 4
        ([1, 1, 1], [1, 1], 0.5),
        ([0.5, -1.0], [0.5, 0.25, -1.0, -2.0], 5 / 8),  # 3 + 1/2 and 1 + 1/2 of eight pairs
    ],
)
def test_the_area_is_the_share_of_pairs_in_order_counted_by_hand(ones, zeros, expected):
    labels = np.array([1] * len(ones) + [0] * len(zeros))
    assert roc_auc(np.array([*ones, *zeros], float), labels) == expected


SCORES = st.lists(st.tuples(st.sampled_from([-2.0, -0.5, 0.0, 0.1, 0.3, 7.0]), st.integers(0, 1)), min_size=2)


@given(SCORES.filter(lambda pairs: {label for _, label in pairs} == {0, 1}))
def test_the_area_is_that_of_all_pairs_one_by_one(pairs):
    ones, zeros = ([score for score, label in pairs if label == wanted] for wanted in (1, 0))
    won = sum((one > zero) + 0.5 * (one == zero) for one in ones for zero in zeros)
    scores, labels = map(np.array, zip(*pairs, strict=True))
    assert roc_auc(scores, labels) == won / (len(ones) * len(zeros))
    assert roc_auc(-scores, labels) + roc_auc(scores, labels) == pytest.approx(1.0)


def test_the_area_is_scikit_learns():
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(0)
    for size in (5, 248, 3000):
        labels = np.r_[0, 1, generator.integers(0, 2, size)]
        for scores in (generator.standard_normal(size + 2), generator.integers(0, 9, size + 2) / 8):
            assert roc_auc(scores, labels) == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize(
    ("scores", "labels", "told"),
    [
        ([1.0, 2.0], [1, 1], "expected both labels, got 0 times 0 and 2 times 1"),
        ([1.0, np.nan], [0, 1], "expected finite scores"),
        ([1.0, 2.0], [0, 2], "labels 0 or 1"),
        ([1.0, 2.0, 3.0], [0, 1], r"got \(3,\) and \(2,\)"),
    ],
)
def test_what_has_no_area_is_refused(scores, labels, told):
    with pytest.raises(ValueError, match=told):
        roc_auc(np.array(scores), np.array(labels))


def test_accuracy_is_the_share_of_best_scores():
    scores = np.array([[0.1, 0.9, 0.0], [0.5, 0.2, 0.5], [0.0, 0.0, 1.0], [0.3, 0.4, 0.3]])
    assert top1(scores, np.array([1, 2, 2, 1])) == 0.75  # of equal scores the first is the answer
    with pytest.raises(ValueError, match=r"top1: expected scores \(n, classes\)"):
        top1(scores, np.array([1]))


def test_a_sound_scores_the_mean_error_of_its_windows():
    sound = np.array([[1.0, 1.0], [0.0, 4.0], [2.0, 2.0]], np.float32)
    assert anomaly_score(sound, np.zeros((3, 2), np.float32)) == (1 + 8 + 4) / 3


def test_sounds_are_judged_file_by_file_however_long_they_are():
    sounds = [np.full((windows, 640), level, np.float32) for windows, level in ((3, 1.0), (1, 2.0), (7, 3.0))]
    samples = Samples(sounds, np.array([0, 0, 1]), "made up")
    silent = [np.zeros_like(sound) for sound in sounds]
    assert quality(TASKS["ad"], samples, silent) == 1.0
    assert quality(TASKS["ad"], samples, sounds) == 0.5  # what repeats everything knows nothing
