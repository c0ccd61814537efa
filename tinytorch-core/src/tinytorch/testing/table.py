"""The table: at least one row for every op, and a reason for every op without a derivative."""

from __future__ import annotations

from tinytorch.testing import layer_cases, selection_cases, sequence_cases, spatial_cases, tensor_cases
from tinytorch.testing.case import OpCase

OP_CASES: tuple[OpCase, ...] = (
    *tensor_cases.ARITHMETIC,
    *tensor_cases.COMPARISON,
    *tensor_cases.SHAPES,
    *selection_cases.INDEXING,
    *selection_cases.REDUCTIONS,
    *selection_cases.PRODUCTS,
    *layer_cases.ACTIVATIONS,
    *layer_cases.LAYERS,
    *layer_cases.LOSSES,
    *spatial_cases.SPATIAL,
    *spatial_cases.OPTIMIZERS,
    *sequence_cases.SEQUENCES,
)

_TRUTH = "gives True and False"
_POSITIONS = "gives positions"

WITHOUT_DERIVATIVE: dict[str, str] = {
    "floor_divide": "is a step function, and PyTorch refuses its gradient too",
    **dict.fromkeys(("equal_to", "not_equal", "less", "less_equal", "greater", "greater_equal"), _TRUTH),
    **dict.fromkeys(("logical_not", "logical_and", "logical_or", "logical_xor", "reduce_any", "reduce_all"), _TRUTH),
    **dict.fromkeys(("bitwise_not", "bitwise_and", "bitwise_or", "bitwise_xor"), "takes whole numbers"),
    **dict.fromkeys(
        ("layer_norm_grad", "batch_norm_grad", "rms_norm_grad", "attention_grad"),
        "second derivatives are taken of the formula written with ops",
    ),
    **dict.fromkeys(("arg_max", "arg_min", "arg_sort", "arg_top_k"), _POSITIONS),
}


def cases_for(op: str) -> list[OpCase]:
    """The rows of an op."""
    return [case for case in OP_CASES if case.op == op]
