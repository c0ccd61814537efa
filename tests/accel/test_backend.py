"""The handle, the options, and what is said where something is missing."""

import pytest
from accel.scripts import run

from tinytorch import plugins
from tinytorch.core.acceleration import use_optimized_backend
from tinytorch.plugins import PluginError
from tinytorch_accel import AcceleratedBackend, backend, processors

kernels = pytest.importorskip("tinytorch_accel._native", reason="tinytorch-accel was installed without its kernels")


@pytest.fixture
def handle():
    """The handle; off again afterwards if it was."""
    before = plugins.table
    handle = AcceleratedBackend()
    was = handle.enabled
    yield handle
    handle.enabled = was
    assert before is plugins.table


def test_the_handle_switches_the_plugin_and_the_cores_switch_the_handle(handle):
    handle.enabled = True
    assert plugins.explain("gelu")[0][0] == "accel"
    use_optimized_backend(False)
    assert not handle.enabled
    assert [who for who, _ in plugins.explain("gelu")] == ["core"]
    use_optimized_backend(True)
    assert handle.enabled


def test_the_handle_sees_what_is_in_force_here(handle):
    with plugins.using("accel"):
        assert handle.enabled
    with plugins.using():
        assert not handle.enabled


def test_the_handle_names_ops_instruction_sets_and_threads(handle):
    assert {"matmul", "gelu_grad", "adam_step"} < set(handle.ops)
    with plugins.using("accel"):
        assert {plugins.explain(op)[0][0] for op in handle.ops} == {"accel"}
    assert handle.isa in handle.isas
    assert handle.isas[-1] == "baseline"
    handle.threads = 3
    assert handle.threads == 3
    handle.threads = 0
    assert handle.threads == processors.available()
    assert f"{handle.isa}, {handle.threads} threads, {len(handle.ops)} ops" in repr(handle)


def test_options_set_threads_and_memory():
    before = kernels.memory()["most"]
    backend.configure({"threads": 2, "memory": 3})
    assert (kernels.threads(), kernels.memory()["most"]) == (2, 3 << 20)
    backend.configure({"threads": 0, "memory": before >> 20})
    assert kernels.threads() == processors.available()


@pytest.mark.parametrize("name", ["threads", "memory"])
def test_a_negative_option_is_refused(name):
    with pytest.raises(PluginError) as caught:
        backend.configure({"threads": 1, "memory": 1, name: -1})
    assert str(caught.value) == f"[accel] {name}: expected 0 or more, got -1"


@pytest.mark.parametrize(
    ("isa", "why"),
    [
        ("sse9", "there is none of this name"),
        *[(isa, "this processor lacks it") for isa in ("avx2", "avx512", "avx512vnni") if isa not in kernels.isas()],
    ],
)
def test_an_instruction_set_that_cannot_be_is_one_sentence(isa, why):
    status, _, errors = run("import tinytorch_accel.compiled", TINYTORCH_ACCEL_ISA=isa)
    assert status == 1
    assert errors.splitlines()[-1].endswith(f"PluginError: TINYTORCH_ACCEL_ISA is '{isa}', but {why}")


def test_without_kernels_the_package_imports_and_the_plugin_says_what_is_missing():
    code = "import sys; sys.modules['tinytorch_accel._native'] = None\nimport tinytorch_accel\n"
    assert run(code) == (0, "", "")
    status, _, errors = run(code + "import tinytorch_accel.plugin")
    assert status == 1
    assert "tinytorch-accel has no compiled kernels here" in errors.splitlines()[-1]
    assert "install a C++ compiler" in errors.splitlines()[-1]
