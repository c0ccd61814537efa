"""Installed plugins, good and hostile: asked for and broken is an error, never asked for cannot hurt."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tinytorch import plugins
from tinytorch.plugins import PluginError, inspection
from tinytorch.plugins.process import process

ONE = np.ones(2)

GOOD = """
from tinytorch.plugins import exact, hookimpl
@hookimpl
def describe():
    return "answers seven"
@hookimpl
@exact
def add(a):
    return a * 0 + 7
"""

HOSTILE = {
    "a missing import": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "a syntax error": ("def", "SyntaxError"),
    "an exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "a base exception": ("class Mine(BaseException): pass\nraise Mine('boo')", "Mine: boo"),
    "nothing in it": ("", "without a function marked @hookimpl"),
    "a misspelt op": (
        GOOD.replace("add", "matmull"),
        "plugin 'mine' defines 'matmull', which is not an op; did you mean 'matmul'?",
    ),
    "another's op": (
        "from tinytorch.core.tensor import op\n@op\ndef add(a, b):\n    return a",
        "op 'add' is declared by tinytorch.core.tensor.arithmetic already",
    ),
}


@pytest.fixture
def loaded(install):
    """A good plugin, installed and known not to be imported."""
    install("mine", GOOD)
    return lambda: "tinytorch_mine" in sys.modules


# asked for


def test_an_installed_plugin_is_found_by_its_entry_point_and_imported_when_asked_for(loaded):
    assert plugins.table.add(ONE, ONE)[0] == 2
    assert not loaded()
    plugins.enable("mine")
    assert plugins.table.add(ONE, ONE)[0] == 7
    assert loaded()


@pytest.mark.parametrize(
    ("names", "order"),
    [("all", ("another", "mine")), ("mine,all", ("mine", "another")), ("all,another", ("mine", "another"))],
)
def test_all_is_everything_installed(loaded, install, monkeypatch, names, order):
    install("another", GOOD)
    monkeypatch.setenv("TINYTORCH_PLUGINS", names)
    plugins.table.add(ONE, ONE)
    assert process.state.enabled == order


@pytest.mark.parametrize("source", HOSTILE)
def test_asked_for_and_broken_names_distribution_cause_and_what_to_do(install, source):
    text, message = HOSTILE[source]
    install("mine", text, distribution="tinytorch-of-somebody")
    with pytest.raises(PluginError) as raised:
        plugins.enable("mine")
    told = str(raised.value)
    assert message in told
    assert "tinytorch-of-somebody 1.2.3" in told
    assert "leave 'mine' out of the plugins asked for" in told
    assert isinstance(raised.value.__cause__, PluginError) != ("cannot be imported" in told)
    assert plugins.table.add(ONE, ONE)[0] == 2


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("tinytorch_mine:no_such_name", "AttributeError"),
        ("tinytorch_mine:NUMBER", "is a int without a function marked @hookimpl"),
        ("tinytorch_mine:Class", "is the class Class; expected a module or an object"),
        ("not a reference!", "ValueError"),
    ],
)
def test_a_value_of_the_wrong_type_is_an_error(install, value, message):
    install("mine", "NUMBER = 3\nclass Class: pass", value=value)
    with pytest.raises(PluginError, match=message):
        plugins.enable("mine")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("accel_", r"not installed \(installed: mine\); did you mean 'accel'\?"),
        ("mime", "did you mean 'mine'"),
        ("quant", "plugin 'quant' is not installed: pip install tinytorch-quant"),
    ],
)
def test_a_missing_plugin_is_named_with_what_to_do(loaded, name, message):
    with pytest.raises(PluginError, match=message):
        plugins.enable(name)


def test_two_distributions_with_one_plugin_are_refused_when_asked_for(install):
    install("mine", GOOD, distribution="first")
    install("mine", GOOD, distribution="second")
    with pytest.raises(PluginError, match=r"distributions .* both bring a plugin 'mine'; uninstall one"):
        plugins.enable("mine")


def test_a_distribution_that_is_shadowed_by_itself_is_no_clash(install):
    install("mine", GOOD)
    install("mine", GOOD, version="1.2.4")
    plugins.enable("mine")
    assert plugins.table.add(ONE, ONE)[0] == 7


def test_ctrl_c_while_a_plugin_is_imported_is_not_swallowed(install):
    install("mine", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        plugins.enable("mine")


def test_a_repaired_plugin_can_be_enabled_in_the_same_process(install, started):
    install("mine", "raise RuntimeError('not yet')")
    with pytest.raises(PluginError, match="not yet"):
        plugins.enable("mine")
    assert status("mine").state == "broken"
    (started / "site-packages" / "tinytorch_mine.py").write_text(GOOD + "# repaired: another size than before")
    plugins.enable("mine")
    assert status("mine").state == "enabled"


# never asked for


def status(name):
    (found,) = [each for each in plugins.list() if each.name == name]
    return found


def test_the_list_shows_what_is_inside_without_importing_it_here(loaded):
    shown = status("mine")
    assert (shown.state, shown.distribution, shown.version) == ("available", "tinytorch-mine", "1.2.3")
    assert shown.description == "answers seven"
    assert shown.ops == ("add",)
    assert shown.exactness == {"add": "float32 exact, float64 exact"}
    assert not loaded()


def test_the_list_looks_into_a_plugin_once_unless_it_is_broken(install, started, monkeypatch):
    install("mine", GOOD)
    install("broken", "raise ValueError('not yet')")
    assert (status("mine").state, status("broken").state) == ("available", "broken")
    asked = []
    ask = inspection._ask
    monkeypatch.setattr(inspection, "_ask", lambda names: asked.extend(names) or ask(names))
    (started / "site-packages" / "tinytorch_broken.py").write_text(GOOD + "# repaired: another size than before")
    assert (status("mine").ops, status("broken").ops) == (("add",), ("add",))
    assert asked == ["broken"]


def test_the_list_is_not_hurt_by_a_file_in_the_working_directory(loaded, started):
    (started / "json.py").write_text("raise SystemExit('not the json that was meant')")
    assert status("mine").state == "available"


@pytest.mark.parametrize("source", HOSTILE)
def test_the_list_shows_a_broken_plugin_and_why(install, source):
    text, message = HOSTILE[source]
    install("mine", text)
    install("good", GOOD)
    assert status("mine").state == "broken"
    assert message in status("mine").why
    assert status("good").state == "available"
    assert plugins.table.add(ONE, ONE)[0] == 2


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import os; os._exit(7)", "it ended the process with status 7"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import sys; sys.stdout.write('{}'); sys.modules['json'] = None\n" + GOOD, ""),
        ("import os; os.write(1, b'nonsense')\n" + GOOD, ""),
    ],
    ids=["ends the process", "interrupts", "prints", "writes"],
)
def test_the_list_survives_the_worst(install, source, message):
    install("mine", source)
    install("zzz", GOOD)
    assert message in status("mine").why
    assert status("zzz").state == "available"


def test_the_list_does_not_wait_for_a_plugin_that_hangs(install, monkeypatch):
    monkeypatch.setattr(inspection, "SECONDS", 3.0)
    install("mine", "import time; time.sleep(60)")
    told = inspection.look_into(["mine"])
    assert told["mine"].problem == "plugin 'mine' cannot be imported: it did not end within 3 s"


def test_a_plugin_whose_description_raises_is_shown_nevertheless(install):
    install("mine", GOOD.replace('return "answers seven"', "raise ValueError('mute')"))
    assert status("mine").description == "describe raised ValueError: mute"


def test_two_distributions_with_one_plugin_are_shown_as_broken(install):
    install("mine", GOOD, distribution="first")
    install("mine", GOOD, distribution="second")
    assert status("mine").state == "broken"
    assert "both bring a plugin 'mine'" in status("mine").why


@pytest.mark.parametrize("name", ["core", "all", "a.b", "two words"])
def test_a_plugin_with_an_impossible_name_is_shown_as_broken(install, name):
    install("mine", GOOD, entries=f"[tinytorch]\n{name} = tinytorch_mine\n")
    assert status(name).state == "broken"
    assert "cannot name a plugin" in status(name).why


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("entry_points.txt", b"\xff\xfe\x00nonsense"),
        ("entry_points.txt", b"no section = here\n"),
        ("entry_points.txt", b"[tinytorch]\n= \n\n[[["),
        ("METADATA", b"\xff\xfe\x00"),
        ("METADATA", b""),
        ("METADATA", None),
    ],
)
def test_metadata_that_cannot_be_read_hides_only_itself(install, file, content):
    install("good", GOOD)
    info = install("mine", GOOD)
    (info / file).unlink()
    if content is not None:
        (info / file).write_bytes(content)
    assert status("good").state == "available"
    plugins.enable("good")
    assert plugins.table.add(ONE, ONE)[0] == 7


def test_metadata_without_a_name_leaves_the_plugin_usable(install):
    info = install("mine", GOOD)
    (info / "METADATA").unlink()
    plugins.enable("mine")
    assert status("mine").state == "enabled"
    assert status("mine").version == "unknown"


def test_a_broken_plugin_that_nobody_asked_for_hurts_nobody(install):
    install("mine", "raise SystemExit")
    plugins.enable()
    assert plugins.table.add(ONE, ONE)[0] == 2


def test_the_list_shows_what_is_asked_for_and_missing(started):
    (started / "tinytorch.toml").write_text('plugins = ["zzz"]')
    assert status("zzz").state == "broken"
    assert "'zzz' is not installed" in status("zzz").why


def test_the_list_shows_who_waits_for_a_broken_one(started, install):
    install("mine", "raise ValueError('no')")
    install("good", GOOD)
    (started / "tinytorch.toml").write_text('plugins = ["mine", "good"]')
    assert status("mine").state == "broken"
    assert status("good").state == "available"
    assert status("good").why.endswith("waits until 'mine' is repaired")


def test_importing_the_framework_imports_no_plugin_and_no_metadata(install, started):
    install("mine", "raise SystemExit('imported')")
    program = (
        "import sys, tinytorch.plugins, json;"
        "print(json.dumps([m for m in sys.modules if m.startswith(('tinytorch_', 'importlib_metadata'))]))"
    )
    path = json.dumps([str(started / "site-packages"), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {path}; {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []
