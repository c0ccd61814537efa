"""Smaller models for tinytorch: pruning, sparsity, low rank, distillation.

Read in this order: choosing, masking, places, prune, sparsity, schedule; traces, structured; low_rank, distillation;
formats, storage, counting, curves, analysis, tables; sparse, execution; pipeline.
"""

from tinytorch_compress import prune
from tinytorch_compress.analysis import Report, analyse
from tinytorch_compress.counting import Cost, cost
from tinytorch_compress.curves import curve, sensitivity
from tinytorch_compress.distillation import Lesson, Taught, distil, distillation_loss
from tinytorch_compress.execution import sparsify_execution
from tinytorch_compress.low_rank import LowRank, factorize
from tinytorch_compress.schedule import GradualPruning, cubic
from tinytorch_compress.sparse import SparseLinear
from tinytorch_compress.sparsity import sparsify, sparsity_of, weights_of
from tinytorch_compress.storage import read_packed, stored, write_packed
from tinytorch_compress.structured import prune_structured

__version__ = "0.1.0"

__all__ = [
    "Cost",
    "GradualPruning",
    "Lesson",
    "LowRank",
    "Report",
    "SparseLinear",
    "Taught",
    "analyse",
    "cost",
    "cubic",
    "curve",
    "distil",
    "distillation_loss",
    "factorize",
    "prune",
    "prune_structured",
    "read_packed",
    "sensitivity",
    "sparsify",
    "sparsify_execution",
    "sparsity_of",
    "stored",
    "weights_of",
    "write_packed",
]
