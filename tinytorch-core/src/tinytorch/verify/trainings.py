"""Small trainings of every kind that the course reaches, from a seed, for journeys, health and speed.

All draw from a generator of their own, so that the process's stream of random numbers stays where it was, and threads
do not draw from one another's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from tinytorch import datasets, models
from tinytorch.core.autograd import no_grad
from tinytorch.core.dataloader import TensorDataset
from tinytorch.core.layers import Linear, Module
from tinytorch.core.losses import cross_entropy, mse_loss
from tinytorch.core.optimizers import Adam, AdamW, Optimizer
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.random import Generator, drawing_from
from tinytorch.core.tokenization import CharTokenizer
from tinytorch.datasets.sentences import sentences
from tinytorch.datasets.text import Windows
from tinytorch.types import Array

CONTEXT = 32  # characters that the tiny GPT looks at
SENTENCES = 200
EPS = 1e-4  # of Adam: with 1e-8 a gradient that is nothing but rounding would become a whole step
Made = TypeVar("Made")
Result = TypeVar("Result")
Loss = Callable[[Tensor, Tensor], Tensor]
MakeOptimizer = Callable[[list[Tensor]], Optimizer]


@dataclass
class Training:
    """A model with its data: every step takes the next batch, from the beginning again after the last whole one."""

    model: Module
    optimizer: Optimizer
    inputs: Tensor
    targets: Tensor
    batch: int
    loss: Loss
    test: tuple[Tensor, Tensor] | None = None  # inputs and labels that were held out
    taken: int = 0

    def forward(self) -> Tensor:
        """Give the loss of the next batch."""
        start = self.taken % (len(self.inputs) // self.batch) * self.batch
        self.taken += 1
        at = slice(start, start + self.batch)
        return self.loss(self.model(self.inputs[at]), self.targets[at])

    def step(self) -> float:
        """Take a step of training and give the loss before it."""
        loss = self.forward()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.item())

    def gradients(self) -> list[Array]:
        """Give the gradients of the parameters that have one."""
        return [parameter.grad.array for parameter in self.model.parameters() if parameter.grad is not None]

    def weights(self) -> list[Array]:
        """Give the parameters as they are now."""
        return [parameter.array for parameter in self.model.parameters()]

    def predictions(self) -> list[int]:
        """Give the class of every input that was held out, as the model sees it now."""
        if self.test is None:
            return []
        self.model.eval()
        with no_grad():
            return [int(each) for each in self.model(self.test[0]).array.argmax(1)]


Make = Callable[[], Training]


def seeded(make: Callable[[], Made], seed: int, act: Callable[[Made], Result]) -> Result:
    """Make a training, or several, and do something with it; all that both draw follows from the seed."""
    with drawing_from(Generator(seed)):
        return act(make())


def scores_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of classes or next characters: (..., classes), (...) -> nats."""
    return cross_entropy(scores.reshape(-1, scores.shape[-1]), targets.flatten())


def xor() -> Training:
    """Exclusive or, by a perceptron."""
    return _classifier(models.mlp(2, 16, 2), datasets.xor(), batch=4, lr=0.05)


def digits_mlp(batch: int = 32, width: int = 64) -> Training:
    """Handwritten digits, by a perceptron."""
    return _classifier(models.mlp(64, width, 10), datasets.digits(), batch, lr=5e-3)


def digits_cnn(batch: int = 32) -> Training:
    """Handwritten digits, by a small convolutional network with dropout."""
    return _classifier(models.digits_cnn(), datasets.digits(), batch, lr=1e-3)


def _classifier(model: Module, data: tuple[TensorDataset, TensorDataset], batch: int, lr: float) -> Training:
    train, test = (part.tensors for part in data)
    optimizer = Adam(model.parameters(), lr=lr, eps=EPS)
    return Training(model, optimizer, train[0], train[1], batch, scores_loss, (test[0], test[1]))


def regression(make_optimizer: MakeOptimizer) -> Training:
    """A noisy line through eight dimensions, all points at once; the points are the same for every seed."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((64, 8)).astype(np.float32)
    slopes, noise = rng.standard_normal((8, 1)), rng.standard_normal((64, 1))
    targets = (inputs @ slopes + noise).astype(np.float32)
    model = Linear(8, 1)
    optimizer = make_optimizer([*model.parameters()])
    return Training(model, optimizer, Tensor(inputs), Tensor(targets), len(inputs), mse_loss)


def tiny_gpt(batch: int = 8) -> Training:
    """The next character of simple sentences, by a GPT of two layers."""
    text = sentences(SENTENCES)
    windows = Windows(text, CONTEXT, text, CharTokenizer.train(text))
    model = models.GPT(windows.tokenizer.vocab_size, CONTEXT, layers=2, heads=2, width=32)
    inputs, targets = windows.tensors
    return Training(model, AdamW(model.parameters(), lr=5e-3, eps=EPS), inputs, targets, batch, scores_loss)


def of_each_kind() -> list[Training]:
    """A perceptron, a convolutional network and a GPT, each on batches so small that many steps take no time."""
    return [digits_mlp(batch=4, width=16), digits_cnn(batch=4), tiny_gpt(batch=2)]
