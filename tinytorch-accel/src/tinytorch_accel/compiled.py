"""The compiled module, or one sentence where it was not compiled; and how near its answers are to the core's.

`import tinytorch_accel` does without it: only what computes imports this page.
"""

from tinytorch.plugins import PluginError, close

try:
    from tinytorch_accel import _native as kernels
except ImportError as error:
    if "TINYTORCH_ACCEL_ISA" in str(error):
        raise PluginError(str(error)) from error
    raise PluginError(
        f"tinytorch-accel has no compiled kernels here ({error}); install a C++ compiler, g++ 12 or newer, "
        "and then: pip install --force-reinstall --no-cache-dir --no-deps tinytorch-accel"
    ) from error

NEAR = close(rtol={"float32": 1e-5}, atol={"float32": 1e-6})  # where sums go in another order, or functions are our own

__all__ = ["NEAR", "kernels"]
