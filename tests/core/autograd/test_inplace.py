"""Writing in place: allowed where gradients stay right, refused where they would not."""

import numpy as np
import pytest

import tinytorch as tt


@pytest.fixture
def x():
    return tt.tensor([1.0, 2.0, 3.0], requires_grad=True)


WRITES = {
    "add_": lambda x: x.add_(1),
    "+=": lambda x: x.__iadd__(1),
    "mul_": lambda x: x.mul_(2),
    "zero_": lambda x: x.zero_(),
    "fill_": lambda x: x.fill_(3),
    "copy_": lambda x: x.copy_(tt.zeros(3)),
    "clamp_": lambda x: x.clamp_(0, 1),
    "setitem": lambda x: x.__setitem__(0, 5.0),
    "normal_": lambda x: x.normal_(),
    "exp_": lambda x: x.exp_(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_leaf_that_requires_grad_is_not_written(x, write):
    with pytest.raises(RuntimeError, match="a leaf that requires grad cannot be written in place"):
        write(x)
    assert x.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_under_no_grad_it_is(x, write):
    with tt.no_grad():
        write(x)
    assert x.is_leaf
    assert x.requires_grad


def test_the_gradient_passes_through_a_write(x):
    y = x * 2
    y.mul_(x).add_(1)
    y.sum().backward()
    assert x.grad.tolist() == [4.0, 8.0, 12.0]


def test_a_write_changes_views_and_what_they_view():
    base = tt.zeros(2, 3)
    base[0].add_(1)
    base.T[0].mul_(5)
    assert base.tolist() == [[5.0, 1.0, 1.0], [0.0, 0.0, 0.0]]


def test_a_write_to_a_saved_input_is_found(x):
    y = x * 1
    out = (y * y).sum()
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"shape \(3,\) that the gradient of 'multiply' needs was written in place"):
        out.backward()


def test_a_write_to_a_saved_output_is_found(x):
    y = x.exp()
    out = y.sum()
    with tt.no_grad():
        y.add_(1)
    with pytest.raises(RuntimeError, match="of 'exp' needs was written"):
        out.backward()


def test_a_write_through_a_view_is_found(x):
    y = x * 1
    out = (y * y).sum()
    y.detach()[0].add_(1)
    with pytest.raises(RuntimeError, match="was written in place"):
        out.backward()


def test_a_write_to_a_weight_between_forward_and_backward_is_found(x):
    out = (x * x).sum()
    with tt.no_grad():
        x.sub_(0.1)
    with pytest.raises(RuntimeError, match="was written in place"):
        out.backward()


def test_a_write_to_what_no_rule_needs_is_no_harm(x):
    y = x + 1
    out = (y + 1).sum()
    y.add_(5)
    out.backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


def test_a_write_before_saving_is_no_harm(x):
    y = x * 1
    y.add_(1)
    (y * y).sum().backward()
    assert x.grad.tolist() == [4.0, 6.0, 8.0]


def test_memory_that_is_used_again_was_not_written(x):
    for _ in range(20):  # ids and addresses of dead arrays come back
        scratch = tt.zeros(3)
        scratch.add_(1)
        del scratch
        (x * x).sum().backward()


def test_a_view_in_the_graph_is_not_written(x):
    y = x * 1
    with pytest.raises(RuntimeError, match="a view cannot be written in place while gradients are recorded"):
        y[:2].mul_(2)


def test_setting_items_lets_gradients_pass_to_both(x):
    value = tt.tensor([10.0], requires_grad=True)
    y = x * 2
    y[1:2] = value * 3
    (y * y).sum().backward()
    assert x.grad.tolist() == [8.0, 0.0, 24.0]
    assert value.grad.tolist() == [180.0]


def test_setting_an_item_of_a_plain_tensor_makes_it_part_of_the_graph(x):
    y = tt.zeros(3)
    y[0] = x[1] * 2
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 2.0, 0.0]


def test_a_float_result_does_not_fit_into_integers():
    with pytest.raises(TypeError, match="a float32 result does not fit into a int64 tensor"):
        tt.ones(3).long().add_(0.5)


def test_a_larger_result_does_not_fit():
    with pytest.raises(ValueError, match="does not fit into"):
        tt.ones(3).add_(tt.ones(2, 3))


def test_numpy_shares_the_memory_that_is_written():
    t = tt.zeros(3)
    array = t.numpy()
    t.add_(1)
    assert np.array_equal(array, [1, 1, 1])


def test_a_tensor_cut_off_after_the_forward_is_seen_as_it_was_recorded():
    x = tt.tensor([3.0], requires_grad=True)
    y = x * 2.0
    z = (y * y).sum()
    y.detach_()
    z.backward()
    assert x.grad.tolist() == [24.0]


def test_an_index_written_after_the_forward_is_noticed():
    x = tt.tensor([0.0, 1.0, 2.0], requires_grad=True)
    index = tt.tensor([0])
    y = x[index].sum()
    index[0] = 2
    with pytest.raises(RuntimeError, match="written in place"):
        y.backward()


def test_what_a_gradient_does_not_need_may_be_written(x):
    held = tt.tensor([4.0, 5.0, 6.0])
    out = (held * 2.0 + x).sum()  # nothing needs `held`: only what is multiplied with x would be kept
    held.zero_()
    out.backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


def test_a_shape_is_kept_where_a_gradient_needs_no_more(x):
    held = x * 1.0
    out = held.reshape(3, 1).mean()
    held.detach().zero_()
    out.backward()
    assert np.allclose(x.grad.numpy(), 1 / 3)


@pytest.mark.parametrize(
    "layer",
    [
        tt.nn.Sequential(tt.nn.Conv2d(2, 2, 3), tt.nn.BatchNorm2d(2)),
        tt.nn.MaxPool2d(2),
        tt.nn.LayerNorm(6),
        tt.nn.RMSNorm(6),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_relu_may_write_into_what_a_layer_gave(layer):
    x = tt.randn(2, 2, 6, 6, requires_grad=True)
    layer(x).relu().sum().backward()
    expected, x.grad = x.grad.numpy(), None
    tt.nn.ReLU(inplace=True)(layer(x)).sum().backward()
    assert np.array_equal(x.grad.numpy(), expected)


@pytest.mark.parametrize(
    "program",
    [
        lambda x, held: (x - held, held),
        lambda x, held: (x / 2.0, x.detach()),
        lambda x, held: [(y := x / 2.0), y.detach()],
        lambda x, held: [(y := x**2), y.detach()],
    ],
    ids=["x - held", "x / 2", "y of x / 2", "y of x ** 2"],
)
def test_what_no_gradient_reads_may_be_written(x, program):
    y, written = program(x * 1.0, tt.tensor([4.0, 5.0, 6.0]))
    written.add_(1.0)
    y.sum().backward()
    assert x.grad is not None


def test_elements_that_share_memory_are_not_written():
    with pytest.raises(RuntimeError, match="add_: several elements share their memory"):
        tt.ones(1).expand(3).add_(1)
