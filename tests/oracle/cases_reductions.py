"""Sums, means, extremes, products, order."""

import numpy as np
from agreement import cases, given
from drawing import along, anything, filled, mask, of, over, special, ties, whole


def at_least_two(rng):
    return of(*rng.integers(2, 5, rng.integers(1, 4)))(rng)


def with_zeros(rng):
    x = filled(rng)
    return np.where(rng.random(x.shape) < 0.7, x, np.float32(0))


def some(rng):
    """`over(at_least_two)` with one dimension or more."""
    drawn = over(at_least_two)(rng)
    return {**drawn, "dims": drawn["dims"] or [0]}


TIES = given(x=ties(3, 4, 2))
WHOLE = given(x=whole(-3, 4, 3, 4))

CASES = [
    *cases(
        "over dims",
        over(anything),
        """
        x.sum(dims, keepdim); t.mean(x, dims, keepdim); t.sum(x, dim=dims, keepdim=keepdim)
        x.sum(axis=tuple(dims)); x.sum(dims, keepdims=keepdim); x.any(dims, keepdim) if dims else x.any()
        x.all(dims) if dims else x.all()
        """,
    ),
    *cases(
        "over dims of something",
        some,
        """
        x.var(dims, correction=0, keepdim=keepdim); x.std(dims, unbiased=False); x.logsumexp(dims, keepdim)
        x.norm(dim=dims); x.amax(dims, keepdim); t.amin(x, dims); t.amax(x, dim=dims, keepdim=keepdim)
        x.norm(1, dims, keepdim); x.var(dims, correction=1, keepdim=keepdim); x.std(dims, correction=0)
        t.norm(x, 3, dims[:1])
        """,
    ),
    *cases(
        "along dim",
        along(anything),
        """
        x.sum(dim, keepdim); x.mean(dim); t.sum(x, dim); x.prod(dim, keepdim); x.cumsum(dim)
        t.cumsum(x, dim=dim); x.any(dim); x.sort(dim); x.sort(dim=dim, descending=True, stable=True)
        t.argsort(x, dim); x.all(dim, keepdim); x.sum(axis=dim); x.sum(dim, dtype=t.float64)
        x.mean(dim, keepdim=True, dtype=t.float64); t.sort(x, dim=dim); x.argsort(dim, descending=True)
        """,
    ),
    *cases(
        "along dim of something",
        along(filled),
        """
        x.max(dim); x.min(dim, keepdim); t.max(x, dim, keepdim=True); t.min(x, dim); x.argmax(dim)
        x.argmin(dim, keepdim); t.argmax(x, dim=dim, keepdim=keepdim); x.topk(1, dim)
        x.topk(x.shape[dim] if x.ndim else 1, dim, largest=False); x.amax(dim, keepdim); x.logsumexp(dim)
        x.max(dim).values; x.max(dim)[1]; x.var(dim, correction=0); x.norm(2, dim)
        t.topk(x, k=1, dim=dim, largest=True, sorted=True); x.norm(3, dim, keepdim)
        x.norm(p=float('inf'), dim=dim)
        """,
    ),
    *cases(
        "all",
        given(x=filled),
        """
        x.sum(); x.mean(); x.max(); x.min(); x.amax(); x.amin(); x.prod(); x.argmax(); x.argmin(); x.any()
        x.all(); x.norm(); t.sum(x); t.mean(x); t.max(x); t.min(x); t.prod(x); t.argmax(x); t.any(x); t.all(x)
        t.norm(x); x.norm(1); x.norm(3); x.sum(dtype=t.float64); x.var(correction=0); x.std(unbiased=False)
        (x * 100).logsumexp(-1); x.norm(float('inf')); x.sum(None); x.sum(()); x.sum([]); x.mean(None, True)
        x.sum(dim=None, keepdim=True); x.argmax(None); x.amax(())
        """,
    ),
    *cases(
        "spread",
        along(at_least_two),
        """
        x.var(); x.std(); t.var(x, dim); t.std(x, dim, keepdim=keepdim); x.var(dim, unbiased=False)
        x.double().var(dim, correction=0.5); x.std(dim, correction=0, keepdim=True); x.var(unbiased=True)
        t.var(x); t.std(x, correction=0); x.var(axis=dim); x.std(dim, unbiased=True, keepdim=keepdim)
        x.double().var(dim, correction=1, keepdim=True); x.var(dim, keepdim=True); t.std(x, dim, unbiased=False)
        x.std(axis=dim, keepdim=True)
        """,
    ),
    *cases(
        "ties",
        TIES,
        """
        x.max(1); x.min(0); x.max(); x.min(); x.amax(1); x.amin([0, 2]); x.argmax(); x.argmax(1); x.argmin(-1)
        x.argmin(); x.sort(dim=1, stable=True); x.sort(dim=-1, descending=True, stable=True)
        x.argsort(dim=0, stable=True); x.max(-1, keepdim=True)
        t.argsort(x, dim=1, descending=True, stable=True); x.amax(); x.norm(float('inf'), 1)
        x.detach().topk(2, 1).values
        """,
    ),
    *cases(
        "special",
        given(x=special(5, 6)),
        """
        x.max(1); x.min(1); x.amax(1); x.amin(); x.argmax(1); x.argmin(1); x.sum(1); x.sort(dim=1, stable=True)
        x.detach().logsumexp(1); x.sort(dim=1, descending=True, stable=True); x.any(1); x.all(1); x.mean()
        x.detach().max(); x.argmax(); x.cumsum(1); x.detach().topk(3, 1).values
        """,
    ),
    *cases(
        "infinite",
        given(x=lambda rng: rng.choice([float("inf"), float("-inf"), 1.0], (6, 2)).astype("float32")),
        """
        x.logsumexp(1); x.detach().amax(1); x.detach().sum(1); x.logsumexp(0); x.logsumexp((0, 1)); x.argmin(1)
        x.topk(1)[0]
        """,
    ),
    *cases(
        "zeros",
        along(with_zeros),
        """
        x.prod(); x.prod(dim); x.prod(dim, keepdim=True); t.prod(x, dim); x.norm(); x.norm(dim=dim); x.norm(1)
        x.norm(3); x.norm(0.5); (x * 0).norm(); (x * 0).std(unbiased=False); (x * 0).norm(3, dim)
        t.norm(x.detach(), 0); x.norm(float('-inf'))
        """,
    ),
    *cases(
        "long rows",
        given(x=of(2, 33)),
        "x.prod(1); x.cumsum(1); x.sum(1); x.var(1); x.logsumexp(1); x.topk(5); x.sort(1)",
    ),
    *cases(
        "whole",
        WHOLE,
        """
        x.sum(); x.sum(1); x.prod(); x.prod(0); x.cumsum(1); x.max(1); x.min(); x.amax(0); x.argmax()
        x.argmin(1); x.any(1); x.all(); x.sort(dim=1, stable=True); x.topk(2).values; x.int().sum(1)
        x.int().prod(1); x.int().cumsum(0); x.sum(dtype=t.float32); x.bool().sum(); x.bool().any(1)
        x.bool().all(0); x.bool().sum(0); x.bool().prod(1); x.bool().cumsum(0); x.bool().max(1)
        x.bool().amax(0); x.float().mean(); x.mean(dtype=t.float32); x.mean(1, dtype=t.float64)
        x.to(t.uint8).sum(); x.to(t.int8).any(1); x.to(t.int8).all(1); x.cumsum(0, dtype=t.float32)
        x.float().prod(); x.logsumexp(1); x.half().sum(1); x.half().mean()
        """,
        loose=3,
    ),
    *cases(
        "empty",
        given(x=of(3, 0, 2), none=of(0)),
        """
        x.sum(); x.sum(1); x.mean(); x.mean(1); x.prod(1); x.any(1); x.all(1); x.max(0); x.argmax(2)
        x.cumsum(1); x.sort(1); x.amax(0); x.logsumexp(0); x.logsumexp(1); x.norm(); x.topk(0, 1); none.sum()
        none.prod(); none.any(); none.all(); none.sort(); none.norm(dim=0); x.amin(2, True)
        x.min(-1, keepdim=True)
        """,
    ),
    *cases(
        "number",
        given(x=of()),
        """
        x.sum(); x.sum(0); x.mean(-1); x.max(0); x.min(-1, keepdim=True); x.argmax(0); x.argmax(); x.cumsum(0)
        x.sort(0); x.topk(1, 0); x.prod(0); x.amax(0); x.var(correction=0); x.norm(); x.any(); x.all(0)
        x.sum(0, keepdim=True); x.logsumexp(0); x.argsort(0)
        """,
    ),
    *cases(
        "mask",
        given(x=of(4, 5), m=mask(4, 5)),
        """
        x[m].sum(); x.masked_select(m); m.sum(1); m.nonzero(); x.nonzero(); m.any(); m.all(); t.nonzero(m)
        m.cumsum(0); m.prod(1)
        """,
    ),
]
