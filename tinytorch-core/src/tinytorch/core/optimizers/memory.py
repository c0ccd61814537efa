"""Memory that training frees and asks for again, step by step.

A large array that is freed goes back to the system, and its pages come back one fault at a time, which takes longer
than computing what is written into them. A training step frees and asks for the same arrays as the one before it.
"""

from __future__ import annotations

import functools

import numpy as np

LARGEST = 32 << 20  # bytes; glibc's threshold rises no further (mallopt(3), DEFAULT_MMAP_THRESHOLD_MAX)


@functools.cache
def keep_freed_memory() -> None:
    """Let glibc keep up to 64 MiB of what was freed for the arrays of the next step; done once in a process.

    It learns from sizes: once a block was freed that came from the system by itself, blocks up to its size come from
    the heap, and the heap keeps twice as much when it shrinks (mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD). The
    block is never touched, so it costs no memory. Where the environment sets those thresholds, or another allocator
    serves, nothing changes.
    """
    np.empty(LARGEST - (64 << 10), np.uint8)  # within the maximum with malloc's own header
