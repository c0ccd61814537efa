"""A whole competition from the command line: an event is run, checked, handed in, ranked and shown."""

import json

import pytest

pytest.importorskip("tinytorch_bench")


@pytest.fixture
def entered(tinytorch):
    """Run the sprint with the core alone; the path of the submission, and what came out."""
    options = ["--plugins", "", "--team", "us", "--title", "core", "--rounds", 10, "--output", "us.json"]
    return tinytorch.folder / "us.json", tinytorch("bench", "compete", "mlp-sprint", *options)


def test_an_entry_goes_the_whole_way(tinytorch, entered):
    path, done = entered
    assert done.status == 0
    assert "closed" in done.out
    assert done.err.startswith("tinytorch: making the baseline of mlp-sprint/digits ...\n")
    assert tinytorch("bench", "validate", path).out == f"{path}: valid\n"
    assert tinytorch("bench", "submit", path).out.endswith("in the closed division\n")
    again = tinytorch("bench", "submit", path)
    assert (again.status, again.err.count("already: it counts once")) == (1, 1)
    (place,) = json.loads(tinytorch("bench", "leaderboard", "--json", "--html", "page.html").out)
    assert (place["rank"], place["team"], place["division"]) == (1, "us", "closed")
    assert "</html>" in (tinytorch.folder / "page.html").read_text()
    assert "mlp-sprint/digits" in tinytorch("bench", "leaderboard", "--team", "us").out
    assert tinytorch("bench", "leaderboard", "--check").out == "everything on it is valid\n"


def test_what_was_tampered_with_is_refused(tinytorch, entered):
    path, _ = entered
    path.write_text(path.read_text().replace('"team": "us"', '"team": "them"'))
    done = tinytorch("bench", "validate", path)
    assert done.status == 1
    assert (
        done.out == f"refused: {path}: digest: it is not that of the content, which was changed after it was written\n"
    )
    (told,) = json.loads(tinytorch("bench", "validate", path, "--json").out)
    assert (told["valid"], told["reason"].startswith(str(path))) == (False, True)
    assert tinytorch("bench", "submit", path).status == 1
    assert "there is no leaderboard" in tinytorch("bench", "leaderboard").err  # none was made for it


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["compete", "mlp-walk"], 2, "there is no event 'mlp-walk'; there are mlp-sprint/digits, "),
        (["compete", "mlp-sprint", "--data", "."], 2, "the event 'mlp-sprint' reads no data: leave --data out"),
        (["compete", "mlp-sprint", "--output", "no/where.json"], 2, "expected a file in a folder that is there"),
        (["compete", "cnn-marathon", "--data", "nowhere"], 2, "Fashion-MNIST is not in nowhere"),
        (["leaderboard"], 1, "there is no leaderboard leaderboard.db; tinytorch bench submit FILE makes one"),
        (["submit", "none.json"], 1, "none.json cannot be read: No such file or directory"),
    ],
)
def test_a_mistake_is_one_sentence(tinytorch, arguments, status, sentence):
    done = tinytorch("bench", *arguments)
    assert (done.status, done.out) == (status, "")
    assert sentence in done.err


def test_the_status_of_compare_reaches_the_shell(tinytorch):
    done = tinytorch("bench", "compare", "a.json", "b.json")
    assert (done.status, done.err) == (2, "tinytorch: a.json cannot be read: No such file or directory\n")
