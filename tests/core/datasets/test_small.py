import numpy as np

import tinytorch
from tinytorch.datasets import digits, xor


def test_digits_are_scaled_images_with_whole_labels():
    for part in digits():
        images, labels = part.tensors
        assert images.dtype == np.float32
        assert images.shape[1:] == (1, 8, 8)
        assert images.min().item() == 0.0
        assert images.max().item() == 1.0
        assert labels.dtype == np.int64
        assert set(labels.tolist()) == set(range(10))


def test_digits_hold_out_a_fifth_of_each_class():
    train, test = digits()
    assert len(train) + len(test) == 1797
    counts = [np.bincount(part.tensors[1].array, minlength=10) for part in (train, test)]
    shares = counts[1] / (counts[0] + counts[1])
    assert np.abs(shares - 0.2).max() < 0.004  # a class has about 180 images: half an image is 0.0028


def test_no_image_is_in_both_parts():
    train, test = ({image.tobytes() for image in part.tensors[0].array} for part in digits())
    assert not train & test


def test_the_split_does_not_depend_on_the_seed():
    parts = []
    for seed in (0, 1):
        tinytorch.manual_seed(seed)
        before = tinytorch.core.tensor.random.default_generator.get_state()
        parts.append(digits()[1].tensors[0].array)
        assert tinytorch.core.tensor.random.default_generator.get_state() == before
    assert np.array_equal(*parts)


def test_the_split_is_the_one_that_was_published():
    labels = digits()[1].tensors[1].array
    assert labels[:12].tolist() == FIRST_HELD_OUT


def test_xor_is_all_there_is():
    train, test = xor()
    assert train.tensors[0].tolist() == [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    assert train.tensors[1].tolist() == [0, 1, 1, 0]
    assert test is train


FIRST_HELD_OUT = [2, 3, 1, 3, 5, 0, 1, 5, 0, 8, 0, 3]
