"""Layers that are not windows: linear, embedding, normalization, shaping."""

from agreement import cases, given
from both import learn, learn_twice, using
from drawing import of, one_of, whole


def rows(rng):
    """Inputs of one to four dimensions for a linear layer from 4 to 3, sometimes none."""
    before = [(), (5,), (2, 3), (2, 1, 3), (0,)][rng.integers(0, 5)]
    return {"x": of(*before, 4)(rng), "w": of(3, 4)(rng), "b": of(3)(rng)}


def images(rng):
    """(batch, 4, ...) with no, one or two further dimensions, far from mean 0, and what normalization needs."""
    shape = (int(rng.integers(2, 5)), 4, *[(), (5,), (3, 4)][rng.integers(0, 3)])
    channels = {name: of(4)(rng) for name in ("w", "b", "m_")}
    return {
        "x": (rng.standard_normal(shape) * 2 + 1).astype("float32"),
        **channels,
        "v_": rng.uniform(0.5, 2.0, 4).astype("float32"),
        "momentum": float(rng.uniform(0, 1)),
        "eps": float(rng.choice([1e-5, 1e-2])),
    }


def vectors(rng):
    return {"x": of(6, 4)(rng), "y": of(3, 4)(rng), "z": of(2, 4, 5)(rng), "a": of(5, 4)(rng)}


def numbers(rng):
    shape = [(), (5,), (2, 3), (0,)][rng.integers(0, 4)]
    return {"i": whole(0, 6, *shape)(rng), "w": of(6, 3)(rng), "p": int(rng.integers(-6, 6))}


FOUR = given(x=of(2, 4, 3, 5), y=of(3, 4, 3, 5))

