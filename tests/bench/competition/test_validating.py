"""A submission goes through files unchanged; what is wrong, tampered with or impossible is refused with the reason."""

import copy
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from submissions_for_tests import made_up

from tinytorch_bench.competition.event import EVENTS
from tinytorch_bench.competition.running import finished
from tinytorch_bench.competition.scoring import digest
from tinytorch_bench.competition.validating import read_submission, validate
from tinytorch_bench.reading import FormatError, schema_of


@pytest.mark.parametrize("key", EVENTS)
def test_a_submission_goes_through_a_file_unchanged(key, tmp_path):
    submission, path = made_up(3, key), tmp_path / "submission.json"
    path.write_text(json.dumps(submission, indent=1))
    assert read_submission(path) == submission == validate(json.loads(json.dumps(submission)))


def test_it_follows_the_schema_for_others_too():
    import jsonschema

    schema = schema_of("submission-1")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(made_up(), schema)


def changed(place, value):
    """Change one value and leave the rest, digest and all."""

    def tamper(submission):
        *path, last = place.split("/")
        for name in path:
            submission = submission[int(name) if name.isdecimal() else name]
        submission[int(last) if last.isdecimal() else last] = value(submission) if callable(value) else value

    return tamper


def anew(place, value):
    """Change one value, and compute everything that follows from it anew, as a careful forger would."""

    def tamper(submission):
        changed(place, value)(submission)
        content = {name: each for name, each in submission.items() if name not in ("derived", "digest")}
        submission.update(finished(content))

    return tamper


def removed(place):
    def tamper(submission):
        *path, last = place.split("/")
        for name in path:
            submission = submission[name]
        del submission[last]

    return tamper


def first_times(part):
    return part["baseline"]


PLUGIN = {"name": "accel", "version": "0.1.0", "options": {}, "ops": {}}
STEP = {"plugin": "compress", "name": "prune", "structure": "0" * 64}
QUANTIZED = {"plugin": "quant", "name": "quantize", "structure": "0" * 64}


def nothing_left(submission):
    submission["machine"]["plugins"] = [{**PLUGIN, "name": "quant"}]
    submission["entry"]["applied"] = [QUANTIZED]
    anew("entry/bytes", 1)(submission)


