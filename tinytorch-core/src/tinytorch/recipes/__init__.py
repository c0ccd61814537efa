"""Recipes: whole trainings by name, `digits-cnn` and others; `tinytorch train NAME` cooks one.

A recipe is plain data and functions, so a new one is a `Recipe(...)` and nothing else: `prepare` takes any, `register`
gives it a name on the command line. Read recipe, then chars, book, run and saved.
"""

from tinytorch.recipes.book import find, names, register
from tinytorch.recipes.recipe import Recipe
from tinytorch.recipes.run import Run, Settings, prepare, resume
from tinytorch.recipes.saved import SavedModel, load_model, save_model

__all__ = [
    "Recipe",
    "Run",
    "SavedModel",
    "Settings",
    "find",
    "load_model",
    "names",
    "prepare",
    "register",
    "resume",
    "save_model",
]
