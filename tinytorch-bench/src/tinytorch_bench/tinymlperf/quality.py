"""How good answers are, as the rules ask: top-1 accuracy, and for sounds the area under the ROC curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinytorch.types import Array
from tinytorch_bench.tinymlperf.samples import Samples
from tinytorch_bench.tinymlperf.tasks import AUC, Task


def quality(task: Task, samples: Samples, answers: Sequence[Array]) -> float:
    """Judge the answers to each file's windows, (windows, outputs) each, from 0 to 1."""
    if task.metric == AUC:
        scores = [anomaly_score(inputs, found) for inputs, found in zip(samples.files, answers, strict=True)]
        return roc_auc(np.array(scores), samples.labels)
    return top1(np.concatenate(answers), samples.labels)


def top1(scores: Array, labels: Array) -> float:
    """Share of (n, classes) scores whose best is that of the label; of equal ones the first counts, as in argmax.

    >>> top1(np.array([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5]]), np.array([1, 1, 0]))
    0.6666666666666666
    """
    if scores.ndim != 2 or len(scores) != len(labels) or not len(labels):
        raise ValueError(f"top1: expected scores (n, classes) and labels (n,), got {scores.shape} and {labels.shape}")
    return float((scores.argmax(1) == labels).mean())


def anomaly_score(inputs: Array, repeated: Array) -> float:
    """Say how badly a sound (windows, numbers) was repeated: the mean of its windows' mean squared errors.

    As the reference's `01_test.py` does (Koizumi et al. 2020, the baseline of DCASE's task 2).
    """
    errors = np.square(inputs.astype(np.float64) - repeated.reshape(inputs.shape)).mean(axis=1)
    return float(errors.mean())


def roc_auc(scores: Array, labels: Array) -> float:
    """Give the area under the ROC curve: how often a 1 scores higher than a 0, where equal scores count half.

    Counted by ranks, the mean rank for ties (Mann and Whitney 1947; Fawcett 2006, section 7): all in whole halves, so
    that nothing is rounded before the last division.

    >>> roc_auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    0.75
    """
    if scores.ndim != 1 or scores.shape != labels.shape or not np.isin(labels, (0, 1)).all():
        raise ValueError(f"roc_auc: expected scores (n,) and labels 0 or 1, got {scores.shape} and {labels.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("roc_auc: expected finite scores")
    ones = int(labels.sum())
    zeros = len(labels) - ones
    if not ones or not zeros:
        raise ValueError(f"roc_auc: expected both labels, got {zeros} times 0 and {ones} times 1")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    doubled = 2 * last - counts + 1  # twice the mean rank of each score, ranks from 1
    above = int(doubled[place][labels == 1].sum()) - ones * (ones + 1)  # twice the pairs that are in order
    return above / (2 * ones * zeros)
