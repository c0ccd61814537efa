"""Editing the configuration: the list changes, nothing else does."""

import tomllib

import pytest

from tinytorch.plugins import PluginError, config, editing
from tinytorch.plugins.editing import edited, set_plugins

NEW = ("accel", "cache")
LINE = 'plugins = ["accel", "cache"]\n'

ALONE = {
    "an empty file": ("", LINE),
    "one line": ('plugins = ["quant"]\n', LINE),
    "all": ('plugins = "all"  # mine\n', 'plugins = ["accel", "cache"]  # mine\n'),
    "a quoted key": ('"plugins" = ["quant"]\n', LINE),
    "no end of line": ('plugins = ["quant"]', 'plugins = ["accel", "cache"]'),
    "a comment": ('plugins = [] # "x] y\n[ops]\n', 'plugins = ["accel", "cache"] # "x] y\n[ops]\n'),
    "no list yet": ("# words\n[accel]\nthreads = 2\n", LINE + "# words\n[accel]\nthreads = 2\n"),
    "a list in a section": ('[x]\nplugins = ["y"]\n', LINE + '[x]\nplugins = ["y"]\n'),
    "Windows": (
        '# a\r\nplugins = ["quant"]\r\n[ops]\r\n',
        '# a\r\nplugins = ["accel", "cache"]\r\n[ops]\r\n',
    ),
    "many lines": (
        '# top\nplugins = [\n    # ours\n    "cache",  # tokens [1]\n    "quant" # old\n]  # end\n\n[accel]\n',
        '# top\nplugins = [\n    # ours\n    "accel",\n    "cache",  # tokens [1]\n]  # end\n\n[accel]\n',
    ),
    "in a text": (
        'about = """\nplugins = ["x"]\n"""\nplugins = ["quant"]\n',
        'about = """\nplugins = ["x"]\n"""\nplugins = ["accel", "cache"]\n',
    ),
}

IN_PROJECT = {
    "a list": ("[tool.tinytorch]\nplugins = []\n[tool.x]\n", "[tool.tinytorch]\n" + LINE + "[tool.x]\n"),
    "no list yet": ("[tool.tinytorch]  # us\n[tool.x]\n", "[tool.tinytorch]  # us\n" + LINE + "[tool.x]\n"),
    "only options": (
        "[tool.tinytorch.accel]\nthreads = 2\n",
        "[tool.tinytorch.accel]\nthreads = 2\n\n[tool.tinytorch]\n" + LINE,
    ),
    "a list of somebody else": (
        '[tool.x]\nplugins = ["y"]\n[tool.tinytorch]\nplugins = ["z"]\n',
        '[tool.x]\nplugins = ["y"]\n[tool.tinytorch]\n' + LINE,
    ),
}


@pytest.mark.parametrize("case", ALONE)
def test_the_list_changes_and_the_rest_stays(case):
    before, after = ALONE[case]
    assert edited(before, NEW, in_project=False) == after
    assert edited(after, NEW, in_project=False) == after


@pytest.mark.parametrize("case", IN_PROJECT)
def test_the_list_changes_in_pyproject_too(case):
    before, after = IN_PROJECT[case]
    assert edited(before, NEW, in_project=True) == after


def test_an_emptied_list_keeps_the_comments_that_stand_alone():
    assert edited('plugins = [\n  # why\n  "a",\n]\n', (), in_project=False) == "# why\nplugins = []\n"


@pytest.mark.parametrize(
    "text",
    ["tool.tinytorch = {plugins = []}\n", "[tool]\ntinytorch.plugins = []\n", "tool.tinytorch.ops = {}\n"],
)
def test_what_is_written_in_an_unusual_way_is_left_alone(text):
    with pytest.raises(PluginError, match=r'unusual way; put plugins = \["accel", "cache"\] there by hand'):
        edited(text, NEW, in_project=True)


def test_a_new_file_is_made_in_the_working_directory(started):
    assert set_plugins(NEW) == started / "tinytorch.toml"
    assert config.read().plugins == NEW


def test_the_nearest_configuration_is_edited_through_a_link_with_its_permissions(started):
    real = started / "real.toml"
    real.write_text("# mine\n")
    real.chmod(0o640)
    (started / "tinytorch.toml").symlink_to(real)
    assert set_plugins(("all",)) == real
    assert real.read_text() == 'plugins = "all"\n# mine\n'
    assert real.stat().st_mode & 0o777 == 0o640
    assert (started / "tinytorch.toml").is_symlink()
    assert sorted(path.name for path in started.iterdir()) == ["real.toml", "tinytorch.toml"]


def test_a_pyproject_that_speaks_of_us_is_edited(started):
    path = started / "pyproject.toml"
    path.write_text("[project]\nname = 'x'\n\n[tool.tinytorch]\n")
    assert set_plugins(NEW) == path
    assert tomllib.loads(path.read_text()) == {
        "project": {"name": "x"},
        "tool": {"tinytorch": {"plugins": list(NEW)}},
    }


def test_a_failure_leaves_the_old_file_and_nothing_else(started, monkeypatch):
    path = started / "tinytorch.toml"
    path.write_text("# mine\n")

    def full(handle):
        raise OSError("no space left")

    monkeypatch.setattr(editing.os, "fsync", full)
    with pytest.raises(PluginError, match="cannot be edited: no space left"):
        set_plugins(NEW)
    assert path.read_text() == "# mine\n"
    assert [each.name for each in started.iterdir()] == ["tinytorch.toml"]


def test_a_file_that_is_no_toml_is_not_touched(started):
    path = started / "tinytorch.toml"
    path.write_text("plugins = [")
    with pytest.raises(PluginError, match="cannot be edited"):
        set_plugins(NEW)
    assert path.read_text() == "plugins = ["
