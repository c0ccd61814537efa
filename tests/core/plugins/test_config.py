"""The configuration: where it is found, what is refused, and that nobody else's file can hurt."""

import os
from pathlib import Path

import pytest

from tinytorch import plugins
from tinytorch.plugins import PluginError, config
from tinytorch.plugins.config import Settings


@pytest.fixture
def here(started, monkeypatch):
    """The working directory, two folders below where the test may write."""
    folder = started / "project" / "src"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def write(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


def test_without_a_file_nothing_is_asked_for(here):
    assert config.read() == Settings()


def test_the_nearest_file_counts(here):
    write(here.parents[1], "tinytorch.toml", 'plugins = ["far"]')
    near = write(here.parent, "tinytorch.toml", 'plugins = ["near"]')
    assert config.find_file() == near
    assert config.read().plugins == ("near",)
    assert config.read().origin == f"file {near}"


def test_tinytorch_toml_goes_before_pyproject_in_one_folder(here):
    write(here, "pyproject.toml", '[tool.tinytorch]\nplugins = ["b"]')
    assert config.read().plugins == ("b",)
    write(here, "tinytorch.toml", 'plugins = ["a"]')
    assert config.read().plugins == ("a",)


@pytest.mark.parametrize(
    "text",
    [
        "[project]\nname = 'other'\n",
        "[tool.other]\n",
        "tool = 3\n",
        "tool = []\n",
        "[project\nbroken",
        "# tinytorch and [tool.tinytorch] in a comment\nbroken = = 1",
        "[tool.tinytorching]\nbroken = = 1",
        "[tool.other]\ntinytorch = = 1",
    ],
)
def test_a_pyproject_of_somebody_else_is_passed_over_even_if_broken(here, text):
    above = write(here.parent, "tinytorch.toml", 'plugins = ["above"]')
    write(here, "pyproject.toml", text)
    assert config.find_file() == above


def test_a_pyproject_that_is_no_text_is_passed_over(here):
    (here / "pyproject.toml").write_bytes(b"\xff\xfe\x00[tool.tinytorch]")
    assert config.find_file() is None


def test_a_folder_with_the_name_of_the_file_is_passed_over(here):
    (here / "tinytorch.toml").mkdir()
    (here / "pyproject.toml").mkdir()
    assert config.find_file() is None


def test_a_working_directory_that_was_deleted_configures_nothing(here):
    here.rmdir()
    with pytest.raises(FileNotFoundError):
        Path.cwd()
    assert config.read() == Settings()
    os.chdir("/")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tinytorch.toml", "plugins = [\n"),
        ("pyproject.toml", "[tool.tinytorch]\nplugins = [\n"),
        ("pyproject.toml", '[ tool . "tinytorch" ]\nplugins = [\n'),
        ("pyproject.toml", "[tool.tinytorch.accel]\nthreads =\n"),
    ],
)
def test_a_broken_file_of_ours_is_an_error_that_names_it(here, name, text):
    path = write(here, name, text)
    with pytest.raises(PluginError, match="cannot be read") as raised:
        plugins.table.add  # noqa: B018  the first look-up reads the configuration
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('plugins = "accel"', "expected a list of names or \"all\", got 'accel'"),
        ("plugins = [1]", 'expected a list of names or "all"'),
        ("plugins = 1", 'expected a list of names or "all"'),
        ('plugin = ["accel"]', "expected a table [plugin], got plugin = ['accel']; did you mean 'plugins'?"),
        ("ops = 3", "expected a table [ops], got ops = 3"),
        ('[ops]\nmatmul = "accel"', "[ops] matmul"),
        ('[ops]\nmatmull = ["accel"]', "'matmull' is not an op; did you mean 'matmul'?"),
        ('[ops]\nmatmul = ["nobody"]', "plugin 'nobody' is not installed"),
        ("[acel]\nthreads = 2", "plugin 'acel' is not installed"),
        ("[acel]\nthreads = 2", "did you mean 'accel'?"),
    ],
)
def test_a_mistake_in_the_file_is_an_error_that_says_what_was_expected(here, text, message):
    path = write(here, "tinytorch.toml", text)
    with pytest.raises(PluginError) as raised:
        plugins.table.add  # noqa: B018  the first look-up reads the configuration
    assert message in str(raised.value)
    assert str(path) in str(raised.value)


def test_a_table_tool_tinytorch_that_is_none_is_an_error(here):
    write(here, "pyproject.toml", "[tool]\ntinytorch = 3\n")
    with pytest.raises(PluginError, match=r"expected a table \[tool.tinytorch\], got 3"):
        config.read()


@pytest.mark.parametrize(
    "text",
    ["[somebody]\nthreads = 2", "[accel]\nthreads = 2", '[ops]\nadd = ["accel"]', "[ops]\nadd = []"],
)
def test_options_and_orders_of_plugins_that_are_not_enabled_do_no_harm(here, text):
    write(here, "tinytorch.toml", text)
    assert plugins.explain("add") == [("core", "the kernel")]


def test_the_environment_frees_from_a_file_whose_plugins_are_gone(here, monkeypatch):
    write(
        here,
        "tinytorch.toml",
        'plugins = ["gone"]\n[ops]\nadd = ["gone"]\ngones_op = ["gone"]\n[gone]\nx = 1',
    )
    monkeypatch.setenv("TINYTORCH_PLUGINS", "")
    assert plugins.explain("add") == [("core", "the kernel")]


def test_the_whole_file_is_read(here):
    path = write(
        here,
        "tinytorch.toml",
        '\ufeffplugins = ["accel", "cache", "accel"]\n[ops]\nmatmul = ["accel"]\n[accel]\nthreads = 2\n',
    )
    assert config.read() == Settings(
        ("accel", "cache"),
        f"file {path}",
        frozenset(),
        {"matmul": ("accel",)},
        {"accel": {"threads": 2}},
        path,
        ("accel", "cache"),
    )


@pytest.mark.parametrize("value", ['"all"', '["all"]'])
def test_all_may_be_written_both_ways(here, value):
    write(here, "tinytorch.toml", f"plugins = {value}")
    assert config.read().plugins == ("all",)
