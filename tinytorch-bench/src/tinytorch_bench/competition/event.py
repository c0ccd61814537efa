"""The events: what is asked, and what a submission to them must look like.

A track is an event on one set of data; tracks are ranked apart. When anything here changes that a score depends on, the
track's version does, too.
"""

from __future__ import annotations

from dataclasses import dataclass

CLOSED, OPEN = "closed", "open"
DIVISIONS = (CLOSED, OPEN)
SIZE = "size"  # the discipline that no clock is needed for


@dataclass(frozen=True)
class Event:
    """A track of an event."""

    name: str
    track: str
    title: str
    task: str
    disciplines: tuple[str, ...]  # which are timed
    sized: bool  # whether size is one more
    samples: int  # on which quality is measured
    gate: float  # least share of them that must be right
    bytes: int  # of the baseline
    slowest: float  # seconds of a baseline's call on the slowest machine that is believed
    data: str = ""  # what `--data` has to name, if anything
    version: int = 1

    @property
    def key(self) -> str:
        """Its name in files and on the command line."""
        return f"{self.name}/{self.track}"


PROMPTS = (1, 4, 16, 48)  # tokens
ROWS = (16, 48)  # tokens of eight prompts at once
WRITTEN = (4, 12, 32)  # tokens
DECATHLON = (
    *(f"a prompt of {time}" for time in PROMPTS),
    *(f"eight prompts of {time}" for time in ROWS),
    *(f"write {count}" for count in WRITTEN),
)

EVENTS = {
    event.key: event
    for event in (
        Event(
            "mlp-sprint",
            "digits",
            "MLP sprint",
            "one 8 × 8 digit through a perceptron of 64-128-10, as soon as possible",
            ("one image",),
            sized=False,
            samples=359,
            gate=0.965,
            bytes=38_440,
            slowest=0.1,
        ),
        Event(
            "cnn-marathon",
            "digits",
            "CNN marathon",
            "all 359 held-out digits through a convolutional network, in batches of 32",
            ("all images",),
            sized=False,
            samples=359,
            gate=0.965,
            bytes=153_128,
            slowest=10.0,
        ),
        Event(
            "cnn-marathon",
            "fashion-mnist",
            "CNN marathon",
            "2000 test images of Fashion-MNIST through a convolutional network, in batches of 32",
            ("all images",),
            sized=False,
            samples=2000,
            gate=0.79,
            bytes=827_688,
            slowest=100.0,
            data="the folder of Fashion-MNIST's four files",
        ),
        Event(
            "transformer-decathlon",
            "characters",
            "Transformer decathlon",
            "prompts, rows of prompts and writing with a small GPT of characters, and its size: ten ratios",
            DECATHLON,
            sized=True,
            samples=138 * 64,
            gate=0.66,
            bytes=423_424,
            slowest=10.0,
        ),
        Event(
            "transformer-decathlon",
            "stories260k",
            "Transformer decathlon",
            "prompts, rows of prompts and writing with stories260K, a trained Llama, and its size: ten ratios",
            DECATHLON,
            sized=True,
            samples=199,
            gate=0.97,
            bytes=1_040_128,
            slowest=10.0,
            data="the folder with stories260K.bin and greedy_ids.json",
        ),
    )
}
NAMES = tuple(dict.fromkeys(event.name for event in EVENTS.values()))
