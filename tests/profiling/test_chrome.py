"""A trace has the format of Chrome's trace events, and says of every call what it was."""

import gzip
import json
from collections import defaultdict

import pytest
from jsonschema import Draft202012Validator
from recordings_for_tests import HOSTILE, call, interleaved, made, trained

from tinytorch_profiling import Recording
from tinytorch_profiling.export.chrome import export_chrome_trace, trace_events

NUMBER, TEXT, WHOLE = {"type": "number"}, {"type": "string"}, {"type": "integer"}


def event(phase, *required, **properties):
    every = {"ph": {"const": phase}, "name": TEXT, "pid": WHOLE, "tid": WHOLE, "ts": NUMBER}
    properties = {**every, **properties}
    required = [*every, *required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


NAMES = {"type": "object", "properties": {"name": TEXT, "sort_index": WHOLE}, "minProperties": 1}
SCHEMA = {
    "type": "object",
    "required": ["traceEvents"],
    "properties": {
        "displayTimeUnit": {"enum": ["ms", "ns"]},
        "traceEvents": {
            "type": "array",
            "items": {
                "oneOf": [
                    event("M", "args", args=NAMES, name={"enum": ["process_name", "thread_name", "thread_sort_index"]}),
                    event("X", "dur", dur={"type": "number", "minimum": 0}, cat=TEXT, args={"type": "object"}),
                    event("s", "id", "cat", id=WHOLE, cat=TEXT),
                    event("f", "id", "cat", id=WHOLE, cat=TEXT, bp={"const": "e"}),
                    event("C", "args", args={"type": "object", "additionalProperties": NUMBER}),
                ]
            },
        },
    },
}
MEMORY = [(1000, {"parameters": 24}), (1500, {"parameters": 24, "activations": 48})]


def of(events, phase):
    return [each for each in events if each["ph"] == phase]


def nesting_holds(events):
    by_track = defaultdict(list)
    for each in of(events, "X"):
        by_track[each["tid"]].append((each["ts"], each["ts"] + each["dur"]))
    for bars in by_track.values():
        open_ends = []
        for start, end in sorted(bars, key=lambda bar: (bar[0], -bar[1])):
            while open_ends and open_ends[-1] <= start + 1e-6:  # sums of microseconds are rounded
                open_ends.pop()
            assert not open_ends or end <= open_ends[-1] + 1e-6
            open_ends.append(end)
    return bool(by_track)


@pytest.mark.parametrize("recording", [made(), trained(), interleaved()], ids=["made", "trained", "interleaved"])
@pytest.mark.parametrize("name", ["trace.json", "trace.json.gz"])
def test_a_file_has_the_format_and_its_bars_nest(recording, name, tmp_path):
    export_chrome_trace(recording, tmp_path / name, MEMORY)
    text = (tmp_path / name).read_bytes()
    trace = json.loads(gzip.decompress(text) if name.endswith("gz") else text)
    Draft202012Validator(SCHEMA).validate(trace)
    assert nesting_holds(trace["traceEvents"])
    assert len(of(trace["traceEvents"], "X")) == len(recording.calls) + len(recording.scopes)


def test_a_call_tells_its_arrays_and_its_module():
    bars = of(trace_events(made()), "X")
    linear = next(each for each in bars if each["name"] == "linear")
    assert (linear["ts"], linear["dur"], linear["cat"]) == (0.1, 0.1, "forward")
    assert linear["args"] == {
        "input shapes": [(2, 3)],
        "input dtypes": ["float32"],
        "output shapes": [(2, 3)],
        "output dtypes": ["float32"],
        "parameters": [],
        "plugin": "core",
        "module": "GPT.blocks.0",
        "bytes": 48,
        "self time (µs)": 0.1,
    }


def test_parameters_that_json_has_no_number_for_are_told():
    made_of = call("clip", 0, 1)
    made_of.inputs = (*made_of.inputs, float("nan"), [1, 2])
    (bar,) = of(trace_events(Recording([made_of], [], [(0, 1)], 1)), "X")
    assert bar["args"]["parameters"] == ["nan", "[1, 2]"]


def test_an_arrow_leads_from_a_call_to_the_first_of_its_derivative():
    recording = trained()
    events = list(trace_events(recording))
    starts = {each["id"]: each for each in of(events, "s")}
    ends = {each["id"]: each for each in of(events, "f")}
    assert starts.keys() == ends.keys()
    bars = {(each["tid"], each["ts"]): each["name"] for each in of(events, "X")}
    pairs = [(bars[starts[id]["tid"], starts[id]["ts"]], bars[ends[id]["tid"], ends[id]["ts"]]) for id in starts]
    assert ("gelu", "gelu_grad") in pairs
    assert len(pairs) == len({call.derivative_of for call in recording.calls if call.derivative_of})


def test_threads_have_names_and_memory_a_counter():
    events = list(trace_events(trained(), MEMORY))
    names = [each["args"]["name"] for each in of(events, "M") if each["name"] == "thread_name"]
    assert names == ["thread 1", "thread 2"]
    assert [each["args"] for each in of(events, "C")] == [categories for _, categories in MEMORY]


def test_a_hostile_name_is_a_name(tmp_path):
    export_chrome_trace(trained(), tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert HOSTILE in [each["name"] for each in events]


def test_a_recording_of_nothing_is_a_trace_of_nothing():
    assert of(trace_events(Recording()), "X") == []


def test_another_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected a file name that ends in \.json or \.json\.gz, got '.*trace\.txt'"):
        export_chrome_trace(made(), tmp_path / "trace.txt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["trace.json", "trace.json.gz"])
def test_the_old_file_stays_when_the_new_one_cannot_be_written(name, tmp_path):
    (tmp_path / name).write_text("old")
    with pytest.raises(ValueError, match="JSON"):
        export_chrome_trace(made(), tmp_path / name, [(0, {"parameters": float("nan")})])
    assert [each.read_text() for each in tmp_path.iterdir()] == ["old"]
