"""Trying a plugin's ops against the core's kernels: values, derivatives, memory, state, threads.

An implementation is right where nobody can tell it from the core by anything but time and memory. What can be told is
a `Problem`, one sentence that names the op.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tinytorch import plugins
from tinytorch.core.tensor.op import Op
from tinytorch.plugins import Exactness, PluginError, registry
from tinytorch.plugins.exactness import declared
from tinytorch.plugins.process import process
from tinytorch.plugins.validation import implemented_ops
from tinytorch.testing import conduct, draw
from tinytorch.testing.arguments import arrays_in, copied, described, mapped
from tinytorch.testing.case import NEAR, Arguments, OpCase
from tinytorch.testing.comparison import arrays_of, difference, mismatch, same_bits
from tinytorch.testing.inputs import Input, inputs
from tinytorch.testing.slopes import slopes
from tinytorch.testing.table import OP_CASES, cases_for
from tinytorch.types import Array, Kernel

DRAWS = 16
GRADIENT_DRAWS = 4
COMPOSED = 10.0  # times an op's own distance: a derivative is a composition of a few ops


class Problem(NamedTuple):
    """One way in which an implementation can be told from the core's."""

    op: str
    check: str  # answers, derivatives, inputs, memory, repetition, state, warnings, threads, leaks, declaration
    message: str

    def __str__(self) -> str:
        return f"{self.op}: {self.message}"


@dataclass
class Examination:
    """What was found out about an op."""

    op: str
    tried: int = 0
    difference: float = 0.0  # the largest, in units of the core's largest number
    problems: list[Problem] = field(default_factory=list)

    def note(self, check: str, message: str) -> None:
        """Add a problem; of one check the first is enough."""
        if all(each.check != check for each in self.problems):
            self.problems.append(Problem(self.op, check, message))


def examine(plugin: str, ops: Sequence[str] | None = None, draws: int = DRAWS, seed: int = 0) -> Iterator[Examination]:
    """Try the ops that a plugin implements, or these, one after the other.

    Derivatives are tried of every op, since a plugin's ops serve in those of others; of a plugin without ops, nothing.
    """
    for op in ops or ():
        registry.find(op)
    mine = implementations(plugin)
    exact = all(_is_exact(function) for function in mine.values())
    for op in dict.fromkeys(case.op for case in OP_CASES) if mine else ():
        if ops is not None and op not in ops:
            continue
        found = Examination(op)
        if op in mine:
            _try_declaration(found, mine[op])
            _try_values(found, plugin, mine[op], draws, seed)
        _try_derivatives(found, plugin, exact, min(draws, GRADIENT_DRAWS), seed)
        yield found


def check_plugin(plugin: str, ops: Sequence[str] | None = None, draws: int = DRAWS, seed: int = 0) -> None:
    """Raise AssertionError that lists every way in which a plugin can be told from the core.

    `draws` small inputs are drawn for each op and dtype, and some of every other kind; a seed gives the same ones.
    """
    problems = [problem for found in examine(plugin, ops, draws, seed) for problem in found.problems]
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise AssertionError(f"plugin '{plugin}' can be told from the core:\n{lines}")


def implementations(plugin: str) -> dict[str, Any]:
    """The functions of a plugin by the op that they implement; the plugin is loaded."""
    with plugins.using(plugin):
        return dict(implemented_ops(process.state.plugins[plugin]))


def answering(plugin: str, op: str) -> Kernel:
    """The callable that answers an op where the plugin alone is enabled."""
    with plugins.using(plugin):
        return getattr(plugins.table, op)


def contract(case: OpCase, dtype: str) -> Exactness:
    """How far an answer of this dtype may be from the core's, whatever an implementation declares."""
    return Exactness(*case.tolerance.get(dtype, (0.0, 0.0)))


def allowed(case: OpCase, function: Any, dtype: str) -> Exactness:
    """How far an implementation's answers may be: what it declares, but no further than the contract."""
    own = (declared(function) or {}).get(dtype)
    limit = contract(case, dtype)
    return limit if own is None else Exactness(min(own.rtol, limit.rtol), min(own.atol, limit.atol))


def _is_exact(function: Any) -> bool:
    distances = declared(function)
    return distances is not None and all(each == (0.0, 0.0) for each in distances.values())


def _try_declaration(found: Examination, function: Any) -> None:
    for dtype, own in (declared(function) or {}).items():
        limit = max((contract(case, dtype) for case in cases_for(found.op) if dtype in case.tolerance), default=None)
        if limit is not None and (own.rtol > limit.rtol or own.atol > limit.atol):
            found.note("declaration", f"declares to be {own} in {dtype}, the op's contract is {limit}")


def _try_values(found: Examination, plugin: str, function: Any, draws: int, seed: int) -> None:
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


def _try_derivatives(found: Examination, plugin: str, exact: bool, draws: int, seed: int) -> None:
    """First derivatives as training takes them, and second ones, of the op composed as it is."""
    for case in cases_for(found.op):
        if case.declared().derivative is None or case.order == 0:
            continue
        for dtype in [each for each in case.dtypes if np.dtype(each).kind == "f"]:
            rng = np.random.default_rng([seed, 1])
            distance = Exactness() if exact else Exactness(*[COMPOSED * each for each in NEAR[dtype]])
            for _ in range(draws):
                arguments = case.sample(rng, np.dtype(dtype))
                _try_slopes(found, plugin, case, arguments, distance)


def _try_slopes(found: Examination, plugin: str, case: OpCase, arguments: Arguments, distance: Exactness) -> None:
    function, arrays = case.differentiable(arguments)
    with plugins.using():
        core = slopes(function, arrays, case.order)

    def precisely() -> list[Array]:
        with plugins.using():
            return slopes(function, [array.astype(np.float64) for array in arrays], case.order)

    with plugins.using(plugin):
        try:
            mine = slopes(function, arrays, case.order)
        except Exception as error:  # noqa: BLE001  whatever a plugin raises is the finding
            found.note("derivatives", f"raises {type(error).__name__}: {error} ({described(arguments)})")
            return
    found.tried += 1
    if message := mismatch(mine, core, distance, precisely):
        found.note("derivatives", f"its derivatives: {message} ({described(arguments)})")
    found.difference = max(found.difference, difference(mine, core))


def quietly(call: Kernel, arguments: Arguments) -> Any:
    """The answer of a call without numpy's warnings: inf and nan are what it was asked for."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*arguments)


def precisely(op: Op, arguments: Arguments) -> Callable[[], Sequence[Any]] | None:
    """The core's answer in float64, asked for where float32 answers differ: till then nobody may write arguments."""
    if not any(each.dtype == np.float32 for each in arrays_in(arguments)):
        return None

    def wide(array: Array) -> Array:
        return array.astype(np.float64) if array.dtype == np.float32 else array

    return lambda: arrays_of(quietly(op.kernel, mapped(wide, arguments)))
