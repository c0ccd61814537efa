"""A tree of blocks: keys and values of prompts, each block a fixed number of tokens, shared by all that begin alike.

A block is found by the hash of its tokens and of all before them, then compared, so that no collision can pass for
it. Blocks that a cache refers to stay; of the others the one that was not used for longest, and that no other builds
on, goes first when there are too many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tinytorch.types import Array

Tokens = tuple[int, ...]


class Block:
    """Some tokens, their keys and values (2, layers, heads, tokens, width), and what follows them."""

    __slots__ = ("children", "kept", "key", "parent", "references", "tokens", "used")

    def __init__(self, parent: Block | None, tokens: Tokens, kept: Array) -> None:
        self.parent, self.tokens, self.kept = parent, tokens, kept
        self.key: int = hash((None if parent is None else parent.key, tokens))
        self.children: dict[int, Block] = {}
        self.references, self.used = 0, 0

    def child(self, tokens: Tokens) -> Block | None:
        """The block of these tokens after this one."""
        found = self.children.get(hash((self.key, tokens)))
        return found if found is not None and found.tokens == tokens else None


class Tree:
    """At most `capacity` blocks of `size` tokens."""

    def __init__(self, size: int, capacity: int) -> None:
        self.size, self.capacity = size, capacity
        self.clear()

    def clear(self) -> None:
        """Forget all blocks; caches that refer to some keep them."""
        self.root, self.blocks, self.clock = Block(None, (), np.empty(0)), dict[int, Block](), 0

    def __len__(self) -> int:
        return len(self.blocks)

    def find(self, tokens: Tokens) -> list[Block]:
        """The longest run of blocks with which tokens begin; whoever takes them refers to them."""
        found, block = list[Block](), self.root
        for part in self._parts(tokens):
            following = block.child(part)
            if following is None:
                break
            block = following
            found.append(block)
        self.refer(found)
        return found

    def add(self, tokens: Tokens, kept: Array) -> list[Block]:
        """Blocks for all whole parts of tokens, old and new; `kept` is copied, (2, layers, heads, time, width)."""
        run, block = list[Block](), self.root
        for number, part in enumerate(self._parts(tokens)):
            following = block.child(part)
            if following is None:
                if not self._has_room(run):
                    break
                start = number * self.size
                following = Block(block, part, kept[..., start : start + self.size, :].copy())
                block.children[following.key] = self.blocks[following.key] = following
            block = following
            run.append(block)
        self.refer(run)
        return run

    def refer(self, blocks: list[Block]) -> None:
        """Count one more reference to each."""
        self.clock += 1
        for block in blocks:
            block.references, block.used = block.references + 1, self.clock

    def release(self, blocks: list[Block]) -> None:
        """Count one reference less to each."""
        for block in blocks:
            block.references -= 1

    def _parts(self, tokens: Tokens) -> list[Tokens]:
        return [tokens[start : start + self.size] for start in range(0, len(tokens) - self.size + 1, self.size)]

    def _has_room(self, run: list[Block]) -> bool:
        """Whether one more fits, if need be in the place of another that is no part of this run."""
        if len(self) < self.capacity:
            return True
        free = [
            block for block in self.blocks.values() if not block.references and not block.children and block not in run
        ]
        if not free:
            return False
        oldest = min(free, key=lambda block: block.used)
        del self.blocks[oldest.key]
        if oldest.parent is not None:
            del oldest.parent.children[oldest.key]
        return True
