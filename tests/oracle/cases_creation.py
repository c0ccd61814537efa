"""Making tensors."""

from agreement import cases, given
from drawing import of

NOTHING = given()

CASES = [
    *cases(
        "from data",
        NOTHING,
        """
        t.tensor(1); t.tensor(1.5); t.tensor(True); t.tensor([1, 2]); t.tensor([1, 2.5])
        t.tensor([True, False]); t.tensor([[1], [2]]); t.tensor([]); t.tensor([[]])
        t.tensor([1, 2], dtype=t.float32); t.tensor(2.7, dtype=t.int64); t.tensor([0, 2], dtype=t.bool)
        t.tensor((1, 2)); t.tensor([True, 2]); t.tensor(1e40); t.tensor([float('nan'), float('inf')])
        t.tensor([1, 2], dtype=t.uint8); t.tensor(3, dtype=t.float16); t.tensor([[1.0, 2], [3, 4]])
        t.as_tensor([1, 2]); t.as_tensor(2.5); t.tensor([1, True]); t.tensor([1.0], requires_grad=True)
        t.tensor(list(range(3))); t.tensor([t.tensor(1), t.tensor(2)]); t.tensor([t.tensor(1.5), 2])
        t.tensor(2**40); t.tensor([False, 0.5]); t.tensor([300, 2]).to(t.uint8)
        t.as_tensor([1, 2], dtype=t.float64); t.tensor([-1.5, 2.5]).to(t.int32)
        t.tensor([0.0, 0.1, float('nan')]).bool(); t.tensor([[1, 2]]).T
        """,
    ),
    *cases(
        "filled",
        NOTHING,
        """
        t.zeros(2, 3); t.zeros((2, 3)); t.zeros([2]); t.zeros(()); t.ones(2, 0); t.ones(3, dtype=t.int64)
        t.full((2, 2), 1); t.full((2,), 1.5); t.full((2,), True); t.full((), 2.0)
        t.full([2, 1], 7, dtype=t.float64); t.empty(2, 3).shape; t.empty(2, dtype=t.int32).dtype == t.int32
        t.eye(3); t.eye(2, 4); t.eye(3, 2, dtype=t.int64); t.eye(0); t.zeros(2, dtype=t.bool)
        t.ones(2, dtype=t.float16); t.ones(2, 2, requires_grad=True); t.full((2,), 1, dtype=t.bool); t.zeros(0)
        """,
    ),
    *cases(
        "counted",
        NOTHING,
        """
        t.arange(5); t.arange(5.0); t.arange(1, 4); t.arange(1, 4, 0.5); t.arange(5, 0, -2)
        t.arange(0, 1, 0.25); t.arange(0); t.arange(3, dtype=t.float32); t.arange(2.5); t.arange(-2, 2)
        t.arange(1, 1); t.arange(0, 5, 2); t.arange(5, dtype=t.int32); t.arange(0, 3, dtype=t.float64)
        t.linspace(0, 1, 5); t.linspace(-1, 1, 3); t.linspace(0, 1, 1); t.linspace(2, 2, 4)
        t.linspace(0, 10, 11); t.linspace(0, 1, 0); t.linspace(1, 0, 3, dtype=t.float64)
        t.arange(0.1, 0.55, 0.1); t.arange(1); t.arange(0, 1, 0.1); t.arange(1.0, 2.0, 0.3, dtype=t.float64)
        t.linspace(0, 1, 7); t.linspace(-3, 5, 9, dtype=t.float64); t.arange(10, 0, -3)
        """,
    ),
    *cases(
        "like",
        given(x=of(2, 3), y=of(2, dtype="float64")),
        """
        t.zeros_like(x); t.ones_like(y); t.full_like(x, 2.5); t.empty_like(x).shape
        t.zeros_like(x, dtype=t.int64); t.full_like(x.long(), 3); t.full_like(x, 1, dtype=t.bool)
        t.rand_like(x).shape; t.randn_like(y).dtype == t.float64; x.new_zeros(3); x.new_ones(2, 2)
        y.new_tensor([1, 2]); x.new_zeros((2, 0)); t.tensor(x.tolist()); t.ones_like(x, requires_grad=True) * 2
        t.zeros_like(x.long()); x.new_ones(()); x.new_ones(2)
        """,
    ),
    *cases(
        "random",
        NOTHING,
        """
        t.rand(2, 3).shape; t.rand((2, 3)).dtype == t.float32; t.randn(2, dtype=t.float64).dtype == t.float64
        t.randint(5, (3,)).dtype == t.int64; t.randperm(4).sort().values; t.randint(2, 5, (3, 2)).shape
        (t.randint(2, 5, (100,)) < 5).all(); (t.rand(100) < 1).all(); t.bernoulli(t.zeros(3))
        t.bernoulli(t.ones(2, 2)); t.rand(0).shape; t.multinomial(t.tensor([0.0, 1.0]), 3, replacement=True)
        t.multinomial(t.tensor([[0.0, 2.0], [1.0, 0.0]]), 1); t.randperm(0); t.rand(()).shape
        t.randint(0, 1, (2,)); t.multinomial(t.tensor([1.0, 1.0, 1.0]), 3).sort().values
        t.randn(2, requires_grad=True).requires_grad; t.rand(3, requires_grad=True).is_leaf
        t.rand(2).requires_grad
        """,
    ),
]
