"""A table is sorted, cut and shown without losing what it says."""

import pytest

from tinytorch_profiling.table import Column, Table

COLUMNS = (Column("name", "op"), Column("time", "self", "ns"), Column("plugin", "answered by"))
ROWS = ({"name": "add", "time": 1000}, {"name": "<b>", "time": None}, {"name": "exp", "time": 2e6, "plugin": "accel"})
TABLE = Table("by op", COLUMNS, ROWS, ("a note",))


def names(table):
    return [row["name"] for row in table.rows]


def test_the_largest_comes_first_and_what_has_no_number_last():
    assert names(TABLE.sorted("time")) == ["exp", "add", "<b>"]
    assert names(TABLE.sorted("time", ascending=True)) == ["<b>", "add", "exp"]


def test_what_is_cut_off_is_told():
    assert TABLE.sorted("time", 1).notes == ("a note", "2 more rows")
    assert TABLE.sorted("time", 3).notes == ("a note",)


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="cannot sort by 'tme'; columns are name, time, plugin"):
        TABLE.sorted("tme")


def test_a_limit_below_nothing_is_refused():
    assert TABLE.sorted("time", 0).notes == ("a note", "3 more rows")
    with pytest.raises(ValueError, match="table: expected a limit of 0 or more, got -1"):
        TABLE.sorted("time", -1)


def test_half_a_character_is_written_as_its_number():
    table = Table("by \ud800", COLUMNS, ({"name": "op\udcff"},), ("note \ud801",))
    for shown in (str(table), table._repr_html_()):
        assert [word in shown for word in ("by \\ud800", "op\\udcff", "note \\ud801")] == [True] * 3
        assert shown.encode()


def test_it_reads_as_text():
    text = str(TABLE)
    assert [word in text for word in ("by op", "1.00 µs", "2.00 ms", "accel", "a note")] == [True] * 5


def test_names_are_no_markup():
    assert "&lt;b&gt;" in TABLE._repr_html_()
    assert "<b>" not in TABLE._repr_html_()
    assert "[red]" in str(Table("t", COLUMNS, ({"name": "[red]"},)))


def test_it_is_plain_data():
    assert TABLE.to_dict()["columns"][1] == {"key": "time", "title": "self", "unit": "ns"}
    assert TABLE.to_dict()["rows"] == list(ROWS)
