"""Plugins, recipes, explain, help, and the commands that plugins bring."""

import json
from types import SimpleNamespace

import pytest

pytest.importorskip("typer")

from tinytorch.cli import plugin_commands
from tinytorch.cli.app import run


def test_help_shows_every_command(tinytorch):
    done = tinytorch()
    assert done.status == 0
    for command in ("train", "eval", "generate", "recipes", "explain", "plugins", "new-plugin"):
        assert f"\n  {command} " in done.out
    assert tinytorch("--help").out.rstrip() == done.out.rstrip()


@pytest.mark.parametrize(
    "command",
    ["train", "eval", "generate", "recipes", "explain", "new-plugin", "plugins", "plugins enable", "plugins disable"],
)
def test_every_command_has_help(capsys, command):
    assert run([*command.split(), "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(f"Usage: tinytorch {command} ")
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("line", ["train --resume run.npz", 'generate run.npz --prompt "the old king"'])
def test_examples_in_help_stay_lines(capsys, line):
    assert run([line.split()[0], "--help"]) == 0
    assert f"\n  tinytorch {line}\n" in capsys.readouterr().out


def test_the_version(tinytorch):
    done = tinytorch("--version")
    assert done.status == 0
    assert done.out.startswith("tinytorch 0.")


def test_recipes_are_listed(tinytorch):
    known = json.loads(tinytorch("recipes", "--json").out)
    assert [recipe["name"] for recipe in known] == ["xor", "digits-mlp", "digits-cnn", "fashion-cnn", "chars"]
    lines = tinytorch("recipes").out.splitlines()
    assert lines[0].split() == ["recipe", "epochs", "batch", "size", "lr", "what", "it", "trains"]
    assert len(lines) == 6


def test_explain_shows_the_chain(tinytorch, guest):
    alone = json.loads(tinytorch("explain", "relu", "--json", path=[guest]).out)
    assert alone["chain"] == [{"plugin": "core", "role": "the kernel"}]
    both = json.loads(tinytorch("explain", "relu", "--plugins", "guest", "--json", path=[guest]).out)
    assert [step["plugin"] for step in both["chain"]] == ["guest", "core"]
    plain = tinytorch("explain", "matmul").out
    assert plain.startswith("matmul(a, b)\n")
    assert "the kernel" in plain


def test_plugins_are_listed_without_being_enabled(tinytorch, guest):
    (found,) = [
        each for each in json.loads(tinytorch("plugins", "--json", path=[guest]).out) if each["name"] == "guest"
    ]
    assert (found["version"], found["state"], found["ops"]) == ("3.1", "available", ["relu"])
    assert found["description"] == "answers relu as the core does"
    table = tinytorch("plugins", path=[guest])
    assert "guest" in table.out
    assert "available" in table.out


def test_a_broken_plugin_is_listed_with_the_reason(tinytorch, guest):
    (guest / "guest_plugin.py").write_text("raise RuntimeError('no luck')\n")
    (found,) = [
        each for each in json.loads(tinytorch("plugins", "--json", path=[guest]).out) if each["name"] == "guest"
    ]
    assert found["state"] == "broken"
    assert "no luck" in found["why"]


def test_plugins_are_enabled_and_disabled_in_the_file(tinytorch, guest):
    file = tinytorch.folder / "tinytorch.toml"
    done = tinytorch("plugins", "enable", "guest", path=[guest])
    assert (done.status, done.err) == (0, "")
    assert done.out == f"{file} enables guest\n"
    assert file.read_text() == 'plugins = ["guest"]\n'
    shown = json.loads(tinytorch("plugins", "--json", path=[guest]).out)[0]
    assert (shown["state"], shown["why"]) == ("enabled", f"set by file {file}")
    assert "as before" in tinytorch("plugins", "enable", "guest", path=[guest]).out
    done = tinytorch("plugins", "disable", "guest", path=[guest])
    assert done.out == f"{file} enables no plugin\n"
    assert file.read_text() == "plugins = []\n"


def test_a_broken_plugin_is_not_enabled_but_can_be_disabled(tinytorch, guest):
    (guest / "guest_plugin.py").write_text("raise RuntimeError('no luck')\n")
    done = tinytorch("plugins", "enable", "guest", path=[guest])
    assert done.status == 1
    assert "no luck" in done.err
    file = tinytorch.folder / "tinytorch.toml"
    assert not file.exists()
    file.write_text('plugins = ["guest"]  # mine\n')
    assert tinytorch("plugins", "disable", "guest", path=[guest]).status == 0
    assert file.read_text() == "plugins = []  # mine\n"


def test_a_plugin_that_is_gone_can_be_disabled(tinytorch):
    (tinytorch.folder / "tinytorch.toml").write_text('plugins = ["gone"]\n')
    assert tinytorch("plugins", "disable", "gone").status == 0


def test_disabling_one_of_all_names_the_others(tinytorch, guest):
    (tinytorch.folder / "tinytorch.toml").write_text('plugins = "all"\n')
    assert tinytorch("plugins", "disable", "guest", path=[guest]).status == 0
    assert "guest" not in (tinytorch.folder / "tinytorch.toml").read_text()


def test_the_environment_that_goes_before_is_told(tinytorch, guest):
    environment = {"TINYTORCH_PLUGINS": ""}
    done = tinytorch("plugins", "enable", "guest", path=[guest], environment=environment)
    assert "TINYTORCH_PLUGINS is set in this shell" in done.out


def test_a_plugins_command_is_listed_without_being_imported(tinytorch, guest):
    (guest / "guest_command.py").write_text("raise SystemExit('imported')\n")
    done = tinytorch("--help", path=[guest])
    assert done.status == 0
    assert "greet" in done.out
    assert "Brought by guest 3.1." in done.out


def test_calling_a_plugins_command_enables_the_plugin(tinytorch, guest):
    done = tinytorch("greet", "Ada", path=[guest])
    assert (done.status, done.err) == (0, "")
    assert done.out == "hello Ada ['guest']\n"


def test_a_plugins_command_has_its_own_help_and_usage(tinytorch, guest):
    done = tinytorch("greet", "--help", path=[guest])
    assert "Greet somebody" in done.out
    assert "--loud" in done.out
    assert tinytorch("greet", path=[guest]).status == 2


def test_a_command_that_cannot_be_imported_is_one_sentence(tinytorch, guest):
    for program, told in (("import nowhere\n", "nowhere"), ("app = 3\n", "no typer.Typer")):
        (guest / "guest_command.py").write_text(program)
        done = tinytorch("greet", "Ada", path=[guest])
        assert done.status == 1
        assert done.err.count("\n") == 1
        assert "guest" in done.err
        assert told in done.err


def test_the_cores_commands_cannot_be_taken_over(tinytorch, guest):
    points = guest / "guest-3.1.dist-info/entry_points.txt"
    points.write_text(points.read_text().replace("greet =", "recipes ="))
    assert "digits-cnn" in tinytorch("recipes", path=[guest]).out


@pytest.mark.parametrize(
    ("installed", "told"),
    [
        ({}, "command 'quantize' needs the plugin 'quant': pip install tinytorch-quant"),
        ({"quant": "0.0.1"}, "command 'quantize' is not in the installed tinytorch-quant 0.0.1; a later one brings it"),
    ],
    ids=["absent", "too old"],
)
def test_a_command_that_no_distribution_brings_says_what_to_install(capsys, monkeypatch, installed, told):
    found = {name: SimpleNamespace(source=f"tinytorch-{name} {version}") for name, version in installed.items()}
    monkeypatch.setattr(plugin_commands, "brought", dict)
    monkeypatch.setattr(plugin_commands.discovery, "installed", lambda: found)
    assert run(["quantize", "xor"]) == 1
    assert capsys.readouterr() == ("", f"tinytorch: {told}\n")
