"""What windows do beside what PyTorch's do too, which the oracle tests."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch.nn import functional as F


def test_a_window_of_one_is_a_linear_layer_at_each_pixel():
    x, weight = tt.randn(2, 3, 4, 5), tt.randn(6, 3, 1, 1)
    expected = tt.einsum("bihw,oi->bohw", x, weight[:, :, 0, 0])
    assert np.allclose(F.conv2d(x, weight).numpy(), expected.numpy(), atol=1e-5)


def test_four_paddings_are_left_right_top_bottom():
    assert F.conv2d(tt.ones(1, 1, 4, 4), tt.ones(1, 1, 1, 1), padding=(1, 2, 3, 4)).shape == (1, 1, 11, 7)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, (2, 5)])
def test_padding_same_keeps_the_size(kernel):
    assert nn.Conv2d(2, 3, kernel, padding="same")(tt.ones(1, 2, 9, 8)).shape == (1, 3, 9, 8)


def test_one_image_needs_no_batch():
    layer, image = nn.Conv2d(2, 3, 3), tt.randn(2, 6, 6)
    assert np.array_equal(layer(image).detach().numpy(), layer(image.unsqueeze(0))[0].detach().numpy())


def test_the_first_of_equal_maxima_gets_the_gradient():
    x = tt.ones(1, 1, 2, 2, requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[1.0, 0.0], [0.0, 0.0]]]]


def test_inputs_may_lie_in_memory_in_any_order():
    x, weight = tt.randn(2, 5, 6, 3), tt.randn(4, 3, 2, 2)
    turned = x.permute(0, 3, 1, 2)
    assert np.allclose(F.conv2d(turned, weight).numpy(), F.conv2d(turned.contiguous(), weight).numpy(), atol=1e-5)


def test_initial_weights_are_within_the_bound_of_their_fan():
    layer = nn.Conv2d(4, 200, 5)
    bound = 1 / np.sqrt(4 * 25)
    assert 0.95 * bound < np.abs(layer.weight.detach().numpy()).max() <= bound
    assert np.abs(layer.bias.detach().numpy()).max() <= bound


def test_repr_shows_the_window():
    assert repr(nn.Conv2d(1, 8, 3, padding=1)) == "Conv2d(1, 8, kernel_size=(3, 3), stride=(1, 1), padding=1)"
    assert repr(nn.MaxPool2d(2)) == "MaxPool2d(kernel_size=2, stride=2, padding=0)"


def test_an_infinite_gradient_goes_to_the_maximum_alone():
    x = tt.tensor([[[[1.0, 2.0], [0.0, 1.0]]]], requires_grad=True)
    F.max_pool2d(x, 2).backward(tt.full((1, 1, 1, 1), float("inf")))
    assert x.grad.tolist() == [[[[0.0, float("inf")], [0.0, 0.0]]]]


def test_the_last_of_several_nans_gets_the_gradient():
    nan = float("nan")
    x = tt.tensor([[[[nan, 1.0], [nan, 2.0]]]], requires_grad=True)
    largest, position = F.max_pool2d(x, 2, return_indices=True)
    largest.backward(tt.ones(1, 1, 1, 1))
    assert position.tolist() == [[[[2]]]]  # as in PyTorch
    assert x.grad.tolist() == [[[[0.0, 0.0], [1.0, 0.0]]]]


def test_padding_is_never_the_maximum():
    x = tt.full((1, 1, 3, 3), -float("inf"), requires_grad=True)
    largest, position = F.max_pool2d(x, 3, 2, 1, return_indices=True)
    largest.backward(tt.ones(1, 1, 2, 2))
    assert position.tolist() == [[[[0, 1], [3, 4]]]]  # as in PyTorch
    assert x.grad.tolist() == [[[[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]]


@pytest.mark.parametrize("size", [2, 3, (1, 4)])
def test_adaptive_pooling_leaves_inf_in_the_bins_that_hold_it(size):
    image = np.ones((1, 1, 5, 7), np.float32)
    image[0, 0, 0, 0] = np.inf
    out = F.adaptive_avg_pool2d(tt.tensor(image), size).numpy()[0, 0]
    assert out[0, 0] == np.inf
    assert np.allclose(np.delete(out.ravel(), 0), 1.0)
