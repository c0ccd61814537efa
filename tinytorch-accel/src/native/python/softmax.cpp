// The ops softmax, log_softmax and their gradients, from Python to the kernels of kernels/softmax.cpp: along the last
// dimension.

#include "arrays.h"
#include "kernels.h"
#include "python/families.h"

namespace {

using namespace arrays;

bool is_last(const Input& x, PyObject* axis) {
    const long asked = PyLong_AsLong(axis);
    const int dims = PyArray_NDIM(x.array);
    return dims && (asked == dims - 1 || asked == -1);
}

std::size_t width_of(const Input& x) { return PyArray_DIM(x.array, PyArray_NDIM(x.array) - 1); }

PyObject* forward(PyObject* const* args, decltype(Kernels::softmax) kernel) {
    const Input x(args[0]);
    if (!x || !is_last(x, args[1])) {
        if (PyErr_Occurred()) return nullptr;
        Py_RETURN_NONE;
    }
    Output out(x);
    if (!out) return nullptr;
    {
        WithoutGil meanwhile(x.size);
        kernel(x.data, out.data, x.size / width_of(x), width_of(x));
    }
    return out.release();
}

PyObject* backward(PyObject* const* args, decltype(Kernels::softmax_grad) kernel) {
    const Input grad(args[0]), out(args[1]);
    if (!grad || !out || !grad.has_shape_of(out) || !is_last(out, args[2])) {
        if (PyErr_Occurred()) return nullptr;
        Py_RETURN_NONE;
    }
    Output by_x(out);
    if (!by_x) return nullptr;
    {
        WithoutGil meanwhile(out.size);
        kernel(grad.data, out.data, by_x.data, out.size / width_of(out), width_of(out));
    }
    return by_x.release();
}

PyObject* softmax(PyObject*, PyObject* const* args, Py_ssize_t count) {
    return takes("softmax", 2, count) ? forward(args, kernels().softmax) : nullptr;
}

PyObject* log_softmax(PyObject*, PyObject* const* args, Py_ssize_t count) {
    return takes("log_softmax", 2, count) ? forward(args, kernels().log_softmax) : nullptr;
}

PyObject* softmax_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    return takes("softmax_grad", 3, count) ? backward(args, kernels().softmax_grad) : nullptr;
}

PyObject* log_softmax_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    return takes("log_softmax_grad", 3, count) ? backward(args, kernels().log_softmax_grad) : nullptr;
}

}  // namespace

PyMethodDef SOFTMAX[] = {
    FUNCTION(softmax), FUNCTION(log_softmax), FUNCTION(softmax_grad), FUNCTION(log_softmax_grad), {}};
