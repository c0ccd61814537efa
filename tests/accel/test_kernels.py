"""Kernels on arrays of every size and layout; how near they are to the right numbers."""

import importlib.util

import numpy as np
import pytest
from accel.calls import CALLS, core, op_of, outputs

kernels = pytest.importorskip("tinytorch_accel._native", reason="tinytorch-accel was installed without its kernels")
READ_IN_STEPS = {("cross_entropy_grad", 0)}
SIZES = [(1, 1), (1, 7), (3, 15), (5, 16), (2, 17), (4, 31), (3, 33), (70, 3), (17, 64), (33, 1001)]


NORMS = ["layer_norm", "layer_norm_grad", "rms_norm", "rms_norm_grad"]


def native(call):
    return getattr(kernels, op_of(call))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_odd_sizes_give_the_cores_answers(call, size, rng):
    args = CALLS[call](rng, *size)
    for mine, cores in zip(outputs(native(call)(*args)), outputs(core(op_of(call))(*args)), strict=True):
        assert (mine.shape, mine.dtype) == (cores.shape, cores.dtype)
        np.testing.assert_allclose(mine, cores, rtol=1e-5, atol=1e-5)  # gradients of weights sum 70 rows


@pytest.mark.parametrize("call", CALLS)
def test_one_thread_and_several_give_the_same_bits(call, rng):
    args = CALLS[call](rng, 300, 771)
    answers = []
    for threads in (1, 2, 3):
        kernels.set_threads(threads)
        answers.append([each.tobytes() for each in outputs(native(call)(*args))])
    assert answers[0] == answers[1] == answers[2]


def strided(array):
    return np.repeat(array, 2, -1)[..., ::2]


def misaligned(array):
    memory = np.empty(array.nbytes + 1, np.uint8)[1:]
    memory[:] = np.frombuffer(array.tobytes(), np.uint8)
    return memory.view(array.dtype).reshape(array.shape)


def swapped(array):
    return array.astype(array.dtype.newbyteorder())


def doubled(array):
    return array.astype(np.float64)


def emptied(array):
    return array[:0]


@pytest.mark.parametrize("change", [strided, misaligned, swapped, doubled, emptied], ids=lambda each: each.__name__)
@pytest.mark.parametrize("call", CALLS)
def test_what_no_kernel_reads_is_declined_in_every_place(call, change, rng):
    args = CALLS[call](rng, 4, 6)
    for place, arg in enumerate(args):
        if change is strided and (call, place) in READ_IN_STEPS:
            continue
        if isinstance(arg, np.ndarray) and (change is not strided or arg.shape[-1] > 1):
            assert native(call)(*args[:place], change(arg), *args[place + 1 :]) is None


@pytest.mark.parametrize("step", [0, 2, -1])
def test_the_gradient_of_losses_may_be_one_number_for_all_or_views(step, rng):
    grad, *args = CALLS["cross_entropy_grad"](rng, 5, 7)
    every = np.broadcast_to(grad[:1], 5) if step == 0 else np.repeat(grad, 2)[::2] if step == 2 else grad[::-1]
    mine = kernels.cross_entropy_grad(every, *args)
    np.testing.assert_allclose(mine, core("cross_entropy_grad")(every, *args), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "call", ["gelu_grad", "layer_norm", "layer_norm_grad", "silu_grad", "rms_norm", "rms_norm_grad"]
)
def test_arrays_that_do_not_fit_together_are_declined(call, rng):
    args, others = CALLS[call](rng, 4, 6), CALLS[call](rng, 5, 7)
    for place, other in enumerate(others):
        if isinstance(other, np.ndarray):
            assert native(call)(*args[:place], other, *args[place + 1 :]) is None


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_number_of_arguments_is_an_error(call):
    with pytest.raises(TypeError) as caught:
        native(call)()
    assert str(caught.value).startswith(f"{op_of(call)}: expected ")


def test_a_number_without_dimensions_is_an_array():
    out, share = kernels.gelu(np.array(1.5, np.float32), "none")
    assert (type(out), out.shape, share.shape) == (np.ndarray, (), ())


def test_a_layer_norm_that_covers_no_dimension_or_too_many_is_declined(rng):
    x = np.ones((2, 3), np.float32)
    assert kernels.layer_norm(x, x, None, 3, 1e-5) is None
    assert kernels.layer_norm(x, x, None, -1, 1e-5) is None
    for ndim in (-1, 0, 3):
        assert kernels.layer_norm(x, None, None, ndim, 1e-5) is None
        assert kernels.layer_norm_grad(x, x, None, x[:, :1].copy(), x[:, :1].copy(), ndim) is None


def test_an_rms_norm_that_covers_no_dimension_or_too_many_is_declined():
    x = np.ones((2, 3), np.float32)
    for ndim in (-1, 0, 3):
        assert kernels.rms_norm(x, None, ndim, 1e-5) is None
        assert kernels.rms_norm_grad(x, x, None, np.ones((2, 1), np.float32), ndim) is None


