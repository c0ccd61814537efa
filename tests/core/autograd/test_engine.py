"""Backward and grad: what arrives where, what is kept, what is freed, what is refused."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import tinytorch as tt


def leaf(*numbers):
    return tt.tensor(list(numbers), requires_grad=True)


def test_gradient_of_a_sum_of_products():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (x * y).sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]
    assert y.grad.tolist() == [1.0, 2.0]


def test_gradients_accumulate_over_calls():
    x = leaf(1.0, 2.0)
    (x * 2).sum().backward()
    (x * 3).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]


def test_a_tensor_used_twice_receives_both_gradients():
    x = leaf(3.0)
    y = x * x
    (y + y * x).sum().backward()
    assert x.grad.tolist() == [2 * 3.0 + 3 * 9.0]


def test_a_diamond_is_walked_once():
    x = leaf(1.0)
    y = x
    for _ in range(60):  # 2 ** 60 paths
        y = y + y
    y.backward()
    assert x.grad.tolist() == [2.0**60]


def test_backward_sums_over_broadcast_axes():
    x, row = tt.ones(3, 4, requires_grad=True), tt.ones(4, requires_grad=True)
    (x * row).sum().backward()
    assert row.grad.tolist() == [3.0] * 4
    assert x.grad.shape == (3, 4)


def test_backward_weighs_outputs_by_the_gradient_given():
    x = leaf(1.0, 2.0)
    (x * x).backward(tt.tensor([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 40.0]


def test_backward_of_several_outputs():
    x = leaf(2.0)
    tt.autograd.backward([x * 3, x * x], [tt.tensor([1.0]), tt.tensor([10.0])])
    assert x.grad.tolist() == [3.0 + 40.0]


def test_backward_of_a_leaf_is_its_gradient():
    x = leaf(2.0)
    x.backward()
    assert x.grad.tolist() == [1.0]


def test_a_gradient_that_was_given_is_not_shared_with_the_leaf():
    x, weight = leaf(2.0), tt.tensor([5.0])
    x.backward(weight)
    x.grad.mul_(2)
    assert weight.tolist() == [5.0]


def test_two_leaves_never_share_gradient_memory():
    x, y, z = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(5.0, 6.0)
    (x + y + z).sum().backward()
    for one, other in [(x, y), (y, z), (x, z)]:
        assert not np.shares_memory(one.grad.numpy(), other.grad.numpy())


def test_leaves_behind_views_do_not_share_gradient_memory():
    x, y = tt.ones(2, 3, requires_grad=True), tt.ones(3, 2, requires_grad=True)
    (x.T + y).backward(tt.ones(3, 2))
    x.grad.zero_()
    assert y.grad.sum().item() == 6.0


def test_gradients_can_be_written():
    x = tt.ones(3, requires_grad=True)
    x.sum().backward()  # the gradient is one number, stretched
    x.grad.add_(tt.tensor([1.0, 2.0, 3.0]))
    assert x.grad.tolist() == [2.0, 3.0, 4.0]


def test_backward_twice_is_refused_unless_retained():
    x = leaf(2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [8.0]
    with pytest.raises(RuntimeError, match=r"freed by an earlier backward .* pass retain_graph=True"):
        y.backward()


def test_backward_needs_one_element_or_a_gradient():
    with pytest.raises(RuntimeError, match=r"only a tensor of one element .* shape \(2,\)"):
        (leaf(1.0, 2.0) * 2).backward()


def test_backward_refuses_a_gradient_of_another_shape():
    with pytest.raises(ValueError, match=r"expected a gradient of shape \(2,\), got \(3,\)"):
        (leaf(1.0, 2.0) * 2).backward(tt.ones(3))


def test_backward_of_what_was_not_recorded_is_refused():
    with pytest.raises(RuntimeError, match="does not require grad"):
        tt.ones(1).backward()


def test_grad_leaves_grad_alone():
    x = leaf(3.0)
    (found,) = tt.autograd.grad((x * x).sum(), x)
    assert found.tolist() == [6.0]
    assert x.grad is None


def test_grad_of_an_unused_input_is_an_error_or_none():
    x, y = leaf(1.0), leaf(2.0)
    with pytest.raises(RuntimeError, match="do not depend on input 1"):
        tt.autograd.grad((x * 2).sum(), [x, y])
    assert tt.autograd.grad((x * 2).sum(), [x, y], allow_unused=True)[1] is None


def test_grad_of_something_in_the_middle():
    x = leaf(2.0)
    middle = x * x
    by_middle, by_x = tt.autograd.grad((middle * middle).sum(), [middle, x])
    assert by_middle.tolist() == [8.0]
    assert by_x.tolist() == [32.0]


def test_grad_refuses_inputs_that_need_none():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="input 1 does not require grad"):
        tt.autograd.grad((x * 2).sum(), [x, tt.ones(1)])


def test_create_graph_gives_derivatives_of_derivatives():
    x = leaf(2.0)
    y = (x**4).sum()
    derivatives = []
    for _ in range(4):
        (y,) = tt.autograd.grad(y, x, create_graph=True)
        derivatives.append(y.item())
        y = y.sum()
    assert derivatives == [32.0, 48.0, 48.0, 24.0]


def test_backward_with_create_graph_gives_a_differentiable_grad():
    x = leaf(3.0)
    (x**3).sum().backward(create_graph=True)
    (second,) = tt.autograd.grad(x.grad.sum(), x)
    assert second.tolist() == [18.0]


def test_gradients_record_nothing_without_create_graph():
    x = leaf(3.0)
    (x * x * x).sum().backward()
    assert not x.grad.requires_grad
    assert x.grad.node is None


def test_detach_shares_memory_and_stops_the_gradient():
    x = leaf(1.0, 2.0)
    cut = x.detach()
    assert np.shares_memory(cut.numpy(), x.detach().numpy())
    assert not cut.requires_grad
    (x * cut).sum().backward()
    assert x.grad.tolist() == [1.0, 2.0]


def test_detach_in_place_makes_a_leaf():
    y = leaf(1.0) * 2
    y.detach_()
    assert y.is_leaf
    assert not y.requires_grad


def test_retain_grad_keeps_the_gradient_of_the_middle():
    x = leaf(2.0)
    middle = x * 3
    middle.retain_grad()
    (middle * middle).sum().backward()
    assert middle.grad.tolist() == [12.0]
    assert x.grad.tolist() == [36.0]


def test_only_leaves_collect_gradients():
    x = leaf(2.0)
    middle = x * 3
    middle.sum().backward()
    assert middle.grad is None


def test_leaf_rules():
    x = leaf(1.0)
    assert x.is_leaf
    assert tt.ones(1).is_leaf
    assert not (x * 2).is_leaf
    assert (tt.ones(1) * 2).is_leaf
    assert x.detach().is_leaf
    with pytest.raises(RuntimeError, match="only a leaf can stop"):
        (x * 2).requires_grad_(False)


@pytest.mark.parametrize("dtype", ["int64", "bool", "uint8"])
def test_only_floats_require_grad(dtype):
    with pytest.raises(TypeError, match="only float tensors have gradients"):
        tt.ones(2).to(dtype).requires_grad_()


def test_no_gradient_passes_through_whole_numbers():
    x = leaf(1.5, 2.5)
    assert not x.long().requires_grad
    assert not (x > 2).requires_grad
    assert not x.argmax().requires_grad


def test_gradients_have_their_leafs_dtype():
    x = tt.ones(2, dtype=tt.float64, requires_grad=True)
    y = tt.ones(2, dtype=tt.float32, requires_grad=True)
    (x * y).sum().backward()
    assert x.grad.dtype == tt.float64
    assert y.grad.dtype == tt.float32


def test_an_error_in_a_rule_names_the_op():
    x = leaf(1.0)
    y = x.exp()
    y.node.out = "no array"
    with pytest.raises(Exception) as caught:
        y.sum().backward()
    assert "in the derivative of op 'exp'" in caught.value.__notes__


LONG = 100_000


def chain():
    x = tt.zeros((), requires_grad=True)
    y = x
    for _ in range(LONG):
        y = y + 1.0
    return x, y


def test_a_long_chain_goes_forward_and_backward_and_away():
    x, y = chain()
    y.backward()
    assert y.item() == LONG
    assert x.grad.item() == 1.0
    del y
    gc.collect()


def test_a_long_chain_goes_away_without_backward():
    _, y = chain()
    node = weakref.ref(y)
    del y
    gc.collect()
    assert node() is None


def test_a_long_chain_that_saved_its_inputs_goes_away():
    y = tt.ones((), requires_grad=True)
    for _ in range(LONG):
        y = y * y.detach()
    del y
    gc.collect()


def test_backward_frees_what_it_saved():
    x = tt.ones(100_000, requires_grad=True)
    middle = x.exp()
    array = weakref.ref(middle.array)
    out = (middle * middle).sum()
    del middle
    assert array() is not None
    out.backward()
    assert array() is None


def test_the_graph_dies_with_its_output():
    x = tt.ones(1000, requires_grad=True)
    middle = x.exp()
    array = weakref.ref(middle.array)
    out = middle * middle
    del middle, out
    assert array() is None, "reference counting alone frees a graph: there are no cycles"


def test_a_training_loop_does_not_grow():
    x = tt.ones(1000, requires_grad=True)

    def step():
        (x.tanh() * x.exp()).sum().backward()
        x.grad = None

    step()
    tracemalloc.start()
    for _ in range(3):
        step()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(50):
        step()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 4000  # less than one array
