"""Trying an op's answers: values, and what a call leaves behind: in its inputs, in memory, in state, in threads."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
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
from tinytorch.testing.inputs import Input, inputs
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
                    _try_input(found, call, case, given, allowed(case, function, dtype))
    if not any(each.check == "answers" for each in found.problems):
        rng = np.random.default_rng(seed)
        with draw.large():
            some = [cases[0].sample(rng, np.dtype(cases[0].dtypes[0])) for _ in range(conduct.THREADS)]
        _try_often(found, call, cases[0].declared(), some)


def _try_input(found: Examination, call: Kernel, case: OpCase, given: Input, distance: Exactness) -> None:
    """One call, all that it leaves behind, and the same call again."""
    op, arguments = case.declared(), given.arguments
    found.tried += 1
    expected_arguments = copied(arguments) if op.inplace else arguments
    core = quietly(op.kernel, expected_arguments)
    before = [array.copy() for array in arrays_in(arguments)]
    label = f"({given.kind} input: {described(arguments)})"
    precise = precisely(op, copied(arguments)) if given.kind == "large" and not op.inplace else None
    mine = _answer(found, call, arguments, given, label)
    if mine is FAILED:
        return
    if op.inplace:
        _try_written(found, op, arguments, expected_arguments, before, distance, label)
        return
    for place in conduct.unequal(arrays_in(arguments), before):
        found.note("inputs", f"writes its input number {place} {label}")
        np.copyto(arrays_in(arguments)[place], before[place])
    if not op.view and conduct.share_memory(arrays_of(mine), arrays_in(arguments)):
        found.note("memory", f"gives the memory of an input {label}")
    if message := mismatch(mine, core, distance, precise, overflows=given.kind == "huge"):
        found.note("answers", f"{message} {label}")
    found.difference = max(found.difference, difference(mine, core))
    _try_again(found, call, op, arguments, mine, label)


FAILED = object()


def _answer(found: Examination, call: Kernel, arguments: Arguments, given: Input, label: str) -> Any:
    """The answer of a call, with what it changed or told noted."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        state = conduct.global_state()
        try:
            mine = call(*arguments) if given.ordinary else quietly(call, arguments)
        except Exception as error:  # noqa: BLE001  whatever a plugin raises is the finding
            found.note("answers", f"raises {type(error).__name__}: {error} {label}")
            mine = FAILED
        for name in conduct.changed_state(state):
            found.note("state", f"changes {name} {label}")
    np.seterr(**state["numpy's error state"])  # so that what comes next is not its doing
    if told and given.ordinary:
        found.note("warnings", f"warns: {told[0].message} {label}")
    return mine


def _try_written(
    found: Examination,
    op: Op,
    arguments: Arguments,
    expected: Arguments,
    before: Sequence[Array],
    distance: Exactness,
    label: str,
) -> None:
    """After an in-place op: what the core writes must be as the core writes it, all else as it was."""
    triples = zip(arrays_in(arguments), arrays_in(expected), before, strict=True)
    for place, (mine, core, old) in enumerate(triples):
        if same_bits(core, old):
            if not same_bits(mine, old):
                found.note("inputs", f"writes its input number {place}, which is not its to write {label}")
        elif message := mismatch(mine, core, distance):
            found.note("answers", f"{message} in input number {place} {label}")
        found.difference = max(found.difference, difference(mine, core))


def _try_again(found: Examination, call: Kernel, op: Op, arguments: Arguments, mine: Any, label: str) -> None:
    """The same call gives the same bits, in other memory."""
    again = quietly(call, arguments)
    if mismatch(arrays_of(mine), arrays_of(again), Exactness()):
        found.note("repetition", f"gives something else when it is asked again {label}")
    if not op.view and conduct.share_memory(arrays_of(mine), arrays_of(again)):
        found.note("memory", f"gives the memory of an earlier answer {label}")


def _try_often(found: Examination, call: Kernel, op: Op, drawn: Sequence[Arguments]) -> None:
    """Calls in several threads give what they give in one; calls leave no memory behind."""
    alone = [_after(op, call, copied(each)) for each in drawn]
    together = conduct.in_threads(lambda *arguments: _after(op, call, arguments), [copied(x) for x in drawn])
    if any(mismatch(a, b, Exactness()) for a, b in zip(together, alone, strict=True)):
        found.note("threads", "gives something else in several threads at once")
    largest = max(drawn, key=lambda each: sum(array.nbytes for array in arrays_in(each)))
    kept = quietly(conduct.leaked_bytes, (partial(call, *largest),))
    if kept > conduct.KEPT:
        found.note("leaks", f"keeps {kept:.0f} bytes of every call ({described(largest)})")


def _after(op: Op, call: Kernel, arguments: Arguments) -> Any:
    """What a call gives, or has written."""
    answer = quietly(call, arguments)
    return arrays_in(arguments) if op.inplace else answer
