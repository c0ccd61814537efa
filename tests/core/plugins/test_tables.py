"""The dispatch table: who answers, in which order, and that absence costs nothing."""

import numpy as np
import pytest

from tinytorch import plugins
from tinytorch.core.tensor import Tensor, op
from tinytorch.core.tensor.arithmetic import add, multiply
from tinytorch.core.tensor.elementwise import exp
from tinytorch.core.tensor.products import matmul
from tinytorch.plugins import PluginError, hookimpl, registry
from tinytorch.plugins.process import process
from tinytorch.testing.plugins import implement, make

ONE, TWO = np.ones(3), np.full(3, 2.0)


def replacing(name, value):
    """An implementation of an op that always gives the same number."""
    declared = registry.find(name)
    return implement(declared, lambda *args: np.full_like(args[0], value))


def test_with_the_core_alone_a_slot_is_the_kernel():
    assert plugins.table.matmul is matmul.kernel
    assert plugins.table["add"] is add.kernel


def test_a_plugin_that_is_registered_but_not_enabled_adds_nothing(registered):
    assert plugins.table.matmul is matmul.kernel


def test_a_plugin_that_was_disabled_leaves_nothing_behind(registered):
    plugins.enable("loopback")
    assert plugins.table.matmul is not matmul.kernel
    plugins.disable("loopback")
    assert plugins.table.matmul is matmul.kernel


def test_an_op_that_a_plugin_does_not_implement_keeps_its_kernel(plugin):
    plugin("mine", add=replacing("add", 7))
    plugins.enable("mine")
    assert plugins.table.matmul is matmul.kernel


def test_a_call_on_tensors_reaches_the_plugin(plugin):
    plugin("mine", add=replacing("add", 7))
    plugins.enable("mine")
    assert add(Tensor(ONE), Tensor(TWO)).array.tolist() == [7, 7, 7]
    assert add.run(ONE, TWO).tolist() == [7, 7, 7]


@pytest.mark.parametrize(("order", "answer"), [(("low", "high"), 1), (("high", "low"), 2)])
def test_the_first_enabled_plugin_is_asked_first(plugin, order, answer):
    plugin("low", add=replacing("add", 1))
    plugin("high", add=replacing("add", 2))
    plugins.enable(*order)
    assert plugins.table.add(ONE, TWO)[0] == answer


def test_a_plugin_that_declines_is_passed_over(registered, plugin):
    plugin("mine", add=replacing("add", 7))
    plugins.enable("decliner", "mine")
    assert plugins.table.add(ONE, TWO)[0] == 7
    assert plugins.table.multiply(ONE, TWO)[0] == 2  # nobody else: the kernel


def test_an_implementation_takes_the_arguments_that_it_names(plugin):
    plugin("mine", subtract=hookimpl(lambda b: b * 10))
    plugins.enable("mine")
    assert plugins.table.subtract(ONE, TWO).tolist() == [20, 20, 20]


def test_tables_are_kept_for_each_ordered_selection(registered):
    plugins.enable("loopback")
    first = process.table
    plugins.disable("loopback")
    plugins.enable("loopback")
    assert process.table is first


def test_toggling_never_unregisters(registered):
    plugins.enable("loopback")
    register = plugins.manager()
    plugins.disable("loopback")
    assert register.has_plugin("loopback")


def test_what_is_no_op_is_no_attribute_of_the_table():
    with pytest.raises(PluginError, match=r"'matmull' is not an op; did you mean 'matmul'"):
        plugins.table["matmull"]
    assert not hasattr(plugins.table, "matmull")


# an op of a plugin's own


def declare_scaled():
    @op
    def scaled(x, factor):
        """x * factor."""
        return x * factor

    return scaled


def test_a_plugin_may_declare_an_op():
    scaled = declare_scaled()
    assert plugins.table.scaled is scaled.kernel
    assert scaled(Tensor(ONE), 3.0).array.tolist() == [3, 3, 3]


@pytest.mark.parametrize("declared_first", [True, False])
def test_another_plugin_may_implement_a_declared_op_if_it_is_there(plugin, declared_first):
    scaled = declare_scaled() if declared_first else None
    plugin("mine", scaled=hookimpl(lambda x: x * 5, optionalhook=True))
    plugins.enable("mine")
    plugins.table.add(ONE, TWO)
    scaled = scaled or declare_scaled()
    assert scaled(Tensor(ONE), 3.0).array.tolist() == [5, 5, 5]
    with plugins.using():
        assert plugins.table.scaled is scaled.kernel


def test_an_optional_implementation_is_checked_once_its_op_is_declared(plugin):
    plugin("mine", scaled=hookimpl(lambda x, factr: x, optionalhook=True))
    plugins.enable("mine")
    scaled = declare_scaled()
    with pytest.raises(PluginError, match=r"'scaled' has no argument 'factr'.*did you mean 'factor'"):
        scaled(Tensor(ONE), 3.0)


def test_an_op_declared_again_answers_with_its_new_kernel(registered):
    first = declare_scaled()
    assert first(Tensor(ONE), 3.0).array[0] == 3
    second = declare_scaled()
    assert plugins.table.scaled is second.kernel is not first.kernel


def test_an_op_cannot_be_declared_by_two_modules():
    def add(a, b):
        """Not the core's."""

    with pytest.raises(PluginError, match=r"op 'add' is declared by tinytorch.core.tensor.arithmetic already"):
        op(add)


