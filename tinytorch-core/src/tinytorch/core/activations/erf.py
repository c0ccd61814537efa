"""The error function, which numpy lacks.

Float32: one odd rational function, as in Eigen (`generic_fast_erf_float`), right to a few units in the last place.
Float64: W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969), three ranges.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinytorch.core.tensor import op
from tinytorch.core.tensor.promotion import one_float

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinytorch.types import Array

# Highest power first. Eigen's, in x * x:
ODD = (
    -2.72614225801306e-10,
    2.77068142495902e-08,
    -2.10102402082508e-06,
    -5.69250639462346e-05,
    -7.34990630326855e-04,
    -2.95459980854025e-03,
    -1.60960333262415e-02,
)
EVEN = (
    -1.45660718464996e-05,
    -2.13374055278905e-04,
    -1.68282697438203e-03,
    -7.37332916720468e-03,
    -1.42647390514189e-02,
)
# Cody's: |x| <= 0.46875 in x * x, up to 4 in |x|, beyond in 1 / (x * x):
NEAR_P = (
    1.85777706184603153e-1,
    3.16112374387056560e0,
    1.13864154151050156e2,
    3.77485237685302021e2,
    3.20937758913846947e3,
)
NEAR_Q = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
MIDDLE_P = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e1,
    2.98635138197400131e2,
    8.81952221241769090e2,
    1.71204761263407058e3,
    2.05107837782607147e3,
    1.23033935479799725e3,
)
MIDDLE_Q = (
    1.0,
    1.57449261107098347e1,
    1.17693950891312499e2,
    5.37181101862009858e2,
    1.62138957456669019e3,
    3.29079923573345963e3,
    4.36261909014324716e3,
    3.43936767414372164e3,
    1.23033935480374942e3,
)
FAR_P = (
    1.63153871373020978e-2,
    3.05326634961232344e-1,
    3.60344899949804439e-1,
    1.25781726111229246e-1,
    1.60837851487422766e-2,
    6.58749161529837803e-4,
)
FAR_Q = (
    1.0,
    2.56852019228982242e0,
    1.87295284992346725e0,
    5.27905102951428412e-1,
    6.05183413124413191e-2,
    2.33520497626869185e-3,
)


@op(prepare=one_float)
def erf(x: Array) -> Array:
    """2 / sqrt(pi) times the integral of exp(-t * t) from 0 to x."""
    return error_function(x)


def error_function(x: Array) -> Array:
    """erf on an array, for kernels."""
    return _double(x) if x.dtype == np.float64 else _single(x)


def _single(x: Array) -> Array:
    x = np.clip(x, -4.0, 4.0)  # beyond, erf is 1 in float32
    squared = x * x
    out = _polynomial(squared, ODD)
    out *= x
    out /= _polynomial(squared, EVEN)
    return out


def _double(x: Array) -> Array:
    size = np.abs(x)
    with np.errstate(all="ignore"):
        squared = size * size
        near = x * _polynomial(squared, NEAR_P) / _polynomial(squared, NEAR_Q)
        decay = np.exp(-squared)
        middle = decay * _polynomial(size, MIDDLE_P) / _polynomial(size, MIDDLE_Q)
        inverse = 1.0 / squared
        far = inverse * _polynomial(inverse, FAR_P) / _polynomial(inverse, FAR_Q)
        far = decay / size * (1.0 / math.sqrt(math.pi) - far)
        tail = np.where(size <= 4.0, middle, np.where(size >= 27.0, 0.0, far))
        return np.where(size <= 0.46875, near, np.copysign(1.0 - tail, x))


def _polynomial(x: Array, coefficients: Sequence[float]) -> Array:
    """Horner's scheme in one buffer."""
    out = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        out *= x
        out += coefficient
    return out
