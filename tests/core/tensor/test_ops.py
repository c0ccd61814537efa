"""What every op promises, on arguments drawn from the table of ops."""

import copy
import inspect

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core.tensor import Tensor
from tinytorch.plugins import registry
from tinytorch.testing import OP_CASES, WITHOUT_DERIVATIVE, cases_for
from tinytorch.testing.case import as_tensors

DRAWS = 6  # of arguments, for each row and dtype
ROWS = [pytest.param(case, dtype, id=f"{case.op}-{dtype}") for case in OP_CASES for dtype in case.dtypes]


def core_ops():
    return {name: op for name, op in registry.ops().items() if op.kernel.__module__.startswith("tinytorch.")}


def draws(case, dtype):
    rng = np.random.default_rng(sum(case.op.encode()))
    for _ in range(DRAWS):
        yield case.sample(rng, np.dtype(dtype))


def arrays_in(arguments):
    """All arrays among the arguments, those in lists and indices too."""
    for argument in arguments:
        if isinstance(argument, list | tuple):
            yield from arrays_in(argument)
        elif isinstance(argument, np.ndarray):
            yield argument


def outputs_of(out):
    return out if isinstance(out, tuple) else (out,)


def test_every_op_has_a_row():
    missing = [name for name in core_ops() if not cases_for(name)]
    assert not missing, f"ops without a row in tinytorch.testing: {missing}"


def test_every_row_is_of_an_op():
    assert {case.op for case in OP_CASES} <= set(core_ops())


def test_every_op_has_a_rule_or_a_reason():
    without = {name for name, op in core_ops().items() if op.derivative is None and not op.inplace}
    assert without == set(WITHOUT_DERIVATIVE)


def test_every_op_is_documented():
    missing = [name for name, op in core_ops().items() if not inspect.getdoc(op.kernel)]
    assert not missing


@pytest.mark.parametrize(("case", "dtype"), [row for row in ROWS if not row.values[0].declared().inplace])
def test_kernel_leaves_its_inputs_alone(case, dtype):
    for arguments in draws(case, dtype):
        before = copy.deepcopy(arguments)
        case.declared().kernel(*arguments)
        for array, old in zip(arrays_in(arguments), arrays_in(before), strict=True):
            np.testing.assert_array_equal(array, old)


NEW = [row for row in ROWS if not (row.values[0].declared().inplace or row.values[0].declared().view)]


@pytest.mark.parametrize(("case", "dtype"), NEW)
def test_kernel_gives_new_memory(case, dtype):
    for arguments in draws(case, dtype):
        for out in outputs_of(case.declared().kernel(*arguments)):
            assert not any(np.shares_memory(out, array) for array in arrays_in(arguments))


@pytest.mark.parametrize(("case", "dtype"), [row for row in NEW if row.values[1].startswith("float")])
def test_kernel_keeps_the_dtype_of_floats(case, dtype):
    for arguments in draws(case, dtype):
        for out in outputs_of(case.declared().kernel(*arguments)):
            assert out.dtype.kind != "f" or out.dtype == dtype


@pytest.mark.parametrize(("case", "dtype"), [row for row in ROWS if not row.values[0].declared().inplace])
def test_op_gives_what_its_kernel_gives(case, dtype):
    """Under a plugin: what the core's kernel gives, within the row's tolerance."""
    rtol, atol = case.tolerance.get(dtype, (0, 0))
    for arguments in draws(case, dtype):
        expected = outputs_of(case.declared().kernel(*arguments))
        found = outputs_of(case.declared()(*[as_tensors(argument) for argument in arguments]))
        for tensor, array in zip(found, expected, strict=True):
            assert isinstance(tensor, Tensor)
            np.testing.assert_allclose(tensor.array, array, rtol, atol)


@pytest.mark.parametrize(("case", "dtype"), ROWS)
def test_kernel_does_not_depend_on_memory_layout(case, dtype):
    rtol, atol = (max(each, 1e-6) for each in case.tolerance.get(dtype, (0, 0)))  # sums in another order
    for arguments in draws(case, dtype):
        packed = row_major(arguments)
        for one, other in zip(results(case, arguments), results(case, packed), strict=True):
            np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)


def row_major(argument):
    if isinstance(argument, list | tuple):
        return type(argument)(row_major(each) for each in argument)
    return np.array(argument, order="C") if isinstance(argument, np.ndarray) else argument


def results(case, arguments):
    """What the kernel gives, or what it has written."""
    if not case.declared().inplace:
        return outputs_of(case.declared().kernel(*arguments))
    written = copy.deepcopy(arguments)
    case.declared().kernel(*written)
    return list(arrays_in(written))


@pytest.mark.parametrize(("case", "dtype"), [row for row in ROWS if row.values[0].declared().inplace])
def test_step_writes_its_parameters_and_not_the_gradients(case, dtype):
    for arguments in draws(case, dtype):
        params, grads, *_ = arguments
        old_params, old_grads = copy.deepcopy(params), copy.deepcopy(grads)
        assert case.declared().kernel(*arguments) is True
        for param, old in zip(params, old_params, strict=True):
            assert param.dtype == dtype
            assert not param.size or not np.array_equal(param, old)
        for grad, old in zip(grads, old_grads, strict=True):
            np.testing.assert_array_equal(grad, old)


def test_samplers_draw_scalars_empty_arrays_and_strided_memory():
    rng = np.random.default_rng(0)
    drawn = [array for _ in range(200) for array in cases_for("add")[0].sample(rng, np.dtype("float32"))]
    assert any(array.ndim == 0 for array in drawn)
    assert any(array.size == 0 for array in drawn)
    assert any(not array.flags.c_contiguous for array in drawn)


def test_a_call_by_name_is_a_call_by_position():
    a, b = Tensor(np.ones(2)), Tensor(np.full(2, 3.0))
    out = registry.find("select")(a=a, b=b, condition=Tensor(np.array([True, False])))
    assert out.tolist() == [1.0, 3.0]


def test_a_wrong_name_names_the_arguments():
    with pytest.raises(TypeError, match="expected arguments"):
        registry.find("clip")(Tensor(np.ones(2)), low=0.0, upper=1.0)


def test_an_op_takes_its_arguments_by_name_and_by_pytorchs_names():
    x, y = tt.tensor([1.0, 2.0]), tt.tensor([3.0, 4.0])
    assert tt.exp(input=x).tolist() == tt.exp(x=x).tolist() == x.exp().tolist()
    assert tt.mul(input=x, other=y).tolist() == x.mul(other=y).tolist() == [3.0, 8.0]
    assert x.pow(exponent=2).tolist() == [1.0, 4.0]


@pytest.mark.parametrize(
    "call", [lambda x: tt.exp(), lambda x: tt.exp(x, x), lambda x: tt.exp(x, input=x), lambda x: tt.mul(x, othr=x)]
)
def test_an_op_refuses_arguments_that_it_does_not_have(call):
    with pytest.raises(TypeError, match=r"^(exp|multiply)\b"):
        call(tt.ones(2))