TAMPERED = {
    "an entry of a byte": (nothing_left, "entry/bytes: expected an eighth of the baseline's or more in the closed"),
    "a transform of a plugin that was not there": (
        anew("entry/applied", [QUANTIZED]),
        "entry/applied: 'quantize' is of 'quant', which is not among machine/plugins",
    ),
    "joules that nobody counted": (
        anew("disciplines/0/joules", [1.0, 0.5]),
        "expected joules where energy is measured",
    ),
    "no joules of what was counted": (anew("energy", "a package"), "expected joules where energy is measured"),
    "a baseline of hours": (
        anew("disciplines/0/baseline", lambda part: [1e3 * seconds for seconds in part["baseline"]]),
        "disciplines/one image/baseline: ",
    ),
    "a thousandth of the time": (
        anew("disciplines/0/entry", lambda part: [seconds / 1000 for seconds in part["baseline"]]),
        "is less than a call takes",
    ),
    "the half of the baseline": (
        anew("disciplines/0/entry", lambda part: [seconds / 2 for seconds in part["baseline"]]),
        "disciplines/one image: most of the ratios are equal, which no clock gives",
    ),
    "times that no clock tells apart": (
        anew("disciplines/0/entry", [5e-4 + place * 1e-18 for place in range(20)]),
        "most of the times are equal, which no clock gives",
    ),
    "a byte order mark": (anew("team", "us\ufeff"), "nothing invisible"),
    "a word joiner": (anew("team", "u\u2060s"), "nothing invisible"),
    "a soft hyphen": (anew("team", "u\u00ads"), "nothing invisible"),
    "a filler": (anew("team", "us\u3164"), "nothing invisible"),
    "a vowel separator": (anew("team", "u\u180es"), "nothing invisible"),
    "an empty Braille cell": (anew("team", "us\u2800"), "nothing invisible"),
    "a tag": (anew("team", "us\U000e0041"), "nothing invisible"),
    "a variation selector": (anew("team", "us\ufe0f"), "nothing invisible"),
    "a mark that nothing carries": (anew("team", "\u0301us"), "nothing invisible"),
    "no letter": (anew("team", "..."), "team: expected letters or digits"),
    "letters apart from their marks": (anew("team", "cafe\u0301"), "team: expected composed characters (NFC)"),
    "another kind of file": (changed("kind", "tinytorch bench run"), "kind: 'tinytorch bench submission' was expected"),
    "another version": (changed("version", 2), "version: 1 was expected"),
    "a missing field": (removed("team"), "the whole: 'team' is a required property"),
    "a missing digest": (removed("digest"), "the whole: 'digest' is a required property"),
    "a missing machine": (removed("machine/processor"), "machine: 'processor' is a required property"),
    "an unknown field": (changed("note", "we won"), "Additional properties are not allowed ('note' was unexpected)"),
    "a text for a number": (changed("entry/bytes", "38440"), "entry/bytes: '38440' is not of type 'integer'"),
    "a boolean for a number": (changed("entry/correct", True), "entry/correct: True is not of type 'integer'"),
    "a number for a text": (changed("team", 7), "team: 7 is not of type 'string'"),
    "no name": (anew("team", ""), "team: '' should be non-empty"),
    "a very long name": (anew("team", "x" * 61), "is too long"),
    "a name that rings": (anew("team", "us\x07"), "team: 'us\\x07' does not match"),
    "a name that turns text around": (anew("title", "\u202etxet"), "does not match"),
    "a name with spaces around": (anew("team", " us"), "team: expected a text without spaces around it, got ' us'"),
    "an unknown event": (changed("event", "mlp-walk"), "event: there is no 'mlp-walk/digits'"),
    "an unknown track": (changed("track", "letters"), "event: there is no 'mlp-sprint/letters'"),
    "another version of the event": (anew("event_version", 2), "event_version: expected 1 of mlp-sprint/digits, got 2"),
    "no time at all": (changed("written", "yesterday"), "written: 'yesterday' does not match"),
    "a day that never was": (anew("written", "2026-02-31T12:00:00+00:00"), "written: there is no such time"),
    "the future": (anew("written", "2999-01-01T12:00:00+00:00"), "is in the future"),
    "long ago": (anew("written", "1999-01-01T12:00:00+00:00"), "is before the first event"),
    "a plugin twice": (anew("machine/plugins", [PLUGIN, PLUGIN]), "machine/plugins: 'accel' stands there twice"),
    "no threads": (anew("machine/threads", 0), "machine/threads: 0 is less than the minimum of 1"),
    "a time of zero": (changed("disciplines/0/entry/3", 0.0), "disciplines/0/entry/3: 0.0 is less than or equal to"),
    "a negative time": (changed("disciplines/0/entry/3", -1e-3), "-0.001 is less than or equal to the minimum"),
    "a time of hours": (changed("disciplines/0/baseline/3", 1e5), "is greater than the maximum"),
    "a time in which nothing can be called": (anew("disciplines/0/entry/3", 1e-7), "1e-07 s is less than a call takes"),
    "all times equal": (anew("disciplines/0/entry", [5e-4] * 20), "most of the times are equal, which no clock gives"),
    "the entry's times copied": (
        anew("disciplines/0/entry", first_times),
        "disciplines/one image/entry: the same times stand there twice",
    ),
    "too few rounds": (changed("disciplines/0/entry", [1e-3, 1.1e-3]), "is too short"),
    "rounds that others lack": (
        changed("disciplines/0/entry", lambda part: part["entry"][:-1]),
        "disciplines: expected as many times of each side and discipline, got [19, 20]",
    ),
    "no discipline": (changed("disciplines", []), "disciplines: [] should be non-empty"),
    "another discipline": (anew("disciplines/0/name", "sleeping"), "expected one image, got sleeping"),
    "a discipline twice": (
        anew("disciplines", lambda whole: 2 * whole["disciplines"]),
        "disciplines: expected one image, got one image, one image",
    ),
    "a smaller baseline": (anew("baseline/bytes", 38_000), "mlp-sprint/digits has 38,440, got 38,000"),
    "a baseline with transforms": (anew("baseline/applied", [STEP]), "baseline: expected it as the event has it"),
    "a baseline from a file": (anew("baseline/origin", "file"), "baseline: expected it as the event has it"),
    "a smaller entry of which nothing was made": (
        anew("entry/bytes", 9_610),
        "entry: its size differs from the baseline's, but nothing was applied to it",
    ),
    "an entry of nothing": (anew("entry/bytes", 0), "entry/bytes: 0 is less than the minimum of 1"),
    "more right than there are": (changed("entry/correct", 360), "entry/correct: 360 of 359 samples"),
    "below the gate": (anew("entry/correct", 300), "entry: 83.57 % of the samples are right, the gate of mlp-sprint/"),
    "a baseline below the gate": (anew("baseline/correct", 300), "baseline: 83.57 % of the samples are right"),
    "other results, and called closed": (
        changed("difference", 0.5),
        "derived/division: 'closed' is not what follows from the measurements, 'open'",
    ),
    "a difference that cannot be": (changed("difference", 2.0), "difference: 2.0 is greater than the maximum of 1"),
    "a better score": (changed("derived/score", 9.0), "derived/score: 9.0 is not what follows from the measurements"),
    "a narrower interval": (changed("derived/low", 1.9999), "derived/low: 1.9999 is not what follows"),
    "a better accuracy": (changed("derived/accuracy/entry", 1.0), "derived/accuracy/entry: 1.0 is not what follows"),
    "a better ratio": (changed("derived/ratios/one image", 3.0), "derived/ratios/one image: 3.0 is not what follows"),
    "a ratio of its own": (changed("derived/ratios/style", 3.0), "derived/ratios/style: nothing of that name follows"),
    "a gate that was not passed": (changed("derived/passed", False), "derived/passed: False is not what follows"),
    "the other division": (changed("derived/division", "open"), "derived/division: 'open' is not what follows"),
    "pruned, and called closed": (
        lambda submission: (
            anew("entry/applied", [STEP])(submission),
            changed("derived/division", "closed")(submission),
        ),
        "derived/division: 'closed' is not what follows from the measurements, 'open'",
    ),
    "faster by hand": (changed("disciplines/0/entry/3", 1e-4), "derived/"),
    "another team": (changed("team", "them"), "digest: it is not that of the content"),
    "another processor": (changed("machine/processor", "Slow 1"), "digest: it is not that of the content"),
    "half of a character": (changed("machine/blas", "\ud800"), "expected finite numbers and whole characters"),
    "not a number, from a program": (changed("disciplines/0/entry/3", float("nan")), "expected finite numbers"),
    "another digest": (changed("digest", f"sha256:{'0' * 64}"), "digest: it is not that of the content"),
    "a digest of another kind": (changed("digest", "md5:0"), "digest: 'md5:0' does not match"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_tampered_with_is_refused_with_the_reason(name):
    tamper, reason = TAMPERED[name]
    submission = copy.deepcopy(made_up(1))
    tamper(submission)
    with pytest.raises(FormatError) as raised:
        validate(submission)
    assert reason in str(raised.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value, path=()):
    """All places in a value, the whole included."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for name, part in parts:
        yield from places(part, (*path, name))


@given(st.sampled_from([*places(made_up(1))]), JSON, st.booleans())
def test_whatever_stands_anywhere_is_refused_in_a_sentence_or_was_right(place, value, recomputed):
    submission = copy.deepcopy(made_up(1))
    if not place:
        submission = value
    else:
        part = submission
        for name in place[:-1]:
            part = part[name]
        part[place[-1]] = value
        if recomputed and place[0] != "digest":
            with suppress(ValueError):  # nan has no digest
                submission["digest"] = digest(submission)
    with suppress(FormatError):  # and nothing else
        kept = validate(submission)
        assert json.loads(json.dumps(kept, allow_nan=False, ensure_ascii=False).encode()) == submission


TEXT = json.dumps(made_up(1))
BROKEN = {
    "nothing": ("", "it is no JSON"),
    "cut off": (TEXT[:-5], "it is no JSON"),
    "no object": ("[]", "the whole: [] is not of type 'object'"),
    "not a number": (TEXT.replace('"score": ', '"score": NaN, "x": '), "expected finite numbers, got NaN"),
    "infinity": (TEXT.replace('"score": ', '"score": Infinity, "x": '), "expected finite numbers, got Infinity"),
    "minus infinity": (TEXT.replace('"score": ', '"score": -Infinity, "x": '), "got -Infinity"),
    "a number too large": (TEXT.replace('"score": ', '"score": 1e999, "x": '), "expected finite numbers, got 1e999"),
    "a whole number too large": (TEXT.replace('"version": 1,', f'"version": {"9" * 5000},'), "of 64 bits"),
    "a name twice": (TEXT.replace('"team"', '"team": "a", "team"'), "the name 'team' stands twice in one object"),
    "nested without end": ("[" * 200_000, "it is nested too deeply"),
    "too large": (f'"{"x" * (8 << 20)}"', "expected 8 MiB at most"),
    "no text": (b"\xff\xfe{}", "expected UTF-8, got byte 0xff at 0"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_none_is_refused_with_the_reason(name, tmp_path):
    content, reason = BROKEN[name]
    path = tmp_path / "submission.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(FormatError) as raised:
        read_submission(path)
    assert reason in str(raised.value)
    assert str(raised.value).startswith(str(path))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(FormatError, match="cannot be read: No such file or directory"):
        read_submission(tmp_path / "nowhere.json")


def test_what_cannot_be_found_is_known():
    """A forger who computes everything anew is not found: the digest has no secret, and docs/competition.md says so."""
    submission = made_up(1)
    anew("disciplines/0/entry", lambda part: [seconds / 3 for seconds in part["entry"]])(submission)
    assert validate(submission)["derived"]["score"] == pytest.approx(6.0, rel=0.1)
