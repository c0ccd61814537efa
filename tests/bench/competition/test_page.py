"""The page is one file with nothing from elsewhere, and whatever teams call themselves is text in it."""

import re
from html.parser import HTMLParser

import pytest
from submissions_for_tests import made_up

from tinytorch_bench.competition.leaderboard import Leaderboard
from tinytorch_bench.competition.page import page


@pytest.fixture
def board(tmp_path):
    with Leaderboard(tmp_path / "board.db") as opened:
        yield opened


class Tags(HTMLParser):
    """Counts what is opened and closed, and collects the text."""

    def __init__(self, content):
        super().__init__()
        self.open, self.names, self.text = [], set(), []
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        if tag not in ("meta", "path", "circle"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.names.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_an_empty_leaderboard_says_so(board):
    assert page(board).count("Nobody has entered yet.") == 3


def test_every_place_stands_there_with_its_score(board):
    for seed, (team, faster) in enumerate([("foxes", 2.0), ("dogs", 3.0), ("foxes", 2.5)]):
        board.add(made_up(seed, team=team, faster=faster))
    tags = Tags(page(board))
    text = " ".join(tags.text)
    assert tags.open == []
    assert text.index("dogs") < text.index("foxes")
    assert text.count("foxes") == 1  # its best; what came before is a line in a picture
    assert re.search(r"2 submissions, (1\.9|2\.0)\d to 2\.[45]\d", text)
    assert "3 submissions" in text


def test_it_needs_nothing_from_elsewhere(board):
    board.add(made_up(1))
    content = page(board)
    assert not re.search(r"https?:|//|<script|<link|<img|@import|url\(", content)
    assert "prefers-color-scheme" in content or "light-dark(" in content


def test_names_are_text_whatever_they_are(board):
    board.add(made_up(1, team="<script>alert(1)</script>", title='"><img src=x onerror=y>'))
    tags = Tags(page(board))
    assert tags.names.isdisjoint({"script", "img"})
    assert "<script>alert(1)</script>" in tags.text
    assert '"><img src=x onerror=y>' in tags.text
