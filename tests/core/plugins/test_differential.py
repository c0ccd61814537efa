"""The compiled slot behaves as pluggy's own hook call: the same result, exception and order of calls."""

import random
from types import SimpleNamespace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from tinytorch.core.tensor.selection import select
from tinytorch.plugins import hookimpl
from tinytorch.plugins.compiling import compile_slot
from tinytorch.plugins.manager import Manager

ARGUMENTS = ("condition", "a", "b")  # of the op `select`
ANSWERS = ("answers", "declines", "raises", "exhausts")
WRAPPERS = (
    "passes",
    "replaces",
    "rescues",
    "raises before",
    "raises after",
    "raises its own",
    "never yields",
)

plugin_kinds = st.tuples(
    st.sampled_from((*ANSWERS, *WRAPPERS)), st.lists(st.sampled_from(ARGUMENTS), unique=True).map(tuple)
)


def make_plugin(number, kind, names, log):
    """Make a plugin with one implementation of `select` that takes some of its arguments, in some order."""
    arguments = ", ".join(names)
    if kind in WRAPPERS:
        source = f"def select({arguments}): return (yield from act({arguments}))"
        space = {"act": wrapper(number, kind, log)}
    else:
        source = f"def select({arguments}): return act({arguments})"
        space = {"act": answer(number, kind, log)}
    exec(source, space)  # noqa: S102  a signature made at random
    return SimpleNamespace(select=hookimpl(space["select"], wrapper=kind in WRAPPERS))


def answer(number, kind, log):
    def act(*args):
        log.append((number, kind, args))
        if kind == "raises":
            raise ArithmeticError(number)
        if kind == "exhausts":
            raise StopIteration(number)
        return np.float64(number) if kind == "answers" else None

    return act


def wrapper(number, kind, log):
    def act(*args):
        log.append((number, kind, args))
        if kind == "raises before":
            raise KeyError(number)
        if kind == "never yields":
            return np.float64(number)
        try:
            out = yield
        except Exception as error:
            log.append((number, "saw", type(error)))
            if kind == "rescues":
                return np.float64(-number)
            if kind == "raises its own":
                raise LookupError(number) from error
            raise
        log.append((number, "after", float(out)))
        if kind == "raises after":
            raise ArithmeticError(number)
        return np.float64(number) if kind == "replaces" else out

    return act


def outcome(call):
    """What a call gives or raises: type, cause, and the arguments unless they are pluggy's own sentence."""
    try:
        return np.asarray(call()).tolist()
    except Exception as error:  # noqa: BLE001  whatever comes is compared
        arguments = () if isinstance(error, RuntimeError) else error.args
        return type(error), arguments, type(error.__cause__)


def both(kinds, *args):
    """What the compiled slot does and what pluggy does: outcome and log of each."""
    log = []
    made = {f"plugin{i}": make_plugin(i + 1, kind, names, log) for i, (kind, names) in enumerate(kinds)}
    manager = Manager(made)
    compiled = outcome(lambda: compile_slot(select, manager)(*args)), repr(log)
    log.clear()
    return compiled, (
        outcome(lambda: manager.hook.select(**dict(zip(ARGUMENTS, args, strict=True)))),
        repr(log),
    )


GOOD = (np.bool_(1), np.float64(10), np.float64(20))
BAD = (np.ones(2, bool), np.ones(3), np.ones(4))  # shapes for which the kernel raises


def drawn(dice):
    """A register of up to six plugins: what each does, and which arguments it takes in which order."""
    names = [tuple(dice.sample(ARGUMENTS, dice.randint(0, 3))) for _ in range(dice.randint(0, 6))]
    return [(dice.choice((*ANSWERS, *WRAPPERS)), each) for each in names]


@pytest.mark.parametrize("seed", range(10))
def test_a_slot_behaves_as_the_hook_call_it_was_compiled_from(seed):
    dice = random.Random(seed)
    for _ in range(550):
        kinds, args = drawn(dice), dice.choice((GOOD, GOOD, BAD))
        compiled, by_pluggy = both(kinds, *args)
        assert compiled == by_pluggy, kinds


@settings(max_examples=50, deadline=None)
@given(st.lists(plugin_kinds, max_size=6), st.sampled_from([GOOD, BAD]))
def test_hypothesis_finds_no_smaller_one(kinds, args):
    compiled, by_pluggy = both(kinds, *args)
    assert compiled == by_pluggy


def test_calling_order_is_wrappers_then_plugins_then_the_kernel():
    kinds = [("declines", ("a",)), ("passes", ("b",)), ("answers", ("b", "a")), ("raises", ())]
    (out, log), _ = both(kinds, True, 10, 20)
    assert out == 3.0
    assert log == repr([(2, "passes", (20,)), (1, "declines", (10,)), (3, "answers", (20, 10)), (2, "after", 3.0)])
