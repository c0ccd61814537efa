"""The report as Markdown and HTML: all of it is there, and nothing of it is taken for markup."""

import json
from html.parser import HTMLParser

from tinytorch.verify.rendering import html, markdown
from tinytorch.verify.report import Plan, Report, Row, Section, row

REPORT = Report(
    {"tinytorch": "0.1.0", "plugins": "<b>mine</b>"},
    [
        Section(
            "Every op",
            "What it shows.",
            [Row("exp", "passed", "16 inputs", 0.0), Row("a|b", "failed", "x\ny <&>", 1.5e-7)],
        ),
        Section("Speed", "How fast.", [Row("add", "measured", "0.50x")]),
    ],
)


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def test_html_stands_alone_and_escapes_what_it_shows():
    reader = Reader()
    reader.feed(html(REPORT))
    names = [tag for tag, _ in reader.tags]
    assert not {"script", "link", "img", "b"} & set(names)
    assert not any(key in attrs for _, attrs in reader.tags for key in ("src", "href"))
    assert {"<b>mine</b>", "x\ny <&>", "1.5e-07", "FAILED: 1 passed, 1 failed, 1 measured"} <= set(reader.text)
    assert names.count("tr") == 5


def test_markdown_keeps_cells_in_their_columns():
    lines = markdown(REPORT).splitlines()
    assert "| a\\|b | failed | 1.5e-07 | x y <&> |" in lines
    assert "| exp | passed | 0 | 16 inputs |" in lines
    assert "**FAILED: 1 passed, 1 failed, 1 measured**" in lines


def test_the_report_is_json():
    found = json.loads(json.dumps(REPORT.as_dict()))
    assert found["passed"] is False
    assert found["sections"][0]["rows"][1]["difference"] == 1.5e-7


def test_one_failure_is_a_failed_report():
    assert not REPORT.passed
    assert Report({}, REPORT.sections[1:]).passed


def test_a_row_tells_the_first_problem_and_how_many_more():
    assert row("exp", ["one", "two", "three"]) == Row("exp", "failed", "one (and 2 more)")
    assert row("exp", [], "fine", 0.0) == Row("exp", "passed", "fine", 0.0)


def test_pairs_are_tried_where_there_is_time():
    assert Plan(("a", "b", "c")).selections == [
        ("a",),
        ("b",),
        ("c",),
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
        ("a", "b", "c"),
    ]
    assert Plan(("a", "b", "c"), quick=True).selections == [("a",), ("b",), ("c",), ("a", "b", "c")]
    assert Plan(("a",)).selections == [("a",)]
    assert Plan(()).selections == []


def test_html_has_no_line_that_cannot_break_and_stacks_cells_in_a_narrow_window():
    page = html(REPORT)
    assert "nowrap" not in page
    assert "@media (max-width: 45rem)" in page
