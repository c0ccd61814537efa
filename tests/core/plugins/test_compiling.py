"""A compiled slot: what a plugin raises says whose it is, and what is no result of the op is refused."""

from types import SimpleNamespace

import numpy as np
import pytest

from tinytorch import plugins
from tinytorch.core.tensor import Tensor, op
from tinytorch.plugins import PluginError, answered_by, hookimpl, registry
from tinytorch.plugins.compiling import by_position
from tinytorch.plugins.manager import Manager

ONE, TWO = np.ones(3), np.full(3, 2.0)
LEGAL = {  # arguments with which the kernel answers
    "add": (ONE, TWO),
    "layer_norm": (ONE, None, None, 1, 1e-5),
    "batch_norm": (np.ones((2, 3)), None, None, 1e-5),
    "cross_entropy": (np.ones((2, 3)), np.zeros(2, int)),
}


def test_an_exception_carries_plugin_op_and_its_cause(plugin):
    @hookimpl
    def add(a):
        raise ArithmeticError("no") from KeyError("why")

    plugin("mine", add=add)
    plugins.enable("mine")
    with pytest.raises(ArithmeticError, match="no") as raised:
        plugins.table.add(ONE, TWO)
    assert raised.value.__notes__ == ["raised by plugin 'mine' in op 'add'"]
    assert isinstance(raised.value.__cause__, KeyError)


def test_an_exception_of_the_kernel_blames_nobody(registered):
    plugins.enable("decliner")
    with pytest.raises(ValueError) as raised:
        plugins.table.matmul(ONE, np.ones(4))
    assert not getattr(raised.value, "__notes__", [])


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (NotImplemented, "op 'add' of plugin 'mine' returned NotImplemented; return None to decline"),
        ([1, 2], "op 'add' of plugin 'mine' returned list, expected an array"),
        (Tensor(ONE), "op 'add' of plugin 'mine' returned Tensor, expected an array"),
    ],
)
@pytest.mark.parametrize("monitored", [False, True])
def test_what_is_no_array_is_refused(plugin, out, message, monitored):
    plugin("mine", add=hookimpl(lambda a: out))
    plugins.enable("mine")
    if monitored:
        plugins.manager().add_hookcall_monitoring(lambda *_: None, lambda *_: None)
        message = message.replace("'mine'", "'mine, core'")
    with pytest.raises(PluginError) as raised:
        plugins.table.add(ONE, TWO)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("name", "out", "message"),
    [
        ("add", (ONE,), "returned (ndarray), expected an array"),
        ("layer_norm", ONE, "returned ndarray, expected a tuple of 3 arrays"),
        ("batch_norm", (ONE, ONE), "returned (ndarray, ndarray), expected a tuple of 3 arrays"),
        ("layer_norm", [ONE, ONE, ONE], "returned list, expected a tuple of 3 arrays"),
        ("cross_entropy", (ONE, None), "returned (ndarray, NoneType), expected a tuple of 2 arrays"),
    ],
)
@pytest.mark.parametrize("wrapper", [False, True])
def test_another_number_of_arrays_than_the_op_gives_is_refused(plugin, name, out, message, wrapper):
    def answer():
        return out

    def replace():
        yield
        return out

    plugin("mine", **{name: hookimpl(replace if wrapper else answer, wrapper=wrapper)})
    plugins.enable("mine")
    with pytest.raises(PluginError) as raised:
        plugins.table[name](*LEGAL[name])
    assert str(raised.value) == f"op '{name}' of plugin 'mine' {message}"


@pytest.mark.parametrize("out", [ONE, (ONE, TWO), np.float32(1)])
def test_an_op_that_does_not_say_how_many_arrays_it_gives_may_give_any_number(plugin, out):
    @op
    def scaled(x, factor):
        """x * factor."""

    plugin("mine", scaled=hookimpl(lambda: out))
    plugins.enable("mine")
    assert scaled.outputs is None
    assert plugins.table.scaled(ONE, 2.0) is out


def test_every_op_of_the_core_says_how_many_arrays_it_gives():
    of_core = [each for each in registry.ops().values() if each.kernel.__module__.startswith("tinytorch.core.")]
    assert [each.name for each in of_core if each.outputs is None] == [each.name for each in of_core if each.inplace]


@pytest.mark.parametrize(("out", "good"), [(True, True), (ONE, False), (False, False)])
def test_an_op_in_place_says_only_that_it_is_done(plugin, out, good):
    @op(inplace=True)
    def scale(params, factor):
        """Multiply each parameter in place."""
        return True

    plugin("mine", scale=hookimpl(lambda params: out))
    plugins.enable("mine")
    if good:
        assert scale.run([ONE], 2.0) is True
    else:
        with pytest.raises(PluginError, match=r"op 'scale' of plugin 'mine' returned .*, expected True: done"):
            scale.run([ONE], 2.0)


def test_a_wrapper_that_returns_nothing_is_refused(plugin):
    @hookimpl(wrapper=True)
    def add(a):
        yield

    plugin("mine", add=add)
    plugins.enable("mine")
    with pytest.raises(PluginError, match="wrapper of plugin 'mine' returned None"):
        plugins.table.add(ONE, TWO)


@pytest.mark.parametrize("monitored", [False, True])
def test_a_compiled_function_answers_for_the_one_that_names_its_arguments(plugin, monitored):
    @hookimpl
    @answered_by(np.hypot)
    def add(b, a):
        """The arguments' names, in np.hypot's order."""

    plugin("mine", add=add)
    plugins.enable("mine")
    if monitored:
        plugins.manager().add_hookcall_monitoring(lambda *_: None, lambda *_: None)
    np.testing.assert_array_equal(plugins.table.add(np.full(3, 4.0), np.full(3, 3.0)), np.full(3, 5.0))


def test_a_compiled_function_with_the_ops_arguments_is_called_directly():
    @hookimpl
    @answered_by(np.hypot)
    def add(a, b):
        """Take the op's arguments."""

    implementation = Manager({"mine": SimpleNamespace(add=add)}).hook.add.get_hookimpls()[-1]
    assert by_position(registry.find("add"), implementation) is np.hypot


def test_a_compiled_function_declines_and_raises_like_any_other(plugin):
    def declining(a, b):
        if a.ndim > 1:
            raise ArithmeticError("no")

    @hookimpl
    @answered_by(declining)
    def add(a, b):
        """Take the op's arguments."""

    plugin("mine", add=add)
    plugins.enable("mine")
    np.testing.assert_array_equal(plugins.table.add(ONE, TWO), ONE + TWO)
    with pytest.raises(ArithmeticError) as raised:
        plugins.table.add(np.ones((2, 2)), TWO)
    assert raised.value.__notes__ == ["raised by plugin 'mine' in op 'add'"]
