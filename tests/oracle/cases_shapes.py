"""Shapes: views, joining, splitting, triangles."""

from agreement import cases, given
from drawing import along, anything, matrixlike, of, one_of, over, whole

THREE = given(x=of(2, 3, 4))


def permuted(rng):
    x = anything(rng)
    order = [int(dim) for dim in rng.permutation(x.ndim)]
    return {"x": x, "order": [dim - x.ndim if rng.random() < 0.3 else dim for dim in order]}


def joined(rng):
    dim = int(rng.integers(0, 3))
    shapes = [[2, 3, 4] for _ in range(rng.integers(1, 4))]
    for shape in shapes:
        shape[dim] = int(rng.integers(0, 4))
    return {"parts": [of(*shape)(rng) for shape in shapes], "dim": dim - 3 if rng.random() < 0.5 else dim}


def sections(rng):
    sizes = [int(n) for n in rng.integers(0, 4, rng.integers(1, 4))]
    return {"x": of(2, sum(sizes), 3)(rng), "sizes": sizes, "size": int(rng.integers(1, 4))}


CASES = [
    *cases(
        "one dim",
        along(anything),
        """
        x.squeeze(dim); x.unsqueeze(dim); x.transpose(dim, 0); t.transpose(x, 0, dim)
        x.flatten(dim) if dim >= 0 else x.flatten(0, dim); t.unsqueeze(x, dim); t.squeeze(x, dim)
        x.movedim(dim, 0); t.movedim(x, 0, dim); x.flip(dim) if x.ndim else x; x.size(dim) if x.ndim else 0
        x.unsqueeze(-1).squeeze(-1); t.flip(x, [dim]) if x.ndim else x; x.transpose(dim, -1).contiguous()
        """,
    ),
    *cases(
        "order",
        permuted,
        """
        x.permute(order); x.permute(*order); t.permute(x, order); x.permute(order).reshape(-1)
        x.permute(order) * 2
        """,
    ),
    *cases(
        "dims",
        over(anything),
        "x.flip(dims); t.flip(x, dims); x.squeeze(tuple(dims)); x.squeeze(()); x.sum(dims).flatten() if dims else x",
    ),
    *cases(
        "any shape",
        given(x=anything),
        """
        x.reshape(-1) if x.numel() else x; x.flatten(); t.flatten(x); x.squeeze(); t.squeeze(x); x.shape; x.ndim
        x.dim(); x.numel(); x.size(); x.expand(2, *x.shape); x.expand_as(x); x.repeat(2, *[1 for _ in x.shape])
        x.view(x.shape); x.tolist(); x[None]; x.new_zeros(2, 3); x.new_ones((2,)); t.zeros_like(x)
        t.ones_like(x); t.full_like(x, 2); x.new_tensor([1, 2]); x.is_floating_point(); x.reshape(x.shape)
        x.reshape(1, *x.shape); x.view_as(x); x.is_contiguous(); x.element_size(); x.clone().flatten()
        x.is_leaf
        """,
    ),
    *cases(
        "three dims",
        THREE,
        """
        x.reshape(6, 4); x.reshape((4, 6)); x.reshape(-1, 2); x.view(2, -1); x.view(24)
        x.transpose(0, 1).reshape(6, 4); x.flatten(1); x.flatten(0, 1); x.flatten(1, -1); x.flatten(-1)
        x.unflatten(2, (2, 2)); x.unflatten(-1, (-1, 2)); t.reshape(x, (3, 8)); x.mT; x.permute(2, 0, 1)
        x.permute(-1, 0, 1); x.transpose(-1, -2) @ x; x.movedim(0, -1); x.movedim(-1, 1)
        x.unsqueeze(1).expand(2, 5, 3, 4); x.unsqueeze(1).expand(-1, 5, -1, -1); x.expand(3, 2, 3, 4)
        x.repeat(1, 2, 1); x.repeat(2, 1, 1, 2); x.repeat((2, 1, 2)); x.flip(0, 2); x.flip([-1])
        t.stack([x, x], 1); t.stack((x, x * 2), -1); t.cat([x, x], -1); x.chunk(2, 2); x.split(2, 1)
        x.unbind(1); t.unbind(x); x.narrow(2, 1, 2); x.select(1, -1); x.select(0, 1); t.narrow(x, 1, 0, 2)
        x.transpose(0, 2).flatten(1); x[:, :, None].squeeze(2); x.transpose(1, 2).is_contiguous()
        x.transpose(1, 2).contiguous().view(-1); x.view(2, 3, 2, 2).sum(2); x.detach().view(-1)
        x.view(4, 3, 2).permute(2, 1, 0).reshape(2, 12).sum(0); x.repeat(0, 1, 1)
        x.view(t.Size([4, 6])) if hasattr(t, 'Size') else x.view(4, 6)
        """,
    ),
    *cases(
        "matrix",
        given(x=of(3, 4), v=of(5), n=of()),
        "x.t(); t.t(x); x.T; v.t(); n.t(); x.T @ x; t.transpose(x, 0, 1); x.T.reshape(2, 6); x.mT; x.T.flatten()",
    ),
    *cases(
        "join",
        joined,
        """
            t.cat(parts, dim); t.cat(parts, dim=dim); t.cat(tuple(parts), dim) * 2; t.cat(parts, axis=dim)
            """,
    ),
    *cases(
        "join dtypes",
        given(a=of(2, 2), b=whole(0, 5, 2, 2), c=of(2, 2, dtype="float64")),
        """
        t.cat([a, b]); t.cat([b, b, a], 1); t.cat([a, c]); t.stack([a, b]); t.stack([b, b], 2); t.cat([a, a])
        t.stack([a]); t.stack([c, a, b])
        """,
    ),
    *cases(
        "join with nothing",
        given(a=of(2, 3), e_=of(0)),
        "t.cat([a, e_]); t.cat([e_, a], 1); t.cat([e_, e_]); t.cat([e_, a, e_, a], 0)",
    ),
    *cases(
        "numbers",
        given(parts=lambda rng: [of()(rng) for _ in range(3)]),
        """
        t.stack(parts); t.stack(parts, -1); t.stack(parts).sum(); parts[0].reshape(1); parts[1].expand(3)
        parts[1].view(1, 1); parts[2].repeat(2)
        """,
    ),
    *cases(
        "split",
        sections,
        """
        x.split(sizes, 1); t.split(x, size, 1); x.split(size, dim=-2); x.chunk(size, 1) if x.shape[1] else x
        t.chunk(x, 2, dim=2); x.split(sizes, dim=1)[-1]
        """,
    ),
    *cases(
        "triangle",
        given(x=matrixlike, k=one_of(-2, -1, 0, 1, 2)),
        """
        x.tril(k); x.triu(k); t.tril(x, diagonal=k); t.triu(x); x.tril(); (x > 0).tril(k); x.long().triu(k)
        x.triu(k).sum(-1)
        """,
    ),
]
