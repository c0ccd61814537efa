"""Record what LiteRT's reference kernels answer, for the places where it is not installed.

`python tests/quant/record_tflite.py ../shared/data` writes `recorded/tflite.json`, sums of 32 bits of inputs and
outputs; it needs the packages ai-edge-litert and tflite, and the real models.
"""

import json
import sys
from pathlib import Path
from zlib import crc32

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import litert_for_tests as litert
import tflite_for_tests as files

RECORDED = Path(__file__).with_name("recorded") / "tflite.json"
SEEDS = range(40)  # of drawn files, for each operator


def check_sum(array):
    """A number that another array has only by chance."""
    return crc32(np.ascontiguousarray(array).tobytes())


def drawn(name, seed):
    """A drawn file and inputs for it."""
    rng = np.random.default_rng(seed)
    file = files.DRAWN[name](rng)
    return files.written(*file), files.inputs_of(file, rng)


def main(data):
    """Ask LiteRT."""
    recorded = {"operators": {}, "int8": {}, "float": {}}
    for name in files.DRAWN:
        recorded["operators"][name] = [
            [crc32(content), check_sum(litert.answers(content, *inputs))]
            for content, inputs in (drawn(name, seed) for seed in SEEDS)
        ]
    for name, (path, shape) in files.INT8_MODELS.items():
        x = files.codes_for(shape)
        out = litert.answers(Path(data, path).read_bytes(), x)
        recorded["int8"][name] = {"inputs": check_sum(x), "outputs": [check_sum(row) for row in out]}
        recorded["int8"][name]["first"] = out[0].tolist()
    with np.load(Path(data, "kws/kws01_samples.npz")) as samples:
        out = litert.answers(Path(data, files.INT8_MODELS["kws"][0]).read_bytes(), samples["features"][:, None])
        recorded["samples"] = [check_sum(row) for row in out]
    for name, (path, shape, largest) in files.FLOAT_MODELS.items():
        if name != "kws":  # a hybrid, which rounds activations
            out = litert.answers(Path(data, path).read_bytes(), files.floats_for(shape, largest))
            recorded["float"][name] = [[float(f"{number:.8g}") for number in row[:16]] for row in out.tolist()]
    RECORDED.write_text(json.dumps(recorded) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
