// Arguments of convolution and pooling: images in either order of memory, windows, and channels-last outputs.

#pragma once

#include "arrays.h"
#include "kernels.h"

namespace arrays {

constexpr int CHANNELS_FIRST[] = {0, 1, 2, 3}, CHANNELS_LAST[] = {0, 2, 3, 1};

// A batch of images that kernels can read, or `false`.
struct ImageInput : Images {
    explicit ImageInput(PyObject* argument) : Images{} {
        PyArrayObject* given = array_of(argument, NPY_FLOAT32);
        if (!given || PyArray_NDIM(given) != 4) return;
        channels_last = lies_in_order(given, CHANNELS_LAST);
        if (!channels_last && !lies_in_order(given, CHANNELS_FIRST)) return;
        data = static_cast<const float*>(PyArray_DATA(given));
        const npy_intp* shape = PyArray_DIMS(given);
        batch = shape[0], channels = shape[1], height = shape[2], width = shape[3];
    }
    explicit operator bool() const { return data; }
    std::size_t size() const { return batch * channels * height * width; }
};

// Two numbers of a tuple (a, b), none below `least` nor very large, or false; never a Python error.
inline bool pair_of(PyObject* tuple, std::size_t least, std::size_t& first, std::size_t& second) {
    constexpr std::size_t MOST = 1 << 20;
    if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) != 2) return false;
    const auto number = [](PyObject* from) { return PyLong_Check(from) ? PyLong_AsSize_t(from) : MOST + 1; };
    first = number(PyTuple_GET_ITEM(tuple, 0)), second = number(PyTuple_GET_ITEM(tuple, 1));
    if (PyErr_Occurred()) PyErr_Clear();  // below 0 or above all bounds
    return first >= least && first <= MOST && second >= least && second <= MOST;
}

// ((top, bottom), (left, right)).
inline bool padding_of(PyObject* padding, Window& window) {
    return PyTuple_Check(padding) && PyTuple_GET_SIZE(padding) == 2 &&
           pair_of(PyTuple_GET_ITEM(padding, 0), 0, window.before[0], window.after[0]) &&
           pair_of(PyTuple_GET_ITEM(padding, 1), 0, window.before[1], window.after[1]);
}

// A window but for its kernel: stride, padding and dilation as the core's ops have them.
inline bool window_of(PyObject* stride, PyObject* padding, PyObject* dilation, Window& window) {
    return pair_of(stride, 1, window.stride[0], window.stride[1]) && padding_of(padding, window) &&
           pair_of(dilation, 1, window.dilation[0], window.dilation[1]);
}

// How many windows fit along a dimension.
inline std::size_t windows_in(std::size_t size, const Window& window, int dim) {
    const std::size_t room = size + window.before[dim] + window.after[dim];
    const std::size_t span = window.dilation[dim] * (window.kernel[dim] - 1) + 1;
    return room < span ? 0 : (room - span) / window.stride[dim] + 1;
}

// The four sizes of images, of a tuple (batch, channels, height, width); none is 0.
inline bool sizes_of(PyObject* shape, std::size_t (&sizes)[4]) {
    if (!PyTuple_Check(shape) || PyTuple_GET_SIZE(shape) != 4) return false;
    for (int i = 0; i < 4; i++) {
        PyObject* size = PyTuple_GET_ITEM(shape, i);
        sizes[i] = PyLong_Check(size) ? PyLong_AsSize_t(size) : 0;
        if (PyErr_Occurred()) PyErr_Clear(), sizes[i] = 0;
        if (sizes[i] == 0) return false;
    }
    return true;
}

// A new array of images whose memory is channels-last.
struct ImageOutput : Output {
    ImageOutput(std::size_t batch, std::size_t channels, std::size_t height, std::size_t width, int type = NPY_FLOAT32)
        : ImageOutput(Shape{{static_cast<npy_intp>(batch), static_cast<npy_intp>(height), static_cast<npy_intp>(width),
                             static_cast<npy_intp>(channels)}},
                      type) {}
    // As the core shows it: (batch, channels, height, width), through strides.
    PyObject* as_channels_first() {
        npy_intp order[] = {0, 3, 1, 2};
        PyArray_Dims dims = {order, 4};
        return PyArray_Transpose(reinterpret_cast<PyArrayObject*>(array), &dims);
    }

  private:
    struct Shape {
        npy_intp sizes[4];
    };
    ImageOutput(const Shape& shape, int type) : Output(4, shape.sizes, type) {}
};

}  // namespace arrays
