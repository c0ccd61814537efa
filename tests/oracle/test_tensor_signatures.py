"""Tensor functions and methods take PyTorch's arguments: by the same names, in the same places, the same defaults."""

import inspect
from pathlib import Path

import pytest
from stubs import REQUIRED, overloads

import tinytorch
from tinytorch.core.tensor import Op, Tensor

torch = pytest.importorskip("torch")

FOLDER = Path(torch.__file__).parent / "_C"
NUMPYS = {"axis", "keepdims"}  # numpy's names beside dim and keepdim, in every reduction
OF_OPS = {"a": "input", "b": "other", "x": "input"}  # an op takes its own names for tensors, and PyTorch's

DIFFERENT = {
    "amax dim": "None is all, as in sum; PyTorch's () too",
    "amin dim": "as amax",
    "cumsum dim": "dim, or numpy's axis",
    "logsumexp dim": "as cumsum; without either, all",
    "log_softmax dim": "the last dimension, as in nn.functional",
    "log_softmax dtype": "keyword only, as in nn.functional",
    "softmax dim": "as log_softmax",
    "softmax dtype": "as log_softmax",
    "relu inplace": "as in nn.functional",
    "pow other": "an op, which takes exponent too",
    "dot other": "PyTorch's stub says tensor, its error messages other",
    "std correction": "PyTorch's None is 1 too",
    "var correction": "as std",
    "std unbiased": "keyword only: by place it would stand where keepdim stands in the other reductions",
    "var unbiased": "as std",
    "take_along_dim dim": "PyTorch's None flattens; here a dim is required",
    "tensor dtype": "keyword only, as PyTorch documents it",
    "tensor requires_grad": "as dtype",
    "requires_grad_ requires_grad": "PyTorch documents it so, its stub says mode",
    "split split_size_or_sections": "PyTorch documents it so, its stub says split_size",
}


def tables():
    yield "", tinytorch, overloads(FOLDER, "_VariableFunctions.pyi"), tinytorch.__all__
    names = [name for name in dir(Tensor) if not name.startswith("_")]
    yield "Tensor.", Tensor, overloads(FOLDER, "__init__.pyi", "TensorBase"), names


def public_names():
    for prefix, owner, known, names in tables():
        for name in names:
            member = getattr(owner, name)
            if name in known and callable(member) and not isinstance(member, type) and not is_twin(name):
                yield prefix + name


def is_twin(name):
    """Whether it is the in-place twin of a method, whose arguments it hands on."""
    return name.endswith("_") and name != "requires_grad_"


def arguments_of(function):
    """As the stubs tell PyTorch's: (name, place, default)."""
    if isinstance(function, Op):
        names = [OF_OPS.get(each, each) for each in function.arguments]
        return [(name, place, REQUIRED) for place, name in enumerate(names)]
    return [
        (
            each.name,
            None if each.kind is each.KEYWORD_ONLY else place,
            REQUIRED if each.default is each.empty else each.default,
        )
        for place, each in enumerate(inspect.signature(function).parameters.values())
        if each.kind is not each.VAR_POSITIONAL  # which nobody gives by name
    ]


def differences(name):
    """The arguments that no overload of PyTorch's has in this place with this default."""
    prefix, _, plain = name.rpartition(".")
    (owner, known) = next((owner, known) for start, owner, known, _ in tables() if start.rstrip(".") == prefix)
    for argument, place, default in arguments_of(getattr(owner, plain)):
        if argument in NUMPYS or (prefix and place == 0):
            continue
        if not any((argument, place, default) in overload for overload in known[plain]) and not is_optional(
            argument, place, default, known[plain]
        ):
            yield f"{plain} {argument}"


def is_optional(argument, place, default, known):
    """Whether one overload requires what another lacks, which Python says by a default."""
    having = [(argument, place, REQUIRED) in overload for overload in known]
    return default is not REQUIRED and any(having) and not all(having)


@pytest.mark.parametrize("name", list(public_names()))
def test_arguments_are_pytorchs(name):
    assert set(differences(name)) <= set(DIFFERENT)


def test_every_listed_difference_exists():
    assert set(DIFFERENT) <= {each for name in public_names() for each in differences(name)}
