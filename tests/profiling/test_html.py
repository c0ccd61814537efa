"""The report is one page that needs nothing else, and in which names are text."""

import json
import re
from html.parser import HTMLParser

import pytest
from recordings_for_tests import HOSTILE, call, made, trained

from tinytorch_profiling import Recording, Spec, Table
from tinytorch_profiling.export import html as module
from tinytorch_profiling.export.html import export_html, html
from tinytorch_profiling.table import Column

COLUMNS = (Column("op", "op"), Column("self", "self", "ns"), Column("calls", "calls"))
TABLE = Table(
    "By op", COLUMNS, ({"op": HOSTILE, "self": 1.25e6, "calls": 1200}, {"op": "exp", "calls": 3}), ("a note",)
)
MEMORY = [(0, {HOSTILE: 2**20}), (1_000_000, {HOSTILE: 2**21, "activations": 2**20})]


class Page(HTMLParser):
    """Collects elements with their attributes, and the text of each."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.open = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.texts.append("")

    def handle_data(self, data):
        if self.texts:
            self.texts[-1] += data

    def of(self, wanted):
        return [attributes for tag, attributes in self.elements if tag == wanted]


def page(**more):
    return html(
        trained(), **({"tables": [TABLE], "memory": MEMORY, "title": HOSTILE, "facts": {HOSTILE: HOSTILE}} | more)
    )


def data(text):
    return json.loads(re.search(r'id="timeline-data">(.*?)</script>', text, re.DOTALL).group(1))


def test_nothing_is_read_from_elsewhere():
    text = page()
    assert "http" not in text.lower()
    assert not re.search(r"\b(src|href|srcset)\s*=|@import|url\(|fetch\(|XMLHttpRequest", text)


def test_hostile_names_are_text():
    text = page()
    assert len(Page(text).of("script")) == 2  # the data, and the page's own
    assert HOSTILE in data(text)["names"]
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text.replace("<wbr>", "")


def test_no_place_of_the_template_is_left():
    assert "<!--" not in page(tables=[], memory=[], title="a title", facts={}).replace("\\u003c!--", "")


def test_the_page_says_where_and_when():
    text = html(made(), facts={"run": "of tonight", "machine": "mine"})
    for name in ("written", "machine", "threads", "versions", "plugins", "wall time", "calls", "run"):
        assert f"<dt>{name}</dt>" in text
    assert "<dt>machine</dt><dd>mine</dd>" in text
    assert "<dt>wall time</dt><dd>0.001 ms in 1 window</dd>" in text


def test_tables_have_captions_heads_and_exact_numbers():
    found = Page(page())
    assert len(found.of("caption")) == len(found.of("table")) == 3  # the table, the timeline and memory in words
    assert all(each.get("scope") in {"row", "col"} for each in found.of("th"))
    assert [each["data-value"] for each in found.of("td") if "data-value" in each][:4] == [
        "1250000.0",
        "1200.0",
        "",
        "3.0",
    ]
    text = page()
    assert ">1,200</td>" in text
    assert ">–</td>" in text
    assert ">1.25 ms</td>" in text


def test_the_timeline_has_all_bars():
    found = data(html(made()))
    assert [[found["names"][bar[3]], *bar[:3], bar[4]] for bar in found["tracks"][0]["spans"]] == [
        ["GPT", 0, 1000, 0, "module"],
        ["blocks.0", 100, 800, 1, "module"],
        ["linear", 100, 100, 2, "forward"],
        ["attention", 300, 500, 2, "forward"],
        ["softmax", 400, 200, 3, "forward"],
    ]
    assert found["notes"][found["tracks"][0]["spans"][2][5]] == "float32[2, 3] → float32[2, 3]\nGPT.blocks.0, by core"


def test_of_very_many_arrays_a_few_are_told():
    step = call("adam_step", 0, 1)
    step.inputs, step.outputs = ([Spec((number,), "float32") for number in range(9)],), ()
    (note,) = data(html(Recording([step], [], [(0, 1)], 1)))["notes"]
    assert note.startswith(
        "float32[0], float32[1], float32[2], float32[3], float32[4], float32[5] and 3 more → nothing"
    )


def test_of_very_many_bars_the_longest_are_drawn_and_it_is_said(monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    calls = [call("exp", 100 * number, 100 * number + 10 * (number + 1)) for number in range(5)]
    text = html(Recording(calls, [], [(0, 500)], 1))
    assert "Of 5 bars the 2 longest are drawn." in text
    assert [bar[1] for bar in data(text)["tracks"][0]["spans"]] == [40, 50]


def test_the_peak_of_memory_is_drawn_and_told():
    text = page()
    assert "At most 3.00 MiB at once" in text
    assert text.count("<path fill=") == 2
    assert '<td class="number">2.00</td><td class="number">1.00</td>' in text


def test_a_file_is_written_whatever_the_names(tmp_path):
    export_html(trained(), tmp_path / "report.html", [TABLE], MEMORY, title=HOSTILE)
    assert "\\udcff" in (tmp_path / "report.html").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=r"export_html: expected a file name that ends in \.html or \.htm"):
        export_html(made(), tmp_path / "report.pdf")


def test_a_recording_of_nothing_is_a_page():
    assert data(html(Recording()))["end"] == 0
