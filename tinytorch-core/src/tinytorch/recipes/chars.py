"""The recipe `chars`: a GPT that foretells the next character of a text; and the text that it writes afterwards.

Its checkpoints note the vocabulary and the model's sizes: a file alone is enough to write from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tinytorch import datasets, models
from tinytorch.core import losses, training
from tinytorch.core.layers import Parameter
from tinytorch.core.optimizers import AdamW, CosineAnnealingLR, LinearLR, LRScheduler, Optimizer, SequentialLR
from tinytorch.core.tensor import Tensor
from tinytorch.core.tokenization import CharTokenizer
from tinytorch.core.transformers import LanguageModel
from tinytorch.datasets.text import Windows
from tinytorch.recipes.recipe import Recipe
from tinytorch.serialization import CheckpointError

CONTEXT = 64  # characters that the model looks at
SIZES: dict[str, Any] = {"max_length": CONTEXT, "layers": 4, "heads": 4, "width": 128}
WARM_UP = 0.05  # of all steps
SAMPLE_SEED = 0  # of its own, so that showing a text changes no training


def make_model(train: Windows) -> models.GPT:
    """Make the GPT for the vocabulary of a text."""
    return models.GPT(train.tokenizer.vocab_size, **SIZES)


def adamw(parameters: Iterable[Parameter], lr: float) -> Optimizer:
    """Make the optimizer, with the numbers of karpathy/nanoGPT's config/train_shakespeare_char.py."""
    return AdamW(parameters, lr=lr, betas=(0.9, 0.99), weight_decay=0.1)


def warm_cosine(optimizer: Optimizer, moves: int) -> LRScheduler:
    """Let the learning rate rise for a twentieth of the steps, then fall to 0 along half a cosine."""
    warm = math.ceil(WARM_UP * moves) or 1
    rising = LinearLR(optimizer, start_factor=1 / (warm + 1), total_iters=warm)
    return SequentialLR(optimizer, [rising, CosineAnnealingLR(optimizer, T_max=max(moves - warm, 1))], [warm])


def loss(scores: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of the next character: (batch, time, vocab), (batch, time) -> nats."""
    return losses.cross_entropy(scores.flatten(0, 1), targets.flatten())


def accuracy(scores: Tensor, targets: Tensor) -> float:
    """The share of next characters that had the largest score: (batch, time, vocab), (batch, time) -> 0 ... 1."""
    return training.accuracy(scores.flatten(0, 1), targets.flatten())


def note(train: Windows) -> dict[str, Any]:
    """Return what a checkpoint must know: the vocabulary and sizes to write with, and which text it was."""
    characters = train.tokenizer.decode(range(train.tokenizer.vocab_size))
    return {
        "characters": characters,
        "model": {"vocab_size": len(characters), **SIZES},
        "text": {"characters": len(train.text), "crc32": train.checksum},
    }


def sample(model: LanguageModel, train: Windows) -> str:
    """Write as much as the model can look at, after a line's end."""
    ids = beginning(train.tokenizer)
    written = model.generate(ids, CONTEXT - len(ids), temperature=0.8, seed=SAMPLE_SEED)
    return train.tokenizer.decode(written[0].tolist())


def beginning(tokenizer: CharTokenizer) -> list[int]:
    """Return the character before a text that has none: a line's end, or the vocabulary's first."""
    characters = tokenizer.decode(range(tokenizer.vocab_size))
    return [max(characters.find("\n"), 0)]


def load(path: str | Path) -> tuple[models.GPT, CharTokenizer]:
    """Return the model and the vocabulary of a checkpoint; raise CheckpointError where it holds none."""
    notes = training.notes_of(path)
    if "characters" not in notes:
        raise CheckpointError(f"{path} holds no text model: it is of a run with recipe {notes.get('recipe')}")
    state = training.model_state(path)
    try:
        tokenizer = CharTokenizer(notes["characters"])
        _check_sizes(notes["model"], state, tokenizer)
        model = models.GPT(**notes["model"])
        model.load_state_dict(state)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} notes a text model that cannot be: {error}") from error
    return model, tokenizer


def _check_sizes(sizes: Any, state: dict[str, Tensor], tokenizer: CharTokenizer) -> None:
    """Compare with the tensors that are there, before a model of any size is made."""
    shapes = [state[f"transformer.{name}.weight"].shape for name in ("wte", "wpe")]
    layers = len({name.split(".")[2] for name in state if name.startswith("transformer.h.")})
    noted = [(tokenizer.vocab_size, sizes["width"]), (sizes["max_length"], sizes["width"])]
    if shapes != noted or sizes["layers"] != layers or sizes["vocab_size"] != tokenizer.vocab_size:
        raise ValueError(f"the sizes {sizes} are not those of its tensors")


def continued(
    model: LanguageModel, ids: list[int], count: int, *, seed: int, eos: int | None, **options: Any
) -> Iterator[int]:
    """Yield up to `count` tokens after `ids`, also beyond what the model can look at; `eos` ends them and is not given.

    When the model's window is full it goes on from the later half, with the next seed.
    """
    if model.max_length < 2:
        raise ValueError(f"the model looks at {model.max_length} token, too few to go on from")
    while True:
        ids = ids[-(model.max_length // 2) :] if len(ids) >= model.max_length else ids
        fresh = min(count, model.max_length - len(ids))
        for (token,) in model.stream(ids, fresh, seed=seed, eos=eos, **options):
            if token == eos:
                return
            ids = [*ids, token]
            yield token
        count, seed = count - fresh, seed + 1
        if count <= 0:
            return


RECIPE = Recipe(
    name="chars",
    description="a small GPT that writes a text's characters (a text of your own, or simple sentences)",
    make_model=make_model,
    load_data=lambda path: datasets.characters(path, CONTEXT),
    epochs=5,
    batch_size=16,
    lr=1e-3,
    loss=loss,
    make_optimizer=adamw,
    make_scheduler=warm_cosine,
    scheduler_interval="step",
    metric=accuracy,
    held_out="validation",
    unit="tokens",
    units=CONTEXT,
    note=note,
    sample=sample,
)
