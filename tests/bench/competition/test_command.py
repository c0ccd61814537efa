"""What the competition's commands refuse, and that they do so before anything is trained or made."""

import json
from pathlib import Path

import pytest
from submissions_for_tests import made_up

from tinytorch.cli.output import CommandError
from tinytorch_bench.competition import command, task


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"team": ""}, "--team: expected "),
        ({"team": " us "}, "--team: expected "),
        ({"team": "us\ufeff"}, "--team: expected "),
        ({"transform": ["nope"]}, "there is no transform 'nope' in the entry's plugins; there are none"),
        ({"model": Path("nope.npz")}, "nope.npz"),
    ],
    ids=str,
)
def test_what_cannot_enter_is_refused_before_the_training(given, told, monkeypatch, capsys):
    monkeypatch.setattr(task, "prepare", lambda *given: pytest.fail("it was trained"))
    assert command.compete_command("mlp-sprint", plugin_names="", **given) == command.WRONG_INPUT
    assert told in capsys.readouterr().err


def test_options_of_a_transform_may_hold_commas():
    asked = 'quantize:layers={"0":null,"2":null},bits=8,rows=[1,2]'
    assert command._transform(asked) == ("quantize", {"layers": {"0": None, "2": None}, "bits": 8, "rows": [1, 2]})


def test_a_file_that_is_not_there_makes_no_leaderboard(tmp_path):
    with pytest.raises(CommandError, match=r"nope\.json cannot be read"):
        command.submit_command([tmp_path / "nope.json"], tmp_path / "new.db")
    assert [*tmp_path.iterdir()] == []


def test_a_file_that_is_there_already_is_named(tmp_path):
    path = tmp_path / "us.json"
    path.write_text(json.dumps(made_up(1)))
    command.submit_command([path], tmp_path / "board.db")
    with pytest.raises(CommandError, match=r"us\.json: .* on the leaderboard already"):
        command.submit_command([path], tmp_path / "board.db")
