"""LiteRT's reference kernels: what every tensor of a model holds for an input."""

import numpy as np


def answers(content, *inputs):
    """The output of a model for PyTorch-shaped inputs, as many samples at a time as the file says."""
    interpreter = started(content)
    size = int(interpreter.get_input_details()[0]["shape"][0])
    parts = [[x[start : start + size] for x in inputs] for start in range(0, len(inputs[0]), size)]
    return np.concatenate([_answer(interpreter, part) for part in parts])


def started(content, **options):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kernels = OpResolverType.BUILTIN_REF
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=kernels, num_threads=1, **options)
    interpreter.allocate_tensors()
    return interpreter


def _answer(interpreter, inputs):
    for detail, x in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], images_last(x))
    interpreter.invoke()
    (out,) = interpreter.get_output_details()
    return images_first(interpreter.get_tensor(out["index"]).copy())


def every_tensor(content, x):
    """What each tensor holds after a sample, by its number."""
    interpreter = started(content, experimental_preserve_all_tensors=True)
    _answer(interpreter, [x])
    held = {}
    for detail in interpreter.get_tensor_details():
        try:
            held[detail["index"]] = images_first(interpreter.get_tensor(detail["index"]).copy())
        except ValueError:  # a temporary one, without memory
            continue
    return held


def images_last(x):
    return x.transpose(0, 2, 3, 1) if x.ndim == 4 else x


def images_first(x):
    return x.transpose(0, 3, 1, 2) if x.ndim == 4 else x
