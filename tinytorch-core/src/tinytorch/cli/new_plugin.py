"""`tinytorch new-plugin NAME`: a whole distribution around one op, to install, test and fill in.

The templates are files of the package, `templates/plugin/`, filled in by `string.Template`. The folder is written
beside its place and renamed, so that there is all of it or nothing.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

import tinytorch
from tinytorch.cli.options import JsonOption
from tinytorch.cli.output import CommandError, print_json, say
from tinytorch.core.tensor.op import Op
from tinytorch.plugins import discovery, registry
from tinytorch.plugins.validation import check_name

DEFAULT = "relu"  # the op whose kernel is one line
NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
PREFIX = "tinytorch-plugin-"
PLACES = {  # of each template in the distribution
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "gitignore.txt": ".gitignore",
    "measure.py.txt": "measure.py",
    "module.py.txt": "src/{module}/__init__.py",
    "test_conformity.py.txt": "tests/test_conformity.py",
}


def new_plugin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The plugin's name, such as quick.")],
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help=f"The folder to make; {PREFIX}NAME here if left out.")
    ] = None,
    op: Annotated[str, typer.Option(metavar="OP", help="The op that it answers; docs/ops.md lists them.")] = DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Write a plugin of your own: a distribution that installs, passes its tests and can be measured.

    NAME is the plugin's one name in the configuration, on the command line and in errors. The distribution is called
    tinytorch-plugin-NAME, and tinytorch_plugin_NAME is imported: tinytorch-accel and its like are tinytorch's own. Only
    the default op, relu, is implemented; the function for another op declines until you write it.
    """
    _check(name)
    fields = _fields(name, op)
    place = (folder or Path(fields["distribution"])).resolve()
    texts = {path.format(**fields): _text(template, fields) for template, path in PLACES.items()}
    _write(place, texts)
    shown = shlex.quote(str(folder or fields["distribution"]))
    steps = [f"python -m pip install -e {shown} pytest", f"python -m pytest {shown}", "tinytorch plugins"]
    if as_json:
        told = {key: fields[key] for key in ("name", "distribution", "module", "op")}
        print_json({**told, "folder": str(place), "files": [*texts], "next": steps})
        return
    say("\n  ".join([f"{place} is the plugin '{name}', which answers {op}:", *texts]))
    say("\n  ".join(["next, to install, to test and to look:", *steps]))


def _check(name: str) -> None:
    """Raise where a plugin or its distribution cannot have the name, or another has it."""
    check_name(name)
    if not NAME.fullmatch(name):
        raise CommandError(
            f"'{name}' cannot name a distribution: expected letters from a to z, digits, and - or _ between them"
        )
    if name.replace("_", "-").startswith("tinytorch-"):
        raise CommandError(f"'{name}' names a distribution; expected the plugin's own name, such as quick")
    if name in discovery.OURS:
        raise CommandError(f"the plugin '{name}' is one of tinytorch's own, tinytorch-{name}; choose another name")
    for known in discovery.installed().values():
        if known.name.lower().replace("_", "-") == name.replace("_", "-"):
            raise CommandError(f"a plugin '{known.name}' is installed, by {known.source}; choose another name")


def _fields(name: str, op: str) -> dict[str, str]:
    """What the templates leave open."""
    declared = registry.find(op)
    assert isinstance(declared, Op)
    plain = op == DEFAULT
    return {
        "name": name,
        "distribution": f"{PREFIX}{name.replace('_', '-')}",
        "module": f"{PREFIX}{name}".replace("-", "_"),
        "op": op,
        "arguments": ", ".join(declared.arguments),
        "sentence": (declared.kernel.__doc__ or "").strip().splitlines()[0],
        "core": f"tinytorch-core~={tinytorch.__version__}",
        "imports": "import numpy as np\n" if plain else "",
        "contract": _contract(op),
        "answer": _answer(declared),
        "body": "np.maximum(x, 0)" if plain else "None",
        "state": "Today it does so as the core does." if plain else "Today it declines, so that the core answers.",
    }


def _contract(op: str) -> str:
    """How far an answer may be from the core's, by dtype."""
    from tinytorch.testing import cases_for  # drawing inputs is nothing that other commands need
    from tinytorch.testing.reference import contract

    told = {dtype: str(contract(case, dtype)) for case in cases_for(op) for dtype in case.tolerance}
    return ", ".join(f"{dtype} {distance}" for dtype, distance in told.items())


def _answer(declared: Op) -> str:
    """What an implementation of the op gives."""
    if declared.inplace:
        return "write into the inputs that the core's kernel writes, and give True"
    if declared.view:
        return "give an array, which may be a view of the first input"
    several = declared.outputs or 1
    arrays = "a new array" if several == 1 else f"a tuple of {several} new arrays"
    return f"give {arrays}, and only read the inputs"


def _text(template: str, fields: dict[str, str]) -> str:
    text = files("tinytorch").joinpath("templates", "plugin", template).read_text(encoding="utf-8")
    return Template(text).substitute(fields)


def _write(folder: Path, texts: dict[str, str]) -> None:
    """Make the folder with all of the files, or nothing."""
    if folder == Path.cwd():
        raise CommandError(f"{folder} is the folder you are in; expected one to make")
    temporary = folder.with_name(f".{folder.name}.{os.urandom(4).hex()}.tmp")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise CommandError(f"{folder} exists and is not empty; choose another with --folder")
        temporary.mkdir()
        for path, text in texts.items():
            temporary.joinpath(path).parent.mkdir(parents=True, exist_ok=True)
            temporary.joinpath(path).write_text(text, encoding="utf-8", newline="\n")
        if folder.exists():
            folder.rmdir()  # Windows renames nothing to what exists, be it empty
        temporary.rename(folder)
    except OSError as error:
        raise CommandError(f"cannot write {folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
