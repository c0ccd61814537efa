"""What killed writers leave behind is removed by the next one; what a living one writes is left alone."""

import os
import signal
import subprocess
import sys
import threading

import pytest

import tinytorch
from tinytorch.replacing import _begin, replacing
from tinytorch.serialization import save

WRITER = """
import sys, time
from pathlib import Path
from tinytorch.replacing import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("begun", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run [1].npz"


@pytest.fixture
def writer(path):
    """Another process that has written half a file."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        yield process
        process.kill()


def write(path, content=b"whole"):
    with replacing(path) as file:
        file.write(content)


def names(path):
    return sorted(each.name for each in path.parent.iterdir())


def test_the_leftover_of_a_killed_writer_is_removed(path, writer):
    writer.kill()
    assert writer.wait() == -signal.SIGKILL
    assert len(names(path)) == 1
    save({"x": tinytorch.ones(2)}, path)
    assert names(path) == [path.name]


def test_the_file_of_a_living_writer_stays(path, writer):
    before = names(path)
    write(path)
    assert names(path) == sorted([*before, path.name])


def test_the_file_of_a_writer_in_this_process_stays(path):
    with replacing(path) as file:
        file.write(b"first")
        write(path, b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert names(path) == [path.name]


def test_a_leftover_of_another_place_stays(path):
    others = [".run [1].npz.tmp", ".run [1].npz.0123abcd", ".other.npz.0123abcd.tmp", ".run 1.npz.0123abcd.tmp"]
    for name in others:
        (path.parent / name).touch()
    write(path)
    assert names(path) == sorted([*others, path.name])


def test_a_file_that_was_removed_before_it_was_locked_is_begun_again(path, monkeypatch):
    drawn = [bytes([7] * 4), bytes([8] * 4)]
    monkeypatch.setattr(os, "urandom", lambda count: drawn.pop(0))
    lock = "tinytorch.replacing._lock"
    monkeypatch.setattr(lock, lambda file: (path.parent / f".{path.name}.07070707.tmp").unlink(missing_ok=True))
    temporary, file = _begin(path)
    file.close()
    assert names(path) == [temporary.name] == [f".{path.name}.08080808.tmp"]


def test_many_writers_at_once_all_come_to_their_end(path):
    def repeat(content):
        for _ in range(30):
            write(path, content)
        done.append(content)

    done, contents = [], [bytes([number]) * 1000 for number in range(4)]
    threads = [threading.Thread(target=repeat, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == contents
    assert path.read_bytes() in contents
    assert names(path) == [path.name]


def test_without_locks_nothing_is_removed(path, monkeypatch):
    leftover = path.with_name(f".{path.name}.0123abcd.tmp")
    leftover.touch()
    monkeypatch.setattr("tinytorch.replacing.HAS_LOCKS", False)
    write(path)
    assert path.read_bytes() == b"whole"
    assert names(path) == sorted([leftover.name, path.name])
