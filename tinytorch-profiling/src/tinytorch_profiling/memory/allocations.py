"""The arrays of a program that are alive: how many bytes by category, and which call made them.

They are held weakly, by the array that owns the memory, since views own none. numpy keeps blocks of less than 1 KiB for
the next small array and never gives them back, so that of these no allocation tells anything: they are not followed.
"""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any
from weakref import ref

import numpy as np

from tinytorch.core.module import Module
from tinytorch.core.optimizers import Optimizer
from tinytorch.core.tensor import Tensor
from tinytorch_profiling.events import Call
from tinytorch_profiling.memory.meter import Meter

CATEGORIES = ("parameters", "gradients", "optimizer state", "activations", "workspace", "other")
PARAMETERS, GRADIENTS, STATE, ACTIVATIONS, WORKSPACE, OTHER = range(len(CATEGORIES))
SMALL = 1024  # bytes; numpy/_core/src/multiarray/alloc.c, NBUCKETS


class Allocation(ref["np.ndarray[Any, Any]"]):
    """One array, weakly."""

    __slots__ = ("call", "category", "held", "key", "nbytes", "traced")

    key: int
    nbytes: int
    category: int
    call: Call | None  # that gave it
    held: bool  # from before the block
    traced: bool  # its memory is in tracemalloc's sum


class Allocations:
    """All arrays that were seen and are alive; `allocated` and `held` are bytes in the order of CATEGORIES."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.begun = False  # what comes before is from before the block
        self.allocated = [0] * len(CATEGORIES)
        self.held = [0] * len(CATEGORIES)
        self.held_at_start = [0] * len(CATEGORIES)
        self.given_back = 0  # by arrays from before the block, where tracemalloc had seen them
        self.alive: dict[int, Allocation] = {}
        self._dead: list[Allocation] = []
        self._at_death = self._died  # one for all: each would be made in a section of the meter and die outside

    def find_held(self) -> None:
        """Follow the arrays of all tensors that there are: what the block finds when it begins."""
        objects = gc.get_objects()
        tensors = [each for each in objects if issubclass(type(each), Tensor)]
        for each in objects:
            if issubclass(type(each), Module):
                self.note_module(each, recurse=False)
            elif issubclass(type(each), Optimizer):
                self.note_optimizer(each)
        for each in tensors:
            if each.is_leaf and each.grad is not None:
                self.note(each.grad.array, GRADIENTS)
        for each in tensors:
            self.follow(each.array, OTHER if each.is_leaf else ACTIVATIONS)

    def note_module(self, module: Module, *, recurse: bool = True) -> None:
        """Tell parameters and buffers, and gradients, from other arrays."""
        for parameter in module.parameters(recurse):
            self._note_parameter(parameter)
        for buffer in module.buffers(recurse):
            self.note(buffer.array, PARAMETERS)

    def note_optimizer(self, optimizer: Optimizer) -> None:
        """Tell parameters, gradients and state from other arrays."""
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                self._note_parameter(parameter)
        for state in optimizer.state.values():
            for value in state.values():
                if isinstance(value, Tensor):
                    self.note(value.array, STATE)

    def _note_parameter(self, parameter: Tensor) -> None:
        self.note(parameter.array, PARAMETERS)
        if parameter.grad is not None:
            self.note(parameter.grad.array, GRADIENTS)

    def note(self, array: Any, category: int) -> None:
        """Say of what category an array is, whatever was thought of it."""
        allocation = self.follow(array, category)
        if allocation is not None and allocation.category != category:
            self._count(allocation, -allocation.nbytes)
            allocation.category = category
            self._count(allocation, allocation.nbytes)

    def follow(self, array: Any, category: int, call: Call | None = None) -> Allocation | None:
        """Follow the array that owns this one's memory till it dies; one that is followed already stays as it is."""
        if type(array) is not np.ndarray:
            return None
        while type(array.base) is np.ndarray:
            array = array.base
        known = self.alive.get(id(array))
        if known is not None and known() is array:
            return known
        traced = tracemalloc.get_object_traceback(array) is not None
        held = not (self.begun and traced)
        if not held and (array.nbytes < SMALL or not array.flags.owndata):
            return None
        allocation = Allocation(array, self._at_death)
        allocation.key, allocation.nbytes, allocation.category = id(array), array.nbytes, category
        allocation.call, allocation.held, allocation.traced = call, held, traced
        self.alive[allocation.key] = allocation
        self._count(allocation, allocation.nbytes)
        return allocation

    def forget_dead(self) -> None:
        """Let go of what followed arrays that have died."""
        for allocation in self._dead:
            if self.alive.get(allocation.key) is allocation:
                del self.alive[allocation.key]
        self._dead.clear()

    def _count(self, allocation: Allocation, nbytes: int) -> None:
        if allocation.held:
            self.held[allocation.category] += nbytes
            self.held_at_start[allocation.category] += nbytes
        else:
            self.allocated[allocation.category] += nbytes

    def _died(self, allocation: Allocation) -> None:
        self.meter.aside(self._bury, allocation)

    def _bury(self, allocation: Allocation) -> None:
        self._dead.append(allocation)
        if not allocation.held:
            self.allocated[allocation.category] -= allocation.nbytes
            return
        self.held[allocation.category] -= allocation.nbytes
        if allocation.traced:
            self.given_back += allocation.nbytes
