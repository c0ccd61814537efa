"""The arguments that PyTorch's C++ functions take: `inspect` cannot tell, the stubs that PyTorch ships can."""

import ast
from functools import cache
from pathlib import Path

REQUIRED = "required"


@cache
def overloads(folder, file, owner=None):
    """For each name in a stub file, or in a class of it, its overloads."""
    body = ast.parse((Path(folder) / file).read_text()).body
    if owner is not None:
        (body,) = (each.body for each in body if isinstance(each, ast.ClassDef) and each.name == owner)
    found = {}
    for each in body:
        if isinstance(each, ast.FunctionDef):
            found.setdefault(each.name, []).append(list(arguments_in(each.args)))
    return found


def arguments_in(args):
    """(name, place or None where it goes by name only, default) of each argument."""
    by_place = [*args.posonlyargs, *args.args]
    defaults = [REQUIRED] * (len(by_place) - len(args.defaults)) + [value_of(each) for each in args.defaults]
    for place, (each, default) in enumerate(zip(by_place, defaults, strict=True)):
        yield each.arg, place, default
    if args.vararg:
        yield args.vararg.arg, len(by_place), REQUIRED
    for each, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        yield each.arg, None, REQUIRED if default is None else value_of(default)


def value_of(node):
    try:
        return ast.literal_eval(node)
    except ValueError:  # a name, such as `inf`
        return ast.unparse(node)
