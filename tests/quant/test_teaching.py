"""The teaching example, on real digits: the twin knows what the float network knows, in a quarter of the bytes."""

from itertools import islice

import tinytorch as tt
from tinytorch import datasets
from tinytorch.core.dataloader import DataLoader
from tinytorch.core.training import Trainer, evaluate
from tinytorch.nn.functional import cross_entropy
from tinytorch_quant import quantize
from tinytorch_quant.measuring import bytes_in_memory
from tinytorch_quant.teaching import BaselineCNN, QuantizedCNN


def test_the_twin_knows_the_digits():
    train, test = datasets.digits()
    tt.manual_seed(0)
    model, batches = BaselineCNN(), DataLoader(train, 32, shuffle=True)
    Trainer(model, tt.optim.Adam(model.parameters(), lr=5e-3), cross_entropy).fit(batches, 12)
    images = [x for x, _ in islice(batches, 3)]
    twin = QuantizedCNN(model.eval(), images)
    shares = [evaluate(each, DataLoader(test, 256), cross_entropy)["accuracy"] for each in (model, twin)]
    assert shares[0] > 0.95
    assert abs(shares[0] - shares[1]) < 0.01
    assert bytes_in_memory(twin) < 0.35 * bytes_in_memory(model)  # for each output nine bytes beside its weights
    assert bytes_in_memory(quantize(model, calibration=images)) < 0.33 * bytes_in_memory(model)
