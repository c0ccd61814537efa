"""Chapter 7, training: the loop, what happens around it, and how it survives being killed."""

from tinytorch.core.training.callbacks import Callback, EarlyStopping
from tinytorch.core.training.checkpoint import model_state, notes_of
from tinytorch.core.training.evaluation import accuracy, evaluate, evaluating
from tinytorch.core.training.trainer import Trainer

__all__ = [
    "Callback",
    "EarlyStopping",
    "Trainer",
    "accuracy",
    "evaluate",
    "evaluating",
    "model_state",
    "notes_of",
]
