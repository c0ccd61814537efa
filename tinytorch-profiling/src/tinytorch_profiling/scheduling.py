"""Which steps of a long program a profile looks at."""

from __future__ import annotations

from typing import NamedTuple


class Schedule(NamedTuple):
    """Steps in turn: some that are waited for, some that warm up, some that are recorded; `repeat` rounds, 0 for ever.

    Steps that warm up are not recorded: they are told apart from waiting for a reader's sake, and PyTorch's.
    """

    wait: int
    warmup: int
    active: int
    repeat: int = 0
    skip_first: int = 0

    def active_at(self, step: int) -> bool:
        """Whether a step, counted from 0, is recorded."""
        round_, place = self._place(step)
        return round_ >= 0 and (not self.repeat or round_ < self.repeat) and place >= self.wait + self.warmup

    def begins_at(self, step: int) -> bool:
        """Whether the recording of a round begins with this step."""
        return self.active_at(step) and self._place(step)[1] == self.wait + self.warmup

    def _place(self, step: int) -> tuple[int, int]:
        """The round, and the place in it."""
        return divmod(step - self.skip_first, self.wait + self.warmup + self.active)


def schedule(*, wait: int = 0, warmup: int = 0, active: int = 1, repeat: int = 0, skip_first: int = 0) -> Schedule:
    """Make a schedule of steps for `profile`, as PyTorch's; raise ValueError for what cannot be one."""
    given = Schedule(wait, warmup, active, repeat, skip_first)
    for name, value in given._asdict().items():
        least = 1 if name == "active" else 0
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"schedule: expected {name} as a whole number of {least} or more, got {value!r}")
    return given
