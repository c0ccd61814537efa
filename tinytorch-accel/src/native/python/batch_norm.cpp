// The ops batch_norm, batch_norm_grad and batch_norm_inference, from Python to the kernels of kernels/batch_norm.cpp.

#include "arrays.h"
#include "kernels.h"
#include "memory.h"
#include "python/families.h"

namespace {

using namespace arrays;

constexpr int MOST_DIMS = 8;

// (batch, channels, ...) with its numbers in this order in memory or with the channels last; else `false`.
struct ChannelInput {
    explicit ChannelInput(PyObject* argument) {
        PyArrayObject* given = array_of(argument, NPY_FLOAT32);
        if (!given || (dims = PyArray_NDIM(given)) < 2 || dims > MOST_DIMS) return;
        for (int i = 0; i < dims; i++) order[i] = i;
        last = !lies_in_order(given, order);
        for (int i = 1; last && i < dims; i++) order[i] = i + 1 < dims ? i + 1 : 1;
        if (last && !lies_in_order(given, order)) return;
        array = given;
        data = static_cast<const float*>(PyArray_DATA(given));
        const std::size_t channels = PyArray_DIM(given, 1), batch = PyArray_DIM(given, 0);
        const std::size_t inner = PyArray_SIZE(given) / channels / batch;
        shape = last ? ChannelShape{batch * inner, channels, 1} : ChannelShape{batch, channels, inner};
    }
    explicit operator bool() const { return data; }
    std::size_t size() const { return PyArray_SIZE(array); }
    bool is_like(const ChannelInput& other) const {
        return PyArray_SAMESHAPE(array, other.array) && (last == other.last || shape.inner == other.shape.inner);
    }
    // One number for each channel; may be missing.
    bool fits(const Optional& each) const {
        return each && (each.missing || (PyArray_NDIM(each.array) == 1 && each.size == shape.channels));
    }

    PyArrayObject* array;
    const float* data = nullptr;
    ChannelShape shape;
    int dims, order[MOST_DIMS];
    bool last;
};

// A new array like the input, in its order of memory.
struct ChannelOutput : Output {
    explicit ChannelOutput(const ChannelInput& like) : ChannelOutput(like, Shape(like)) {}
    PyObject* in_order() {
        npy_intp places[MOST_DIMS];
        for (int i = 0; i < like.dims; i++) places[like.order[i]] = i;
        PyArray_Dims dims = {places, like.dims};
        return like.last ? PyArray_Transpose(reinterpret_cast<PyArrayObject*>(array), &dims) : release();
    }

  private:
    struct Shape {
        explicit Shape(const ChannelInput& like) {
            for (int i = 0; i < like.dims; i++) sizes[i] = PyArray_DIM(like.array, like.order[i]);
        }
        npy_intp sizes[MOST_DIMS];
    };
    ChannelOutput(const ChannelInput& like, const Shape& shape) : Output(like.dims, shape.sizes), like(like) {}
    const ChannelInput& like;
};

PyObject* batch_norm(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("batch_norm", 4, count)) return nullptr;
    const ChannelInput x(args[0]);
    const Optional weight(args[1]), bias(args[2]);
    const double eps = PyFloat_AsDouble(args[3]);
    if (PyErr_Occurred()) return nullptr;
    if (!x || !x.fits(weight) || !x.fits(bias)) Py_RETURN_NONE;
    npy_intp each[MOST_DIMS];
    for (int i = 0; i < x.dims; i++) each[i] = i == 1 ? x.shape.channels : 1;
    ChannelOutput out(x);
    Output mean(x.dims, each), rstd(x.dims, each);
    const memory::Workspace workspace(batch_norm_workspace(x.shape));
    if (!out || !mean || !rstd) return nullptr;
    if (!workspace.data) return PyErr_NoMemory();
    {
        WithoutGil meanwhile(x.size());
        kernels().batch_norm({x.data, weight.data, bias.data, out.data, mean.data, rstd.data,
                              reinterpret_cast<double*>(workspace.data), x.shape, static_cast<float>(eps)});
    }
    PyObject* normalized = out.in_order();
    return normalized ? Py_BuildValue("NNN", normalized, mean.release(), rstd.release()) : nullptr;
}

PyObject* batch_norm_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("batch_norm_grad", 5, count)) return nullptr;
    const ChannelInput grad(args[0]), x(args[1]);
    const Optional weight(args[2]);
    const Input mean(args[3]), rstd(args[4]);
    if (!grad || !x || !grad.is_like(x) || !x.fits(weight) || !mean || !rstd) Py_RETURN_NONE;
    const npy_intp channels = x.shape.channels;
    if (mean.size != x.shape.channels || rstd.size != x.shape.channels) Py_RETURN_NONE;
    ChannelOutput by_x(x);
    Output by_weight(1, &channels), by_bias(1, &channels);
    const memory::Workspace workspace(batch_norm_workspace(x.shape));
    if (!by_x || !by_weight || !by_bias) return nullptr;
    if (!workspace.data) return PyErr_NoMemory();
    {
        WithoutGil meanwhile(x.size());
        kernels().batch_norm_grad({grad.data, x.data, weight.data, mean.data, rstd.data, by_x.data, by_weight.data,
                                   by_bias.data, reinterpret_cast<double*>(workspace.data), x.shape});
    }
    PyObject* first = by_x.in_order();
    return first ? Py_BuildValue("NNN", first, by_weight.release(), by_bias.release()) : nullptr;
}

PyObject* batch_norm_inference(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("batch_norm_inference", 6, count)) return nullptr;
    const ChannelInput x(args[0]);
    const Optional mean(args[1]), variance(args[2]), weight(args[3]), bias(args[4]);
    const double eps = PyFloat_AsDouble(args[5]);
    if (PyErr_Occurred()) return nullptr;
    if (!x || mean.missing || variance.missing) Py_RETURN_NONE;
    if (!x.fits(mean) || !x.fits(variance) || !x.fits(weight) || !x.fits(bias)) Py_RETURN_NONE;
    ChannelOutput out(x);
    if (!out) return nullptr;
    {
        WithoutGil meanwhile(x.size());
        kernels().batch_norm_inference(
            {x.data, mean.data, variance.data, weight.data, bias.data, out.data, x.shape, static_cast<float>(eps)});
    }
    return out.in_order();
}

}  // namespace

PyMethodDef BATCH_NORM[] = {FUNCTION(batch_norm), FUNCTION(batch_norm_grad), FUNCTION(batch_norm_inference), {}};
