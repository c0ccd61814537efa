// The ops max_pool2d and max_pool2d_grad, from Python to the kernels of kernels/max_pool.cpp.

#include "arrays.h"
#include "kernels.h"
#include "memory.h"
#include "python/families.h"
#include "python/images.h"

namespace {

using namespace arrays;

constexpr std::size_t MOST_PLACES = 256;  // that a byte can number

bool pooling_window_of(PyObject* const* args, Window& window) {
    return pair_of(args[0], 1, window.kernel[0], window.kernel[1]) &&
           window.kernel[0] * window.kernel[1] <= MOST_PLACES && window_of(args[1], args[2], args[3], window);
}

// Whether the window has a number of the image wherever it stands along a dimension.
bool always_inside(const Window& window, int dim, std::size_t size, std::size_t windows) {
    for (std::size_t at = 0; at < windows; at++) {
        bool inside = false;
        for (std::size_t place = 0; place < window.kernel[dim] && !inside; place++) {
            const std::size_t position = at * window.stride[dim] + place * window.dilation[dim];
            inside = position >= window.before[dim] && position < window.before[dim] + size;
        }
        if (!inside) return false;
    }
    return windows > 0;
}

PyObject* max_pool2d(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("max_pool2d", 5, count)) return nullptr;
    const ImageInput x(args[0]);
    Window window;
    if (!x || !pooling_window_of(args + 1, window)) Py_RETURN_NONE;
    const std::size_t height = windows_in(x.height, window, 0), width = windows_in(x.width, window, 1);
    if (!always_inside(window, 0, x.height, height) || !always_inside(window, 1, x.width, width)) Py_RETURN_NONE;
    ImageOutput out(x.batch, x.channels, height, width), place(x.batch, x.channels, height, width, NPY_UINT8);
    const memory::Workspace workspace(x.channels_last ? 0 : x.size());
    if (!out || !place) return nullptr;
    if (!workspace.data) return PyErr_NoMemory();
    {
        WithoutGil meanwhile(x.size());
        kernels().max_pool({x, window, height, width, out.data, reinterpret_cast<unsigned char*>(place.data),
                            workspace.data});
    }
    PyObject* first = out.as_channels_first();
    PyObject* second = first ? place.as_channels_first() : nullptr;
    return second ? Py_BuildValue("NN", first, second) : (Py_XDECREF(first), nullptr);
}

PyObject* max_pool2d_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("max_pool2d_grad", 7, count)) return nullptr;
    const ImageInput grad(args[0]);
    PyArrayObject* place = array_of(args[1], NPY_UINT8);
    std::size_t shape[4];
    Window window;
    if (!grad || !place || !sizes_of(args[2], shape) || !pooling_window_of(args + 3, window)) Py_RETURN_NONE;
    if (!PyArray_SAMESHAPE(place, reinterpret_cast<PyArrayObject*>(args[0])) || !lies_in_order(place, CHANNELS_LAST) ||
        shape[0] != grad.batch || shape[1] != grad.channels || windows_in(shape[2], window, 0) != grad.height ||
        windows_in(shape[3], window, 1) != grad.width)
        Py_RETURN_NONE;
    const bool apart = window.stride[0] >= window.kernel[0] && window.stride[1] >= window.kernel[1] &&
                       window.dilation[0] == 1 && window.dilation[1] == 1;
    ImageOutput out(shape[0], shape[1], shape[2], shape[3]);
    const memory::Workspace workspace(grad.channels_last ? 0 : grad.size());
    if (!out) return nullptr;
    if (!workspace.data) return PyErr_NoMemory();
    {
        WithoutGil meanwhile(grad.size());
        kernels().max_pool_grad({grad, static_cast<const unsigned char*>(PyArray_DATA(place)), window, shape[2],
                                 shape[3], apart, out.data, workspace.data});
    }
    return out.as_channels_first();
}

}  // namespace

PyMethodDef MAX_POOL[] = {FUNCTION(max_pool2d), FUNCTION(max_pool2d_grad), {}};
