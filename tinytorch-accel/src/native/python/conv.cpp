// The ops conv2d, conv2d_input_grad and conv2d_weight_grad, from Python to the kernels of kernels/conv.cpp and
// kernels/conv_weight_grad.cpp.

#include "arrays.h"
#include "kernels.h"
#include "memory.h"
#include "pool.h"
#include "python/families.h"
#include "python/images.h"

#include <utility>

namespace {

using namespace arrays;

// How the channels are divided; `false` where the sizes do not fit together.
struct Groups {
    // weight is (out, in / groups, kh, kw)
    Groups(PyObject* argument, const std::size_t (&weight)[4], std::size_t channels) {
        const std::size_t given = PyLong_Check(argument) ? PyLong_AsSize_t(argument) : 0;
        if (PyErr_Occurred()) PyErr_Clear();
        if (given < 1 || given > channels || weight[0] % given || weight[1] * given != channels) return;
        depthwise = given > 1 && given == channels && weight[0] == channels;
        count = depthwise ? 1 : given;
    }
    explicit operator bool() const { return count; }
    std::size_t count = 0;
    bool depthwise = false;
};

// As conv2d's arguments say: stride, padding, dilation, and the kernel's sizes from the weight's.
bool conv_window_of(PyObject* const* args, const std::size_t (&weight)[4], Window& window) {
    window.kernel[0] = weight[2], window.kernel[1] = weight[3];
    return window_of(args[0], args[1], args[2], window);
}

void sizes_of(const Input& weight, std::size_t (&sizes)[4]) {
    for (int i = 0; i < 4; i++) sizes[i] = PyArray_DIM(weight.array, i);
}

// Zeros around the gradient meet the weight, and 0 * inf is nan: also in the core where the input's gradient is a
// convolution within the same frame, not where it adds up products.
bool zeros_are_harmless(const Window& window, const Input& weight) {
    bool as_core = true, finite = true;
    for (int dim = 0; dim < 2; dim++) {
        const std::size_t full = window.dilation[dim] * (window.kernel[dim] - 1);
        as_core &= window.stride[dim] == 1 && window.before[dim] <= full && window.after[dim] <= full;
    }
    for (std::size_t i = 0; !as_core && i < weight.size; i++) finite &= weight.data[i] - weight.data[i] == 0.0f;
    return as_core || finite;
}

// A sequence, of one row under windows of one row, stands upright: images are cut into strips of rows for threads, and
// long sums into those of some rows. Its memory is the same.
void stand_upright(Images& x, std::size_t& height, std::size_t& width, Window& window) {
    if (x.height != 1 || height != 1 || window.kernel[0] != 1 || window.before[0] || window.after[0]) return;
    std::swap(x.height, x.width);
    std::swap(height, width);
    for (std::size_t* each : {window.kernel, window.stride, window.before, window.after, window.dilation})
        std::swap(each[0], each[1]);
}

// Calls the kernel with the memory that it asks for.
template <class Job, class Kernel, class Size>
bool computed(Job job, Kernel kernel, Size workspace_size, std::size_t work) {
    job.threads = pool::threads();
    const memory::Workspace workspace(workspace_size(job));
    if (!workspace.data) {
        PyErr_NoMemory();
        return false;
    }
    job.workspace = workspace.data;
    WithoutGil meanwhile(work);
    kernel(job);
    return true;
}

PyObject* conv2d(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("conv2d", 7, count)) return nullptr;
    const ImageInput x(args[0]);
    const Input weight(args[1]);
    const Optional bias(args[2]);
    if (!x || !weight || !bias || PyArray_NDIM(weight.array) != 4) Py_RETURN_NONE;
    std::size_t sizes[4];
    sizes_of(weight, sizes);
    Window window;
    const Groups groups(args[6], sizes, x.channels);
    if (!groups || !conv_window_of(args + 3, sizes, window)) Py_RETURN_NONE;
    const std::size_t height = windows_in(x.height, window, 0), width = windows_in(x.width, window, 1);
    if (!height || !width || !(bias.missing || (PyArray_NDIM(bias.array) == 1 && bias.size == sizes[0])))
        Py_RETURN_NONE;
    ImageOutput out(x.batch, sizes[0], height, width);
    if (!out) return nullptr;
    Conv job{x,     weight.data, bias.data,    out.data,         sizes[0], height,
             width, window,      groups.count, groups.depthwise, 0,        nullptr};
    stand_upright(job.x, job.height, job.width, job.window);
    if (!computed(job, kernels().conv, kernels().conv_workspace, x.size())) return nullptr;
    return out.as_channels_first();
}

PyObject* conv2d_input_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("conv2d_input_grad", 7, count)) return nullptr;
    const ImageInput grad(args[0]);
    const Input weight(args[1]);
    std::size_t shape[4], sizes[4];
    if (!grad || !weight || PyArray_NDIM(weight.array) != 4 || !arrays::sizes_of(args[2], shape)) Py_RETURN_NONE;
    sizes_of(weight, sizes);
    Window window;
    const Groups groups(args[6], sizes, shape[1]);
    if (!groups || !conv_window_of(args + 3, sizes, window)) Py_RETURN_NONE;
    for (int dim = 0; dim < 2; dim++)
        if (window.stride[dim] > 1 && window.dilation[dim] > 1) Py_RETURN_NONE;
    if (shape[0] != grad.batch || sizes[0] != grad.channels || windows_in(shape[2], window, 0) != grad.height ||
        windows_in(shape[3], window, 1) != grad.width || !zeros_are_harmless(window, weight))
        Py_RETURN_NONE;
    ImageOutput out(shape[0], shape[1], shape[2], shape[3]);
    if (!out) return nullptr;
    Conv job{grad,     weight.data, nullptr,      out.data,         shape[1], shape[2],
             shape[3], window,      groups.count, groups.depthwise, 0,        nullptr};
    stand_upright(job.x, job.height, job.width, job.window);
    if (!computed(job, kernels().conv_input_grad, kernels().conv_input_grad_workspace, grad.size())) return nullptr;
    return out.as_channels_first();
}

PyObject* conv2d_weight_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("conv2d_weight_grad", 7, count)) return nullptr;
    const ImageInput grad(args[0]), x(args[1]);
    std::size_t sizes[4];
    Window window;
    if (!grad || !x || !arrays::sizes_of(args[2], sizes) || !conv_window_of(args + 3, sizes, window)) Py_RETURN_NONE;
    const Groups groups(args[6], sizes, x.channels);
    if (!groups || x.batch != grad.batch || sizes[0] != grad.channels ||
        windows_in(x.height, window, 0) != grad.height || windows_in(x.width, window, 1) != grad.width)
        Py_RETURN_NONE;
    const npy_intp shape[] = {static_cast<npy_intp>(sizes[0]), static_cast<npy_intp>(sizes[1]),
                              static_cast<npy_intp>(sizes[2]), static_cast<npy_intp>(sizes[3])};
    Output out(4, shape);
    if (!out) return nullptr;
    ConvWeightGrad job{grad, x, out.data, window, groups.count, groups.depthwise, 0, nullptr};
    stand_upright(job.x, job.grad.height, job.grad.width, job.window);
    if (!computed(job, kernels().conv_weight_grad, kernels().conv_weight_grad_workspace, x.size())) return nullptr;
    return out.release();
}

}  // namespace

PyMethodDef CONV[] = {FUNCTION(conv2d), FUNCTION(conv2d_input_grad), FUNCTION(conv2d_weight_grad), {}};
