"""Bars of a recording lie in each other or apart, whatever the program did."""

import pytest
from recordings_for_tests import interleaved, made, trained

from tinytorch_profiling.export.spans import tracks


def nested(track):
    open_bars = []
    for span in track.spans:
        del open_bars[span.depth :]
        assert len(open_bars) == span.depth
        assert all(bar.start <= span.start <= span.end <= bar.end for bar in open_bars)
        open_bars.append(span)
    return True


@pytest.mark.parametrize("recording", [made(), trained(), interleaved()], ids=["made", "trained", "interleaved"])
def test_every_scope_and_call_has_its_bar_in_one_place(recording):
    rows = tracks(recording)
    assert all(map(nested, rows))
    drawn = [span.source for track in rows for span in track.spans]
    assert sorted(map(id, drawn)) == sorted(map(id, [*recording.calls, *recording.scopes]))


def test_a_module_in_a_module_is_named_by_the_rest_of_its_path():
    (track,) = tracks(made())
    assert [(span.name, span.depth) for span in track.spans] == [
        ("GPT", 0),
        ("blocks.0", 1),
        ("linear", 2),
        ("attention", 2),
        ("softmax", 3),
    ]


def test_tasks_that_take_turns_in_a_thread_have_a_track_each():
    found = {track.name: [span.name for span in track.spans] for track in tracks(interleaved())}
    assert found == {"thread 1": ["first", "exp", "sin"], "thread 1, task 2": ["second", "log"]}


def test_the_thread_of_the_profile_comes_first():
    recording = trained()
    assert tracks(recording)[0].spans[0].source.thread == recording.thread
