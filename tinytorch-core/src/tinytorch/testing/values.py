"""Trying an op's answers: values, and what a call leaves behind: in its inputs, in memory, in state, in threads."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from tinytorch.core.tensor.op import Op
from tinytorch.plugins import Exactness, PluginError
from tinytorch.plugins.exactness import declared
from tinytorch.testing import conduct, draw
from tinytorch.testing.arguments import arrays_in, copied, described
from tinytorch.testing.case import Arguments, OpCase
from tinytorch.testing.comparison import arrays_of, difference, mismatch, same_bits
from tinytorch.testing.finding import Examination
from tinytorch.testing.inputs import Input, inputs, turn_around
from tinytorch.testing.reference import allowed, answering, contract, precisely, quietly
from tinytorch.testing.table import cases_for
from tinytorch.types import Array, Kernel


def try_declaration(found: Examination, function: Any) -> None:
    """Note what an implementation declares beyond the op's contract."""
    for dtype, own in (declared(function) or {}).items():
        limit = max((contract(case, dtype) for case in cases_for(found.op) if dtype in case.tolerance), default=None)
        if limit is not None and (own.rtol > limit.rtol or own.atol > limit.atol):
            found.note("declaration", f"declares to be {own} in {dtype}, the op's contract is {limit}")


def try_values(found: Examination, plugin: str, function: Any, draws: int, seed: int) -> None:
    """Try an op on all kinds of inputs: each by itself, then in threads and often."""
    try:
        call = answering(plugin, found.op)
    except PluginError as error:
        found.note("answers", str(error))
        return
    cases = cases_for(found.op)
    for case in cases:
        for dtype in case.dtypes:
            with conduct.unusual_dice():
                for given in inputs(case, dtype, draws, seed):
                    _try_input(found, call, case, given, allowed(case, function, given.dtype))
    if any(each.check == "answers" for each in found.problems):
        return
    with ThreadPoolExecutor(conduct.THREADS) as pool:
        for case in cases:
            for dtype in case.dtypes:
                _try_often(found, pool, call, case, dtype, seed)


def _try_input(found: Examination, call: Kernel, case: OpCase, given: Input, distance: Exactness) -> None:
    """One call, all that it leaves behind, and the same call again."""
    op, arguments = case.declared(), given.arguments
    found.tried += 1
    expected = copied(arguments) if op.inplace else arguments
    before = [array.copy() for array in arrays_in(arguments)]
    label = f"({given.kind} input: {described(arguments)})"
    precise = precisely(op, copied(arguments) if op.inplace else arguments)
    core, core_warns = _core(op, expected)
    mine = _answer(found, call, arguments, core_warns, label)
    if mine is FAILED:
        return
    if op.inplace:
        core, mine = arrays_in(expected), _written(found, arguments, expected, before, label)
    else:
        _try_inputs(found, arguments, before, label)
        if not op.view and conduct.share_memory(arrays_of(mine), arrays_in(arguments)):
            found.note("memory", f"gives the memory of an input {label}")
    if message := mismatch(mine, core, distance, precise, overflows=given.kind in ("huge", "float16")):
        found.note("answers", f"{message} {label}")
    found.difference = max(found.difference, difference(mine, core))
    if not op.inplace:
        _try_again(found, call, op, arguments, mine, label)
    if given.kind in ("small", "large"):
        _try_refilled(found, call, op, arguments, distance, label)


def _try_inputs(found: Examination, arguments: Arguments, before: Sequence[Array], label: str) -> None:
    """What an op takes stays as it was; where it does not, it is mended for what comes next."""
    for place in conduct.unequal(arrays_in(arguments), before):
        found.note("inputs", f"writes its input number {place} {label}")
        np.copyto(arrays_in(arguments)[place], before[place])


def _written(
    found: Examination, arguments: Arguments, expected: Arguments, before: Sequence[Array], label: str
) -> list[Array]:
    """The arrays of an in-place op after the call; what the core leaves as it was must be so, and is mended."""
    mine = arrays_in(arguments)
    for place, (core, old) in enumerate(zip(arrays_in(expected), before, strict=True)):
        if not same_bits(core, old):
            continue
        if not same_bits(mine[place], old):
            found.note("inputs", f"writes its input number {place}, which is not its to write {label}")
        mine[place] = core
    return mine


