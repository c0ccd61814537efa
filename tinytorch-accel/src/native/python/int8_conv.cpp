// The ops int8_conv2d and int8_linear of tinytorch-quant, from Python to kernels/int8_conv.cpp.

#include "arrays.h"
#include "kernels.h"
#include "memory.h"
#include "python/families.h"
#include "python/images.h"
#include "python/int8.h"

#include <cstdlib>

namespace {

using namespace arrays;

// Bias, mantissa and shift of each output, as the ops' arguments come; false where they do not fit, or where a sum of
// `terms` products, or what the kernel adds to round it, could leave int32. Networks have channels that give always the
// same: a bias of 2^30, and a shift that makes it small.
bool constants_of(PyObject* const* args, Int8Conv& job, std::size_t terms) {
    constexpr std::int64_t MOST = INT32_MAX;
    job.bias = row_of<std::int32_t>(args[0], NPY_INT32, job.outs);
    job.mantissa = row_of<std::int32_t>(args[1], NPY_INT32, job.outs);
    job.shift = row_of<std::int8_t>(args[2], NPY_INT8, job.outs);
    if (!job.bias || !job.mantissa || !job.shift || terms > MOST / (128 * 128)) return false;
    if (!none_above_zero(job.shift, job.outs)) return false;
    const std::int64_t products = static_cast<std::int64_t>(terms) * 128 * 128;
    for (std::size_t i = 0; i < job.outs; i++) {
        const std::int64_t sum = products + std::abs(std::int64_t{job.bias[i]});
        const std::int64_t added = job.shift[i] ? std::int64_t{1} << (-job.shift[i] - 1) : 128;  // a half, or a zero point
        if (job.mantissa[i] < 0 || sum > MOST || (sum * job.mantissa[i] >> 31) + 1 + added > MOST) return false;
    }
    return true;
}

PyObject* computed(Int8Conv& job, Output& out) {
    if (!out) return nullptr;
    const memory::Workspace workspace(kernels().int8_conv_workspace(job));
    if (!workspace.data) return PyErr_NoMemory();
    job.out = reinterpret_cast<std::int8_t*>(out.data), job.workspace = workspace.data;
    WithoutGil meanwhile(job.batch * job.height * job.width * job.channels);
    kernels().int8_conv(job);
    return Py_None;
}

PyObject* int8_conv2d(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("int8_conv2d", 13, count)) return nullptr;
    PyArrayObject *x = array_of(args[0], NPY_INT8), *weight = array_of(args[1], NPY_INT8);
    if (!x || !weight || PyArray_NDIM(x) != 4 || PyArray_NDIM(weight) != 4 || !lies_in_order(weight, CHANNELS_LAST))
        Py_RETURN_NONE;
    const npy_intp *shape = PyArray_DIMS(x), *steps = PyArray_STRIDES(x), *sizes = PyArray_DIMS(weight);
    for (int i = 0; i < 4; i++)
        if (steps[i] < 0) Py_RETURN_NONE;
    Int8Conv job{};
    job.x = static_cast<const std::int8_t*>(PyArray_DATA(x));
    job.batch = shape[0], job.channels = shape[1], job.height = shape[2], job.width = shape[3];
    job.image_step = steps[0], job.channel_step = steps[1], job.row_step = steps[2], job.pixel_step = steps[3];
    job.weight = static_cast<const std::int8_t*>(PyArray_DATA(weight));
    job.outs = sizes[0], job.window.kernel[0] = sizes[2], job.window.kernel[1] = sizes[3];
    std::size_t groups, same;
    PyObject* twice = PyTuple_Pack(2, args[8], args[8]);
    if (!twice) return nullptr;
    const bool counted = pair_of(twice, 1, groups, same);
    Py_DECREF(twice);
    job.depthwise = counted && groups > 1 && groups == job.channels && job.outs == groups && sizes[1] == 1;
    if (job.depthwise && job.window.kernel[0] * job.window.kernel[1] > MOST_PLACES) Py_RETURN_NONE;
    const bool whole = counted && groups == 1 && static_cast<std::size_t>(sizes[1]) == job.channels;
    if (!(whole || job.depthwise) || !constants_of(args + 2, job, sizes[1] * sizes[2] * sizes[3]) ||
        !window_of(args[5], args[6], args[7], job.window) ||
        !codes_of(args + 9, job.fill, job.zero_point, job.low, job.high))
        Py_RETURN_NONE;
    job.out_height = windows_in(job.height, job.window, 0), job.out_width = windows_in(job.width, job.window, 1);
    if (!job.out_height || !job.out_width) Py_RETURN_NONE;
    ImageOutput out(job.batch, job.outs, job.out_height, job.out_width, NPY_INT8);
    return computed(job, out) ? out.as_channels_first() : nullptr;
}

// Rows are the pixels of one image, a weight's row is a window of one pixel.
PyObject* int8_linear(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("int8_linear", 8, count)) return nullptr;
    PyArrayObject *x = array_of(args[0], NPY_INT8), *weight = array_of(args[1], NPY_INT8);
    if (!x || !weight || PyArray_NDIM(x) < 1 || PyArray_NDIM(weight) != 2 || !PyArray_IS_C_CONTIGUOUS(x) ||
        !PyArray_IS_C_CONTIGUOUS(weight))
        Py_RETURN_NONE;
    const int last = PyArray_NDIM(x) - 1;
    if (PyArray_DIM(x, last) != PyArray_DIM(weight, 1)) Py_RETURN_NONE;
    Int8Conv job{};
    job.x = static_cast<const std::int8_t*>(PyArray_DATA(x));
    job.channels = PyArray_DIM(x, last), job.width = job.out_width = PyArray_SIZE(x) / PyArray_DIM(x, last);
    job.batch = job.height = job.out_height = 1;
    job.pixel_step = job.channels, job.channel_step = 1;
    job.weight = static_cast<const std::int8_t*>(PyArray_DATA(weight));
    job.outs = PyArray_DIM(weight, 0);
    job.window = {{1, 1}, {1, 1}, {0, 0}, {0, 0}, {1, 1}};
    job.rounds_once = true;
    if (!constants_of(args + 2, job, job.channels) || !codes_of(args + 5, job.zero_point, job.low, job.high))
        Py_RETURN_NONE;
    npy_intp shape[NPY_MAXDIMS];
    for (int dim = 0; dim < last; dim++) shape[dim] = PyArray_DIM(x, dim);
    shape[last] = PyArray_DIM(weight, 0);
    Output out(last + 1, shape, NPY_INT8);
    return computed(job, out) ? out.release() : nullptr;
}

}  // namespace

PyMethodDef INT8_CONV[] = {FUNCTION(int8_conv2d), FUNCTION(int8_linear), {}};
