"""Shapes, broadcasting, indexing and reductions agree with numpy on whatever hypothesis thinks of."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tinytorch as tt

settings.register_profile("tinytorch", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("tinytorch")

NUMBERS = st.floats(-8, 8, width=32)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def arrays(shape=SHAPES, dtype=np.float32):
    return hnp.arrays(dtype, shape, elements=NUMBERS if np.dtype(dtype).kind == "f" else None)


@st.composite
def broadcasting(draw, count=2):
    """Arrays whose shapes broadcast, and the shape that they have in common."""
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=3, max_side=4))
    return [draw(arrays(shape)) for shape in shapes.input_shapes], shapes.result_shape


@st.composite
def with_dims(draw):
    """An array, some of its dimensions (negative ones too), and keepdim."""
    array = draw(arrays(hnp.array_shapes(max_dims=4, max_side=4)))
    dims = draw(st.lists(st.integers(0, array.ndim - 1), unique=True, min_size=1))
    return array, [dim - array.ndim if draw(st.booleans()) else dim for dim in dims], draw(st.booleans())


@given(broadcasting(), st.sampled_from(["add", "subtract", "multiply", "maximum", "minimum", "equal", "less"]))
def test_two_tensors_broadcast_as_arrays_do(drawn, name):
    (a, b), shape = drawn
    mine = {"subtract": "sub", "multiply": "mul", "equal": "eq", "less": "lt"}.get(name, name)
    out = getattr(tt, mine)(tt.tensor(a), tt.tensor(b))
    assert out.shape == shape
    np.testing.assert_array_equal(out.numpy(), getattr(np, name)(a, b))


@given(broadcasting())
def test_gradients_of_broadcasting_are_sums_over_the_stretched_dimensions(drawn):
    (a, b), shape = drawn
    x, y = tt.tensor(a, requires_grad=True), tt.tensor(b, requires_grad=True)
    (x + y).backward(tt.ones(shape))
    for tensor in (x, y):
        copies = np.prod(shape) / max(np.prod(tensor.shape), 1)
        assert tensor.grad.shape == tensor.shape
        np.testing.assert_array_equal(tensor.grad.numpy(), np.full(tensor.shape, copies, np.float32))


@given(broadcasting(3))
def test_where_broadcasts_all_three(drawn):
    (condition, a, b), shape = drawn
    out = tt.where(tt.tensor(condition > 0), tt.tensor(a), tt.tensor(b))
    np.testing.assert_array_equal(out.numpy(), np.broadcast_to(np.where(condition > 0, a, b), shape))


@given(SHAPES, SHAPES)
def test_shapes_that_do_not_broadcast_are_named(left, right):
    try:
        np.broadcast_shapes(left, right)
    except ValueError:
        with pytest.raises(ValueError, match="do not broadcast") as caught:
            tt.ones(left) + tt.ones(right)
        assert str(left) in str(caught.value)
        assert str(right) in str(caught.value)


@given(st.data(), arrays())
def test_basic_indexing_is_numpys(data, array):
    index = data.draw(hnp.basic_indices(array.shape, allow_newaxis=True, allow_ellipsis=True))
    parts = index if isinstance(index, tuple) else (index,)
    assume(all(part.step is None or part.step > 0 for part in parts if isinstance(part, slice)))
    out = tt.tensor(array)[index]
    np.testing.assert_array_equal(out.numpy(), array[index])


@given(st.data(), arrays(hnp.array_shapes(max_dims=3, max_side=4)))
def test_basic_indexing_is_a_view(data, array):
    index = data.draw(hnp.basic_indices(array.shape, allow_newaxis=True, allow_ellipsis=True))
    parts = index if isinstance(index, tuple) else (index,)
    assume(all(part.step is None or part.step > 0 for part in parts if isinstance(part, slice)))
    tensor = tt.tensor(array)
    tensor[index].fill_(100)
    array[index] = 100
    np.testing.assert_array_equal(tensor.numpy(), array)


@given(st.data(), arrays(hnp.array_shapes(max_dims=3, max_side=4)))
def test_integer_arrays_index_as_in_numpy(data, array):
    index = data.draw(hnp.integer_array_indices(array.shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3)))
    out = tt.tensor(array)[tuple(tt.tensor(each) for each in index)]
    np.testing.assert_array_equal(out.numpy(), array[index])


@given(st.data(), arrays())
def test_masks_index_as_in_numpy(data, array):
    mask = data.draw(hnp.arrays(bool, array.shape))
    np.testing.assert_array_equal(tt.tensor(array)[tt.tensor(mask)].numpy(), array[mask])


@given(st.data(), arrays(hnp.array_shapes(max_dims=3, max_side=4)))
def test_setting_items_is_numpys(data, array):
    index = data.draw(hnp.integer_array_indices(array.shape, result_shape=hnp.array_shapes(max_dims=1, max_side=3)))
    tensor = tt.tensor(array)
    tensor[tuple(tt.tensor(each) for each in index)] = 7
    array[index] = 7
    np.testing.assert_array_equal(tensor.numpy(), array)


@given(st.data(), arrays(hnp.array_shapes(max_dims=3, max_side=4)))
def test_the_gradient_of_picking_counts_how_often_each_was_picked(data, array):
    index = data.draw(hnp.integer_array_indices(array.shape, result_shape=hnp.array_shapes(max_dims=2, max_side=4)))
    x = tt.tensor(array, requires_grad=True)
    x[tuple(tt.tensor(each) for each in index)].sum().backward()
    counts = np.zeros_like(array)
    np.add.at(counts, index, 1)
    np.testing.assert_array_equal(x.grad.numpy(), counts)


@given(with_dims(), st.sampled_from(["sum", "amax", "amin", "any", "all"]))
def test_reductions_are_numpys(drawn, name):
    array, dims, keepdim = drawn
    out = getattr(tt.tensor(array), name)(dims, keepdim)
    expected = getattr(np, name)(array, axis=tuple(dims), keepdims=keepdim)
    assert out.shape == expected.shape
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-5, atol=1e-5)  # sums of up to 256 numbers up to 8


@given(with_dims())
def test_mean_and_variance_are_numpys(drawn):
    array, dims, keepdim = drawn
    x = tt.tensor(array.astype(np.float64))
    axis = tuple(dims)
    np.testing.assert_allclose(
        x.mean(dims, keepdim).numpy(), np.mean(array, axis, np.float64, keepdims=keepdim), atol=1e-9
    )
    found = x.var(dims, correction=0, keepdim=keepdim).numpy()
    np.testing.assert_allclose(found, np.var(array, axis, np.float64, keepdims=keepdim), atol=1e-9)


@given(with_dims())
def test_numpys_names_for_dim_and_keepdim(drawn):
    array, dims, keepdim = drawn
    x = tt.tensor(array)
    assert tt.equal(x.sum(dims, keepdim), x.sum(axis=tuple(dims), keepdims=keepdim))


@given(arrays(), st.data())
def test_reshape_there_and_back(array, data):
    x = tt.tensor(array)
    order = data.draw(st.permutations(range(array.ndim)))
    turned = x.permute(order)
    np.testing.assert_array_equal(turned.numpy(), array.transpose(order))
    np.testing.assert_array_equal(turned.reshape(array.size).numpy(), array.transpose(order).reshape(-1))
    assert tt.equal(turned.permute([order.index(i) for i in range(array.ndim)]), x)


@given(arrays(), st.data())
def test_splitting_and_joining_give_the_same_tensor(array, data):
    assume(array.ndim)
    dim = data.draw(st.integers(-array.ndim, array.ndim - 1))
    size = data.draw(st.integers(1, 5))
    x = tt.tensor(array)
    assert tt.equal(tt.cat(x.split(size, dim), dim), x)
    assert tt.equal(tt.cat(x.chunk(size, dim), dim), x)
    if array.shape[dim]:
        assert tt.equal(tt.stack(x.unbind(dim), dim), x)


@given(st.data(), arrays())
def test_expand_stretches_without_copying(data, array):
    shape = data.draw(hnp.broadcastable_shapes(array.shape, max_dims=5, max_side=4))
    try:
        wanted = np.broadcast_shapes(array.shape, shape)
    except ValueError:
        return
    x = tt.tensor(array)
    out = x.expand(wanted)
    assert out.shape == wanted
    assert not out.array.size or np.shares_memory(out.array, x.array)


@given(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4), broadcasting())
def test_matmul_broadcasts_batches(rows, inner, columns, drawn):
    (a, b), _ = drawn
    left = np.ones((*a.shape, rows, inner), np.float32)
    right = np.ones((*b.shape, inner, columns), np.float32)
    np.testing.assert_array_equal((tt.tensor(left) @ tt.tensor(right)).numpy(), left @ right)


@given(arrays(hnp.array_shapes(max_dims=3, max_side=5)), st.data(), st.booleans())
def test_sort_puts_in_order_and_says_whence(array, data, descending):
    dim = data.draw(st.integers(-array.ndim, array.ndim - 1))
    values, positions = tt.tensor(array).sort(dim, descending)
    steps = np.diff(values.numpy(), axis=dim)
    assert (steps <= 0).all() if descending else (steps >= 0).all()
    np.testing.assert_array_equal(np.take_along_axis(array, positions.numpy(), dim), values.numpy())


@given(arrays())
def test_repr_is_one_text_and_lists_go_there_and_back(array):
    x = tt.tensor(array)
    assert repr(x).startswith("tensor(")
    assert np.array_equal(np.array(x.tolist(), np.float32).reshape(array.shape), array)


@given(hnp.arrays(st.sampled_from([np.uint8, np.int32, np.int64, np.float32, np.float64, bool]), SHAPES))
def test_tensors_copy_and_keep_the_dtype_of_arrays(array):
    x = tt.tensor(array)
    assert x.dtype == array.dtype
    assert not array.size or not np.shares_memory(x.array, array)
    np.testing.assert_array_equal(x.numpy(), array)
