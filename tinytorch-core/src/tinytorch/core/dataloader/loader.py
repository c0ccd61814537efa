"""DataLoader: a dataset in batches, shuffled by the seed, fetched ahead by threads if wanted."""

from __future__ import annotations

from collections import deque
from itertools import starmap
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.dataloader.dataset import TensorDataset, check_sized
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.creation import tensor
from tinytorch.core.tensor.joining import stack
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.tensor.random import Generator, drawing_from, randperm, stream
from tinytorch.plugins.context import carry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future


class DataLoader:
    """Iterates over a dataset in batches; `len` is how many.

    Workers are threads: they help where samples come from files or large arrays, and the order of batches is the same
    with any number of them. The order, and a seed for each batch's transforms, are drawn when an iteration begins, from
    `generator` or the process's stream.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        drop_last: bool = False,
        generator: Generator | None = None,
    ) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"DataLoader: expected a batch_size of 1 or more, got {batch_size!r}")
        check_sized("DataLoader", dataset)
        whole("DataLoader", "num_workers", num_workers, least=0)
        if collate_fn is not None and not callable(collate_fn):
            raise TypeError(f"DataLoader: expected collate_fn as a function, got {type(collate_fn).__name__}")
        stream(generator)  # refuses what is no Generator
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle
        self.num_workers, self.drop_last, self.generator = num_workers, drop_last, generator
        self.collate_fn = collate_fn

    def __len__(self) -> int:
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or not rest else full + 1

    def __iter__(self) -> Iterator[Any]:
        """One pass over the data."""
        count = len(self.dataset)
        order = randperm(count, generator=self.generator).array if self.shuffle else np.arange(count)
        seeds = stream(self.generator).integers(0, 2**63, len(self))
        chosen = [(order[i * self.batch_size : (i + 1) * self.batch_size], int(seed)) for i, seed in enumerate(seeds)]
        return self._ahead(chosen) if self.num_workers else starmap(self._batch, chosen)

    def _batch(self, indices: Any, seed: int) -> Any:
        """One batch; transforms draw from a stream of its own, so that who makes it, and when, does not matter."""
        with drawing_from(Generator(seed)):
            return self._collated(indices)

    def _collated(self, indices: Any) -> Any:
        if self.collate_fn is None and isinstance(self.dataset, TensorDataset):
            return self.dataset[indices]  # all at once, instead of one by one
        samples = [self.dataset[int(index)] for index in indices]
        return (self.collate_fn or default_collate)(samples)

    def _ahead(self, chosen: list[Any]) -> Iterator[Any]:
        """Let threads make the next batches while this one is used; leaving the iteration ends them."""
        from concurrent.futures import ThreadPoolExecutor  # slow to import, and most loaders need no threads

        with ThreadPoolExecutor(self.num_workers, thread_name_prefix="tinytorch-loader") as pool:
            waiting: deque[Future[Any]] = deque()
            make = carry(self._batch)
            try:
                for indices, seed in chosen:
                    waiting.append(pool.submit(make, indices, seed))
                    if len(waiting) > 2 * self.num_workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()


def default_collate(batch: list[Any]) -> Any:
    """Samples as one batch: tensors are stacked, numbers become a tensor, tuples and dicts are collated by part."""
    if not batch:
        raise ValueError("default_collate: expected at least one sample, got none")
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch)
    if isinstance(first, (bool, int, float, np.ndarray, np.generic)):
        shapes = {np.shape(sample) for sample in batch}
        if len(shapes) > 1:
            raise ValueError(
                f"default_collate: expected arrays of one shape, got {' and '.join(map(str, sorted(shapes)))}"
            )
        return tensor(np.stack(batch) if isinstance(first, (np.ndarray, np.generic)) else batch)
    if isinstance(first, dict):
        if any(not isinstance(sample, dict) or sample.keys() != first.keys() for sample in batch):
            raise ValueError(
                f"default_collate: expected dicts with the keys {', '.join(map(str, first))} in every sample"
            )
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, (tuple, list)):
        if any(len(sample) != len(first) for sample in batch):
            raise ValueError(f"default_collate: expected {len(first)} parts in every sample, some have more or fewer")
        return type(first)(default_collate(list(part)) for part in zip(*batch, strict=True))
    return batch
