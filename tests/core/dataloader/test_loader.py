"""DataLoader: order, batches, workers."""

import threading
import time

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core.dataloader import RandomCrop, Transformed
from tinytorch.utils.data import DataLoader, Dataset, TensorDataset, default_collate


class Slow(Dataset):
    """Numbers, some of which take longer; number `broken` cannot be had."""

    def __init__(self, count, broken=None):
        self.count, self.broken = count, broken

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index == self.broken:
            raise OSError(f"sample {index} is gone")
        time.sleep(0.002 * (index % 3))
        return index


def numbers(batches):
    return [batch.tolist() for batch in batches]


def flat(batches):
    return [number for batch in numbers(batches) for number in batch]


def workers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("tinytorch-loader")]


@pytest.mark.parametrize(
    ("drop_last", "expected"), [(False, [[0, 1, 2], [3, 4, 5], [6]]), (True, [[0, 1, 2], [3, 4, 5]])]
)
def test_batches_in_order(drop_last, expected):
    loader = DataLoader(range(7), batch_size=3, drop_last=drop_last)
    assert numbers(loader) == expected
    assert len(loader) == len(expected)


def test_every_sample_comes_once_in_an_order_by_the_seed():
    loader = DataLoader(range(20), batch_size=6, shuffle=True)
    first = flat(loader)
    second = flat(loader)
    tt.manual_seed(0)
    assert sorted(first) == list(range(20))
    assert first != second
    assert flat(loader) == first


def test_a_generator_of_ones_own_leaves_the_processs_alone():
    before = tt.randn(3).tolist()
    tt.manual_seed(0)
    order = numbers(DataLoader(range(9), shuffle=True, generator=tt.Generator(5)))
    assert tt.randn(3).tolist() == before
    assert numbers(DataLoader(range(9), shuffle=True, generator=tt.Generator(5))) == order


@pytest.mark.parametrize("count", [1, 2, 5])
def test_workers_give_the_same_order(count):
    expected = numbers(DataLoader(Slow(23), batch_size=4))
    assert numbers(DataLoader(Slow(23), batch_size=4, num_workers=count)) == expected


def test_workers_shuffle_as_one_does():
    alone = numbers(DataLoader(Slow(23), batch_size=4, shuffle=True))
    tt.manual_seed(0)
    assert numbers(DataLoader(Slow(23), batch_size=4, shuffle=True, num_workers=3)) == alone


@pytest.mark.parametrize("count", [0, 2])
def test_what_a_dataset_raises_arrives_after_the_batches_before_it(count):
    batches = iter(DataLoader(Slow(9, broken=5), batch_size=2, num_workers=count))
    assert next(batches).tolist() == [0, 1]
    assert next(batches).tolist() == [2, 3]
    with pytest.raises(OSError, match="sample 5 is gone"):
        next(batches)
    del batches
    assert not workers()


def test_leaving_early_ends_the_workers():
    for batch in DataLoader(Slow(100), batch_size=1, num_workers=3):
        assert batch.tolist() == [0]
        break
    assert not workers()


def test_the_next_iteration_begins_anew():
    loader = DataLoader(Slow(6), batch_size=2, num_workers=2)
    next(iter(loader))
    assert numbers(loader) == [[0, 1], [2, 3], [4, 5]]


def test_tensors_are_taken_in_batches_at_once():
    inputs, targets = tt.arange(12).reshape(6, 2), tt.arange(6)
    batches = list(DataLoader(TensorDataset(inputs, targets), batch_size=4))
    assert [part.shape for part in batches[1]] == [(2, 2), (2,)]
    assert batches[0][1].tolist() == [0, 1, 2, 3]


def test_no_samples_no_batches():
    assert list(DataLoader([], batch_size=3)) == []


def test_a_function_of_ones_own_collates():
    assert list(DataLoader([1, 2, 3], batch_size=2, collate_fn=sum)) == [3, 3]


def test_samples_are_collated_part_by_part():
    samples = [{"image": tt.ones(2), "label": 1, "name": "a"}, {"image": tt.zeros(2), "label": 0, "name": "b"}]
    batch = default_collate(samples)
    assert batch["image"].tolist() == [[1.0, 1.0], [0.0, 0.0]]
    assert batch["label"].tolist() == [1, 0]
    assert batch["name"] == ["a", "b"]


@pytest.mark.parametrize(
    ("samples", "dtype"),
    [
        ([1, 2], tt.int64),
        ([0.5, 1.5], tt.float32),
        ([True, False], tt.bool),
        ([np.float64(1), np.float64(2)], tt.float64),
    ],
)
def test_numbers_become_a_tensor(samples, dtype):
    assert default_collate(samples).dtype == dtype


def test_arrays_are_stacked_and_lists_stay_lists():
    batch = default_collate([[np.ones((2, 3)), 1], [np.zeros((2, 3)), 2]])
    assert isinstance(batch, list)
    assert (batch[0].shape, batch[1].tolist()) == ((2, 2, 3), [1, 2])


def test_random_transforms_are_the_same_with_any_number_of_workers():
    def batches(workers):
        tt.manual_seed(0)
        images = Transformed(TensorDataset(tt.rand(40, 1, 6, 6)), RandomCrop(4))
        return [batch[0].tolist() for batch in DataLoader(images, 4, shuffle=True, num_workers=workers)]

    assert batches(0) == batches(1) == batches(4)
