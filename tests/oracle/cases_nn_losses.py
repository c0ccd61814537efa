"""Losses: class numbers, probabilities, weights, reductions, extreme scores."""

import numpy as np
from agreement import cases, given
from drawing import of, one_of, whole

REDUCTION = one_of("none", "mean", "sum")


def scores(rng):
    """Scores of 4 classes, as one sample, a batch or a batch with further dimensions, times 1 or 100."""
    further = [(), (3,), (2, 3)][rng.integers(0, 3)]
    shape = (4,) if rng.random() < 0.2 else (5, 4, *further)
    return (rng.standard_normal(shape) * rng.choice([1.0, 100.0])).astype("float32")


def classified(rng):
    """Scores, class numbers some of which are ignored, and weights of the classes."""
    x = scores(rng)
    places = () if x.ndim == 1 else (x.shape[0], *x.shape[2:])
    y = np.asarray(rng.integers(0, 4, places))
    ignored = int(rng.choice([-100, 2, -1]))
    some = np.where(rng.random(places) < 0.3, ignored, y)
    some = y if (some == ignored).all() else some
    weight = rng.uniform(0.2, 2.0, 4).astype("float32")
    return {"x": x, "y": y, "some": np.asarray(some), "ignored": ignored, "w_": weight, "r": REDUCTION(rng), "s": 0.25}


def softened(rng):
    """Scores and probabilities of the classes."""
    x = scores(rng)
    dim = 0 if x.ndim == 1 else 1
    p = np.exp(rng.standard_normal(x.shape))
    weight = rng.uniform(0.2, 2.0, 4).astype("float32")
    return {
        "x": x,
        "p": (p / p.sum(dim, keepdims=True)).astype("float32"),
        "w_": weight,
        "r": REDUCTION(rng),
        "s": 0.25,
    }


def two(rng):
    """Two arrays of one shape, some elements equal."""
    a = rng.standard_normal([(), (3,), (2, 4), (2, 3, 2)][rng.integers(0, 4)])
    b = np.where(rng.random(a.shape) < 0.2, a, rng.standard_normal(a.shape) * 2)
    return {"a": np.asarray(a).astype("float32"), "b": np.asarray(b).astype("float32"), "r": REDUCTION(rng)}


def chances(rng):
    """Probabilities, targets from 0 to 1, weights; sure and impossible ones too."""
    p = rng.uniform(0.01, 0.99, (3, 4)).astype("float32")
    sure = rng.choice([0.0, 1.0, 0.5], (3, 4)).astype("float32")
    y = rng.uniform(0, 1, (3, 4)).astype("float32")
    return {
        "p": p,
        "sure": sure,
        "y_": y,
        "hard_": np.round(y),
        "w_": rng.uniform(0.5, 2, 4).astype("float32"),
        "r": REDUCTION(rng),
    }


def logits(rng):
    z = (rng.standard_normal((3, 4)) * rng.choice([1.0, 200.0])).astype("float32")
    y = rng.uniform(0, 1, (3, 4)).astype("float32")
    w = rng.uniform(0.5, 2.0, 4).astype("float32")
    return {"z": z, "y": y, "w_": w, "pos_": w[::-1].copy(), "r": REDUCTION(rng)}


def distributions(rng):
    logs = np.log(rng.dirichlet(np.ones(4), 3)).astype("float32")
    p = rng.dirichlet(np.ones(4), 3).astype("float32")
    never = p.copy()
    never[0, 0] = 0.0
    return {
        "logs": logs,
        "p": p,
        "never_": never,
        "lp": np.log(rng.dirichlet(np.ones(4), 3)).astype("float32"),
        "r": REDUCTION(rng),
    }


