"""The recipes by name: those that come with the core, and those that somebody registers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tinytorch import datasets, models
from tinytorch.core.dataloader import Dataset
from tinytorch.plugins.registry import did_you_mean
from tinytorch.recipes import chars
from tinytorch.recipes.recipe import Recipe

Data = tuple[Dataset, Dataset]


def register(recipe: Recipe) -> None:
    """Make a recipe known by its name; one that is taken raises ValueError."""
    if recipe.name in _BOOK:
        raise ValueError(f"register: there is a recipe '{recipe.name}' already")
    _BOOK[recipe.name] = recipe


def names() -> list[str]:
    """Return the names of all recipes, the simplest first."""
    return [*_BOOK]


def find(name: str) -> Recipe:
    """Return the recipe of that name; raise ValueError that says what there is."""
    if name not in _BOOK:
        raise ValueError(f"there is no recipe '{name}' (there are {', '.join(_BOOK)}){did_you_mean(name, _BOOK)}")
    return _BOOK[name]


def _packed(load: Callable[[], Data]) -> Callable[[Path | None], Data]:
    """Make what loads data that comes with the core; a path for it is a mistake."""

    def loaded(path: Path | None) -> Data:
        if path is not None:
            raise datasets.DatasetError(f"this recipe's data comes with the core: it reads none from {path}")
        return load()

    return loaded


_BOOK: dict[str, Recipe] = {}

register(
    Recipe(
        name="xor",
        description="exclusive or, the function that no single layer can compute",
        make_model=lambda train: models.mlp(2, 16, 2),
        load_data=_packed(datasets.xor),
        epochs=200,
        batch_size=4,
        lr=0.05,
    )
)
register(
    Recipe(
        name="digits-mlp",
        description="1797 real handwritten digits, 8 × 8 pixels, with a perceptron",
        make_model=lambda train: models.mlp(64, 128, 10),
        load_data=_packed(datasets.digits),
        epochs=30,
        batch_size=32,
        lr=2e-3,
    )
)
register(
    Recipe(
        name="digits-cnn",
        description="the same digits with a small convolutional network",
        make_model=lambda train: models.digits_cnn(),
        load_data=_packed(datasets.digits),
        epochs=20,
        batch_size=32,
        lr=2e-3,
    )
)
register(
    Recipe(
        name="fashion-cnn",
        description="70,000 pictures of clothes, 28 × 28 pixels (Fashion-MNIST, read from a folder)",
        make_model=lambda train: models.fashion_cnn(),
        load_data=datasets.fashion_mnist,
        epochs=5,
        batch_size=64,
        lr=2e-3,
    )
)
register(chars.RECIPE)
