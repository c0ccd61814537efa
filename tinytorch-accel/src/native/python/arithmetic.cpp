// Arithmetic ops, from Python to the kernels of kernels/arithmetic.cpp.

#include "python/elementwise.h"

namespace arrays {

// From the innermost dimension outwards: ones, then dimensions of the larger one, whose numbers lie in a row, then ones.
Repeated::Repeated(PyArrayObject* larger, const Order& order, PyArrayObject* smaller)
    : data(static_cast<const float*>(PyArray_DATA(smaller))) {
    const int before = order.dims - PyArray_NDIM(smaller);
    bool ended = false;
    for (int i = order.dims - 1; i >= 0 && run; i--) {
        const npy_intp size = PyArray_DIM(larger, order.place[i]);
        const int dim = order.place[i] - before;
        const npy_intp own = dim < 0 ? 1 : PyArray_DIM(smaller, dim), stride = dim < 0 ? 0 : PyArray_STRIDE(smaller, dim);
        if (size == 1 && own == 1) continue;
        if (own == 1 || (own == size && stride == 0)) {
            if (count == 1)
                run *= size;
            else
                ended = true;
        } else if (own == size && !ended && stride == static_cast<npy_intp>(count * sizeof(float))) {
            count *= size;
        } else {
            run = 0;
        }
    }
}

namespace {

PyObject* repeated(ElementwiseTwo kernel, const InOrder& larger, PyArrayObject* smaller) {
    if (!larger || !smaller || PyArray_NDIM(smaller) > PyArray_NDIM(larger.array)) return nullptr;
    const Order order = larger.order();
    if (order.dims > Order::MOST_DIMS) return nullptr;
    const Repeated other(larger.array, order, smaller);
    if (!other.run) return nullptr;
    return like(larger, order, [&](float* out) {
        kernel({larger.data, other.data, out, larger.size, other.count, other.run});
    });
}

}  // namespace

// `forward` where the second may be the smaller one, `swapped` where the first is.
PyObject* computed(ElementwiseTwo forward, ElementwiseTwo swapped, PyObject* first, PyObject* second) {
    const InOrder a(first), b(second);
    if (a)
        if (PyObject* out = repeated(forward, a, b ? b.array : array_of(second, NPY_FLOAT32))) return out;
    if (b && !PyErr_Occurred())
        if (PyObject* out = repeated(swapped, b, a ? a.array : array_of(first, NPY_FLOAT32))) return out;
    if (PyErr_Occurred()) return nullptr;
    Py_RETURN_NONE;
}

}  // namespace arrays

namespace {

using namespace arrays;

// The truth values of an array like x, a byte each; else null.
const unsigned char* truths_like(const InOrder& x, PyObject* argument) {
    PyArrayObject* mask = array_of(argument, NPY_BOOL);
    return mask && x.is_like(mask) ? static_cast<const unsigned char*>(PyArray_DATA(mask)) : nullptr;
}

PyObject* dropout(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("dropout", 3, count)) return nullptr;
    const InOrder x(args[0]);
    const double scale = PyFloat_AsDouble(args[2]);
    if (PyErr_Occurred()) return nullptr;
    const unsigned char* mask = x ? truths_like(x, args[1]) : nullptr;
    if (!mask) Py_RETURN_NONE;
    return like(x, x.order(), [&](float* out) {
        kernels().dropout(x.data, mask, static_cast<float>(scale), out, x.size);
    });
}

// A choice of an array's numbers, or of one number each time.
struct Choice {
    Choice(const InOrder& from, const InOrder& like) : data(from.data), is_one(from && from.size == 1 && !PyArray_NDIM(from.array)) {
        if (!is_one && !(from && like.is_like(from.array))) data = nullptr;
    }
    const float* data;
    const bool is_one;
};

// As the core's: one of the two, at least, has the condition's shape.
PyObject* choose(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("select", 3, count)) return nullptr;
    const InOrder first(args[1]), second(args[2]);
    if (!first || !second) Py_RETURN_NONE;
    const InOrder& larger = PyArray_NDIM(first.array) ? first : second;
    const Choice yes(first, larger), no(second, larger);
    const unsigned char* condition = truths_like(larger, args[0]);
    if (!yes.data || !no.data || !condition) Py_RETURN_NONE;
    return like(larger, larger.order(), [&](float* out) {
        kernels().select({condition, yes.data, no.data, out, larger.size, yes.is_one, no.is_one});
    });
}

// A bound that may be None, which is `missing`; `false` for what is no number to compare with.
struct Bound {
    explicit Bound(PyObject* argument) : missing(argument == Py_None) {
        value = missing ? 0.0f : static_cast<float>(PyFloat_AsDouble(argument));
        if (PyErr_Occurred()) PyErr_Clear(), value = __builtin_nanf("");
    }
    explicit operator bool() const { return value == value; }
    const float* get() const { return missing ? nullptr : &value; }
    const bool missing;
    float value;
};

PyObject* clip(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("clip", 3, count)) return nullptr;
    const InOrder x(args[0]);
    const Bound low(args[1]), high(args[2]);
    if (!x || !low || !high || (low.missing && high.missing)) Py_RETURN_NONE;
    return like(x, x.order(), [&](float* out) { kernels().clip(x.data, low.get(), high.get(), out, x.size); });
}

}  // namespace

PyMethodDef ARITHMETIC[] = {of_two<"add", &Kernels::add, &Kernels::add>(),
                            of_two<"subtract", &Kernels::subtract, &Kernels::subtract_from>(),
                            of_two<"multiply", &Kernels::multiply, &Kernels::multiply>(),
                            of_two<"divide", &Kernels::divide, &Kernels::divide_from>(),
                            of_one<"negative", &Kernels::negative>(),
                            of_one<"absolute", &Kernels::absolute>(),
                            of_one<"sqrt", &Kernels::sqrt>(),
                            of_grad<"tanh_grad", &Kernels::tanh_grad>(),
                            of_grad<"sigmoid_grad", &Kernels::sigmoid_grad>(),
                            named("dropout", dropout),
                            named("select", choose),
                            named("clip", clip),
                            {}};
