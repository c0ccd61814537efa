"""Stacks say what lay in what, and their own times add up."""

import json

import pytest
from recordings_for_tests import HOSTILE, interleaved, made, trained

from tinytorch_profiling import Recording
from tinytorch_profiling.export.spans import tracks
from tinytorch_profiling.export.stacks import export_speedscope, export_stacks, speedscope, stacks


def test_lines_have_the_path_and_the_own_time(tmp_path):
    export_stacks(made(), tmp_path / "stacks.txt")
    assert (tmp_path / "stacks.txt").read_text().splitlines() == [
        "GPT 200",
        "GPT;blocks.0 200",
        "GPT;blocks.0;linear 100",
        "GPT;blocks.0;attention 300",
        "GPT;blocks.0;attention;softmax 200",
    ]


@pytest.mark.parametrize("recording", [made(), trained(), interleaved()], ids=["made", "trained", "interleaved"])
def test_own_times_add_up_to_the_outermost_bars(recording):
    outermost = [span for track in tracks(recording) for span in track.spans if span.depth == 0]
    own = stacks(recording)
    assert sum(own.values()) == sum(span.end - span.start for span in outermost)
    assert min(own.values()) >= 0


def test_a_hostile_name_divides_no_line(tmp_path):
    export_stacks(trained(), tmp_path / "stacks.txt")
    lines = (tmp_path / "stacks.txt").read_text(encoding="utf-8").splitlines()
    assert all(line.rpartition(" ")[2].isdigit() for line in lines)
    roots = {line.rpartition(" ")[0].split(";")[0] for line in lines}
    assert roots == {"thread 1", "thread 2"}


@pytest.mark.parametrize("recording", [made(), trained(), interleaved()], ids=["made", "trained", "interleaved"])
def test_in_speedscope_every_opening_has_its_closing(recording, tmp_path):
    export_speedscope(recording, tmp_path / "profile.speedscope.json")
    file = json.loads((tmp_path / "profile.speedscope.json").read_text())
    frames = [frame["name"] for frame in file["shared"]["frames"]]
    assert len(frames) == len(set(frames))
    for profile in file["profiles"]:
        open_frames, before = [], profile["startValue"]
        for event in profile["events"]:
            assert before <= event["at"] <= profile["endValue"]
            before = event["at"]
            if event["type"] == "O":
                open_frames.append(event["frame"])
            else:
                assert open_frames.pop() == event["frame"]
        assert open_frames == []


def test_speedscope_keeps_names_as_they_are():
    assert {"name": HOSTILE} in speedscope(trained())["shared"]["frames"]


def test_a_recording_of_nothing_has_no_stacks(tmp_path):
    export_stacks(Recording(), tmp_path / "stacks.txt")
    assert (tmp_path / "stacks.txt").read_text() == ""
    assert speedscope(Recording())["profiles"] == []


def test_another_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"export_speedscope: expected a file name that ends in \.json"):
        export_speedscope(made(), tmp_path / "profile.html")
