"""Networks drawn by chance: convolutions, norms, skips, gates, concatenations, splits, pooling, then a perceptron."""

import numpy as np

from tinytorch import nn
from tinytorch.core.tensor.joining import cat

SIDE = 8  # pixels


class Drawn(nn.Module):
    """A network that the seed decides: (batch, 3, 8, 8) -> (batch, 5)."""

    def __init__(self, seed, steps=14):
        super().__init__()
        self.rng = np.random.default_rng(seed)
        self.parts, self.plan = nn.ModuleList(), []
        self.shapes = [(3, SIDE)]  # channels and side of every value
        self._conv(0, 8)
        for _ in range(steps):
            self.rng.choice(KINDS)(self, int(self.rng.integers(1, len(self.shapes))))
        self._head()

    def _put(self, part, shape, *places):
        self.parts.append(part)
        self.plan.append((len(self.parts) - 1, places))
        self.shapes.append(shape)

    def _conv(self, x, out=None, groups=1):
        (channels, side), stride = self.shapes[x], int(self.rng.integers(1, 3)) if self.shapes[x][1] > 2 else 1
        out = int(self.rng.choice([4, 6, 8])) if out is None else out
        kernel = int(self.rng.choice([1, 3]))
        part = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=bool(self.rng.integers(2)))
        self._put(part, (out, (side - 1) // stride + 1), x)

    def _depthwise(self, x):
        channels = self.shapes[x][0]
        self._conv(x, channels * int(self.rng.integers(1, 3)) if channels < 16 else channels, groups=channels)

    def _grouped(self, x):
        self._conv(x, 8, groups=2) if self.shapes[x][0] % 2 == 0 else self._conv(x)

    def _norm(self, x):
        channels = self.shapes[x][0]
        part = nn.BatchNorm2d(channels)
        part.running_mean.array[:] = self.rng.standard_normal(channels)
        part.running_var.array[:] = self.rng.uniform(0.5, 2.0, channels)
        part.weight.array[:], part.bias.array[:] = self.rng.standard_normal((2, channels))
        self._put(part, self.shapes[x], x)

    def _bend(self, x):
        self._put(self.rng.choice([nn.ReLU, nn.GELU, nn.Sigmoid])(), self.shapes[x], x)

    def _meet(self, x):
        like = [place for place in range(1, len(self.shapes)) if self.shapes[place] == self.shapes[x]]
        self._put(self.rng.choice([Added, Gated])(), self.shapes[x], x, int(self.rng.choice(like)))

    def _join(self, x):
        like = [place for place in range(len(self.shapes)) if self.shapes[place][1] == self.shapes[x][1]]
        other = int(self.rng.choice(like))
        if self.shapes[x][0] + self.shapes[other][0] <= 24:
            self._put(Joined(), (self.shapes[x][0] + self.shapes[other][0], self.shapes[x][1]), x, other)

    def _split(self, x):
        channels, side = self.shapes[x]
        if channels % 2 == 0 and channels > 4:
            self._put(Halves(), (channels // 2, side), x)

    def _pool(self, x):
        channels, side = self.shapes[x]
        if side % 2 == 0:
            self._put(self.rng.choice([nn.MaxPool2d, nn.AvgPool2d])(2), (channels, side // 2), x)

    def _squeeze(self, x):
        self._put(Weighed(self.shapes[x][0]), self.shapes[x], x)

    def _head(self):
        last = len(self.shapes) - 1
        channels, side = self.shapes[last]
        if self.rng.integers(2):
            self._put(nn.AdaptiveAvgPool2d(1), (channels, 1), last)
            side = 1
        head = nn.Sequential(
            nn.Flatten(), nn.Linear(channels * side * side, 12), nn.ReLU(), Around(12), nn.Linear(12, 5)
        )
        self._put(head, None, len(self.shapes) - 1)

    def forward(self, x):
        values = [x]
        for number, places in self.plan:
            values.append(self.parts[number](*[values[place] for place in places]))
        return values[-1]


class Added(nn.Module):
    def forward(self, a, b):
        return a + b


class Gated(nn.Module):
    def forward(self, a, b):
        return a * b.sigmoid()


class Joined(nn.Module):
    def forward(self, a, b):
        return cat([a, b], 1)


class Halves(nn.Module):
    def forward(self, x):
        a, b = x.chunk(2, 1)
        return a * b.sigmoid()


class Weighed(nn.Module):
    """Squeeze and excitation: every channel weighed by what a perceptron says of all their means."""

    def __init__(self, channels):
        super().__init__()
        self.down, self.up = nn.Linear(channels, 3), nn.Linear(3, channels)

    def forward(self, x):
        weights = self.up(self.down(x.mean((2, 3))).relu()).sigmoid()
        return x * weights.reshape(*weights.shape, 1, 1)


class Around(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inside = nn.Linear(width, width)

    def forward(self, x):
        return x + self.inside(x).relu()


KINDS = [
    *([Drawn._conv] * 3),
    *([Drawn._norm] * 2),
    *([Drawn._bend] * 2),
    *([Drawn._meet] * 3),
    *([Drawn._join] * 2),
    *(Drawn._depthwise, Drawn._grouped, Drawn._split, Drawn._pool, Drawn._squeeze),
]
