// The op rotary, from Python to the kernel of kernels/rotary.cpp.

#include "arrays.h"
#include "kernels.h"
#include "python/families.h"

namespace {

using namespace arrays;

constexpr int DIMS = 4;  // (batch, heads, time, width); those that an array lacks in front are 1

// Where an array's vectors lie, given the sizes of the first three dimensions; its own are these or 1. Null where they
// are not, or where a vector's numbers do not lie in a row.
template <class Number> Four<Number> vectors_of(PyArrayObject* array, const npy_intp (&sizes)[DIMS], npy_intp width) {
    Four<Number> out{};
    const int before = DIMS - PyArray_NDIM(array);
    std::ptrdiff_t* const strides[] = {&out.batch, &out.head, &out.time};
    if (PyArray_DIM(array, DIMS - 1 - before) != width) return out;
    if (width > 1 && PyArray_STRIDE(array, DIMS - 1 - before) != sizeof(float)) return out;
    for (int i = before; i < DIMS - 1; i++) {
        const npy_intp size = PyArray_DIM(array, i - before), stride = PyArray_STRIDE(array, i - before);
        if ((size != 1 && size != sizes[i]) || stride % static_cast<npy_intp>(sizeof(float))) return out;
        *strides[i] = size == 1 ? 0 : stride / static_cast<npy_intp>(sizeof(float));
    }
    out.data = static_cast<Number*>(PyArray_DATA(array));
    return out;
}

// The distances in a new array with the dimensions in this order.
Four<float> in_order(const Order& order, const npy_intp (&sizes)[DIMS]) {
    std::ptrdiff_t distance = 1, distances[DIMS] = {};
    for (int i = order.dims - 1; i >= 0; i--) {
        const int dim = DIMS - order.dims + order.place[i];
        distances[dim] = distance;
        distance *= sizes[dim];
    }
    return {nullptr, distances[0], distances[1], distances[2]};
}

bool has_vectors(PyArrayObject* array) { return array && PyArray_NDIM(array) >= 1 && PyArray_NDIM(array) <= DIMS; }

PyObject* rotary(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("rotary", 4, count)) return nullptr;
    PyArrayObject *x = array_of(args[0], NPY_FLOAT32), *cos = array_of(args[1], NPY_FLOAT32),
                  *sin = array_of(args[2], NPY_FLOAT32);
    if (!has_vectors(x) || !has_vectors(cos) || !has_vectors(sin) || PyArray_NDIM(cos) > PyArray_NDIM(x) ||
        PyArray_NDIM(sin) > PyArray_NDIM(x))
        Py_RETURN_NONE;
    npy_intp sizes[DIMS] = {1, 1, 1, 1};
    for (int i = 0; i < PyArray_NDIM(x); i++) sizes[DIMS - PyArray_NDIM(x) + i] = PyArray_DIM(x, i);
    const npy_intp width = sizes[DIMS - 1];
    Rotary job{vectors_of<const float>(x, sizes, width),
               vectors_of<const float>(cos, sizes, width / 2),
               vectors_of<const float>(sin, sizes, width / 2),
               {},
               static_cast<std::size_t>(sizes[0]),
               static_cast<std::size_t>(sizes[1]),
               static_cast<std::size_t>(sizes[2]),
               static_cast<std::size_t>(width / 2),
               PyObject_IsTrue(args[3]) == 1};
    if (PyErr_Occurred()) return nullptr;
    if (width % 2 || !job.x.data || !job.cos.data || !job.sin.data) Py_RETURN_NONE;
    const Order order(x);
    if (order.place[order.dims - 1] != order.dims - 1) Py_RETURN_NONE;
    OutputInOrder out(x, order);
    if (!out) return nullptr;
    job.out = in_order(order, sizes);
    job.out.data = out.data;
    {
        WithoutGil meanwhile(2 * job.half * job.batch * job.heads * job.time);
        kernels().rotary(job);
    }
    return out.release(order);
}

}  // namespace

PyMethodDef ROTARY[] = {FUNCTION(rotary), {}};
