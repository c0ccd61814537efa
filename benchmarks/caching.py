"""What a KV cache is worth: against no cache, and as the text grows. `tinytorch bench peers generation` has PyTorch.

    python benchmarks/caching.py [--rounds 9] [--only speed|flat] [--prompt 1] [--json]

`speed`: 256 tokens greedily after a prompt, with the static cache and without, in turns, by GPTs of 4 layers of 128 and
of 6 of 384; told are the ratio of all and those of the time for one token at 32, 64, 128 and 256. `flat`: one token's
time at 1024 positions over that at 16.

Expected before measuring, on two quiet cores: speed 12 to 20 times for 4 x 128 and 15 to 30 for 6 x 384, growing with
the length (bar: 10); flat 1.2 to 1.5 (bar: 2).
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable

SIZES = {"4x128": (4, 4, 128), "6x384": (6, 6, 384)}  # layers, heads, width
VOCABULARY, LONGEST, NEW = 256, 1040, 256
PLACES = (32, 64, 128, 256)
BARS = {"speed": 10.0, "flat": 2.0}
BURST = 40  # tokens


def main() -> int:
    """Run what was asked for and print it."""
    arguments = parsed()
    found = {}
    if arguments.only in (None, "speed"):
        found |= {f"speed {name}": speed(name, max(1, arguments.rounds // 3), arguments.prompt) for name in SIZES}
    if arguments.only in (None, "flat"):
        found["flat"] = flat(arguments.rounds)
    if arguments.json:
        print(json.dumps(found, indent=1))
    else:
        for name, row in found.items():
            print(f"{name}: " + ", ".join(f"{key} {value:.2f}" for key, value in row.items()))
    return 0


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", choices=list(BARS))
    parser.add_argument("--prompt", type=int, default=1, help="tokens before the new ones, for speed")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def speed(name: str, rounds: int, prompt: int) -> dict[str, float]:
    """How many times faster 256 tokens come with the cache, and one token in some places."""
    from tinytorch_cache import StaticCache

    model = made(name)
    whole, places = [], {place: [] for place in PLACES}
    for _ in range(rounds):
        taken = {}
        for kind in random.sample(["none", "static"], 2):
            cache = "none" if kind == "none" else StaticCache(model, 1, NEW + prompt)
            taken[kind] = times(model.stream([0] * prompt, NEW, temperature=0.0, cache=cache))
        whole.append(sum(taken["none"]) / sum(taken["static"]))
        for place in PLACES:
            near = slice(place - 8, place)
            places[place].append(statistics.median(taken["none"][near]) / statistics.median(taken["static"][near]))
    found = {f"at {place}": statistics.median(ratios) for place, ratios in places.items()}
    return {"ratio": statistics.median(whole), "low": min(whole), "high": max(whole), "bar": BARS["speed"], **found}


def times(steps: object) -> list[float]:
    """The seconds between one token and the next."""
    found, before = [], time.perf_counter()
    for _ in steps:
        found.append(time.perf_counter() - before)
        before += found[-1]
    return found


def flat(rounds: int) -> dict[str, float]:
    """One token's time at 1024 positions over that at 16."""
    decoders = {place: tinytorch_decoder(place) for place in (16, 1024)}
    ratios = []
    for _ in range(rounds):
        taken = {place: decoders[place]() for place in random.sample(sorted(decoders), 2)}
        ratios.append(taken[1024] / taken[16])
    return {"ratio": statistics.median(ratios), "low": min(ratios), "high": max(ratios), "bar": BARS["flat"]}


class Decoder:
    """Decodes tokens after `place` others; called, it gives the median seconds of one."""

    def __init__(self, place: int, step: Callable[[int, int], object]) -> None:
        self.place, self.step = place, step
        self()

    def __call__(self) -> float:
        """Seconds for a token at this place: 8 tokens, then back, until a burst is done."""
        found = []
        for _ in range(BURST // 8):
            for later in range(8):
                began = time.perf_counter()
                self.step(self.place + later, 7)
                found.append(time.perf_counter() - began)
        return statistics.median(found)


def made(name: str) -> object:
    """A GPT with drawn weights, the same in every process."""
    from tinytorch.models import GPT

    layers, heads, width = SIZES[name]
    model = GPT(VOCABULARY, LONGEST, layers, heads, width).eval()
    for parameter, values in zip(model.parameters(), weights(model), strict=True):
        parameter.array[...] = values
    return model


def weights(model: object) -> list[object]:
    """Drawn numbers for all parameters."""
    import numpy as np

    generator = np.random.default_rng(0)
    return [(generator.standard_normal(tuple(p.shape)) * 0.05).astype(np.float32) for p in model.parameters()]


def tinytorch_decoder(place: int) -> Decoder:
    """The core and the plugin's static cache."""
    import numpy as np

    import tinytorch as tt
    from tinytorch_cache import StaticCache

    model = made("4x128")
    cache = StaticCache(model, 1, LONGEST)
    with tt.no_grad():
        model(tt.tensor(np.arange(place)[None] % VOCABULARY), None, cache)

    def step(length: int, token: int) -> object:
        if cache.length > length:
            cache.crop(length)
        with tt.no_grad():
            return model(tt.tensor([[token]]), None, cache).array

    return Decoder(place, step)


if __name__ == "__main__":
    sys.exit(main())
