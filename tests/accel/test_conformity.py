"""Under the plugin nobody can tell it from the core, whichever instruction set serves."""

import pytest
from accel.scripts import START, run

from tinytorch.testing import PluginConformity

kernels = pytest.importorskip("tinytorch_accel._native", reason="tinytorch-accel was installed without its kernels")


CHECK = """
from tinytorch.testing import check_plugin
backend = plugin.backend.AcceleratedBackend()
check_plugin("accel", backend.ops)
print(backend.isa)
"""


class TestAccel(PluginConformity):
    plugin = "accel"


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512", "avx512vnni"])
def test_every_instruction_set_gives_the_cores_answers(isa):
    if isa not in kernels.isas():
        pytest.skip(f"this processor lacks {isa}")
    assert run(START + CHECK, TINYTORCH_ACCEL_ISA=isa) == (0, f"{isa}\n", "")
