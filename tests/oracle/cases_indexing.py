"""Picking elements, putting them back, gathering and scattering."""

import numpy as np
from agreement import cases, given
from drawing import anything, mask, of, whole

from tinytorch.testing import draw
from tinytorch.testing.selection_cases import advanced_index, plain_index

THREE = given(
    x=of(3, 4, 5),
    i=whole(-3, 3, 2),
    j=whole(-4, 4, 2),
    k=whole(-5, 5, 3, 2),
    rows=mask(3),
    both=mask(3, 4),
    m=mask(3, 4, 5),
)
PUT = given(x=of(3, 4), v=of(4), w=of(), i=whole(-3, 3, 1), m=mask(3, 4), rows=mask(3), two=of(2, 4), c=of(3, 2))


def plain(rng):
    x = anything(rng)
    index = plain_index(rng, x.shape)
    return {"x": x, "index": index, "v": np.asarray(rng.standard_normal(x[index].shape)).astype(x.dtype)}


def advanced(rng):
    """Indices as lists, so that they mean the same to both libraries: masks and integer arrays."""
    x = np.array(draw.normal(rng, draw.shape(rng, low=1, high=3, smallest=1), np.dtype("float32")))
    index = advanced_index(rng, x.shape)
    return {"x": x, "index": tuple(part.tolist() if isinstance(part, np.ndarray) else part for part in index)}


def gathered(rng):
    x = rng.standard_normal(rng.integers(1, 5, rng.integers(1, 4))).astype(np.float32)
    dim = int(rng.integers(-x.ndim, x.ndim))
    shape = [int(rng.integers(1, size + 1)) for size in x.shape]
    shape[dim] = int(rng.integers(1, 6))
    full = [int(rng.integers(1, 6)) if i == dim % x.ndim else size for i, size in enumerate(x.shape)]
    index = rng.integers(0, x.shape[dim], shape)
    return {
        "x": x,
        "dim": dim,
        "index": index,
        "full": rng.integers(0, x.shape[dim], full),
        "src": rng.standard_normal(shape).astype(np.float32),
    }


CASES = [
    *cases(
        "slices",
        plain,
        "x[index]; x[index] * 2; put(x, index, 0); put(x, index, v); put(x, index, 1.5); put(x.detach(), index, v)",
    ),
    *cases("arrays", advanced, "x[index]; x[index].sum(); put(x, index, 2)"),
    *cases(
        "by hand",
        THREE,
        """
        x[0]; x[-1]; x[1, 2]; x[1, 2, 3]; x[..., 0]; x[:, 1]; x[1:]; x[:, ::2]; x[..., -2:]; x[None]; x[:, None]
        x[..., None]; x[0, ..., 1]; x[i]; x[i, j]; x[:, j]; x[:, :, k]; x[k % 3]; x[i, :, j]; x[i, None, j]
        x[0, j]; x[:, 0, k]; x[..., k]; x[i[:, None], j]; x[None, i]; x[rows]; x[both]; x[m]; x[rows, 0]
        x[:, :, 1:3][rows]; x[both, 0]; x[x > 0]; x[rows, :, 1:2]; x[[0, 2]]; x[[0, 1], [1, 2]]
        x[[True, False, True]]; x[()]; x[...]; x[1:1]; x[5:]; x[-2:-1]; x[0:10:3]; x[i, 1:3]; x[1:3, i]
        x[:, i[0]]; x[i[0]]; x[True]; x[False]; x[None, ..., None]; x[i].sum(); x[m].mean(); x[i, j] * x[i, j]
        x[k.flatten() % 3, 0]; x[i % 3].prod(0); x[0][1][2]; x[:, [0, 3], :]; x[[1]]; x[rows][0]
        x.index_select(0, i % 3); t.index_select(x, -1, j % 4); x.masked_select(m)
        t.masked_select(x, both[:, :, None]); x[:, [True, False, True, False]]; len(x); [each for each in x]
        x.unbind(2); x[1].unbind(); x[:, j % 4][..., 0]; x.long()[i]; m[rows]; x[:, None, i % 4, None]
        x[slice(1, 3)]; x[..., [0]]; x[t.tensor(1)]; x[t.tensor([1, 2])]; x[:, t.tensor(0)]
        x[t.tensor([], dtype=t.int64)]; x[both.nonzero()[:, 0]]; x.nonzero(); m.nonzero(); both.long().nonzero()
        """,
    ),
    *cases(
        "assigning",
        PUT,
        """
        put(x, 0, v); put(x, (slice(None), 1), w); put(x, m, 0); put(x, m, w); put(x, i, v); put(x, i, 0.5)
        put(x, x > 0, -1); put(x, ..., v); put(x, (slice(0, 2),), two); put(x, (slice(None), slice(1, 3)), c)
        put(x, None, v); put(x, rows, v); put(x, rows, 0); put(x, [0, 2], two); put(x, (0, 1), w)
        put(x, (0, 1), 3); put(x * 2, 1, v) * x; put(x, (1, slice(0, 2)), 1); put(x.exp(), 0, v)
        put(x.detach(), 0, v); put(x.detach(), 1, 7); put(x.long(), 0, 2); put(x.long(), m, 1)
        put(x > 0, 0, True); put(put(x, 0, v), 1, v * 2); put(x, (slice(None), [0, 1]), c)
        put(x, 0, put(x, 1, v)[1]); put(x.detach().long(), 0, 2.7); put(x.double(), 0, v); put(x, 0, v.long())
        put(x, (slice(1, 1),), 5); put(x, m, w.reshape(1)); put(x, 0, v.double())
        """,
    ),
    *cases(
        "gathering",
        gathered,
        """
        x.gather(dim, index); t.gather(x, dim, index); t.take_along_dim(x, full, dim)
        x.scatter_add(dim, index, src); x.take_along_dim(full, dim); t.scatter_add(x, dim, index, src)
        x.gather(dim, index).sum(dim); x.index_select(dim, index.flatten())
        """,
    ),
]
