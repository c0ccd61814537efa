"""Our functions and classes take PyTorch's arguments: by the same names, in the same places, with the same defaults."""

import inspect

import pytest

import tinytorch

torch = pytest.importorskip("torch")

BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
DEPRECATED = {"size_average", "reduce"}  # PyTorch's losses say since 2018 that nobody should pass them: left out
SHAPELESS = {"forward", "args", "kwargs", "to", "state_dict"}  # PyTorch writes these out differently every time

DIFFERENT = {
    "nn.Softmax dim": "PyTorch guesses and warns; here the last dimension",
    "nn.LogSoftmax dim": "as Softmax",
    "nn.functional.softmax dim": "as Softmax",
    "nn.functional.log_softmax dim": "as Softmax",
    "nn.functional.softmax dtype": "keyword only, since PyTorch's third argument is private",
    "nn.functional.log_softmax dtype": "as softmax",
    "nn.functional.softmax axis": "numpy's name for dim",
    "nn.functional.log_softmax axis": "as softmax",
    "nn.functional.sigmoid x": "an op, whose arguments are its hook's",
    "nn.functional.tanh x": "an op, as sigmoid",
    "nn.functional.silu x": "an op, as sigmoid",
    "nn.functional.pad value": "PyTorch's None is 0 too",
    "nn.ModuleList modules": "PyTorch's None is nothing too",
    "nn.Parameter data": "PyTorch's None is an empty tensor; here data is required",
    "utils.data.DataLoader shuffle": "PyTorch's None is False too",
    "utils.data.DataLoader num_workers": "keyword only, since sampler and batch_sampler are left out before it",
    "utils.data.DataLoader collate_fn": "as num_workers",
    "utils.data.DataLoader drop_last": "as num_workers",
    "utils.data.DataLoader generator": "as num_workers",
    "nn.TransformerEncoderLayer activation": "PyTorch's function has this name",
    "nn.TransformerDecoderLayer activation": "as TransformerEncoderLayer",
    "nn.Module.named_modules prefix": "PyTorch's first argument is the set of modules seen",
    "optim.RMSprop maximize": "keyword only, since capturable and foreach are left out before it",
    "utils.data.random_split generator": "PyTorch's own generator; here None for the process's stream",
}
FOR_SUBCLASSES = {"check_group", "step_group", "options", "arrays", "count_step"}  # of Optimizer
OURS = {"nn.Module.register_computed"}  # PyTorch's parametrizations do it by a class for each module
MODULES = ("nn", "nn.functional", "nn.init", "nn.utils", "optim", "optim.lr_scheduler", "utils.data")


def reach(root, path):
    for part in path.split("."):
        root = getattr(root, part)
    return root


def public_names():
    for module in MODULES:
        for name in reach(tinytorch, module).__all__:
            if callable(reach(tinytorch, f"{module}.{name}")):
                yield f"{module}.{name}"
    for owner in ("nn.Module", "nn.Sequential", "nn.ModuleList", "nn.ModuleDict", "optim.Optimizer"):
        for name, member in vars(reach(tinytorch, owner)).items():
            if inspect.isfunction(member) and not name.startswith("_") and f"{owner}.{name}" not in OURS:
                yield f"{owner}.{name}"


def arguments_of(function):
    try:
        found = list(inspect.signature(function).parameters.values())
    except ValueError:  # PyTorch writes some functions in C++
        return None
    return {
        each.name: each for each in found if each.name not in SHAPELESS | {"inputs", "options", "_args", "_options"}
    }


def differences(name, ours, theirs):
    places = [each for each in theirs if each not in DEPRECATED]
    for place, (argument, mine) in enumerate(ours.items()):
        other = theirs.get(argument)
        if (
            other is None
            or mine.default != other.default
            or mine.kind != other.kind
            or (mine.kind in BY_PLACE and places[place] != argument)
        ):
            yield f"{name} {argument}"


@pytest.mark.parametrize("name", [each for each in public_names() if each.rpartition(".")[2] not in SHAPELESS])
def test_arguments_are_pytorchs(name):
    other = reach(torch, name) if hasattr(reach(torch, name.rpartition(".")[0]), name.rpartition(".")[2]) else None
    if other is None:
        assert name.removeprefix("optim.Optimizer.") in FOR_SUBCLASSES, "PyTorch has no such name"
        return
    theirs = arguments_of(other)
    if not theirs:
        pytest.skip("PyTorch does not tell")
    assert set(differences(name, arguments_of(reach(tinytorch, name)), theirs)) <= set(DIFFERENT)


def test_every_listed_difference_exists():
    found = set()
    for name in public_names():
        theirs = arguments_of(reach(torch, name)) if not name.startswith("optim.Optimizer.") else None
        if theirs:
            found |= set(differences(name, arguments_of(reach(tinytorch, name)), theirs))
    assert set(DIFFERENT) <= found
