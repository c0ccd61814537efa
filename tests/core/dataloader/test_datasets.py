"""Datasets, splits and transforms."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core.dataloader import Compose, Normalize, RandomCrop, RandomHorizontalFlip, ToTensor, Transformed
from tinytorch.utils.data import Subset, TensorDataset, random_split

IMAGE = tt.arange(16, dtype=tt.float32).reshape(1, 4, 4)


def test_a_sample_is_a_slice_of_each_tensor():
    dataset = TensorDataset(tt.arange(6).reshape(3, 2), tt.tensor([7, 8, 9]))
    assert [part.tolist() for part in dataset[1]] == [[2, 3], 8]
    assert len(dataset) == 3


def test_a_subset_is_indexed_anew():
    subset = Subset(range(10, 20), [3, 1])
    assert [subset[0], subset[1], subset[-1], len(subset)] == [13, 11, 11, 2]


@pytest.mark.parametrize(
    ("lengths", "sizes"), [([7, 3], [7, 3]), ([0.5, 0.5], [5, 5]), ([0.33, 0.33, 0.34], [4, 3, 3]), ([10], [10])]
)
def test_a_split_has_these_sizes_and_every_sample_once(lengths, sizes):
    parts = random_split(range(10), lengths)
    assert [len(part) for part in parts] == sizes
    assert sorted(part[i] for part in parts for i in range(len(part))) == list(range(10))


def test_a_split_is_the_same_by_seed():
    first, second = (random_split(range(30), [20, 10], tt.Generator(3)) for _ in range(2))
    assert first[0].indices == second[0].indices


def test_transformed_changes_the_first_part_alone():
    dataset = Transformed(TensorDataset(tt.ones(2, 3), tt.tensor([5, 6])), lambda x: x * 2)
    image, label = dataset[1]
    assert (image.tolist(), label.item(), len(dataset)) == ([2.0, 2.0, 2.0], 6, 2)


@pytest.mark.parametrize(("shape", "expected"), [((4, 5), (1, 4, 5)), ((4, 5, 3), (3, 4, 5))])
def test_bytes_become_floats_from_zero_to_one_with_channels_first(shape, expected):
    image = ToTensor()(np.full(shape, 255, np.uint8))
    assert (image.shape, image.dtype, image.max().item()) == (expected, tt.float32, 1.0)


def test_normalizing_takes_mean_and_spread_of_each_channel():
    image = Normalize([1.0, 2.0], [2.0, 4.0])(tt.ones(2, 1, 1) * 3)
    assert image.reshape(2).tolist() == [1.0, 0.25]


def test_a_flip_mirrors_always_never_or_sometimes():
    mirrored = IMAGE.flip(2).tolist()
    assert RandomHorizontalFlip(1.0)(IMAGE).tolist() == mirrored
    assert RandomHorizontalFlip(0.0)(IMAGE).tolist() == IMAGE.tolist()
    flip = RandomHorizontalFlip(generator=tt.Generator(0))
    assert {flip(IMAGE).tolist() == mirrored for _ in range(30)} == {True, False}


def test_a_crop_is_a_piece_of_the_image():
    pieces = [RandomCrop(2)(IMAGE).numpy()[0] for _ in range(40)]
    corners = {int(piece[0, 0]) for piece in pieces}
    assert all(np.array_equal(piece, piece[0, 0] + np.array([[0, 1], [4, 5]])) for piece in pieces)
    assert corners == {0, 1, 2, 4, 5, 6, 8, 9, 10}


def test_a_padded_crop_may_reach_beyond_the_edge():
    crop = RandomCrop(4, padding=2, generator=tt.Generator(1))
    assert {crop(tt.ones(1, 4, 4)).sum().item() for _ in range(50)} > {16.0}


def test_composed_transforms_follow_each_other():
    assert Compose([lambda x: x + 1, lambda x: x * 2])(3) == 8
