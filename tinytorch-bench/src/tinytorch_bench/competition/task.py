"""The tasks: each event's baseline, made in the same run, what is timed of a model, and how good it is.

Baselines are trained by the core alone from a fixed seed, so that everybody begins with the same weights but for the
last bits of a machine's BLAS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch import Tensor, datasets, from_numpy, models, nn, plugins, recipes
from tinytorch.core.dataloader import DataLoader, Dataset, Subset
from tinytorch.datasets import DatasetError
from tinytorch.recipes import Recipe, chars
from tinytorch_bench.competition.event import DECATHLON, EVENTS, PROMPTS, ROWS, WRITTEN, Event
from tinytorch_bench.timing import Call

BATCH = 32
EXAMPLES = 16  # batches for transforms that calibrate
FASHION = (6000, 2000)  # images to learn from, and to be tested on
BOS = 1  # llama2.c's
CONTEXT = 64
GPT_SIZES: dict[str, Any] = {"max_length": CONTEXT, "layers": 2, "heads": 4, "width": 64}


@dataclass(frozen=True)
class Task:
    """An event made ready."""

    event: Event
    model: nn.Module  # the baseline
    calls: Callable[[Any], dict[str, Call]]  # of a model, by discipline
    correct: Callable[[Any], int]  # of the event's samples
    examples: Callable[[], Iterable[Tensor]]  # inputs that were learned from


def find(name: str, data: Path | None) -> Event:
    """Find the event's track: the one that needs no data, or the one that reads it."""
    tracks = [event for event in EVENTS.values() if name in (event.name, event.key)]
    fitting = [event for event in tracks if bool(event.data) == (data is not None)]
    if not tracks:
        raise ValueError(f"there is no event '{name}'; there are {', '.join(EVENTS)}")
    if not fitting:
        needs = f"needs --data, {tracks[0].data}" if data is None else "reads no data: leave --data out"
        raise ValueError(f"the event '{name}' {needs}")
    return fitting[0]


def prepare(event: Event, data: Path | None = None) -> Task:
    """Make the baseline and all that is measured with it, by the core alone."""
    with plugins.using():
        return TASKS[event.key](event, data)


def _mlp_sprint(event: Event, data: Path | None) -> Task:
    run = _trained(recipes.find("digits-mlp"), epochs=20)
    train, test = datasets.digits()
    image = test.tensors[0][:1]
    return Task(event, run, lambda model: {"one image": lambda: model(image)}, _right(test), _examples(train))


def _marathon(event: Event, recipe: Recipe, epochs: int) -> Task:
    train, test = recipe.load_data(None)
    batches = [inputs for inputs, _ in DataLoader(test, BATCH)]

    def calls(model: Any) -> dict[str, Call]:
        return {"all images": lambda: [model(inputs) for inputs in batches]}

    return Task(event, _trained(recipe, epochs), calls, _right(test), _examples(train))


def _digits_marathon(event: Event, data: Path | None) -> Task:
    return _marathon(event, recipes.find("digits-cnn"), epochs=10)


def _fashion_marathon(event: Event, data: Path | None) -> Task:
    train, test = datasets.fashion_mnist(data)
    parts = Subset(train, range(FASHION[0])), Subset(test, range(FASHION[1]))
    return _marathon(event, replace(recipes.find("fashion-cnn"), load_data=lambda path: parts), epochs=2)


def _characters(event: Event, data: Path | None) -> Task:
    recipe = replace(chars.RECIPE, make_model=lambda train: models.GPT(train.tokenizer.vocab_size, **GPT_SIZES))
    train, test = datasets.characters(None, CONTEXT)
    tokens = test.tensors[0][:8].numpy()
    model = _trained(recipe, epochs=2, lr=3e-3)
    return Task(event, model, _decathlon(tokens), _right(test), _examples(train))


def _stories(event: Event, data: Path | None) -> Task:
    assert data is not None
    model = models.load_llama2c(data / "stories260K.bin")
    try:
        ids = np.array([BOS, *json.loads((data / "greedy_ids.json").read_text())], np.int64)
    except (OSError, ValueError, TypeError) as error:
        raise DatasetError(f"{data / 'greedy_ids.json'}: expected the tokens of stories260K: {error}") from error
    tokens = np.stack([ids[8 * row : 8 * row + CONTEXT] for row in range(8)])
    inputs, targets = ids[None, :-1], ids[None, 1:]

    def correct(net: Any) -> int:
        return int((net(from_numpy(inputs)).numpy().argmax(-1) == targets).sum())

    return Task(event, model, _decathlon(tokens), correct, lambda: [from_numpy(tokens)])


TASKS: dict[str, Callable[[Event, Path | None], Task]] = {
    "mlp-sprint/digits": _mlp_sprint,
    "cnn-marathon/digits": _digits_marathon,
    "cnn-marathon/fashion-mnist": _fashion_marathon,
    "transformer-decathlon/characters": _characters,
    "transformer-decathlon/stories260k": _stories,
}


def _trained(recipe: Recipe, epochs: int, lr: float | None = None) -> nn.Module:
    run = recipes.prepare(recipe, epochs=epochs, lr=lr)
    run.fit()
    return run.trainer.model.eval()


def _right(test: Dataset) -> Callable[[Any], int]:
    """Make what counts how often a model's largest score is the target's."""

    def correct(model: Any) -> int:
        pairs = ((model(inputs).numpy().argmax(-1), targets.numpy()) for inputs, targets in DataLoader(test, 256))
        return sum(int((mine == right).sum()) for mine, right in pairs)

    return correct


def _examples(train: Dataset) -> Callable[[], Iterable[Tensor]]:
    def batches() -> Iterator[Tensor]:
        for inputs, _ in DataLoader(Subset(train, range(min(len(train), EXAMPLES * BATCH))), BATCH):
            yield inputs

    return batches


def _decathlon(tokens: Any) -> Callable[[Any], dict[str, Call]]:
    """Make the timed disciplines from tokens (8, 48 or more)."""

    def calls(model: Any) -> dict[str, Call]:
        def ask(rows: int, time: int) -> Call:
            given = from_numpy(np.ascontiguousarray(tokens[:rows, :time]))
            return lambda: model(given)

        def write(count: int) -> Call:
            return lambda: model.generate(tokens[0, :1].tolist(), count, temperature=0.0)

        made = [ask(1, time) for time in PROMPTS] + [ask(8, time) for time in ROWS] + [write(n) for n in WRITTEN]
        return dict(zip(DECATHLON, made, strict=True))

    return calls
