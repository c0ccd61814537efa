"""Replacing a file: at any instant there is the old one or the new one, whole.

The new one is written beside its place, synced to the disk and renamed. Its writer holds a lock on it, which the system
releases when the writer is killed: what nobody holds is a leftover, and the next writer to that place removes it. Where
the file system has no locks, leftovers stay.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

try:
    import fcntl
except ImportError:  # Windows
    HAS_LOCKS = False
else:
    HAS_LOCKS = True

if TYPE_CHECKING:
    from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes the path's place when the block ends well, and disappears when it does not."""
    place = path.resolve()  # through a link: the link stays one
    _remove_leftovers(place)
    temporary, file = _begin(place)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if not HAS_LOCKS:
                file.close()  # Windows renames no open file
            temporary.replace(place)  # still locked, so that nobody takes it for a leftover
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(place.parent)


def _begin(place: Path) -> tuple[Path, IO[bytes]]:
    """Open a file beside the place, and lock it."""
    while True:
        temporary = place.with_name(f".{place.name}.{os.urandom(4).hex()}.tmp")
        file = temporary.open("xb")  # as any new file, with the permissions that the person's umask gives
        _lock(file)
        if temporary.exists():
            return temporary, file
        file.close()  # removed as a leftover in the instant before it was locked


def _remove_leftovers(place: Path) -> None:
    """Remove what writers to this place had begun when they were killed."""
    from glob import escape

    for leftover in place.parent.glob(f".{escape(place.name)}.{'[0-9a-f]' * 8}.tmp"):
        with contextlib.suppress(OSError), leftover.open("r+b") as file:
            if _lock(file, wait=False):
                leftover.unlink()


def _lock(file: IO[bytes], *, wait: bool = True) -> bool:
    """Hold the file until it is closed; return whether it could be had."""
    if not HAS_LOCKS:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another holds it, or the file system has no locks
        return False
    return True


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
