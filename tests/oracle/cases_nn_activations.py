"""Activations, as functions and as modules."""

from agreement import cases, given
from both import learn, using
from drawing import anything, filled, of, one_of, whole

# at the kinks PyTorch's choices count too
KINKS = given(x=lambda rng: rng.choice([-3.0, 0.0, 3.0, 6.0, -1.0, 20.0, -20.0], (4, 5)).astype("float32"))
EXTREME = given(
    x=lambda rng: rng.choice([-1e10, -88.0, -30.0, -1e-30, 0.0, 1e-8, 30.0, 88.0, 1e10], (5, 6)).astype("float32")
)

SMOOTH = """
    F.relu(x); F.relu6(x); F.leaky_relu(x); F.leaky_relu(x, 0.2); F.leaky_relu(x, negative_slope=-0.5); F.elu(x)
    F.elu(x, 1.7); F.gelu(x); F.gelu(x, approximate='tanh'); F.silu(x); F.sigmoid(x); F.tanh(x); F.logsigmoid(x)
    F.softplus(x); F.softplus(x, beta=2.0); F.softplus(x, 0.5, 3.0); t.relu(x); t.sigmoid(x); t.tanh(x)
    F.relu(x * 1.0, inplace=True)
"""
HARD = "F.hardswish(x); F.hardsigmoid(x); t.nn.Hardswish()(x); t.nn.Hardsigmoid()(x)"
MODULES = """
    t.nn.ReLU()(x); t.nn.ReLU6()(x); t.nn.LeakyReLU()(x); t.nn.LeakyReLU(0.3)(x); t.nn.ELU()(x)
    t.nn.ELU(alpha=0.5)(x); t.nn.GELU()(x); t.nn.GELU(approximate='tanh')(x); t.nn.SiLU()(x); t.nn.Sigmoid()(x)
    t.nn.Tanh()(x); t.nn.Softplus()(x); t.nn.Softplus(beta=3, threshold=2)(x); t.nn.ReLU(inplace=True)(x * 1.0)
    t.nn.Identity()(x); t.nn.Identity(3, unused=4)(x)
"""


def along(rng):
    x = filled(rng)
    return {"x": x, "dim": int(rng.integers(-max(x.ndim, 1), max(x.ndim, 1)))}


CASES = [
    *cases("any", given(x=anything), SMOOTH),
    *cases("kinks", KINKS, SMOOTH + HARD),
    *cases("extreme", EXTREME, SMOOTH + HARD),
    *cases("hard", given(x=of(20)), HARD),
    *cases("hard float64", given(x=of(20, dtype="float64")), HARD, loose=100),  # PyTorch's 6 is a float32 there too
    *cases("module", given(x=anything), MODULES),
    *cases(
        "softmax",
        along,
        """
        F.softmax(x, dim); F.softmax(x, dim=dim); t.softmax(x, dim); F.log_softmax(x, dim)
        F.log_softmax(x, dim=dim); F.softmax(x, dim, dtype=t.float64); F.log_softmax(x, dim, dtype=t.float64)
        t.nn.Softmax(dim)(x); t.nn.LogSoftmax(dim)(x); F.softmax(x * 100, dim); F.log_softmax(x * 100, dim)
        t.nn.Softmax(dim=dim)(x); t.log_softmax(x, dim)
        """,
    ),
    *cases("softmax extreme", EXTREME, "F.softmax(x, 1); F.log_softmax(x, 1); F.softmax(x, 0)"),
    *cases("softmax whole", given(x=whole(0, 5, 3, 4)), "F.softmax(x, 1, dtype=t.float32); F.relu(x); t.relu(x)"),
    *cases(
        "softmax empty",
        given(x=of(0, 3), y=of(3, 0)),
        "F.softmax(x, 1); F.softmax(x, 0); F.softmax(y, 1); F.log_softmax(y, 0); F.log_softmax(x, 1)",
    ),
    *cases(
        "masked",
        given(x=lambda rng: rng.choice([-float("inf"), 0.5, 1.5], (5, 4)).astype("float32"), slope=one_of(0.1, 0.2)),
        "F.softmax(x, 1)[:, :2]; F.relu(x); F.leaky_relu(x, slope); F.sigmoid(x); F.tanh(x)",
    ),
    *cases(
        "learn",
        using(given(x=of(3, 4)), learn),
        "learn(t, t.nn.Sequential(t.nn.ReLU(), t.nn.Linear(4, 2), t.nn.GELU()), x)",
    ),
]