FAILED = object()


def _answer(found: Examination, call: Kernel, arguments: Arguments, core_warns: bool, label: str) -> Any:
    """The answer of a call, with what it changed or told noted."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        state = conduct.global_state()
        try:
            mine = call(*arguments)
        except Exception as error:  # noqa: BLE001  whatever a plugin raises is the finding
            found.note("answers", f"raises {type(error).__name__}: {error} {label}")
            mine = FAILED
        for name in conduct.changed_state(state):
            found.note("state", f"changes {name} {label}")
    np.seterr(**state["numpy's error state"])  # so that what comes next is not its doing
    if told and not core_warns:
        found.note("warnings", f"warns: {told[0].message} {label}")
    return mine


def _core(op: Op, arguments: Arguments) -> tuple[Any, bool]:
    """The core's answer, and whether it warns of something."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        return op.kernel(*arguments), bool(told)


def _try_again(found: Examination, call: Kernel, op: Op, arguments: Arguments, mine: Any, label: str) -> None:
    """The same call gives the same bits, in other memory."""
    again = quietly(call, arguments)
    if mismatch(arrays_of(mine), arrays_of(again), Exactness()):
        found.note("repetition", f"gives something else when it is asked again {label}")
    if not op.view and conduct.share_memory(arrays_of(mine), arrays_of(again)):
        found.note("memory", f"gives the memory of an earlier answer {label}")


def _try_refilled(
    found: Examination, call: Kernel, op: Op, arguments: Arguments, distance: Exactness, label: str
) -> None:
    """The same arrays with other numbers in them: nobody remembers an array by its name or place."""
    if op.inplace:  # has just written other numbers into them
        expected = copied(arguments)
    else:
        turn_around(op, arguments)
        expected = arguments
    precise = precisely(op, copied(arguments) if op.inplace else arguments)
    core, mine = quietly(op.kernel, expected), quietly(call, arguments)
    if op.inplace:
        core, mine = arrays_in(expected), arrays_in(arguments)
    if message := mismatch(mine, core, distance, precise):
        found.note("repetition", f"{message}, where the same arrays hold other numbers than before {label}")


def _try_often(found: Examination, pool: ThreadPoolExecutor, call: Kernel, case: OpCase, dtype: str, seed: int) -> None:
    """Calls in several threads give what they give in one; calls leave no memory behind, and answers alone."""
    op, rng = case.declared(), np.random.default_rng(seed)
    few = case.sample(rng, np.dtype(dtype))
    with draw.large():
        many = [case.sample(rng, np.dtype(dtype)) for _ in range(conduct.THREADS)]
    alone = [_after(op, call, copied(each)) for each in many]
    together = conduct.in_threads(lambda *arguments: _after(op, call, arguments), [copied(x) for x in many], pool)
    if any(mismatch(a, b, Exactness()) for a, b in zip(together, alone, strict=True)):
        found.note("threads", "gives something else in several threads at once")
    largest = max(many, key=lambda each: sum(array.nbytes for array in arrays_in(each)))
    for arguments in (few, largest) if dtype == case.dtypes[0] else (few,):
        _try_held(found, call, op, arguments)
        kept = quietly(conduct.leaked_bytes, (partial(call, *arguments),))
        if kept > conduct.KEPT:
            found.note("leaks", f"keeps {kept:.0f} bytes of every call ({described(arguments)})")


def _try_held(found: Examination, call: Kernel, op: Op, arguments: Arguments) -> None:
    """Answers that a caller keeps stay as they were, each in memory of its own."""
    if op.inplace or op.view:
        return
    first = arrays_of(quietly(call, arguments))
    before = copied(tuple(first))
    held = [first, *[arrays_of(quietly(call, arguments)) for _ in range(conduct.HELD - 1)]]
    apart = not any(conduct.share_memory(held[i], held[k]) for i in range(len(held)) for k in range(i))
    if not apart or mismatch(first, list(before), Exactness()):
        found.note("memory", f"gives the memory of an earlier answer again ({described(arguments)})")


def _after(op: Op, call: Kernel, arguments: Arguments) -> Any:
    """What a call gives, or has written."""
    answer = quietly(call, arguments)
    return arrays_in(arguments) if op.inplace else answer