# wrappers and instruments


def counting(log, name):
    """A `wrap_op` that logs each call of `add`."""

    @hookimpl
    def wrap_op(op, call):
        if op.name != "add":
            return None

        def counted(*args):
            log.append(name)
            return call(*args)

        return counted

    return wrap_op


def test_wrap_op_stands_around_the_ops_that_it_chooses(plugin):
    log = []
    plugin("outer", wrap_op=counting(log, "outer"))
    plugin("inner", wrap_op=counting(log, "inner"), add=replacing("add", 7))
    plugins.enable("outer", "inner")
    assert plugins.table.add(ONE, TWO)[0] == 7
    assert log == ["outer", "inner"]
    assert plugins.table.multiply is multiply.kernel
    assert plugins.explain("add") == [
        ("outer", "watches"),
        ("inner", "watches"),
        ("inner", "float32 exact, float64 exact"),
        ("core", "the kernel"),
    ]


def test_an_instrument_that_is_no_callable_is_refused(plugin):
    plugin("mine", wrap_op=hookimpl(lambda op: 3))
    plugins.enable("mine")
    with pytest.raises(PluginError, match=r"'mine': wrap_op returned int for op 'add', expected a callable"):
        plugins.table.add(ONE, TWO)


def test_explain_names_everybody_in_the_order_of_asking(plugin, registered):
    @hookimpl(wrapper=True)
    def add(a):
        return (yield)

    plugin("wrapping", add=add)
    plugins.enable("decliner", "loopback", "wrapping")
    chain = [name for name, _ in plugins.explain("add")]
    assert chain == ["wrapping", "decliner", "loopback", "core"]
    assert plugins.explain("add")[0] == ("wrapping", "wraps")


# monitors and tracers


def test_a_monitor_sees_ops_until_it_is_removed(registered):
    plugins.enable("loopback")
    fast = plugins.table.add
    seen = []
    stop = plugins.manager().add_hookcall_monitoring(
        lambda name, methods, kwargs: seen.append((name, len(methods))), lambda *_: None
    )
    assert plugins.table.add(ONE, TWO).tolist() == [3, 3, 3]
    assert seen == [("add", 2)]
    stop()
    stop()  # twice does no harm
    assert plugins.table.add(ONE, TWO).tolist() == [3, 3, 3]
    assert seen == [("add", 2)]
    assert type(plugins.table.add) is type(fast)


def test_a_tracer_sees_ops_of_the_core_alone_and_leaves_the_kernel_behind():
    lines = []
    plugins.manager().trace.root.setwriter(lines.append)
    stop = plugins.manager().enable_tracing()
    plugins.table.exp(ONE)
    assert any("exp" in line for line in lines)
    stop()
    assert plugins.table.exp is exp.kernel


def test_an_exception_below_a_monitor_says_who_was_asked(registered):
    plugins.enable("raiser")
    plugins.manager().add_hookcall_monitoring(lambda *_: None, lambda *_: None)
    with pytest.raises(ArithmeticError) as raised:
        plugins.table.add(ONE, TWO)
    assert raised.value.__notes__ == ["raised in op 'add', asked of raiser, core through pluggy"]


# an order of its own for an op


def per_op(started, text):
    (started / "tinytorch.toml").write_text(f'plugins = ["low", "high"]\n[ops]\n{text}\n')


@pytest.mark.parametrize(
    ("order", "answer"),
    [('["high", "low"]', 2), ('["low"]', 1), ("[]", 3), ('["quant"]', 1)],
    ids=["reordered", "only one", "core alone", "none of those enabled"],
)
def test_an_op_may_have_an_order_of_its_own(started, plugin, order, answer):
    per_op(started, f"add = {order}")
    plugin("low", add=replacing("add", 1), multiply=replacing("multiply", 1))
    plugin("high", add=replacing("add", 2), multiply=replacing("multiply", 2))
    assert plugins.table.add(ONE, TWO)[0] == answer
    assert plugins.table.multiply(ONE, TWO)[0] == 1


def test_a_monitor_sees_the_ops_that_have_an_order_of_their_own(started, plugin):
    per_op(started, 'add = ["high"]')
    plugin("low", add=replacing("add", 1))
    plugin("high", add=replacing("add", 2))
    seen = []
    plugins.manager().add_hookcall_monitoring(lambda name, *_: seen.append(name), lambda *_: None)
    assert plugins.table.add(ONE, TWO)[0] == 2
    assert seen == ["add"]


def test_a_plugin_registered_anew_answers_at_once(plugin):
    plugin("mine", add=replacing("add", 1))
    plugins.enable("mine")
    assert plugins.table.add(ONE, TWO)[0] == 1
    plugin("mine", add=replacing("add", 2))
    assert plugins.table.add(ONE, TWO)[0] == 2


@pytest.mark.parametrize("name", ["loopback", "decliner"])
def test_right_and_declining_plugins_change_no_bit(registered, name):
    x = np.random.default_rng(0).normal(size=(5, 5)).astype(np.float32)
    with plugins.using(name):
        assert matmul.run(x, x).tobytes() == matmul.kernel(x, x).tobytes()


def test_the_liar_lies_about_every_op_it_is_asked():
    made = make("liar")
    lies = made.matmul(np.eye(2), np.eye(2))
    assert not np.allclose(lies, np.eye(2))
