"""detect_anomaly finds the first nan or inf, also in an optimizer's step, and leaves nothing behind."""

import inspect
from concurrent.futures import ThreadPoolExecutor

import pytest

import tinytorch as tt
from tinytorch import plugins
from tinytorch.core.autograd import detect_anomaly
from tinytorch.core.layers import Parameter
from tinytorch.optim import SGD


def listed():
    return [status.name for status in plugins.list()]


def test_it_names_op_shapes_origin_and_line():
    with detect_anomaly(), pytest.raises(FloatingPointError) as raised:
        (tt.ones(2, 3) * -1.0).log()
    line = inspect.currentframe().f_lineno - 1
    assert str(raised.value) == f"log: nan in the result of inputs (2, 3), from finite inputs, at {__file__}:{line}"


def test_it_finds_nan_in_the_backward_pass():
    x = tt.zeros(2, requires_grad=True)
    with detect_anomaly(), pytest.raises(FloatingPointError, match="inf in the result"):
        x.sqrt().sum().backward()


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(("lr", "kind"), [(1e38, "inf"), (float("nan"), "nan")])
def test_it_finds_what_an_optimizer_writes_in_place(lr, kind):
    weight = Parameter(tt.ones(2, 3))
    weight.grad = tt.full((2, 3), 1e38)
    step = SGD([weight], lr=1.0)
    step.param_groups[0]["lr"] = lr
    with detect_anomaly(), pytest.raises(FloatingPointError, match=rf"sgd_step: {kind} written into shape \(2, 3\), "):
        step.step()


def test_it_tells_that_nan_came_in_with_the_gradient():
    weight = Parameter(tt.ones(2))
    weight.grad = tt.full((2,), float("nan"))
    with detect_anomaly(), pytest.raises(FloatingPointError, match=r"sgd_step: nan .*, which came in with its inputs"):
        SGD([weight], lr=1.0).step()


def test_it_sees_what_comes_in_within_a_list():
    with detect_anomaly(), pytest.raises(FloatingPointError, match="which came in with its inputs"):
        tt.cat([tt.ones(2), tt.full((2,), float("nan"))])


def test_an_inf_that_comes_in_is_let_through():
    with detect_anomaly():
        assert (tt.full((2,), -float("inf")) * 2.0).tolist() == [-float("inf")] * 2
        tt.softmax(tt.tensor([0.0, 1.0]).masked_fill(tt.tensor([True, False]), -float("inf")), 0)


def test_it_is_no_plugin():
    before = listed()
    with detect_anomaly():
        assert listed() == before
        assert plugins.explain("add")[0] == ("detect_anomaly", "watches")
    assert listed() == before
    assert "detect_anomaly" not in [name for name, _ in plugins.explain("add")]


def test_it_holds_within_itself_and_ends_once():
    with detect_anomaly():
        with detect_anomaly():
            assert [name for name, _ in plugins.explain("add")].count("detect_anomaly") == 1
        with pytest.raises(FloatingPointError):
            tt.zeros(1).log()
    assert tt.zeros(1).log().tolist() == [-float("inf")]


def test_it_holds_in_its_own_thread_alone():
    with detect_anomaly(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: tt.zeros(1).log().item()).result() == -float("inf")
        with pytest.raises(FloatingPointError):
            pool.submit(plugins.carry(lambda: tt.zeros(1).log())).result()


def test_it_watches_the_plugins_in_force():
    chain = plugins.explain("add")
    with detect_anomaly():
        assert plugins.explain("add")[1:] == chain
