"""A student learns what the teacher says."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import models, nn
from tinytorch.core.training import Trainer
from tinytorch.utils.data import DataLoader, TensorDataset
from tinytorch_compress.distillation import Taught, distil, distillation_loss


def softmax(x):
    weights = np.exp(x - x.max(1, keepdims=True))
    return weights / weights.sum(1, keepdims=True)


def test_the_loss_is_the_formula():
    rng = np.random.default_rng(0)
    student, teacher = rng.standard_normal((2, 5, 3))
    targets = rng.integers(0, 3, 5)
    q, p = softmax(student / 3), softmax(teacher / 3)
    soft = (p * (np.log(p) - np.log(q))).sum(1).mean()
    hard = -np.log(softmax(student))[range(5), targets].mean()
    found = distillation_loss(tt.tensor(student), tt.tensor(teacher), tt.tensor(targets), 3.0, 0.7)
    assert found.item() == pytest.approx(0.7 * 9 * soft + 0.3 * hard)


def test_its_slopes_reach_the_student_alone():
    student, teacher = tt.randn(4, 3, requires_grad=True), tt.randn(4, 3, requires_grad=True)
    distillation_loss(student, teacher, tt.tensor([0, 1, 2, 0])).backward()
    assert student.grad is not None
    assert teacher.grad is None


def test_without_the_teacher_it_is_cross_entropy():
    scores, targets = tt.randn(4, 3), tt.tensor([0, 1, 2, 0])
    found = distillation_loss(scores, tt.randn(4, 3), targets, alpha=0.0)
    assert found.item() == pytest.approx(nn.functional.cross_entropy(scores, targets).item())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"teacher_scores": tt.zeros(4, 2)}, r"two \(batch, classes\) of one shape, got \(4, 3\) and \(4, 2\)"),
        ({"temperature": 0.0}, "expected a temperature above 0, got 0.0"),
        ({"alpha": 1.5}, "expected alpha from 0 to 1, got 1.5"),
    ],
)
def test_what_cannot_be_is_one_sentence(change, sentence):
    arguments = {"scores": tt.zeros(4, 3), "teacher_scores": tt.zeros(4, 3), "targets": tt.tensor([0, 1, 2, 0])}
    with pytest.raises(ValueError, match=sentence):
        distillation_loss(**{**arguments, **change})


def school(seed=0):
    """A teacher that knows a rule, data, and a student."""
    tt.manual_seed(seed)
    teacher = nn.Sequential(nn.Linear(6, 3), nn.Dropout(0.5))
    x = tt.randn(60, 6)
    targets = teacher.eval()(x).argmax(1)
    teacher.train()
    return teacher, models.mlp(6, 8, 3), TensorDataset(x, targets)


def test_a_student_comes_to_say_what_the_teacher_says():
    teacher, student, data = school()
    before = [tensor.numpy().copy() for tensor in teacher.state_dict().values()]
    optimizer = tt.optim.Adam(student.parameters(), lr=0.02)
    trainer = distil(
        student, teacher, optimizer, DataLoader(data, 20, shuffle=True), 40, validation=DataLoader(data, 60)
    )
    assert trainer.history[-1]["accuracy"] > 0.9
    assert trainer.history[-1]["validation_accuracy"] > 0.9
    assert trainer.history[-1]["loss"] < 0.5 * trainer.history[0]["loss"]
    assert teacher.training  # as it was
    for old, new in zip(before, teacher.state_dict().values(), strict=True):
        np.testing.assert_array_equal(new.numpy(), old)


def test_what_is_frozen_within_a_teacher_stays_so():
    teacher, _, data = school()
    teacher[1].eval()
    [*Taught(DataLoader(data, 30), teacher)]
    assert [part.training for part in teacher.modules()] == [True, True, False]


def test_a_run_that_was_killed_goes_on_to_the_same_bits(tmp_path):
    ends = []
    for stops in ((4,), (2, 4)):
        for number, epochs in enumerate(stops):
            teacher, student, data = school()
            batches = DataLoader(data, 20, shuffle=True, generator=tt.Generator().manual_seed(5))
            optimizer = tt.optim.Adam(student.parameters(), lr=0.02)
            options = {"checkpoint": tmp_path / f"run{len(stops)}.npz"}
            if not number:
                distil(student, teacher, optimizer, batches, epochs, **options)
                continue
            trainer = distil(student, teacher, optimizer, batches, 0)
            trainer.load_checkpoint(options["checkpoint"])
            trainer.fit(Taught(batches, teacher), epochs)
        ends.append([tensor.numpy() for tensor in student.state_dict().values()])
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_is_a_trainer_with_all_its_options():
    teacher, student, data = school()
    optimizer = tt.optim.SGD(student.parameters(), lr=0.1)
    trainer = distil(student, teacher, optimizer, DataLoader(data, 20), 1, metric=None, clip_norm=1.0, notes={"a": 1})
    assert isinstance(trainer, Trainer)
    assert trainer.clip_norm == 1.0
    assert list(trainer.history[0]) == ["epoch", "loss", "lr"]
