// The ops sum_pool2d and sum_pool2d_grad, from Python to the kernels of kernels/sum_pool.cpp.

#include "arrays.h"
#include "kernels.h"
#include "memory.h"
#include "python/families.h"
#include "python/images.h"

namespace {

using namespace arrays;

// kernel, stride and padding, as the ops have them.
bool summing_window_of(PyObject* const* args, Window& window) {
    window.dilation[0] = window.dilation[1] = 1;
    return pair_of(args[0], 1, window.kernel[0], window.kernel[1]) &&
           pair_of(args[1], 1, window.stride[0], window.stride[1]) && padding_of(args[2], window);
}

PyObject* computed(void (*kernel)(const SumPool&), const ImageInput& x, const Window& window, std::size_t height,
                   std::size_t width) {
    ImageOutput out(x.batch, x.channels, height, width);
    const memory::Workspace workspace(x.channels_last ? 0 : x.size());
    if (!out) return nullptr;
    if (!workspace.data) return PyErr_NoMemory();
    {
        WithoutGil meanwhile(x.size());
        kernel({x, window, height, width, out.data, workspace.data});
    }
    return out.as_channels_first();
}

PyObject* sum_pool2d(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("sum_pool2d", 4, count)) return nullptr;
    const ImageInput x(args[0]);
    Window window;
    if (!x || !summing_window_of(args + 1, window)) Py_RETURN_NONE;
    const std::size_t height = windows_in(x.height, window, 0), width = windows_in(x.width, window, 1);
    if (!height || !width) Py_RETURN_NONE;
    return computed(kernels().sum_pool, x, window, height, width);
}

PyObject* sum_pool2d_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("sum_pool2d_grad", 5, count)) return nullptr;
    const ImageInput grad(args[0]);
    std::size_t shape[4];
    Window window;
    if (!grad || !sizes_of(args[1], shape) || !summing_window_of(args + 2, window)) Py_RETURN_NONE;
    if (shape[0] != grad.batch || shape[1] != grad.channels || windows_in(shape[2], window, 0) != grad.height ||
        windows_in(shape[3], window, 1) != grad.width)
        Py_RETURN_NONE;
    return computed(kernels().sum_pool_grad, grad, window, shape[2], shape[3]);
}

}  // namespace

PyMethodDef SUM_POOL[] = {FUNCTION(sum_pool2d), FUNCTION(sum_pool2d_grad), {}};
