"""Streams: the random numbers that a run draws, from the process's generator and from those that its batches have.

The order of an epoch is drawn when it begins, so that a run which goes on in the middle of one needs each generator's
state of that moment, to draw the same order, and its state of now.
"""

from __future__ import annotations

from typing import Any

from tinytorch.core.tensor.random import Generator, default_generator

State = dict[str, Any]
HELD_AS = ("generator", "dataset", "transform")  # where a loader, a dataset and a transform keep what they draw from


class Streams:
    """The process's generator, and after it those of the batches, in the order in which they are found."""

    def __init__(self) -> None:
        self.own: list[Generator] = []
        self.waiting: list[State] = []  # a checkpoint's, for the generators of batches that are not known yet

    def get_state(self) -> list[State]:
        """Where each stream stands."""
        return [default_generator.get_state(), *(self.waiting or [each.get_state() for each in self.own])]

    def set_state(self, states: list[State]) -> None:
        """Go on from there; the batches' generators when they are known."""
        default_generator.set_state(states[0])
        self.waiting = states[1:]

    def attach(self, own: list[Generator]) -> None:
        """Know the batches' generators, and bring them to the states that wait for them."""
        self.own = own
        if self.waiting:
            self.rewind([default_generator.get_state(), *self.waiting])
        self.waiting = []

    def rewind(self, states: list[State]) -> None:
        """Bring every stream to a state."""
        for generator, state in zip([default_generator, *self.own], states, strict=True):
            generator.set_state(state)


def generators_of(*batches: object) -> list[Generator]:
    """Return the generators of loaders, of their datasets and of the transforms in these, each once.

    Found is what is kept under the name `generator`, in the object or in its `dataset`, `transform` and `transforms`.
    """
    found: dict[int, object] = {}
    ahead = list(batches)
    while ahead:
        part = ahead.pop(0)
        if id(part) not in found:
            found[id(part)] = part
            ahead += _held(part)
    return [each for each in found.values() if isinstance(each, Generator) and each is not default_generator]


def _held(part: object) -> list[object]:
    kept = getattr(part, "__dict__", {})  # no class of ours: whatever a person made
    several = kept.get("transforms", ())
    return [kept[name] for name in HELD_AS if name in kept] + (
        list(several) if isinstance(several, (list, tuple)) else []
    )