def in_torch(call, args):
    """PyTorch's answer, or its gradients, of the same arguments."""
    import torch
    from torch.nn import functional as F

    tensors = [torch.from_numpy(arg) if isinstance(arg, np.ndarray) else arg for arg in args]
    for each in tensors:
        if isinstance(each, torch.Tensor) and each.is_floating_point():
            each.requires_grad_()
    if call in {"exp", "log", "tanh", "sigmoid", "silu", "softplus", "silu_grad"}:
        return functions_in_torch(call, tensors)
    if call in {"gelu", "gelu_tanh"}:
        return [F.gelu(tensors[0], approximate=tensors[1])]
    if call.startswith("batch_norm"):
        return normalized_in_torch(
            call, [each.detach() if isinstance(each, torch.Tensor) else each for each in tensors]
        )
    if call in NORMS:
        return norms_in_torch(call, tensors)
    if "softmax" in call or "entropy" in call:
        return probabilities_in_torch(call, tensors)
    grad, x = tensors[:2]
    F.gelu(x, approximate=args[3]).backward(grad)
    return [x.grad]


def normalized_in_torch(call, tensors):
    import torch

    aten = torch.ops.aten
    if call == "batch_norm":
        return aten.native_batch_norm(*tensors[:3], None, None, True, 0.1, tensors[3])
    if call == "batch_norm_inference":
        x, mean, variance, weight, bias, eps = tensors
        return [aten.native_batch_norm(x, weight, bias, mean, variance, False, 0.1, eps)[0]]
    grad, x, weight, mean, rstd = tensors
    flat = mean.reshape(-1), rstd.reshape(-1)
    return aten.native_batch_norm_backward(grad, x, weight, None, None, *flat, True, 0.1, [True] * 3)


def norms_in_torch(call, tensors):
    import torch
    from torch.nn import functional as F

    if call == "rms_norm":
        return [F.rms_norm(tensors[0], tensors[1].shape, tensors[1], tensors[3])]
    if call == "layer_norm":
        return [F.layer_norm(tensors[0], tensors[1].shape, tensors[1], tensors[2], tensors[4])]
    grad, x, weight = tensors[:3]
    if call == "rms_norm_grad":
        F.rms_norm(x, weight.shape, weight, 1e-5).backward(grad)
        return [x.grad, weight.grad]
    bias = torch.zeros_like(weight).requires_grad_()
    F.layer_norm(x, weight.shape, weight, bias, 1e-5).backward(grad)
    return [x.grad, weight.grad, bias.grad]


def functions_in_torch(call, tensors):
    import torch
    from torch.nn import functional as F

    if call == "silu_grad":
        F.silu(tensors[1]).backward(tensors[0])
        return [tensors[1].grad]
    return [getattr(F if call in {"silu", "softplus"} else torch, call)(*tensors)]


def probabilities_in_torch(call, tensors):
    import torch
    from torch.nn import functional as F

    if call in {"softmax", "log_softmax"}:
        return [getattr(F, call)(tensors[0], 1)]
    if call in {"softmax_grad", "log_softmax_grad"}:
        grad, out = (each.detach() for each in tensors[:2])
        return [getattr(torch, f"_{call.removesuffix('_grad')}_backward_data")(grad, out, 1, torch.float32)]
    if call == "cross_entropy":
        return [F.cross_entropy(*tensors, reduction="none"), torch.logsumexp(tensors[0], 1)]
    F.cross_entropy(tensors[1], tensors[2], reduction="none").backward(tensors[0])
    return [tensors[1].grad]


def error(answer, right):
    """Root of the mean square, which luck in one number does not decide."""
    return float(np.sqrt(np.mean(np.square(answer.astype(np.float64) - right))))


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("size", [(64, 256), (7, 4099)], ids=str)
@pytest.mark.parametrize("call", CALLS)
def test_the_distance_to_float64_is_at_most_twice_that_of_pytorch(call, size, rng):
    args = CALLS[call](rng, *size)
    wide = tuple(
        arg.astype(np.float64) if isinstance(arg, np.ndarray) and arg.dtype.kind == "f" else arg for arg in args
    )
    if call == "cross_entropy_grad":
        wide = (*wide[:3], core("cross_entropy")(*wide[1:3])[1])
    elif call == "rms_norm_grad":
        wide = (*wide[:3], core("rms_norm")(wide[1], None, 1, 1e-5)[1], 1)
    elif call == "layer_norm_grad":
        _, mean, rstd = core("layer_norm")(wide[1], None, None, 1, 1e-5)
        wide = (*wide[:3], mean, rstd, 1)
    elif call.startswith("gelu") and call.endswith("grad"):
        wide = (*wide[:2], core("gelu")(wide[1], args[3])[1], args[3])
    right, mine = outputs(core(op_of(call))(*wide)), outputs(native(call)(*args))
    for theirs, ours, exact in zip(in_torch(call, args), mine, right, strict=False):
        assert error(ours, exact) <= 2 * error(theirs.detach().numpy(), exact)