CASES = [
    *cases(
        "classes",
        classified,
        """
        F.cross_entropy(x, y); F.cross_entropy(x, y, reduction=r); F.cross_entropy(x, y, w_)
        F.cross_entropy(x, y, weight=w_, reduction=r); F.cross_entropy(x, some, ignore_index=ignored)
        F.cross_entropy(x, some, ignore_index=ignored, reduction=r)
        F.cross_entropy(x, some, w_, ignore_index=ignored, reduction=r)
        F.cross_entropy(x, y, label_smoothing=s); F.cross_entropy(x, y, w_, label_smoothing=s, reduction=r)
        F.cross_entropy(x, y, label_smoothing=s, reduction='none')
        F.cross_entropy(x, some, ignore_index=ignored, label_smoothing=s)
        F.cross_entropy(x, y, label_smoothing=1.0)
        F.cross_entropy(x, some, w_, ignore_index=ignored, label_smoothing=s, reduction=r)
        F.cross_entropy(x.double(), y); t.nn.CrossEntropyLoss()(x, y)
        t.nn.CrossEntropyLoss(w_, ignore_index=ignored, reduction=r, label_smoothing=s)(x, some)
        t.nn.CrossEntropyLoss(weight=w_)(x, y); t.nn.CrossEntropyLoss(label_smoothing=s)(x, y)
        t.nn.CrossEntropyLoss(reduction='sum')(x, y); F.nll_loss(x, y); F.nll_loss(x, y, w_, reduction=r)
        F.nll_loss(x, some, ignore_index=ignored, reduction=r)
        F.nll_loss(x, some, weight=w_, ignore_index=ignored); t.nn.NLLLoss()(x, y)
        t.nn.NLLLoss(w_, ignore_index=ignored, reduction=r)(x, some)
        """,
        loose=3,
    ),
    *cases(
        "nothing counts",
        given(x=of(3, 4), y=lambda rng: np.full(3, -100)),
        """
        F.cross_entropy(x, y); F.cross_entropy(x, y, reduction='sum'); F.cross_entropy(x, y, reduction='none')
        F.nll_loss(x, y); F.cross_entropy(x, y, label_smoothing=0.1, reduction='sum')
        F.nll_loss(x, y, reduction='sum')
        """,
    ),
    *cases(
        "no rows",
        given(x=of(0, 4), y=whole(0, 4, 0), a=of(0)),
        """
        F.cross_entropy(x, y); F.cross_entropy(x, y, reduction='sum'); F.nll_loss(x, y, reduction='none')
        F.mse_loss(a, a); F.l1_loss(a, a, reduction='sum'); F.cross_entropy(x, y, reduction='none')
        """,
    ),
    *cases(
        "probabilities",
        softened,
        """
        F.cross_entropy(x, p); F.cross_entropy(x, p, reduction=r); F.cross_entropy(x, p, w_, reduction=r)
        F.cross_entropy(x, p.detach()); F.cross_entropy(x, p, label_smoothing=s, reduction=r)
        F.cross_entropy(x, p, w_, label_smoothing=s, reduction=r); t.nn.CrossEntropyLoss()(x, p)
        t.nn.CrossEntropyLoss(w_, reduction=r, label_smoothing=s)(x, p)
        """,
        loose=5,
    ),
    *cases(
        "distances",
        two,
        """
        F.mse_loss(a, b); F.mse_loss(a, b, reduction=r); F.l1_loss(a, b); F.l1_loss(a, b, reduction=r)
        F.smooth_l1_loss(a, b); F.smooth_l1_loss(a, b, reduction=r); F.smooth_l1_loss(a, b, beta=0.3)
        F.smooth_l1_loss(a, b, reduction=r, beta=2.0); F.smooth_l1_loss(a, b, beta=0.0); t.nn.MSELoss()(a, b)
        t.nn.MSELoss(reduction=r)(a, b); t.nn.L1Loss()(a, b); t.nn.L1Loss(reduction=r)(a, b)
        t.nn.SmoothL1Loss()(a, b); t.nn.SmoothL1Loss(reduction=r, beta=0.5)(a, b); F.mse_loss(a.double(), b)
        F.l1_loss(a, b.double()); F.smooth_l1_loss(a, a)
        """,
    ),
    *cases(
        "chances",
        chances,
        """
        F.binary_cross_entropy(p, y_); F.binary_cross_entropy(p, hard_, reduction=r)
        F.binary_cross_entropy(p, y_, w_, reduction=r); F.binary_cross_entropy(sure.detach(), hard_)
        t.nn.BCELoss()(p, y_); t.nn.BCELoss(weight=w_, reduction=r)(p, hard_)
        F.binary_cross_entropy(p, y_, weight=w_); F.binary_cross_entropy(sure, hard_, reduction=r)
        """,
    ),
    *cases(
        "logits",
        logits,
        """
        F.binary_cross_entropy_with_logits(z, y); F.binary_cross_entropy_with_logits(z, y, reduction=r)
        F.binary_cross_entropy_with_logits(z, y, w_, reduction=r)
        F.binary_cross_entropy_with_logits(z, y, pos_weight=pos_)
        F.binary_cross_entropy_with_logits(z, y, weight=w_, pos_weight=pos_, reduction=r)
        t.nn.BCEWithLogitsLoss()(z, y); t.nn.BCEWithLogitsLoss(weight=w_, reduction=r, pos_weight=pos_)(z, y)
        F.binary_cross_entropy_with_logits(z * 0, y)
        """,
        loose=3,
    ),
    *cases(
        "divergence",
        distributions,
        """
        F.kl_div(logs, p, reduction='sum'); F.kl_div(logs, never_, reduction='batchmean')
        F.kl_div(logs, never_, reduction='none'); F.kl_div(logs, p, reduction='none')
        F.kl_div(logs, lp, reduction='batchmean', log_target=True)
        F.kl_div(logs, lp, reduction=r if r != 'mean' else 'sum', log_target=True)
        t.nn.KLDivLoss(reduction='batchmean')(logs, p)
        t.nn.KLDivLoss(reduction='sum', log_target=True)(logs, lp)
        """,
        loose=3,
    ),
    *cases(
        "one hot",
        given(y=whole(0, 5, 2, 3)),
        "F.one_hot(y); F.one_hot(y, 7); F.one_hot(y[0, 0], 5); F.one_hot(y, num_classes=5).sum(-1)",
    ),
]