CASES = [
    *cases(
        "linear", rows, "F.linear(x, w, b); F.linear(x, w); F.linear(x, w, bias=b); F.linear(x.double(), w.double())"
    ),
    *cases(
        "linear layers",
        using(rows, learn),
        """
        learn(t, t.nn.Linear(4, 3), x); learn(t, t.nn.Linear(4, 3, bias=False), x)
        learn(t, t.nn.Linear(4, 1), x)
        learn(t, t.nn.Sequential(t.nn.Linear(4, 5), t.nn.Tanh(), t.nn.Linear(5, 2)), x)
        learn(t, t.nn.Sequential(t.nn.Sequential(t.nn.Linear(4, 2)), t.nn.Identity()), x)
        """,
    ),
    *cases(
        "batch norm",
        images,
        """
        [F.batch_norm(x, m_, v_, w, b, True, momentum, eps), m_, v_]
        [F.batch_norm(x, m_, v_, w, b, False, momentum, eps), m_, v_]
        [F.batch_norm(x, m_, v_, training=True), m_, v_]; F.batch_norm(x, None, None, training=True)
        F.batch_norm(x, m_, v_); F.batch_norm(x, None, None, w, b, True, eps=eps)
        F.batch_norm(x, m_, v_, weight=w); F.batch_norm(x, m_, v_, bias=b)
        F.batch_norm(x, m_, v_, weight=w, training=True); F.batch_norm(x, m_, v_, bias=b, training=True)
        """,
        loose=10,
    ),
    *cases(
        "batch norm layers",
        using(vectors, learn, learn_twice),
        """
        learn(t, t.nn.BatchNorm1d(4), x); learn(t, t.nn.BatchNorm1d(4), z)
        learn(t, t.nn.BatchNorm1d(4, momentum=None), x); learn(t, t.nn.BatchNorm1d(4, affine=False), x)
        learn(t, t.nn.BatchNorm1d(4, track_running_stats=False), x)
        learn(t, t.nn.BatchNorm1d(4, eps=0.1, momentum=0.7), x); learn(t, t.nn.BatchNorm1d(4), x).pop(0) * 2
        learn_twice(t, t.nn.BatchNorm1d(4), x, y); learn_twice(t, t.nn.BatchNorm1d(4, momentum=None), x, y)
        learn_twice(t, t.nn.BatchNorm1d(4, momentum=0.0), x, y)
        learn_twice(t, t.nn.BatchNorm1d(4, affine=False), x, a)
        learn_twice(t, t.nn.BatchNorm1d(4, track_running_stats=False), x, y)
        learn(t, t.nn.BatchNorm1d(4).eval(), x)
        """,
        loose=10,
    ),
    *cases(
        "batch norm images",
        using(FOUR, learn, learn_twice),
        """
        learn(t, t.nn.BatchNorm2d(4), x); learn_twice(t, t.nn.BatchNorm2d(4), x, y)
        learn(t, t.nn.BatchNorm2d(4, 1e-3, 0.2, False), x)
        learn_twice(t, t.nn.BatchNorm2d(4, momentum=None), x, y)
        learn(t, t.nn.BatchNorm2d(4, affine=False, track_running_stats=False), x)
        """,
        loose=10,
    ),
    *cases(
        "layer norm",
        given(x=of(2, 3, 4), w=of(4), b=of(4), w2=of(3, 4), b2=of(3, 4), eps=one_of(1e-5, 0.1)),
        """
        F.layer_norm(x, (4,)); F.layer_norm(x, (4,), w, b, eps); F.layer_norm(x, [3, 4], w2, b2)
        F.layer_norm(x, (2, 3, 4)); F.layer_norm(x, (4,), w); F.layer_norm(x, (4,), bias=b)
        F.layer_norm(x, normalized_shape=(3, 4), weight=w2, eps=eps); F.layer_norm(x[:0], (4,), w, b)
        F.layer_norm(x[0, 0], (4,), w, b); F.layer_norm(x * 0 + 5, (4,), w, b)
        """,
        loose=10,
    ),
    *cases(
        "group norm",
        given(
            x=of(2, 6, 3, 2), v=of(3, 6), s=of(2, 6, 5), w=of(6), b=of(6), g=one_of(1, 2, 3, 6), eps=one_of(1e-5, 0.1)
        ),
        """
        F.group_norm(x, g); F.group_norm(x, g, w, b, eps); F.group_norm(s, g, w); F.group_norm(v, 2, w, b)
        F.group_norm(x, num_groups=g, weight=w, bias=b, eps=eps); F.group_norm(v, 1)
        """,
        loose=10,
    ),
    *cases(
        "norm layers",
        using(given(x=of(2, 4, 3, 5), v=of(3, 5)), learn),
        """
        learn(t, t.nn.LayerNorm(5), x); learn(t, t.nn.LayerNorm((3, 5)), x)
        learn(t, t.nn.LayerNorm([4, 3, 5], eps=0.1), x)
        learn(t, t.nn.LayerNorm(5, elementwise_affine=False), x); learn(t, t.nn.LayerNorm(5, bias=False), v)
        learn(t, t.nn.LayerNorm(5), v); learn(t, t.nn.GroupNorm(2, 4), x)
        learn(t, t.nn.GroupNorm(4, 4, eps=0.1), x); learn(t, t.nn.GroupNorm(1, 4, affine=False), x)
        """,
        loose=10,
    ),
    *cases(
        "embedding",
        numbers,
        """
        F.embedding(i, w); F.embedding(i, w, p); F.embedding(i, w, padding_idx=p); F.embedding(i.int(), w)
        F.embedding(i, w).sum(-1); F.embedding(i, w) * 2 + F.embedding(i, w, p)
        """,
    ),
    *cases(
        "embedding layers",
        using(numbers, learn),
        """
        learn(t, t.nn.Embedding(6, 3), i); learn(t, t.nn.Embedding(6, 3, p), i)
        learn(t, t.nn.Embedding(7, 2, padding_idx=0), i)
        learn(t, t.nn.Sequential(t.nn.Embedding(6, 3), t.nn.Linear(3, 2)), i)
        """,
    ),
    *cases(
        "shaping",
        given(x=of(2, 3, 4)),
        """
        t.nn.Flatten()(x); t.nn.Flatten(0)(x); t.nn.Flatten(0, 1)(x); t.nn.Flatten(start_dim=1, end_dim=2)(x)
        t.nn.Flatten(-2)(x); t.nn.Unflatten(2, (2, 2))(x); t.nn.Unflatten(-1, (-1, 2))(x)
        t.nn.Unflatten(dim=0, unflattened_size=(1, 2))(x); t.nn.Dropout(0.5).eval()(x); t.nn.Dropout(0.0)(x)
        t.nn.Dropout(1.0)(x); F.dropout(x, 1.0); F.dropout(x, 0.3, False); F.dropout(x, p=0.0); F.pad(x, (1, 2))
        F.pad(x, (0, 1, 2, 0)); F.pad(x, (1, 1, 0, 0, 2, 1), value=3.5); F.pad(x, (1, 2), 'constant', 2.0)
        F.pad(x, [0, 0, 1, 0])
        """,
    ),
]
